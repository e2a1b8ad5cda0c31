// What the targets about certificates trust: tests/fuzz/authority.pem is an authority, then certificates that it
// issued, itself or through another, the last of which authority.crl revokes.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/ike/trust_anchors.h"
#include "tests/unit/crypto/authority.h"

namespace sekisho::fuzz {

// Every certificate is valid then.
inline const WallTime now = testing::new_year;

inline bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char letter) { return letter >= 0x20 && letter != 0x7f; });
}

struct Certified {
  crypto::Certificate authority;
  std::vector<crypto::Certificate> valid;
  crypto::Certificate revoked;
  crypto::RevocationList list;

  static const Certified& get() {
    static const Certified made = read();
    return made;
  }

 private:
  static Bytes file(const std::string& name) {
    std::ifstream stream(FUZZ_CORPUS "/../" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  static Certified read() {
    auto all = crypto::Certificate::read_file(file("authority.pem")).value();
    if (all.size() < 3) throw std::runtime_error("tests/fuzz/authority.pem");
    return {all.front(),
            {all.begin() + 1, all.end() - 1},
            all.back(),
            crypto::RevocationList::read_file(file("authority.crl")).value()};
  }
};

}  // namespace sekisho::fuzz
