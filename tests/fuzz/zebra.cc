#include "control/routing/zserv/codec.h"
#include "control/routing/zserv/resolve.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {
namespace {

using namespace zserv;

// One of each way to lay messages out.
constexpr Release releases[] = {{8, 4}, {9, 1}, {10, 0}, {10, 1}, {10, 3}, {10, 7}};

// What was understood survives being said; the command is another when it is said by zebra.
void echo(const Dialect& dialect, const Route& route) {
  require(route.next_hops.size() <= max_next_hops, "next hops are bounded");
  const auto say = [&](const Route& said) {
    Bytes bytes = add_route(dialect, said);
    const uint16_t command = dialect.number(Command::redistribute_route_add);
    bytes[8] = static_cast<uint8_t>(command >> 8);
    bytes[9] = static_cast<uint8_t>(command);
    return bytes;
  };
  const Bytes once = say(route);
  const auto again = decode(dialect, once);
  require(again && std::holds_alternative<RouteAdded>(*again), "what is encoded decodes");
  const Route& heard = std::get<RouteAdded>(*again).route;
  require(heard.prefix == route.prefix && heard.next_hops == route.next_hops, "a route is the same when it is said");
  require(heard.type == route.type && heard.distance == route.distance && heard.tag == route.tag, "so is its origin");
  require(say(heard) == once, "encoding is stable");
}

void take(const Dialect& dialect, const FromZebra& message, Table& table) {
  if (const auto* added = std::get_if<RouteAdded>(&message)) {
    echo(dialect, added->route);
    table.add(added->route);
  } else if (const auto* deleted = std::get_if<RouteDeleted>(&message)) {
    table.remove(deleted->route.prefix);
  } else if (std::holds_alternative<Barrier>(message)) {
    table.session_ended(Instant{});
    table.dump_ended(Instant{});
  }
  require(table.stale() <= table.routes().size(), "what is stale is known");
}

}  // namespace

void zebra(ByteView script) {
  if (script.empty()) return;
  const Dialect dialect = *Dialect::of(releases[script.front() % std::size(releases)]);
  Stream stream;
  stream.append(script.subspan(1));
  Table table;
  for (;;) {
    const auto message = stream.next();
    if (!message || message->empty()) break;
    const auto decoded = decode(dialect, *message);
    if (!decoded) {
      require(!decoded.error().detail.empty(), "a refusal has a reason");
      break;
    }
    take(dialect, *decoded, table);
  }
  Resolver resolver(table);
  for (const auto& [prefix, entry] : table.routes())
    for (const Way& way : resolver.ways(entry.route)) require(way.link != 0, "a way leads out of a link");
  table.session_ended(Instant{});
  table.sweep(Instant::max());
  require(table.routes().empty() && table.stale() == 0, "nothing stale stays for ever");
}

}  // namespace sekisho::fuzz
