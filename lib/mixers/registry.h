// The concrete architectures, for registry.cpp.
#pragma once

#include "mixers/mixer.h"

namespace recurra {

extern const Architecture kRwkv7;

}  // namespace recurra
