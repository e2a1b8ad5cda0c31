#include "ipc/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "base/random.h"
#include "base/secret_bytes.h"
#include "tests/unit/ipc/hand_made_peer.h"

using namespace sekisho;
using namespace sekisho::ipc;

namespace {

struct Pair {
  CounterMemory counters = std::move(*CounterMemory::create());
  std::unique_ptr<Channel> control;
  std::unique_ptr<Channel> dataplane;

  Pair() {
    auto [a, b] = socket_pair();
    std::thread other([this, socket = std::move(b)]() mutable {
      dataplane = std::move(*Channel::open(std::move(socket), Side::dataplane, &counters));
    });
    control = std::move(*Channel::open(std::move(a), Side::control));
    other.join();
  }
};

RouteRemove numbered(uint32_t number) {
  RouteRemove message;
  std::memcpy(message.prefix.bytes.data(), &number, sizeof number);
  return message;
}

uint32_t number_of(const RouteRemove& message) {
  uint32_t number = 0;
  std::memcpy(&number, message.prefix.bytes.data(), sizeof number);
  return number;
}

// Whether memory, as the peer reads it, shows 16 bytes of `value` in a row.
bool shows_secret(const SealedMemory& memory, uint8_t value) {
  const std::string run(16, static_cast<char>(value));
  return std::string_view(static_cast<const char*>(memory.data()), memory.size()).find(run) != std::string_view::npos;
}

// Whether the stack, down to where it ever reached, holds these bytes.
bool on_the_stack(ByteView needle) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long start = 0, end = 0;
    if (!line.ends_with("[stack]") || std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) != 2) continue;
    const auto *first = reinterpret_cast<const uint8_t*>(start), *last = reinterpret_cast<const uint8_t*>(end);
    return std::search(first, last, needle.begin(), needle.end()) != last;
  }
  FAIL("no stack");
  return false;
}

bool readable(int fd, int timeout_ms = 0) {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, timeout_ms) == 1;
}

}  // namespace

TEST_CASE("messages cross both ways, many times around the ring") {
  Pair pair;
  ReceivedMessage message;
  uint32_t sent = 0;
  uint32_t received = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 100; ++i) REQUIRE(pair.control->send(numbered(sent++)));
    pair.control->flush();
    REQUIRE(readable(pair.dataplane->wake_fd()));
    pair.dataplane->drain();
    CHECK_FALSE(readable(pair.dataplane->wake_fd()));
    while (*pair.dataplane->receive(message)) {
      const auto route = message.as<RouteRemove>();
      REQUIRE(route);
      REQUIRE(number_of(*route) == received++);
      REQUIRE_FALSE(message.as<SaRemove>());
    }
    REQUIRE(received == sent);
  }
  REQUIRE(pair.dataplane->send(UnknownSpi{.spi = 7}));
  REQUIRE(*pair.control->receive(message));
  REQUIRE(message.as<UnknownSpi>()->spi == 7);
}

TEST_CASE("a full ring refuses, and its producer is woken when there is room") {
  Pair pair;
  REQUIRE(pair.control->room() == ring_capacity);
  for (uint32_t i = 0; i < ring_capacity; ++i) REQUIRE(pair.control->send(numbered(i)));
  CHECK_FALSE(pair.control->send(numbered(0)));
  CHECK(pair.control->room() == 0);
  CHECK_FALSE(readable(pair.control->wake_fd()));
  ReceivedMessage message;
  while (*pair.dataplane->receive(message)) continue;
  CHECK(readable(pair.control->wake_fd()));
  pair.control->drain();
  CHECK(pair.control->send(numbered(1)));
  CHECK(pair.control->room() == ring_capacity - 1);
  // Nobody waits for room now, so nobody is woken.
  CHECK(*pair.dataplane->receive(message));
  CHECK_FALSE(*pair.dataplane->receive(message));
  CHECK_FALSE(readable(pair.control->wake_fd()));
}

