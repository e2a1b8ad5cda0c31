#include "cli/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ranges>

#include "base/printable.h"

namespace sekisho::cli {
namespace {

template <typename... Args>
std::string formatted(const char* format, Args... args) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, args...);
  return text.data();
}

std::string padded(const std::string& cell, size_t width, bool right) {
  const std::string space(width - std::min(width, display_width(cell)), ' ');
  return right ? space + cell : cell + space;
}

}  // namespace

const json& at(const json& value, const std::string& pointer) {
  static const json nothing;
  const json::json_pointer path(pointer);
  return value.contains(path) ? value[path] : nothing;
}

std::string field(const json& value, const std::string& pointer) {
  const json& found = pointer.empty() ? value : at(value, pointer);
  if (found.is_null()) return "-";
  if (found.is_boolean()) return found.get<bool>() ? "yes" : "no";
  if (found.is_string()) return found.get_ref<const std::string&>().empty() ? "-" : printable(found.get<std::string>());
  if (!found.is_array()) return printable(found.dump(-1, ' ', true, json::error_handler_t::replace));
  std::string list;
  for (const json& item : found) list += (list.empty() ? "" : ", ") + field(item, "");
  return list.empty() ? "-" : list;
}

std::string duration(const json& seconds) {
  if (!seconds.is_number()) return "-";
  const auto value = seconds.get<double>();
  if (!(std::abs(value) < 1e12)) return "-";
  if (value < 10 && value != std::floor(value)) return formatted("%.1fs", value);
  const auto whole = static_cast<long long>(value);
  if (whole < 60) return formatted("%llds", whole);
  if (whole < 3600) return formatted("%lldm%02llds", whole / 60, whole % 60);
  if (whole < 86400) return formatted("%lldh%02lldm", whole / 3600, whole / 60 % 60);
  return formatted("%lldd%02lldh", whole / 86400, whole / 3600 % 24);
}

std::string octets(const json& count) {
  if (!count.is_number()) return "-";
  auto value = count.get<double>();
  if (value < 1000) return formatted("%.0f B", value);
  constexpr std::array units = {"kB", "MB", "GB", "TB", "PB", "EB"};
  size_t unit = 0;
  for (value /= 1000; value >= 999.95 && unit + 1 < units.size(); value /= 1000) ++unit;
  return formatted("%.1f %s", value, units[unit]);
}

std::string count(const json& value) {
  if (!value.is_number_integer()) return "-";
  std::string digits = value.dump();
  for (size_t place = digits.size(); place > 3 && digits[place - 4] != '-';) digits.insert(place -= 3, ",");
  return digits;
}

Table::Table(std::vector<std::string> headings) {
  for (std::string& heading : headings) {
    right_.push_back(heading.starts_with('>'));
    if (right_.back()) heading.erase(0, 1);
  }
  rows_.push_back(std::move(headings));
}

void Table::drop_if_unused(size_t column) {
  if (std::ranges::any_of(rows_ | std::views::drop(1), [column](const auto& row) { return row[column] != "-"; }))
    return;
  right_.erase(right_.begin() + static_cast<ptrdiff_t>(column));
  for (auto& row : rows_) row.erase(row.begin() + static_cast<ptrdiff_t>(column));
}

void Table::add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::string Table::text() const {
  if (empty()) return "none\n";
  std::vector<size_t> widths(right_.size());
  for (const auto& row : rows_)
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) line += (i ? "  " : "") + padded(row[i], widths[i], right_[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string dumped(const json& value) { return value.dump(2, ' ', true, json::error_handler_t::replace) + "\n"; }

void ListText::add(const json& part) {
  if (part.empty()) return;
  const std::string whole = dumped(part);  // "[\n", the items, "\n]\n"
  items_ += (items_.empty() ? "" : ",\n") + whole.substr(2, whole.size() - 5);
}

std::string ListText::text() && {
  if (items_.empty()) return "[]\n";
  items_.insert(0, "[\n");
  return std::move(items_ += "\n]\n");
}

std::string details(const std::vector<std::pair<std::string, std::string>>& lines) {
  size_t width = 0;
  for (const auto& [label, value] : lines) width = std::max(width, label.size());
  std::string text;
  for (const auto& [label, value] : lines) text += padded(label, width, false) + "  " + value + "\n";
  return text;
}

std::string message_text(const json& error, std::string_view indent) {
  const std::string margin(indent);
  std::string text = margin + field(error, "/id") + ": " + field(error, "/title");
  if (field(error, "/detail") != "-") text += ": " + field(error, "/detail");
  if (at(error, "/age_seconds").is_number()) text += " (" + duration(at(error, "/age_seconds")) + " ago)";
  return text + "\n" + margin + "  cause:  " + field(error, "/cause") + "\n" + margin +
         "  remedy: " + field(error, "/remedy") + "\n";
}

std::string warnings_text(const json& warnings) {
  std::string text;
  for (const json& each : warnings) {
    const bool of_tunnel = at(each, "/tunnel").is_string();
    text += (of_tunnel ? "warning, tunnel " + field(each, "/tunnel") : "warning") + "\n" + message_text(each, "  ");
  }
  return text;
}

}  // namespace sekisho::cli
