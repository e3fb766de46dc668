// Weights of drawn bytes, and their panels: for tests of kernels, below a backend.
#pragma once

#include <random>
#include <vector>

#include "backend/cpu/int8_panels.h"
#include "backend/host_memory.h"

namespace recurra::test {

// The bytes of `out` rows, finite in every type: no exponent has all its bits.
inline std::vector<uint8_t> finite_weights(std::mt19937& random, DType type, int64_t out, int64_t in) {
  std::vector<uint8_t> bytes(static_cast<size_t>(out * WeightRows{type, nullptr, in}.row_bytes()));
  for (uint8_t& b : bytes) b = static_cast<uint8_t>(random()) & 0xbb;
  return bytes;
}

// All outputs, a multiple of kInt8Panel, in panels that int8_panel_bytes(w) lie apart.
inline std::shared_ptr<Buffer> int8_panels(const WeightRows& w, int64_t out) {
  const int64_t stride = int8_panel_bytes(w);
  std::shared_ptr<Buffer> panels = allocate_host(static_cast<size_t>(out / kInt8Panel * stride));
  for (int64_t first = 0; first < out; first += kInt8Panel)
    make_int8_panel(panels->data() + first / kInt8Panel * stride, w, first, out);
  return panels;
}

}  // namespace recurra::test
