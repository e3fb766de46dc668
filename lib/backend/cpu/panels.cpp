#include "backend/cpu/panels.h"

#include <algorithm>
#include <cstring>

#include "backend/dequantize.h"

namespace recurra {
namespace {

// The bytes of one block of a row's inputs, in the file and in a panel (kPanel rows of them).
struct Block {
  int64_t inputs, row_bytes, panel_bytes;
};

Block block_of(DType type) {
  switch (type) {
    case DType::f32:
      return {1, 4, 4 * kPanel};
    case DType::f16:
    case DType::bf16:
      return {1, 2, 2 * kPanel};
    case DType::q8_0:
      return {32, 34, (2 + 32) * kPanel};
    case DType::q4_k:
      return {256, 144, (2 + 2 + 8 + 8) * kPanel + 256 * kPanel / 2};
    default:
      return {0, 0, 0};
  }
}

template <class T>
void put_element(uint8_t* panel, int64_t o, const uint8_t* b) {
  std::memcpy(panel + o * static_cast<int64_t>(sizeof(T)), b, sizeof(T));
}

void put_q8_0(uint8_t* panel, int64_t o, const uint8_t* b) {
  std::memcpy(panel + 2 * o, b, 2);
  for (int64_t j = 0; j < 32; ++j) panel[(2 + j) * kPanel + o] = b[2 + j];
}

void put_q4_k(uint8_t* panel, int64_t o, const uint8_t* b) {
  std::memcpy(panel + 2 * o, b, 2);
  std::memcpy(panel + 2 * kPanel + 2 * o, b + 2, 2);
  uint8_t *scale = panel + 4 * kPanel + o, *least = scale + 8 * kPanel;
  for (int g = 0; g < 8; ++g) {
    const GroupBits bits = group_bits(b, g);
    scale[g * kPanel] = bits.scale;
    least[g * kPanel] = bits.least;
  }
  uint8_t* q = panel + 20 * kPanel + o % 32;
  for (int64_t j = 0; j < 256; ++j) {
    const uint8_t byte = b[16 + j / 64 * 32 + j % 32];
    const auto half = static_cast<uint8_t>(j % 64 < 32 ? byte & 15 : byte >> 4);
    q[j * 32] = static_cast<uint8_t>(o < 32 ? (q[j * 32] & 0xf0) | half : (q[j * 32] & 0x0f) | half << 4);
  }
}

}  // namespace

bool has_panels(DType type) { return block_of(type).inputs != 0; }

int64_t panel_bytes(const WeightRows& w) {
  const Block s = block_of(w.type);
  return w.in / s.inputs * s.panel_bytes;
}

void make_panel(void* panel, const WeightRows& w, int64_t first, int64_t out) {
  const Block s = block_of(w.type);
  const int64_t count = std::min(kPanel, out - first), blocks = w.in / s.inputs;
  // Some blocks of all rows at a time: both sides stay in the cache.
  const int64_t step = std::max<int64_t>(1, 256 / s.inputs);
  for (int64_t begin = 0; begin < blocks; begin += step)
    for (int64_t o = 0; o < count; ++o) {
      const uint8_t* row = static_cast<const uint8_t*>(w.data) + (first + o) * w.row_bytes();
      for (int64_t i = begin; i < std::min(blocks, begin + step); ++i) {
        uint8_t* to = static_cast<uint8_t*>(panel) + i * s.panel_bytes;
        const uint8_t* b = row + i * s.row_bytes;
        switch (w.type) {
          case DType::f32:
            put_element<float>(to, o, b);
            break;
          case DType::q8_0:
            put_q8_0(to, o, b);
            break;
          case DType::q4_k:
            put_q4_k(to, o, b);
            break;
          default:
            put_element<uint16_t>(to, o, b);
        }
      }
    }
}

}  // namespace recurra
