// In the place of raw_crypto.cc where the build has no intel-ipsec-mb.
#include <stdexcept>

#include "dataplane/bench/raw_crypto.h"

namespace sekisho::dataplane::bench {

struct RawKeys::State {};
struct RawCrypto::State {};

std::string ipsec_mb_version() { return "none"; }

RawKeys::RawKeys(EspSuite) { throw std::logic_error("built without intel-ipsec-mb"); }
RawKeys::~RawKeys() = default;
void RawKeys::add(ByteView) {}

RawCrypto::RawCrypto(const RawKeys&) {}
RawCrypto::~RawCrypto() = default;
uint64_t RawCrypto::run(CryptoWork, std::vector<RawPacket>) { return 0; }

}  // namespace sekisho::dataplane::bench
