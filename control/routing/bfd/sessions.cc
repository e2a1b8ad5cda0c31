#include "control/routing/bfd/sessions.h"

#include <algorithm>
#include <array>
#include <optional>

#include "control/routing/bfd/faults.h"
#include "control/routing/vty/answer.h"

namespace sekisho::bfd {
namespace {

using nlohmann::json;

constexpr std::array statuses = {Status::shutdown, Status::down, Status::init, Status::up};
// What bfdd says has some 25 values a session, on two levels.
constexpr vty::AnswerLimits limits{.values = 40 * max_sessions, .levels = 8};
constexpr size_t longest_diagnostic = 64;

std::optional<Status> parse_status(const json& said) {
  const auto found = std::ranges::find_if(statuses, [&](Status each) { return said == word(each); });
  return found == statuses.end() ? std::nullopt : std::optional(*found);
}

// It goes into messages and the log.
bool is_plain(std::string_view text) {
  return text.size() <= longest_diagnostic && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::optional<Session> read_session(const json& said) {
  const json peer = vty::text(said, "peer"), diagnostic = vty::text(said, "diagnostic"), id = vty::number(said, "id");
  const json& interface = vty::member(said, "interface");
  if (peer.is_null() || diagnostic.is_null() || id.is_null()) return {};
  if (!interface.is_null() && !interface.is_string()) return {};
  const auto address = IpAddress::parse(peer.get<std::string>());
  const auto status = parse_status(vty::member(said, "status"));
  if (!address || !status || !is_plain(diagnostic.get<std::string>()) || id.get<uint64_t>() > UINT32_MAX) return {};
  return Session{.peer = *address,
                 .interface = interface.is_null() ? "" : interface.get<std::string>(),
                 .status = *status,
                 .id = id.get<uint32_t>(),
                 .diagnostic = diagnostic.get<std::string>()};
}

}  // namespace

std::string_view word(Status status) {
  switch (status) {
    case Status::shutdown:
      return "shutdown";
    case Status::down:
      return "down";
    case Status::init:
      return "init";
    case Status::up:
      return "up";
  }
  return "";
}

Result<std::vector<Session>> read_sessions(std::string_view text) {
  const auto document = vty::parse_answer(text, limits, faults);
  if (!document) return std::unexpected(document.error());
  if (!document->is_array()) return fail(faults.nonsense, "no JSON array");
  if (document->size() > max_sessions)
    return fail(faults.verbose, "more than " + std::to_string(max_sessions) + " sessions");
  std::vector<Session> sessions;
  for (const json& each : *document) {
    auto session = read_session(each);
    if (!session)
      return fail(faults.nonsense, "session " + std::to_string(sessions.size() + 1) + " of " +
                                       std::to_string(document->size()) + " has not the form of one");
    sessions.push_back(std::move(*session));
  }
  return sessions;
}

}  // namespace sekisho::bfd
