#include "dataplane/twin/slow_path.h"

#include <netinet/in.h>
#include <pthread.h>
#include <rte_mbuf.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "base/esp_size.h"
#include "base/messages/dataplane.h"
#include "base/messages/system.h"
#include "dataplane/port/packet_pool.h"

namespace sekisho::dataplane {
namespace {

constexpr unsigned burst_size = 32;
constexpr uint64_t bell_tag = UINT64_MAX;
constexpr size_t ethernet_header = 14;

std::unexpected<Error> refused(const char* call) {
  return fail(messages::system_call_failed, std::string(call) + ": " + std::strerror(errno));
}

// One writer: plain stores, atomic for the reader in the other process.
void count(uint64_t& counter) { __atomic_store_n(&counter, counter + 1, __ATOMIC_RELAXED); }

uint8_t* data(rte_mbuf* mbuf) { return rte_pktmbuf_mtod(mbuf, uint8_t*); }

// An IP packet is as long as its header says; a frame has at least a header.
bool plausible(Via via, ByteView packet) {
  if (via == Via::port) return packet.size() >= ethernet_header;
  if (packet.empty()) return false;
  ByteReader reader(packet);
  const unsigned version = packet[0] >> 4;
  if (version == 4) {
    reader.skip(2);
    return packet.size() >= ipv4_header_size && reader.u16() == packet.size();
  }
  reader.skip(4);
  return version == 6 && packet.size() >= ipv6_header_size && reader.u16() + ipv6_header_size == packet.size();
}

}  // namespace

Result<std::unique_ptr<SlowPath>> SlowPath::create(std::vector<WorkerRings*> workers, Doorbell& bell,
                                                   const TunnelTable& tunnels, const PacketPools& pools,
                                                   ipc::WriterCounters& counters) {
  std::unique_ptr<SlowPath> path(new SlowPath(std::move(workers), bell, tunnels, pools, counters));
  path->epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!path->epoll_) return refused("epoll_create1");
  // IPPROTO_RAW implies that the IP header comes with the packet. What the kernel may have learnt of the path from an
  // ICMP message is not to be believed (docs/datapath.md).
  const int no_path_mtu = IP_PMTUDISC_INTERFACE, no_ipv6_path_mtu = IPV6_PMTUDISC_INTERFACE;
  path->raw_ipv6_.reset(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
  if (!path->raw_ipv6_ && errno != EAFNOSUPPORT) return refused("raw socket");
  if (path->raw_ipv6_ && setsockopt(path->raw_ipv6_.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &no_ipv6_path_mtu,
                                    sizeof no_ipv6_path_mtu) != 0)
    return refused("IPV6_MTU_DISCOVER");
  path->raw_.reset(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
  if (!path->raw_) return refused("raw socket");
  if (setsockopt(path->raw_.get(), IPPROTO_IP, IP_MTU_DISCOVER, &no_path_mtu, sizeof no_path_mtu) != 0)
    return refused("IP_MTU_DISCOVER");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = bell_tag}};
  if (epoll_ctl(path->epoll_.get(), EPOLL_CTL_ADD, bell.fd(), &event) != 0) return refused("epoll_ctl");
  path->thread_ = std::thread([&self = *path] { self.run(); });
  pthread_setname_np(path->thread_.native_handle(), "slow-path");
  return path;
}

SlowPath::~SlowPath() {
  stop_.store(true);
  bell_.ring();
  if (thread_.joinable()) thread_.join();
}

Result<void> SlowPath::add(Via via, uint16_t id, KernelTwin twin) {
  const std::lock_guard lock(mutex_);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = uint64_t{static_cast<uint8_t>(via)} << 16 | id}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, twin.fd(), &event) != 0) return refused("epoll_ctl");
  twins_.insert_or_assign(Key{via, id}, std::move(twin));
  return {};
}

void SlowPath::remove(Via via, uint16_t id) {
  const std::lock_guard lock(mutex_);
  twins_.erase(Key{via, id});  // closing the descriptor takes it out of epoll
  if (via != Via::tunnel) return;
  if (rte_mbuf* mbuf = waiting_.take(id)) rte_pktmbuf_free(mbuf);
}

