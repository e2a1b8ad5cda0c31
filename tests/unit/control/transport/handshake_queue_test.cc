#include "control/transport/handshake_queue.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "control/loop/loop.h"

namespace sekisho::control {
namespace {

using Verdict = HandshakeQueue::Verdict;

const Endpoint here{*IpAddress::parse("10.9.1.1"), 500};

Endpoint sender(uint16_t number) {
  return {IpAddress::from_bytes(Bytes{10, 9, static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}).value(),
          500};
}

Bytes message(uint8_t exchange, uint8_t flags, uint64_t responder_spi, uint8_t version = 0x20, size_t size = 100) {
  ByteWriter writer;
  writer.u64(7);
  writer.u64(responder_spi);
  writer.u8(33);
  writer.u8(version);
  writer.u8(exchange);
  writer.u8(flags);
  writer.zeros(size - writer.size());
  return std::move(writer).take();
}
const Bytes init = message(34, 0x08, 0), auth = message(35, 0x08, 9);

// The SAs that there are have odd SPIs.
bool of_ours(ByteView datagram) { return datagram[15] % 2 != 0; }

}  // namespace

TEST_CASE("only what belongs to a handshake waits") {
  HandshakeQueue queue(of_ours);
  CHECK(queue.offer(here, sender(1), init) == Verdict::queued);
  CHECK(queue.offer(here, sender(1), auth) == Verdict::queued);
  CHECK(queue.offer(here, sender(1), message(2, 0, 0, 0x10)) == Verdict::queued);  // main mode
  CHECK(queue.offer(here, sender(1), message(4, 0, 9, 0x10)) == Verdict::queued);  // aggressive mode
  CHECK(queue.size() == 4);
  for (const Bytes& other : {message(36, 0x08, 9), message(37, 0x08, 9), message(37, 0x28, 9),  //
                             message(34, 0x20, 9), message(35, 0x20, 9),              // answers to our requests
                             message(32, 0, 9, 0x10), message(5, 0, 9, 0x10),         // quick mode, informational
                             message(34, 0x08, 0, 0x30), message(35, 0x08, 8, 0x30),  // of a version to come
                             Bytes(), Bytes(19, 0x22)})
    CHECK(queue.offer(here, sender(1), other) == Verdict::elsewhere);
  CHECK(queue.size() == 4);
}

TEST_CASE("what goes on comes before what opens, each in its order") {
  HandshakeQueue queue(of_ours);
  queue.offer(here, sender(1), init);
  queue.offer(here, sender(2), init);
  queue.offer(here, sender(3), auth);
  CHECK(queue.take()->remote == sender(3));
  CHECK(queue.take()->remote == sender(1));
  CHECK(queue.take()->remote == sender(2));
  CHECK_FALSE(queue.take());
}

TEST_CASE("what goes on without end leaves every fourth turn to what opens") {
  HandshakeQueue queue(of_ours);
  for (uint16_t number = 1; number <= 3; ++number) queue.offer(here, sender(number), init);
  std::string order;
  for (uint16_t number = 100; order.size() < 16; ++number) {
    queue.offer(here, sender(number), auth);
    order += queue.take()->data == init ? 'o' : '.';
  }
  CHECK(order == "...o...o...o....");
  // One that comes after many others have gone on is the next.
  queue.offer(here, sender(1), init);
  CHECK(queue.take()->data == init);
}

TEST_CASE("a retransmission of what waits is not queued again; after it was taken it is") {
  HandshakeQueue queue(of_ours);
  CHECK(queue.offer(here, sender(1), init) == Verdict::queued);
  CHECK(queue.offer(here, sender(1), init) == Verdict::repeated);
  CHECK(queue.offer(here, sender(2), init) == Verdict::queued);
  Bytes other = init;
  other.back() ^= 1;
  CHECK(queue.offer(here, sender(1), other) == Verdict::queued);
  CHECK(queue.take()->data == init);
  CHECK(queue.offer(here, sender(1), init) == Verdict::queued);
  CHECK(queue.counters().repeated == 1);
}

TEST_CASE("a flood of first messages is bounded, and leaves room for peers that have shown more") {
  HandshakeQueue queue(of_ours);
  for (uint16_t number = 0; number < 10'000; ++number) queue.offer(here, sender(number), init);
  CHECK(queue.size() == HandshakeQueue::capacity);
  CHECK(queue.counters().dropped == 10'000 - HandshakeQueue::capacity);
  CHECK(queue.offer(here, sender(1), auth) == Verdict::queued);
  CHECK(queue.take()->data == auth);
  CHECK(queue.take()->remote == sender(0));  // the newest were dropped
  CHECK(queue.offer(here, sender(0), message(34, 0x08, 0, 0x20, HandshakeQueue::longest_datagram + 1)) ==
        Verdict::dropped);
}

TEST_CASE("a flood of invented SPIs takes no room, and no turn from those who open a handshake") {
  HandshakeQueue queue(of_ours);
  CHECK(queue.offer(here, sender(1), init) == Verdict::queued);
  for (uint16_t number = 0; number < 1000; ++number) {
    CHECK(queue.offer(here, sender(number), message(35, 0x08, 2 * number + 2)) == Verdict::refused);
    CHECK(queue.offer(here, sender(number), message(2, 0, 2 * number + 2, 0x10)) == Verdict::refused);
  }
  CHECK(queue.size() == 1);
  CHECK(queue.counters().refused == 2000);
  CHECK(queue.counters().dropped == 0);
  CHECK(queue.offer(here, sender(2), auth) == Verdict::queued);
  CHECK(queue.take()->data == auth);
  CHECK(queue.take()->data == init);
}

// One turn of the loop for one datagram: nothing starves.
TEST_CASE("a queue that is never empty and a socket that is always ready share the loop") {
  sd_event* loop = nullptr;
  REQUIRE(sd_event_new(&loop) >= 0);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "x", 1) == 1);
  size_t taken = 0, read = 0, fired = 0;
  {
    Turn turns(loop, [&] {
      ++taken;
      turns.ask();
    });
    Watch watch(loop, ends[0], EPOLLIN, [&](uint32_t) { ++read; });
    Timer timer(loop, [&] { ++fired; });
    timer.set_in(std::chrono::milliseconds(1));
    turns.ask();
    for (int turn = 0; turn < 1000 || fired == 0; ++turn) REQUIRE(sd_event_run(loop, 0) >= 0);
  }
  CHECK(taken > 100);
  CHECK(read > 100);
  CHECK(fired == 1);
  ::close(ends[0]);
  ::close(ends[1]);
  sd_event_unref(loop);
}

// The loop never waits for it, so a flood is worked off as fast as there is time for it.
TEST_CASE("a turn that is asked for comes at once") {
  sd_event* loop = nullptr;
  REQUIRE(sd_event_new(&loop) >= 0);
  size_t taken = 0;
  {
    Turn turns(loop, [&] {
      ++taken;
      turns.ask();
    });
    turns.ask();
    for (int turn = 0; turn < 100; ++turn) REQUIRE(sd_event_run(loop, 0) > 0);
    CHECK(taken == 100);
    turns.cancel();
    CHECK(sd_event_run(loop, 0) == 0);
  }
  CHECK(taken == 100);
  sd_event_unref(loop);
}

}  // namespace sekisho::control
