// The concrete architectures, for registry.cpp.
#pragma once

#include "mixers/mixer.h"

namespace recurra {

extern const Architecture kRwkv7;
extern const Architecture kFlaRwkv7;

}  // namespace recurra
