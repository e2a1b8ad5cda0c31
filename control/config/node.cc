#include "control/config/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/messages/config.h"
#include "base/nearest_name.h"
#include "control/config/misplaced.h"

namespace sekisho::config {
namespace {

constexpr size_t longest_quoted = 80;

std::string kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    default:
      return "the number " + value.dump();
  }
}

std::string joined(std::span<const std::string_view> words) { return fmt::format("{}", fmt::join(words, ", ")); }

// The one of the known keys that an unknown one is meant for; empty: none. A word that is right elsewhere is less
// likely misspelt than misplaced, unless a known one begins with it.
std::string_view meant(std::string_view key, std::span<const std::string_view> known) {
  const auto nearest = nearest_name(key, known);
  return home_of(key).empty() || nearest.starts_with(key) ? nearest : std::string_view();
}

std::string hint(std::string_view key, std::string_view meant, std::span<const std::string_view> known) {
  if (!meant.empty()) return fmt::format("did you mean \"{}\"?", meant);
  const std::string_view home = home_of(key);
  return home.empty() ? "known here: " + joined(known) : fmt::format("it belongs to {}", home);
}

// Not so a text under a word that is much longer or shorter: it may be a secret, and what a reader does not like it
// shows.
bool read_as(std::string_view key, std::string_view meant, const Node& value) {
  const size_t longer = std::max(key.size(), meant.size()), shorter = std::min(key.size(), meant.size());
  return !meant.empty() && (!value.is_text() || longer - shorter <= 1);
}

}  // namespace

std::string shown(std::string_view text) {
  const bool whole = text.size() <= longest_quoted;
  return Json(std::string(text.substr(0, longest_quoted))).dump(-1, ' ', true, Json::error_handler_t::replace) +
         (whole ? "" : "...");
}

void Node::wrong_type(std::string_view wanted) const {
  fail(messages::config_wrong_type, fmt::format("{} is wanted, not {}", wanted, kind_of(*value_)));
}

std::optional<std::string> Node::text() const {
  if (value_->is_string()) return value_->get<std::string>();
  wrong_type("a string");
  return {};
}

std::optional<bool> Node::boolean() const {
  if (value_->is_boolean()) return value_->get<bool>();
  wrong_type("true or false");
  return {};
}

bool Node::is(std::string_view text) const {
  return value_->is_string() && value_->get_ref<const std::string&>() == text;
}

std::optional<uint64_t> Node::integer(uint64_t least, uint64_t most) const {
  if (!value_->is_number_integer() && !(value_->is_number_float() && value_->get<double>() >= 0x1p64)) {
    wrong_type("a whole number");
    return {};
  }
  const bool representable = value_->is_number_unsigned();  // neither negative nor beyond 64 bits
  const uint64_t value = representable ? value_->get<uint64_t>() : 0;
  if (representable && value >= least && value <= most) return value;
  fail(messages::config_out_of_range, fmt::format("{} is not within {} to {}", value_->dump(), least, most));
  return {};
}

std::optional<double> Node::number(double least, double most) const {
  if (!value_->is_number()) {
    wrong_type("a number");
    return {};
  }
  const auto value = value_->get<double>();
  if (value >= least && value <= most) return value;
  fail(messages::config_out_of_range, fmt::format("{} is not within {} to {}", value_->dump(), least, most));
  return {};
}

std::optional<size_t> Node::choice(std::initializer_list<std::string_view> choices) const {
  const auto word = text();
  if (!word) return {};
  const auto found = std::ranges::find(choices, *word);
  if (found != choices.end()) return static_cast<size_t>(found - choices.begin());
  fail(messages::config_bad_choice,
       fmt::format("{} is none of: {}", shown(*word), joined({choices.begin(), choices.size()})));
  return {};
}

std::optional<std::vector<Node>> Node::items() const {
  if (!value_->is_array()) {
    wrong_type("an array");
    return {};
  }
  std::vector<Node> result;
  for (const Json& item : *value_)
    result.emplace_back(item, child_pointer(pointer_, std::to_string(result.size())), *errors_);
  return result;
}

std::vector<Node> Node::items(size_t least, size_t most, std::string_view what) const {
  auto result = items();
  if (!result) return {};
  if (result->size() < least || result->size() > most)
    fail(messages::config_out_of_range, fmt::format("{} {}, {} to {} are wanted", result->size(), what, least, most));
  return *std::move(result);
}

std::optional<std::vector<std::pair<std::string, Node>>> Node::members() const {
  if (!value_->is_object()) {
    wrong_type("an object");
    return {};
  }
  std::vector<std::pair<std::string, Node>> result;
  for (const auto& [key, value] : value_->get_ref<const Json::object_t&>())
    result.emplace_back(key, Node(value, child_pointer(pointer_, key), *errors_));
  return result;
}

Object::Object(const Node& node, std::initializer_list<std::string_view> keys, std::string_view shorthand)
    : node_(node), valid_(true) {
  if (!shorthand.empty() && node.is_text()) {
    members_.emplace_back(shorthand, node);
    return;
  }
  auto members = node.members();
  valid_ = members.has_value();
  if (!valid_) return;
  const std::span<const std::string_view> known(keys.begin(), keys.size());
  for (auto& [key, member] : *members)
    if (std::ranges::find(known, key) != known.end()) members_.emplace_back(key, member);
  for (auto& [key, member] : *members) {
    if (std::ranges::find(known, key) != known.end()) continue;
    // The value is not shown: it may be a secret that does not belong here.
    const std::string_view best = meant(key, known);
    member.fail(messages::config_unknown_key, fmt::format("{}; {}", shown(key), hint(key, best, known)));
    if (!best.empty()) meant_.push_back(best);
    if (read_as(key, best, member) && !get(best)) members_.emplace_back(best, member);
  }
}

std::optional<Node> Object::get(std::string_view key) const {
  const auto found =
      std::ranges::find(members_, key, [](const auto& member) { return std::string_view(member.first); });
  if (found == members_.end()) return {};
  return found->second;
}

std::optional<Node> Object::require(std::string_view key) const {
  auto member = get(key);
  const bool misspelt = std::ranges::find(meant_, key) != meant_.end();
  if (!member && valid_ && !misspelt) node_.fail(messages::config_missing_key, fmt::format("\"{}\"", key));
  return member;
}

}  // namespace sekisho::config
