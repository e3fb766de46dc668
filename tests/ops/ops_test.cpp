// Every coarse operation of every backend against its definition in float64, on drawn shapes.
#include <algorithm>
#include <cstring>

#include "backend/dequantize.h"
#include "core/half.h"
#include "support/ops.h"

namespace recurra::test {
namespace {

class Ops : public testing::TestWithParam<Candidate> {
 protected:
  void SetUp() override {
    std::string why;
    be_ = open_candidate(GetParam(), &why);
    if (!be_) GTEST_SKIP() << why;
    exec_ = be_->exec();
    exec_->begin();
  }
  void TearDown() override {
    if (exec_) exec_->end();
  }

  Vector vector(const Values& v) { return be_->vector(v.data(), static_cast<int64_t>(v.size())); }

  // A weight in a file's type, kept alive by the test, and the values it really holds.
  struct Weight {
    std::vector<unsigned char> bytes;
    Values values;
    std::unique_ptr<Matrix> matrix;
  };
  Weight weight(int64_t out, int64_t in, DType type, Inputs inputs = Inputs::any) {
    const Values drawn = d_.normal(out * in, 1 / std::sqrt(static_cast<float>(in)));
    Weight w;
    for (const float x : drawn) {
      unsigned char raw[4];
      size_t n = 2;
      if (type == DType::f32) {
        std::memcpy(raw, &x, n = 4);
      } else {
        const uint16_t h = type == DType::f16 ? float_to_f16(x) : float_to_bf16(x);
        std::memcpy(raw, &h, n);
      }
      w.bytes.insert(w.bytes.end(), raw, raw + n);
    }
    w.values.resize(drawn.size());
    dequantize(w.values.data(), type, w.bytes.data(), out * in);
    w.matrix = be_->matrix({"w", type, shape(out, in), w.bytes.data(), w.bytes.size()}, inputs);
    return w;
  }

  static std::vector<double> product(const Values& x, int64_t rows, const Values& w, int64_t out, int64_t in) {
    std::vector<double> y(static_cast<size_t>(rows * out));
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t o = 0; o < out; ++o)
        for (int64_t j = 0; j < in; ++j)
          y[static_cast<size_t>(i * out + o)] +=
              static_cast<double>(x[static_cast<size_t>(i * in + j)]) * static_cast<double>(w[static_cast<size_t>(o * in + j)]);
    return y;
  }

  Rows rows(int64_t n, bool block = false) {
    segment_ = {0, static_cast<int32_t>(n), nullptr};
    Rows r;
    r.count = static_cast<int32_t>(n);
    r.segments = {&segment_, 1};
    r.block = block;
    return r;
  }

  bool bf16() const { return std::string(GetParam().dtype) == "bf16"; }

