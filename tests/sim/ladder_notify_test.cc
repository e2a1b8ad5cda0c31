// Notifies of extensions that are not spoken, or spoken in part: they change nothing, and nobody is left without an
// answer.
#include <catch2/catch.hpp>

#include "tests/sim/puppet.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

Bytes number(uint32_t value) {
  ByteWriter writer;
  writer.u32(value);
  return std::move(writer).take();
}

}  // namespace

TEST_CASE("notifies of other extensions are ignored, whoever sends them in whatever exchange") {
  const Payloads strange = {notify(NotifyType::redirect, {3, 8, 'e', 'v', 'i', 'l', '.', 'l', 'a', 'b'}),
                            notify(NotifyType::redirect_supported),
                            notify(NotifyType::set_window_size, number(64)),
                            notify(NotifyType::message_id_sync_supported),
                            notify(NotifyType::message_id_sync, filled(12, 0xff)),
                            notify(NotifyType::replay_counter_sync, filled(8, 0xff)),
                            notify(NotifyType::quick_crash_detection, filled(32, 1)),
                            notify(NotifyType::ticket_request),
                            notify(NotifyType::clone_ike_sa),
                            notify(NotifyType{40960}, filled(100, 1))};
  Puppet puppet;
  puppet.announced = strange;
  puppet.exchange_init();
  Payloads request = puppet.auth_request();
  request.insert(request.end(), strange.begin(), strange.end());
  puppet.authenticate(request);
  CHECK(puppet.ask(ExchangeType::informational, strange).empty());
  CHECK(puppet.ask(ExchangeType::informational, {}).empty());  // message ids go on as they were
  CHECK(puppet.ike_sas() == 1);
  CHECK(puppet.silent());
}

TEST_CASE("RFC 9611: a first child with SA_RESOURCE_INFO is made, a further one for the same traffic is not") {
  const ike::wire::Notify resource = notify(NotifyType::sa_resource_info, {'c', 'p', 'u', '1'});
  Puppet puppet;
  puppet.exchange_init();
  Payloads request = puppet.auth_request();
  request.push_back(resource);
  puppet.authenticate(request);
  Payloads further = puppet.child_request(0xb0b00002, {}, filled(32, 1));
  further.push_back(resource);
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, further), NotifyType::ts_max_queue));
  CHECK(puppet.data_path.installed().size() == 1);

  Payloads rekey = puppet.child_request(0xb0b00003, Puppet::own_spi, filled(32, 2));
  rekey.push_back(resource);
  CHECK(find<SecurityAssociation>(puppet.ask(ExchangeType::create_child_sa, rekey)));
}

}  // namespace sekisho::sim
