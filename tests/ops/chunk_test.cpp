// The chunk form of the CPU's scan where it could go wrong: decays of nothing and of everything, keys that are alike,
// erasing twice what is there, large states. The yardstick is the float64 definition, and how far the step form is
// from it on the same input.
#include <xmmintrin.h>

#include "support/scan.h"

namespace recurra::test {
namespace {

enum class Decays { one, nearly_one, zero, tiny, slow, tokens, channels, sprinkled, drawn };
constexpr Decays kDecays[] = {Decays::one,    Decays::nearly_one, Decays::zero,      Decays::tiny, Decays::slow,
                              Decays::tokens, Decays::channels,   Decays::sprinkled, Decays::drawn};

struct Case {
  Decay decay;
  bool erase;
  Decays decays;
  float beta;    // below 0: drawn between 0 and 1 for each token
  float cosine;  // of any two keys; below 0: drawn keys
  float start;   // scale of the start state
  HeadShape n;
  std::vector<int32_t> lengths = {2 * kBlock};

  friend std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << "decay " << static_cast<int>(c.decay) << " erase " << c.erase << " decays "
               << static_cast<int>(c.decays) << " beta " << c.beta << " cosine " << c.cosine << " start " << c.start
               << " H " << c.n.heads << " K " << c.n.key << " V " << c.n.value;
  }
};

float log_decay(Decays kind, int64_t token, int64_t channel, float drawn) {
  switch (kind) {
    case Decays::one: return 0;
    case Decays::nearly_one: return -1e-4f;
    case Decays::zero: return -INFINITY;
    case Decays::tiny: return -60;
    case Decays::slow: return -6;  // products of 15 or 16 of these are below the normal floats
    case Decays::tokens: return token % 2 == 0 ? 0.0f : -60.0f;
    case Decays::channels: return (token + channel) % 2 == 0 ? 0.0f : -60.0f;
    case Decays::sprinkled: return drawn < 0.1f ? -60.0f : drawn < 0.3f ? 0.0f : -drawn;
    case Decays::drawn: return -2 * drawn;
  }
  return 0;
}

void normalise(float* x, int64_t n) {
  double square = 0;
  for (int64_t j = 0; j < n; ++j) square += static_cast<double>(x[j]) * static_cast<double>(x[j]);
  for (int64_t j = 0; j < n; ++j) x[j] = static_cast<float>(x[j] / std::sqrt(square + 1e-30));
}

// Delta rule: k of length 1, a = k, b = beta w k, written value beta v: the transition (I - beta k k^T) diag(w) is
// never longer than 1, so that what is compared does not grow. Without erase k and v are drawn alike.
ScanProblem draw(Draw& d, const Case& c) {
  ScanProblem p;
  p.decay = c.decay;
  p.erase = c.erase;
  p.n = c.n;
  p.lengths = c.lengths;
  for (const int32_t t : c.lengths) p.tokens += t;
  const int64_t K = c.n.key, V = c.n.value, heads = p.tokens * c.n.heads;
  p.r = d.normal(heads * K);
  p.v = d.normal(heads * V);
  p.k = d.normal(heads * K);
  Values common = d.normal(K);
  normalise(common.data(), K);
  const Values drawn = d.uniform(heads * K, 0, 1), rates = d.uniform(heads, 0, 1);
  for (int64_t i = 0; i < heads; ++i) {
    float *k = p.k.data() + i * K, *v = p.v.data() + i * V;
    normalise(k, K);
    if (c.cosine >= 0) {
      for (int64_t j = 0; j < K; ++j)
        k[j] = std::sqrt(c.cosine) * common[static_cast<size_t>(j)] + std::sqrt(1 - c.cosine) * k[j];
      normalise(k, K);
    }
    const float beta = c.beta < 0 ? rates[static_cast<size_t>(i)] : c.beta;
    float log_w = log_decay(c.decays, i / c.n.heads, 0, drawn[static_cast<size_t>(i * K)]);
    if (c.decay == Decay::scalar) p.log_w.push_back(log_w);
    for (int64_t j = 0; j < K; ++j) {
      if (c.decay == Decay::vector) {
        log_w = log_decay(c.decays, i / c.n.heads, j, drawn[static_cast<size_t>(i * K + j)]);
        p.log_w.push_back(log_w);
      }
      p.b.push_back((c.decay == Decay::none ? 1 : std::exp(log_w)) * beta * k[j]);
    }
    if (c.erase)
      for (int64_t j = 0; j < V; ++j) v[j] *= beta;
  }
  p.a = p.k;
  for (size_t s = 0; s < c.lengths.size(); ++s) {
    p.states.push_back(d.normal(c.n.heads * V * K));
    for (float& x : p.states.back()) x *= c.start;
  }
  return p;
}

class ChunkTest : public testing::Test {
 protected:
  // Both forms round each product and sum once; the chunk form has up to three times as many on the way from an input
  // to an output, in another order: 4 times the step form's error, and 8 roundings (1e-6) where the step form happens
  // to be exact. Erasing twice what is there (beta 2) with keys that are all alike reflects the state back and forth
  // and never forgets: a rounding of e_t stays for good, and the more of them the chunk form makes add up over the
  // tokens. How much that may be is asked of the definition: as much as when b is longer by 8 roundings.
  void check(const Case& c, const ScanProblem& p) {
    const ScanTruth want = define(p);
    double longer = 0;
    if (c.erase) {
      ScanProblem q = p;
      for (float& x : q.b) x *= 1 + 8 * std::numeric_limits<float>::epsilon();
      const ScanTruth truth = define(q);
      longer = relative({truth.o.begin(), truth.o.end()}, want.o);
      for (size_t s = 0; s < truth.states.size(); ++s)
        longer = std::max(longer, relative({truth.states[s].begin(), truth.states[s].end()}, want.states[s]));
    }
    const double by_step = error(run_scan(*step_, p, true), want), by_chunk = error(run_scan(*chunk_, p, true), want);
    EXPECT_LE(by_chunk, 4 * by_step + 1e-6 + longer) << c;
    EXPECT_LE(by_step, 2e-5) << c;
    Worst& worst = c.beta == 2 && c.cosine > 0.99f ? reflecting_ : usual_;
    worst.step = std::max(worst.step, by_step);
    worst.chunk = std::max(worst.chunk, by_chunk);
    worst.allowed = std::max(worst.allowed, by_chunk / (4 * by_step + 1e-6 + longer));
  }

