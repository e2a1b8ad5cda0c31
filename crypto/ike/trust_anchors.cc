#include "crypto/ike/trust_anchors.h"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "crypto/ike/distinguished_name.h"
#include "crypto/ike/prf.h"
#include "crypto/ike/public_key_context.h"
#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, OpensslDeleter<X509_STORE_CTX_free>>;
struct StackDeleter {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), StackDeleter>;

constexpr int max_depth = 8;  // intermediate certificates in a chain
constexpr unsigned long revocation_checks = X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
constexpr int security_level = 2;  // of OpenSSL: 112 bits, hence RSA from 2048 bits on, and no SHA-1

// Without a duty to have lists, one that is missing or out of date refuses nothing. The last of a chain is an anchor,
// trusted by the configuration, so nobody's list is needed to trust it.
int judge(int good, X509_STORE_CTX* context, RequireCrl require_crl) {
  if (good) return 1;
  switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      if (X509_STORE_CTX_get_error_depth(context) + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(context))) return 1;
      return require_crl == RequireCrl::no;
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return require_crl == RequireCrl::no;
    default:
      return 0;
  }
}

int judge_strictly(int good, X509_STORE_CTX* context) { return judge(good, context, RequireCrl::yes); }
int judge_leniently(int good, X509_STORE_CTX* context) { return judge(good, context, RequireCrl::no); }

StackPtr stack_of(std::span<const Certificate> certificates) {
  StackPtr stack(require(sk_X509_new_null(), "X509 stack"));
  for (const Certificate& certificate : certificates)
    require(sk_X509_push(stack.get(), certificate.native()) > 0, "X509 stack");
  return stack;
}

Bytes digest_of(const std::vector<Certificate>& anchors, const std::vector<RevocationList>& lists,
                RequireCrl require_crl) {
  ByteWriter all;
  all.u8(static_cast<uint8_t>(require_crl));
  for (const Certificate& anchor : anchors) all.bytes(anchor.der());
  for (const RevocationList& list : lists) all.bytes(list.der());
  return sha1({all.view()});
}

std::string about(const X509* certificate, std::string_view fault) {
  std::string text(fault);
  if (certificate) text += ": " + distinguished_name_text(X509_get_subject_name(certificate));
  return text;
}

}  // namespace

TrustAnchors::TrustAnchors(std::vector<Certificate> anchors, std::vector<RevocationList> lists, RequireCrl require_crl)
    : anchors_(std::move(anchors)),
      lists_(std::move(lists)),
      store_(require(X509_STORE_new(), "X509 store"), X509_STORE_free) {
  for (const Certificate& anchor : anchors_)
    require(X509_STORE_add_cert(store_.get(), anchor.native()) == 1, "X509 store");
  for (const RevocationList& list : lists_) require(X509_STORE_add_crl(store_.get(), list.native()) == 1, "X509 store");
  for (const Certificate& anchor : anchors_) key_hashes_.push_back(anchor.key_hash());
  digest_ = digest_of(anchors_, lists_, require_crl);
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
  if (!lists_.empty() || require_crl == RequireCrl::yes) flags |= revocation_checks;
  X509_VERIFY_PARAM* parameters = X509_STORE_get0_param(store_.get());
  require(X509_VERIFY_PARAM_set_flags(parameters, flags) == 1, "X509 parameters");
  X509_VERIFY_PARAM_set_depth(parameters, max_depth);
  X509_VERIFY_PARAM_set_auth_level(parameters, security_level);
  X509_STORE_set_verify_cb(store_.get(), require_crl == RequireCrl::yes ? judge_strictly : judge_leniently);
}

std::expected<void, std::string> TrustAnchors::validate_chain(const Certificate& certificate,
                                                              std::span<const Certificate> untrusted,
                                                              WallTime now) const {
  return verify(certificate, untrusted, now, revocation_checks);
}

std::expected<void, std::string> TrustAnchors::check_revocation(const Certificate& certificate,
                                                                std::span<const Certificate> untrusted,
                                                                WallTime now) const {
  const bool checked = (X509_VERIFY_PARAM_get_flags(X509_STORE_get0_param(store_.get())) & revocation_checks) != 0;
  if (!checked) return {};
  return verify(certificate, untrusted, now, 0);
}

std::expected<void, std::string> TrustAnchors::verify(const Certificate& certificate,
                                                      std::span<const Certificate> untrusted, WallTime now,
                                                      unsigned long without) const {
  const StackPtr others = stack_of(untrusted);
  const StoreContextPtr context(require(X509_STORE_CTX_new_ex(public_key_context(), nullptr), "X509 context"));
  require(X509_STORE_CTX_init(context.get(), store_.get(), certificate.native(), others.get()) == 1, "X509 context");
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  require(X509_VERIFY_PARAM_clear_flags(parameters, without) == 1, "X509 parameters");
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(now));
  if (X509_verify_cert(context.get()) != 1)
    return std::unexpected(about(X509_STORE_CTX_get_current_cert(context.get()),
                                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()))));
  return {};
}

}  // namespace sekisho::crypto
