#include "control/routing/zserv/codec.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/messages/routing.h"

namespace sekisho::zserv {
namespace {

constexpr uint8_t marker = 254;
constexpr uint8_t version = 6;
constexpr uint16_t no_such_command = 0xfffe;
constexpr uint8_t unicast = 1;  // SAFI
constexpr uint32_t bad_command = 2;

enum Has : uint32_t {
  has_next_hops = 0x01,
  has_distance = 0x02,
  has_metric = 0x04,
  has_tag = 0x08,
  has_mtu = 0x10,
  has_source = 0x20,
  has_backups = 0x40,
  has_group = 0x80,
  has_table = 0x100,
  has_colour = 0x200,
  has_opaque = 0x400,
};

enum RouteFlag : uint32_t { no_flag = 0, allow_recursion = 0x01 };

enum HopFlag : uint8_t { hop_on_link = 0x01, hop_labels = 0x02, hop_weight = 0x04, hop_backup = 0x08, hop_evpn = 0x40 };
constexpr uint8_t known_hop_flags = hop_on_link | hop_labels | hop_weight | hop_backup | hop_evpn;

enum HopType : uint8_t { by_link = 1, by_ipv4, by_ipv4_and_link, by_ipv6, by_ipv6_and_link, nowhere };

enum Capability : uint32_t {
  graceful_restart = 1,
  update_complete = 2,
  update_pending = 3,
  no_graceful_restart = 4,
};

// What was not said as it should be.
using Fault = const char*;
// Of a next hop: how long it is shows only to who knows all of its flags.
constexpr char unknown_flags[] = "flags of a next hop";

std::unexpected<Error> nonsense(std::string detail) { return fail(messages::zebra_nonsense, std::move(detail)); }

// Some fields stand in the message as in zebra's memory, on this same machine.
uint32_t as_in_memory(ByteReader& reader) {
  const uint32_t value = reader.u32();
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}

std::optional<Family> family_of(uint8_t number) {
  if (number == 2) return Family::ipv4;
  if (number == 10) return Family::ipv6;
  return {};
}
uint8_t family_number(Family family) { return family == Family::ipv4 ? 2 : 10; }
uint8_t afi(Family family) { return family == Family::ipv4 ? 1 : 2; }
size_t size_of(Family family) { return family == Family::ipv4 ? 4 : 16; }

// As many bytes as the length needs, or the whole address.
enum class Width : uint8_t { shortest, whole };
std::optional<Prefix> read_prefix(ByteReader& reader, Family family, unsigned length, Width width) {
  if (length > 8 * size_of(family)) return {};
  std::array<uint8_t, 16> bytes{};
  const ByteView said = reader.bytes(width == Width::whole ? size_of(family) : (length + 7) / 8);
  if (!reader.ok()) return {};
  std::ranges::copy(said, bytes.begin());
  return Prefix(*IpAddress::from_bytes(ByteView(bytes).first(size_of(family))), length);
}

void write_prefix(ByteWriter& writer, const Prefix& prefix) {
  writer.u8(static_cast<uint8_t>(prefix.length()));
  writer.bytes(prefix.address().bytes().first((prefix.length() + 7) / 8));
}

Fault read_target(ByteReader& reader, uint8_t type, NextHop& hop) {
  switch (type) {
    case by_link:
      hop.link = reader.u32();
      return nullptr;
    case by_ipv4:
    case by_ipv4_and_link:
    case by_ipv6:
    case by_ipv6_and_link:
      // The index is there in either case; 0 where the gateway is yet to be looked up.
      hop.gateway = IpAddress::from_bytes(reader.bytes(type <= by_ipv4_and_link ? 4 : 16));
      hop.link = reader.u32();
      return nullptr;
    case nowhere: {
      const uint8_t kind = reader.u8();
      if (kind > static_cast<uint8_t>(Blackhole::prohibit)) return "kind of blackhole";
      hop.blackhole = static_cast<Blackhole>(kind);
      return nullptr;
    }
    default:
      return "type of next hop";
  }
}

Fault read_next_hop(const Dialect& dialect, ByteReader& reader, uint32_t message, NextHop& hop) {
  reader.u32();  // VRF
  const uint8_t type = reader.u8();
  const uint8_t flags = reader.u8();
  if (flags & ~known_hop_flags) return unknown_flags;
  hop.on_link = flags & hop_on_link;
  if (const Fault fault = read_target(reader, type, hop)) return fault;
  if (flags & hop_labels) {
    const size_t labels = reader.u8();
    reader.skip((dialect.labels_have_a_type() ? 1 : 0) + 4 * labels);
  }
  if (flags & hop_weight) hop.weight = std::max<uint64_t>(dialect.wide_weights() ? reader.u64() : reader.u32(), 1);
  if (flags & hop_evpn) reader.skip(6);
  if (message & has_colour) reader.u32();
  if (flags & hop_backup) reader.skip(reader.u8());
  return nullptr;
}

Fault read_next_hops(const Dialect& dialect, ByteReader& reader, uint32_t message, std::vector<NextHop>& hops) {
  const size_t count = reader.u16();
  if (count > max_next_hops) return "number of next hops";
  for (size_t i = 0; i < count && reader.ok(); ++i)
    if (const Fault fault = read_next_hop(dialect, reader, message, hops.emplace_back())) return fault;
  return nullptr;
}

Fault read_route(const Dialect& dialect, ByteReader& reader, Route& route) {
  route.type = dialect.route_type(reader.u8());
  reader.skip(2 + 4);  // instance, flags
  const uint32_t message = reader.u32();
  if (reader.u8() != unicast) return "SAFI";
  const auto family = family_of(reader.u8());
  if (!family) return "family";
  const auto prefix = read_prefix(reader, *family, reader.u8(), Width::shortest);
  if (!prefix) return "prefix";
  route.prefix = *prefix;
  if (message & has_source) {
    route.source = read_prefix(reader, *family, reader.u8(), Width::shortest);
    if (!route.source) return "source prefix";
  }
  if (message & has_group) reader.u32();
  std::vector<NextHop> backups;
  for (const auto& [has, hops] : {std::pair(has_next_hops, &route.next_hops), std::pair(has_backups, &backups)}) {
    const Fault fault = message & has ? read_next_hops(dialect, reader, message, *hops) : nullptr;
    if (fault == unknown_flags) {
      // Segment routing, or what a later release has: the kernel knows the way.
      route.next_hops.clear();
      return nullptr;
    }
    if (fault) return fault;
  }
  if (message & has_distance) route.distance = reader.u8();
  if (message & has_metric) route.metric = reader.u32();
  if (message & has_tag) route.tag = reader.u32();
  if (message & has_mtu) reader.u32();
  if (message & has_table) reader.u32();
  if (message & has_opaque) reader.skip(reader.u16());
  return reader.finished() ? nullptr : "length";
}

Fault read_notice(const Dialect& dialect, ByteReader& reader, OwnerNotified& notified) {
  const uint32_t notice = as_in_memory(reader);
  if (notice > static_cast<uint32_t>(Notice::remove_failed)) return "notice";
  notified.notice = static_cast<Notice>(notice);
  const auto family = family_of(reader.u8());
  if (!family) return "family";
  const auto prefix = read_prefix(reader, *family, reader.u8(), Width::whole);
  if (!prefix) return "prefix";
  notified.prefix = *prefix;
  if (dialect.notices_have_a_source()) reader.skip(1 + size_of(*family));
  reader.skip(4 + 1 + 1);  // table, AFI, SAFI
  return reader.finished() ? nullptr : "length";
}

template <typename T>
Result<FromZebra> outcome(Fault fault, std::string_view command, T message) {
  if (fault) return nonsense(std::string(command) + ": its " + fault);
  return FromZebra(std::move(message));
}

ByteWriter begin(uint16_t command) {
  ByteWriter writer;
  writer.u16(0);  // length, see finish()
  writer.u8(marker);
  writer.u8(version);
  writer.u32(0);  // the default VRF
  writer.u16(command);
  return writer;
}
ByteWriter begin(const Dialect& dialect, Command command) { return begin(dialect.number(command)); }

Bytes finish(ByteWriter writer) {
  writer.patch_u16(0, static_cast<uint16_t>(writer.size()));
  return std::move(writer).take();
}

void write_next_hop(const Dialect& dialect, const NextHop& hop, bool weighted, ByteWriter& writer) {
  writer.u32(0);  // VRF
  if (hop.blackhole)
    writer.u8(nowhere);
  else if (!hop.gateway)
    writer.u8(by_link);
  else
    writer.u8(hop.gateway->is_v4() ? by_ipv4_and_link : by_ipv6_and_link);
  writer.u8(static_cast<uint8_t>((hop.on_link ? hop_on_link : 0) | (weighted ? hop_weight : 0)));
  if (hop.blackhole) {
    writer.u8(static_cast<uint8_t>(*hop.blackhole));
  } else {
    if (hop.gateway) writer.bytes(hop.gateway->bytes());
    writer.u32(hop.link);
  }
  if (!weighted) return;
  if (dialect.wide_weights())
    writer.u64(hop.weight);
  else
    writer.u32(static_cast<uint32_t>(hop.weight));
}

void write_route_head(const Dialect& dialect, RouteType type, uint32_t flags, uint32_t message, const Prefix& prefix,
                      ByteWriter& writer) {
  writer.u8(dialect.number(type));
  writer.u16(0);  // instance
  writer.u32(flags);
  writer.u32(message);
  writer.u8(unicast);
  writer.u8(family_number(prefix.family()));
  write_prefix(writer, prefix);
}

Bytes capability(const Dialect& dialect, Capability what, std::initializer_list<uint32_t> values) {
  ByteWriter writer = begin(dialect, Command::client_capabilities);
  writer.u32(what);
  for (const uint32_t value : values) writer.u32(value);
  return finish(std::move(writer));
}

}  // namespace

void Stream::append(ByteView bytes) {
  data_.erase(data_.begin(), data_.begin() + static_cast<ptrdiff_t>(at_));
  at_ = 0;
  data_.insert(data_.end(), bytes.begin(), bytes.end());
}

Result<ByteView> Stream::next() {
  const ByteView waiting = ByteView(data_).subspan(at_);
  if (waiting.size() < header_size) return ByteView{};
  ByteReader reader(waiting);
  const size_t length = reader.u16();
  if (length < header_size) return nonsense("a message of " + std::to_string(length) + " bytes");
  if (reader.u8() != marker || reader.u8() != version) return nonsense("not version 6 of the protocol");
  if (waiting.size() < length) return ByteView{};
  at_ += length;
  return waiting.first(length);
}

Result<FromZebra> decode(const Dialect& dialect, ByteView message) {
  ByteReader reader(message);
  reader.skip(4);
  const uint32_t vrf = reader.u32();
  const auto command = dialect.command(reader.u16());
  if (!reader.ok()) return nonsense("shorter than a header");
  if (!command || vrf != 0) return Other{};
  switch (*command) {
    case Command::redistribute_route_add: {
      RouteAdded added;
      const Fault fault = read_route(dialect, reader, added.route);
      return outcome(fault, "REDISTRIBUTE_ROUTE_ADD", std::move(added));
    }
    case Command::redistribute_route_delete: {
      RouteDeleted deleted;
      const Fault fault = read_route(dialect, reader, deleted.route);
      return outcome(fault, "REDISTRIBUTE_ROUTE_DEL", std::move(deleted));
    }
    case Command::route_notify_owner: {
      OwnerNotified notified;
      const Fault fault = read_notice(dialect, reader, notified);
      return outcome(fault, "ROUTE_NOTIFY_OWNER", notified);
    }
    case Command::error: {
      const uint32_t what = as_in_memory(reader);
      if (!reader.finished()) return nonsense("ERROR: its length");
      if (what == bad_command) return Barrier{};
      return Other{};
    }
    default:
      return Other{};
  }
}

Bytes hello(const Dialect& dialect, RouteType type) {
  ByteWriter writer = begin(dialect, Command::hello);
  writer.u8(dialect.number(type));
  writer.u16(0);  // instance
  writer.u32(0);  // session
  if (dialect.hello_asks_for_notices()) writer.u8(0);
  writer.u8(0);  // not synchronous
  return finish(std::move(writer));
}

Bytes ask_for_notices(const Dialect& dialect) {
  ByteWriter writer = begin(dialect, Command::route_notify_request);
  writer.u8(1);
  return finish(std::move(writer));
}

Bytes subscribe(const Dialect& dialect, Family family) {
  ByteWriter writer = begin(dialect, Command::redistribute_add);
  writer.u8(afi(family));
  writer.u8(dialect.every_route_type());
  writer.u16(0);  // instance
  return finish(std::move(writer));
}

Bytes barrier() { return finish(begin(no_such_command)); }

Bytes add_route(const Dialect& dialect, const Route& route) {
  ByteWriter writer = begin(dialect, Command::route_add);
  const bool recursive =
      std::ranges::any_of(route.next_hops, [](const NextHop& hop) { return hop.gateway && !hop.link; });
  write_route_head(dialect, route.type, recursive ? allow_recursion : no_flag,
                   has_next_hops | has_distance | has_metric | has_tag, route.prefix, writer);
  writer.u16(static_cast<uint16_t>(route.next_hops.size()));
  // Beside weights, none is a weight that releases understand differently.
  const bool weighted = std::ranges::any_of(route.next_hops, [](const NextHop& hop) { return hop.weight != 1; });
  for (const NextHop& hop : route.next_hops) write_next_hop(dialect, hop, weighted, writer);
  writer.u8(route.distance);
  writer.u32(route.metric);
  writer.u32(route.tag);
  return finish(std::move(writer));
}

Bytes delete_route(const Dialect& dialect, RouteType type, const Prefix& prefix) {
  ByteWriter writer = begin(dialect, Command::route_delete);
  write_route_head(dialect, type, 0, 0, prefix, writer);
  return finish(std::move(writer));
}

Bytes keep_routes(const Dialect& dialect, uint32_t seconds) {
  return capability(dialect, graceful_restart, {seconds, 0});
}

Bytes routes_follow(const Dialect& dialect, Family family) {
  return capability(dialect, update_pending, {afi(family), unicast, 0});
}

Bytes routes_complete(const Dialect& dialect, Family family) {
  return capability(dialect, update_complete, {afi(family), unicast, 0});
}

Bytes drop_routes_at_end(const Dialect& dialect) { return capability(dialect, no_graceful_restart, {0}); }

}  // namespace sekisho::zserv
