// Identifiers that do not convert into each other or into plain integers.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace sekisho {

template <typename Tag, typename Rep = uint32_t>
class StrongId {
 public:
  using rep = Rep;
  constexpr StrongId() = default;
  explicit constexpr StrongId(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

 private:
  Rep value_ = 0;
};

}  // namespace sekisho

template <typename Tag, typename Rep>
struct std::hash<sekisho::StrongId<Tag, Rep>> {
  size_t operator()(sekisho::StrongId<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value()); }
};
