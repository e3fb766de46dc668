// Products of quantised weights with activations rounded to 8 bits, in integers: about twice as many weights a second
// as in floats. Where a level or a type has no such kernel, the float kernels (kernels.h) are used.
//
// The files that implement it are compiled for instructions that not every CPU has. They include this and intrinsics
// alone: an inline function of another header, compiled there, might be the copy that the linker keeps for all.
#pragma once

#include <cstdint>

#include "backend/cpu/level.h"
#include "core/dtype.h"

namespace recurra {

// One row of n activations, x[i] = d[i / 32] * q[i] with |q| <= 127; n is a multiple of 32. Kernels fill q, d and minus
// in the order in which they read them.
struct Int8Row {
  int8_t* q = nullptr;   // [n]
  float* d = nullptr;    // [n / 32], or [n / 4] where each is needed in the eight lanes that 32 products end in
  float* sum = nullptr;  // [n / 32]: d times the sum of the 32 q, in the order of x
  // [n / 4] at most: what a kernel adds for its weights' offset, such as -32 times the sum of some q.
  int32_t* minus = nullptr;

  // The floats of scratch that a row takes, and the row in it (64-byte aligned where the scratch is).
  static int64_t floats(int64_t n) { return (n / 4 + n / 4 + n / 4 + n / 32 + 15) / 16 * 16; }
  Int8Row() = default;
  Int8Row(float* at, int64_t n)
      : q(reinterpret_cast<int8_t*>(at)),
        d(at + n / 4),
        sum(at + 3 * (n / 4)),
        minus(reinterpret_cast<int32_t*>(at + 2 * (n / 4))) {}
};

constexpr int kMostInt8Rows = 16;

// Outputs of a panel with weights by input (int8_panels.h).
constexpr int64_t kInt8Inputs = 128;

// The inputs of up to kMostInt8Rows rows whose 8 bits are not 0 in one of them, in fours that do not cross groups of 32
// inputs. A group's last four may name an input again, with 0 for its activation. The caller owns the memory.
struct ActiveFours {
  static constexpr int64_t kSpare = 64;  // places of `line` behind those of n inputs
  struct Group {
    int32_t number, end;  // of its 32 inputs, and the four behind its last one
  };
  Group* groups;   // [n / 32]
  int64_t count;   // of groups
  int32_t* line;   // [fours][4]: where in a panel an input's weights begin, in bytes; [n + kSpare]
  int32_t* q;      // [fours] of each row: its 4 activations in 8 bits; [n] at least
  int64_t stride;  // from row to row of q
};

// Sums are exact up to the products of one scale, then in float32: an output depends on its own row alone.
struct Int8Kernels {
  bool (*takes)(DType type);                                                // the types that dot knows
  void (*round)(const Int8Row& to, const float* x, int64_t n, DType type);  // for weights of this type
  // Whether dot reads the weights in panels (int8_panels.h), else as the file has them.
  bool panels;
  // y[i * ldy + n] = W[n] . x_i, for i < rows (kMostInt8Rows at most) and n < count; W [count, in], `stride` bytes from
  // row to row, or from panel to panel: then y has room for whole panels. The rows of x lie at one distance.
  void (*dot)(DType type, const void* w, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int rows,
              float* y, int64_t ldy);
  // With weights by input, Q8_0 and Q4_K: list fills all but the addresses and the stride of `to`; y
  // [rows, kInt8Inputs]. The same sums as dot's, since those of integers have no order. Null: no such kernels.
  void (*list)(ActiveFours* to, DType type, const Int8Row* x, int rows, int64_t n);
  void (*by_input)(DType type, const void* panel, const ActiveFours& active, const Int8Row* x, int rows, float* y);
};

// The best that this level may use on this CPU; null: none.
const Int8Kernels* int8_kernels(Level level, Reading reading);

// One file each, compiled for their instructions.
extern const Int8Kernels kInt8Avx2, kInt8Vnni, kInt8VnniOnePlace, kInt8Amx;

}  // namespace recurra
