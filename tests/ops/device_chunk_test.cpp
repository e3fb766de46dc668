// The chunk form of a device's scan (operands rounded to bf16, state float32) against the recurrence in float64: every
// specialisation, ragged sequences, decays of nothing and of everything, keys that are alike, 32,768 tokens.
#include "support/scan.h"

namespace recurra::test {
namespace {

enum class Decays { mild, one, zero, sprinkled, strong };
enum class Keys { drawn, alike, reflecting };  // alike: cosines of 0.9 and more; reflecting: those, erased twice

struct Case {
  Decay decay;
  bool erase;
  Decays decays;
  Keys keys;
  HeadShape n;
  std::vector<int32_t> lengths;
  DType memory = DType::f32;

  friend std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << "decay " << static_cast<int>(c.decay) << " erase " << c.erase << " decays "
               << static_cast<int>(c.decays) << " keys " << static_cast<int>(c.keys) << " H " << c.n.heads << " K "
               << c.n.key << " V " << c.n.value << " sequences " << c.lengths.size() << " first " << c.lengths[0];
  }
};

// a has length 1, b = rate a w: a transition never makes the state longer.
ScanProblem draw(Draw& d, const Case& c) {
  ScanProblem p;
  p.decay = c.decay;
  p.erase = c.erase;
  p.n = c.n;
  p.lengths = c.lengths;
  p.memory = c.memory;
  p.gap = 4;  // rows that begin at 16 bytes, as activations do
  for (const int32_t t : c.lengths) p.tokens += t;
  const int64_t K = c.n.key, heads = p.tokens * c.n.heads;
  p.r = d.normal(heads * K, 0.125f);
  p.v = d.normal(heads * c.n.value);
  p.k = d.normal(heads * K);
  const Values common = d.normal(c.n.heads * K), rates = d.uniform(heads, 0, 1), mixed = d.uniform(heads, 0, 0.25f);
  const auto log_decay = [&](float x, float y) {
    switch (c.decays) {
      case Decays::mild:
        return -0.60653066f / (1 + std::exp(-2 * x));
      case Decays::one:
        return 0.0f;
      case Decays::zero:
        return -60.0f;
      case Decays::sprinkled:
        return y < 0.05f ? -60.0f : -0.001f * y;
      case Decays::strong:
        return -std::exp(x);
    }
    return 0.0f;
  };
  if (c.decay != Decay::none) {
    const auto n = static_cast<size_t>(c.decay == Decay::vector ? heads * K : heads);
    const Values x = d.normal(static_cast<int64_t>(n)), y = d.uniform(static_cast<int64_t>(n), 0, 1);
    for (size_t i = 0; i < n; ++i) p.log_w.push_back(log_decay(x[i], y[i]));
  }
  p.b.resize(p.k.size());
  for (int64_t i = 0; i < heads; ++i) {
    float* k = p.k.data() + i * K;
    double square = 0;
    for (int64_t j = 0; j < K; ++j) {
      if (c.keys != Keys::drawn)
        k[j] = common[static_cast<size_t>(i % c.n.heads * K + j)] + mixed[static_cast<size_t>(i)] * k[j];
      square += static_cast<double>(k[j]) * static_cast<double>(k[j]);
    }
    const float rate = c.keys == Keys::drawn ? rates[static_cast<size_t>(i)] : c.keys == Keys::alike ? 1.0f : 2.0f;
    for (int64_t j = 0; j < K; ++j) {
      k[j] = static_cast<float>(k[j] / std::sqrt(square));
      const float log_w = c.decay == Decay::none     ? 0.0f
                          : c.decay == Decay::scalar ? p.log_w[static_cast<size_t>(i)]
                                                     : p.log_w[static_cast<size_t>(i * K + j)];
      p.b[static_cast<size_t>(i * K + j)] = rate * k[j] * std::exp(log_w);
    }
  }
  p.a = p.k;
  for (size_t s = 0; s < c.lengths.size(); ++s) p.states.push_back(d.normal(c.n.heads * c.n.value * K));
  return p;
}

// |got - want| / |want|, of the outputs or of all states, whichever is worse; NaN counts as infinite.
double distance(const ScanResult& got, const ScanTruth& want) {
  const auto sums = [](const Values& x, const std::vector<double>& y, double* off, double* all) {
    for (size_t i = 0; i < y.size(); ++i) {
      *off += std::pow(static_cast<double>(x[i]) - y[i], 2);
      *all += y[i] * y[i];
    }
  };
  double off = 0, all = 1e-30, off_state = 0, all_state = 1e-30;
  sums(got.o, want.o, &off, &all);
  for (size_t s = 0; s < want.states.size(); ++s) sums(got.states[s], want.states[s], &off_state, &all_state);
  const double worst = std::sqrt(std::max(off / all, off_state / all_state));
  return std::isfinite(off + off_state) ? worst : INFINITY;
}

class DeviceChunk : public testing::TestWithParam<Candidate> {
 protected:
  void SetUp() override {
    std::string why;
    be_ = open_candidate(GetParam(), &why);
    ASSERT_NE(be_, nullptr) << why;
  }
  // bf16 keeps 8 bits: a rounding is off by 1.1e-3 on average, and an output is made of three to five rounded factors.
  // Erasing twice what is there, with keys that are alike, reflects the state and forgets nothing: roundings add up
  // over the tokens of a chunk.
  void check(const Case& c, Draw& d, double tolerance) {
    const ScanProblem p = draw(d, c);
    const double off = distance(run_scan(*be_, p, false), define(p));
    EXPECT_LT(off, tolerance) << c;
    // Token by token there would be no roundings: it is the chunk form that ran.
    if (c.decays != Decays::zero) {
      EXPECT_GT(off, 1e-5) << c;
    }
    worst_ = std::max(worst_, off);
  }
  void TearDown() override { std::printf("off by %.1e at most\n", worst_); }

