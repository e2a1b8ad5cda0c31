// A list of payloads, of either version, that is right, made wrong as a script says.
#pragma once

#include "tests/fuzz/script.h"

namespace sekisho::fuzz {

// Up to three payloads go, come or are replaced; `any` makes one.
template <typename Payloads, typename Any>
void spoil(Script& script, Payloads& payloads, const Any& any) {
  for (size_t count = script.below(4); count > 0; --count) {
    const size_t at = script.below(payloads.size() + 1);
    const auto here = payloads.begin() + static_cast<ptrdiff_t>(at);
    if (at == payloads.size() || script.yes())
      payloads.insert(here, any());
    else if (script.yes())
      payloads.erase(here);
    else
      *here = any();
  }
}

}  // namespace sekisho::fuzz