  std::unique_ptr<Backend> be_;
  std::unique_ptr<Exec> exec_;
  Segment segment_;
  Draw d_{7};
};

TEST_P(Ops, Linear) {
  for (const DType type : {DType::f32, DType::f16, DType::bf16})
    for (int i = 0; i < 24; ++i) {
      const bool block = i % 3 == 0;
      const int64_t n = block ? 64 * d_.between(1, 3) : d_.between(1, 70), out = d_.between(1, 300), in = d_.between(1, 200);
      Values x = d_.normal(n * in), y = d_.normal(n * out);
      const bool sparse = i % 5 > 2;
      if (sparse)
        for (float& v : x) v = std::max(v - 0.5f, 0.0f);
      const Weight w = weight(out, in, type, sparse ? Inputs::mostly_zero : Inputs::any);
      const Vector bias = vector(d_.normal(out));
      const Act act = static_cast<Act>(i % 8);
      Epilogue e{act, i % 2 == 0 ? &bias : nullptr, i % 4 == 1};
      std::vector<double> want = product(x, n, w.values, out, in);
      for (size_t j = 0; j < want.size(); ++j) {
        if (e.bias != nullptr) want[j] += static_cast<double>(bias.data()[j % static_cast<size_t>(out)]);
        want[j] = activate64(act, want[j]) + (e.add ? static_cast<double>(y[j]) : 0);
      }
      exec_->linear(tensor(y, n), tensor(x, n), *w.matrix, rows(n, block), e);
      // bf16 rounds both operands to 8 bits; float32 only sums. A GPU rounds wherever there are more than a few rows.
      const bool rounded = bf16() && (block || (on_gpu() && n > 4));
      EXPECT_LT(relative(y, want), rounded ? 3e-2 : 1e-5) << info(type).name << " [" << out << ", " << in << "] x " << n;
    }
}

// As large as a channel mix's: weights of inputs that are 0 may be left out, and lie otherwise for that. One row has
// nothing but zeros, one a single value.
TEST_P(Ops, LinearOfMostlyZero) {
  const int64_t out = 1040, in = 4104;
  for (const DType type : {DType::f16, DType::bf16}) {
    const Weight w = weight(out, in, type, Inputs::mostly_zero);
    const Vector bias = vector(d_.normal(out));
    for (const int64_t n : {1, 3, 6, 64}) {
      if (type == DType::bf16 && n != 1) continue;
      Values x = d_.normal(n * in), y = d_.normal(n * out);
      for (float& v : x) v = std::max(v, 0.0f);
      if (n > 1) std::fill_n(x.begin(), 2 * in, 0.0f);
      if (n > 1) x[static_cast<size_t>(2 * in - 1)] = 1;
      Epilogue e{n == 3 ? Act::tanh : Act::none, n == 3 ? &bias : nullptr, n != 3};
      std::vector<double> want = product(x, n, w.values, out, in);
      for (size_t j = 0; j < want.size(); ++j) {
        if (e.bias != nullptr) want[j] += static_cast<double>(bias.data()[j % static_cast<size_t>(out)]);
        want[j] = activate64(e.act, want[j]) + (e.add ? static_cast<double>(y[j]) : 0);
      }
      // The second time with what the first left behind.
      for (int times = 0; times < 2; ++times) {
        Values once = y;
        exec_->linear(tensor(once, n), tensor(x, n), *w.matrix, rows(n, n == 64), e);
        const bool rounded = bf16() && (n == 64 || (on_gpu() && n > 4));
        EXPECT_LT(relative(once, want), rounded ? 3e-2 : 1e-5) << info(type).name << " x " << n;
      }
    }
  }
}

// What is left out is 0 and nothing else.
TEST_P(Ops, NanIsNotZero) {
  const int64_t out = 70, in = 100;
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
    const Weight w = weight(out, in, type, Inputs::mostly_zero);
    for (const int64_t n : {1, 3}) {
      Values x(static_cast<size_t>(n * in), 0.0f), y(static_cast<size_t>(n * out), 7.0f);
      x[static_cast<size_t>((n - 1) * in + 37)] = NAN;
      exec_->linear(tensor(y, n), tensor(x, n), *w.matrix, rows(n), {});
      for (int64_t i = 0; i < n * out; ++i)
        EXPECT_EQ(std::isnan(y[static_cast<size_t>(i)]), i / out == n - 1) << info(type).name << " x " << n;
    }
  }
}

// Products that share a call are those of a call each, bit for bit: more of them than one round takes, of all sizes.
TEST_P(Ops, ProductsTogether) {
  for (const bool block : {false, true}) {
    const int64_t n = block ? 128 : 9, in = 100;
    Values x = d_.normal(n * in), other = d_.normal(n * in);
    std::vector<Weight> weights;
    std::vector<Values> together, alone;
    for (const int64_t out : {77, 1, 200, 12, 33, 32, 64, 5, 300, 2, 90})
      weights.push_back(weight(out, in, out % 2 == 0 ? DType::f16 : DType::f32));
    for (const Weight& w : weights) together.push_back(d_.normal(n * w.matrix->out()));
    alone = together;
    const auto product = [&](std::vector<Values>& y, size_t i) {
      return Product{tensor(y[i], n), tensor(i % 3 == 2 ? other : x, n), weights[i].matrix.get(), {Act::tanh, nullptr, i % 4 == 1}};
    };
    std::vector<Product> products;
    for (size_t i = 0; i < weights.size(); ++i) products.push_back(product(together, i));
    exec_->linears(products, rows(n, block));
    for (size_t i = 0; i < weights.size(); ++i) {
      const Product p = product(alone, i);
      exec_->linear(p.y, p.x, *p.w, rows(n, block), p.epilogue);
    }
    EXPECT_EQ(together, alone);
  }
}

