// Values for people. Whatever came from the daemon passes through printable(): it may have come from a peer.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::cli {

using nlohmann::json;

// What stands at a JSON pointer; null where nothing does.
const json& at(const json& value, const std::string& pointer);
// The same as text: "-" for null, yes or no, lists with commas.
std::string field(const json& value, const std::string& pointer);
// "0.4s", "12s", "3m12s", "2h05m", "3d04h" for a number of seconds; "-" for null.
std::string duration(const json& seconds);
// "812 B", "4.2 kB", "10.0 MB": powers of 1000.
std::string octets(const json& count);
// "1,234,567"
std::string count(const json& value);

// Columns side by side, each as wide as its widest cell. A heading that begins with ">" aligns to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  // "none" where there is no row.
  std::string text() const;
  // Leaves the column out where no row has anything but "-" in it.
  void drop_if_unused(size_t column);

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// JSON, indented. ASCII only: a terminal that shows it sees no escape sequence.
std::string dumped(const json& value);

// The same for a list that comes in parts.
class ListText {
 public:
  void add(const json& part);
  std::string text() &&;

 private:
  std::string items_;
};

// "label  value" lines with the values in one column.
std::string details(const std::vector<std::pair<std::string, std::string>>& lines);

// A message of the daemon: "SKO-IKE-001: title: detail", then cause and remedy, indented.
std::string message_text(const json& error, std::string_view indent);
// What a configuration is to be warned of: a paragraph each, with the tunnel that it is about.
std::string warnings_text(const json& warnings);

}  // namespace sekisho::cli
