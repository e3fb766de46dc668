// Rows of weights read from one place of memory or from several at once give the same bits: what a CPU's maker decides
// must not be seen in what a model says.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "backend/cpu/int8.h"
#include "backend/cpu/kernels.h"
#include "core/dtype.h"
#include "support/int8_weights.h"

namespace recurra {
namespace {

using test::finite_weights;

std::vector<float> activations(int64_t n) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = normal(random);
  return x;
}

template <class F>
void expect_same_bits(int64_t outputs, const F& product) {
  std::vector<float> one(static_cast<size_t>(outputs)), several(one);
  product(Reading::one_place, one.data());
  product(Reading::several_places, several.data());
  EXPECT_EQ(std::memcmp(one.data(), several.data(), one.size() * sizeof(float)), 0) << outputs << " outputs";
}

TEST(Reading, FloatsHaveTheSameBits) {
  const Level level = choose_level().level;
  std::mt19937 random(1);
  for (const DType type : {DType::f32, DType::f16, DType::bf16})
    for (const int64_t in : {8, 100, 768})
      for (const int64_t out : {1, 7, 8, 64, 71}) {
        const std::vector<float> x = activations(in);
        // Rows are read in whole vectors, and never beyond the last one.
        const std::vector<uint8_t> data = finite_weights(random, type, out, in);
        const WeightRows w{type, data.data(), in};
        expect_same_bits(
            out, [&](Reading reading, float* y) { kernels(level, reading).dot(w, 0, out, x.data(), in, 1, y, out); });
      }
}

TEST(Reading, IntegersHaveTheSameBits) {
  const Level level = choose_level().level;
  const Int8Kernels* any = int8_kernels(level, Reading::one_place);
  if (any == nullptr || !any->panels) GTEST_SKIP() << "no integer kernels with panels at this level";
  constexpr int64_t in = 512;
  std::mt19937 random(1);
  for (const DType type : {DType::q8_0, DType::q4_k, DType::q5_k, DType::q6_k})
    for (const int64_t out : {16, 32, 64, 112}) {
      const std::vector<float> x = activations(in);
      const std::vector<uint8_t> data = finite_weights(random, type, out, in);
      const WeightRows w{type, data.data(), in};
      const auto panels = test::int8_panels(w, out);
      expect_same_bits(out, [&](Reading reading, float* y) {
        const Int8Kernels& k = *int8_kernels(level, reading);
        alignas(64) float room[4 * in];
        const Int8Row row(room, in);
        k.round(row, x.data(), in, type);
        k.dot(type, panels->data(), out, in, int8_panel_bytes(w), &row, 1, y, out);
      });
    }
}

}  // namespace
}  // namespace recurra
