// Crypto work that workers share. But for the last case the helper's part is played from within the owner's crypto, on
// one thread, so the interleaving is the test's to choose.
#include "dataplane/worker/shared_crypto.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "dataplane/worker/payoff.h"
#include "dataplane/worker/processors.h"
#include "tests/unit/crypto/esp_packets.h"

namespace sekisho::dataplane {
namespace {

using crypto::EspJob;

// An EspCrypto that is watched at work.
class Watched final : public crypto::EspCrypto {
 public:
  crypto::EspKeyPtr make_key(EspSuite suite, bool esn, ByteView material) const override {
    return real_->make_key(suite, esn, material);
  }
  void seal(std::span<EspJob> jobs) override {
    batches.push_back(jobs.size());
    if (before) before();
    real_->seal(jobs);
  }
  void open(std::span<EspJob> jobs) override {
    batches.push_back(jobs.size());
    if (before) before();
    real_->open(jobs);
  }

  std::vector<size_t> batches;
  std::function<void()> before;

 private:
  std::unique_ptr<crypto::EspCrypto> real_ = crypto::EspCrypto::create(crypto::EspCrypto::fastest());
};

// Packets of one SA, numbered from 1, and their jobs.
struct Batch {
  Batch(const crypto::EspKeyPtr& key, EspSuite suite, size_t count, size_t size) : suite(suite) {
    for (size_t i = 0; i < count; ++i)
      packets.push_back(
          crypto::plain_packet(suite, static_cast<uint32_t>(i + 1), Bytes(size, static_cast<uint8_t>(i))));
    for (Bytes& packet : packets) jobs.push_back(crypto::job_for(key, packet.data(), packet.size()));
  }
  bool plain(size_t index) const {
    const ByteView text = crypto::text_of(suite, packets[index]);
    return std::ranges::all_of(text, [&](uint8_t byte) { return byte == static_cast<uint8_t>(index); });
  }
  EspSuite suite;
  std::vector<Bytes> packets;
  std::vector<EspJob> jobs;
};

struct Team {
  Watched own, other, third;
  WorkBoard board;
  SharedCrypto owner{own, &board, 0}, helper{other, &board, 1}, second_helper{third, &board, 15};
  EspSuite suite = EspSuite::aes128gcm16;
  crypto::EspKeyPtr key = crypto::counting_key(own, suite, false);

  explicit Team(EspSuite suite = EspSuite::aes128gcm16) : suite(suite) {}
  Batch batch(size_t count = 64, size_t size = 1024) const { return {key, suite, count, size}; }
  void seal(Batch batch) { owner.seal(batch.jobs); }

  // The helpers see that help is wanted and the owner sees them; the first batch after that it times alone.
  void meet(bool both = false) {
    seal(batch());
    helper.idle();
    if (both) second_helper.idle();
    seal(batch());
    own.batches.clear();
  }
};

cpu_set_t processors(std::initializer_list<int> numbers) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int number : numbers) CPU_SET(number, &set);
  return set;
}

}  // namespace

TEST_CASE("without a board, and as long as nobody looks, a batch stays whole") {
  Team team;
  SharedCrypto alone(team.own, nullptr, 0);
  Batch batch = team.batch();
  alone.seal(batch.jobs);
  alone.idle();
  CHECK_FALSE(alone.wanted());
  team.seal(team.batch());
  team.seal(team.batch());
  CHECK(team.own.batches == std::vector<size_t>{64, 64, 64});
  CHECK(team.helper.wanted());
}

TEST_CASE("a helper takes its piece, and each packet is worked on once") {
  for (const EspSuite suite : {EspSuite::aes128gcm16, EspSuite::chacha20poly1305, EspSuite::aes256_sha256}) {
    Team team(suite);
    team.meet();
    bool helped = false;
    team.own.before = [&] {
      if (!std::exchange(helped, true)) team.helper.idle();
    };
    Batch batch = team.batch(61);
    team.owner.seal(batch.jobs);
    CHECK(team.own.batches.size() == 1);
    CHECK(team.other.batches.size() == 1);
    CHECK(team.own.batches[0] + team.other.batches[0] == 61);
    // The same from one who works alone.
    Batch expected = team.batch(61);
    SharedCrypto alone(team.own, nullptr, 0);
    alone.seal(expected.jobs);
    if (info(suite).combined_mode()) CHECK(batch.packets == expected.packets);
    for (size_t i = 0; i < 61; ++i) CHECK((batch.jobs[i].ok && !batch.plain(i)));
  }
}

