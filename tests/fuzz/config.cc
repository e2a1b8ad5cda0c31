#include "control/config/config.h"

#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {

void config(ByteView text) {
  const auto decoded = config::decode(as_text(text), "/nonexistent");
  if (decoded) return;
  require(!decoded.error().empty(), "a refusal has a reason");
  for (const auto& [pointer, error] : decoded.error())
    for (const char letter : error.detail)
      require(static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7f, "an error is fit to print");
}

}  // namespace sekisho::fuzz
