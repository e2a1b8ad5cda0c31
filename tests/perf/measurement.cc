#include "tests/perf/measurement.h"

#include <rte_mbuf.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace sekisho::perf {
namespace {

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

Cycles summary(const std::vector<double>& runs) {
  return {median(runs), *std::ranges::min_element(runs), *std::ranges::max_element(runs)};
}

// How often this process lost its processor.
long interruptions() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

uint8_t* frame_of(rte_mbuf* packet, size_t length) {
  rte_pktmbuf_reset(packet);
  packet->data_len = static_cast<uint16_t>(length);
  packet->pkt_len = packet->data_len;
  return rte_pktmbuf_mtod(packet, uint8_t*);
}

void write_inner(uint8_t* out, const PacketPlan& plan, Direction direction, uint16_t length) {
  const uint32_t ours = our_net(plan.tunnel) | 1, theirs = peer_net(plan.tunnel) | 1;
  const bool out_of_us = direction == Direction::encrypt;
  write_ipv4(out, out_of_us ? ours : theirs, out_of_us ? theirs : ours, 17, length);
}

}  // namespace

Measurement::Measurement(rte_mempool* pool, crypto::EspBackend backend, unsigned tunnels)
    : tunnels_(tunnels),
      wan_("perf-wan", pool),
      lan_("perf-lan", pool),
      gateway_(wan_, lan_, backend, tunnels),
      packets_(packet_count) {
  if (rte_pktmbuf_alloc_bulk(pool, packets_.data(), packet_count) != 0) throw std::runtime_error("too few packets");
  for (rte_mbuf* packet : packets_) std::memset(rte_pktmbuf_mtod(packet, uint8_t*), 0x5a, rte_pktmbuf_tailroom(packet));
}

Measurement::~Measurement() { rte_pktmbuf_free_bulk(packets_.data(), packet_count); }

Figures Measurement::run(EspSuite suite, const FrameMix& mix, Direction direction, const Effort& effort) {
  suite_ = suite;
  plan_ = plan_packets(mix, packet_count, tunnels_);
  gateway_.set_suite(suite);
  std::vector<Bytes> keys;
  peer_keys_.clear();
  for (unsigned t = 0; t < tunnels_; ++t) {
    keys.push_back(Gateway::key_of(suite, t));
    peer_keys_.push_back(peer_->make_key(suite, false, keys.back()));
  }
  raw_.set_keys(suite, keys);
  sequence_.assign(tunnels_, 0);

  path_pass(direction);
  check_sent(direction);
  std::vector<double> path_runs, raw_runs;
  for (unsigned run = 0; run < effort.runs; ++run) {
    std::vector<double> path, raw;
    for (unsigned pass = 0; pass < effort.passes; ++pass) {
      path.push_back(undisturbed(&Measurement::path_pass, direction));
      raw.push_back(undisturbed(&Measurement::raw_pass, direction));
      // With more tunnels than packets all of them take turns.
      for (PacketPlan& packet : plan_) packet.tunnel = static_cast<uint16_t>((packet.tunnel + packet_count) % tunnels_);
    }
    path_runs.push_back(median(path));
    raw_runs.push_back(median(raw));
  }
  return {summary(path_runs), summary(raw_runs)};
}

// A pass that no other process got into, as far as a few attempts can have one.
double Measurement::undisturbed(double (Measurement::*pass)(Direction), Direction direction) {
  double cycles = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const long before = interruptions();
    cycles = (this->*pass)(direction);
    if (interruptions() == before) break;
  }
  return cycles;
}

// Writes the packets anew: each was changed in place by what came before.
void Measurement::load(Direction direction) {
  if (direction == Direction::encrypt) {
    for (size_t i = 0; i < packet_count; ++i) load_plain(i);
    return;
  }
  std::vector<crypto::EspJob> jobs;
  for (size_t i = 0; i < packet_count; ++i) jobs.push_back(load_sealed(i));
  peer_->seal(jobs);
}

