// All architectures, by the name of their constant. A new one is a line here.
#pragma once

#include "mixers/mixer.h"

// clang-format off
#define RECURRA_ARCHITECTURES(ARCHITECTURE) \
  /* GGUF */                                \
  ARCHITECTURE(kRwkv7)                      \
  ARCHITECTURE(kMamba)                      \
  ARCHITECTURE(kMamba2)                     \
  ARCHITECTURE(kLlama)                      \
  ARCHITECTURE(kQwen35)                     \
  /* Folders of flash-linear-attention */   \
  ARCHITECTURE(kFlaRwkv7)                   \
  ARCHITECTURE(kFlaLinearAttention)         \
  ARCHITECTURE(kFlaDeltaNet)                \
  ARCHITECTURE(kFlaGatedDeltaNet)           \
  ARCHITECTURE(kFlaMamba)                   \
  ARCHITECTURE(kFlaMamba2)                  \
  ARCHITECTURE(kFlaTransformer)             \
  /* Folders of transformers */             \
  ARCHITECTURE(kHfMamba)                    \
  ARCHITECTURE(kHfMamba2)                   \
  ARCHITECTURE(kHfLlama)                    \
  ARCHITECTURE(kHfQwen35)                   \
  ARCHITECTURE(kHfQwen3Next)
// clang-format on

namespace recurra {

#define RECURRA_DECLARE(name) extern const Architecture name;
RECURRA_ARCHITECTURES(RECURRA_DECLARE)
#undef RECURRA_DECLARE

}  // namespace recurra
