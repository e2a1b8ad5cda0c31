#include "dataplane/bench/background.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace sekisho::dataplane::bench {

Background::Background(Gateway& gateway, const Scenario& scenario, const Cell& cell,
                       std::vector<const PacketSource*> sources)
    : gateway_(gateway), scenario_(scenario), cell_(cell), sources_(std::move(sources)) {}

void Background::step() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (error_) return;
  if (auto polled = gateway_.poll(); !polled) error_ = polled.error();
  if (scenario_.during == During::rekey)
    rekey();
  else
    commit();
}

Result<unsigned> Background::finish() {
  if (rekeyed_) gateway_.finish_rekey(*rekeyed_);
  while (!error_ && gateway_.busy())
    if (auto polled = gateway_.poll(); !polled) error_ = polled.error();
  if (error_) return std::unexpected(*error_);
  return changes_;
}

void Background::rekey() {
  if (gateway_.busy()) return;
  if (rekeyed_) {
    for (size_t i = 0; i < sources_.size(); ++i)
      if (sources_[i]->sealed() && !sources_[i]->empty() && sources_[i]->times_sealed() == sealed_before_[i]) return;
    gateway_.finish_rekey(*rekeyed_);
    rekeyed_.reset();
    ++changes_;
    return;
  }
  const unsigned tunnel = changes_ % cell_.tunnels;
  if (auto begun = gateway_.begin_rekey(tunnel); !begun) {
    error_ = begun.error();
    return;
  }
  rekeyed_ = tunnel;
  sealed_before_.clear();
  for (const PacketSource* source : sources_) sealed_before_.push_back(source->times_sealed());
}

void Background::commit() {
  if (!gateway_.ready()) return;
  if (auto done = gateway_.toggle_routes(); !done) {
    error_ = done.error();
    return;
  }
  ++changes_;
}

}  // namespace sekisho::dataplane::bench