// A conversation in a batch has the bits that it has alone, in batches for which weights are laid out anew, too.
TEST_P(Ops, BatchesHaveTheBitsOfSingleRows) {
  if (std::string(be_->name()) == "cuda") GTEST_SKIP() << "the layouts that are tested here are the CPU's";
  for (const DType type : {DType::f32, DType::f16, DType::bf16})
    for (const Inputs inputs : {Inputs::any, Inputs::mostly_zero})
      for (const int64_t in : {256, 300}) {
        const Weight a = weight(71, in, type, inputs), b = weight(160, in, type, inputs);
        for (const int32_t n : {7, 8, 13, 16, 40, 70}) {
          Values x = d_.normal(n * in);
          if (inputs == Inputs::mostly_zero)
            for (float& v : x) v = v > 0.5f ? v : 0;
          std::vector<Segment> segments;
          for (int32_t i = 0; i < n; ++i) segments.push_back({i, 1});
          Rows batch = rows(n);
          batch.segments = {segments.data(), segments.size()};
          Values ya(static_cast<size_t>(n * 71)), yb(static_cast<size_t>(n * 160)), alone(160);
          const Product products[] = {{tensor(ya, n), tensor(x, n), a.matrix.get(), {}},
                                      {tensor(yb, n), tensor(x, n), b.matrix.get(), {}}};
          exec_->linears({products, 2}, batch);
          for (int64_t i = 0; i < n; ++i) {
            Values row(x.begin() + i * in, x.begin() + (i + 1) * in);
            for (const auto& [w, y] : {std::pair(&a, &ya), std::pair(&b, &yb)}) {
              const int64_t out = w->matrix->out();
              alone.resize(static_cast<size_t>(out));
              exec_->linear(tensor(alone, 1), tensor(row, 1), *w->matrix, rows(1), {});
              ASSERT_EQ(alone, Values(y->begin() + i * out, y->begin() + (i + 1) * out)) << info(type).name << ", row " << i << " of " << n;
            }
          }
        }
      }
}

TEST_P(Ops, Embed) {
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
    const Weight table = weight(50, 37, type);
    const std::vector<int32_t> tokens = {0, 49, 7, 7, 23};
    Values y(tokens.size() * 37);
    Rows r = rows(static_cast<int64_t>(tokens.size()));
    r.tokens = tokens.data();
    exec_->embed(tensor(y, r.count), r, *table.matrix);
    for (size_t i = 0; i < tokens.size(); ++i)
      for (size_t j = 0; j < 37; ++j) ASSERT_EQ(y[i * 37 + j], table.values[static_cast<size_t>(tokens[i]) * 37 + j]);
  }
}

TEST_P(Ops, Norm) {
  for (int i = 0; i < 30; ++i) {
    const Norm kind = static_cast<Norm>(i % 3);
    const int64_t groups = kind == Norm::group ? d_.between(1, 5) : 1, n = d_.between(1, 90), cols = groups * n, count = d_.between(1, 9);
    Values x = d_.normal(count * cols, 3), y(x.size());
    for (float& v : x) v += 2;
    const Vector w = vector(d_.normal(cols)), b = vector(d_.normal(cols));
    const bool affine = i % 2 == 0;
    const double eps = 1e-3;
    std::vector<double> want(x.size());
    for (size_t g = 0; g < x.size(); g += static_cast<size_t>(n)) {
      double mean = 0, square = 0;
      for (size_t j = g; j < g + static_cast<size_t>(n); ++j) mean += kind == Norm::rms ? 0 : static_cast<double>(x[j]) / static_cast<double>(n);
      for (size_t j = g; j < g + static_cast<size_t>(n); ++j) square += std::pow(static_cast<double>(x[j]) - mean, 2) / static_cast<double>(n);
      for (size_t j = g; j < g + static_cast<size_t>(n); ++j) {
        want[j] = (static_cast<double>(x[j]) - mean) / std::sqrt(square + eps);
        const size_t c = j % static_cast<size_t>(cols);
        if (affine) want[j] = want[j] * static_cast<double>(w.data()[c]) + static_cast<double>(b.data()[c]);
      }
    }
    exec_->norm(tensor(y, count), tensor(x, count), kind, affine ? &w : nullptr, affine ? &b : nullptr, static_cast<float>(eps), groups);
    EXPECT_LT(relative(y, want), 1e-5);
  }
}

