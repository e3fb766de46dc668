// Quantised weights as the device keeps them: the numbers of the file's blocks, none of them rounded, in places where
// the 32 lanes of a warp read neighbouring words. A row is planes one after another, with an entry for each group of 32
// inputs (of a `block`: of 8 groups), in the groups' order; G groups a row:
//
//             low [16 bytes]    upper                scales [2 bytes]           block
//   q4_k      4 bits            -                    scale, least of 6 bits     f16 d, dmin of 8 groups
//   q5_k      4 bits            1 bit     4 bytes    scale, least of 6 bits     f16 d, dmin of 8 groups
//   q6_k      4 bits            2 bits    8 bytes    i8 of 16 inputs each       f16 d of 8 groups
//   q8_0      i8 of the first   i8 of the others     -                          f16 d of each group
//             16 inputs         16 bytes
//
// Inputs 8 w .. 8 w + 7 of a group are its part w:
//   4 bits    word w: the low half of byte b is input 8 w + b, the high half input 8 w + 4 + b
//   1 bit     bit 2 w + h of byte b: input 8 w + 4 h + b
//   2 bits    word w / 2: bits 2 (w % 2 * 2 + h) and the next of byte b: input 8 w + 4 h + b
// Values and the order of their roundings are those of backend/dequantize.cpp.
#pragma once

#include <cstdint>

#include "core/dtype.h"

#ifdef __CUDACC__
#define RECURRA_BOTH __host__ __device__
#else
#define RECURRA_BOTH
#endif

