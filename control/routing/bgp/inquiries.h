// Asks bgpd for a view, in as many questions as it takes, each over a connection of its own: first who the neighbours
// are, then for the routes of each of them. All of an inquiry's answers together are bounded in size and time.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include "control/routing/bgp/view.h"
#include "control/routing/vty/question.h"

namespace sekisho::bgp {

class Inquiries {
 public:
  // A connected socket of bgpd's command line that does not block.
  using Connect = std::function<Result<UniqueFd>()>;
  using Done = std::function<void(Result<json>)>;
  struct Limits {
    size_t at_once = 8;
    size_t size = size_t{4} << 20;  // of all answers, in octets
    size_t neighbours = 256;        // whose routes are asked for
    Duration time = std::chrono::seconds(10);
  };

  Inquiries(sd_event* loop, Connect connect, Limits limits)
      : loop_(loop), connect_(std::move(connect)), limits_(limits) {}

  // The view as view.h has it, of one neighbour or, without a name, of all. `done` is called once, perhaps before this
  // returns; not any more once this is destroyed. Errors: SKO-RTG-014 to 017, and
  // that of the control socket where too many ask.
  void ask(View view, std::string neighbour, Done done);

 private:
  struct Inquiry {
    View view{};
    std::string neighbour;
    Done done;
    Instant until;
    size_t octets_left = 0;
    std::vector<Neighbour> left;  // to be asked for
    json list = json::array();
    std::unique_ptr<vty::Question> question;
  };
  using At = std::list<Inquiry>::iterator;

  void put(At inquiry, const std::string& command, void (Inquiries::*take)(At, const std::string&));
  void take_summary(At inquiry, const std::string& text);
  void take_routes(At inquiry, const std::string& text);
  void next(At inquiry);
  void end(At inquiry, Result<json> result);

  sd_event* loop_;
  Connect connect_;
  Limits limits_;
  std::list<Inquiry> inquiries_;
};

}  // namespace sekisho::bgp
