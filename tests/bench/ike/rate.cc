#include "tests/bench/ike/rate.h"

#include <algorithm>
#include <ctime>
#include <functional>
#include <stdexcept>

namespace sekisho::bench {
namespace {

// In microseconds of this thread.
double cpu_time(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
  };
  const double begun = now();
  work();
  return now() - begun;
}

// So many handshakes go on side by side, as with a busy responder, and no cookie is asked for yet.
constexpr size_t side_by_side = 30;

// What the responder spends on the handshakes of these first messages.
double answer(Party& responder, Party& initiator, Datagrams messages) {
  double spent = 0;
  while (!messages.empty()) {
    Datagrams answers;
    spent += cpu_time([&] { answers = responder.take(std::move(messages)); });
    messages = initiator.take(std::move(answers));
  }
  return spent;
}

}  // namespace

double measure_rate(const Suite& suite, unsigned handshakes) {
  Connections connections = connect(suite, handshakes);
  Party responder(std::move(connections.of_gateway), {}), initiator(std::move(connections.of_peers), {});
  Datagrams waiting = initiator.initiate();
  double spent = 0;
  for (size_t at = 0; at < waiting.size(); at += side_by_side) {
    const auto first = waiting.begin() + static_cast<ptrdiff_t>(at);
    const auto last = first + static_cast<ptrdiff_t>(std::min(side_by_side, waiting.size() - at));
    spent += answer(responder, initiator, Datagrams(first, last));
  }
  if (responder.child_sas() != handshakes || initiator.child_sas() != handshakes)
    throw std::runtime_error("not every handshake made a child SA");
  return spent / handshakes;
}

}  // namespace sekisho::bench