  struct Worst {
    double step = 0, chunk = 0, allowed = 0;  // allowed: the part of it that was used up
    void print(const char* what) const {
      if (step == 0) return;
      std::printf("%s: error of step <= %.1e, of chunk <= %.1e, at most %.2f of what is allowed\n", what, step, chunk,
                  allowed);
    }
  };
  void TearDown() override {
    usual_.print("usual");
    reflecting_.print("beta 2, keys alike");
  }

  std::unique_ptr<Backend> step_ = open_cpu("step"), chunk_ = open_cpu("chunk");
  Worst usual_, reflecting_;
};

// Every specialisation with every kind of decay, rate, key and start state; the shape is drawn.
TEST_F(ChunkTest, ExtremesAgreeWithTheDefinition) {
  Draw d(2);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true})
      for (const Decays decays : kDecays) {
        if (decay == Decay::none && decays != Decays::one) continue;
        for (const float beta : {1.0f, 2.0f, -1.0f}) {
          if (!erase && beta != 1) continue;
          for (const float cosine : {-1.0f, 0.5f, 0.9f, 0.999f, 1.0f})
            for (const float start : {0.0f, 1.0f, 1e6f}) {
              // K is at least 2: with 1 the step form erases a large state exactly, which says nothing.
              const Case c{decay, erase, decays, beta, cosine, start, {1, d.between(2, 48), d.between(1, 48)}};
              check(c, draw(d, c));
            }
        }
      }
}

// The head sizes of known models, with more tokens.
TEST_F(ChunkTest, HeadSizesOfModels) {
  Draw d(3);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true})
      for (const HeadShape& n :
           {HeadShape{2, 64, 64}, HeadShape{1, 128, 64}, HeadShape{1, 64, 65}, HeadShape{1, 128, 128}})
        for (const float cosine : {-1.0f, 0.9f}) {
          Case c{decay, erase, decay == Decay::none ? Decays::one : Decays::drawn, -1, cosine, 1, n};
          c.lengths = {4 * kBlock, kBlock};
          check(c, draw(d, c));
        }
}

