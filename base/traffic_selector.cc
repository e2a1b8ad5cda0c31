#include "base/traffic_selector.h"

namespace sekisho {
namespace {

std::string address_text(const TrafficSelector& selector) {
  if (selector.first == selector.last) return selector.first.text() + "/" + std::to_string(selector.first.bits());
  for (unsigned length = 0; length < selector.first.bits(); ++length) {
    const Prefix prefix(selector.first, length);
    if (prefix.address() == selector.first && prefix.last() == selector.last) return prefix.text();
  }
  return selector.first.text() + "-" + selector.last.text();
}

}  // namespace

std::string TrafficSelector::text() const {
  std::string text = address_text(*this);
  if (protocol == 0 && any_port()) return text;
  text += "[" + std::to_string(protocol);
  if (!any_port()) {
    text += "/" + std::to_string(first_port);
    if (last_port != first_port) text += "-" + std::to_string(last_port);
  }
  return text + "]";
}

}  // namespace sekisho
