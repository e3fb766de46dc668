// How a state's matrix memories are rounded to float16 after every step.
//
// Rounding to the nearest holds a value whose step is under half a unit in its last place: a memory that decays by less
// than 2^-12 a token stops decaying, what adds as little is never added. So a value between two float16 x_0 < x_1 goes
// up where (x - x_0) / (x_1 - x_0) is above a threshold in [0, 1), which takes every value equally often: the mean of
// what is kept is that of what was computed. Thresholds that are drawn anew every time make a random walk of it. Here
// they are a golden-ratio sequence over the tokens, begun at a drawn place for each element and every 256 tokens: among
// any few of them small and large ones are balanced, so that a slow decay follows its course to a few units instead of
// the square root of its steps, and no rhythm of the tokens keeps step for longer than 256 of them.
//
// Thresholds follow from the element's place and the token's position alone: the same calls give the same bits, in any
// batch.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/half.h"

#ifdef __CUDACC__
#define RECURRA_HOST_DEVICE __host__ __device__
#else
#define RECURRA_HOST_DEVICE
#endif

namespace recurra {

// Thresholds for the elements that one thread rounds, two of 16 bits at a time.
class StateThresholds {
 public:
  // first: the place of the thread's first element among a slot's, which no other thread has. position: tokens that the
  // state had read.
  RECURRA_HOST_DEVICE StateThresholds(uint64_t position, uint32_t first)
      : drawn_(mixed(mixed(static_cast<uint32_t>(position / kRestart)) + first * 0x85ebca6bu)),
        // Golden ratio - 1 in each half.
        turn_(static_cast<uint32_t>(position % kRestart) * 0x9e379e37u) {}
  RECURRA_HOST_DEVICE uint32_t next() {
    drawn_ = drawn_ * 0x2c9277b5u + 0xac564b05u;
    return drawn_ + turn_;
  }

 private:
  static constexpr uint64_t kRestart = 256;
  RECURRA_HOST_DEVICE static uint32_t mixed(uint32_t x) {  // "lowbias32"
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
  }
  uint32_t drawn_, turn_;
};

// x in float16 towards 0 or away from it, by a threshold of 16 bits, without its sign; in the upper half of a word.
// Beyond 65504 is 65504. (Scaling all of them to where float16's exponents are float32's takes one multiplication less,
// and comes out as 0 from ptxas 13.0.)
RECURRA_HOST_DEVICE inline uint32_t round_magnitude(float x, uint32_t threshold) {
  constexpr float kLeastNormal = 0x1p-14f;
  const float magnitude = fminf(fabsf(x), 65504.0f);
#ifdef __CUDA_ARCH__
  const uint32_t bits = __float_as_uint(magnitude);
#else
  const uint32_t bits = float_to_bits(magnitude);
#endif
  const uint32_t normal = (bits - 0x38000000u) << 3,
                 subnormal = static_cast<uint32_t>(fminf(magnitude, kLeastNormal) * 0x1p40f);
  return (magnitude >= kLeastNormal ? normal : subnormal) + threshold;
}

// Two values as float16 beside each other, the first in the lower half. NaN stays NaN, and takes its neighbour along.
RECURRA_HOST_DEVICE inline uint32_t round_pair(float x, float y, uint32_t thresholds) {
  const uint32_t low = round_magnitude(x, thresholds & 0xffffu), high = round_magnitude(y, thresholds >> 16);
#ifdef __CUDA_ARCH__
  const uint32_t both = __byte_perm(low, high, 0x7632),
                 signs = __byte_perm(__float_as_uint(x), __float_as_uint(y), 0x7632);
#else
  const uint32_t both = low >> 16 | (high & 0xffff0000u),
                 signs = float_to_bits(x) >> 16 | (float_to_bits(y) & 0xffff0000u);
#endif
  return x != x || y != y ? 0x7fff7fffu : both | (signs & 0x80008000u);
}

}  // namespace recurra
