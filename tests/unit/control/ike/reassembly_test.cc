// Fragments of one message in every order, number and quantity that a peer may come up with.
#include "control/ike/v2/reassembly.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace sekisho::ike::v2 {
namespace {

wire::EncryptedFragment fragment(uint16_t number, uint16_t total) {
  wire::EncryptedFragment made{.number = number, .total = total, .sealed = {}};
  if (number == 1) made.sealed.first = wire::PayloadType::nonce;
  return made;
}

// The plaintext of fragment n is the byte n; its datagram the byte 100 + n.
std::optional<Reassembly::Whole> add(Reassembly& reassembly, uint32_t message_id, uint16_t number, uint16_t total) {
  if (!reassembly.wants(message_id, fragment(number, total))) return {};
  return reassembly.add(message_id, fragment(number, total), {static_cast<uint8_t>(number)},
                        Bytes{static_cast<uint8_t>(100 + number)});
}

}  // namespace

TEST_CASE("fragments make a message in any order") {
  std::vector<uint16_t> order = {1, 2, 3, 4};
  do {
    Reassembly reassembly;
    for (size_t i = 0; i < 3; ++i) CHECK_FALSE(add(reassembly, 1, order[i], 4));
    const auto whole = add(reassembly, 1, order[3], 4);
    REQUIRE(whole);
    CHECK(whole->first == wire::PayloadType::nonce);
    CHECK(whole->plaintext == Bytes{1, 2, 3, 4});
    CHECK(whole->first_datagram == Bytes{101});
    CHECK(reassembly.wants(1, fragment(1, 1)));  // it is empty again
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("a fragment that is here already is not wanted again") {
  Reassembly reassembly;
  add(reassembly, 1, 2, 3);
  CHECK_FALSE(reassembly.wants(1, fragment(2, 3)));
  CHECK(reassembly.wants(1, fragment(1, 3)));
  CHECK_FALSE(add(reassembly, 1, 1, 3));
  CHECK(add(reassembly, 1, 3, 3));
}

TEST_CASE("more and smaller fragments replace what is here, fewer do not") {
  Reassembly reassembly;
  add(reassembly, 1, 1, 3);
  add(reassembly, 1, 2, 3);
  CHECK_FALSE(reassembly.wants(1, fragment(1, 2)));
  CHECK_FALSE(add(reassembly, 1, 4, 4));
  CHECK_FALSE(reassembly.wants(1, fragment(3, 3)));
  CHECK_FALSE(add(reassembly, 1, 1, 4));
  CHECK_FALSE(add(reassembly, 1, 2, 4));
  const auto whole = add(reassembly, 1, 3, 4);
  REQUIRE(whole);
  CHECK(whole->plaintext == Bytes{1, 2, 3, 4});
}

TEST_CASE("fragments of another message begin anew") {
  Reassembly reassembly;
  add(reassembly, 1, 1, 2);
  CHECK_FALSE(add(reassembly, 2, 2, 2));
  CHECK(add(reassembly, 2, 1, 2));
}

TEST_CASE("a single fragment is a message, and message id 0 is one like the others") {
  Reassembly reassembly;
  CHECK(add(reassembly, 0, 1, 1));
  CHECK_FALSE(add(reassembly, 0, 2, 2));
  CHECK(add(reassembly, 0, 1, 2));
}

TEST_CASE("the number of fragments and their bytes are bounded") {
  Reassembly reassembly;
  CHECK(reassembly.wants(1, fragment(1, wire::max_fragments)));
  CHECK_FALSE(reassembly.wants(1, fragment(1, wire::max_fragments + 1)));
  CHECK_FALSE(reassembly.wants(1, fragment(65535, 65535)));
  for (uint16_t number = 1; number < wire::max_fragments; ++number)
    CHECK_FALSE(add(reassembly, 1, number, wire::max_fragments));
  CHECK(add(reassembly, 1, wire::max_fragments, wire::max_fragments));

  wire::EncryptedFragment huge = fragment(1, 2);
  huge.sealed.body.resize(wire::max_message_length + 1);
  CHECK_FALSE(reassembly.wants(1, huge));
  CHECK_FALSE(reassembly.add(1, fragment(1, 3), Bytes(wire::max_message_length), {}));
  CHECK_FALSE(reassembly.add(1, fragment(2, 3), Bytes(1), {}));  // too much: nothing is kept
  CHECK(reassembly.wants(1, fragment(1, 3)));
}

}  // namespace sekisho::ike::v2
