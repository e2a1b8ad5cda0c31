// libFuzzer's entry: ike_decode_fuzzer tests/fuzz/corpus/ike
#include "tests/fuzz/ike_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sekisho::fuzz::check_ike_decode({data, size});
  return 0;
}