// However a sequence is cut into blocks and single tokens, the result is the same to rounding; cut between blocks, bit
// for bit.
TEST_F(ChunkTest, AnySplit) {
  Draw d(4);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true}) {
      Case c{decay, erase, decay == Decay::none ? Decays::one : Decays::sprinkled, -1, 0.5f, 1, {2, 24, 40}};
      c.lengths = {300, 300};
      const ScanProblem p = draw(d, c);
      const ScanTruth want = define(p);
      const std::vector<std::vector<Piece>> splits = {
          {{256, true}, {44, false}},
          {{7, false}, {57, false}, {64, true}, {128, true}, {1, false}, {43, false}},
          {{64, true}, {100, false}, {28, false}, {64, true}, {44, false}}};
      for (const auto& split : splits) EXPECT_LT(error(run_scan(*chunk_, p, false, split), want), 5e-6) << c;
      const ScanResult whole = run_scan(*chunk_, p, false, splits[0]);
      const ScanResult cut = run_scan(*chunk_, p, false, {{64, true}, {128, true}, {64, true}, {44, false}});
      EXPECT_EQ(whole.o, cut.o) << c;
      EXPECT_EQ(whole.states, cut.states) << c;
    }
}

// The same bits with any number of threads, and for a sequence in any company.
TEST_F(ChunkTest, SameBitsWithAnyThreadsAndCompany) {
  Draw d(5);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true}) {
      Case c{decay, erase, decay == Decay::none ? Decays::one : Decays::drawn, -1, 0.5f, 1, {3, 20, 37}};
      c.lengths = {64, 192, 128};
      const ScanProblem p = draw(d, c);
      const ScanResult want = run_scan(*chunk_, p, true);
      for (const int threads : {2, 3, 4, 7}) {
        const ScanResult got = run_scan(*open_cpu("chunk", threads), p, true);
        EXPECT_EQ(got.o, want.o) << threads << " threads, " << c;
        EXPECT_EQ(got.states, want.states) << threads << " threads, " << c;
      }
      ScanProblem alone = p;  // the second sequence
      alone.lengths = {192};
      alone.tokens = 192;
      alone.states = {p.states[1]};
      for (Values* x : {&alone.r, &alone.k, &alone.v, &alone.a, &alone.b, &alone.log_w}) {
        const auto row = static_cast<std::ptrdiff_t>(x->size()) / p.tokens;
        *x = Values(x->begin() + 64 * row, x->begin() + 256 * row);
      }
      EXPECT_EQ(run_scan(*chunk_, alone, true).states[0], want.states[1]) << c;
    }
}

// RECURRA_CPU_SCAN is obeyed: the forms round differently, and only blocks go through the chunk form.
TEST_F(ChunkTest, FormIsTheForcedOne) {
  Draw d(6);
  const Case c{Decay::vector, true, Decays::drawn, -1, 0.5f, 1, {2, 64, 64}};
  const ScanProblem p = draw(d, c);
  EXPECT_NE(run_scan(*chunk_, p, true).o, run_scan(*step_, p, true).o);
  EXPECT_EQ(run_scan(*chunk_, p, false).o, run_scan(*step_, p, false).o);
  EXPECT_EQ(run_scan(*step_, p, true).o, run_scan(*step_, p, false).o);
  ::setenv("RECURRA_CPU_SCAN", "chunks", 1);
  std::string why;
  EXPECT_EQ(open_candidate({"cpu", "f32"}, &why), nullptr);
  ::unsetenv("RECURRA_CPU_SCAN");
  EXPECT_EQ(why, "RECURRA_CPU_SCAN is 'chunks', expected step or chunk");
}

// The kernel flushes denormals; whoever calls the library keeps the floating-point mode that he had.
TEST_F(ChunkTest, LeavesTheFloatingPointModeAlone) {
  Draw d(7);
  const Case c{Decay::vector, true, Decays::slow, 1, 1, 1, {1, 16, 16}};
  const auto mode = [] { return _mm_getcsr() & ~0x3fu; };  // without the flags of what has happened
  const unsigned before = mode();
  run_scan(*chunk_, draw(d, c), true);
  EXPECT_EQ(mode(), before);
}

}  // namespace
}  // namespace recurra::test
