// The kernels for AMX have the bits of those for VNNI, also where no AMX is: on tiles in memory.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ops/tiles_in_memory.h"
#include "support/int8_weights.h"

namespace recurra {
namespace {

class Tiles : public testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    const Int8Kernels* best = int8_kernels(Level::amx, Reading::several_places);
    if (best_level() < Level::avx512 || !best->panels) GTEST_SKIP() << "this CPU has no AVX-512 VNNI";
  }

  std::mt19937 random_{7};

  // Rows of activations in 8 bits, of which about one in `step` is not 0.
  struct Rows {
    std::shared_ptr<Buffer> room;
    std::vector<Int8Row> at;
  };
  Rows rows(int64_t n, int64_t in, int step) {
    std::normal_distribution<float> normal;
    const int64_t each = Int8Row::floats(in);
    Rows made{allocate_host(static_cast<size_t>(n * each) * sizeof(float)), {}};
    for (int64_t r = 0; r < n; ++r) {
      std::vector<float> x(static_cast<size_t>(in));
      for (float& v : x) v = random_() % static_cast<unsigned>(step) == 0 ? normal(random_) : 0;
      made.at.emplace_back(reinterpret_cast<float*>(made.room->data()) + r * each, in);
      kInt8Vnni.round(made.at.back(), x.data(), in, GetParam());
    }
    return made;
  }

  template <class F>
  static void expect_same_bits(int64_t values, const F& product) {
    std::vector<float> tiles(static_cast<size_t>(values), 1), vnni(static_cast<size_t>(values), 1);
    product(kInt8TilesInMemory, tiles.data());
    product(kInt8Vnni, vnni.data());
    EXPECT_EQ(std::memcmp(tiles.data(), vnni.data(), tiles.size() * sizeof(float)), 0);
  }
};

TEST_P(Tiles, ProductsHaveTheBitsOfVnni) {
  const int64_t block = info(GetParam()).block;
  for (const int64_t in : {block, 3 * block, 8 * block})
    for (const int64_t n : {1, 5, 6, 7, 15, 16}) {
      constexpr int64_t out = 48;
      const std::vector<uint8_t> data = test::finite_weights(random_, GetParam(), out, in);
      const WeightRows w{GetParam(), data.data(), in};
      const auto panels = test::int8_panels(w, out);
      const Rows x = rows(n, in, 1);
      SCOPED_TRACE(testing::Message() << n << " rows of " << in);
      expect_same_bits(n * out, [&](const Int8Kernels& k, float* y) {
        k.dot(GetParam(), panels->data(), out, in, int8_panel_bytes(w), x.at.data(), static_cast<int>(n), y, out);
      });
    }
}

class TilesByInput : public Tiles {};

TEST_P(TilesByInput, ProductsHaveTheBitsOfVnni) {
  for (const int64_t in : {256, 1280})
    for (const int64_t n : {1, 6, 16})
      for (const int step : {1, 2, 40}) {
        const std::vector<uint8_t> data = test::finite_weights(random_, GetParam(), kInt8Inputs, in);
        const WeightRows w{GetParam(), data.data(), in};
        const auto panel = allocate_host(static_cast<size_t>(int8_inputs_bytes(w)));
        make_int8_inputs(panel->data(), w, 0, kInt8Inputs);
        const Rows x = rows(n, in, step);
        std::vector<ActiveFours::Group> groups(static_cast<size_t>(in / 32));
        std::vector<int32_t> lines(static_cast<size_t>(in + ActiveFours::kSpare)), q(static_cast<size_t>(n * in + 64));
        ActiveFours active{groups.data(), 0, lines.data(), q.data(), in};
        kInt8Vnni.list(&active, GetParam(), x.at.data(), static_cast<int>(n), in);
        SCOPED_TRACE(testing::Message() << n << " rows of " << in << ", one in " << step << " not 0");
        expect_same_bits(n * kInt8Inputs, [&](const Int8Kernels& k, float* y) {
          k.by_input(GetParam(), panel->data(), active, x.at.data(), static_cast<int>(n), y);
        });
      }
}

std::string name_of(const testing::TestParamInfo<DType>& p) { return info(p.param).name; }

INSTANTIATE_TEST_SUITE_P(Types, Tiles, testing::Values(DType::q8_0, DType::q4_k, DType::q5_k, DType::q6_k), name_of);
INSTANTIATE_TEST_SUITE_P(Types, TilesByInput, testing::Values(DType::q8_0, DType::q4_k), name_of);

}  // namespace
}  // namespace recurra
