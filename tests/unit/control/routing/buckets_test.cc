#include "control/routing/buckets.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

using namespace sekisho;
using namespace sekisho::routing;

namespace {

constexpr Buckets nothing{};

ipc::NextHopId hop(unsigned id) { return ipc::NextHopId(static_cast<uint16_t>(id)); }

long count(const Buckets& buckets, ipc::NextHopId next_hop) { return std::ranges::count(buckets, next_hop); }

std::vector<long> counts(const std::vector<Share>& shares, const Buckets& before = nothing) {
  const Buckets buckets = share_out(shares, before);
  std::vector<long> all;
  for (const Share& share : shares) all.push_back(count(buckets, share.next_hop));
  return all;
}

using Counts = std::vector<long>;

}  // namespace

TEST_CASE("buckets go by weight, and everyone has one") {
  CHECK(counts({{hop(1)}}) == Counts{256});
  CHECK(counts({{hop(1)}, {hop(2)}}) == Counts{128, 128});
  CHECK(counts({{hop(1), 3}, {hop(2), 1}}) == Counts{192, 64});
  CHECK(counts({{hop(1), 255}, {hop(2), 1}, {hop(3), 255}}) == Counts{128, 1, 127});
  CHECK(counts({{hop(1), UINT32_MAX}, {hop(2), 1}}) == Counts{255, 1});
  for (unsigned members = 2; members <= 256; ++members) {
    std::vector<Share> shares;
    for (unsigned i = 1; i <= members; ++i) shares.push_back({hop(i), 7});
    const Counts all = counts(shares);
    INFO(members);
    CHECK(std::ranges::max(all) - std::ranges::min(all) <= 1);
  }
}

TEST_CASE("where there are more next hops than buckets, the least weights have none") {
  std::vector<Share> shares;
  for (unsigned i = 1; i <= 300; ++i) shares.push_back({hop(i), i});
  const Buckets buckets = share_out(shares, nothing);
  for (unsigned i = 1; i <= 300; ++i) CHECK(count(buckets, hop(i)) == (i > 44 ? 1 : 0));
}

TEST_CASE("whoever goes or comes moves no bucket between the others") {
  std::mt19937 random(1);
  const auto below = [&random](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  for (int round = 0; round < 300; ++round) {
    std::vector<Share> all;
    const unsigned members = 2 + below(round % 2 ? 5 : 60);
    for (unsigned i = 1; i <= members; ++i) all.push_back({hop(i), 1 + below(round % 3 ? 256 : 3)});
    std::vector<Share> rest = all;
    const auto away = rest.begin() + below(members);
    const ipc::NextHopId gone = away->next_hop;
    rest.erase(away);

    const Buckets before = share_out(all, nothing), without = share_out(rest, before), again = share_out(all, without);
    long moved = 0, moved_back = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      moved += before[i] != without[i];
      moved_back += without[i] != again[i];
      if (before[i] != without[i]) REQUIRE(before[i] == gone);
      if (without[i] != again[i]) REQUIRE(again[i] == gone);
    }
    CHECK(moved == count(before, gone));
    CHECK(moved_back == moved);
  }
}

TEST_CASE("the shares are those of the weights to within a bucket, unless somebody would have none") {
  std::mt19937 random(2);
  for (int round = 0; round < 100; ++round) {
    std::vector<Share> shares;
    double total = 0;
    for (unsigned i = 1; i <= 8; ++i) {
      shares.push_back({hop(i), 20 + static_cast<uint32_t>(random() % 236)});
      total += shares.back().weight;
    }
    const Buckets buckets = share_out(shares, nothing);
    for (const Share& share : shares)
      CHECK(std::abs(static_cast<double>(count(buckets, share.next_hop)) - 256 * share.weight / total) < 1);
  }
}
