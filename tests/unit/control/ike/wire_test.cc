#include <catch2/catch.hpp>

#include "tests/unit/control/ike/samples.h"

namespace sekisho::ike::wire {
namespace {

// The header of RFC 7296 section 3.1 with `length` filled in, and whatever chain of payloads follows.
Bytes message(PayloadType first, const Bytes& chain, uint8_t version = 0x20) {
  ByteWriter writer;
  writer.u64(0x1122334455667788);
  writer.u64(0);
  writer.u8(static_cast<uint8_t>(first));
  writer.u8(version);
  writer.u8(34);
  writer.u8(0x08);
  writer.u32(0);
  writer.u32(static_cast<uint32_t>(header_length + chain.size()));
  writer.bytes(chain);
  return std::move(writer).take();
}

// One payload with `body` behind a generic header, and nothing behind it.
Bytes payload(const Bytes& body) {
  ByteWriter writer;
  writer.u16(0);
  writer.u16(static_cast<uint16_t>(4 + body.size()));
  writer.bytes(body);
  return std::move(writer).take();
}

std::string reason(PayloadType type, std::string_view body_hex) {
  const auto decoded = decode(message(type, payload(from_hex(body_hex))));
  return decoded ? "accepted" : std::string(decoded.error().reason);
}

crypto::SkCipher cipher(const crypto::SkAlgorithm& algorithm, uint8_t key = 0) {
  return {algorithm, SecretBytes::copy_of(counting(algorithm.encryption_key_length(), key)),
          SecretBytes::copy_of(counting(algorithm.integrity_key_length(), key))};
}

// A message of one EncryptedFragment with these counts.
Bytes fragment_of(PayloadType first, uint16_t number, uint16_t total, size_t sealed = 40) {
  ByteWriter body;
  body.u16(number);
  body.u16(total);
  body.zeros(sealed);
  Bytes chain = payload(std::move(body).take());
  chain[0] = static_cast<uint8_t>(first);
  return message(PayloadType::encrypted_fragment, chain);
}

const crypto::SkAlgorithm gcm{crypto::EncryptionId::aes_gcm_16, 128, crypto::IntegrityId::none};
const crypto::SkAlgorithm cbc{crypto::EncryptionId::aes_cbc, 256, crypto::IntegrityId::hmac_sha2_256_128};

}  // namespace

TEST_CASE("a message decodes into what was encoded") {
  for (const Message& sample : sample_messages()) {
    const Bytes bytes = encode(sample);
    const auto decoded = decode(bytes);
    REQUIRE(decoded);
    CHECK(decoded->header.initiator_spi == sample.header.initiator_spi);
    CHECK(decoded->header.responder_spi == sample.header.responder_spi);
    CHECK(decoded->header.exchange == sample.header.exchange);
    CHECK(decoded->header.from_initiator == sample.header.from_initiator);
    CHECK(decoded->header.response == sample.header.response);
    CHECK(decoded->header.message_id == sample.header.message_id);
    CHECK(decoded->payloads.size() == sample.payloads.size());
    CHECK(to_hex(encode(*decoded)) == to_hex(bytes));
    CHECK(decode_header(bytes)->message_id == sample.header.message_id);
  }
}

TEST_CASE("the bytes of a message are the RFC's") {
  // Written by hand after the figures of RFC 7296 sections 3.1 to 3.10 and 3.13.
  const Message sample{
      {0x0102030405060708, 0, ExchangeType::ike_sa_init, true, false, 0},
      {SecurityAssociation{{{1, Protocol::ike, {}, {{TransformType::encryption, 12, 256}, {TransformType::prf, 5, {}}}},
                            {2, Protocol::ike, {}, {{TransformType::encryption, 20, 128}}}}},
       KeyExchange{crypto::KeyExchangeId::x25519, from_hex("aabb")}, Nonce{counting(16)},
       Notify{NotifyType::rekey_sa, Protocol::esp, from_hex("01020304"), from_hex("ff")},
       Delete{Protocol::esp, {0x0a0b0c0d}},
       TrafficSelectorsInitiator{{TrafficSelector::from_prefix(Prefix::parse("10.1.0.0/16").value())}}}};
  CHECK(to_hex(encode(sample)) == to_hex(from_hex("0102030405060708 0000000000000000 21 20 22 08 00000000 0000009f"
                                                  "22 00 0034"
                                                  "02 00 001c 01 01 00 02"
                                                  "03 00 000c 01 00 000c 800e 0100"
                                                  "00 00 0008 02 00 0005"
                                                  "00 00 0014 02 01 00 01"
                                                  "00 00 000c 01 00 0014 800e 0080"
                                                  "28 00 000a 001f 0000 aabb"
                                                  "29 00 0014 000102030405060708090a0b0c0d0e0f"
                                                  "2a 00 000d 03 04 4009 01020304 ff"
                                                  "2c 00 000c 03 04 0001 0a0b0c0d"
                                                  "00 00 0018 01 000000 07 00 0010 0000 ffff 0a010000 0a01ffff")));
}

TEST_CASE("no message is accepted cut short or with bytes behind it") {
  for (const Message& sample : sample_messages()) {
    const Bytes bytes = encode(sample);
    for (size_t length = 0; length < bytes.size(); ++length) {
      Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
      CHECK_FALSE(decode(cut));
      if (length < header_length) continue;
      // With a header that agrees to the length it is the payloads that must notice.
      cut[26] = static_cast<uint8_t>(length >> 8);
      cut[27] = static_cast<uint8_t>(length);
      if (length > header_length || !sample.payloads.empty()) CHECK_FALSE(decode(cut));
    }
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode(longer));
    longer[26] = static_cast<uint8_t>(longer.size() >> 8);
    longer[27] = static_cast<uint8_t>(longer.size());
    CHECK_FALSE(decode(longer));
  }
}