TEST_CASE("a producer and a consumer on two threads lose and garble nothing") {
  Pair pair;
  constexpr uint32_t total = 100'000;
  std::thread producer([&] {
    for (uint32_t i = 0; i < total;) {
      if (pair.control->send(numbered(i))) {
        ++i;
        continue;
      }
      pair.control->flush();
      readable(pair.control->wake_fd(), 10'000);
      pair.control->drain();
    }
    pair.control->flush();
  });
  ReceivedMessage message;
  uint32_t next = 0;
  bool in_order = true;
  while (next < total) {
    if (!*pair.dataplane->receive(message)) {
      if (!readable(pair.dataplane->wake_fd(), 10'000)) break;
      pair.dataplane->drain();
      continue;
    }
    in_order = in_order && number_of(*message.as<RouteRemove>()) == next++;
  }
  producer.join();
  CHECK(in_order);
  CHECK(next == total);
}

TEST_CASE("a peer that goes is seen at the socket") {
  Pair pair;
  CHECK_FALSE(readable(pair.control->socket_fd()));
  pair.dataplane.reset();
  CHECK(readable(pair.control->socket_fd()));
  CHECK(pair.control->send(numbered(1)));
  pair.control->flush();  // rings a bell that nobody holds
  ReceivedMessage message;
  CHECK_FALSE(*pair.control->receive(message));
}

TEST_CASE("counters are shared, read-only for control, and outlive the channel") {
  Pair pair;
  auto& drops = pair.counters.table().writers[1].drops;
  drops.value[3] = 42;
  const CounterTable* seen = pair.control->peer_counters();
  REQUIRE(seen);
  CHECK(seen->writers[1].drops.value[3] == 42);
  CHECK_FALSE(pair.dataplane->peer_counters());
  pair.dataplane.reset();
  drops.value[3] = 43;
  CHECK(seen->writers[1].drops.value[3] == 43);
}

TEST_CASE("every counter has a name of its own") {
  for (size_t i = 0; i < static_cast<size_t>(DropReason::count); ++i)
    CHECK_FALSE(name(static_cast<DropReason>(i)).empty());
  for (size_t i = 0; i < static_cast<size_t>(SaCounter::count); ++i)
    CHECK_FALSE(name(static_cast<SaCounter>(i)).empty());
  for (size_t i = 0; i < static_cast<size_t>(PortCounter::count); ++i)
    CHECK_FALSE(name(static_cast<PortCounter>(i)).empty());
  CHECK(name(DropReason::esp_unknown_spi) == "esp-unknown-spi");
  CHECK(name(DropReason::cipher_failure) == "cipher-failure");
  CHECK(name(SaCounter::cipher_failure) == "cipher-failure");
  CHECK(name(PortCounter::from_kernel) == "from-kernel");
  CHECK(name(DropReason::count) == "unknown");
}

TEST_CASE("keys leave the ring once they were consumed") {
  auto [ours, theirs] = socket_pair();
  HandMadePeer peer(std::move(theirs), Side::dataplane);
  auto control = std::move(*Channel::open(std::move(ours), Side::control));
  REQUIRE(peer.accept());

  SaAdd sa;
  sa.key.fill(0xa5);
  REQUIRE(control->send(sa));
  CHECK(shows_secret(peer.other(), 0xa5));
  peer.own().consumed = 1;
  control->drain();
  CHECK_FALSE(shows_secret(peer.other(), 0xa5));

  sa.key.fill(0x5a);
  REQUIRE(control->send(sa));
  CHECK(shows_secret(peer.other(), 0x5a));
  REQUIRE(control->send(SaRemove{}));
  control.reset();  // unread, but its sender goes
  CHECK_FALSE(shows_secret(peer.other(), 0x5a));
  // A peer that reads on finds no message there.
  const auto& outbox = *static_cast<const Outbox*>(peer.other().data());
  CHECK(outbox.produced == 3);
  CHECK(outbox.slots[1].header == 0);
  CHECK(outbox.slots[2].header == 0);
}

TEST_CASE("a received message wipes what the message before it held") {
  Pair pair;
  SaAdd sa;
  sa.key.fill(0xa5);
  REQUIRE(pair.control->send(sa));
  REQUIRE(pair.control->send(SaRemove{}));
  ReceivedMessage message;
  REQUIRE(*pair.dataplane->receive(message));
  const std::string_view storage(reinterpret_cast<const char*>(&message), sizeof message);
  const std::string key(96, '\xa5');
  CHECK(storage.find(key) != std::string_view::npos);
  REQUIRE(*pair.dataplane->receive(message));
  CHECK(storage.find(key) == std::string_view::npos);
}

TEST_CASE("a message taken as its type leaves no other copy behind") {
  Pair pair;
  SecretBytes sent(sizeof(SaAdd));
  SystemRandom().fill(sent.writable());
  const ByteView key = sent.view().subspan(offsetof(SaAdd, key), esp_max_key_material);
  REQUIRE(pair.control->send_bytes(static_cast<uint16_t>(SaAdd::type), sent.view()));
  {
    ReceivedMessage message;
    REQUIRE(*pair.dataplane->receive(message));
    auto command = message.as<SaAdd>();
    const bool whole = command && std::ranges::equal(command->key, key);
    if (command) wipe({reinterpret_cast<uint8_t*>(&*command), sizeof *command});
    CHECK(whole);
  }
  CHECK_FALSE(on_the_stack(key));
  const Bytes visible(key.begin(), key.end());
  std::array<uint8_t, esp_max_key_material> copy;
  std::ranges::copy(visible, copy.begin());
  CHECK(on_the_stack(copy));  // the search finds what is there
}

TEST_CASE("the peer cannot write to an outbox, nor resize it") {
  auto [ours, theirs] = socket_pair();
  HandMadePeer peer(std::move(theirs), Side::dataplane);
  auto control = std::move(*Channel::open(std::move(ours), Side::control));
  REQUIRE(peer.accept());
  const int fd = peer.other().fd();
  CHECK(::mmap(nullptr, sizeof(Outbox), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  CHECK(::mprotect(const_cast<void*>(peer.other().data()), 4096, PROT_READ | PROT_WRITE) < 0);
  const uint8_t byte = 0;
  CHECK(::pwrite(fd, &byte, 1, 0) < 0);
  CHECK(::ftruncate(fd, 4096) < 0);
  CHECK(::ftruncate(fd, 1 << 24) < 0);
  // Nor by way of /proc, which opens the same file anew.
  const UniqueFd again(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR));
  CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again.get(), 0) == MAP_FAILED);
}

TEST_CASE("outboxes stay out of core dumps") {
  Pair pair;
  std::ifstream maps("/proc/self/smaps");
  unsigned outboxes = 0;
  bool within = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:sekisho-") != std::string::npos) {
      ++outboxes;
      within = true;
    }
    if (!within || !line.starts_with("VmFlags:")) continue;
    CHECK(line.find(" dd") != std::string::npos);
    within = false;
  }
  CHECK(outboxes == 6);
}
