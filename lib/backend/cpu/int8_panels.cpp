#include "backend/cpu/int8_panels.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/int8.h"
#include "backend/dequantize.h"

namespace recurra {
namespace {

constexpr int64_t kRegister = 4 * kInt8Panel;  // bytes: a word of each output

// `count` words of output o to registers from `to` on.
void spread(uint8_t* to, int64_t o, const uint8_t* words, int64_t count) {
  for (int64_t j = 0; j < count; ++j) std::memcpy(to + j * kRegister + 4 * o, words + 4 * j, 4);
}

constexpr int64_t kQ8 = 64 + 16 * kRegister;  // of 64 inputs

void put_q8_0(uint8_t* panel, int64_t o, const uint8_t* row, int64_t in) {
  for (int64_t i = 0; i < in / 32; ++i, row += 34) {
    uint8_t* block = panel + i / 2 * kQ8;
    std::memcpy(block + 2 * (i % 2 * kInt8Panel + o), row, 2);
    spread(block + 64 + i % 2 * 8 * kRegister, o, row + 2, 8);
  }
}

// The head of a Q4_K or Q5_K block of a panel of `outputs`: d, dmin, 8 scales, 8 minima.
void put_scales(uint8_t* block, int64_t outputs, int64_t o, const uint8_t* b) {
  std::memcpy(block + 2 * o, b, 2);
  std::memcpy(block + 2 * (outputs + o), b + 2, 2);
  uint8_t *scale = block + 4 * outputs + o, *least = scale + 8 * outputs;
  for (int g = 0; g < 8; ++g) {
    const GroupBits bits = group_bits(b, g);
    scale[g * outputs] = bits.scale;
    least[g * outputs] = bits.least;
  }
}

// The bytes of a block by input.
constexpr int64_t kQ8Inputs = (2 + 32) * kInt8Inputs, kQ4Inputs = (20 + 256 / 2) * kInt8Inputs;

constexpr int64_t kHead = 20 * kInt8Panel;  // of a block of q4_k and q5_k, and of q6_k
constexpr int64_t kQ4K = kHead + 32 * kRegister, kQ5K = kHead + 40 * kRegister, kQ6K = kHead + 48 * kRegister;

void put_q4_k(uint8_t* panel, int64_t o, const uint8_t* row, int64_t in) {
  for (int64_t i = 0; i < in / 256; ++i, row += 144, panel += kQ4K) {
    put_scales(panel, kInt8Panel, o, row);
    spread(panel + kHead, o, row + 16, 32);
  }
}

void put_q5_k(uint8_t* panel, int64_t o, const uint8_t* row, int64_t in) {
  for (int64_t i = 0; i < in / 256; ++i, row += 176, panel += kQ5K) {
    put_scales(panel, kInt8Panel, o, row);
    spread(panel + kHead, o, row + 48, 32);
    spread(panel + kHead + 32 * kRegister, o, row + 16, 8);
  }
}

void put_q6_k(uint8_t* panel, int64_t o, const uint8_t* row, int64_t in) {
  for (int64_t i = 0; i < in / 256; ++i, row += 210, panel += kQ6K) {
    std::memcpy(panel + 2 * o, row + 208, 2);
    for (int64_t g = 0; g < 16; ++g) panel[64 + g * kInt8Panel + o] = row[192 + g];
    for (int64_t half = 0; half < 2; ++half) {
      uint8_t* to = panel + kHead + half * 24 * kRegister;
      spread(to, o, row + 64 * half, 16);
      spread(to + 16 * kRegister, o, row + 128 + 32 * half, 8);
    }
  }
}

// By input. AVX-512 interleaves bytes within 16 of them: output 16 k + 4 l + m of 64 is lane 4 l + m of register k if
// its byte of a line is where that finds it.
void put_q8_0_inputs(uint8_t* panel, int64_t o, const uint8_t* row, int64_t in) {
  const int64_t at = o / 64 * 64 + o % 16 / 4 * 16 + o % 64 / 16 * 4 + o % 4;
  for (int64_t i = 0; i < in / 32; ++i, row += 34, panel += kQ8Inputs) {
    std::memcpy(panel + 2 * o, row, 2);
    for (int64_t j = 0; j < 32; ++j) panel[(2 + j) * kInt8Inputs + at] = static_cast<uint8_t>(row[2 + j] ^ 0x80);
  }
}

// Of 64 outputs the first 32 are in the low halves of 32 bytes.
void put_q4_k_inputs(uint8_t* panel, int64_t o, const uint8_t* row, int64_t in) {
  constexpr int64_t kLane[] = {0, 16, 8, 24};
  const int64_t at = o / 64 * 32 + kLane[o % 16 / 4] + o % 32 / 16 * 4 + o % 4;
  const int shift = o % 64 < 32 ? 0 : 4;
  for (int64_t i = 0; i < in / 256; ++i, row += 144, panel += kQ4Inputs) {
    put_scales(panel, kInt8Inputs, o, row);
    for (int64_t j = 0; j < 256; ++j) {
      const uint8_t byte = row[16 + j / 64 * 32 + j % 32];
      const int q = j % 64 < 32 ? byte & 15 : byte >> 4;
      panel[20 * kInt8Inputs + j * (kInt8Inputs / 2) + at] |= static_cast<uint8_t>(q << shift);
    }
  }
}

}  // namespace

int64_t int8_panel_bytes(const WeightRows& w) {
  switch (w.type) {
    case DType::q8_0:
      return (w.in + 63) / 64 * 64 + w.in / 4 * kRegister;
    case DType::q4_k:
      return w.in / 256 * kQ4K;
    case DType::q5_k:
      return w.in / 256 * kQ5K;
    case DType::q6_k:
      return w.in / 256 * kQ6K;
    default:
      return 0;
  }
}

void make_int8_panel(void* panel, const WeightRows& w, int64_t first, int64_t out) {
  auto* to = static_cast<uint8_t*>(panel);
  for (int64_t o = 0; o < std::min(kInt8Panel, out - first); ++o) {
    const uint8_t* row = static_cast<const uint8_t*>(w.data) + (first + o) * w.row_bytes();
    switch (w.type) {
      case DType::q8_0:
        put_q8_0(to, o, row, w.in);
        break;
      case DType::q4_k:
        put_q4_k(to, o, row, w.in);
        break;
      case DType::q5_k:
        put_q5_k(to, o, row, w.in);
        break;
      default:
        put_q6_k(to, o, row, w.in);
    }
  }
}

bool has_int8_inputs(DType type) { return type == DType::q8_0 || type == DType::q4_k; }

int64_t int8_inputs_bytes(const WeightRows& w) {
  return w.type == DType::q8_0 ? w.in / 32 * kQ8Inputs : w.in / 256 * kQ4Inputs;
}

void make_int8_inputs(void* panel, const WeightRows& w, int64_t first, int64_t out) {
  const bool q8 = w.type == DType::q8_0;
  const int64_t block = q8 ? 32 : 256, row_bytes = q8 ? 34 : 144, panel_bytes = q8 ? kQ8Inputs : kQ4Inputs;
  // 256 inputs of all rows at a time: both sides stay in the cache.
  for (int64_t i = 0; i < w.in; i += 256)
    for (int64_t o = 0; o < std::min(kInt8Inputs, out - first); ++o) {
      const uint8_t* row = static_cast<const uint8_t*>(w.data) + (first + o) * w.row_bytes() + i / block * row_bytes;
      uint8_t* to = static_cast<uint8_t*>(panel) + i / block * panel_bytes;
      (q8 ? put_q8_0_inputs : put_q4_k_inputs)(to, o, row, std::min<int64_t>(256, w.in - i));
    }
}

}  // namespace recurra