TEST_CASE("the header is checked") {
  CHECK(decode(message(PayloadType::none, {})));
  CHECK(decode(message(PayloadType::none, {}, 0x2f)));  // a later minor version is ours too (section 2.5)
  for (const uint8_t version : {0x00, 0x10, 0x30, 0xf0}) {
    const auto decoded = decode(message(PayloadType::none, {}, version));
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().notify == NotifyType::invalid_major_version);
  }
  Bytes no_spi = message(PayloadType::none, {});
  std::fill_n(no_spi.begin(), 8, uint8_t{0});
  CHECK_FALSE(decode_header(no_spi));
  CHECK_FALSE(decode_header(Bytes(max_message_length + 1)));
}

TEST_CASE("a critical payload is remembered only where its type is unknown") {
  Bytes chain = payload(counting(16));
  chain[1] = 0x80;
  const auto known = decode(message(PayloadType::nonce, chain));
  REQUIRE(known);
  CHECK(find_unsupported(known->payloads) == nullptr);
  const auto unknown = decode(message(PayloadType{54}, chain));
  REQUIRE(unknown);
  REQUIRE(find_unsupported(unknown->payloads) != nullptr);
  CHECK(find_unsupported(unknown->payloads)->type == PayloadType{54});
  chain[1] = 0x7f;  // the reserved bits mean nothing
  CHECK(find_unsupported(decode(message(PayloadType{54}, chain))->payloads) == nullptr);
}

TEST_CASE("chains are bounded") {
  // The smallest payloads: empty vendor ids, 4 bytes each.
  const auto chain_of = [](size_t count, PayloadType type) {
    Bytes chain;
    for (size_t i = 0; i < count; ++i)
      for (const uint8_t byte :
           {i + 1 < count ? static_cast<uint8_t>(type) : uint8_t{0}, uint8_t{0}, uint8_t{0}, uint8_t{4}})
        chain.push_back(byte);
    return chain;
  };
  CHECK(decode(message(PayloadType::vendor_id, chain_of(max_payloads, PayloadType::vendor_id))));
  CHECK_FALSE(decode(message(PayloadType::vendor_id, chain_of(max_payloads + 1, PayloadType::vendor_id))));

  Payloads twice = {Nonce{counting(16)}, Nonce{counting(16)}};
  CHECK_FALSE(decode(encode({1, 0, ExchangeType::ike_sa_init, true, false, 0}, twice)));
}

