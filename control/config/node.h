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
  bool is_false() const { return value_->is_boolean() && !value_->get<bool>(); }
  std::optional<std::string> text() const;
  bool is(std::string_view text) const;  // exactly this text
  std::optional<bool> boolean() const;
  std::optional<uint64_t> integer(uint64_t least, uint64_t most) const;
  std::optional<double> number(double least, double most) const;
  // The index of the word in `choices`.
  std::optional<size_t> choice(std::initializer_list<std::string_view> choices) const;
  std::optional<std::vector<Node>> items() const;  // of an array
  // Likewise, of which there are to be so many of `what`; empty where it is no array.
  std::vector<Node> items(size_t least, size_t most, std::string_view what) const;
  std::optional<std::vector<std::pair<std::string, Node>>> members() const;  // of an object

 private:
  void wrong_type(std::string_view wanted) const;

  const Json* value_;
  std::string pointer_;
  ErrorList* errors_;
};

// An object with a fixed set of keys. Says so where the node is no object, which then reads as if empty, or has other
// keys. One of these that is all but a key of the set is read as that, so that nothing else is refused for its absence.
// `shorthand`: the key that a string in place of the object stands for; empty: none.
class Object {
 public:
  Object(const Node& node, std::initializer_list<std::string_view> keys, std::string_view shorthand = {});

  std::optional<Node> get(std::string_view key) const;
  std::optional<Node> require(std::string_view key) const;  // reports where it is missing

 private:
  Node node_;
  bool valid_;
  std::vector<std::string_view> meant_;  // keys that misspelt ones are taken for
  std::vector<std::pair<std::string, Node>> members_;
};

// Whether anything has been reported since. What hangs on a value that was refused is not held against it: one mistake
// is one error.
class ErrorWatch {
 public:
  explicit ErrorWatch(const Node& node) : errors_(node.errors()), before_(errors_.count()) {}
  bool clean() const { return errors_.count() == before_; }

 private:
  const ErrorList& errors_;
  size_t before_;
};

// What parse(Node) makes of each item; items that it refuses are left out.
template <typename Parse>
auto read_list(const std::vector<Node>& items, Parse parse) {
  std::vector<typename decltype(parse(items.front()))::value_type> list;
  for (const Node& item : items)
    if (auto value = parse(item)) list.push_back(std::move(*value));
  return list;
}

// Likewise, of the items of an array.
template <typename Parse>
auto read_list(const Node& node, Parse parse) {
  return read_list(node.items().value_or(std::vector<Node>{}), parse);
}

// Takes the value where there is one, else leaves the target as it was.
template <typename Target, typename Value>
void assign(Target& target, std::optional<Value> value) {
  if (value) target = static_cast<Target>(std::move(*value));
}

}  // namespace sekisho::config
