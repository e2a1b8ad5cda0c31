#include "control/main/namespaces.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/messages/routing.h"
#include "base/messages/system.h"

namespace sekisho::control {

Result<Namespaces> Namespaces::open(sd_event* loop, NamespaceDoor door, std::function<void(const std::string&)> event) {
  Namespaces namespaces(loop, std::move(door), std::move(event));
  constexpr const char* own = "/proc/self/ns/net";
  kernel::NamespaceSockets sockets;
  sockets.space.reset(::open(own, O_RDONLY | O_CLOEXEC));
  if (!sockets.space) return fail(messages::system_call_failed, std::string(own) + ": " + std::strerror(errno));
  if (auto taken = namespaces.take("", std::move(sockets)); !taken) return std::unexpected(taken.error());
  return namespaces;
}

// Two VRFs in one namespace would each remove what the other puts there.
Result<void> Namespaces::take(const std::string& vrf, kernel::NamespaceSockets sockets) {
  struct stat file {};
  if (::fstat(sockets.space.get(), &file) != 0) return fail(messages::vrf_unusable, vrf + ": " + std::strerror(errno));
  const auto same = std::ranges::find_if(open_, [&file](const auto& each) {
    return each.second->device == file.st_dev && each.second->inode == file.st_ino;
  });
  if (same != open_.end())
    return fail(messages::vrf_unusable,
                vrf + ": its namespace is that of " + (same->first.empty() ? "the front door" : "VRF " + same->first));
  auto mirror = kernel::Mirror::open(std::move(sockets.monitor), std::move(sockets.requests));
  if (!mirror) return std::unexpected(mirror.error());
  auto configurator = kernel::Configurator::open(std::move(sockets.changes));
  if (!configurator) return std::unexpected(configurator.error());
  const int fd = (*mirror)->fd();
  open_[vrf] = std::unique_ptr<Namespace>(
      new Namespace{.mirror = std::move(*mirror),
                    .configurator = std::move(*configurator),
                    .fd = std::move(sockets.space),
                    .device = file.st_dev,
                    .inode = file.st_ino,
                    .watch = Watch(loop_, fd, EPOLLIN, [event = event_, vrf](uint32_t) { event(vrf); })});
  return {};
}

// One that was deleted and has no successor goes on as it is.
bool Namespaces::is_another_now(const std::string& vrf, const Namespace& space) const {
  struct stat file {};
  return ::stat((NamespaceDoor::directory + vrf).c_str(), &file) == 0 &&
         (file.st_dev != space.device || file.st_ino != space.inode);
}

void Namespaces::open_vrf(const std::string& vrf, Looked& looked) {
  auto sockets = door_.enter(vrf);
  const Result<void> taken = sockets ? take(vrf, std::move(*sockets)) : std::unexpected(sockets.error());
  if (taken) {
    faults_.erase(vrf);
    looked.changed = true;
  } else if (const auto known = faults_.find(vrf);
             known == faults_.end() || known->second.error.detail != taken.error().detail) {
    faults_.insert_or_assign(vrf, Fault{taken.error(), MonotonicClock::now()});
    looked.faults.push_back(taken.error());
  }
}

Namespaces::Looked Namespaces::look(const std::set<std::string>& wanted, bool again) {
  Looked looked;
  std::erase_if(faults_, [&](const auto& each) { return !wanted.contains(each.first); });
  for (const std::string& vrf : wanted) {
    if (const Namespace* known = find(vrf)) {
      if (!again || !is_another_now(vrf, *known)) continue;
      close(vrf);
      looked.changed = true;
    } else if (faults_.contains(vrf) && !again) {
      continue;
    }
    open_vrf(vrf, looked);
  }
  return looked;
}

void Namespaces::close(const std::string& vrf) { open_.erase(vrf); }

Result<void> Namespaces::let_forward(const std::string& vrf, Namespace& space) {
  if (space.forwards || is_another_now(vrf, space)) return {};
  const auto done = door_.let_forward(vrf);
  space.forwards = done.has_value();
  return done;
}

Namespaces::Namespace* Namespaces::find(const std::string& vrf) const {
  const auto found = open_.find(vrf);
  return found == open_.end() ? nullptr : found->second.get();
}

}  // namespace sekisho::control
