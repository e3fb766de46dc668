// Quantised weights: the values of blocks, to the bit those of the gguf package, and products with them.
#include <cstring>

#include "backend/cpu/kernels.h"
#include "backend/dequantize.h"
#include "support/model.h"
#include "support/ops.h"
#include "support/paths.h"

namespace recurra::test {
namespace {

class Quant : public testing::TestWithParam<DType> {
 protected:
  // The blocks of tests/data/quant (make.py there says what they are), and their values.
  std::vector<char> blocks_ = read_values<char>(test_data(std::string("quant/") + info(GetParam()).name + ".blocks"));
  Values want_ = read_values<float>(test_data(std::string("quant/") + info(GetParam()).name + ".f32"));

  int64_t size() const { return static_cast<int64_t>(want_.size()); }
  static bool same_bits(const Values& a, const Values& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  }
};

// By the address: 1 where a reader must not expect alignment.
TEST_P(Quant, ValuesAreThoseOfGguf) {
  for (const size_t offset : {size_t{0}, size_t{1}}) {
    std::vector<char> moved(offset);
    moved.insert(moved.end(), blocks_.begin(), blocks_.end());
    Values got(want_.size(), NAN);
    dequantize(got.data(), GetParam(), moved.data() + offset, size());
    EXPECT_TRUE(same_bits(got, want_));
  }
  const TensorView view{"w", GetParam(), shape(2, size() / 2), blocks_.data(), blocks_.size()};
  EXPECT_TRUE(same_bits(to_floats(view), want_));
}

TEST_P(Quant, KernelsReadTheSameValues) {
  std::string why;
  const auto be = open_candidate({on_gpu() ? "cuda" : "cpu", "f32"}, &why);
  ASSERT_TRUE(be) << why;
  // The table as a vocabulary: rows come back as they are.
  const int64_t width = size() / 4;
  const auto table =
      be->matrix({"w", GetParam(), shape(4, width), blocks_.data(), static_cast<uint64_t>(blocks_.size())});
  const std::vector<int32_t> tokens = {0, 1, 2, 3};
  Values got(want_.size(), NAN);
  Segment segment{0, 4, nullptr};
  Rows rows;
  rows.count = 4;
  rows.segments = {&segment, 1};
  rows.tokens = tokens.data();
  const auto exec = be->exec();
  exec->begin();
  exec->embed(tensor(got, 4), rows, *table);
  exec->end();
  EXPECT_TRUE(same_bits(got, want_));
}

// Step and block path, any number of rows: rows by themselves have the bits they have in company.
TEST_P(Quant, Products) {
  std::vector<Candidate> all_candidates = candidates();
  all_candidates.push_back({on_gpu() ? "cuda" : "cpu", "auto"});
  for (size_t run = 0; run < 2 * all_candidates.size(); ++run) {
    const Candidate& c = all_candidates[run / 2];
    const Inputs inputs = run % 2 == 0 ? Inputs::any : Inputs::mostly_zero;
    const bool exact = std::string(c.dtype) == "f32";
    std::string why;
    const auto be = open_candidate(c, &why);
    if (!be) continue;
    const int64_t out = 8, in = size() / out;
    const TensorView view{"w", GetParam(), shape(out, in), blocks_.data(), static_cast<uint64_t>(blocks_.size())};
    const auto w = be->matrix(view, inputs);
    const auto exec = be->exec();
    exec->begin();
    Draw draw(3);
    Values all = draw.normal(64 * in);
    if (inputs == Inputs::mostly_zero)
      for (float& x : all) x = std::max(x, 0.0f);
    const auto product = [&](int64_t first, int64_t n, bool block) {
      Values x(all.begin() + first * in, all.begin() + (first + n) * in), y(static_cast<size_t>(n * out), NAN);
      Segment segment{0, static_cast<int32_t>(n), nullptr};
      Rows rows;
      rows.count = static_cast<int32_t>(n);
      rows.segments = {&segment, 1};
      rows.block = block;
      exec->linear(tensor(y, n), tensor(x, n), *w, rows, {});
      return y;
    };
    std::vector<double> want;
    for (int64_t i = 0; i < 64; ++i)
      for (int64_t o = 0; o < out; ++o) {
        double sum = 0;
        for (int64_t j = 0; j < in; ++j)
          sum += static_cast<double>(all[static_cast<size_t>(i * in + j)]) *
                 static_cast<double>(want_[static_cast<size_t>(o * in + j)]);
        want.push_back(sum);
      }
    const Values together = product(0, 64, false);
    // Rounding to 8 bits: each activation is off by at most 1/254 of the largest of its 32.
    EXPECT_LT(relative(together, want), exact ? 1e-5 : 1e-2) << c.backend << c.dtype;
    EXPECT_LT(relative(product(0, 64, true), want), exact ? 1e-5 : 3e-2) << c.backend << c.dtype;
    // On a GPU more than four rows are multiplied on tensor cores, unless in f32.
    if (std::string(c.backend) == "cuda" && std::string(c.dtype) != "f32") {
      exec->end();
      continue;
    }
    for (const int64_t n : {1, 2, 3, 5, 7}) {
      const Values alone = product(9, n, false);
      EXPECT_EQ(std::memcmp(alone.data(), together.data() + 9 * out, alone.size() * sizeof(float)), 0) << n;
    }
    exec->end();
  }
}

// Outputs that fill whole panels and a part of one, an odd number of blocks a row, inputs of which most, few or all are
// 0.
TEST_P(Quant, ProductsOfManyOutputs) {
  const int64_t block = recurra::info(GetParam()).block, bytes = recurra::info(GetParam()).block_bytes;
  const int64_t out = 147, blocks = 3, in = blocks * block, n = 21;
  Draw draw(4);
  std::vector<uint8_t> weights;
  std::vector<double> values;
  for (int64_t i = 0; i < out * blocks; ++i) {
    const int64_t pick = draw.between(0, static_cast<int64_t>(blocks_.size()) / bytes - 1);
    weights.insert(weights.end(), blocks_.begin() + pick * bytes, blocks_.begin() + (pick + 1) * bytes);
    values.insert(values.end(), want_.begin() + pick * block, want_.begin() + (pick + 1) * block);
  }
  Values x = draw.normal(n * in);
  for (int64_t r = 0; r < n; ++r)
    for (int64_t j = 0; j < in; ++j) {
      float& v = x[static_cast<size_t>(r * in + j)];
      v = r == 4 || draw.between(0, 9) < r % 11 ? 0 : std::fabs(v);
    }
  std::vector<double> want;
  for (int64_t r = 0; r < n; ++r)
    for (int64_t o = 0; o < out; ++o) {
      double sum = 0;
      for (int64_t j = 0; j < in; ++j)
        sum += static_cast<double>(x[static_cast<size_t>(r * in + j)]) * values[static_cast<size_t>(o * in + j)];
      want.push_back(sum);
    }
  std::vector<Candidate> all_candidates = candidates();
  all_candidates.push_back({on_gpu() ? "cuda" : "cpu", "auto"});
  for (const Candidate& c : all_candidates)
    for (const Inputs inputs : {Inputs::any, Inputs::mostly_zero}) {
      std::string why;
      const auto be = open_candidate(c, &why);
      if (!be) continue;
      const auto w = be->matrix({"w", GetParam(), shape(out, in), weights.data(), weights.size()}, inputs);
      const auto exec = be->exec();
      exec->begin();
      const auto product = [&](int64_t first, int64_t rows_of) {
        Values from(x.begin() + first * in, x.begin() + (first + rows_of) * in),
            y(static_cast<size_t>(rows_of * out), NAN);
        Segment segment{0, static_cast<int32_t>(rows_of), nullptr};
        Rows rows;
        rows.count = static_cast<int32_t>(rows_of);
        rows.segments = {&segment, 1};
        exec->linear(tensor(y, rows_of), tensor(from, rows_of), *w, rows, {});
        return y;
      };
      const bool exact = std::string(c.dtype) == "f32";
      const Values together = product(0, n);
      EXPECT_LT(relative(together, want), exact ? 1e-5 : 1e-2) << c.backend << c.dtype;
      if (exact || !on_gpu())
        for (int64_t r = 0; r < n; ++r) {
          const Values alone = product(r, 1);
          EXPECT_EQ(std::memcmp(alone.data(), together.data() + r * out, alone.size() * sizeof(float)), 0) << r;
        }
      exec->end();
    }
}

// One value that is not finite makes its products so, and leaves the other rows alone.
TEST_P(Quant, ProductsOfStrangeValues) {
  std::string why;
  const auto be = open_candidate({on_gpu() ? "cuda" : "cpu", "auto"}, &why);
  ASSERT_TRUE(be) << why;
  const int64_t out = 8, in = size() / out;
  for (const Inputs inputs : {Inputs::any, Inputs::mostly_zero}) {
    const auto w =
        be->matrix({"w", GetParam(), shape(out, in), blocks_.data(), static_cast<uint64_t>(blocks_.size())}, inputs);
    const auto exec = be->exec();
    exec->begin();
    for (const float strange : {NAN, INFINITY, -INFINITY}) {
      Values x(static_cast<size_t>(3 * in), 0.0f), y(static_cast<size_t>(3 * out), 7.0f);
      x[static_cast<size_t>(in + 5)] = strange;
      x[static_cast<size_t>(2 * in)] = 1e-42f;  // all but zero
      Segment segment{0, 3, nullptr};
      Rows rows;
      rows.count = 3;
      rows.segments = {&segment, 1};
      exec->linear(tensor(y, 3), tensor(x, 3), *w, rows, {});
      for (size_t o = 0; o < static_cast<size_t>(out); ++o) {
        EXPECT_EQ(y[o], 0);
        EXPECT_FALSE(std::isfinite(y[static_cast<size_t>(out) + o]) && want_[o * static_cast<size_t>(in) + 5] != 0);
        EXPECT_NEAR(y[2 * static_cast<size_t>(out) + o], 0, 1e-30);
      }
    }
    exec->end();
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Quant,
                         testing::Values(DType::q8_0, DType::q4_0, DType::q5_0, DType::q5_1, DType::q4_k, DType::q5_k,
                                         DType::q6_k),
                         [](const auto& test) { return std::string(recurra::info(test.param).name); });

}  // namespace
}  // namespace recurra::test
