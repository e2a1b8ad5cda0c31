#include "control/config/diff.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "control/config/encode.h"
#include "control/config/error_list.h"
#include "control/ike/connection_difference.h"

namespace sekisho::config {
namespace {

using nlohmann::json;

// What stands in files of its own, by the keys that name them. Keys and certificates are not shown, only that they
// changed.
struct Content {
  json::json_pointer key;
  bool (*same)(const ike::Connection& a, const ike::Connection& b);
};
const std::vector<Content>& contents() {
  using ike::Connection;
  static const std::vector<Content> all = {
      {json::json_pointer("/psk_file"),
       [](const Connection& a, const Connection& b) { return ike::same_secret(a.psk, b.psk); }},
      {json::json_pointer("/local/certificate"),
       [](const Connection& a, const Connection& b) { return a.local_auth == b.local_auth; }},
      {json::json_pointer("/remote/authorities"),
       [](const Connection& a, const Connection& b) { return a.remote_auth.same_authorities(b.remote_auth); }},
      {json::json_pointer("/remote/crls"),
       [](const Connection& a, const Connection& b) {
         return !a.remote_auth.same_authorities(b.remote_auth) || a.remote_auth == b.remote_auth;
       }},
      {json::json_pointer("/ppk/file"), [](const Connection& a, const Connection& b) {
         const auto key = [](const Connection& c) { return c.ppk ? c.ppk->key : nullptr; };
         return ike::same_secret(key(a), key(b));
       }}};
  return all;
}

// Every value that differs, object by object; a list is one value.
void compare(const json& before, const json& after, const std::string& pointer, std::vector<Change>& changes) {
  if (before == after) return;
  if (!before.is_object() || !after.is_object()) {
    changes.push_back({Change::Kind::change, pointer, before, after});
    return;
  }
  // Both were encoded with every default; only children, margins and "bgp" come and go.
  for (const auto& [key, value] : before.items())
    if (after.contains(key))
      compare(value, after[key], child_pointer(pointer, key), changes);
    else
      changes.push_back({Change::Kind::remove, child_pointer(pointer, key), value, nullptr});
  for (const auto& [key, value] : after.items())
    if (!before.contains(key)) changes.push_back({Change::Kind::add, child_pointer(pointer, key), nullptr, value});
}

void compare(const Vrf& before, const Vrf& after, const std::string& pointer, std::vector<Change>& changes) {
  compare(encode(before), encode(after), pointer, changes);
}

void compare(const Port& before, const Port& after, const std::string& pointer, std::vector<Change>& changes) {
  compare(encode(before), encode(after), pointer, changes);
}

void compare(const Group& before, const Group& after, const std::string& pointer, std::vector<Change>& changes) {
  compare(encode(before), encode(after), pointer, changes);
}

void compare(const SecurityGroup& before, const SecurityGroup& after, const std::string& pointer,
             std::vector<Change>& changes) {
  compare(encode(before), encode(after), pointer, changes);
}

void compare(const Tunnel& before, const Tunnel& after, const std::string& pointer, std::vector<Change>& changes) {
  json old_form = encode(before), new_form = encode(after);
  for (const Content& content : contents()) {
    if (content.same(before.connection, after.connection)) continue;
    changes.push_back({Change::Kind::change, pointer + content.key.to_string(), "content", "changed"});
    old_form[content.key] = new_form[content.key] = nullptr;
  }
  compare(old_form, new_form, pointer, changes);
}

struct Names {
  std::vector<std::string>& set;
  std::vector<std::string>& removed;
};

template <typename T>
void compare_all(const ByName<T>& before, const ByName<T>& after, const std::string& section, Names names,
                 std::vector<Change>& changes) {
  for (const auto& [name, value] : before) {
    if (after.contains(name)) continue;
    changes.push_back({Change::Kind::remove, child_pointer(section, name), encode(value), nullptr});
    names.removed.push_back(name);
  }
  for (const auto& [name, value] : after) {
    const std::string pointer = child_pointer(section, name);
    const size_t count = changes.size();
    if (const auto old = before.find(name); old != before.end())
      compare(old->second, value, pointer, changes);
    else
      changes.push_back({Change::Kind::add, pointer, nullptr, encode(value)});
    if (changes.size() > count) names.set.push_back(name);
  }
}

void compare_routes(std::vector<Route> before, std::vector<Route> after, Plan& plan) {
  std::ranges::sort(before);
  std::ranges::sort(after);
  std::ranges::set_difference(before, after, std::back_inserter(plan.routes_removed));
  std::ranges::set_difference(after, before, std::back_inserter(plan.routes_added));
  const auto pointer = [](const Route& route) { return child_pointer("/routes", route.prefix.text()); };
  for (const Route& route : plan.routes_removed)
    plan.changes.push_back({Change::Kind::remove, pointer(route), encode(route), nullptr});
  for (const Route& route : plan.routes_added)
    plan.changes.push_back({Change::Kind::add, pointer(route), nullptr, encode(route)});
}

// Each guard that comes or goes.
void compare_guards(const std::vector<Prefix>& before, const std::vector<Prefix>& after, std::vector<Change>& changes) {
  const std::set<Prefix> old(before.begin(), before.end()), wanted(after.begin(), after.end());
  for (const Prefix& prefix : old)
    if (!wanted.contains(prefix))
      changes.push_back({Change::Kind::remove, child_pointer("/guards", prefix.text()), prefix.text(), nullptr});
  for (const Prefix& prefix : wanted)
    if (!old.contains(prefix))
      changes.push_back({Change::Kind::add, child_pointer("/guards", prefix.text()), nullptr, prefix.text()});
}

// A section that may be missing.
template <typename T>
void compare_section(const std::optional<T>& before, const std::optional<T>& after, const std::string& pointer,
                     std::vector<Change>& changes) {
  using Kind = Change::Kind;
  if (before == after) return;
  changes.push_back({!before  ? Kind::add
                     : !after ? Kind::remove
                              : Kind::change,
                     pointer, before ? encode(*before) : json(), after ? encode(*after) : json()});
}

std::string_view word(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::add:
      return "add";
    case Change::Kind::change:
      return "change";
    case Change::Kind::remove:
      return "remove";
  }
  return "";
}

std::string_view word(Effect::Kind kind) {
  switch (kind) {
    case Effect::Kind::added:
      return "added";
    case Effect::Kind::removed:
      return "removed";
    case Effect::Kind::rebuilt:
      return "rebuilt";
    case Effect::Kind::in_place:
      return "in-place";
  }
  return "";
}

Effect::Kind effect_of(const Tunnel& before, const Tunnel& after) {
  const bool rebuilt = needs_other_twin(before, after) ||
                       ike::compare(before.connection, after.connection) == ike::Difference::negotiated;
  return rebuilt ? Effect::Kind::rebuilt : Effect::Kind::in_place;
}

std::vector<Effect> effects_of(const Plan& plan, const Config& running, const Config& desired) {
  std::vector<Effect> effects;
  for (const std::string& name : plan.tunnels_removed) effects.push_back({name, Effect::Kind::removed});
  for (const std::string& name : plan.tunnels_set) {
    const auto before = running.tunnels.find(name);
    const auto after = desired.tunnels.find(name);
    effects.push_back(
        {name, before == running.tunnels.end() ? Effect::Kind::added : effect_of(before->second, after->second)});
  }
  return effects;
}

}  // namespace

