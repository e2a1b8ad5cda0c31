#include "dataplane/rcu/reclaimer.h"

namespace sekisho::dataplane {

void Reclaimer::defer(std::function<void()> action) { waiting_.push_back({qsbr_.start(), std::move(action)}); }

void Reclaimer::poll() {
  while (!waiting_.empty() && qsbr_.passed(waiting_.front().token)) {
    const auto action = std::move(waiting_.front().action);
    waiting_.pop_front();
    action();
  }
}

}  // namespace sekisho::dataplane
