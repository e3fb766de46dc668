// The matrices of a state as backends keep them: [K, V] per head, so that neighbouring values lie side by side.
#pragma once

#include <cstdint>

namespace recurra {

// [heads, rows, cols] to [heads, cols, rows]: [H, V, K] of the state file to a slot's [H, K, V], and back.
inline void transpose_heads(float* out, const float* in, int64_t heads, int64_t rows, int64_t cols) {
  for (int64_t h = 0; h < heads; ++h, in += rows * cols, out += rows * cols)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) out[c * rows + r] = in[r * cols + c];
}

}  // namespace recurra