TEST_P(Ops, ShiftLerp) {
  for (int i = 0; i < 10; ++i) {
    const int64_t cols = d_.between(1, 70);
    const size_t count = 1 + static_cast<size_t>(i) % 6;
    std::vector<Segment> segments;
    std::vector<std::shared_ptr<Buffer>> slots;
    std::vector<Values> last;
    int32_t n = 0;
    for (int64_t s = d_.between(1, 4); s > 0; --s) {
      const auto length = static_cast<int32_t>(d_.between(1, 6));
      slots.push_back(be_->allocate(static_cast<size_t>(cols) * 4 + 64));
      last.push_back(d_.normal(cols));
      be_->write_state(slots.back()->data(), {"shift", shape(cols), 64}, last.back().data());
      segments.push_back({n, length, slots.back()->data()});
      n += length;
    }
    Values x = d_.normal(n * cols);
    const Vector mu = vector(d_.uniform(static_cast<int64_t>(count) * cols, 0, 1));
    std::vector<Values> out(count, Values(x.size()));
    std::vector<Tensor> y;
    for (Values& v : out) y.push_back(tensor(v, n));
    Rows r;
    r.count = n;
    r.segments = {segments.data(), segments.size()};
    exec_->shift_lerp({y.data(), y.size()}, tensor(x, n), mu, r, 64);
    for (size_t s = 0; s < segments.size(); ++s) {
      for (int32_t t = segments[s].first; t < segments[s].first + segments[s].count; ++t)
        for (int64_t c = 0; c < cols; ++c) {
          const double now = static_cast<double>(x[static_cast<size_t>(t * cols + c)]);
          const double before = static_cast<double>(t == segments[s].first ? last[s][static_cast<size_t>(c)] : x[static_cast<size_t>((t - 1) * cols + c)]);
          for (size_t j = 0; j < count; ++j)
            ASSERT_NEAR(out[j][static_cast<size_t>(t * cols + c)], now + (before - now) * static_cast<double>(mu.data()[static_cast<int64_t>(j) * cols + c]), 1e-5);
        }
      Values kept(static_cast<size_t>(cols));
      be_->read_state(kept.data(), slots[s]->data(), {"shift", shape(cols), 64});
      for (int64_t c = 0; c < cols; ++c)
        ASSERT_EQ(kept[static_cast<size_t>(c)], x[static_cast<size_t>((segments[s].first + segments[s].count - 1) * cols + c)]);
    }
  }
}