TEST_CASE("SA payloads are checked") {
  const auto sa = [](std::string_view hex) { return reason(PayloadType::security_association, hex); };
  CHECK(sa("00 00 0010 01 03 04 00 01020304 00000000") == "bytes behind the last transform");
  CHECK(sa("00 00 000c 01 03 04 00 01020304") == "accepted");  // no transform: well-formed, never chosen
  CHECK(sa("00 00 0014 01 03 04 01 01020304 00 00 0008 05 00 0000") == "accepted");
  CHECK(sa("") == "proposal shorter than its header");
  CHECK(sa("00 00 0007 01 03 04") == "proposal shorter than its header");
  CHECK(sa("00 00 0015 01 03 04 01 01020304 00 00 0008 05 00 0000") == "proposal truncated");
  CHECK(sa("02 00 0014 01 03 04 01 01020304 00 00 0008 05 00 0000") == "wrong end of the proposals");
  CHECK(sa("00 00 0014 01 03 04 01 01020304 03 00 0008 05 00 0000") == "wrong number of transforms");
  CHECK(sa("00 00 0014 01 03 04 02 01020304 03 00 0008 05 00 0000") == "transform shorter than its header");
  CHECK(sa("00 00 0014 01 03 04 01 01020304 00 00 0009 05 00 0000") == "transform truncated");
  CHECK(sa("00 00 0014 01 03 04 01 01020304 00 00 0007 05 00 0000") == "transform shorter than its header");
  CHECK(sa("00 00 0014 01 03 04 ff 01020304 03 00 0008 05 00 0000") == "too many transforms");
  CHECK(sa("00 00 0014 01 01 04 01 01020304 00 00 0008 05 00 0000") == "SPI size does not fit the protocol");
  CHECK(sa("00 00 0018 01 03 08 01 0102030405060708 00 00 0008 05 00 0000") == "SPI size does not fit the protocol");
  CHECK(sa("00 00 0010 01 03 00 01 00 00 0008 05 00 0000") == "SPI size does not fit the protocol");

  std::string many;
  for (size_t i = 0; i <= max_proposals; ++i) many += i < max_proposals ? "0200000801010000" : "0000000801010000";
  CHECK(sa(many) == "too many proposals");
}

TEST_CASE("attributes of a transform are kept apart") {
  // A key length (TV), then one that is unknown in either format.
  const auto decode_one = [](std::string_view attributes) {
    const Bytes tail = from_hex(attributes);
    ByteWriter body;
    body.u16(0);
    body.u16(static_cast<uint16_t>(16 + tail.size()));
    body.bytes(from_hex("01 01 00 01 00 00"));
    body.u16(static_cast<uint16_t>(8 + tail.size()));
    body.bytes(from_hex("01 00 000c"));
    body.bytes(tail);
    const auto decoded = decode(message(PayloadType::security_association, payload(std::move(body).take())));
    return decoded ? std::optional(find<SecurityAssociation>(decoded->payloads)->proposals.at(0).transforms.at(0))
                   : std::nullopt;
  };
  CHECK(decode_one("800e 0080")->key_bits == 128);
  CHECK_FALSE(decode_one("800e 0080")->unknown_attribute);
  CHECK(decode_one("800f 0080")->unknown_attribute);
  CHECK(decode_one("000e 0003 010203")->unknown_attribute);
  CHECK(decode_one("800e 0080 800e 0100")->unknown_attribute);
  CHECK_FALSE(decode_one("000e 0004 010203"));
  CHECK_FALSE(decode_one("800e 00"));
}

