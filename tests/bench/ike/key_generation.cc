// How long libcrypto takes to make an ephemeral key pair, which `openssl speed` does not measure. A program of its own,
// so that libcrypto is as it comes, with malloc for its memory. Prints one JSON object: microseconds of CPU time by
// key exchange.
#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

double cpu_microseconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

void generate(const char* type, const char* group) {
  EVP_PKEY* key = group ? EVP_PKEY_Q_keygen(nullptr, nullptr, type, group) : EVP_PKEY_Q_keygen(nullptr, nullptr, type);
  if (!key) std::exit(1);
  EVP_PKEY_free(key);
}

double generation_time(const char* type, const char* group) {
  constexpr int times = 5000;
  generate(type, group);  // libcrypto looks for the algorithm once
  const double begun = cpu_microseconds();
  for (int i = 0; i < times; ++i) generate(type, group);
  return (cpu_microseconds() - begun) / times;
}

}  // namespace

int main() {
  std::printf("{\"x25519\": %.1f, \"ecp256\": %.1f}\n", generation_time("X25519", nullptr),
              generation_time("EC", "P-256"));
}