Result<void> SlowPath::set_mtu(Via via, uint16_t id, uint16_t mtu) {
  const std::lock_guard lock(mutex_);
  const auto twin = twins_.find(Key{via, id});
  return twin == twins_.end() ? Result<void>{} : twin->second.set_mtu(mtu);
}

void SlowPath::run() {
  std::array<epoll_event, burst_size> events;
  while (!stop_.load()) {
    bool busy = false;
    for (WorkerRings* rings : workers_) busy |= deliver(*rings);
    if (!busy) {
      bell_.sleep_soon();
      busy = stop_.load() || something_punted();
    }
    const int ready = epoll_wait(epoll_.get(), events.data(), burst_size, busy ? 0 : milliseconds_to_late());
    if (!busy || ready > 0) bell_.awake();
    for (int i = 0; i < ready; ++i) {
      const uint64_t tag = events[static_cast<size_t>(i)].data.u64;
      if (tag != bell_tag) read_twin({static_cast<Via>(tag >> 16), static_cast<uint16_t>(tag)});
    }
    give_up_late();
  }
}

bool SlowPath::something_punted() const {
  for (const WorkerRings* rings : workers_)
    if (!rings->to_kernel.empty()) return true;
  return false;
}

bool SlowPath::deliver(WorkerRings& rings) {
  std::array<Handed, burst_size> items;
  const unsigned got = rings.to_kernel.pop(items);
  if (got == 0) return false;
  const std::lock_guard lock(mutex_);
  for (unsigned i = 0; i < got; ++i) {
    if (items[i].via == Via::waiting)
      wait(items[i]);
    else if (items[i].via == Via::fragment)
      reassemble(items[i]);
    else
      deliver_and_free(items[i]);
  }
  return true;
}

void SlowPath::deliver_and_free(const Handed& item) {
  if (!deliver(item)) drop(ipc::DropReason::punt_full);
  rte_pktmbuf_free(item.mbuf);
}

bool SlowPath::deliver(const Handed& item) {
  if (item.via == Via::route) return route(item);
  const auto twin = twins_.find(Key{item.via, item.id});
  if (twin == twins_.end()) return false;
  // EIO: the interface is down, and the kernel would not take the packet either.
  const ssize_t written = write(twin->second.fd(), data(item.mbuf), item.mbuf->data_len);
  return written == item.mbuf->data_len;
}

bool SlowPath::route(const Handed& item) {
  const ByteView packet(data(item.mbuf), item.mbuf->data_len);
  const auto send = [packet](const UniqueFd& socket, const auto& destination) {
    return sendto(socket.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&destination),
                  sizeof destination) == static_cast<ssize_t>(packet.size());
  };
  if (!plausible(Via::route, packet)) return false;
  if (packet[0] >> 4 == 4) {
    sockaddr_in destination{};
    destination.sin_family = AF_INET;
    std::memcpy(&destination.sin_addr, &packet[16], sizeof destination.sin_addr);
    return send(raw_, destination);
  }
  sockaddr_in6 destination{};
  destination.sin6_family = AF_INET6;
  std::memcpy(&destination.sin6_addr, &packet[24], sizeof destination.sin6_addr);
  return send(raw_ipv6_, destination);
}