TEST_CASE("the other payloads are checked") {
  CHECK(reason(PayloadType::key_exchange, "001f 0000") == "KE payload without a value");
  CHECK(reason(PayloadType::key_exchange, "001f 00") == "KE payload without a value");
  CHECK(reason(PayloadType::key_exchange, "001f 0000 01") == "accepted");
  CHECK(reason(PayloadType::nonce, to_hex(counting(15))) == "nonce of a wrong length");
  CHECK(reason(PayloadType::nonce, to_hex(counting(16))) == "accepted");
  CHECK(reason(PayloadType::nonce, to_hex(counting(256))) == "accepted");
  CHECK(reason(PayloadType::nonce, to_hex(counting(257))) == "nonce of a wrong length");
  CHECK(reason(PayloadType::id_initiator, "01 000000 0a0901") == "identity is no address");
  CHECK(reason(PayloadType::id_initiator, "05 000000 0a090101") == "identity is no address");
  CHECK(reason(PayloadType::id_initiator, "01 000000 0a090101") == "accepted");
  CHECK(reason(PayloadType::id_responder, "09 0000") == "identification payload truncated");
  CHECK(reason(PayloadType::authentication, "02 000000") == "AUTH payload without data");
  CHECK(reason(PayloadType::notify, "00 00 40") == "notify payload truncated");
  CHECK(reason(PayloadType::notify, "03 05 4009 01020304") == "notify payload truncated");
  CHECK(reason(PayloadType::notify, "03 03 4009 010203") == "notify payload's SPI size does not fit the protocol");
  CHECK(reason(PayloadType::notify, "00 04 4009 01020304") == "notify payload's SPI size does not fit the protocol");
  CHECK(reason(PayloadType::delete_, "03 04 0002 01020304") == "delete payload with a wrong SPI count");
  CHECK(reason(PayloadType::delete_, "03 04 0001 0102030405") == "delete payload with a wrong SPI count");
  CHECK(reason(PayloadType::delete_, "03 00 0001") == "delete payload with wrong SPIs");
  CHECK(reason(PayloadType::delete_, "01 08 0001 0102030405060708") == "delete payload with wrong SPIs");
  CHECK(reason(PayloadType::delete_, "01 00 ffff") == "delete payload with wrong SPIs");
  CHECK(reason(PayloadType::delete_, "00 00 0000") == "delete payload for an unknown protocol");
  CHECK(reason(PayloadType::encrypted, "00") == "accepted");
}

TEST_CASE("traffic selectors are checked") {
  const auto ts = [](std::string_view hex) { return reason(PayloadType::traffic_selectors_initiator, hex); };
  CHECK(ts("01 000000 07 00 0010 0000 ffff 0a010000 0a01ffff") == "accepted");
  CHECK(ts("01 000000 07 00 0010 ffff 0000 0a010000 0a01ffff") == "accepted");  // OPAQUE
  CHECK(ts("00 000000") == "no traffic selector");
  CHECK(ts("01 0000") == "traffic selector payload truncated");
  CHECK(ts("02 000000 07 00 0010 0000 ffff 0a010000 0a01ffff") == "traffic selector shorter than its header");
  CHECK(ts("01 000000 07 00 0010 0000 ffff 0a010000 0a01ffff 00") == "bytes behind the last traffic selector");
  CHECK(ts("01 000000 08 00 0010 0000 ffff 0a010000 0a01ffff") == "traffic selector of the wrong length for its type");
  CHECK(ts("01 000000 07 00 0011 0000 ffff 0a010000 0a01ffff 00") ==
        "traffic selector of the wrong length for its type");
  CHECK(ts("01 000000 07 00 0003") == "traffic selector shorter than its header");
  CHECK(ts("01 000000 07 00 0010 0000 ffff 0a01ffff 0a010000") == "traffic selector's addresses are out of order");
  CHECK(ts("01 000000 07 06 0010 0051 0050 0a010000 0a01ffff") == "traffic selector's ports are out of order");

  // One of a type that is not known is passed over (section 2.9: it cannot be part of what is chosen).
  const auto decoded = decode(
      message(PayloadType::traffic_selectors_responder, payload(from_hex("02 000000 09 00 0008 00000000"
                                                                         "07 11 0010 0035 0035 0a010000 0a01ffff"))));
  REQUIRE(decoded);
  const auto& selectors = find<TrafficSelectorsResponder>(decoded->payloads)->selectors;
  REQUIRE(selectors.size() == 1);
  CHECK(selectors[0].text() == "10.1.0.0/16[17/53]");
}

