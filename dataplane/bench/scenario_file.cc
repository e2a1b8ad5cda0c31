#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/messages/bench.h"
#include "base/messages/system.h"
#include "dataplane/bench/addresses.h"
#include "dataplane/bench/scenario.h"
#include "ipc/schema.h"

namespace sekisho::dataplane::bench {
namespace {

using nlohmann::json;

constexpr size_t max_file_size = 1 << 20;
constexpr unsigned max_routes = 1'000'000;

// What stands where a field's name belongs may be the key.
std::string shown(const std::string& name) {
  constexpr size_t longest = 24;
  return name.size() <= longest ? name : "(a long name)";
}

// A value and its place in the file. The first thing that is wrong is remembered, and reading goes on with defaults.
class Field {
 public:
  Field(const json& value, std::string path, std::optional<Error>& error)
      : value_(value), path_(std::move(path)), error_(error) {}

  void refuse(const Message& message, const std::string& why) const {
    if (!error_) error_ = Error{&message, (path_.empty() ? "/" : path_) + ": " + why};
  }
  void bad_value(const std::string& wanted) const { refuse(messages::scenario_bad_value, wanted); }

  std::string text() const {
    if (value_.is_string()) return value_.get<std::string>();
    bad_value("a text is wanted");
    return {};
  }
  unsigned number(unsigned least, unsigned most) const {
    if (value_.is_number_unsigned())
      if (const auto number = value_.get<uint64_t>(); number >= least && number <= most)
        return static_cast<unsigned>(number);
    bad_value("a number from " + std::to_string(least) + " to " + std::to_string(most) + " is wanted");
    return least;
  }
  bool is_text() const { return value_.is_string(); }

  // One of `choices`, each with its name.
  template <typename T>
  T choice(std::initializer_list<T> choices, std::string_view (*name_of)(T)) const {
    std::string names;
    for (const T choice : choices) {
      if (value_.is_string() && value_.get<std::string>() == name_of(choice)) return choice;
      names += (names.empty() ? "" : ", ") + std::string(name_of(choice));
    }
    bad_value("one of " + names + " is wanted");
    return *choices.begin();
  }

  // A list of at least one item, none twice.
  template <typename Read>
  auto list(Read read) const {
    std::vector<decltype(read(*this))> items;
    if (!value_.is_array() || value_.empty()) {
      bad_value("a list of at least one item is wanted");
      return items;
    }
    for (size_t i = 0; i < value_.size(); ++i) {
      const Field item(value_[i], path_ + "/" + std::to_string(i), error_);
      auto value = read(item);
      if (std::ranges::find(items, value) != items.end()) item.bad_value("it stands twice");
      items.push_back(std::move(value));
    }
    return items;
  }

  using Readers = std::map<std::string_view, std::function<void(const Field&)>>;
  void object(const Readers& readers) const {
    if (!value_.is_object()) return bad_value("an object is wanted");
    for (const auto& [name, value] : value_.items()) {
      const Field field(value, path_ + "/" + shown(name), error_);
      if (const auto reader = readers.find(name); reader != readers.end())
        reader->second(field);
      else
        field.refuse(messages::scenario_unknown_field, "not known here");
    }
  }
  bool has(const char* name) const { return value_.is_object() && value_.contains(name); }
  // What somebody else reads: an array of objects.
  void expect_objects() const {
    if (!value_.is_array() || !std::ranges::all_of(value_, [](const json& item) { return item.is_object(); }))
      bad_value("a list of objects is wanted");
  }

