#include "tests/sim/lone_engine.h"

#include <algorithm>

namespace sekisho::sim {

LoneEngine::LoneEngine(ike::Connection wanted, ike::EngineOptions options) : connection(std::move(wanted)) {
  local = {connection.local, 500};
  remote = {connection.remote, 500};
  engine = std::make_unique<ike::Engine>(options, data_path);
  step(ike::SetConnection{connection});
}

void LoneEngine::step(ike::Event event) {
  for (ike::Action& action : engine->step(std::move(event), now)) {
    if (auto* message = std::get_if<ike::SendDatagram>(&action)) outbox.push_back(std::move(*message));
    if (const auto* install = std::get_if<ike::InstallChildSa>(&action)) data_path.take(*install);
    if (const auto* moved = std::get_if<ike::UpdateChildSa>(&action)) data_path.take(*moved);
    if (const auto* activate = std::get_if<ike::ActivateOutbound>(&action)) data_path.take(*activate);
    if (const auto* removed = std::get_if<ike::RemoveChildSa>(&action)) data_path.take(*removed);
    if (auto* report = std::get_if<ike::Report>(&action)) reported.push_back(std::move(*report));
  }
}

void LoneEngine::pass(Duration duration) {
  const Instant end = now + duration;
  for (std::optional<Instant> due; (due = engine->next_deadline()) && *due <= end;) {
    now = std::max(now, *due);
    step(ike::TimerFired{});
  }
  now = end;
}

ike::SendDatagram LoneEngine::take() {
  if (outbox.empty()) throw Violation("the engine sent nothing");
  ike::SendDatagram first = std::move(outbox.front());
  outbox.pop_front();
  return first;
}

size_t LoneEngine::reports(const Message& message) const {
  return static_cast<size_t>(std::ranges::count(reported, &message, &ike::Report::message));
}

}  // namespace sekisho::sim