TEST_CASE("opening is shared too, and a wrong ICV is told of the right packet") {
  Team team;
  Batch batch = team.batch();
  team.seal(team.batch());
  SharedCrypto alone(team.own, nullptr, 0);
  alone.seal(batch.jobs);
  std::vector<Bytes> sealed = batch.packets;
  team.helper.idle();
  // The first is timed alone, the second shared.
  for (int turn = 0; turn < 2; ++turn) {
    for (size_t i = 0; i < 64; ++i) std::ranges::copy(sealed[i], batch.packets[i].begin());
    for (const size_t bad : {0u, 31u, 32u, 63u}) batch.packets[bad].back() ^= 1;
    team.own.before = [&] { team.helper.idle(); };
    team.owner.open(batch.jobs);
    for (size_t i = 0; i < 64; ++i) {
      const bool bad = i % 32 == 0 || i % 32 == 31;
      CHECK(batch.jobs[i].ok == !bad);
      if (!bad) CHECK(batch.plain(i));
    }
  }
  CHECK(team.other.batches == std::vector<size_t>{32});
}

TEST_CASE("what nobody takes the owner does; who comes too late finds nothing") {
  Team team;
  team.meet();
  for (int round = 0; round < 10; ++round) {
    Batch batch = team.batch();
    team.owner.seal(batch.jobs);
    CHECK(team.own.batches == std::vector<size_t>{32, 32});
    team.own.batches.clear();
    for (size_t i = 0; i < 64; ++i) CHECK((batch.jobs[i].ok && !batch.plain(i)));
    team.helper.idle();
  }
  CHECK(team.other.batches.empty());
}

TEST_CASE("as many pieces as there are workers at it") {
  Team team;
  team.meet(true);
  bool helped = false;
  team.own.before = [&] {
    if (std::exchange(helped, true)) return;
    team.second_helper.idle();
    team.helper.idle();
  };
  Batch batch = team.batch();
  team.owner.seal(batch.jobs);
  CHECK(team.own.batches.size() == 1);
  CHECK(team.own.batches[0] + team.other.batches.at(0) + team.third.batches.at(0) == 64);
  for (size_t i = 0; i < 64; ++i) CHECK((batch.jobs[i].ok && !batch.plain(i)));
}

TEST_CASE("what is not worth handing over stays whole") {
  Team team;
  team.meet();
  team.seal(team.batch(31));
  team.seal(team.batch(64, 64));
  CHECK(team.own.batches == std::vector<size_t>{31, 64});
  // CBC: a piece must fill lanes, which one long packet among short ones does not.
  Team cbc(EspSuite::aes256_sha256);
  cbc.meet();
  Batch mixed(cbc.key, cbc.suite, 64, 64);
  mixed.packets[5] = crypto::plain_packet(cbc.suite, 6, Bytes(8000, 5));
  mixed.jobs[5] = crypto::job_for(cbc.key, mixed.packets[5].data(), mixed.packets[5].size());
  cbc.owner.seal(mixed.jobs);
  cbc.seal(cbc.batch());
  CHECK(cbc.own.batches == std::vector<size_t>{64, 32, 32});
}

TEST_CASE("who finds packets of its own looks no longer, and who has none wants no help") {
  Team team;
  team.meet();
  team.helper.busy();
  team.seal(team.batch());
  CHECK(team.own.batches == std::vector<size_t>{64});
  CHECK(team.helper.wanted());
  team.owner.idle();
  CHECK_FALSE(team.helper.wanted());
  team.seal(team.batch());
  {
    SharedCrypto passing(team.third, &team.board, 2);
    passing.idle();
    team.seal(team.batch());
    CHECK(team.own.batches == std::vector<size_t>{64, 64, 32, 32});
  }
  team.seal(team.batch());
  CHECK(team.own.batches.back() == 64);
}

TEST_CASE("who was looking itself is no helper of its own") {
  Team team;
  team.seal(team.batch());
  team.helper.idle();
  Batch batch = team.batch();
  for (int turn = 0; turn < 3; ++turn) team.helper.seal(batch.jobs);
  CHECK(team.other.batches == std::vector<size_t>{64, 64, 64});
}

