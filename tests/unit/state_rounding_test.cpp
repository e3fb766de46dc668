// The rounding of float16 states (backend/state_rounding.h) against float64, over 100,000 steps. What it must give that
// rounding to the nearest does not: a memory that decays slowly decays, and what is added in small pieces is there.
#include "backend/state_rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

namespace recurra {
namespace {

constexpr int kSteps = 100000;

// Two elements; the float16 of each, widened again.
struct Two {
  float x, y;
};
Two rounded(float x, float y, uint32_t thresholds) {
  const uint32_t pair = round_pair(x, y, thresholds);
  return {f16_to_float(static_cast<uint16_t>(pair)), f16_to_float(static_cast<uint16_t>(pair >> 16))};
}
float nearest(float x) { return f16_to_float(float_to_f16(x)); }

// Of x = decay x + in(), from drawn values on: |x - x64| / |x64| over all elements, x64 in float64.
struct Off {
  double here = 0, nearest = 0;
  double drawn = 0;  // by thresholds that are drawn anew for every value
  double mean = 0;   // here: of x along x64, to 1
};
Off run(const char* what, double decay, int steps, const std::function<float(std::mt19937&, int)>& in) {
  constexpr int kElements = 64;  // an even number
  std::mt19937 random(1), thresholds(2);
  std::normal_distribution<float> normal;
  double off[3] = {}, along = 0, all = 0, size = 0;
  const auto w = static_cast<float>(decay);
  for (int e = 0; e < kElements; e += 2) {
    float x[3][2];
    double truth[2];
    for (int i = 0; i < 2; ++i) truth[i] = x[0][i] = x[1][i] = x[2][i] = nearest(normal(random));
    for (int t = 1; t <= steps; ++t) {
      const float add[2] = {in(random, t), in(random, t)};
      StateThresholds by(static_cast<uint64_t>(t), static_cast<uint32_t>(e));
      for (auto& kind : x)
        for (int i = 0; i < 2; ++i) kind[i] = std::fma(kind[i], w, add[i]);
      for (int i = 0; i < 2; ++i) truth[i] = truth[i] * static_cast<double>(w) + static_cast<double>(add[i]);
      const Two here = rounded(x[0][0], x[0][1], by.next()), drawn = rounded(x[2][0], x[2][1], thresholds());
      x[0][0] = here.x, x[0][1] = here.y;
      x[1][0] = nearest(x[1][0]), x[1][1] = nearest(x[1][1]);
      x[2][0] = drawn.x, x[2][1] = drawn.y;
    }
    for (int i = 0; i < 2; ++i) {
      for (int kind = 0; kind < 3; ++kind) off[kind] += std::pow(static_cast<double>(x[kind][i]) - truth[i], 2);
      along += static_cast<double>(truth[i] > 0 ? x[0][i] : -x[0][i]);
      all += truth[i] * truth[i];
      size += std::abs(truth[i]);
    }
  }
  const Off o{std::sqrt(off[0] / all), std::sqrt(off[1] / all), std::sqrt(off[2] / all), along / size};
  std::printf("| %s, decay %.6f | %d | %.2g | %.2g | %.2g |\n", what, decay, steps, o.nearest, o.drawn, o.here);
  return o;
}

float nothing(std::mt19937&, int) { return 0; }
float small(std::mt19937& random, int) { return 1e-3f + 1e-3f * std::normal_distribution<float>()(random); }
float seldom(std::mt19937& random, int t) { return t % 1000 == 0 ? std::normal_distribution<float>()(random) : 0.0f; }
float often(std::mt19937& random, int) { return 0.02f * std::normal_distribution<float>()(random); }

// Down to 1/e of what was told: 0.9999 and 0.99998 a step, RWKV-7's exp(-0.606531 sigmoid(w)) at w of -6 and -10.
TEST(StateRounding, SlowDecays) {
  for (const double decay :
       {0.9999, 0.99998, std::exp(-0.606531 / (1 + std::exp(6.0))), std::exp(-0.606531 / (1 + std::exp(10.0)))}) {
    const Off off = run("told once", decay, std::min(kSteps, static_cast<int>(1 / (1 - decay))), nothing);
    EXPECT_LT(off.here, 1e-2) << decay;  // a float16 is off by 3e-4
    EXPECT_NEAR(off.mean, 1, 2e-3) << decay;
    if (decay > 1 - 1.0 / 4096) {
      EXPECT_GT(off.nearest, 1) << decay;  // nothing moved at all
      EXPECT_LT(off.here, off.drawn / 2) << decay;
    }
  }
}

// What is told again and again in pieces smaller than half a unit.
TEST(StateRounding, SmallAdditions) {
  for (const double decay : {0.9999, 0.99998}) {
    const Off off = run("0.001 +- 0.001 a token", decay, kSteps, small);
    EXPECT_LT(off.here, 2.5e-2) << decay;
    EXPECT_NEAR(off.mean, 1, 5e-3) << decay;
    EXPECT_GT(off.nearest, 0.1) << decay;
  }
}

// Seldom told, in between kept: the usual life of a memory. And lively ones, where to the nearest is right, too.
TEST(StateRounding, SeldomAndOften) {
  for (const double decay : {0.9999, 0.99998}) {
    const Off kept = run("told anew every 1,000 tokens", decay, kSteps, seldom);
    EXPECT_LT(kept.here, 1.5e-2);
    EXPECT_GT(kept.nearest, 0.5);
  }
  for (const double decay : {0.999, 0.99998, 1.0}) {
    const Off lively = run("0 +- 0.02 a token", decay, kSteps, often);
    EXPECT_LT(lively.here, 6e-2);
    EXPECT_LT(lively.here, 1.3 * lively.nearest);
  }
}

// Keys of length 1, each erased before it is written (DeltaNet, beta 1/2), 16 values of 64 keys.
TEST(StateRounding, DeltaRule) {
  constexpr int kKeys = 64, kValues = 16, kTokens = 4000, kKinds = 3;
  std::mt19937 random(2), thresholds(3);
  std::normal_distribution<float> normal;
  std::vector<double> truth(kKeys * kValues);
  std::vector<float> S[kKinds];
  for (std::vector<float>& s : S) s.resize(truth.size());
  for (int t = 0; t < kTokens; ++t) {
    float k[kKeys], square = 0;
    for (float& x : k) x = normal(random), square += x * x;
    for (float& x : k) x /= std::sqrt(square);
    for (int v = 0; v < kValues; ++v) {
      const float value = normal(random);
      double* x = truth.data() + v * kKeys;
      double was = 0;
      for (int j = 0; j < kKeys; ++j) was += x[j] * static_cast<double>(k[j]);
      for (int j = 0; j < kKeys; ++j) x[j] += 0.5 * (static_cast<double>(value) - was) * static_cast<double>(k[j]);
      StateThresholds by(static_cast<uint64_t>(t), static_cast<uint32_t>(v * kKeys));
      for (int kind = 0; kind < kKinds; ++kind) {
        float *s = S[kind].data() + v * kKeys, had = 0;
        for (int j = 0; j < kKeys; ++j) had += s[j] * k[j];
        for (int j = 0; j < kKeys; j += 2) {
          const float a = s[j] + 0.5f * (value - had) * k[j], b = s[j + 1] + 0.5f * (value - had) * k[j + 1];
          const Two y = kind == 1 ? Two{nearest(a), nearest(b)} : rounded(a, b, kind == 0 ? by.next() : thresholds());
          s[j] = y.x, s[j + 1] = y.y;
        }
      }
    }
  }
  double off[kKinds] = {}, all = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    for (int kind = 0; kind < kKinds; ++kind) off[kind] += std::pow(static_cast<double>(S[kind][i]) - truth[i], 2);
    all += truth[i] * truth[i];
  }
  std::printf("| DeltaNet, 64 keys, beta 1/2 | %d | %.2g | %.2g | %.2g |\n", kTokens, std::sqrt(off[1] / all),
              std::sqrt(off[2] / all), std::sqrt(off[0] / all));
  EXPECT_LT(std::sqrt(off[0] / all), 4e-3);
}

// Of all magnitudes: one of the two neighbours, and over many tokens the mean is the value.
TEST(StateRounding, NeighboursAndMean) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> exponent(-30, 15.9f);
  for (int i = 0; i < 2000; ++i) {
    const float x = std::exp2(exponent(random)) * (i % 2 == 0 ? 1.0f : -1.0f);
    const uint16_t h = float_to_f16(x);
    float low = f16_to_float(h), high = low;
    if (std::abs(low) > std::abs(x)) low = f16_to_float(static_cast<uint16_t>(h - 1));
    if (std::abs(high) < std::abs(x)) high = f16_to_float(static_cast<uint16_t>(h + 1));
    double sum = 0;
    constexpr int kTokens = 4096;
    for (int t = 0; t < kTokens; ++t) {
      StateThresholds by(static_cast<uint64_t>(t), static_cast<uint32_t>(i));
      const Two y = rounded(x, -x, by.next());
      ASSERT_TRUE(y.x == low || y.x == high) << x << " became " << y.x;
      ASSERT_TRUE(y.y == -low || y.y == -high) << -x << " became " << y.y;
      sum += static_cast<double>(y.x);
    }
    const double unit = std::abs(static_cast<double>(high) - static_cast<double>(low));
    // 16 starts of 256 balanced thresholds
    EXPECT_NEAR(sum / kTokens, static_cast<double>(x), 0.01 * unit) << x;
  }
}

