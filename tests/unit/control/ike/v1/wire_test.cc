// The ISAKMP codec. Bytes that are spelled out were laid by hand from RFC 2408 section 3.
#include <catch2/catch.hpp>

#include "control/ike/v1/wire/message.h"
#include "tests/unit/control/ike/samples.h"

namespace sekisho::ike::v1::wire {
namespace {

constexpr Header header{.initiator_cookie = 0x0102030405060708,
                        .responder_cookie = 0x1112131415161718,
                        .exchange = ExchangeType::main_mode};

Transform transform(std::initializer_list<Attribute> attributes) {
  return {.number = 1, .id = transform_key_ike, .attributes = attributes};
}

SecurityAssociation sample_sa() {
  return {{{1, Protocol::isakmp, {}, {transform({Attribute::make(1, 7), Attribute::make(12, 86400)})}},
           {2, Protocol::esp, {0xc0, 0xff, 0xee, 1}, {transform({Attribute::make(4, 1)}), transform({})}}}};
}

Payloads every_payload() {
  return {sample_sa(),
          KeyExchange{{1, 2, 3}},
          Nonce{Bytes(16, 7)},
          Identification{IdType::ipv4_subnet, 0, 0, {10, 1, 0, 0, 255, 255, 0, 0}},
          Identification{IdType::fqdn, 17, 500, {'a', '.', 'b'}},
          Certificate{4, {9, 9}},
          CertificateRequest{4, {}},
          Hash{Bytes(20, 1)},
          Signature{Bytes(32, 2)},
          Notification{Protocol::esp, NotifyType::responder_lifetime, {1, 2, 3, 4}, {5}},
          Delete{Protocol::isakmp, {Bytes(16, 3)}},
          Delete{Protocol::esp, {{1, 2, 3, 4}, {5, 6, 7, 8}}},
          VendorId{{1}},
          NatDetection{PayloadType::nat_detection, Bytes(20, 4)},
          NatDetection{PayloadType::draft_nat_detection, Bytes(20, 5)},
          Opaque{PayloadType{200}, {1, 2}}};
}

// A message of one payload with that body.
Bytes single(PayloadType type, const Bytes& body) { return encode(header, {Opaque{type, body}}); }
bool decodes(PayloadType type, const Bytes& body) { return decode(single(type, body)).has_value(); }

}  // namespace

TEST_CASE("v1: a message is laid out as RFC 2408 draws it") {
  const Bytes bytes = encode(header, {sample_sa()});
  CHECK(to_hex(bytes) ==
        "010203040506070811121314151617180110020000000000"
        "00000064"          // length
        "00000048"          // SA payload, the last
        "0000000100000001"  // IPsec DOI, identity only
        "0200001c01010001"  // proposal 1 of ISAKMP, one transform
        "0000001401010000"  // transform 1, KEY_IKE
        "80010007"          // AES-CBC
        "000c000400015180"  // 86400 seconds
        "0000002002030402"  // proposal 2 of ESP, two transforms
        "c0ffee01"
        "0300000c01010000"
        "80040001"
        "0000000801010000");
}

TEST_CASE("v1: every payload comes back as it went") {
  const Bytes bytes = encode(header, every_payload());
  const auto message = decode(bytes);
  REQUIRE(message);
  CHECK(message->header.initiator_cookie == header.initiator_cookie);
  CHECK(message->header.responder_cookie == header.responder_cookie);
  CHECK(message->header.exchange == ExchangeType::main_mode);
  CHECK(message->payloads.size() == every_payload().size());
  CHECK(encode(message->header, message->payloads) == bytes);
  const auto* sa = find<SecurityAssociation>(message->payloads);
  REQUIRE(sa);
  CHECK(sa->proposals == sample_sa().proposals);
  CHECK(sa->body == encode_body(sample_sa()));
  CHECK(sa->proposals[0].transforms[0].attributes[1].number() == 86400u);
  CHECK(all<Identification>(message->payloads).size() == 2);
  CHECK(find_notify(message->payloads, NotifyType::responder_lifetime)->spi == Bytes{1, 2, 3, 4});
  CHECK(describe(message->header, message->payloads) ==
        "main mode 00000000 [ SA KE NONCE ID ID CERT CR HASH SIG N(RESPONDER-LIFETIME) D D VID NAT-D NAT-D "
        "PAYLOAD-200 ]");
}

TEST_CASE("v1: what is behind the payloads of a decrypted message is padding") {
  Bytes chain = encode_payloads({Hash{Bytes(20, 1)}, Nonce{Bytes(16, 2)}});
  const size_t length = chain.size();
  chain.resize(length + 7);
  const auto decoded = decode_payloads(PayloadType::hash, chain);
  REQUIRE(decoded);
  CHECK(decoded->length == length);
  CHECK(decoded->behind_first == 24);
  CHECK(decoded->payloads.size() == 2);
}

TEST_CASE("v1: truncation at any byte, and a length that disagrees, are refused") {
  const Bytes bytes = encode(header, every_payload());
  for (size_t length = 0; length < bytes.size(); ++length) {
    Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
    CHECK_FALSE(decode(cut));
    if (length < header_length) continue;
    for (size_t i = 0; i < 4; ++i) cut[24 + i] = static_cast<uint8_t>(length >> (24 - 8 * i));
    // Behind the header every cut is within a payload.
    CHECK_FALSE(decode(cut));
  }
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(decode(longer));
}

TEST_CASE("v1: headers of another version, without a cookie, or of an encrypted message are refused in clear") {
  Bytes bytes = encode(header, {Nonce{Bytes(16)}});
  REQUIRE(decode(bytes));
  bytes[17] = 0x20;
  CHECK_FALSE(decode_header(bytes));
  bytes[17] = 0x10;
  bytes[19] = 0x03;
  const auto encrypted = decode_header(bytes);
  REQUIRE(encrypted);
  CHECK(encrypted->encrypted);
  CHECK(encrypted->commit);
  CHECK_FALSE(decode(bytes));
  bytes[19] = 0;
  std::fill_n(bytes.begin(), 8, uint8_t{0});
  CHECK_FALSE(decode_header(bytes));
}

TEST_CASE("v1: an address identity is as long as its type says") {
  const struct {
    uint8_t type;
    size_t length;
  } sizes[] = {{1, 4}, {4, 8}, {5, 16}, {6, 32}, {7, 8}, {8, 32}};
  for (const auto& [type, length] : sizes)
    for (size_t given = 0; given < 40; ++given) {
      Bytes body = {type, 0, 0, 0};
      body.resize(4 + given);
      CHECK(decodes(PayloadType::identification, body) == (given == length));
    }
  CHECK(decodes(PayloadType::identification, {2, 0, 0, 0}));
  CHECK_FALSE(decodes(PayloadType::identification, {2, 0, 0}));
}

TEST_CASE("v1: nonces, deletes and single payloads keep to their bounds") {
  CHECK_FALSE(decodes(PayloadType::nonce, Bytes(7)));
  CHECK(decodes(PayloadType::nonce, Bytes(8)));
  CHECK(decodes(PayloadType::nonce, Bytes(256)));
  CHECK_FALSE(decodes(PayloadType::nonce, Bytes(257)));
  CHECK_FALSE(decodes(PayloadType::key_exchange, {}));
  CHECK_FALSE(decodes(PayloadType::proposal, Bytes(8)));
  // DOI, protocol, SPI size, count, SPIs.
  CHECK(decodes(PayloadType::delete_, {0, 0, 0, 1, 3, 4, 0, 1, 1, 2, 3, 4}));
  CHECK_FALSE(decodes(PayloadType::delete_, {0, 0, 0, 1, 3, 4, 0, 2, 1, 2, 3, 4}));
  CHECK_FALSE(decodes(PayloadType::delete_, {0, 0, 0, 1, 3, 0, 0, 0}));
  CHECK_FALSE(decodes(PayloadType::delete_, {0, 0, 0, 1, 1, 4, 0, 1, 1, 2, 3, 4}));
  CHECK_FALSE(decodes(PayloadType::notification, {0, 0, 0, 1, 3, 4, 0, 14, 1, 2, 3}));
  CHECK_FALSE(decode(encode(header, {Nonce{Bytes(16)}, Nonce{Bytes(16)}})));
  const Identification id{IdType::ipv4_address, 0, 0, Bytes(4)};
  CHECK(decode(encode(header, {id, id})));
  CHECK_FALSE(decode(encode(header, {id, id, id})));
  CHECK(decode(encode(header, Payloads(max_payloads, VendorId{{1}}))));
  CHECK_FALSE(decode(encode(header, Payloads(max_payloads + 1, VendorId{{1}}))));
}

TEST_CASE("v1: the SA payload's counts and nesting are checked") {
  const auto accepted = [](const SecurityAssociation& sa) { return decode(encode(header, {sa})).has_value(); };
  SecurityAssociation sa = sample_sa();
  sa.proposals[0].transforms.assign(max_transforms, transform({}));
  CHECK(accepted(sa));
  sa.proposals[0].transforms.push_back(transform({}));
  CHECK_FALSE(accepted(sa));
  sa = sample_sa();
  sa.proposals[0].transforms.clear();
  CHECK_FALSE(accepted(sa));
  sa = sample_sa();
  sa.proposals[0].transforms[0].attributes.assign(max_attributes + 1, Attribute::make(1, 1));
  CHECK_FALSE(accepted(sa));
  sa = sample_sa();
  sa.proposals[0].transforms[0].attributes = {{1, Bytes(max_attribute + 1), false}};
  CHECK_FALSE(accepted(sa));
  Bytes bytes = encode_body(sample_sa());
  bytes[3] = 2;  // another DOI
  CHECK_FALSE(decodes(PayloadType::security_association, bytes));
  bytes = encode_body(sample_sa());
  bytes[8] = 13;  // a vendor id in the place of the next proposal
  CHECK_FALSE(decodes(PayloadType::security_association, bytes));
  CHECK_FALSE(decodes(PayloadType::security_association, {0, 0, 0, 1, 0, 0, 0, 1}));
}

TEST_CASE("v1: attributes take the shortest form and any length up to eight bytes counts as a number") {
  CHECK(Attribute::make(12, 65535).in_place);
  CHECK(Attribute::make(12, 65536).value.size() == 4);
  CHECK(Attribute::make(12, uint64_t{1} << 40).value.size() == 8);
  CHECK(Attribute{12, {0, 1, 0x51, 0x80}, false}.number() == 86400u);
  CHECK_FALSE(Attribute{12, Bytes(9), false}.number());
}

}  // namespace sekisho::ike::v1::wire
