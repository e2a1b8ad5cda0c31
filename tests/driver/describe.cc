#include <fmt/format.h>

#include "base/address.h"
#include "tests/driver/driver.h"

namespace sekisho::driver {
namespace {

template <size_t Capacity>
std::string text(const ipc::Text<Capacity>& text) {
  return std::string(text.chars.data(), strnlen(text.chars.data(), Capacity));
}

template <typename Counter>
void add(std::string& out, const std::string& what, const ipc::CounterBlock<Counter>& block) {
  for (size_t i = 0; i < block.value.size(); ++i)
    if (block.value[i] != 0) out += fmt::format("{} {} {}\n", what, name(static_cast<Counter>(i)), block.value[i]);
}

template <typename Counter>
void sum(ipc::CounterBlock<Counter>& total, const ipc::CounterBlock<Counter>& part) {
  for (size_t i = 0; i < total.value.size(); ++i) total.value[i] += part.value[i];
}

}  // namespace

std::string describe(const ipc::ReceivedMessage& message) {
  if (const auto m = message.as<ipc::TransactionResult>())
    return m->status == ipc::TransactionStatus::applied
               ? fmt::format("applied {}", m->id.value())
               : fmt::format("refused {}: command {}: {}", m->id.value(), m->command_index, text(m->reason));
  if (const auto m = message.as<ipc::PortState>())
    return fmt::format("port {} {} {} mtu {} {}", m->id.value(), text(m->name), MacAddress{m->mac}.text(), m->mtu,
                       m->link_up != 0 ? "up" : "down");
  if (const auto m = message.as<ipc::TunnelState>())
    return fmt::format("tunnel {} {} tx {}", m->id.value(), text(m->name),
                       m->tx_count == 0 ? -1 : static_cast<int32_t>(m->tx_sas[0].value()));
  if (const auto m = message.as<ipc::SaState>())
    return fmt::format("sa {} {:#x} tunnel {} {}", m->id.value(), m->spi, m->tunnel.value(),
                       m->direction == ipc::Direction::inbound ? "in" : "out");
  if (message.as<ipc::InventoryEnd>()) return "inventory end";
  if (const auto m = message.as<ipc::SaEvent>()) {
    static constexpr const char* kinds[] = {"first-packet", "soft-expired", "hard-expired", "source-changed"};
    return fmt::format("event sa {} {:#x} {}", m->id.value(), m->spi, kinds[static_cast<size_t>(m->kind) % 4]);
  }
  if (const auto m = message.as<ipc::UnknownSpi>()) return fmt::format("event unknown-spi {:#x}", m->spi);
  if (const auto m = message.as<ipc::TrafficWaiting>())
    return fmt::format("event traffic-waiting tunnel {}", m->tunnel.value());
  return fmt::format("message {}", message.type());
}

std::string describe(const ipc::CounterTable& counters) {
  std::string out;
  ipc::CounterBlock<ipc::DropReason> drops;
  for (const auto& writer : counters.writers) sum(drops, writer.drops);
  add(out, "drop", drops);
  for (size_t id = 0; id < ipc::max_ports; ++id) {
    ipc::CounterBlock<ipc::PortCounter> total;
    for (const auto& writer : counters.writers) sum(total, writer.ports[id]);
    add(out, fmt::format("port {}", id), total);
  }
  for (size_t id = 0; id < 64; ++id) {  // the tests use low ids; reading a page of the rest would make it exist
    ipc::CounterBlock<ipc::SaCounter> total;
    for (const auto& writer : counters.writers) sum(total, writer.sas[id]);
    add(out, fmt::format("sa {}", id), total);
  }
  return out;
}

}  // namespace sekisho::driver