  std::unique_ptr<Backend> be_;
  double worst_ = 0;
};

constexpr double kUsual = 1e-2, kReflecting = 3e-2;

TEST_P(DeviceChunk, AgreesWithTheDefinition) {
  Draw d(1);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true})
      for (const Decays decays : {Decays::mild, Decays::one, Decays::zero, Decays::sprinkled, Decays::strong})
        for (const Keys keys : {Keys::drawn, Keys::alike, Keys::reflecting}) {
          if ((decay == Decay::none && decays != Decays::one) || (!erase && keys != Keys::drawn)) continue;
          check({decay, erase, decays, keys, {2, 64, 64}, {357, 1, 130, 640}}, d,
                keys == Keys::reflecting ? kReflecting : kUsual);
        }
}

TEST_P(DeviceChunk, ShapesAndSequences) {
  Draw d(2);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true}) {
      const Case c{decay, erase, Decays::mild, Keys::drawn, {3, 64, 64}, {64}};
      for (const std::vector<int32_t>& lengths : std::vector<std::vector<int32_t>>{
               {64}, {65}, {128}, {1, 1, 1, 1500}, {4096}, {64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64}}) {
        Case other = c;
        other.lengths = lengths;
        check(other, d, kUsual);
      }
      Case wide = c;
      wide.n = {2, 64, 128};
      wide.lengths = {300, 70};
      check(wide, d, kUsual);
      if (erase) continue;
      wide.n = {2, 128, 64};
      check(wide, d, kUsual);
    }
}

// States in float16 are read and written by the same kernels: rounded once a call.
TEST_P(DeviceChunk, HalfStates) {
  Draw d(4);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true})
      for (const HeadShape& n : std::vector<HeadShape>{{3, 64, 64}, {2, 64, 128}, {2, 128, 64}})
        if (!erase || n.key == 64)
          check({decay, erase, Decays::mild, Keys::drawn, n, {300, 64, 1, 1500}, DType::f16}, d, kUsual);
}

TEST_P(DeviceChunk, LongSequence) {
  Draw d(3);
  for (const Decay decay : {Decay::none, Decay::scalar, Decay::vector})
    for (const bool erase : {false, true})
      check({decay, erase, Decays::mild, Keys::drawn, {1, 64, 64}, {32768}}, d, kUsual);
}

std::vector<Candidate> devices() {
  if (on_gpu()) return {{"cuda", "bf16"}};
  return {};
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DeviceChunk);
INSTANTIATE_TEST_SUITE_P(Devices, DeviceChunk, testing::ValuesIn(devices()),
                         [](const auto& test) { return std::string(test.param.backend); });

}  // namespace
}  // namespace recurra::test
