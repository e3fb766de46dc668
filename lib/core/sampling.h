// What picking a token computes with, for host and device: the same bits wherever it runs (model/sampler.h has the
// definition). Weights come from +, - , * and / alone, which IEEE 754 fixes to the bit as long as nobody fuses them.
#pragma once

#include <cfloat>
#include <cstdint>
#include <cstring>

#include "core/span.h"

#ifdef __CUDACC__
#define RECURRA_HOST_DEVICE __host__ __device__
#else
#define RECURRA_HOST_DEVICE
#endif

namespace recurra {

// How one token is picked from a row of logits, with everything that it takes: Sampler::next() makes one.
struct Pick {
  float temperature = 0;
  int32_t top_k = 0;
  float top_p = 1, min_p = 0, repeat_penalty = 1;
  double uniform = 0;          // the number of the generator, where temperature > 0
  Span<const int32_t> recent;  // the tokens that the penalty is for, ascending, each once
  bool is_greedy() const { return temperature == 0 && recent.empty(); }
};

namespace sampling {

#ifdef __CUDA_ARCH__
RECURRA_HOST_DEVICE inline double plus(double a, double b) { return __dadd_rn(a, b); }
RECURRA_HOST_DEVICE inline double times(double a, double b) { return __dmul_rn(a, b); }
RECURRA_HOST_DEVICE inline double over(double a, double b) { return __ddiv_rn(a, b); }
RECURRA_HOST_DEVICE inline float times(float a, float b) { return __fmul_rn(a, b); }
RECURRA_HOST_DEVICE inline float over(float a, float b) { return __fdiv_rn(a, b); }
#else
inline double plus(double a, double b) { return a + b; }  // built with -ffp-contract=off
inline double times(double a, double b) { return a * b; }
inline double over(double a, double b) { return a / b; }
inline float times(float a, float b) { return a * b; }
inline float over(float a, float b) { return a / b; }
#endif

// e^x for x <= 0: x = k ln 2 + r with |r| <= ln 2 / 2, e^r by its Taylor series to r^13 / 13! (the rest is below
// 5e-18), 2^k by the exponent's bits. Relative error below 1e-15. Below -708, where results would be subnormal, it is
// that of -708: nothing beside the best one's 1.
RECURRA_HOST_DEVICE inline double exp_nonpositive(double x) {
  constexpr double kLog2e = 0x1.71547652b82fep0;
  constexpr double kLn2High = 0x1.62e42fee00000p-1;  // 32 bits: k * kLn2High is exact
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  constexpr double kRound = 0x1.8p52;  // adding it rounds to an integer, which then stands in the lowest bits
  const double inside = x > -708.0 ? x : -708.0;
  const double shifted = plus(times(inside, kLog2e), kRound);
  const double k = plus(shifted, -kRound);
  const double r = plus(plus(inside, -times(k, kLn2High)), -times(k, kLn2Low));
  double p = 1.0 / 6227020800.0;
  p = plus(times(p, r), 1.0 / 479001600.0);
  p = plus(times(p, r), 1.0 / 39916800.0);
  p = plus(times(p, r), 1.0 / 3628800.0);
  p = plus(times(p, r), 1.0 / 362880.0);
  p = plus(times(p, r), 1.0 / 40320.0);
  p = plus(times(p, r), 1.0 / 5040.0);
  p = plus(times(p, r), 1.0 / 720.0);
  p = plus(times(p, r), 1.0 / 120.0);
  p = plus(times(p, r), 1.0 / 24.0);
  p = plus(times(p, r), 1.0 / 6.0);
  p = plus(times(p, r), 0.5);
  p = plus(times(p, r), 1.0);
  p = plus(times(p, r), 1.0);
  uint64_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023) << 52;
  double scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return times(p, scale);
}

// exp((logit - best) / temperature)
RECURRA_HOST_DEVICE inline double weight(float logit, double best, double temperature) {
  return exp_nonpositive(over(plus(static_cast<double>(logit), -best), temperature));
}

// A finite logit of a token that was picked not long ago.
RECURRA_HOST_DEVICE inline float penalised(float logit, float penalty) {
  const float l = logit > 0 ? over(logit, penalty) : times(logit, penalty);
  return l < -FLT_MAX ? -FLT_MAX : l > FLT_MAX ? FLT_MAX : l;
}

// As an unsigned number, larger for the larger logit and the same for both zeros; 0 for none but a NaN.
RECURRA_HOST_DEVICE inline uint32_t ordered(float logit) {
  uint32_t bits;
  std::memcpy(&bits, &logit, sizeof bits);
  if (bits == 0x80000000u) bits = 0;
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
RECURRA_HOST_DEVICE inline float logit_of(uint32_t ordered) {
  const uint32_t bits = (ordered & 0x80000000u) != 0 ? ordered & 0x7fffffffu : ~ordered;
  float logit;
  std::memcpy(&logit, &bits, sizeof logit);
  return logit;
}

}  // namespace sampling
}  // namespace recurra
