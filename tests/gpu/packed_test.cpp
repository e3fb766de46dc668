// Weights as the GPU keeps them (packed.h), on the host: every number of a file's blocks is where kernels look for it.
#include "backend/cuda/device/packed.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "backend/dequantize.h"
#include "core/half.h"

namespace recurra::gpu {
namespace {

class Packed : public testing::TestWithParam<DType> {
 protected:
  // A row of drawn blocks. Their scales are halves that are not NaN and not infinite.
  std::vector<uint8_t> draw(int64_t in) {
    const DTypeInfo& i = recurra::info(GetParam());
    std::vector<uint8_t> row(static_cast<size_t>(in / i.block * i.block_bytes));
    for (uint8_t& b : row) b = static_cast<uint8_t>(random_());
    for (size_t block = 0; block < row.size(); block += i.block_bytes) {
      const size_t at = block + (GetParam() == DType::q6_k ? 208 : 0), n = is_five_or_four() ? 2 : 1;
      for (size_t h = 0; h < n; ++h) row[at + 2 * h + 1] &= 0xbf;
    }
    return row;
  }
  bool is_five_or_four() const { return GetParam() == DType::q4_k || GetParam() == DType::q5_k; }

  std::mt19937 random_{5};
};

float half_of(uint32_t bits) { return f16_to_float(static_cast<uint16_t>(bits)); }

// As packed_products.cu reads it: 32 groups a step, a lane's group in words, its parts four bytes at a time.
TEST_P(Packed, ValuesAreThoseOfTheFile) {
  const DType type = GetParam();
  for (const int64_t in : {256, 768, 1024, 4096}) {
    const std::vector<uint8_t> file = draw(in);
    std::vector<float> want(static_cast<size_t>(in));
    dequantize(want.data(), type, file.data(), in);
    const int groups = static_cast<int>(in / kPackedGroup);
    const int64_t stride = packed_stride(type, in);
    EXPECT_EQ(stride % 32, 0);
    EXPECT_LE(stride, static_cast<int64_t>(file.size()) * 103 / 100 + 31);
    std::vector<uint8_t> row(static_cast<size_t>(stride) + 1, 0xee);
    for (int g = groups - 1; g >= 0; --g) pack_group(row.data(), type, file.data(), g, groups);
    EXPECT_EQ(row.back(), 0xee);  // nothing behind it was written
    for (int g = 0; g < groups; ++g) {
      uint32_t low[4], upper[4] = {};
      uint16_t scales = 0;
      uint32_t block = 0;
      const auto bytes = static_cast<size_t>(packed_upper_bytes(type));
      std::memcpy(low, &row[static_cast<size_t>(g) * 16], sizeof low);
      std::memcpy(upper, &row[static_cast<size_t>(packed_upper_at(groups)) + static_cast<size_t>(g) * bytes], bytes);
      if (type != DType::q8_0)
        std::memcpy(&scales, &row[static_cast<size_t>(packed_scales_at(type, groups) + 2 * g)], sizeof scales);
      std::memcpy(&block,
                  &row[static_cast<size_t>(packed_block_at(type, groups) +
                                           g / packed_block_groups(type) * packed_block_bytes(type))],
                  static_cast<size_t>(packed_block_bytes(type)));
      for (int w = 0; w < 4; ++w) {
        uint32_t part[2];
        packed_part(type, low, upper, w, part[0], part[1]);
        for (int i = 0; i < 8; ++i) {
          const auto byte = static_cast<uint8_t>(part[i / 4] >> i % 4 * 8);
          const float q =
              type == DType::q8_0 ? static_cast<float>(static_cast<int8_t>(byte)) : static_cast<float>(byte);
          float value = half_of(block) * q;
          if (type == DType::q6_k)
            value =
                half_of(block) * static_cast<float>(static_cast<int8_t>(w < 2 ? scales & 255 : scales >> 8)) * (q - 32);
          if (is_five_or_four()) {
            const float scale = half_of(block) * static_cast<float>(scales & 255);
            const float least = half_of(block >> 16) * static_cast<float>(scales >> 8);
            value = scale * q - least;
          }
          ASSERT_EQ(value, want[static_cast<size_t>(g * 32 + 8 * w + i)]) << "group " << g << ", input " << 8 * w + i;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Packed, testing::Values(DType::q4_k, DType::q5_k, DType::q6_k, DType::q8_0),
                         [](const auto& test) { return std::string(recurra::info(test.param).name); });

}  // namespace
}  // namespace recurra::gpu
