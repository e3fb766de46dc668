// Before <hwy/foreach_target.h> of every kernel file: which instruction sets the file is compiled for, in namespaces
// N_SCALAR (plain), N_AVX2 and N_AVX3 (AVX-512), and how one of them is chosen.
#ifndef RECURRA_BACKEND_CPU_HIGHWAY_H
#define RECURRA_BACKEND_CPU_HIGHWAY_H

#define HWY_BASELINE_TARGETS HWY_SCALAR
#define HWY_DISABLED_TARGETS (HWY_EMU128 | HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

// Calls `function` of the namespace that belongs to the level.
#define RECURRA_AT_LEVEL(level, function, ...)                       \
  switch (level) {                                                   \
    case Level::plain: N_SCALAR::function(__VA_ARGS__); break;       \
    case Level::avx2: N_AVX2::function(__VA_ARGS__); break;          \
    case Level::avx512:                                              \
    case Level::amx: N_AVX3::function(__VA_ARGS__); break;           \
  }

#endif