// RWKV-7's steps as one operation are those one by one, in the rows and in the states.
TEST_P(Ops, Rwkv7StepsTogether) {
  const std::vector<std::vector<int32_t>> all_lengths = {{1}, {1, 1, 1}, std::vector<int32_t>(70, 1), {70}, {64, 1, 150}};
  for (const std::vector<int32_t>& lengths : all_lengths) {
    int64_t n = 0;
    for (const int32_t t : lengths) n += t;
    // Several rows of a segment: the recurrence with operands in bf16, by different roundings.
    const double mixed = std::string(GetParam().dtype) == "bf16" && n != static_cast<int64_t>(lengths.size()) ? 3e-2 : 2e-5;
    constexpr int64_t kHead = 64, kHeads = 3, kWidth = kHead * kHeads, kState = kWidth * (kHead + 1);
    std::vector<std::shared_ptr<Buffer>> slots;
    std::vector<Segment> segments;
    int32_t row = 0;
    for (const int32_t t : lengths) {
      slots.push_back(be_->allocate(kState * sizeof(float)));
      const Values drawn = d_.normal(kState);
      std::copy(drawn.begin(), drawn.end(), reinterpret_cast<float*>(slots.back()->data()));
      segments.push_back({row, t, slots.back()->data()});
      row += t;
    }
    Rows rows;
    rows.count = static_cast<int32_t>(n);
    rows.segments = {segments.data(), segments.size()};
    const auto states = [&] {
      Values all;
      for (const auto& s : slots) all.insert(all.end(), reinterpret_cast<float*>(s->data()), reinterpret_cast<float*>(s->data()) + kState);
      return all;
    };
    const auto set_states = [&](const Values& all) {
      for (size_t i = 0; i < slots.size(); ++i)
        std::copy_n(all.begin() + static_cast<int64_t>(i) * kState, kState, reinterpret_cast<float*>(slots[i]->data()));
    };
    const auto wide = [](const Values& v) { return std::vector<double>(v.begin(), v.end()); };
    const Values before = states();
    const Vector w = vector(d_.normal(kWidth)), b = vector(d_.normal(kWidth)), mu = vector(d_.normal(2 * kWidth)),
                 k_k = vector(d_.normal(kWidth)), k_a = vector(d_.normal(kWidth)), r_k = vector(d_.normal(kWidth));
    Values x = d_.normal(n * kWidth, 3), y0(x.size()), y1(x.size()), z0(x.size()), z1(x.size());
    const Tensor whole[] = {tensor(y0, n), tensor(y1, n)}, parts[] = {tensor(z0, n), tensor(z1, n)};
    for (const Norm kind : {Norm::layer, Norm::rms}) {
      set_states(before);
      exec_->norm_shift_lerp({{whole, 2}, tensor(x, n), kind, &w, &b, 1e-5f, &mu, 0}, rows);
      const Values after = states();
      set_states(before);
      exec_->Exec::norm_shift_lerp({{parts, 2}, tensor(x, n), kind, &w, &b, 1e-5f, &mu, 0}, rows);
      EXPECT_LT(relative(y0, wide(z0)), 1e-5) << n;
      EXPECT_LT(relative(y1, wide(z1)), 1e-5) << n;
      EXPECT_LT(relative(after, wide(states())), 1e-5) << n;
    }

    const Values drawn = d_.normal(n * kWidth * 8);
    for (const bool first : {false, true}) {
      Values o[2], state[2];
      for (const bool together : {false, true}) {
        set_states(before);
        std::vector<Values> in;
        for (int64_t j = 0; j < 8; ++j) in.emplace_back(drawn.begin() + j * n * kWidth, drawn.begin() + (j + 1) * n * kWidth);
        Values out(x.size()), kk(x.size());
        const auto of = [&](size_t j) { return tensor(in[j], n); };
        const Exec::HeadMix io{tensor(out, n), of(0), of(1), of(2), of(3), of(4), tensor(kk, n), of(5), of(6), first ? Tensor{} : of(7), &k_k, &k_a, &w, &b, &r_k, kHeads, kHead, 0, 64e-5f, kWidth * sizeof(float)};
        together ? exec_->head_mix(io, rows) : exec_->Exec::head_mix(io, rows);
        o[together] = out;
        state[together] = states();
      }
      EXPECT_LT(relative(o[1], wide(o[0])), mixed) << n;
      EXPECT_LT(relative(state[1], wide(state[0])), mixed) << n;
    }
  }
}