void Measurement::load_plain(size_t index) {
  const PacketPlan& plan = plan_[index];
  uint8_t* frame = frame_of(packets_[index], plan.frame);
  write_ethernet(frame, static_cast<uint8_t>(lan_port.value()));
  write_inner(frame + ethernet_size, plan, Direction::encrypt, static_cast<uint16_t>(plan.frame - ethernet_size));
}

crypto::EspJob Measurement::load_sealed(size_t index) {
  const PacketPlan& plan = plan_[index];
  const EspLayout layout(suite_, plan.frame);
  uint8_t* frame = frame_of(packets_[index], ethernet_size + ipv4_size + layout.esp);
  uint8_t* esp = frame + ethernet_size + ipv4_size;
  uint8_t* inner = esp + esp_size + info(suite_).iv;
  write_ethernet(frame, static_cast<uint8_t>(wan_port.value()));
  write_ipv4(frame + ethernet_size, peer_address, our_address, 50, static_cast<uint16_t>(ipv4_size + layout.esp));
  write_be32(esp, Gateway::inbound_spi(plan.tunnel));
  write_be32(esp + 4, ++sequence_[plan.tunnel]);
  write_inner(inner, plan, Direction::decrypt, layout.inner);
  write_trailer(inner + layout.inner, layout.padding);
  return {.key = peer_keys_[plan.tunnel].get(), .esp = esp, .length = layout.esp};
}

double Measurement::path_pass(Direction direction) {
  const bool encrypt = direction == Direction::encrypt;
  load(direction);
  (encrypt ? lan_ : wan_).deliver(packets_);
  const uint64_t cycles = gateway_.run(packet_count);
  const size_t sent = (encrypt ? wan_ : lan_).collect(packets_);
  if (sent != packet_count)
    throw std::runtime_error(std::to_string(sent) + " of " + std::to_string(packet_count) +
                             " packets came out: " + gateway_.drops());
  return static_cast<double>(cycles) / packet_count;
}

double Measurement::raw_pass(Direction direction) {
  load(direction);
  std::vector<RawPacket> packets;
  for (size_t i = 0; i < packet_count; ++i) {
    const EspLayout layout(suite_, plan_[i].frame);
    uint8_t* frame = rte_pktmbuf_mtod(packets_[i], uint8_t*);
    // Where the data path has it, too: the inner packet stays in its place.
    uint8_t* esp = direction == Direction::encrypt ? frame + ethernet_size - info(suite_).iv - esp_size
                                                   : frame + ethernet_size + ipv4_size;
    packets.push_back({esp, layout.esp, plan_[i].tunnel});
  }
  return static_cast<double>(raw_.run(direction, std::move(packets))) / packet_count;
}

// The packets that came out are the right ones: sealed, they open at the peer; opened, they are the plain ones.
void Measurement::check_sent(Direction direction) {
  for (size_t i = 0; i < packet_count; ++i) {
    const PacketPlan& plan = plan_[i];
    const EspLayout layout(suite_, plan.frame);
    uint8_t* inner = rte_pktmbuf_mtod(packets_[i], uint8_t*) + ethernet_size;
    bool good = packets_[i]->data_len == plan.frame;
    if (direction == Direction::encrypt) {
      uint8_t* esp = inner + ipv4_size;
      crypto::EspJob job{.key = peer_keys_[plan.tunnel].get(), .esp = esp, .length = layout.esp};
      good = packets_[i]->data_len == ethernet_size + ipv4_size + layout.esp;
      if (good) peer_->open({&job, 1});
      good = good && job.ok;
      inner = esp + esp_size + info(suite_).iv;
    }
    std::array<uint8_t, ipv4_size> expected;
    write_inner(expected.data(), plan, direction, layout.inner);
    // Addresses, and the rest of the packet; TTL and checksum have changed.
    good = good && std::equal(expected.begin() + 12, expected.end(), inner + 12) && inner[8] == 63;
    if (!good) throw std::runtime_error("packet " + std::to_string(i) + " came out wrong: " + gateway_.drops());
  }
}

}  // namespace sekisho::perf