void SlowPath::read_twin(Key key) {
  const std::lock_guard lock(mutex_);
  const auto twin = twins_.find(key);
  if (twin == twins_.end()) return;
  std::array<Handed, burst_size> items;
  unsigned got = 0;
  for (unsigned turn = 0; turn < burst_size; ++turn) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(packets_);
    if (mbuf == nullptr) {
      drop(ipc::DropReason::no_memory);
      break;
    }
    const ssize_t length = read(twin->second.fd(), data(mbuf), packet_room - packet_tail_room);
    const bool good = length > 0 && plausible(key.via, {data(mbuf), static_cast<size_t>(length)});
    if (!good) rte_pktmbuf_free(mbuf);
    if (length <= 0) {
      if (length < 0 && errno != EAGAIN && errno != EINTR) abandon(twin->second);
      break;
    }
    if (!good) {
      drop(key.via == Via::port ? ipc::DropReason::malformed_ethernet : ipc::DropReason::malformed_ip);
      continue;
    }
    mbuf->data_len = static_cast<uint16_t>(length);
    mbuf->pkt_len = static_cast<uint32_t>(length);
    items[got++] = {mbuf, key.id, key.via};
    if (key.via == Via::port) count(counters_.ports[key.id].value[static_cast<size_t>(ipc::PortCounter::from_kernel)]);
  }
  hand_over(key.id, {items.data(), got});
}

void SlowPath::hand_over(uint16_t id, std::span<const Handed> items) {
  const unsigned taken = workers_[id % workers_.size()]->from_kernel.push(items);
  for (const Handed& item : items.subspan(taken)) {
    drop(ipc::DropReason::punt_full);
    rte_pktmbuf_free(item.mbuf);
  }
}

// ------------------------------------------------------------------------------------------------ waiting for more

// The SA may have come while the packet was on its way here; then nobody would ask for it any more.
void SlowPath::wait(const Handed& item) {
  const bool has_sa = tunnels_.get(ipc::TunnelId(item.id)).tx_sa != ipc::no_sa;
  const Handed packet{item.mbuf, item.id, Via::tunnel};
  if (has_sa) return hand_over(item.id, {&packet, 1});
  if (waiting_.keep(item.id, item.mbuf, MonotonicClock::now())) return;
  drop(ipc::DropReason::no_outbound_sa);
  rte_pktmbuf_free(item.mbuf);
}

void SlowPath::tunnel_has_sa(ipc::TunnelId id) {
  const std::lock_guard lock(mutex_);
  const Handed packet{waiting_.take(id.value()), id.value(), Via::tunnel};
  if (packet.mbuf != nullptr) hand_over(packet.id, {&packet, 1});
}

void SlowPath::reassemble(const Handed& item) {
  Reassembly::Outcome outcome;
  reassembly_.add(item.id, item.mbuf, MonotonicClock::now(), outcome);
  settle(outcome);
}

void SlowPath::settle(const Reassembly::Outcome& outcome) {
  for (const Handed& whole : outcome.whole) hand_over(whole.id, {&whole, 1});
  for (const Handed& frame : outcome.kernel) {
    count(counters_.ports[frame.id].value[static_cast<size_t>(ipc::PortCounter::punted)]);
    deliver_and_free(frame);
  }
  for (const ipc::DropReason reason : outcome.drops) drop(reason);
}

void SlowPath::give_up_late() {
  const std::lock_guard lock(mutex_);
  Reassembly::Outcome outcome;
  reassembly_.expire(MonotonicClock::now(), outcome);
  settle(outcome);
  while (rte_mbuf* mbuf = waiting_.take_late(MonotonicClock::now())) {
    drop(ipc::DropReason::no_outbound_sa);
    rte_pktmbuf_free(mbuf);
  }
}

int SlowPath::milliseconds_to_late() {
  const std::lock_guard lock(mutex_);
  auto late = waiting_.next_late();
  if (const auto expiry = reassembly_.next_expiry(); expiry && (!late || *expiry < *late)) late = expiry;
  if (!late) return -1;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*late - MonotonicClock::now());
  return static_cast<int>(std::max<int64_t>(wait.count(), 0));
}

// Somebody deleted the kernel's interface under us; its descriptor would be readable for ever.
void SlowPath::abandon(const KernelTwin& twin) {
  spdlog::error("{}", Error{&messages::twin_failed, twin.name() + ": read: " + std::strerror(errno)}.text());
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, twin.fd(), nullptr);
}

void SlowPath::drop(ipc::DropReason reason) { count(counters_.drops.value[static_cast<size_t>(reason)]); }

}  // namespace sekisho::dataplane
