#include "control/config/claims.h"

#include <fmt/format.h>

#include "base/messages/config.h"

namespace sekisho::config {

void Claims::claim(ClaimKind kind, std::string thing, const Node& node) {
  const auto [first, fresh] = pointers_.try_emplace({kind, std::move(thing)}, node.pointer());
  if (fresh) return;
  node.fail(messages::config_duplicate,
            fmt::format("{} is taken by {}", shown(first->first.second), shown(first->second)));
}

}  // namespace sekisho::config
