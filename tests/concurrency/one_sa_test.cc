// Two workers on one SA, on two threads at once. What one gateway's workers seal, the other's open; each packet carries
// a number, by which it is known again.
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <thread>

#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

constexpr uint64_t total = 10'000'000;
constexpr unsigned burst = 64;

using Mbufs = std::array<rte_mbuf*, burst>;

// A frame for `gateway`'s LAN, addressed through the tunnel, whose last 8 bytes are to be its number.
Bytes lan_frame(const Gateway& gateway, size_t payload) {
  const Bytes packet = ip({"10.1.0.1", "10.2.0.2"}, udp(5, 6, text(payload)));
  return ethernet(gateway.mac(lan_port), gateway.neighbour(lan_port), packet);
}

uint64_t number_of(const rte_mbuf& frame) {
  uint64_t number;
  std::memcpy(&number, rte_pktmbuf_mtod(&frame, const uint8_t*) + frame.data_len - sizeof number, sizeof number);
  return number;
}

void fill(rte_mbuf* mbuf, ByteView frame) {
  rte_pktmbuf_reset(mbuf);
  std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
}

std::span<rte_mbuf*> allocate(Mbufs& mbufs, size_t count) {
  if (rte_pktmbuf_alloc_bulk(packet_pool(), mbufs.data(), static_cast<unsigned>(count)) != 0)
    throw std::runtime_error("no mbufs");
  return std::span(mbufs).first(count);
}

void free(std::span<rte_mbuf*> mbufs) { rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(mbufs.size())); }

// A second worker of a gateway, with ports of its own.
struct SecondWorker {
  explicit SecondWorker(Gateway& gateway) : worker(gateway.another_worker(*counters)), ports(gateway.ports()) {
    ports.rx.clear();
    ports.ports[wan_port.value()].device = wan.device();
    ports.ports[lan_port.value()].device = lan.device();
    worker->set_ports(&ports);
  }
  uint64_t drops() const {
    uint64_t sum = 0;
    for (const uint64_t drop : counters->drops.value) sum += drop;
    return sum;
  }
  std::unique_ptr<ipc::WriterCounters> counters = std::make_unique<ipc::WriterCounters>();
  MemoryPort wan, lan;
  std::unique_ptr<Worker> worker;
  WorkerPorts ports;
};

// What a worker without packets does for the gateway's first one; counts the pieces it took.
class Helper final : public crypto::EspCrypto {
 public:
  explicit Helper(Gateway& gateway) : shared_(*this, &gateway.board(), 1) {}
  void idle() { shared_.idle(); }
  uint64_t pieces() const { return pieces_; }

  crypto::EspKeyPtr make_key(EspSuite suite, bool esn, ByteView material) const override {
    return own_->make_key(suite, esn, material);
  }
  void seal(std::span<crypto::EspJob> jobs) override {
    ++pieces_;
    own_->seal(jobs);
  }
  void open(std::span<crypto::EspJob> jobs) override {
    ++pieces_;
    own_->open(jobs);
  }

 private:
  std::unique_ptr<crypto::EspCrypto> own_ = crypto::EspCrypto::create(crypto::EspCrypto::fastest());
  SharedCrypto shared_;
  uint64_t pieces_ = 0;
};

// Frames by number, each entered once.
class Ledger {
 public:
  explicit Ledger(uint64_t size) : bits_(size / 64 + 1) {}
  // False: it was there already.
  bool enter(uint64_t number) {
    const uint64_t bit = uint64_t{1} << (number % 64);
    return (bits_.at(number / 64).fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
  }

 private:
  std::vector<std::atomic<uint64_t>> bits_;
};

// Sealed frames by sequence number, for as many as are under way at once.
struct Sealed {
  static constexpr size_t count = 20'000, room = 128;
  std::vector<std::array<uint8_t, room>> frames = std::vector<std::array<uint8_t, room>>(count);
  std::vector<std::atomic<uint16_t>> lengths = std::vector<std::atomic<uint16_t>>(count);  // 0: none
};

struct Failures {
  std::atomic<uint64_t> twice{0}, out_of_range{0}, out_of_order{0};
};

// One of the two threads: a worker of `a` and a worker of `b` with the ports where their packets come out.
class Thread {
 public:
  struct Side {
    Worker& worker;
    MemoryPort& out;
  };
  Thread(unsigned index, Side sealer, Side opener, const Bytes& frame)
      : index_(index), sealer_(sealer), opener_(opener), frame_(frame), random_(index) {}

