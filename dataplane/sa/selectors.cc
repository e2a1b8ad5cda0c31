#include "dataplane/sa/selectors.h"

#include <string>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane {
namespace {

AddressValue value_of(const ipc::Address& address) {
  AddressValue value = 0;
  for (size_t i = 0; i < (address.family == 4 ? 4u : 16u); ++i) value = value << 8 | address.bytes[i];
  return value;
}

bool whole_family(AddressValue first, AddressValue last, uint8_t family) {
  return first == 0 && last == (family == 4 ? AddressValue{UINT32_MAX} : ~AddressValue{0});
}

}  // namespace

bool Selectors::wants_ports(const Pair& pair) {
  const auto all_ports = [](const Range& range) { return range.first_port == 0 && range.last_port == UINT16_MAX; };
  return pair.protocol != 0 || !all_ports(pair.source) || !all_ports(pair.destination);
}

Result<Selectors> Selectors::from(std::span<const ipc::SelectorPair> pairs) {
  const auto refuse = [](const char* why) { return fail(messages::sa_refused, std::string("selectors: ") + why); };
  if (pairs.empty() || pairs.size() > ipc::max_selector_pairs) return refuse("no pair, or too many");
  Selectors result;
  for (const ipc::SelectorPair& from : pairs) {
    const uint8_t family = from.source.first.family;
    if (family != 4 && family != 6) return refuse("unknown address family");
    Pair& to = result.pairs_[result.count_++];
    to = {{}, {}, family, from.protocol};
    for (const auto& [in, out] : {std::pair{&from.source, &to.source}, std::pair{&from.destination, &to.destination}}) {
      if (in->first.family != family || in->last.family != family) return refuse("mixed address families");
      *out = {value_of(in->first), value_of(in->last), in->first_port, in->last_port};
      if (out->first > out->last) return refuse("a range that ends before it starts");
    }
    const bool ports = wants_ports(to);
    const bool everywhere = whole_family(to.source.first, to.source.last, family) &&
                            whole_family(to.destination.first, to.destination.last, family);
    result.wants_ports_ |= ports;
    if (!ports && everywhere) (family == 4 ? result.any4_ : result.any6_) = true;
  }
  return result;
}

bool Selectors::matches(const Pair& pair, const Flow& flow) {
  if (pair.family != flow.family) return false;
  if (flow.source < pair.source.first || flow.source > pair.source.last) return false;
  if (flow.destination < pair.destination.first || flow.destination > pair.destination.last) return false;
  if (pair.protocol != 0 && pair.protocol != flow.protocol) return false;
  const auto port_in = [&flow](const Range& range, uint16_t port) {
    if (range.first_port == 0 && range.last_port == UINT16_MAX) return true;
    return flow.has_ports && port >= range.first_port && port <= range.last_port;
  };
  return port_in(pair.source, flow.source_port) && port_in(pair.destination, flow.destination_port);
}

Ipv4Ranges Selectors::ipv4_ranges() const {
  const auto first = [](const Range& range) { return static_cast<uint32_t>(range.first); };
  const auto span = [](const Range& range) { return static_cast<uint32_t>(range.last - range.first); };
  for (const Pair& pair : std::span(pairs_).first(count_))
    if (pair.family == 4 && !wants_ports(pair))
      return {first(pair.source), span(pair.source), first(pair.destination), span(pair.destination)};
  return {};
}

bool Selectors::match(const Flow& flow) const {
  for (const Pair& pair : std::span(pairs_).first(count_))
    if (matches(pair, flow)) return true;
  return false;
}

}  // namespace sekisho::dataplane
