#include "control/ike/v2/ike_sa_init.h"

namespace sekisho::ike::v2 {

void detect_nat(IkeSa& sa, uint64_t spi_r, const DatagramReceived& datagram, const wire::Payloads& payloads) {
  const Bytes seen_source = suite::nat_detection_hash(sa.spi_i, spi_r, datagram.remote);
  const Bytes seen_destination = suite::nat_detection_hash(sa.spi_i, spi_r, datagram.local);
  bool source_given = false, source_matches = false, destination_given = false, destination_matches = false;
  for (const wire::Payload& payload : payloads) {
    const auto* notify = std::get_if<wire::Notify>(&payload);
    if (!notify) continue;
    // A sender with several addresses gives a source for each.
    if (notify->notify == wire::NotifyType::nat_detection_source_ip) {
      source_given = true;
      source_matches |= notify->data == seen_source;
    } else if (notify->notify == wire::NotifyType::nat_detection_destination_ip) {
      destination_given = true;
      destination_matches |= notify->data == seen_destination;
    }
  }
  sa.nat_detection = source_given && destination_given;
  sa.remote_behind_nat = sa.nat_detection && !source_matches;
  sa.local_behind_nat = sa.nat_detection && !destination_matches;
}

void add_nat_detection(Context& context, const IkeSa& sa, Encapsulation encapsulation, const Endpoint& local,
                       const Endpoint& remote, wire::Payloads& payloads) {
  if (encapsulation == Encapsulation::off) return;
  wire::Notify source = suite::nat_detection(wire::NotifyType::nat_detection_source_ip, sa.spi_i, sa.spi_r, local);
  if (encapsulation == Encapsulation::force) context.random().fill(source.data);
  payloads.push_back(std::move(source));
  payloads.push_back(suite::nat_detection(wire::NotifyType::nat_detection_destination_ip, sa.spi_i, sa.spi_r, remote));
}

bool both_fragment(const Connection& connection, const wire::Payloads& payloads) {
  return connection.fragmentation && wire::find_notify(payloads, wire::NotifyType::fragmentation_supported);
}

void derive_keys(Context& context, IkeSa& sa, const SecretBytes& shared_secret) {
  const Handshake& handshake = *sa.handshake;
  const SecretBytes seed = suite::skeyseed(sa.proposal.prf, handshake.nonce_i, handshake.nonce_r, shared_secret);
  set_keys(context, sa,
           suite::derive_ike_keys(sa.proposal, seed, handshake.nonce_i, handshake.nonce_r, sa.spi_i, sa.spi_r));
}

}  // namespace sekisho::ike::v2
