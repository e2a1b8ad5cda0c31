#include "dataplane/bench/verify.h"

#include <rte_mbuf.h>

#include <algorithm>

#include "base/messages/bench.h"
#include "dataplane/bench/addresses.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane::bench {

Verifier::Verifier(const Scenario& scenario, const Cell& cell, const Gateway& gateway)
    : scenario_(scenario), cell_(cell), gateway_(gateway) {
  const auto direction = cell.direction == Direction::in ? ipc::Direction::inbound : ipc::Direction::outbound;
  if (cell.suite) peers_ = std::make_unique<Peers>(gateway, cell, direction, crypto::EspBackend::openssl);
}

Result<void> Verifier::check(const PacketSource& source, std::span<rte_mbuf* const> sent) {
  if (cell_.direction == Direction::in)
    if (auto good = check_input(source); !good) return good;
  std::vector<bool> seen(pass_packets);
  for (size_t i = 0; i < sent.size(); ++i)
    if (const std::string wrong = what_is_wrong(source, sent[i], seen); !wrong.empty())
      return fail(messages::bench_wrong_packet, "packet " + std::to_string(i) + ": " + wrong);
  if (sent.size() != pass_packets)
    return fail(messages::bench_wrong_packet, std::to_string(sent.size()) + " of " + std::to_string(pass_packets) +
                                                  " packets came out: " + gateway_.drops());
  return {};
}

Result<void> Verifier::check_input(const PacketSource& source) {
  for (size_t i = 0; i < pass_packets; ++i) {
    const auto frame = source.sealed_frame(i);
    Bytes copy(frame.begin() + ethernet_size + outer_size, frame.end());
    crypto::EspJob job{.key = peers_->end(source.loaded()[i].flow->tunnel).key.get(),
                       .esp = copy.data(),
                       .length = static_cast<uint32_t>(copy.size())};
    peers_->crypto().open({&job, 1});
    if (!job.ok) return fail(messages::bench_wrong_packet, "what was sealed for the input does not open");
  }
  return {};
}

std::string Verifier::what_is_wrong(const PacketSource& source, rte_mbuf* frame, std::vector<bool>& seen) {
  uint8_t* bytes = rte_pktmbuf_mtod(frame, uint8_t*);
  size_t length = frame->data_len - ethernet_size;
  const ipc::PortId port = cell_.direction == Direction::in ? lan_port : wan_port;
  std::array<uint8_t, 12> macs{};
  std::ranges::copy(port_mac(port).bytes, macs.begin() + 6);
  std::ranges::copy(neighbour_mac(port, bytes[5] % neighbours).bytes, macs.begin());
  if (!std::ranges::equal(macs, std::span(bytes, macs.size()))) return "its Ethernet header";
  uint8_t* inner = bytes + ethernet_size;
  if (cell_.direction == Direction::out) {
    const unsigned tunnel = gateway_.tunnel_of(load32(inner + outer_size));
    std::array<uint8_t, outer_size> outer;
    write_outer(outer.data(), gateway_address, peer_address(tunnel), static_cast<uint16_t>(length));
    // Identification, fragmentation and with them the checksum are the gateway's own.
    const auto same = [&](size_t from, size_t to) { return std::equal(inner + from, inner + to, outer.data() + from); };
    if (!same(0, 4) || !same(8, 10) || !same(12, outer_size)) return "its outer header";
    uint8_t* esp = inner + outer_size;
    length -= outer_size;
    if (tunnel >= cell_.tunnels || !crypto::EspCrypto::valid_length(*cell_.suite, static_cast<uint32_t>(length)))
      return "its SPI or its length";
    crypto::EspJob job{.key = peers_->end(tunnel).key.get(), .esp = esp, .length = static_cast<uint32_t>(length)};
    peers_->crypto().open({&job, 1});
    if (!job.ok) return "it does not open";
    inner = esp + EspLayout(*cell_.suite, 0).offset;
  }
  const uint16_t index = index_of(inner, scenario_.family);
  if (index >= pass_packets || seen[index]) return "nobody sent it, or it came twice";
  seen[index] = true;
  const Packet& packet = source.loaded()[index];
  Bytes expected(packet.frame - ethernet_size);
  write_inner(expected.data(), scenario_.family, packet, 63);
  if (cell_.direction == Direction::out) {
    if (length != EspLayout(*cell_.suite, packet.frame).esp) return "its length";
  } else if (length != expected.size()) {
    return "its length";
  }
  return std::equal(expected.begin(), expected.end(), inner) ? "" : "its inner packet";
}

}  // namespace sekisho::dataplane::bench
