#include "base/bytes.h"

#include <catch2/catch.hpp>

namespace sekisho {

TEST_CASE("a reader that runs out stays bad and yields zeros") {
  const Bytes input = {1, 2, 3};
  ByteReader reader(input);
  CHECK(reader.u16() == 0x0102);
  CHECK(reader.u16() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK(reader.remaining() == 0);
  CHECK_FALSE(reader.finished());
}

TEST_CASE("what a writer wrote a reader reads") {
  ByteWriter writer;
  writer.u8(1);
  writer.u16(0);
  writer.u32(0xdeadbeef);
  writer.u64(0x0123456789abcdef);
  writer.patch_u16(1, 0x0203);
  ByteReader reader(writer.view());
  CHECK(reader.u8() == 1);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0xdeadbeef);
  CHECK(reader.u64() == 0x0123456789abcdef);
  CHECK(reader.finished());
}

}  // namespace sekisho