  // Seals half of the round's packets; the round's sequence numbers follow `before`.
  void seal(uint64_t round, uint64_t before, Sealed& sealed, Failures& failures) {
    uint64_t last = 0;
    const size_t half = Sealed::count / 2;
    for (size_t done = 0; done < half;) {
      Mbufs mbufs;
      const auto in = allocate(mbufs, std::min(half - done, 1 + random_() % burst));
      for (rte_mbuf* mbuf : in) {
        const uint64_t number = round * Sealed::count + index_ * half + done++;
        std::memcpy(frame_.data() + frame_.size() - sizeof number, &number, sizeof number);
        fill(mbuf, frame_);
      }
      sealer_.worker.inject(lan_port, in);
      const auto out = sealer_.out.collect(mbufs);
      for (const rte_mbuf* mbuf : out) {
        const auto low = ByteReader({rte_pktmbuf_mtod(mbuf, const uint8_t*) + 38, 4}).u32();
        const uint64_t place = static_cast<uint32_t>(low - static_cast<uint32_t>(before)) - 1;
        // One worker's packets keep their order.
        if (place + 1 <= last) ++failures.out_of_order;
        last = place + 1;
        if (place >= Sealed::count || mbuf->data_len > Sealed::room) {
          ++failures.out_of_range;
          continue;
        }
        if (sealed.lengths[place].exchange(mbuf->data_len, std::memory_order_relaxed) != 0) ++failures.twice;
        std::memcpy(sealed.frames[place].data(), rte_pktmbuf_mtod(mbuf, const void*), mbuf->data_len);
      }
      free(out);
    }
  }

  // Offers all packets of the round, somewhat out of order. What comes out is entered into the ledger.
  void open(const Sealed& sealed, Ledger& ledger, Failures& failures) {
    constexpr size_t disorder = 200;
    std::vector<uint32_t> order(Sealed::count);
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    for (size_t start = 0; start < order.size(); start += disorder)
      std::shuffle(order.begin() + static_cast<ptrdiff_t>(start),
                   order.begin() + static_cast<ptrdiff_t>(std::min(start + disorder, order.size())), random_);
    for (size_t done = 0; done < order.size();) {
      Mbufs mbufs;
      const auto in = allocate(mbufs, std::min(order.size() - done, 1 + random_() % burst));
      for (rte_mbuf* mbuf : in) {
        const uint32_t place = order[done++];
        fill(mbuf, {sealed.frames[place].data(), sealed.lengths[place].load(std::memory_order_relaxed)});
      }
      const Mbufs offered = mbufs;
      opener_.worker.inject(wan_port, in);
      const auto out = opener_.out.collect(mbufs);
      for (auto next = offered.begin(); const rte_mbuf* mbuf : out) {
        // The order of those that came through is that of those offered.
        next = std::find(next, offered.end(), mbuf);
        if (next == offered.end()) ++failures.out_of_order;
        if (!ledger.enter(number_of(*mbuf))) ++failures.twice;
        ++delivered;
      }
      free(out);
    }
  }

  uint64_t delivered = 0;

 private:
  unsigned index_;
  Side sealer_, opener_;
  Bytes frame_;
  std::mt19937 random_;
};

}  // namespace

