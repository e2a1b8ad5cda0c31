#include "tests/fuzz/besiege.h"

#include "tests/fuzz/require.h"

namespace sekisho::fuzz {
namespace {

using sim::LoneEngine;
using namespace std::chrono_literals;

// IKE's header, the same in both versions (RFC 7296 section 3.1, RFC 2408 section 3.1).
constexpr size_t header_length = 28, version_at = 17, message_id_at = 20, length_at = 24;

void put(Bytes& datagram, size_t at, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) datagram[at + i] = static_cast<uint8_t>(value >> (8 * (width - 1 - i)));
}

// Corrects the header so that the rest is looked at: the SPIs of an SA that there is, a length that agrees.
Bytes next_datagram(Script& script, const LoneEngine& alone, ike::IkeVersion version) {
  const uint8_t corrections = script.u8();
  const ByteView bytes = script.bytes(script.u16() & 0x7ff);
  Bytes datagram(bytes.begin(), bytes.end());
  if (datagram.size() < header_length) return datagram;
  if (version == ike::IkeVersion::v1) datagram[version_at] = 0x10;
  if ((corrections & 1) != 0) put(datagram, length_at, datagram.size(), 4);
  if ((corrections & 2) != 0) {
    const auto sas = alone.engine->ike_sas();
    const uint64_t responder = sas.empty() ? 0 : sas.front().responder_spi;
    put(datagram, 0, sas.empty() ? 1 : sas.front().initiator_spi, 8);
    put(datagram, 8, (corrections & 4) != 0 ? 0 : responder, 8);
  }
  if ((corrections & 8) != 0) put(datagram, message_id_at, corrections >> 6, 4);
  return datagram;
}

}  // namespace

void besiege(Script& script, LoneEngine& alone, ike::IkeVersion version) {
  for (unsigned count = 0; !script.done() && count < 64; ++count) {
    Endpoint from = alone.remote;
    if (script.yes()) from.port = script.yes() ? 4500 : script.u16();
    alone.deliver(next_datagram(script, alone, version), from);
    require(alone.engine->ike_sas().size() <= 300, "half-open SAs are bounded");
    alone.outbox.clear();
  }
  require(alone.reported.size() <= 300, "reports are bounded");
}

void operate(Script& script, LoneEngine& alone) {
  switch (script.below(6)) {
    case 0:
      return alone.step(ike::RekeyChild{"tunnel"});
    case 1:
      return alone.step(ike::RekeyIke{"tunnel"});
    case 2:
      return alone.step(ike::Initiate{"tunnel"});
    case 3:
      return alone.step(ike::Terminate{"tunnel"});
    case 4:
      return alone.step(ike::SetConnection{alone.connection});
    case 5:
      return alone.step(ike::Shutdown{});
  }
}

void data_path_event(Script& script, LoneEngine& alone) {
  using Kind = ike::ChildSaEvent::Kind;
  const auto kind = script.one_of(std::array{Kind::first_inbound_packet, Kind::soft_expired, Kind::hard_expired});
  const auto& installed = alone.data_path.installed();
  if (installed.empty()) return;
  auto sa = installed.begin();
  std::advance(sa, static_cast<ptrdiff_t>(script.below(installed.size())));
  alone.step(ike::ChildSaEvent{sa->first, kind});
}

uint32_t installed_spi(Script& script, const LoneEngine& alone) {
  const auto& installed = alone.data_path.installed();
  if (installed.empty()) return 0;
  auto sa = installed.begin();
  std::advance(sa, static_cast<ptrdiff_t>(script.below(installed.size())));
  return script.yes() ? sa->second.outbound_spi : sa->first;
}

void require_nothing_left(LoneEngine& alone) {
  alone.step(ike::RemoveConnection{"tunnel"});
  alone.pass(600s);
  require(alone.engine->ike_sas().empty(), "no IKE SA is left");
  require(alone.data_path.installed().empty(), "no child SA is left");
  require(alone.data_path.reserved() == 0, "no SPI leaked");
}

}  // namespace sekisho::fuzz
