// INFORMATIONAL (RFC 7296 sections 1.4, 2.4): liveness probes, deletes of children and of the IKE SA, and notifies.
#pragma once

#include <vector>

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

std::unique_ptr<Task> probe_task();
std::unique_ptr<Task> delete_ike_task();
// By inbound SPI, whether or not it is in our data path: the peer has it.
enum class Installed : uint8_t {
  yes,
  no,    // never was: its SPI is still reserved, and given back with the answer
  gone,  // no longer is
};
std::unique_ptr<Task> delete_child_task(uint32_t inbound_spi, Installed installed);

// Whether a request ends the IKE SA that it came by.
bool deletes_ike(const wire::Payloads& payloads);
void receive_informational_request(Context& context, IkeSa& sa, const DatagramReceived& datagram,
                                   const wire::Message& message);

}  // namespace sekisho::ike::v2