// The recurrence of single tokens with S in float16: outputs as with the same S in float32, S rounded once; saturated
// beyond float16's range; the same thresholds for the same position, others for the next.
TEST_P(Ops, Rwkv7StepsOfHalfStates) {
  if (memory_types().size() == 1) GTEST_SKIP() << "this backend keeps states in float32";
  constexpr int64_t kHead = 64, kHeads = 3, kWidth = kHead * kHeads, kState = kWidth * kHead, kRows = 5;
  const Vector w = vector(d_.normal(kWidth)), b = vector(d_.normal(kWidth)), k_k = vector(d_.normal(kWidth)),
               k_a = vector(d_.normal(kWidth)), r_k = vector(d_.normal(kWidth));
  const Values drawn = d_.normal(kRows * kWidth * 8);
  Values start = d_.normal(kState);
  for (float& x : start) x = f16_to_float(float_to_f16(x));
  start[5] = 60000;
  const auto run = [&](DType type, uint64_t position, Values& state) {
    const StateSlice slice{"state", shape(kHeads, kHead, kHead), 64, type};
    std::vector<std::shared_ptr<Buffer>> slots;
    std::vector<Segment> segments;
    for (int32_t i = 0; i < kRows; ++i) {
      slots.push_back(be_->allocate(64 + kState * memory_bytes(type)));
      be_->write_state(slots.back()->data(), slice, start.data());
      segments.push_back({i, 1, slots.back()->data(), position});
    }
    Rows rows;
    rows.count = kRows;
    rows.segments = {segments.data(), segments.size()};
    std::vector<Values> in;
    for (int64_t j = 0; j < 8; ++j)
      in.emplace_back(drawn.begin() + j * kRows * kWidth, drawn.begin() + (j + 1) * kRows * kWidth);
    Values out(static_cast<size_t>(kRows * kWidth)), kk(out.size());
    const auto of = [&](size_t j) { return tensor(in[j], kRows); };
    exec_->head_mix({tensor(out, kRows),
                     of(0),
                     of(1),
                     of(2),
                     of(3),
                     of(4),
                     tensor(kk, kRows),
                     of(5),
                     of(6),
                     of(7),
                     &k_k,
                     &k_a,
                     &w,
                     &b,
                     &r_k,
                     kHeads,
                     kHead,
                     0,
                     64e-5f,
                     64,
                     type},
                    rows);
    state.clear();
    for (const auto& slot : slots) {
      Values kept(static_cast<size_t>(kState));
      be_->read_state(kept.data(), slot->data(), slice);
      state.insert(state.end(), kept.begin(), kept.end());
    }
    return out;
  };
  Values whole, half, again, next;
  const Values o = run(DType::f32, 7, whole), o16 = run(DType::f16, 7, half);
  EXPECT_LT(relative(o16, {o.begin(), o.end()}), 2e-5);
  int up = 0, down = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    const float want = std::min(std::max(whole[i], -65504.0f), 65504.0f),
                unit = std::max(std::abs(want) / 1024, 0x1p-24f);
    ASSERT_LE(std::abs(half[i] - want), 1.001f * unit + 1e-5f) << i << " of " << want;
    ASSERT_EQ(half[i], f16_to_float(float_to_f16(half[i])));
    up += std::abs(half[i]) > std::abs(want) ? 1 : 0;
    down += std::abs(half[i]) < std::abs(want) ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(up) / (up + down), 0.5, 0.02) << "to larger values as often as to smaller ones";
  run(DType::f16, 7, again);
  EXPECT_EQ(half, again);
  run(DType::f16, 8, next);
  EXPECT_NE(half, next);
}

