// A value of the configuration together with its place, for typed reading: a reader that does not find what it wants
// reports it and returns nothing, and decoding goes on with the next key.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/config/error_list.h"
#include "control/config/json_document.h"

namespace sekisho::config {

// The text as a JSON string in ASCII, shortened: safe for logs and terminals.
std::string shown(std::string_view text);

class Node {
 public:
  Node(const Json& value, std::string pointer, ErrorList& errors)
      : value_(&value), pointer_(std::move(pointer)), errors_(&errors) {}

  const std::string& pointer() const { return pointer_; }
  ErrorList& errors() const { return *errors_; }
  void fail(const Message& message, std::string detail) const { errors_->add(pointer_, message, std::move(detail)); }

  bool is_text() const { return value_->is_string(); }
  bool is_boolean() const { return value_->is_boolean(); }
  std::optional<std::string> text() const;
  bool is(std::string_view text) const;  // exactly this text
  std::optional<bool> boolean() const;
  std::optional<uint64_t> integer(uint64_t least, uint64_t most) const;
  std::optional<double> number(double least, double most) const;
  // The index of the word in `choices`.
  std::optional<size_t> choice(std::initializer_list<std::string_view> choices) const;
  std::optional<std::vector<Node>> items() const;                            // of an array
  std::optional<std::vector<std::pair<std::string, Node>>> members() const;  // of an object

 private:
  void wrong_type(std::string_view wanted) const;

  const Json* value_;
  std::string pointer_;
  ErrorList* errors_;
};

// An object with a fixed set of keys. Says so where the node is no object or has other keys; then reads as if empty.
// `shorthand`: the key that a string in place of the object stands for; empty: none.
class Object {
 public:
  Object(const Node& node, std::initializer_list<std::string_view> keys, std::string_view shorthand = {});

  std::optional<Node> get(std::string_view key) const;
  std::optional<Node> require(std::string_view key) const;  // reports where it is missing

 private:
  Node node_;
  bool valid_;
  std::vector<std::pair<std::string, Node>> members_;
};

// What parse(Node) makes of each item of an array; items that it refuses are left out.
template <typename Parse>
auto read_list(const Node& node, Parse parse) {
  using Item = typename decltype(parse(node))::value_type;
  std::vector<Item> list;
  const auto items = node.items();
  if (items)
    for (const Node& item : *items)
      if (auto value = parse(item)) list.push_back(std::move(*value));
  return list;
}

// Takes the value where there is one, else leaves the target as it was.
template <typename Target, typename Value>
void assign(Target& target, std::optional<Value> value) {
  if (value) target = static_cast<Target>(std::move(*value));
}

}  // namespace sekisho::config
