// Weights by input: for products whose inputs are mostly exactly 0, such as those behind relu^2. The weights of an
// input that is 0 are not read.
//
// A panel holds kPanel outputs (the last one of a matrix is filled up with zeros), and in it the weights of one input
// lie together, w[j][o] for input j and output o:
//   f32, f16, bf16   [in][64]
//   q8_0, per 32 inputs    f16 d[64]; i8 q[32][64]
//   q4_k, per 256 inputs   f16 d[64]; f16 dmin[64]; u8 scale[8][64]; u8 least[8][64]; u8 q[256][32], where the low half
//                          of byte o is output o and the high half output 32 + o
// with the values of dequantize.cpp's blocks: nothing is rounded.
#pragma once

#include <cstdint>

#include "backend/cpu/kernels.h"

namespace recurra {

constexpr int64_t kPanel = 64;

bool has_panels(DType type);
int64_t panel_bytes(const WeightRows& w);
// Outputs first .. first + kPanel - 1 of `out`.
void make_panel(void* panel, const WeightRows& w, int64_t first, int64_t out);

}  // namespace recurra