TEST(StateRounding, ExtremesAndExactValues) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (uint64_t t = 0; t < 1000; ++t) {
    StateThresholds by(t, 7);
    const Two big = rounded(65519.0f, -1e30f, by.next()), infinite = rounded(kInf, -kInf, by.next()),
              zero = rounded(0.0f, -0.0f, by.next());
    EXPECT_TRUE(big.x == 65504.0f && big.y == -65504.0f && infinite.x == 65504.0f && infinite.y == -65504.0f);
    EXPECT_TRUE(zero.x == 0 && zero.y == 0 && std::signbit(zero.y));
    EXPECT_TRUE(std::isnan(rounded(std::nanf(""), 1, by.next()).x) &&
                std::isnan(rounded(1, -std::nanf(""), by.next()).y));
  }
  // What is a float16 stays it.
  for (uint32_t h = 0; h < 0x7c00; ++h) {
    StateThresholds by(h, h);
    const float x = f16_to_float(static_cast<uint16_t>(h));
    const Two y = rounded(x, -x, by.next());
    ASSERT_TRUE(y.x == x && y.y == -x) << x;
  }
}

// The same place and position give the same bits; others do not keep step with them.
TEST(StateRounding, FollowsFromPlaceAndPosition) {
  int alike = 0;
  for (uint32_t i = 0; i < 10000; ++i) {
    StateThresholds a(i, 64), b(i, 64), c(i, 65);
    const uint32_t x = a.next();
    ASSERT_EQ(x, b.next());
    const auto close = [](uint32_t p, uint32_t q) { return ((p - q) & 0xffffu) < 0x1000u; };
    alike += close(x, c.next()) ? 1 : 0;
  }
  EXPECT_NEAR(alike / 10000.0, 1.0 / 16, 0.05);  // 40 starts
}

}  // namespace
}  // namespace recurra