// Both workers seal for one SA at once; then both get all of what was sealed, each in an order of its own, so every
// packet arrives twice and at random moments. With ESN, and the turn of the low half on the way.
TEST_CASE("two workers on one SA: no sequence number twice and none left out, no packet twice and none lost") {
  constexpr uint64_t before_first = (uint64_t{1} << 32) - total / 2;
  Gateway a(0), b(1);
  SecondWorker second_a(a), second_b(b);
  SaPair sa = make_sa(a, b);
  sa.outbound.esn = sa.inbound.esn = 1;
  sa.inbound.replay_window = 4096;
  REQUIRE(a.add(sa.outbound));
  REQUIRE(b.add(sa.inbound));
  a.sad().outbound(outbound_id)->sequence.store(before_first);
  b.sad().inbound(inbound_id)->replay.advance(before_first);

  const Bytes frame = lan_frame(a, 8);
  std::array<Thread, 2> threads{
      Thread(0, {a.worker(), a.port(wan_port)}, {b.worker(), b.port(lan_port)}, frame),
      Thread(1, {*second_a.worker, second_a.wan}, {*second_b.worker, second_b.lan}, frame),
  };
  Sealed sealed;
  Ledger delivered(total);
  Failures failures;
  std::atomic<uint64_t> missing{0};
  std::barrier both(2);
  const auto run = [&](unsigned index) {
    for (uint64_t round = 0; round < total / Sealed::count; ++round) {
      threads[index].seal(round, before_first + round * Sealed::count, sealed, failures);
      both.arrive_and_wait();
      if (index == 0)
        for (const auto& length : sealed.lengths) missing += length == 0 ? 1 : 0;
      threads[index].open(sealed, delivered, failures);
      both.arrive_and_wait();
      if (index == 0)
        for (auto& length : sealed.lengths) length.store(0, std::memory_order_relaxed);
      both.arrive_and_wait();
    }
  };
  std::thread other(run, 1);
  run(0);
  other.join();

  CHECK(failures.twice == 0);
  CHECK(failures.out_of_range == 0);
  CHECK(failures.out_of_order == 0);
  CHECK(missing == 0);
  CHECK(a.sad().outbound(outbound_id)->sequence == before_first + total);
  CHECK(a.all_drops() + second_a.drops() == 0);
  CHECK(threads[0].delivered + threads[1].delivered == total);
  CHECK(b.sad().inbound(inbound_id)->replay.highest() == before_first + total);
  // The second of each two; that of a worker far behind the turn of 2^32 is taken for a number to come, and fails to
  // authenticate.
  const auto of = [&](ipc::DropReason reason) {
    return b.drops(reason) + second_b.counters->drops.value[static_cast<size_t>(reason)];
  };
  CHECK(of(ipc::DropReason::esp_replay) + of(ipc::DropReason::esp_integrity) == total);
  CHECK(b.all_drops() + second_b.drops() == total);
  CHECK(packets_in_use() == 0);
}

// One worker of each gateway gets all packets; another finds nothing to do and shares the crypto work.
TEST_CASE("a worker that is helped keeps the order of its packets exactly") {
  Gateway a(0), b(1);
  Helper helper_a(a), helper_b(b);
  const SaPair sa = make_sa(a, b);
  REQUIRE(a.add(sa.outbound));
  REQUIRE(b.add(sa.inbound));
  std::atomic<bool> stop{false};
  std::thread helper([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      helper_a.idle();
      helper_b.idle();
    }
  });
  Bytes frame = lan_frame(a, 300);
  uint64_t number = 0, expected = 0, wrong = 0;
  while (number < total) {
    Mbufs mbufs;
    const auto in = allocate(mbufs, std::min<uint64_t>(burst, total - number));
    for (rte_mbuf* mbuf : in) {
      std::memcpy(frame.data() + frame.size() - sizeof number, &number, sizeof number);
      fill(mbuf, frame);
      ++number;
    }
    a.worker().inject(lan_port, in);
    b.worker().inject(wan_port, a.port(wan_port).collect(mbufs));
    const auto out = b.port(lan_port).collect(mbufs);
    for (const rte_mbuf* mbuf : out)
      if (number_of(*mbuf) != expected++) ++wrong;
    free(out);
  }
  stop.store(true);
  helper.join();
  CHECK(wrong == 0);
  CHECK(expected == total);
  CHECK(a.all_drops() + b.all_drops() == 0);
  // On one processor the two threads only take turns, and the owner may find every piece left.
  if (std::thread::hardware_concurrency() > 1) {
    CHECK(helper_a.pieces() > 0);
    CHECK(helper_b.pieces() > 0);
  }
  CHECK(packets_in_use() == 0);
}

}  // namespace sekisho::dataplane::test