 private:
  const json& value_;
  std::string path_;
  std::optional<Error>& error_;
};

EspSuite read_suite(const Field& field) {
  if (field.is_text())
    if (const auto suite = find_esp_suite(field.text())) return *suite;
  std::string names;
  for (const EspSuiteInfo& suite : esp_suites) names += (names.empty() ? "" : ", ") + std::string(suite.name);
  field.bad_value("one of " + names + " is wanted");
  return {};
}

FrameSize read_size(const Field& field) {
  if (!field.is_text()) return static_cast<FrameSize>(field.number(min_frame, max_frame));
  if (field.text() != size_name(imix)) field.bad_value("a number of bytes or \"imix\" is wanted");
  return imix;
}

std::vector<Direction> read_directions(const Field& field) {
  if (field.is_text() && field.text() == "both") return {Direction::out, Direction::in};
  return {field.choice({Direction::plain, Direction::out, Direction::in}, &name)};
}

void read_key(const Field& field, SecretBytes& key) {
  key = SecretBytes(key_size);
  const std::string text = field.is_text() ? field.text() : "";
  bool good = text.size() == 2 * key.size();
  for (size_t i = 0; good && i < key.size(); ++i) {
    const char* digits = text.data() + 2 * i;
    good = std::from_chars(digits, digits + 2, key.writable()[i], 16).ptr == digits + 2;
  }
  if (!good) field.bad_value("64 hexadecimal digits are wanted");
}

std::string read_device(const Field& port) {
  std::string device;
  port.object({{"device", [&](const Field& field) { device = field.text(); }}});
  if (device.empty()) port.bad_value("an object with the text \"device\" is wanted");
  return device;
}

uint16_t read_window(const Field& field) {
  const unsigned window = field.number(0, 4096);
  if (window % 64 != 0) field.bad_value("a multiple of 64 is wanted");
  return static_cast<uint16_t>(window);
}

void read_scenario(const Field& root, Scenario& scenario) {
  const auto counts = [](unsigned most) { return [most](const Field& item) { return item.number(1, most); }; };
  root.object({
      {"title", [](const Field& field) { static_cast<void>(field.text()); }},
      {"direction", [&](const Field& field) { scenario.directions = read_directions(field); }},
      {"family",
       [&](const Field& field) {
         const unsigned family = field.number(4, 6);
         if (family == 5) field.bad_value("4 or 6 is wanted");
         scenario.family = family == 6 ? Family::ipv6 : Family::ipv4;
       }},
      {"suites", [&](const Field& field) { scenario.suites = field.list(read_suite); }},
      {"sizes", [&](const Field& field) { scenario.sizes = field.list(read_size); }},
      {"tunnels", [&](const Field& field) { scenario.tunnels = field.list(counts(ipc::max_tunnels)); }},
      {"routes", [&](const Field& field) { scenario.routes = field.list(counts(max_routes)); }},
      {"workers", [&](const Field& field) { scenario.workers = field.list(counts(ipc::max_workers)); }},
      {"paths", [&](const Field& field) { scenario.paths = field.number(1, neighbours); }},
      {"order",
       [&](const Field& field) {
         scenario.order = field.choice({Order::turn, Order::random}, &name);
       }},
      {"during",
       [&](const Field& field) {
         scenario.during = field.choice({During::nothing, During::rekey, During::commit}, &name);
       }},
      {"key", [&](const Field& field) { read_key(field, scenario.key); }},
      {"security_rules", [&](const Field& field) { scenario.security_rules = field.number(0, ipc::max_filter_rules); }},
      {"replay_window", [&](const Field& field) { scenario.replay_window = read_window(field); }},
      {"ports",
       [&](const Field& field) {
         field.object({{"lan", [&](const Field& port) { scenario.lan_device = read_device(port); }},
                       {"wan", [&](const Field& port) { scenario.wan_device = read_device(port); }}});
       }},
      // Judged by script/bench.
      {"pass", [](const Field& field) { field.expect_objects(); }},
  });
  for (const char* required : {"direction", "sizes"})
    if (!root.has(required)) root.bad_value("the field \"" + std::string(required) + "\" is missing");
  if (scenario.directions != std::vector{Direction::plain})
    for (const char* required : {"suites", "key"})
      if (!root.has(required)) root.bad_value("the field \"" + std::string(required) + "\" is missing");
}

// Of the `byte`th byte, which may be just behind the end.
std::string place_of(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, byte == 0 ? 0 : byte - 1);
  const size_t line = 1 + static_cast<size_t>(std::ranges::count(before, '\n'));
  const size_t column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// nlohmann-json keeps the last of two fields of one name; here that is an error.
Result<json> parse_json(std::string_view text) {
  std::vector<std::set<std::string>> open;
  std::string twice;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  try {
    json document = json::parse(text, watch);
    if (!twice.empty()) return fail(messages::scenario_not_json, "the field \"" + shown(twice) + "\" stands twice");
    return document;
  } catch (const json::parse_error& error) {
    // what() would quote the text just before, which may be the key.
    return fail(messages::scenario_not_json, place_of(text, error.byte));
  } catch (const json::out_of_range&) {
    return fail(messages::scenario_not_json, "a number is too large");
  }
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view text) {
  auto document = parse_json(text);
  if (!document) return std::unexpected(std::move(document.error()));
  Scenario scenario;
  std::optional<Error> error;
  read_scenario(Field(*document, "", error), scenario);
  if (error) return std::unexpected(std::move(*error));
  if (auto good = check(scenario); !good) return std::unexpected(std::move(good.error()));
  return scenario;
}

Result<Scenario> load_scenario(const std::string& place) {
  std::error_code ignored;
  const std::string file = std::filesystem::is_directory(place, ignored) ? place + "/scenario.json" : place;
  std::ifstream stream(file, std::ios::binary);
  std::string text(max_file_size, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (stream.bad() || text.empty()) return fail(messages::file_unreadable, file);
  auto scenario = parse_scenario(text);
  if (!scenario) return fail(*scenario.error().message, file + ": " + scenario.error().detail);
  const auto path = std::filesystem::absolute(file).lexically_normal();
  scenario->name = path.filename() == "scenario.json" ? path.parent_path().filename() : path.stem();
  return scenario;
}

}  // namespace sekisho::dataplane::bench
