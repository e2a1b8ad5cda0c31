#include "tests/driver/driver.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "base/address.h"
#include "base/messages/system.h"

namespace sekisho::driver {
namespace {

constexpr std::chrono::seconds answer_patience(20);

// The words of one line; missing or malformed ones are the test's mistake.
class Words {
 public:
  explicit Words(const std::string& line) : line_(line), in_(line) {}
  std::string word() {
    std::string word;
    if (!(in_ >> word)) throw std::invalid_argument("incomplete: " + line_);
    return word;
  }
  bool more() { return (in_ >> std::ws).peek() != std::istringstream::traits_type::eof(); }
  template <typename Id>
  Id id() {
    return Id(static_cast<typename Id::rep>(number()));
  }
  uint64_t number() { return std::stoull(word(), nullptr, 0); }
  IpAddress address() { return value(IpAddress::parse(word())); }
  Prefix prefix() { return value(Prefix::parse(word())); }
  template <size_t Capacity>
  ipc::Text<Capacity> text() {
    ipc::Text<Capacity> text;
    word().copy(text.chars.data(), Capacity - 1);
    return text;
  }
  [[noreturn]] void refuse() const { throw std::invalid_argument("no such command: " + line_); }

 private:
  template <typename T>
  T value(std::optional<T> parsed) {
    if (!parsed) throw std::invalid_argument("malformed: " + line_);
    return *parsed;
  }
  std::string line_;
  std::istringstream in_;
};

ipc::Address wire(const IpAddress& address) {
  ipc::Address result;
  result.family = address.is_v4() ? 4 : 6;
  std::memcpy(result.bytes.data(), address.bytes().data(), address.size());
  return result;
}

std::array<uint8_t, 6> mac_of(const std::string& text) {
  std::array<uint8_t, 6> mac{};
  std::istringstream in(text);
  std::string byte;
  for (uint8_t& each : mac)
    if (std::getline(in, byte, ':')) each = static_cast<uint8_t>(std::stoul(byte, nullptr, 16));
  return mac;
}

ipc::NextHopSet next_hop(Words& words) {
  ipc::NextHopSet set{.id = words.id<ipc::NextHopId>()};
  const std::string kind = words.word();
  if (kind == "local") set.kind = ipc::NextHopKind::local;
  if (kind == "punt") set.kind = ipc::NextHopKind::punt;
  if (kind == "adjacency") {
    set.kind = ipc::NextHopKind::adjacency;
    set.port = words.id<ipc::PortId>();
    set.mac = mac_of(words.word());
  }
  if (kind == "tunnel") {
    set.kind = ipc::NextHopKind::tunnel;
    set.tunnel = words.id<ipc::TunnelId>();
  }
  return set;
}

ipc::NextHopGroupSet group(Words& words) {
  ipc::NextHopGroupSet set{.id = ipc::group_id(static_cast<uint16_t>(words.number()))};
  std::vector<ipc::NextHopId> members;
  do members.push_back(words.id<ipc::NextHopId>());
  while (words.more());
  for (size_t i = 0; i < set.buckets.size(); ++i) set.buckets[i] = members[i % members.size()];
  return set;
}

ipc::NextHopId target(Words& words) {
  const std::string word = words.word();
  if (word == "group") return ipc::group_id(static_cast<uint16_t>(words.number()));
  return ipc::NextHopId(static_cast<uint16_t>(std::stoul(word)));
}

ipc::SelectorPair everything(Family family) {
  const Prefix all(IpAddress::any(family), 0);
  const ipc::SelectorPair::Range range{.first = wire(all.address()), .last = wire(all.last())};
  return {.source = range, .destination = range};
}

void option(ipc::SaAdd& sa, const std::string& word) {
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const uint64_t value = equals == std::string::npos ? 0 : std::stoull(word.substr(equals + 1));
  if (name == "esn") sa.esn = 1;
  if (name == "udp") sa.udp_encapsulation = 1, sa.source_port = sa.destination_port = 4500;
  if (name == "window") sa.replay_window = static_cast<uint16_t>(value);
  if (name == "hard-packets") sa.hard_packets = value;
  if (name == "soft-packets") sa.soft_packets = value;
}

ipc::SaAdd sa_add(Words& words) {
  ipc::SaAdd sa;
  sa.direction = words.word() == "in" ? ipc::Direction::inbound : ipc::Direction::outbound;
  sa.id = words.id<ipc::SaId>();
  sa.spi = static_cast<uint32_t>(words.number());
  sa.tunnel = words.id<ipc::TunnelId>();
  const auto suite = find_esp_suite(words.word());
  if (!suite) throw std::invalid_argument("no such ESP suite");
  sa.suite = *suite;
  sa.source = wire(words.address());
  sa.destination = wire(words.address());
  sa.key.fill(static_cast<uint8_t>(words.number()));
  sa.replay_window = sa.direction == ipc::Direction::inbound ? 256 : 0;
  sa.selector_pairs = 2;
  sa.selectors[0] = everything(Family::ipv4);
  sa.selectors[1] = everything(Family::ipv6);
  while (words.more()) option(sa, words.word());
  return sa;
}

void tx_sas(ipc::TunnelSet& set, const std::string& list) {
  std::istringstream in(list);
  for (std::string id; set.tx_count < ipc::max_tx_sas && std::getline(in, id, ',');)
    set.tx_sas[set.tx_count++] = ipc::SaId(static_cast<uint32_t>(std::stoul(id)));
}

ipc::SaMove sa_move(Words& words) {
  ipc::SaMove move{.id = words.id<ipc::SaId>()};
  move.spi = static_cast<uint32_t>(words.number());
  move.source = wire(words.address());
  move.destination = wire(words.address());
  if (words.more() && words.word() == "udp")
    move.udp_encapsulation = 1, move.source_port = move.destination_port = 4500;
  return move;
}

// What may end a line: "vrf=N", without which it is the front door; "on-traffic" where that is asked for.
ipc::VrfId vrf(Words& words, uint8_t* on_traffic = nullptr) {
  ipc::VrfId vrf = ipc::front_door;
  while (words.more()) {
    const std::string word = words.word(), name = "vrf=";
    if (word == "on-traffic" && on_traffic != nullptr)
      *on_traffic = 1;
    else if (word.starts_with(name))
      vrf = ipc::VrfId(static_cast<uint8_t>(std::stoul(word.substr(name.size()))));
    else
      words.refuse();
  }
  return vrf;
}

// Calls `send` with the command that the line is.
void parse(const std::string& line, const auto& send) {
  Words words(line);
  const std::string verb = words.word();
  if (verb == "port") {
    ipc::PortSet set{.id = words.id<ipc::PortId>()};
    set.name = words.text<16>();
    set.mtu = static_cast<uint16_t>(words.number());
    set.device = words.text<240>();
    set.vrf = vrf(words);
    return send(set);
  }
  if (verb == "tunnel") {
    ipc::TunnelSet set{.id = words.id<ipc::TunnelId>()};
    set.name = words.text<16>();
    set.mtu = static_cast<uint16_t>(words.number());
    if (const std::string tx = words.word(); tx != "-") tx_sas(set, tx);
    set.vrf = vrf(words, &set.on_traffic);
    return send(set);
  }
  if (verb == "port-remove") return send(ipc::PortRemove{.id = words.id<ipc::PortId>()});
  if (verb == "tunnel-remove") return send(ipc::TunnelRemove{.id = words.id<ipc::TunnelId>()});
  if (verb == "sa-remove") return send(ipc::SaRemove{.id = words.id<ipc::SaId>()});
  if (verb == "next-hop") return send(next_hop(words));
  if (verb == "group") return send(group(words));
  if (verb == "sa") return send(sa_add(words));
  if (verb == "sa-move") return send(sa_move(words));
  if (verb == "route" || verb == "route-remove") {
    const Prefix prefix = words.prefix();
    const auto length = static_cast<uint8_t>(prefix.length());
    if (verb == "route-remove")
      return send(ipc::RouteRemove{.prefix = wire(prefix.address()), .length = length, .vrf = vrf(words)});
    ipc::RouteSet set{.prefix = wire(prefix.address()), .length = length};
    set.next_hop = target(words);
    set.vrf = vrf(words);
    return send(set);
  }
  words.refuse();
}

}  // namespace

Result<std::unique_ptr<ipc::Channel>> connect(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(messages::system_call_failed, path + ": " + std::strerror(errno));
  return ipc::Channel::open(std::move(socket), ipc::Side::control);
}

Result<bool> receive(ipc::Channel& channel, ipc::ReceivedMessage& message, std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    channel.drain();
    auto got = channel.receive(message);
    if (!got || *got) return got;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 2> fds{{{channel.wake_fd(), POLLIN, 0}, {channel.socket_fd(), POLLIN | POLLRDHUP, 0}}};
    poll(fds.data(), fds.size(), static_cast<int>(left.count()));
    if (fds[0].revents == 0 && fds[1].revents != 0) return fail(messages::system_call_failed, "the dataplane hung up");
  }
}

Result<ipc::TransactionResult> transact(ipc::Channel& channel, uint32_t id, bool replace_routes,
                                        const std::string& commands,
                                        const std::function<void(const ipc::ReceivedMessage&)>& seen) {
  const auto send = [&channel](const auto& command) {
    while (!channel.send(command)) {
      channel.flush();
      pollfd fd{channel.wake_fd(), POLLIN, 0};
      poll(&fd, 1, 10);
      channel.drain();
    }
  };
  send(ipc::TransactionBegin{.id = ipc::TransactionId(id), .replace_routes = replace_routes ? uint8_t{1} : uint8_t{0}});
  std::istringstream lines(commands);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) parse(line, send);
  send(ipc::TransactionCommit{.id = ipc::TransactionId(id)});
  channel.flush();
  ipc::ReceivedMessage message;
  for (;;) {
    const auto got = receive(channel, message, answer_patience);
    if (!got) return std::unexpected(got.error());
    if (!*got) return fail(messages::system_call_failed, "no answer to the transaction");
    seen(message);
    if (const auto result = message.as<ipc::TransactionResult>(); result && result->id.value() == id) return *result;
  }
}

}  // namespace sekisho::driver
