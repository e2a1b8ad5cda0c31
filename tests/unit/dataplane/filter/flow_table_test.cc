#include "dataplane/filter/flow_table.h"

#include <array>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane {
namespace {

constexpr Ticks second = 16;

std::unique_ptr<FlowTable> table(size_t places) {
  auto made = FlowTable::create(places, second);
  REQUIRE(made);
  return std::move(*made);
}

uint64_t hash(const FlowTable& flows, uint64_t number) {
  FlowKey key;
  key.local[1] = number;
  return flows.hash(key);
}

FlowEntry entry(Ticks expiry, FlowState state = FlowState::opening) { return {.expiry = expiry, .state = state}; }

}  // namespace

// The reference implementation's vectors: key 00 01 .. 0f, input 00 01 .., of length 0 to 15; the last one is the
// paper's own.
TEST_CASE("SipHash-2-4 gives the published values") {
  constexpr SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  constexpr std::array<uint64_t, 9> shortest = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
                                                0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
                                                0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462};
  std::array<uint8_t, 15> input;
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<uint8_t>(i);
  for (size_t length = 0; length < shortest.size(); ++length)
    CHECK(sip_hash(key, input.data(), length) == shortest[length]);
  CHECK(sip_hash(key, input.data(), input.size()) == 0xa129ca6149be45e5);
}

TEST_CASE("a flow is found until it expires, and as it was left") {
  const auto flows = table(64);
  const uint64_t one = hash(*flows, 1);
  CHECK_FALSE(flows->find(one, 0));
  const FlowEntry first{
      .expiry = 100, .generation = 0xabcd, .state = FlowState::answered, .initiator = ipc::Direction::outbound};
  REQUIRE(flows->insert(one, first, 0));
  auto found = flows->find(one, 99);
  REQUIRE(found);
  CHECK(found.flow == first);
  CHECK_FALSE(flows->find(one, 100));
  CHECK_FALSE(flows->find(hash(*flows, 2), 0));
  CHECK(flows->count(0, flows->places(), 99) == 1);
  CHECK(flows->count(0, flows->places(), 100) == 0);

  FlowEntry longer = first;
  longer.expiry = 4'000'000'000;
  flows->replace(found, longer);
  REQUIRE(flows->find(one, 200));
  flows->replace(found, first);  // found before the change: without effect
  const auto again = flows->find(one, 200);
  REQUIRE(again);
  CHECK(again.flow == longer);
  // In place of itself, whatever state it is in.
  REQUIRE(flows->insert(one, first, 0));
  CHECK(flows->find(one, 0).flow == first);
  flows->erase(flows->find(one, 0));
  CHECK_FALSE(flows->find(one, 0));
}

TEST_CASE("openings push out openings, and nothing pushes out what is established") {
  const auto flows = table(8);  // two buckets: each flow may be anywhere, or in one of them
  std::vector<uint64_t> established;
  uint64_t number = 0;
  while (established.size() < 4) {
    const uint64_t flow = hash(*flows, number++);
    if (flows->insert(flow, entry(1000, FlowState::established), 0)) established.push_back(flow);
  }
  for (Ticks i = 0; i < 1000; ++i) static_cast<void>(flows->insert(hash(*flows, number++), entry(500 + i), 0));
  for (const uint64_t flow : established) CHECK(flows->find(flow, 0));
  CHECK(flows->count(0, 8, 0) == 8);
  // The place of the one that would have expired first.
  const uint64_t last = hash(*flows, number++);
  if (flows->insert(last, entry(400), 0)) CHECK(flows->find(last, 0));

  while (flows->insert(hash(*flows, number), entry(1000, FlowState::established), 0)) {
    REQUIRE(number < 10'000);
    ++number;
  }
  for (const uint64_t flow : established) CHECK(flows->find(flow, 0));
  // What has expired makes room.
  CHECK(flows->insert(hash(*flows, number), entry(3000), 1000));
}

TEST_CASE("two choices fill a good part of the table before a flow is refused") {
  const auto flows = table(4096);
  unsigned taken = 0;
  while (flows->insert(hash(*flows, taken), entry(1000, FlowState::established), 0)) ++taken;
  CHECK(taken > 4096 * 4 / 10);
}

TEST_CASE("lifetimes are those of protocol and state") {
  const auto flows = table(8);
  CHECK(flows->lifetime(protocol_tcp, FlowState::opening) == 240 * second);
  CHECK(flows->lifetime(protocol_tcp, FlowState::established) == 7440 * second);
  CHECK(flows->lifetime(protocol_tcp, FlowState::initiator_ended) == 7440 * second);
  CHECK(flows->lifetime(protocol_tcp, FlowState::responder_ended) == 7440 * second);
  CHECK(flows->lifetime(protocol_tcp, FlowState::closing) == 240 * second);
  CHECK(flows->lifetime(protocol_udp, FlowState::opening) == 30 * second);
  CHECK(flows->lifetime(protocol_udp, FlowState::established) == 300 * second);
  CHECK(flows->lifetime(protocol_icmp, FlowState::established) == 60 * second);
  CHECK(flows->lifetime(47, FlowState::opening) == 600 * second);
  CHECK(flows->lifetime(protocol_tcp, FlowState::denied) == 7440 * second);
  CHECK(flows->lifetime(protocol_udp, FlowState::denied) == 300 * second);
  CHECK(flows->lifetime(protocol_udp, FlowState::fragments) == 5 * second);
}

// Each thread's flows carry its number, in a table that has too little room for all: what is found is never another's.
TEST_CASE("threads that insert, find and replace at once never see one flow for another") {
  const auto flows = table(1024);
  constexpr uint64_t each = 3000, threads = 4;
  std::array<std::atomic<uint64_t>, threads> wrong{};
  std::vector<std::jthread> running;
  for (uint64_t thread = 0; thread < threads; ++thread)
    running.emplace_back([&, thread] {
      const auto generation = static_cast<uint16_t>(thread + 1);
      for (uint64_t round = 0; round < 20; ++round)
        for (uint64_t number = 0; number < each; ++number) {
          const uint64_t flow = hash(*flows, thread << 32 | number);
          if (auto found = flows->find(flow, 0)) {
            wrong[thread] += found.flow.generation != generation;
            found.flow.expiry += 1;
            flows->replace(found, found.flow);
          } else {
            static_cast<void>(
                flows->insert(flow, {.expiry = 1000, .generation = generation, .state = FlowState::opening}, 0));
          }
        }
    });
  running.clear();
  for (const auto& count : wrong) CHECK(count == 0);
  CHECK(flows->count(0, flows->places(), 0) == flows->places());
}

TEST_CASE("a flow that threads insert at the same time is there, and gone for all once its copies expire") {
  const auto flows = table(4096);
  for (uint64_t number = 0; number < 500; ++number) {
    const uint64_t flow = hash(*flows, number);
    std::vector<std::jthread> running;
    for (int thread = 0; thread < 2; ++thread) running.emplace_back([&] { CHECK(flows->insert(flow, entry(100), 0)); });
    running.clear();
    REQUIRE(flows->find(flow, 0));
    REQUIRE_FALSE(flows->find(flow, 100));
  }
}

}  // namespace sekisho::dataplane
