#include "base/message.h"

#include <algorithm>
#include <vector>

#include "base/messages/bench.h"
#include "base/messages/config.h"
#include "base/messages/dataplane.h"
#include "base/messages/ike.h"
#include "base/messages/routing.h"
#include "base/messages/system.h"

namespace sekisho {

std::string Error::text() const {
  std::string text = std::string(message->id) + ": " + std::string(message->title);
  if (!detail.empty()) text += ": " + detail;
  return text;
}

std::span<const Message* const> message_catalogue() {
  static const std::vector<const Message*> catalogue = [] {
    std::vector<const Message*> all;
    const auto add = [&all](std::span<const Message* const> area) { all.insert(all.end(), area.begin(), area.end()); };
    add(messages::bench_messages);
    add(messages::config_messages);
    add(messages::dataplane_messages);
    add(messages::ike_messages);
    add(messages::routing_messages);
    add(messages::system_messages);
    std::ranges::sort(all, {}, &Message::id);
    return all;
  }();
  return catalogue;
}

const Message* find_message(std::string_view id) {
  const auto catalogue = message_catalogue();
  const auto found = std::ranges::lower_bound(catalogue, id, {}, &Message::id);
  return found != catalogue.end() && (*found)->id == id ? *found : nullptr;
}

}  // namespace sekisho
