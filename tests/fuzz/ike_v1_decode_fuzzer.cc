// libFuzzer's entry: ike_v1_decode_fuzzer tests/fuzz/corpus/ike_v1
#include "tests/fuzz/ike_v1_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sekisho::fuzz::decode_ikev1({data, size});
  return 0;
}
