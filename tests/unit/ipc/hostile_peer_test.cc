// The other process as an enemy: in the hello, in the descriptors that it passes, and in everything that it writes into
// its outbox afterwards.
#include <catch2/catch.hpp>
#include <optional>
#include <random>

#include "base/messages/dataplane.h"
#include "tests/unit/ipc/hand_made_peer.h"

using namespace sekisho;
using namespace sekisho::ipc;

namespace {

constexpr int good_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

// What control makes of a dataplane that says this and passes these.
Error refusal(const Hello& hello, const std::vector<int>& descriptors, size_t size = sizeof(Hello)) {
  auto [ours, theirs] = socket_pair();
  send_with_descriptors(theirs.get(), &hello, size, descriptors);
  if (size < sizeof hello) ::shutdown(theirs.get(), SHUT_WR);
  auto opened = Channel::open(std::move(ours), Side::control);
  REQUIRE_FALSE(opened);
  return opened.error();
}

Hello good_hello() {
  Hello hello;
  hello.version = schema_version;
  hello.side = Side::dataplane;
  hello.descriptors = 3;
  return hello;
}

unsigned open_descriptors() {
  unsigned count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

// Plays one side against a peer that scribbles for `rounds`; a channel that reported a violation is replaced, as the
// daemons do. Returns how many violations were reported.
unsigned survive(Side victim, unsigned rounds, uint64_t seed) {
  std::mt19937_64 random(seed);
  const Side enemy = victim == Side::control ? Side::dataplane : Side::control;
  const CounterMemory counters = std::move(*CounterMemory::create());
  std::optional<HandMadePeer> peer;
  std::unique_ptr<Channel> channel;
  unsigned violations = 0;
  ReceivedMessage message;
  for (unsigned round = 0; round < rounds; ++round) {
    if (!channel) {
      auto [ours, theirs] = socket_pair();
      peer.emplace(std::move(theirs), enemy);
      channel = std::move(*Channel::open(std::move(ours), victim, &counters));
    }
    Outbox& outbox = peer->own();
    for (int i = 0; i < 4; ++i) {
      Slot& slot = outbox.slots[random() % ring_capacity];
      slot.header = static_cast<uint32_t>(random()) & (random() % 512 ? 0x001f03ff : 0xffffffff);
      slot.payload[random() % max_message_size] = static_cast<uint8_t>(random());
    }
    outbox.wants_room = static_cast<uint32_t>(random());
    // Mostly plausible, else the far side of the ring is never reached; sometimes a little, sometimes wildly wrong.
    switch (random() % 1024) {
      case 0:
        outbox.produced = random();
        break;
      case 1:
        outbox.consumed = random();
        break;
      case 2:
        outbox.produced -= random() % 4;
        break;
      default:
        outbox.produced += random() % 64;
    }
    (void)channel->send(SaRemove{SaId(static_cast<uint32_t>(random()))});
    channel->flush();
    channel->drain();
    for (;;) {
      const auto received = channel->receive(message);
      if (!received) {
        CHECK(received.error().message == &messages::channel_peer_violation);
        ++violations;
        channel.reset();
        break;
      }
      if (!*received) break;
      REQUIRE(message.payload().size() <= max_message_size);
      (void)message.as<SaEvent>();
      (void)message.as<TransactionResult>();
      (void)message.as<SaAdd>();
    }
  }
  return violations;
}

}  // namespace

TEST_CASE("a hello of another version, side or making is refused") {
  const UniqueFd outbox = memfd(sizeof(Outbox), good_seals);
  const UniqueFd counters = memfd(sizeof(CounterTable), good_seals);
  const std::vector<int> descriptors = {outbox.get(), outbox.get(), counters.get()};
  const unsigned before = open_descriptors();

  Hello hello = good_hello();
  ++hello.version;
  CHECK(refusal(hello, descriptors).message == &messages::channel_version_differs);
  // Another version's hello may be shorter than ours.
  CHECK(refusal(hello, descriptors, 12).message == &messages::channel_version_differs);
  hello = good_hello();
  hello.side = Side::control;
  CHECK(refusal(hello, descriptors).message == &messages::channel_peer_violation);
  hello = good_hello();
  hello.magic = 0;
  CHECK(refusal(hello, descriptors).message == &messages::channel_peer_violation);
  CHECK(refusal(good_hello(), descriptors, 7).message == &messages::channel_not_opened);
  CHECK(refusal(good_hello(), {}).message == &messages::channel_peer_violation);
  CHECK(refusal(good_hello(), {outbox.get()}).message == &messages::channel_peer_violation);
  CHECK(refusal(good_hello(), std::vector<int>(9, outbox.get())).message == &messages::channel_peer_violation);

  CHECK(open_descriptors() == before);
}

TEST_CASE("a peer that says nothing is not waited for long") {
  auto [ours, theirs] = socket_pair();
  auto opened = Channel::open(std::move(ours), Side::control);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message == &messages::channel_not_opened);
}

TEST_CASE("memory that is not sealed, or not of the due size, is refused") {
  const UniqueFd good = memfd(sizeof(Outbox), good_seals);
  const UniqueFd counters = memfd(sizeof(CounterTable), good_seals);
  const auto verdict = [&](int outbox, int counter_memory) {
    return refusal(good_hello(), {outbox, good.get(), counter_memory}).message;
  };
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL}) {
    const UniqueFd bad = memfd(sizeof(Outbox), good_seals & ~missing);
    CHECK(verdict(bad.get(), counters.get()) == &messages::channel_peer_violation);
  }
  const UniqueFd small = memfd(4096, good_seals);
  CHECK(verdict(small.get(), counters.get()) == &messages::channel_peer_violation);
  CHECK(verdict(good.get(), small.get()) == &messages::channel_peer_violation);
  CHECK(verdict(0, counters.get()) == &messages::channel_peer_violation);
}

TEST_CASE("both sides survive a peer that writes anything, and say so") {
  CHECK(survive(Side::control, 30'000, 1) > 100);
  CHECK(survive(Side::dataplane, 30'000, 2) > 100);
}

TEST_CASE("a consumer index ahead of what was sent stops the channel and overwrites nothing") {
  auto [ours, theirs] = socket_pair();
  HandMadePeer peer(std::move(theirs), Side::dataplane);
  auto control = std::move(*Channel::open(std::move(ours), Side::control));
  peer.own().consumed = 5;
  CHECK_FALSE(control->send(SaRemove{}));
  CHECK(control->room() == 0);
  ReceivedMessage message;
  CHECK(control->receive(message).error().message == &messages::channel_peer_violation);
}
