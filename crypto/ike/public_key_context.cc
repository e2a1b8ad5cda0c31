#include "crypto/ike/public_key_context.h"

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

// "EC:id-ecPublicKey:1.2.840.10045.2.1": the first name of several.
constexpr std::string_view types[] = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448"};
bool signs_certificates(const OSSL_ALGORITHM& type) {
  const std::string_view names = type.algorithm_names;
  return std::ranges::find(types, names.substr(0, names.find(':'))) != std::end(types);
}

bool reads_public_keys(const OSSL_ALGORITHM& decoder) {
  return std::string_view(decoder.property_definition).ends_with("structure=SubjectPublicKeyInfo");
}

// libcrypto's default provider, in a context of its own, and what is passed on of it. An array ends with an empty
// entry.
class Narrowed {
 public:
  Narrowed() : whole_(require(OSSL_PROVIDER_load(require(OSSL_LIB_CTX_new(), "context"), "default"), "provider")) {
    for (const OSSL_ALGORITHM& type : all(OSSL_OP_KEYMGMT))
      if (signs_certificates(type)) key_types_.push_back(type);
    for (const OSSL_ALGORITHM& decoder : all(OSSL_OP_DECODER))
      if (signs_certificates(decoder) && reads_public_keys(decoder)) decoders_.push_back(decoder);
    // Each once, or a libcrypto that is made otherwise would have every certificate refused.
    require(key_types_.size() == std::size(types) && decoders_.size() == std::size(types), "types of public keys");
    key_types_.emplace_back();
    decoders_.emplace_back();
  }

  const OSSL_ALGORITHM* query(int operation, int* no_cache) const {
    const OSSL_ALGORITHM* found = OSSL_PROVIDER_query_operation(whole_, operation, no_cache);
    if (operation == OSSL_OP_KEYMGMT) return key_types_.data();
    return operation == OSSL_OP_DECODER ? decoders_.data() : found;
  }
  void* provider_context() const { return OSSL_PROVIDER_get0_provider_ctx(whole_); }

 private:
  std::vector<OSSL_ALGORITHM> all(int operation) const {
    int no_cache = 0;
    const OSSL_ALGORITHM* first = OSSL_PROVIDER_query_operation(whole_, operation, &no_cache);
    const OSSL_ALGORITHM* last = first;
    while (last && last->algorithm_names) ++last;
    return {first, last};
  }

  OSSL_PROVIDER* whole_;
  std::vector<OSSL_ALGORITHM> key_types_, decoders_;
};

const Narrowed& narrowed() {
  static const auto* const the_one = new Narrowed;
  return *the_one;
}

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) { return narrowed().query(operation, no_cache); }

int begin_provider(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) {
  static const OSSL_DISPATCH dispatch[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(query)},
                                           {0, nullptr}};
  *functions = dispatch;
  *context = narrowed().provider_context();
  return 1;
}

OSSL_LIB_CTX* make_context() {
  constexpr const char* name = "public keys";
  narrowed();  // throws here rather than below libcrypto
  OSSL_LIB_CTX* context = require(OSSL_LIB_CTX_new(), "context");
  require(OSSL_PROVIDER_add_builtin(context, name, begin_provider) == 1, "provider");
  require(OSSL_PROVIDER_load(context, name), "provider");
  return context;
}

}  // namespace

OSSL_LIB_CTX* public_key_context() {
  static OSSL_LIB_CTX* const context = make_context();
  return context;
}

}  // namespace sekisho::crypto
