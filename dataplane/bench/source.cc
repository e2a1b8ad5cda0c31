#include "dataplane/bench/source.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "dataplane/bench/addresses.h"
#include "dataplane/stage/esp_packet.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane::bench {
namespace {

constexpr size_t packets_ahead = 32 * pass_packets;

uint8_t* make_room(rte_mbuf* packet, size_t length) {
  rte_pktmbuf_reset(packet);
  packet->data_len = static_cast<uint16_t>(length);
  packet->pkt_len = packet->data_len;
  return rte_pktmbuf_mtod(packet, uint8_t*);
}

// The flows whose packets come to this lane's worker.
std::vector<uint32_t> own_flows(const Gateway& gateway, const Cell& cell, const PacketSource::Options& options) {
  std::vector<uint32_t> flows;
  for (uint32_t i = 0; i < gateway.flows().size(); ++i)
    if (cell.direction != Direction::in || gateway.flows()[i].tunnel % options.lanes == options.lane)
      flows.push_back(i);
  return flows;
}

}  // namespace

Walk::Walk(std::vector<uint32_t> numbers, Order order) : order_(std::move(numbers)), shuffled_(order == Order::random) {
  if (shuffled_) std::ranges::shuffle(order_, random_);
}

uint32_t Walk::next() {
  if (at_ == order_.size()) {
    at_ = 0;
    if (shuffled_) std::ranges::shuffle(order_, random_);
  }
  return order_[at_++];
}

Peers::Peers(const Gateway& gateway, const Cell& cell, ipc::Direction direction, crypto::EspBackend backend)
    : gateway_(gateway), suite_(*cell.suite), crypto_(crypto::EspCrypto::create(backend)) {
  for (unsigned tunnel = 0; tunnel < cell.tunnels; ++tunnel)
    ends_.push_back(make_end(gateway.current(direction, tunnel)));
}

Peers::End Peers::make_end(const SaName& sa) const {
  return {sa, gateway_.spi(sa), crypto_->make_key(suite_, false, gateway_.key(sa).view())};
}

void Peers::follow() {
  for (End& end : ends_)
    if (const SaName now = gateway_.current(end.sa.direction, end.sa.tunnel); now.rekeys != end.sa.rekeys)
      end = make_end(now);
}

PacketSource::PacketSource(const Scenario& scenario, const Cell& cell, const Gateway& gateway, const Options& options)
    : scenario_(scenario),
      cell_(cell),
      gateway_(gateway),
      empty_(own_flows(gateway, cell, options).empty()),
      walk_(own_flows(gateway, cell, options), scenario.order),
      sizes_(frame_sizes(cell.size, pass_packets)),
      loaded_(pass_packets) {
  if (!sealed() || empty_) return;
  peers_ = std::make_unique<Peers>(gateway, cell, ipc::Direction::inbound, options.backend);
}

double PacketSource::inner_bytes() const {
  const size_t bytes = std::accumulate(sizes_.begin(), sizes_.end(), size_t{0});
  return static_cast<double>(bytes) / pass_packets - ethernet_size;
}

void PacketSource::plan(std::vector<Packet>& packets) {
  for (size_t i = 0; i < pass_packets; ++i)
    packets[i] = {sizes_[i], static_cast<uint16_t>(i), &gateway_.flows()[walk_.next()]};
}

void PacketSource::load(std::span<rte_mbuf* const> packets) {
  if (sealed()) {
    if (fresh_ == ahead_.size()) seal_ahead();
    copy_sealed(packets, fresh_);
    fresh_ += pass_packets;
    return;
  }
  plan(loaded_);
  for (size_t i = 0; i < pass_packets; ++i) {
    uint8_t* frame = make_room(packets[i], loaded_[i].frame);
    write_ethernet(frame, port_mac(lan_port), neighbour_mac(lan_port, 0), scenario_.family);
    write_inner(frame + ethernet_size, scenario_.family, loaded_[i]);
  }
}

void PacketSource::load_stale(std::span<rte_mbuf* const> packets) {
  if (!sealed()) return load(packets);
  if (ahead_.empty()) seal_ahead();
  if (stale_ >= ahead_.size()) stale_ = 0;
  copy_sealed(packets, stale_);
  stale_ += pass_packets;
}

std::span<const uint8_t> PacketSource::sealed_frame(size_t index) const {
  const Sealed& sealed = ahead_[last_ + index];
  return {storage_.data() + sealed.offset, sealed.length};
}

void PacketSource::copy_sealed(std::span<rte_mbuf* const> packets, size_t from) {
  last_ = from;
  for (size_t i = 0; i < pass_packets; ++i) {
    const Sealed& sealed = ahead_[from + i];
    loaded_[i] = sealed.packet;
    std::memcpy(make_room(packets[i], sealed.length), storage_.data() + sealed.offset, sealed.length);
  }
}

void PacketSource::seal_ahead() {
  times_sealed_.fetch_add(1);
  peers_->follow();
  ahead_.clear();
  size_t size = 0;
  std::vector<Packet> packets(pass_packets);
  while (ahead_.size() < packets_ahead) {
    plan(packets);
    for (const Packet& packet : packets) {
      const size_t length = ethernet_size + outer_size + EspLayout(*cell_.suite, packet.frame).esp;
      ahead_.push_back({packet, size, static_cast<uint16_t>(length)});
      size += RTE_ALIGN(length, size_t{RTE_CACHE_LINE_SIZE});
    }
  }
  storage_.resize(size);
  std::vector<crypto::EspJob> jobs;
  for (const Sealed& sealed : ahead_) jobs.push_back(write_sealed(sealed.packet, storage_.data() + sealed.offset));
  peers_->crypto().seal(jobs);
  fresh_ = stale_ = 0;
}

crypto::EspJob PacketSource::write_sealed(const Packet& packet, uint8_t* frame) {
  const EspLayout layout(*cell_.suite, packet.frame);
  const unsigned tunnel = packet.flow->tunnel;
  uint8_t* esp = frame + ethernet_size + outer_size;
  uint8_t* inner = esp + layout.offset;
  write_ethernet(frame, port_mac(wan_port), neighbour_mac(wan_port, 0), Family::ipv4);
  write_outer(frame + ethernet_size, peer_address(tunnel), gateway_address,
              static_cast<uint16_t>(outer_size + layout.esp));
  Peers::End& end = peers_->end(tunnel);
  store32(esp, end.spi);
  store32(esp + 4, ++end.sequence);
  write_inner(inner, scenario_.family, packet);
  write_trailer(inner + layout.inner, layout.padding, scenario_.family == Family::ipv4 ? protocol_ipv4 : protocol_ipv6);
  return {.key = end.key.get(), .esp = esp, .length = layout.esp};
}

}  // namespace sekisho::dataplane::bench
