// Makes, by libcrypto, what the targets about certificates begin from: tests/fuzz/authority.pem and authority.crl (see
// certified.h) and the corpora of these targets. Keys are new each time, so all of it belongs together; tests and
// fuzzers take it as it is checked in.
//
//   build/tests/fuzz/make_certificates tests/fuzz
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "crypto/ike/distinguished_name.h"
#include "tests/unit/crypto/authority.h"

namespace sekisho::testing {
namespace {

const std::string everything = "DNS:peer.lab,IP:10.9.2.2,email:peer@lab";

void write(const std::filesystem::path& file, ByteView content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

// As peer_certificates takes them: which identity is claimed, then each certificate after its length.
Bytes chain(uint8_t identity, std::initializer_list<Bytes> certificates) {
  ByteWriter writer;
  writer.u8(identity);
  for (const Bytes& der : certificates) {
    writer.u16(static_cast<uint16_t>(der.size()));
    writer.bytes(der);
  }
  return std::move(writer).take();
}

Bytes choice(uint8_t which, ByteView rest) {
  ByteWriter writer;
  writer.u8(which);
  writer.bytes(rest);
  return std::move(writer).take();
}

// ECDSA or PSS with SHA2-256 by whoever has this key.
Bytes foreign_key(ByteView der) {
  ByteWriter writer;
  writer.u8(3);
  writer.u8(1);
  writer.u8(72);
  writer.bytes(Bytes(72, 0x30));
  writer.u16(static_cast<uint16_t>(der.size()));
  writer.bytes(der);
  return std::move(writer).take();
}

struct Lab {
  Credential root = root_authority();
  Credential between = root.issue({.subject = "C=JP, O=Lab, CN=Between",
                                   .basic_constraints = "critical,CA:TRUE,pathlen:0",
                                   .key_usage = "keyCertSign,cRLSign"});
  Credential ecdsa = root.issue({.subject = "C=JP, O=Lab, CN=peer.lab", .alternative_names = everything});
  Credential rsa = root.issue(
      {.subject = "CN=peer.lab", .alternative_names = everything, .key_usage = "digitalSignature", .key_type = "RSA"});
  Credential ed25519 =
      root.issue({.subject = "CN=peer.lab", .alternative_names = "DNS:peer.lab", .key_type = "ED25519"});
  Credential below = between.issue({.subject = "CN=peer.lab", .alternative_names = everything, .key_type = "P-384"});
  Credential revoked = root.issue({.subject = "CN=peer.lab", .alternative_names = everything});
  Credential stranger = self_signed({.subject = "C=JP, O=Lab, CN=peer.lab", .alternative_names = everything});
  std::string list = root.list_pem({revoked});
};

void make_chains(const Lab& lab, const std::filesystem::path& directory) {
  write(directory / "ecdsa", chain(0, {lab.ecdsa.der()}));
  write(directory / "rsa", chain(1, {lab.rsa.der(), lab.root.der()}));
  write(directory / "ed25519", chain(0, {lab.ed25519.der()}));
  write(directory / "intermediate", chain(2, {lab.below.der(), lab.between.der()}));
  write(directory / "subject", chain(3, {lab.ecdsa.der()}));
  write(directory / "revoked", chain(0, {lab.revoked.der()}));
  write(directory / "stranger", chain(0, {lab.stranger.der(), lab.between.der(), lab.root.der()}));
  write(directory / "not-authority", chain(0, {lab.stranger.der(), lab.ecdsa.der()}));
}

void make_files(const Lab& lab, const std::filesystem::path& directory) {
  write(directory / "certificates.pem", as_bytes(lab.ecdsa.certificate_pem() + lab.root.certificate_pem()));
  write(directory / "certificate.der", lab.ed25519.der());
  write(directory / "list.pem", as_bytes(lab.list));
  write(directory / "list.der", crypto::RevocationList::read_file(as_bytes(lab.list)).value().der());
  write(directory / "ecdsa.key", as_bytes(lab.ecdsa.key_pem()));
  write(directory / "ed25519.key", as_bytes(lab.ed25519.key_pem()));
}

void make_signatures(const Lab& lab, const std::filesystem::path& directory) {
  using crypto::SignatureHash, crypto::SignatureKind;
  const auto identifier = [](SignatureKind kind, SignatureHash hash) {
    return choice(0, crypto::algorithm_identifier({kind, hash}));
  };
  write(directory / "pkcs1", identifier(SignatureKind::rsa_pkcs1, SignatureHash::sha2_256));
  write(directory / "pss", identifier(SignatureKind::rsa_pss, SignatureHash::sha2_384));
  write(directory / "ecdsa", identifier(SignatureKind::ecdsa, SignatureHash::sha2_512));
  write(directory / "eddsa", identifier(SignatureKind::eddsa, SignatureHash::identity));
  const std::string name = "C=JP, O=Example\\, Inc., CN=\"gw; 1\", emailAddress=a@lab";
  write(directory / "name-der", choice(1, crypto::encode_distinguished_name(name).value()));
  write(directory / "name-text", choice(2, as_bytes(name)));
  write(directory / "signature", choice(3, Bytes(72, 0x40)));
  for (const Credential* each : {&lab.ecdsa, &lab.rsa}) {
    Bytes der(static_cast<size_t>(i2d_PUBKEY(each->key.get(), nullptr)));
    uint8_t* at = der.data();
    i2d_PUBKEY(each->key.get(), &at);
    write(directory / (each == &lab.rsa ? "key-rsa" : "key-ecdsa"), choice(4, foreign_key(der)));
  }
}

}  // namespace
}  // namespace sekisho::testing

int main(int argc, char** argv) {
  using namespace sekisho;
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_certificates DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  const testing::Lab lab;
  std::string certified;
  for (const auto* each : {&lab.root, &lab.ecdsa, &lab.rsa, &lab.ed25519, &lab.below, &lab.revoked})
    certified += each->certificate_pem();
  testing::write(directory / "authority.pem", as_bytes(certified));
  testing::write(directory / "authority.crl", as_bytes(lab.list));
  testing::make_chains(lab, directory / "corpus/peer_certificates");
  testing::make_files(lab, directory / "corpus/certificate_files");
  testing::make_signatures(lab, directory / "corpus/signatures");
}
