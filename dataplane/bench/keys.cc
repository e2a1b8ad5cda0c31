#include "dataplane/bench/keys.h"

#include "crypto/hkdf.h"

namespace sekisho::dataplane::bench {

SecretBytes key_material(const Scenario& scenario, EspSuite suite, ipc::Direction direction, unsigned tunnel,
                         uint64_t generation) {
  ByteWriter purpose;
  purpose.bytes(as_bytes("sekisho benchmark"));
  purpose.bytes(as_bytes(info(suite).name));
  purpose.u8(direction == ipc::Direction::outbound ? 1 : 0);
  purpose.u32(tunnel);
  purpose.u64(generation);
  SecretBytes material(info(suite).key_material());
  crypto::hkdf_sha256({}, scenario.key.view(), purpose.view(), material.writable());
  return material;
}

}  // namespace sekisho::dataplane::bench