namespace recurra::gpu {

constexpr int kPackedGroup = 32;

RECURRA_BOTH constexpr bool is_packed(DType t) {
  return t == DType::q4_k || t == DType::q5_k || t == DType::q6_k || t == DType::q8_0;
}
RECURRA_BOTH constexpr int packed_upper_bytes(DType t) {
  return t == DType::q5_k ? 4 : t == DType::q6_k ? 8 : t == DType::q8_0 ? 16 : 0;
}
// Where a row's planes begin, by its groups.
RECURRA_BOTH constexpr int packed_upper_at(int groups) { return 16 * groups; }
RECURRA_BOTH constexpr int packed_scales_at(DType t, int groups) { return (16 + packed_upper_bytes(t)) * groups; }
RECURRA_BOTH constexpr int packed_block_at(DType t, int groups) {
  return (16 + packed_upper_bytes(t) + (t == DType::q8_0 ? 0 : 2)) * groups;
}
// Of the block's entry, and the groups that have one in common.
RECURRA_BOTH constexpr int packed_block_bytes(DType t) { return t == DType::q4_k || t == DType::q5_k ? 4 : 2; }
RECURRA_BOTH constexpr int packed_block_groups(DType t) { return t == DType::q8_0 ? 1 : 8; }
// Bytes from row to row: whole sectors of memory.
RECURRA_BOTH constexpr int64_t packed_stride(DType t, int64_t in) {
  const int groups = static_cast<int>(in / kPackedGroup);
  const int64_t bytes =
      packed_block_at(t, groups) + static_cast<int64_t>(groups / packed_block_groups(t)) * packed_block_bytes(t);
  return (bytes + 31) / 32 * 32;
}

// The 32 numbers of group g as the file has them, and their scales' 2 bytes; `row` is a row of the file.
struct FileGroup {
  uint8_t q[kPackedGroup];
  uint8_t scales[2];
  uint8_t block[4];
};
RECURRA_BOTH inline void read_file_group(FileGroup& to, DType type, const uint8_t* row, int g) {
  const int in = g % 8;  // in its block of 256
  if (type == DType::q8_0) {
    const uint8_t* b = row + static_cast<int64_t>(g) * 34;
    for (int i = 0; i < 32; ++i) to.q[i] = b[2 + i];
    to.block[0] = b[0], to.block[1] = b[1];
  } else if (type == DType::q6_k) {
    const uint8_t* b = row + static_cast<int64_t>(g / 8) * 210;
    const int half = in / 4, part = in % 4;
    for (int i = 0; i < 32; ++i) {
      const int low = b[64 * half + 32 * (part % 2) + i] >> (part < 2 ? 0 : 4) & 15;
      to.q[i] = static_cast<uint8_t>(low | (b[128 + 32 * half + i] >> 2 * part & 3) << 4);
    }
    to.scales[0] = b[192 + 8 * half + 2 * part], to.scales[1] = b[192 + 8 * half + 2 * part + 1];
    to.block[0] = b[208], to.block[1] = b[209];
  } else {
    const bool five = type == DType::q5_k;
    const uint8_t* b = row + static_cast<int64_t>(g / 8) * (five ? 176 : 144);
    const uint8_t *s = b + 4, *q = b + (five ? 48 : 16) + in / 2 * 32;
    for (int i = 0; i < 32; ++i)
      to.q[i] = static_cast<uint8_t>((q[i] >> in % 2 * 4 & 15) | (five ? (b[16 + i] >> in & 1) << 4 : 0));
    to.scales[0] = static_cast<uint8_t>(in < 4 ? s[in] & 63 : (s[in + 4] & 15) | (s[in - 4] >> 6) << 4);
    to.scales[1] = static_cast<uint8_t>(in < 4 ? s[in + 4] & 63 : s[in + 4] >> 4 | (s[in] >> 6) << 4);
    for (int i = 0; i < 4; ++i) to.block[i] = b[i];
  }
}

// Group g of a row of the file to its places in the row `to`.
RECURRA_BOTH inline void pack_group(uint8_t* to, DType type, const uint8_t* row, int g, int groups) {
  FileGroup f;
  read_file_group(f, type, row, g);
  uint8_t* low = to + static_cast<int64_t>(g) * 16;
  uint8_t* upper = to + packed_upper_at(groups) + static_cast<int64_t>(g) * packed_upper_bytes(type);
  if (type == DType::q8_0) {
    for (int i = 0; i < 16; ++i) low[i] = f.q[i], upper[i] = f.q[16 + i];
  } else {
    for (int i = 0; i < packed_upper_bytes(type); ++i) upper[i] = 0;
    for (int w = 0; w < 4; ++w)
      for (int b = 0; b < 4; ++b) {
        const int first = f.q[8 * w + b], second = f.q[8 * w + 4 + b];
        low[4 * w + b] = static_cast<uint8_t>((first & 15) | (second & 15) << 4);
        if (type == DType::q5_k)
          upper[b] = static_cast<uint8_t>(upper[b] | (first >> 4) << 2 * w | (second >> 4) << (2 * w + 1));
        if (type == DType::q6_k) {
          uint8_t& u = upper[w / 2 * 4 + b];
          u = static_cast<uint8_t>(u | (first >> 4) << w % 2 * 4 | (second >> 4) << (w % 2 * 4 + 2));
        }
      }
    uint8_t* scales = to + packed_scales_at(type, groups) + static_cast<int64_t>(g) * 2;
    scales[0] = f.scales[0], scales[1] = f.scales[1];
  }
  if (g % packed_block_groups(type) != 0) return;
  uint8_t* block = to + packed_block_at(type, groups) + g / packed_block_groups(type) * packed_block_bytes(type);
  for (int i = 0; i < packed_block_bytes(type); ++i) block[i] = f.block[i];
}

// Part w of a group in bytes, four inputs a word: `first` are inputs 8 w .. + 3, `second` the others. low, upper: the
// group's entries as words.
RECURRA_BOTH inline void packed_part(DType type, const uint32_t* low, const uint32_t* upper, int w, uint32_t& first,
                                     uint32_t& second) {
  constexpr uint32_t four = 0x0f0f0f0fu;
  if (type == DType::q8_0) {
    const uint32_t* q = w < 2 ? low : upper;
    first = q[w % 2 * 2], second = q[w % 2 * 2 + 1];
    return;
  }
  first = low[w] & four, second = low[w] >> 4 & four;
  if (type == DType::q5_k) {
    constexpr uint32_t one = 0x10101010u;
    first |= (w < 2 ? upper[0] << (4 - 2 * w) : upper[0] >> (2 * w - 4)) & one;
    second |= (w < 2 ? upper[0] << (3 - 2 * w) : upper[0] >> (2 * w - 3)) & one;
  }
  if (type == DType::q6_k) {
    constexpr uint32_t two = 0x30303030u;
    const uint32_t u = upper[w / 2];
    first |= (w % 2 == 0 ? u << 4 : u) & two;
    second |= (w % 2 == 0 ? u << 2 : u >> 2) & two;
  }
}

}  // namespace recurra::gpu
