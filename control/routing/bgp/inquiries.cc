#include "control/routing/bgp/inquiries.h"

#include <algorithm>
#include <utility>

#include "base/messages/routing.h"
#include "base/messages/system.h"

namespace sekisho::bgp {

void Inquiries::ask(View view, std::string neighbour, Done done) {
  if (!neighbour.empty() && !is_neighbour_name(neighbour))
    return done(fail(messages::bgp_neighbour_unknown, neighbour));
  if (inquiries_.size() >= limits_.at_once) return done(fail(messages::rpc_limit, "bgpd is being asked by others"));
  // As bgpd writes it.
  if (const auto address = IpAddress::parse(neighbour)) neighbour = address->text();
  Inquiry inquiry;
  inquiry.view = view;
  inquiry.neighbour = std::move(neighbour);
  inquiry.done = std::move(done);
  inquiry.until = MonotonicClock::now() + limits_.time;
  inquiry.octets_left = limits_.size;
  inquiries_.push_front(std::move(inquiry));
  put(inquiries_.begin(), summary_question, &Inquiries::take_summary);
}

void Inquiries::put(At inquiry, const std::string& command, void (Inquiries::*take)(At, const std::string&)) {
  const Duration time = inquiry->until - MonotonicClock::now();
  if (time <= Duration::zero()) return end(inquiry, fail(messages::bgpd_silent, "no answer in time: " + command));
  auto socket = connect_();
  if (!socket) return end(inquiry, std::unexpected(socket.error()));
  const vty::Question::Limits limits{.size = inquiry->octets_left, .time = time};
  inquiry->question = std::make_unique<vty::Question>(loop_, std::move(*socket), std::deque{command}, limits, faults,
                                                      [this, inquiry, take](const Result<std::string>& answer) {
                                                        if (!answer)
                                                          return end(inquiry, std::unexpected(answer.error()));
                                                        inquiry->octets_left -= answer->size();
                                                        (this->*take)(inquiry, *answer);
                                                      });
}

void Inquiries::take_summary(At inquiry, const std::string& text) {
  auto summary = summary_view(text);
  if (!summary) return end(inquiry, std::move(summary));
  if (!inquiry->neighbour.empty()) {
    json one = json::array();
    for (json& each : *summary)
      if (each["neighbour"] == inquiry->neighbour) one.push_back(std::move(each));
    if (one.empty()) return end(inquiry, fail(messages::bgp_neighbour_unknown, inquiry->neighbour));
    *summary = std::move(one);
  }
  if (inquiry->view == View::summary) return end(inquiry, std::move(summary));
  inquiry->left = established(*summary);
  if (inquiry->left.size() > limits_.neighbours)
    return end(inquiry, fail(messages::bgpd_verbose, std::to_string(inquiry->left.size()) + " sessions"));
  std::ranges::reverse(inquiry->left);  // the first is asked for first, and taken from the end
  next(inquiry);
}

void Inquiries::take_routes(At inquiry, const std::string& text) {
  if (auto added = add_routes(inquiry->list, inquiry->view, inquiry->left.back(), text); !added)
    return end(inquiry, std::unexpected(added.error()));
  inquiry->left.pop_back();
  next(inquiry);
}

void Inquiries::next(At inquiry) {
  if (inquiry->left.empty()) return end(inquiry, std::move(inquiry->list));
  put(inquiry, question(inquiry->view, inquiry->left.back()), &Inquiries::take_routes);
}

void Inquiries::end(At inquiry, Result<json> result) {
  const Done done = std::move(inquiry->done);
  inquiries_.erase(inquiry);
  done(std::move(result));
}

}  // namespace sekisho::bgp
