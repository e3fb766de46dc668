// The concrete architectures, for registry.cpp.
#pragma once

#include "mixers/mixer.h"

namespace recurra {

extern const Architecture kRwkv7, kMamba, kMamba2, kLlama, kQwen35;

}  // namespace recurra