TEST_CASE("sharing that does not pay is given up, and tried again") {
  Payoff payoff;
  const auto run = [&](unsigned batches, uint64_t alone, uint64_t shared) {
    unsigned count = 0;
    for (unsigned i = 0; i < batches; ++i) {
      if (payoff.rests()) continue;
      const Payoff::Turn turn = payoff.next();
      count += turn.share ? 1 : 0;
      if (turn.timed) payoff.report(turn.share ? shared : alone, 1000);
    }
    return count;
  };
  CHECK(run(10000, 100, 60) > 9800);
  CHECK(run(100000, 60, 100) < 500);
  CHECK(run(20000, 100, 60) > 18000);
  // A batch that cost more only because it was longer.
  Payoff other;
  for (int i = 0; i < 1000; ++i) {
    const Payoff::Turn turn = other.next();
    if (turn.timed) other.report(turn.share ? 150 : 100, turn.share ? 2000 : 1000);
    CHECK((turn.share || i % 61 == 0));
  }
}

TEST_CASE("where sharing does not pay nobody is kept awake but for a try") {
  Team team;
  team.meet();
  // What is shared takes long.
  team.own.before = [&] {
    if (team.own.batches.back() < 64) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  const auto batches_while = [&](bool wanted) {
    Batch batch = team.batch();
    unsigned count = 0;
    for (; team.helper.wanted() == wanted && count < 10000; ++count) team.owner.seal(batch.jobs);
    return count;
  };
  CHECK(batches_while(true) < 10000);
  team.helper.idle();  // not wanted: looks no longer
  team.own.batches.clear();
  CHECK(batches_while(false) > 900);
  CHECK(team.helper.wanted());
  CHECK(std::ranges::count(team.own.batches, 64u) == std::ssize(team.own.batches));
}

TEST_CASE("workers share only if each has a processor of its own") {
  CHECK(own_processors(std::vector{processors({0}), processors({3}), processors({1})}));
  CHECK_FALSE(own_processors(std::vector{processors({0}), processors({1}), processors({0})}));
  CHECK_FALSE(own_processors(std::vector{processors({0, 1}), processors({2})}));
  CHECK_FALSE(own_processors(std::vector{processors({})}));
}

TEST_CASE("threads: two owners and two helpers share, every packet is sealed and opened") {
  constexpr int rounds = 300;
  Team team;
  Watched fourth;
  SharedCrypto second_owner(fourth, &team.board, 7);
  std::atomic<bool> stop{false};
  // Until a helper has taken a piece, an owner that has offered some does not go on.
  std::atomic<bool> helped{false};
  for (Watched* helper : {&team.other, &team.third}) helper->before = [&] { helped.store(true); };
  for (Watched* owner : {&team.own, &fourth})
    owner->before = [&, owner] {
      while (owner->batches.back() < 64 && !helped.load()) std::this_thread::yield();
    };
  std::vector<std::thread> helpers, owners;
  for (SharedCrypto* helper : {&team.helper, &team.second_helper})
    helpers.emplace_back([&, helper] {
      while (!stop.load()) {
        helper->idle();
        std::this_thread::yield();
      }
    });
  std::atomic<int> wrong{0};
  for (SharedCrypto* owner : {&team.owner, &second_owner})
    owners.emplace_back([&, owner] {
      for (int round = 0; round < rounds || !helped.load(); ++round) {
        Batch batch = team.batch(64, 512);
        owner->seal(batch.jobs);
        for (size_t i = 0; i < 64; ++i) wrong += batch.jobs[i].ok && !batch.plain(i) ? 0 : 1;
        batch.packets[static_cast<size_t>(round) % 64].back() ^= 1;
        for (EspJob& job : batch.jobs) job.ok = false;
        owner->open(batch.jobs);
        for (size_t i = 0; i < 64; ++i) {
          const bool good = i != static_cast<size_t>(round) % 64;
          wrong += batch.jobs[i].ok == good && (!good || batch.plain(i)) ? 0 : 1;
        }
      }
    });
  for (auto& owner : owners) owner.join();
  stop.store(true);
  for (auto& helper : helpers) helper.join();
  CHECK(wrong == 0);
  CHECK(team.other.batches.size() + team.third.batches.size() > 0);
}

}  // namespace sekisho::dataplane