TEST_CASE("a protected message opens with its key and no other") {
  SeededRandom random(1);
  for (const auto& algorithm : {gcm, cbc}) {
    crypto::SkCipher sender = cipher(algorithm);
    for (const Message& sample : sample_messages()) {
      const Bytes datagram = protect(sample.header, sample.payloads, sender, random);
      const auto outer = decode(datagram);
      REQUIRE(outer);
      REQUIRE(outer->payloads.size() == 1);
      const auto inner = unprotect(*outer, datagram, cipher(algorithm));
      REQUIRE(inner);
      CHECK(to_hex(encode(sample.header, *inner)) == to_hex(encode(sample)));

      CHECK(unprotect(*outer, datagram, cipher(algorithm, 1)).error() == UnprotectFailure::not_authentic);
      // Each byte of the datagram counts, header included.
      for (size_t at = 0; at < datagram.size(); at += 7) {
        Bytes changed = datagram;
        changed[at] ^= 0x10;
        const auto changed_outer = decode(changed);
        if (changed_outer) CHECK_FALSE(unprotect(*changed_outer, changed, cipher(algorithm)));
      }
    }
  }
}

TEST_CASE("what is wrong within a protected message is told apart") {
  SeededRandom random(2);
  crypto::SkCipher sender = cipher(gcm);
  const Header header{1, 2, ExchangeType::informational, true, false, 0};
  const Bytes clear = encode(header, {VendorId{}});
  CHECK(unprotect(*decode(clear), clear, sender).error() == UnprotectFailure::not_encrypted);
  const Bytes bad = protect(header, {Nonce{counting(3)}}, sender, random);
  CHECK(unprotect(*decode(bad), bad, sender).error() == UnprotectFailure::malformed);
  CHECK_FALSE(decode_payloads(PayloadType::encrypted, payload(counting(40))));
}

TEST_CASE("a message that is too long is cut into fragments that fit and hold all of it") {
  SeededRandom random(3);
  for (const auto& algorithm : {gcm, cbc})
    for (const size_t longest : {256, 257, 263, 271, 272, 548, 1252}) {
      crypto::SkCipher sender = cipher(algorithm);
      const Message sample{{1, 2, ExchangeType::ike_auth, true, false, 1},
                           {VendorId{counting(200)}, VendorId{counting(3000, 7)}, VendorId{}}};
      const auto datagrams = protect(sample.header, sample.payloads, sender, random, longest);
      Bytes plaintext;
      for (size_t i = 0; i < datagrams.size(); ++i) {
        CHECK(datagrams[i].size() <= longest);
        const auto outer = decode(datagrams[i]);
        REQUIRE(outer);
        const auto* fragment = find<EncryptedFragment>(outer->payloads);
        REQUIRE(fragment);
        CHECK(fragment->number == i + 1);
        CHECK(fragment->total == datagrams.size());
        CHECK(fragment->sealed.first == (i == 0 ? PayloadType::vendor_id : PayloadType::none));
        const auto piece = open(fragment->sealed, datagrams[i], cipher(algorithm));
        REQUIRE(piece);
        plaintext.insert(plaintext.end(), piece->begin(), piece->end());
        CHECK_FALSE(open(fragment->sealed, datagrams[i], cipher(algorithm, 1)));
        // The counts are covered by the ICV too.
        Bytes changed = datagrams[i];
        changed[header_length + 7] ^= 0x40;
        const auto changed_outer = decode(changed);
        REQUIRE(changed_outer);
        CHECK_FALSE(open(find<EncryptedFragment>(changed_outer->payloads)->sealed, changed, cipher(algorithm)));
      }
      const auto inner = decode_payloads(PayloadType::vendor_id, plaintext);
      REQUIRE(inner);
      CHECK(encode(sample.header, *inner) == encode(sample));
    }
}

