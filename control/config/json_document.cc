#include "control/config/json_document.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/messages/config.h"

namespace sekisho::config {
namespace {

// "line 3, column 7" of the byte at `offset`.
std::string place(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

// The library's words without its prefix and without what it last read: a key that was pasted into the file by mistake
// must not reach a log.
std::string reason(std::string text) {
  constexpr std::string_view last_read = "; last read: '";
  if (const size_t start = text.find(last_read); start != std::string::npos) {
    const size_t end = text.rfind('\'');
    text.erase(start, end + 1 - start);
  }
  if (const size_t dash = text.find(" - "); dash != std::string::npos) return text.substr(dash + 3);
  const size_t colon = text.rfind(": ");
  return colon == std::string::npos ? text : text.substr(colon + 2);
}

// Builds the tree from the parser's events.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, ErrorList& errors) : text_(text), errors_(errors) {}

  Json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return enter(Json::object()); }
  bool start_array(size_t) override { return enter(Json::array()); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  bool key(string_t& name) override {
    levels_.back().key = std::move(name);
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& exception) override {
    errors_.add("", messages::config_not_json,
                place(text_, position > 0 ? position - 1 : 0) + ": " + reason(exception.what()));
    return false;
  }

 private:
  struct Level {
    Json* container;
    std::string key{};
    std::unordered_map<std::string, size_t> seen{};  // key to index, for objects
  };

  std::string pointer() const {
    std::string result;
    for (const Level& level : levels_)
      result = child_pointer(result, level.container->is_array() ? std::to_string(level.container->size()) : level.key);
    return result;
  }

  Json* insert(Json value) {
    if (levels_.empty()) return &(root_ = std::move(value));
    Level& level = levels_.back();
    if (level.container->is_array()) {
      level.container->push_back(std::move(value));
      return &level.container->back();
    }
    auto& members = level.container->get_ref<Json::object_t&>();
    const auto [seen, fresh] = level.seen.emplace(level.key, members.size());
    if (!fresh) {
      errors_.add(pointer(), messages::config_duplicate_key, "the key has a value already");
      return &((members.begin() + static_cast<ptrdiff_t>(seen->second))->second = std::move(value));
    }
    members.push_back({level.key, std::move(value)});
    return &members.back().second;
  }

  bool put(Json value) {
    insert(std::move(value));
    return !errors_.full();
  }

  bool enter(Json container) {
    if (levels_.size() >= max_config_depth) {
      errors_.add(pointer(), messages::config_too_large, "nested deeper than " + std::to_string(max_config_depth));
      return false;
    }
    levels_.push_back({insert(std::move(container))});
    return !errors_.full();
  }

  bool leave() {
    levels_.pop_back();
    return true;
  }

  std::string_view text_;
  ErrorList& errors_;
  Json root_;
  std::vector<Level> levels_;
};

}  // namespace

std::optional<Json> parse_document(std::string_view text, ErrorList& errors) {
  if (text.size() > max_config_size) {
    errors.add("", messages::config_too_large,
               std::to_string(text.size()) + " bytes, at most " + std::to_string(max_config_size));
    return {};
  }
  Builder builder(text, errors);
  if (!Json::sax_parse(text, &builder)) return {};
  return builder.take();
}

}  // namespace sekisho::config