bool needs_other_twin(const Tunnel& before, const Tunnel& after) {
  return before.interface.name != after.interface.name || before.interface.vrf != after.interface.vrf;
}

Plan diff(const Config& running, const Config& desired) {
  Plan plan;
  std::vector<std::string> set, removed;
  compare_all(running.vrfs, desired.vrfs, "/vrfs", {set, removed}, plan.changes);
  compare_all(running.security_groups, desired.security_groups, "/security_groups",
              {plan.security_groups_set, plan.security_groups_removed}, plan.changes);
  compare_all(running.ports, desired.ports, "/ports", {plan.ports_set, plan.ports_removed}, plan.changes);
  compare_section(running.frr, desired.frr, "/frr", plan.changes);
  compare_routes(running.routes, desired.routes, plan);
  compare_guards(running.guards, desired.guards, plan.changes);
  compare_all(running.tunnels, desired.tunnels, "/tunnels", {plan.tunnels_set, plan.tunnels_removed}, plan.changes);
  compare_all(running.groups, desired.groups, "/groups", {plan.groups_set, plan.groups_removed}, plan.changes);
  compare_section(running.key_log, desired.key_log, "/key_log", plan.changes);
  plan.effects = effects_of(plan, running, desired);
  return plan;
}

bool same_connection(const ike::Connection& a, const ike::Connection& b) {
  return a.name == b.name && encode(a) == encode(b) &&
         std::ranges::all_of(contents(), [&](const Content& content) { return content.same(a, b); });
}

json to_json(const Plan& plan) {
  json result = json::array();
  for (const Change& change : plan.changes)
    result.push_back(
        {{"kind", word(change.kind)}, {"pointer", change.pointer}, {"before", change.before}, {"after", change.after}});
  return result;
}

json to_json(const std::vector<Effect>& effects) {
  json result = json::array();
  for (const auto& [tunnel, kind] : effects) {
    const bool goes_down = kind == Effect::Kind::removed || kind == Effect::Kind::rebuilt;
    result.push_back({{"tunnel", tunnel}, {"effect", word(kind)}, {"goes_down", goes_down}});
  }
  return result;
}

}  // namespace sekisho::config