TEST_CASE("a message that fits travels whole, to the last byte") {
  SeededRandom random(4);
  crypto::SkCipher sender = cipher(gcm);
  const Header header{1, 2, ExchangeType::informational, true, false, 0};
  const Payloads payloads = {VendorId{counting(250)}};
  const size_t whole = protect(header, payloads, sender, random).size();
  CHECK(protect(header, payloads, sender, random, whole).size() == 1);
  CHECK(find<Encrypted>(decode(protect(header, payloads, sender, random, whole)[0])->payloads));
  CHECK(protect(header, payloads, sender, random, whole - 1).size() == 2);
}

TEST_CASE("a message that is to be so long is as long as it can be") {
  const Header header{.initiator_spi = 1, .responder_spi = 2, .exchange = ExchangeType::informational};
  SeededRandom random(4);
  for (const crypto::SkAlgorithm& algorithm : {gcm, cbc}) {
    crypto::SkCipher sender = cipher(algorithm);
    const size_t step = algorithm.aead() ? 1 : 16;
    for (size_t longest = 548; longest < 548 + 33; ++longest) {
      const auto padded = longest_padded(sender, longest);
      REQUIRE(padded);
      CHECK(padded->length <= longest);
      CHECK(padded->length + step > longest);
      const Notify notify{.notify = NotifyType::path_mtu_probe, .data = Bytes(padded->data)};
      CHECK(protect(header, {notify}, sender, random).size() == padded->length);
    }
    CHECK_FALSE(longest_padded(sender, 60));
    CHECK(longest_padded(sender, 9000));
  }
}

TEST_CASE("fragments are numbered from one to their total") {
  const auto reason = [](const Bytes& datagram) {
    const auto decoded = decode(datagram);
    return decoded ? std::string() : std::string(decoded.error().reason);
  };
  CHECK(reason(fragment_of(PayloadType::nonce, 1, 1)).empty());
  CHECK(reason(fragment_of(PayloadType::none, 65535, 65535)).empty());
  CHECK(reason(fragment_of(PayloadType::nonce, 0, 2)) == "fragment number out of range");
  CHECK(reason(fragment_of(PayloadType::nonce, 0, 0)) == "fragment number out of range");
  CHECK(reason(fragment_of(PayloadType::nonce, 1, 0)) == "fragment number out of range");
  CHECK(reason(fragment_of(PayloadType::none, 3, 2)) == "fragment number out of range");
  CHECK(reason(fragment_of(PayloadType::none, 65535, 1)) == "fragment number out of range");
  CHECK(reason(fragment_of(PayloadType::nonce, 2, 2)) == "a later fragment with a payload type");
  CHECK(reason(message(PayloadType::encrypted_fragment, from_hex("21 00 0007 000100"))) == "fragment truncated");
  CHECK(reason(fragment_of(PayloadType::nonce, 1, 1, 0)).empty());
  Bytes two = fragment_of(PayloadType::nonce, 1, 2);
  two.resize(two.size() + 4);
  two[27] = static_cast<uint8_t>(two.size());
  CHECK(reason(two) == "bytes behind the encrypted payload");
}

TEST_CASE("names are the RFC's, or a number") {
  CHECK(name(NotifyType::no_proposal_chosen) == "NO_PROPOSAL_CHOSEN");
  CHECK(name(NotifyType{12345}) == "NOTIFY-12345");
  CHECK(name(ExchangeType{7}) == "EXCHANGE-7");
  CHECK(is_error(NotifyType::child_sa_not_found));
  CHECK_FALSE(is_error(NotifyType::initial_contact));
  const Message sample = sample_messages().front();
  CHECK(describe(sample.header, sample.payloads) ==
        "IKE_SA_INIT request 0 [ N(COOKIE) SA KE No N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) "
        "N(IKEV2_FRAGMENTATION_SUPPORTED) V ]");
}

}  // namespace sekisho::ike::wire
