// Whom a connection trusts to certify its peer, and what follows from that (RFC 5280 section 6).
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crypto/ike/certificate.h"

namespace sekisho::crypto {

enum class RequireCrl : uint8_t { no, yes };

class TrustAnchors {
 public:
  // An anchor need not be self-signed, nor an authority: a peer's own certificate may be one.
  TrustAnchors(std::vector<Certificate> anchors, std::vector<RevocationList> lists, RequireCrl require_crl);

  // Whether there is a chain from `certificate` to an anchor, by way of `untrusted` ones, that is valid at `now`, but
  // for revocation: signatures by keys of at least 112 bits of security with no SHA-1 in them, validity,
  // basicConstraints, path lengths, name constraints, keyUsage. The error says what is wrong with which certificate,
  // for an operator.
  std::expected<void, std::string> validate_chain(const Certificate& certificate,
                                                  std::span<const Certificate> untrusted, WallTime now) const;
  // Whether there is one of which nothing is revoked. A list that is missing or out of date refuses nothing by itself,
  // unless lists are required. Each that counts is verified, however long it is: to be asked after all else.
  std::expected<void, std::string> check_revocation(const Certificate& certificate,
                                                    std::span<const Certificate> untrusted, WallTime now) const;

  const std::vector<Certificate>& anchors() const { return anchors_; }
  // Certificate::key_hash() of each.
  const std::vector<Bytes>& key_hashes() const { return key_hashes_; }
  const std::vector<RevocationList>& lists() const { return lists_; }
  // A hash of the anchors, the lists and whether these are required: the same for two that judge alike.
  const Bytes& digest() const { return digest_; }

 private:
  // `without`: OpenSSL's flags of the checks to be left out.
  std::expected<void, std::string> verify(const Certificate& certificate, std::span<const Certificate> untrusted,
                                          WallTime now, unsigned long without) const;

  std::vector<Certificate> anchors_;
  std::vector<Bytes> key_hashes_;
  std::vector<RevocationList> lists_;
  std::shared_ptr<X509_STORE> store_;  // only read
  Bytes digest_;
};

}  // namespace sekisho::crypto
