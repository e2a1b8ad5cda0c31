#include "dataplane/bench/rates.h"

#include <rte_cycles.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "dataplane/bench/addresses.h"
#include "dataplane/bench/median.h"

namespace sekisho::dataplane::bench {
namespace {

uint64_t read(const uint64_t& counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }

Totals read_totals(const Gateway& gateway) {
  using ipc::PortCounter;
  Totals totals;
  for (unsigned worker = 0; worker < gateway.worker_count(); ++worker) {
    const ipc::WriterCounters& counters = gateway.counters().writers[worker];
    uint64_t received = 0;
    for (const ipc::PortId id : {lan_port, wan_port}) {
      const auto value = [&](PortCounter which) {
        return read(counters.ports[id.value()].value[static_cast<size_t>(which)]);
      };
      Totals::Port& port = id == lan_port ? totals.lan : totals.wan;
      port.rx_packets += value(PortCounter::rx_packets);
      port.rx_bytes += value(PortCounter::rx_bytes);
      port.tx_packets += value(PortCounter::tx_packets);
      port.tx_bytes += value(PortCounter::tx_bytes);
      received += value(PortCounter::rx_packets);
      totals.dropped += value(PortCounter::punted);
    }
    for (const uint64_t& drops : counters.drops.value) totals.dropped += read(drops);
    totals.received.push_back(received);
  }
  return totals;
}

Totals::Port operator-(const Totals::Port& a, const Totals::Port& b) {
  return {a.rx_packets - b.rx_packets, a.rx_bytes - b.rx_bytes, a.tx_packets - b.tx_packets, a.tx_bytes - b.tx_bytes};
}

Totals operator-(const Totals& a, const Totals& b) {
  Totals difference{a.lan - b.lan, a.wan - b.wan, a.dropped - b.dropped, a.received};
  for (size_t i = 0; i < b.received.size(); ++i) difference.received[i] -= b.received[i];
  return difference;
}

double mean_of_busy(const std::vector<double>& cycles) {
  const auto busy = std::ranges::count_if(cycles, [](double value) { return value != 0; });
  return busy == 0 ? 0 : std::accumulate(cycles.begin(), cycles.end(), 0.0) / static_cast<double>(busy);
}

}  // namespace

Rates::Rates(const Gateway& gateway, uint64_t tsc_hz)
    : gateway_(gateway), tsc_hz_(tsc_hz), first_(read_totals(gateway)), last_(first_), last_time_(rte_rdtsc()) {}

bool Rates::second_is_over() const { return rte_rdtsc() - last_time_ >= tsc_hz_; }

Second Rates::take() {
  const Totals now = read_totals(gateway_);
  const uint64_t time = rte_rdtsc(), passed = time - last_time_;
  const Totals totals = now - last_;
  last_ = now;
  last_time_ = time;
  auto& cycles = cycles_.emplace_back();
  for (const uint64_t packets : totals.received)
    cycles.push_back(packets == 0 ? 0 : static_cast<double>(passed) / static_cast<double>(packets));
  return {seconds(), static_cast<double>(passed) / static_cast<double>(tsc_hz_), totals};
}

Figures Rates::summary() const {
  const Totals all = last_ - first_;
  Figures figures;
  std::vector<double> seconds;
  for (const auto& second : cycles_)
    if (const double cycles = mean_of_busy(second); cycles != 0) seconds.push_back(cycles);
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  figures.path = {unknown, unknown, unknown};
  if (!seconds.empty()) figures.path = {median(seconds), std::ranges::min(seconds), std::ranges::max(seconds)};
  for (size_t worker = 0; worker < gateway_.worker_count(); ++worker) {
    std::vector<double> own;
    for (const auto& second : cycles_) own.push_back(second[worker]);
    figures.workers.push_back(own.empty() ? 0 : median(own));
  }
  // Nothing but plaintext passes the LAN port.
  const uint64_t packets = all.lan.rx_packets + all.lan.tx_packets;
  if (packets != 0)
    figures.inner_bytes =
        static_cast<double>(all.lan.rx_bytes + all.lan.tx_bytes) / static_cast<double>(packets) - ethernet_size;
  figures.io = figures.crypto = unknown;
  figures.packets = all.lan.rx_packets + all.wan.rx_packets;
  figures.lost = all.dropped;
  return figures;
}

}  // namespace sekisho::dataplane::bench