TEST_P(Ops, Rwkv7Elements) {
  for (int i = 0; i < 10; ++i) {
    const int64_t heads = d_.between(1, 4), n = d_.between(1, 70), cols = heads * n, count = d_.between(1, 5);
    const auto total = static_cast<size_t>(count * cols);
    const float eps = i % 2 == 0 ? 0.0f : 1e-6f;
    Values w = d_.normal(count * cols, 4), a = d_.normal(count * cols, 2), k = d_.normal(count * cols), kk(total), b(total);
    const Values w0 = w, a0 = a, k0 = k;
    const Vector k_k = vector(d_.normal(cols)), k_a = vector(d_.normal(cols)), r_k = vector(d_.normal(cols));
    exec_->delta_inputs({tensor(w, count), tensor(a, count), tensor(k, count), tensor(kk, count), tensor(b, count), &k_k, &k_a, heads, eps});
    std::vector<double> ww(total), aa(total), kw(total), kkw(total), bw(total);
    for (size_t h = 0; h < total; h += static_cast<size_t>(n)) {
      double square = 0;
      for (size_t j = h; j < h + static_cast<size_t>(n); ++j) square += std::pow(static_cast<double>(k0[j]) * static_cast<double>(k_k.data()[j % static_cast<size_t>(cols)]), 2);
      const double length = eps == 0.0f ? std::max(std::sqrt(square), 1e-12) : std::sqrt(square + static_cast<double>(eps));
      for (size_t j = h; j < h + static_cast<size_t>(n); ++j) {
        const size_t c = j % static_cast<size_t>(cols);
        aa[j] = sigmoid64(static_cast<double>(a0[j]));
        ww[j] = -std::exp(-0.5) * sigmoid64(static_cast<double>(w0[j]));
        kkw[j] = static_cast<double>(k0[j]) * static_cast<double>(k_k.data()[c]) / length;
        bw[j] = kkw[j] * aa[j];
        kw[j] = static_cast<double>(k0[j]) * (1 + (aa[j] - 1) * static_cast<double>(k_a.data()[c]));
      }
    }
    EXPECT_LT(relative(w, ww), 1e-5);
    EXPECT_LT(relative(a, aa), 1e-5);
    EXPECT_LT(relative(k, kw), 1e-5);
    EXPECT_LT(relative(kk, kkw), 1e-5);
    EXPECT_LT(relative(b, bw), 1e-5);

    Values o = d_.normal(count * cols), r = d_.normal(count * cols), v = d_.normal(count * cols), g = d_.normal(count * cols), y(total);
    exec_->bonus_gate({tensor(y, count), tensor(o, count), tensor(r, count), tensor(k, count), tensor(v, count), tensor(g, count), &r_k, heads});
    std::vector<double> want(total);
    for (size_t h = 0; h < total; h += static_cast<size_t>(n)) {
      double bonus = 0;
      for (size_t j = h; j < h + static_cast<size_t>(n); ++j) bonus += static_cast<double>(r[j]) * static_cast<double>(k[j]) * static_cast<double>(r_k.data()[j % static_cast<size_t>(cols)]);
      for (size_t j = h; j < h + static_cast<size_t>(n); ++j) want[j] = (static_cast<double>(o[j]) + bonus * static_cast<double>(v[j])) * static_cast<double>(g[j]);
    }
    EXPECT_LT(relative(y, want), 1e-5);

    Values mixed = v;
    exec_->value_residual(tensor(mixed, count), tensor(o, count), tensor(g, count));
    for (size_t j = 0; j < total; ++j)
      want[j] = static_cast<double>(v[j]) + (static_cast<double>(o[j]) - static_cast<double>(v[j])) * sigmoid64(static_cast<double>(g[j]));
    EXPECT_LT(relative(mixed, want), 1e-5);
  }
}

// Infinite and NaN inputs come through instead of turning into something that looks like a number.
TEST_P(Ops, ExtremesOfActivations) {
  Values x = {-INFINITY, -1000, -104, 0, 104, 1000, INFINITY, NAN}, y(8);
  Weight one;
  const float unit = 1;
  one.bytes.resize(4);
  std::memcpy(one.bytes.data(), &unit, 4);
  one.matrix = be_->matrix({"w", DType::f32, shape(1, 1), one.bytes.data(), 4});
  exec_->linear(tensor(y, 8), tensor(x, 8), *one.matrix, rows(8), {Act::sigmoid, nullptr, false});
  EXPECT_EQ(y[0], 0);
  EXPECT_NEAR(y[1], 0, 1e-30);
  EXPECT_EQ(y[3], 0.5f);
  EXPECT_EQ(y[5], 1);
  EXPECT_EQ(y[6], 1);
  EXPECT_TRUE(std::isnan(y[7]));
}

INSTANTIATE_TEST_SUITE_P(Backends, Ops, testing::ValuesIn(candidates()),
                         [](const auto& test) { return std::string(test.param.backend) + "_" + test.param.dtype; });

}  // namespace
}  // namespace recurra::test
