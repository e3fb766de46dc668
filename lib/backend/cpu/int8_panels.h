// Quantised weights in the order in which AVX-512's integer products read them (int8_vnni.cpp): a panel is kInt8Panel
// outputs (the last one of a matrix is filled up with zeros), and of each output the same 4 inputs lie beside each
// other, so that a register holds a sum for every output and one of 4 inputs meets all of them.
//
// A word is 4 bytes of one output, [j] counts words of 4 inputs and [16] the panel's outputs:
//   q8_0, per 64 inputs    f16 d[2][16]; i8 q[16][16 words]; behind the last 32 of an odd number of groups half of q
//   q4_k, per 256 inputs   f16 d[16]; f16 dmin[16]; u8 scale[8][16]; u8 least[8][16]; q[4][8][16 words]: of two groups
//                          of 32 inputs, the first one's in the low halves
//   q5_k, per 256 inputs   as q4_k, then the fifth bits [8][16 words]: bit g of a byte for group g
//   q6_k, per 256 inputs   f16 d[16]; 32 bytes free; i8 scale[16][16]; per 128 inputs low[2][8][16 words], where part p
//                          of 32 inputs is half p / 2 of low[p % 2], and upper[8][16 words]: bits 2p of a byte for
//                          part p
// with the values of dequantize.cpp's blocks: nothing is rounded. Hardly more bytes than the file has: 1.03 times for
// q4_k, 1.01 for q6_k.
//
// By input, for products whose inputs are mostly exactly 0 (see panels.h): a panel is kInt8Inputs outputs, of which an
// input's weights are one line.
//   q8_0, per 32 inputs    f16 d[128]; u8 q[32][128], 128 more than the weight
//   q4_k, per 256 inputs   f16 d[128]; f16 dmin[128]; u8 scale[8][128]; u8 least[8][128]; u8 q[256][64]
// A line's outputs are in the order that the kernels turn into the natural one (int8_panels.cpp).
#pragma once

#include <cstdint>

#include "backend/cpu/kernels.h"

namespace recurra {

constexpr int64_t kInt8Panel = 16;

int64_t int8_panel_bytes(const WeightRows& w);
// Outputs first .. first + kInt8Panel - 1 of `out`. The panel is zero before.
void make_int8_panel(void* panel, const WeightRows& w, int64_t first, int64_t out);

// The same by input.
bool has_int8_inputs(DType type);
int64_t int8_inputs_bytes(const WeightRows& w);
void make_int8_inputs(void* panel, const WeightRows& w, int64_t first, int64_t out);

}  // namespace recurra
