#include "dataplane/filter/filter.h"

#include <rte_cycles.h>

#include <algorithm>

#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

struct Masked {
  AddressValue value = 0, mask = 0;
};

// The flat form of an address has the significant bytes in front, AddressValue has them behind.
Masked masked(const ipc::Address& address, uint8_t length) {
  const unsigned bits = address.family == 4 ? 32 : 128;
  Masked result;
  for (unsigned i = 0; i < bits / 8; ++i) result.value = result.value << 8 | address.bytes[i];
  const AddressValue all = bits == 32 ? AddressValue{UINT32_MAX} : ~AddressValue{0};
  result.mask = length == 0 ? 0 : all & ~(length == bits ? 0 : (AddressValue{1} << (bits - length)) - 1);
  result.value &= result.mask;
  return result;
}

}  // namespace

FilterRule filter_rule(const ipc::FilterRuleAdd& rule) {
  FilterRule result{.first_port = rule.first_port,
                    .last_port = rule.last_port,
                    .family = rule.family,
                    .protocol = rule.protocol,
                    .wants_port = rule.first_port != 0 || rule.last_port != UINT16_MAX,
                    .wants_type = rule.has_icmp_type != 0,
                    .type = rule.icmp_type};
  if (rule.family == 0) return result;
  const Masked remote = masked(rule.remote, rule.remote_length), local = masked(rule.local, rule.local_length);
  result.remote = remote.value;
  result.remote_mask = remote.mask;
  result.local = local.value;
  result.local_mask = local.mask;
  return result;
}

bool FilterRule::allows(const RuleSubject& subject) const {
  if (protocol != 0 && protocol != subject.protocol) return false;
  if (family != 0 && family != subject.family) return false;
  if ((subject.remote & remote_mask) != remote || (subject.local & local_mask) != local) return false;
  if (wants_port && (!subject.has_port || subject.port < first_port || subject.port > last_port)) return false;
  return !wants_type || (subject.has_type && subject.type == type);
}

bool Filter::allows(ipc::Direction direction, const RuleSubject& subject) const {
  return std::ranges::any_of(rules[static_cast<size_t>(direction)],
                             [&](const FilterRule& rule) { return rule.allows(subject); });
}

Result<std::unique_ptr<FilterTable>> FilterTable::create(size_t places, const FlowTimeouts& timeouts) {
  const auto ticks_per_cycle = static_cast<uint64_t>((AddressValue{ticks_per_second} << 64) / rte_get_tsc_hz());
  std::unique_ptr<FilterTable> table(new FilterTable(ticks_per_cycle));
  auto flows = FlowTable::create(places, ticks_per_second, timeouts);
  if (!flows) return std::unexpected(flows.error());
  table->flows_ = std::move(*flows);
  table->start_ = rte_rdtsc();
  return table;
}

Ticks FilterTable::now() const {
  return static_cast<Ticks>((AddressValue{rte_rdtsc() - start_} * ticks_per_cycle_) >> 64) + 1;
}

}  // namespace sekisho::dataplane
