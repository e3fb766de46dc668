// The kernels for AMX have the bits of those for VNNI, also where no AMX is: on tiles in memory.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "backend/cpu/int8_panels.h"
#include "ops/tiles_in_memory.h"

namespace recurra {
namespace {

template <class T>
class Aligned {
 public:
  explicit Aligned(int64_t n) : memory_(static_cast<size_t>(n) + 64 / sizeof(T)) {
    while (reinterpret_cast<uintptr_t>(memory_.data() + skipped_) % 64 != 0) ++skipped_;
  }
  T* data() { return memory_.data() + skipped_; }

 private:
  std::vector<T> memory_;
  size_t skipped_ = 0;
};

class Tiles : public testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    const Int8Kernels* best = int8_kernels(Level::amx, Reading::several_places);
    if (best_level() < Level::avx512 || !best->panels) GTEST_SKIP() << "this CPU has no AVX-512 VNNI";
  }

  std::mt19937 random_{7};

  // Bytes that are finite in every type: no exponent has all its bits.
  std::vector<uint8_t> weights(int64_t out, int64_t in) {
    std::vector<uint8_t> bytes(static_cast<size_t>(out * WeightRows{GetParam(), nullptr, in}.row_bytes()));
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random_()) & 0xbb;
    return bytes;
  }

  // Rows of activations in 8 bits, of which about one in `step` is not 0.
  struct Rows {
    Aligned<float> room;
    std::vector<Int8Row> at;
  };
  Rows rows(int64_t n, int64_t in, int step) {
    std::normal_distribution<float> normal;
    const int64_t each = Int8Row::floats(in);
    Rows made{Aligned<float>(n * each), {}};
    for (int64_t r = 0; r < n; ++r) {
      std::vector<float> x(static_cast<size_t>(in));
      for (float& v : x) v = random_() % static_cast<unsigned>(step) == 0 ? normal(random_) : 0;
      made.at.emplace_back(made.room.data() + r * each, in);
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
      const std::vector<uint8_t> data = weights(out, in);
      const WeightRows w{GetParam(), data.data(), in};
      const int64_t stride = int8_panel_bytes(w);
      Aligned<uint8_t> panels(out / kInt8Panel * stride + 8192);
      for (int64_t first = 0; first < out; first += kInt8Panel)
        make_int8_panel(panels.data() + first / kInt8Panel * stride, w, first, out);
      const Rows x = rows(n, in, 1);
      SCOPED_TRACE(testing::Message() << n << " rows of " << in);
      expect_same_bits(n * out, [&](const Int8Kernels& k, float* y) {
        k.dot(GetParam(), panels.data(), out, in, stride, x.at.data(), static_cast<int>(n), y, out);
      });
    }
}

class TilesByInput : public Tiles {};

TEST_P(TilesByInput, ProductsHaveTheBitsOfVnni) {
  for (const int64_t in : {256, 1280})
    for (const int64_t n : {1, 6, 16})
      for (const int step : {1, 2, 40}) {
        const std::vector<uint8_t> data = weights(kInt8Inputs, in);
        const WeightRows w{GetParam(), data.data(), in};
        Aligned<uint8_t> panel(int8_inputs_bytes(w) + 8192);
        make_int8_inputs(panel.data(), w, 0, kInt8Inputs);
        const Rows x = rows(n, in, step);
        std::vector<ActiveFours::Group> groups(static_cast<size_t>(in / 32));
        std::vector<int32_t> lines(static_cast<size_t>(in + ActiveFours::kSpare)), q(static_cast<size_t>(n * in + 64));
        ActiveFours active{groups.data(), 0, lines.data(), q.data(), in};
        kInt8Vnni.list(&active, GetParam(), x.at.data(), static_cast<int>(n), in);
        SCOPED_TRACE(testing::Message() << n << " rows of " << in << ", one in " << step << " not 0");
        expect_same_bits(n * kInt8Inputs, [&](const Int8Kernels& k, float* y) {
          k.by_input(GetParam(), panel.data(), active, x.at.data(), static_cast<int>(n), y);
        });
      }
}

std::string name_of(const testing::TestParamInfo<DType>& p) { return info(p.param).name; }

INSTANTIATE_TEST_SUITE_P(Types, Tiles, testing::Values(DType::q8_0, DType::q4_k, DType::q5_k, DType::q6_k), name_of);
INSTANTIATE_TEST_SUITE_P(Types, TilesByInput, testing::Values(DType::q8_0, DType::q4_k), name_of);

}  // namespace
}  // namespace recurra
