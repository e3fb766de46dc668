// clang-format off
// Picks the next token from the logits. With l the logits after the penalty, best first (the lower id on a tie):
//
//   penalty      l_i = l_i / r if l_i > 0 else l_i * r, once for every token among the last `repeat_last_n` picked
//   top-k        the k best stay
//   top-p        p_i = exp(l_i - l_best) / sum_j exp(l_j - l_best) over those; the fewest best with a sum >= top_p stay
//   min-p        those with exp(l_i - l_best) >= min_p stay; the best always does
//   temperature  w_i = exp((l_i - l_best) / temperature)
//   draw         u uniform in [0, 1): the first i with w_1 + ... + w_i > u * sum_j w_j
//
// clang-format on
// The same seed, options and logits give the same tokens on every machine, for ever: the generator is core/random.h's,
// the exponential is our own (a libm's last bit differs), and sums run in double, in a fixed order: by id; best first
// from where on top-k has left a token out, or top-p has cut. Every pick at temperature > 0 takes one number from the
// generator. A device that sums in another order picks only where that cannot matter (backend/backend.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/random.h"
#include "core/sampling.h"

namespace recurra {

struct SamplerOptions {
  float temperature = 0;  // >= 0; 0: the best token, the lowest id on a tie
  uint64_t seed = 0;
  int32_t top_k = 0;           // >= 0; 0: all
  float top_p = 1;             // in (0, 1]; 1: all
  float min_p = 0;             // in [0, 1]; 0: all
  float repeat_penalty = 1;    // > 0; 1: off
  int32_t repeat_last_n = 64;  // 0 to 2^20
};

// One thread at a time.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options);  // an option out of its range is Code::invalid

  // A token of 0 .. n-1. -inf is never picked; NaN, +inf or nothing but -inf is Code::invalid, and nothing has changed.
  // Allocates only when n is larger than ever before.
  int32_t pick(const float* logits, size_t n);

  // pick() in two halves, for who has the logits elsewhere: what it would pick by, valid until the next call of
  // anything here; and that it came to `token`. Between the two, pick() still gives that token.
  Pick next();
  void picked(int32_t token);

 private:
  struct Candidate {
    float logit;
    int32_t id;
  };
  static bool better(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  }

  bool is_greedy() const { return options_.temperature == 0 && options_.repeat_last_n == 0; }
  static int32_t greedy(const float* logits, size_t n);
  void gather(const float* logits, size_t n);
  void sort_recent();
  void penalise();
  void keep_top_k();
  void weigh(double best, double temperature);
  void keep_top_p(double best);
  void keep_min_p(double best);
  int32_t draw(double best);
  void remember(int32_t token);

  SamplerOptions options_;
  Random random_;
  std::vector<Candidate> candidates_;
  std::vector<double> weights_;
  std::vector<int32_t> recent_;  // a ring of the last tokens picked; empty where there is no penalty
  size_t oldest_ = 0;            // where the ring, once full, is written next
  std::vector<int32_t> sorted_;  // recent_ without duplicates
};

}  // namespace recurra
