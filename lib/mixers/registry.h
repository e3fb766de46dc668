// The concrete architectures, for registry.cpp.
#pragma once

#include "mixers/mixer.h"

namespace recurra {

extern const Architecture kRwkv7, kMamba, kMamba2, kLlama, kQwen35;  // GGUF
extern const Architecture kFlaRwkv7, kFlaLinearAttention, kFlaDeltaNet, kFlaGatedDeltaNet, kFlaMamba, kFlaMamba2,
    kFlaTransformer;
extern const Architecture kHfMamba, kHfMamba2, kHfLlama, kHfQwen35, kHfQwen3Next;

}  // namespace recurra
