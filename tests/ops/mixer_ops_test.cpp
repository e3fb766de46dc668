// The operations of the mixers beside RWKV-7, of every backend, against their definitions in float64: drawn shapes,
// rows with gaps behind them, several sequences a call, calls cut anywhere. And the goldens of two of them.
#include "core/half.h"
#include "support/model.h"
#include "support/paths.h"
#include "support/scan.h"

namespace recurra::test {
namespace {

double wide(float x) { return static_cast<double>(x); }

// Some sequences in one matrix [tokens, cols], end to end, and calls that each read the next tokens of all of them.
class Batch {
 public:
  static constexpr size_t kState = 64;  // where the state lies in a slot

  Batch(Backend& be, Draw& d, const Shape& state, int64_t longest) : be_(be), slice_{"state", state, kState} {
    for (int64_t s = d.between(1, 4); s > 0; --s) {
      starts.push_back(tokens);
      lengths.push_back(d.between(1, longest));
      tokens += lengths.back();
      slots_.push_back(be.allocate(kState + static_cast<size_t>(state.elements()) * sizeof(float)));
      states.push_back(d.normal(state.elements()));
      be.write_state(slots_.back()->data(), slice_, states.back().data());
    }
    read_.resize(lengths.size());
  }

  // Calls `run` with the rows of two calls, cut at a drawn token of each sequence, and which rows of the matrix they
  // are.
  template <class Run>
  void in_two_calls(Draw& d, const Run& run) {
    for (const bool last : {false, true}) {
      std::vector<Segment> segments;
      std::vector<int64_t> rows;
      for (size_t s = 0; s < lengths.size(); ++s) {
        const int64_t n = last ? lengths[s] - read_[s] : d.between(0, lengths[s]);
        if (n == 0) continue;
        segments.push_back({static_cast<int32_t>(rows.size()), static_cast<int32_t>(n), slots_[s]->data(),
                            static_cast<uint64_t>(read_[s])});
        for (int64_t i = 0; i < n; ++i) rows.push_back(starts[s] + read_[s]++);
      }
      if (segments.empty()) continue;
      Rows r;
      r.count = static_cast<int32_t>(rows.size());
      r.segments = {segments.data(), segments.size()};
      run(r, rows);
    }
  }

  Values state(size_t s) const {
    Values v(states[s].size());
    be_.read_state(v.data(), slots_[s]->data(), slice_);
    return v;
  }

  int64_t tokens = 0;
  std::vector<int64_t> starts, lengths;
  std::vector<Values> states;  // at the start

 private:
  Backend& be_;
  StateSlice slice_;
  std::vector<std::shared_ptr<Buffer>> slots_;
  std::vector<int64_t> read_;
};

Gapped take(const Values& x, int64_t tokens, const std::vector<int64_t>& rows) {
  const int64_t cols = static_cast<int64_t>(x.size()) / tokens;
  Values v;
  for (const int64_t i : rows) v.insert(v.end(), x.begin() + i * cols, x.begin() + (i + 1) * cols);
  return {v, static_cast<int64_t>(rows.size())};
}

void put(Values& y, int64_t tokens, const std::vector<int64_t>& rows, const Gapped& part) {
  const int64_t cols = static_cast<int64_t>(y.size()) / tokens;
  const Values v = part.values();
  for (size_t i = 0; i < rows.size(); ++i)
    std::copy_n(v.begin() + static_cast<int64_t>(i) * cols, cols, y.begin() + rows[i] * cols);
}

class MixerOps : public testing::TestWithParam<Candidate> {
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
  bool bf16() const { return std::string(GetParam().dtype) == "bf16"; }

  std::unique_ptr<Backend> be_;
  std::unique_ptr<Exec> exec_;
  Draw d_{11};
};

TEST_P(MixerOps, ShortConv) {
  for (int i = 0; i < 40; ++i) {
    const int64_t taps = 1 + i % 5, cols = d_.between(1, 90);
    Batch b(*be_, d_, shape(taps - 1, cols), 9);
    const Values x = d_.normal(b.tokens * cols), w = d_.normal(taps * cols), bias = d_.normal(cols);
    const Vector weights = vector(w), biases = vector(bias);
    const Act act = i % 3 == 0 ? Act::none : i % 3 == 1 ? Act::silu : Act::relu;
    Values y(x.size());
    b.in_two_calls(d_, [&](const Rows& rows, const std::vector<int64_t>& which) {
      Gapped in = take(x, b.tokens, which), out = take(y, b.tokens, which);
      exec_->short_conv(out.tensor(), in.tensor(), weights, i % 2 == 0 ? &biases : nullptr, act, rows, Batch::kState);
      put(y, b.tokens, which, out);
    });
    std::vector<double> want(x.size());
    for (size_t s = 0; s < b.lengths.size(); ++s) {
      Values past = b.states[s];  // all that the sequence has read
      past.insert(past.end(), x.begin() + b.starts[s] * cols, x.begin() + (b.starts[s] + b.lengths[s]) * cols);
      for (int64_t t = 0; t < b.lengths[s]; ++t)
        for (int64_t c = 0; c < cols; ++c) {
          double sum = i % 2 == 0 ? wide(bias[static_cast<size_t>(c)]) : 0;
          for (int64_t j = 0; j < taps; ++j)
            sum += wide(w[static_cast<size_t>(j * cols + c)]) * wide(past[static_cast<size_t>((t + j) * cols + c)]);
          want[static_cast<size_t>((b.starts[s] + t) * cols + c)] = activate64(act, sum);
        }
      EXPECT_EQ(b.state(s), Values(past.end() - (taps - 1) * cols, past.end())) << taps << " taps";
    }
    EXPECT_LT(relative(y, want), 1e-5) << taps << " taps, " << cols << " channels";
  }
}

TEST_P(MixerOps, SelectiveScan) {
  for (int i = 0; i < 20; ++i) {
    const int64_t n = d_.between(1, 20), cols = d_.between(1, 150);
    Batch b(*be_, d_, shape(n, cols), 20);
    const Values u = d_.normal(b.tokens * cols), dt = d_.normal(b.tokens * cols, 3), in = d_.normal(b.tokens * n),
                 out = d_.normal(b.tokens * n), a = d_.uniform(n * cols, -4, -0.01f), skip = d_.normal(cols);
    const Vector av = vector(a), dv = vector(skip);
    Values y(u.size());
    b.in_two_calls(d_, [&](const Rows& rows, const std::vector<int64_t>& which) {
      Gapped yr = take(y, b.tokens, which), ur = take(u, b.tokens, which), dr = take(dt, b.tokens, which),
             br = take(in, b.tokens, which), cr = take(out, b.tokens, which);
      exec_->selective_scan({yr.tensor(), ur.tensor(), dr.tensor(), br.tensor(), cr.tensor(), &av, &dv, Batch::kState},
                            rows);
      put(y, b.tokens, which, yr);
    });
    std::vector<double> want(y.size());
    for (size_t s = 0; s < b.lengths.size(); ++s) {
      std::vector<double> h(b.states[s].begin(), b.states[s].end());
      for (int64_t t = b.starts[s]; t < b.starts[s] + b.lengths[s]; ++t)
        for (int64_t c = 0; c < cols; ++c) {
          const auto at = static_cast<size_t>(t * cols + c);
          const double step = softplus64(wide(dt[at]));
          want[at] = wide(skip[static_cast<size_t>(c)]) * wide(u[at]);
          for (int64_t j = 0; j < n; ++j) {
            double& state = h[static_cast<size_t>(j * cols + c)];
            state = state * std::exp(step * wide(a[static_cast<size_t>(j * cols + c)])) +
                    step * wide(u[at]) * wide(in[static_cast<size_t>(t * n + j)]);
            want[at] += state * wide(out[static_cast<size_t>(t * n + j)]);
          }
        }
      EXPECT_LT(relative(b.state(s), h), 1e-5);
    }
    EXPECT_LT(relative(y, want), 1e-5) << cols << " channels of " << n;
  }
}

TEST_P(MixerOps, Rotary) {
  for (int i = 0; i < 24; ++i) {
    const bool interleaved = i % 2 == 0;
    const int64_t heads = d_.between(1, 4), rotated = 2 * d_.between(1, 20), cols = rotated + d_.between(0, 1) * 6;
    const float base = i % 3 == 0 ? 1e6f : 10000;
    const std::vector<uint64_t> positions = {0, 1, static_cast<uint64_t>(d_.between(2, 5000)), 999998};
    constexpr int32_t kCount = 3;
    std::vector<Segment> segments;
    for (const uint64_t p : positions)
      segments.push_back({static_cast<int32_t>(segments.size()) * kCount, kCount, nullptr, p});
    Rows rows;
    rows.count = static_cast<int32_t>(segments.size()) * kCount;
    rows.segments = {segments.data(), segments.size()};
    const Values x = d_.normal(rows.count * heads * cols);
    Gapped y(x, rows.count);
    const Values factor = d_.uniform(rotated / 2, 1, 8);
    const bool stretched = i % 4 < 2;
    const Vector factors = stretched ? vector(factor) : Vector();
    exec_->rotary({y.tensor(), heads, rotated, base, interleaved, &factors}, rows);
    std::vector<double> want(x.begin(), x.end());
    for (int64_t h = 0; h < rows.count * heads; ++h)
      for (int64_t j = 0; j < rotated / 2; ++j) {
        const int64_t t = h / heads;
        const double turn =
            static_cast<double>(positions[static_cast<size_t>(t / kCount)]) + static_cast<double>(t % kCount);
        const double angle = turn * std::pow(wide(base), -2.0 * static_cast<double>(j) / static_cast<double>(rotated)) /
                             (stretched ? wide(factor[static_cast<size_t>(j)]) : 1);
        const auto one = static_cast<size_t>(h * cols + (interleaved ? 2 * j : j)),
                   two = static_cast<size_t>(h * cols + (interleaved ? 2 * j + 1 : j + rotated / 2));
        want[one] = wide(x[one]) * std::cos(angle) - wide(x[two]) * std::sin(angle);
        want[two] = wide(x[one]) * std::sin(angle) + wide(x[two]) * std::cos(angle);
      }
    EXPECT_LT(relative(y.values(), want), 1e-6) << rotated << " of " << cols;
  }
}

// ---- attention ------------------------------------------------------------------------------------------------------

// Keys and values of one sequence. Two layers, of which the second is used; what nobody has written is NaN.
class Past {
 public:
  Past(Draw& d, int64_t read, int64_t coming, int64_t width)
      : keys(d.normal(read * width)), values(d.normal(read * width)) {
    cache.page_stride = KvCache::kPage * width;
    for (int64_t t = 0; t < read + coming; t += KvCache::kPage) {
      pages_.emplace_back(static_cast<size_t>(4 * cache.page_stride), NAN);
      cache.pages.push_back(pages_.back().data());
    }
    for (int64_t t = 0; t < read; ++t) {
      std::copy_n(keys.begin() + t * width, width, cache.keys(1, t));
      std::copy_n(values.begin() + t * width, width, cache.values(1, t));
    }
  }
  bool other_layer_untouched() const {
    return std::all_of(pages_.begin(), pages_.end(), [&](const Values& page) {
      return std::all_of(page.begin(), page.begin() + 2 * cache.page_stride, [](float x) { return std::isnan(x); });
    });
  }

  Values keys, values;  // [tokens, width]
  KvCache cache;

 private:
  std::vector<Values> pages_;
};

struct AttentionCase {
  int64_t heads, kv_heads, width, window;
  float sharpness;
  std::vector<std::pair<int64_t, int64_t>> sequences;  // tokens read before, and to read
  bool block = false;
};

void attend(std::vector<double>& o, const Values& q, const Past& p, const AttentionCase& c, int64_t row, int64_t now) {
  const int64_t kv = c.kv_heads * c.width, begin = c.window > 0 ? std::max<int64_t>(0, now + 1 - c.window) : 0;
  for (int64_t h = 0; h < c.heads; ++h) {
    const int64_t key = h / (c.heads / c.kv_heads) * c.width, at = (row * c.heads + h) * c.width;
    std::vector<double> score;
    for (int64_t s = begin; s <= now; ++s) {
      score.push_back(0);
      for (int64_t j = 0; j < c.width; ++j)
        score.back() += wide(q[static_cast<size_t>(at + j)]) * wide(p.keys[static_cast<size_t>(s * kv + key + j)]);
      score.back() /= std::sqrt(static_cast<double>(c.width));
    }
    const double most = *std::max_element(score.begin(), score.end());
    double sum = 0;
    for (double& s : score) sum += s = std::exp(s - most);
    for (int64_t s = begin; s <= now; ++s)
      for (int64_t j = 0; j < c.width; ++j)
        o[static_cast<size_t>(at + j)] +=
            score[static_cast<size_t>(s - begin)] / sum * wide(p.values[static_cast<size_t>(s * kv + key + j)]);
  }
}

TEST_P(MixerOps, Attention) {
  const AttentionCase cases[] = {
      {1, 1, 1, 0, 1, {{0, 1}}},
      {4, 2, 32, 0, 1, {{0, 5}, {255, 3}, {256, 1}, {511, 2}, {700, 1}}},  // at the borders of pages
      {6, 1, 20, 0, 1, {{0, 300}}},
      {3, 3, 33, 0, 30, {{3, 40}, {300, 7}}},  // scores whose exponential alone overflows
      {8, 2, 64, 0, 1, {{500, 30}}},
      {4, 4, 128, 0, 1, {{100, 3}}},
      {4, 2, 16, 1, 1, {{0, 5}, {256, 3}}},
      {4, 2, 16, 100, 1, {{0, 150}, {250, 20}, {600, 9}}},
      {2, 1, 16, 256, 1, {{255, 5}, {512, 5}}},
      {2, 1, 16, 1000000, 1, {{300, 5}}},
      {4, 2, 32, 0, 1, {{0, 64}, {192, 128}, {256, 64}}, true},
      {3, 1, 48, 0, 30, {{64, 256}}, true},
      {4, 2, 32, 70, 1, {{0, 128}, {320, 64}}, true},
  };
  for (const AttentionCase& c : cases) {
    const int64_t kv = c.kv_heads * c.width;
    std::vector<Past> pasts;
    int64_t tokens = 0;
    for (const auto& [read, count] : c.sequences) {
      pasts.emplace_back(d_, read, count, kv);
      tokens += count;
    }
    const Values q = d_.normal(tokens * c.heads * c.width, c.sharpness), k = d_.normal(tokens * kv),
                 v = d_.normal(tokens * kv);
    std::vector<double> want(q.size());
    std::vector<Segment> segments;
    int64_t first = 0;
    for (size_t s = 0; s < pasts.size(); ++s) {
      const auto [read, count] = c.sequences[s];
      for (int64_t t = 0; t < count; ++t) {
        const int64_t row = (first + t) * kv;
        pasts[s].keys.insert(pasts[s].keys.end(), k.begin() + row, k.begin() + row + kv);
        pasts[s].values.insert(pasts[s].values.end(), v.begin() + row, v.begin() + row + kv);
        attend(want, q, pasts[s], c, first + t, read + t);
      }
      segments.push_back({static_cast<int32_t>(first), static_cast<int32_t>(count), nullptr,
                          static_cast<uint64_t>(read), &pasts[s].cache});
      first += count;
    }
    const auto run = [&](const std::vector<Segment>& parts, const std::vector<int64_t>& which, bool block, Values& o) {
      Rows rows;
      rows.count = static_cast<int32_t>(which.size());
      rows.segments = {parts.data(), parts.size()};
      rows.block = block;
      Gapped out = take(o, tokens, which), qr = take(q, tokens, which), kr = take(k, tokens, which),
             vr = take(v, tokens, which);
      exec_->attention({out.tensor(), qr.tensor(), kr.tensor(), vr.tensor(), c.heads, c.kv_heads, 1, c.window}, rows);
      put(o, tokens, which, out);
    };
    std::vector<int64_t> all;
    for (int64_t i = 0; i < tokens; ++i) all.push_back(i);
    Values whole(q.size()), single(q.size());
    run(segments, all, c.block, whole);
    for (const Segment& s : segments)
      for (int32_t t = 0; t < s.count; ++t)
        run({{0, 1, nullptr, s.position + static_cast<uint64_t>(t), s.cache}}, {s.first + t}, false, single);
    const std::string shape = std::to_string(c.heads) + "/" + std::to_string(c.kv_heads) + " heads of " +
                              std::to_string(c.width) + ", window " + std::to_string(c.window);
    // A score of magnitude 90 is rounded by 5e-6, and so is its exponential.
    const double tolerance = c.sharpness > 1 ? 1e-4 : 1e-5;
    EXPECT_LT(relative(whole, want), c.block && bf16() ? 3e-2 : tolerance) << shape;
    EXPECT_LT(relative(single, want), tolerance) << shape;
    if (!c.block) {
      EXPECT_EQ(whole, single) << shape << ": a row depends on its company";
    }
    for (size_t s = 0; s < pasts.size(); ++s) {
      EXPECT_TRUE(pasts[s].other_layer_untouched());
      for (int64_t t = 0; t < static_cast<int64_t>(pasts[s].keys.size()) / kv; ++t) {
        ASSERT_TRUE(
            std::equal(pasts[s].cache.keys(1, t), pasts[s].cache.keys(1, t) + kv, pasts[s].keys.begin() + t * kv));
        ASSERT_TRUE(std::equal(pasts[s].cache.values(1, t), pasts[s].cache.values(1, t) + kv,
                               pasts[s].values.begin() + t * kv));
      }
    }
  }
}

// ---- element by element ---------------------------------------------------------------------------------------------

TEST_P(MixerOps, NormOfLengthsAndSums) {
  for (const Norm kind : {Norm::rms, Norm::l2, Norm::l1, Norm::sum})
    for (int i = 0; i < 12; ++i) {
      const int64_t groups = d_.between(1, 5), n = d_.between(1, 90), cols = groups * n, count = d_.between(1, 9);
      Values x = kind == Norm::sum ? d_.uniform(count * cols, 0, 3) : d_.normal(count * cols, 3);
      std::fill_n(x.begin(), n, 0.0f);  // nothing but epsilon
      const float eps = i % 2 == 0 ? 1e-6f : 0.5f;
      const Vector w = vector(d_.normal(cols));
      const bool weighted = i % 3 == 0, in_place = i % 4 == 0;
      std::vector<double> want(x.size());
      for (size_t g = 0; g < x.size(); g += static_cast<size_t>(n)) {
        double square = 0, magnitude = 0, sum = 0;
        for (size_t j = g; j < g + static_cast<size_t>(n); ++j) {
          square += wide(x[j]) * wide(x[j]);
          magnitude += std::abs(wide(x[j]));
          sum += wide(x[j]);
        }
        const double by = kind == Norm::rms  ? std::sqrt(square / static_cast<double>(n) + wide(eps))
                          : kind == Norm::l2 ? std::sqrt(square + wide(eps))
                          : kind == Norm::l1 ? std::max(magnitude, wide(eps))
                                             : sum + wide(eps);
        for (size_t j = g; j < g + static_cast<size_t>(n); ++j)
          want[j] = wide(x[j]) / by * (weighted ? wide(w.data()[j % static_cast<size_t>(cols)]) : 1);
      }
      Gapped in(x, count), out(x, count);
      const Tensor to = (in_place ? in : out).tensor();
      exec_->norm(to, in.tensor(), kind, weighted ? &w : nullptr, nullptr, eps, groups);
      EXPECT_LT(relative((in_place ? in : out).values(), want), 1e-5)
          << static_cast<int>(kind) << ": " << groups << " x " << n;
    }
}

// Every value by itself, from where the exponential is 0 to where it is large.
TEST_P(MixerOps, ActivateAndGate) {
  const int64_t count = 3, cols = 101;
  for (const Act act :
       {Act::none, Act::relu2, Act::sigmoid, Act::tanh, Act::silu, Act::relu, Act::elu1, Act::softplus}) {
    Values x = d_.normal(count * cols, 20), g = d_.normal(count * cols);
    x[0] = -80;
    x[1] = 80;
    x[2] = 1e-6f;
    Gapped xs(x, count), gs(g, count), y(x, count), gated(x, count);
    exec_->activate(y.tensor(), xs.tensor(), act);
    exec_->gate(gated.tensor(), gs.tensor(), xs.tensor(), act);
    exec_->activate(xs.tensor(), xs.tensor(), act);
    EXPECT_EQ(xs.values(), y.values()) << "in place";
    const Values a = y.values(), b = gated.values();
    for (size_t i = 0; i < x.size(); ++i) {
      const double want = activate64(act, wide(x[i]));
      // Some roundings of float32 each; what is below its smallest normal number may be 0.
      EXPECT_NEAR(wide(a[i]), want, 2e-6 * std::abs(want) + 1e-37) << "of " << x[i];
      EXPECT_NEAR(wide(b[i]), want * wide(g[i]), 2e-6 * std::abs(want * wide(g[i])) + 1e-37) << "of " << x[i];
    }
    exec_->activate(xs.tensor(), Gapped(x, count).tensor(), Act::none);
    exec_->gate(gs.tensor(), gs.tensor(), xs.tensor(), act);
    EXPECT_EQ(gs.values(), b) << "in place";
  }
}

TEST_P(MixerOps, AddScaledAndScale) {
  for (int i = 0; i < 8; ++i) {
    const int64_t count = d_.between(1, 5), cols = d_.between(1, 90);
    const Values x = d_.normal(count * cols), y = d_.normal(count * cols), s = d_.normal(cols);
    Gapped in(x, count), sum(y, count), scaled(y, count);
    exec_->add_scaled(sum.tensor(), in.tensor(), vector(s));
    exec_->scale(scaled.tensor(), in.tensor(), 0.3f);
    std::vector<double> want, product;
    for (size_t j = 0; j < x.size(); ++j) {
      want.push_back(wide(y[j]) + wide(x[j]) * wide(s[j % static_cast<size_t>(cols)]));
      product.push_back(wide(x[j]) * wide(0.3f));
    }
    EXPECT_LT(relative(sum.values(), want), 1e-6);
    EXPECT_LT(relative(scaled.values(), product), 1e-6);
  }
}

TEST_P(MixerOps, DeltaRule) {
  for (int i = 0; i < 24; ++i) {
    const bool decays = i % 2 == 0, weighs = i % 3 != 0, tiled = i % 4 < 2;
    const int64_t key_heads = d_.between(1, 3), heads = key_heads * d_.between(1, 3), count = d_.between(1, 5);
    const int64_t key = d_.between(1, 40), value = d_.between(1, 40);
    const float scale = 0.25f, beta_scale = i % 5 == 0 ? 2.0f : 1.0f;
    const Values q = d_.normal(count * key_heads * key), k = d_.normal(count * key_heads * key),
                 g = d_.normal(count * heads, 3), beta = d_.normal(count * heads, 3),
                 v = d_.normal(count * heads * value), rate = d_.uniform(heads, -8, 0), bias = d_.normal(heads);
    const Vector rates = vector(rate), biases = vector(bias);
    const Values keys(static_cast<size_t>(count * heads * key));
    Gapped qs(q, count), ks(k, count), gs(g, count), bs(beta, count), vs(v, count), log_w(g, count);
    Gapped r(keys, count), a(keys, count), b(keys, count);
    Exec::DeltaRule io{};
    io.q = qs.tensor();
    io.k = ks.tensor();
    if (decays) {
      io.g = gs.tensor();
      io.rate = &rates;
      io.bias = &biases;
      io.log_w = log_w.tensor();
    }
    if (weighs) io.beta = bs.tensor();
    io.r = r.tensor();
    io.a = a.tensor();
    io.b = b.tensor();
    io.v = vs.tensor();
    io.heads = heads;
    io.key_heads = key_heads;
    io.scale = scale;
    io.beta_scale = beta_scale;
    io.tiled = tiled;
    exec_->delta_rule(io);
    std::vector<double> rw, aw, bw, vw, lw;
    for (int64_t t = 0; t < count; ++t)
      for (int64_t h = 0; h < heads; ++h) {
        const auto at = static_cast<size_t>(t * heads + h), head = static_cast<size_t>(h);
        const int64_t from = (t * key_heads + (tiled ? h % key_heads : h / (heads / key_heads))) * key;
        lw.push_back(decays ? wide(rate[head]) * softplus64(wide(g[at]) + wide(bias[head])) : 0);
        const double weight = weighs ? wide(beta_scale) * sigmoid64(wide(beta[at])) : 1;
        for (int64_t j = 0; j < key; ++j) {
          rw.push_back(wide(scale) * wide(q[static_cast<size_t>(from + j)]));
          aw.push_back(wide(k[static_cast<size_t>(from + j)]));
          bw.push_back(std::exp(lw.back()) * weight * aw.back());
        }
        for (int64_t j = 0; j < value; ++j)
          vw.push_back(weight * wide(v[at * static_cast<size_t>(value) + static_cast<size_t>(j)]));
      }
    EXPECT_LT(relative(r.values(), rw), 1e-6);
    EXPECT_LT(relative(a.values(), aw), 1e-7);
    EXPECT_LT(relative(b.values(), bw), 1e-5);
    EXPECT_LT(relative(vs.values(), vw), 1e-6);
    if (decays) {
      EXPECT_LT(relative(log_w.values(), lw), 1e-6);
    }
    EXPECT_EQ(gs.values(), g);
    EXPECT_EQ(bs.values(), beta) << "an input has changed";
  }
}

TEST_P(MixerOps, Ssd) {
  for (int i = 0; i < 16; ++i) {
    const int64_t groups = d_.between(1, 3), heads = groups * d_.between(1, 3), count = d_.between(1, 5);
    const int64_t n = d_.between(1, 40), p = d_.between(1, 40);
    const float least = i % 2 == 0 ? 0 : 0.1f, most = i % 3 == 0 ? INFINITY : 0.5f;
    const Values x = d_.normal(count * heads * p), dt = d_.normal(count * heads, 3), b = d_.normal(count * groups * n),
                 c = d_.normal(count * groups * n), a = d_.uniform(heads, -16, -1), bias = d_.normal(heads);
    const Vector av = vector(a), biases = vector(bias);
    const Values keys(static_cast<size_t>(count * heads * n));
    Gapped xs(x, count), dts(dt, count), bs(b, count), cs(c, count), v(x, count), log_w(dt, count), k(keys, count),
        r(keys, count);
    exec_->ssd({xs.tensor(), dts.tensor(), bs.tensor(), cs.tensor(), &av, &biases, v.tensor(), log_w.tensor(),
                k.tensor(), r.tensor(), heads, groups, least, most});
    std::vector<double> vw, lw;
    Values kw, rw;
    for (int64_t t = 0; t < count; ++t)
      for (int64_t h = 0; h < heads; ++h) {
        const auto at = static_cast<size_t>(t * heads + h), head = static_cast<size_t>(h);
        const double step = std::min(std::max(softplus64(wide(dt[at]) + wide(bias[head])), wide(least)), wide(most));
        lw.push_back(step * wide(a[head]));
        for (int64_t j = 0; j < p; ++j)
          vw.push_back(step * wide(x[at * static_cast<size_t>(p) + static_cast<size_t>(j)]));
        const int64_t from = (t * groups + h / (heads / groups)) * n;
        kw.insert(kw.end(), b.begin() + from, b.begin() + from + n);
        rw.insert(rw.end(), c.begin() + from, c.begin() + from + n);
      }
    EXPECT_LT(relative(v.values(), vw), 1e-6);
    EXPECT_LT(relative(log_w.values(), lw), 1e-6);
    EXPECT_EQ(k.values(), kw);
    EXPECT_EQ(r.values(), rw);
  }
}

// Mamba-2's steps as one operation, of single tokens, of sequences and of both, in calls that follow each other.
TEST_P(MixerOps, SsdMix) {
  struct Case {
    std::vector<int32_t> lengths;
    int64_t heads, groups, states, values, taps;
    int norm;  // 0: none, 1: of the whole row, 2: by group, 3: by group and before the gate
    float least, most;
    bool strong;  // decays
    DType memory = DType::f32;
  };
  const std::vector<int32_t> many(70, 1);
  std::vector<Case> cases = {
      {{1}, 4, 1, 128, 64, 4, 1, 0, INFINITY, false},      {{1, 1, 1}, 4, 2, 64, 64, 4, 2, 0, INFINITY, false},
      {many, 2, 1, 128, 64, 3, 1, 0.1f, 0.5f, false},      {{1, 1}, 4, 2, 16, 64, 4, 0, 0, INFINITY, false},
      {{1, 1}, 4, 2, 128, 64, 2, 3, 0, INFINITY, false},   {{1, 1, 1}, 3, 1, 17, 20, 4, 1, 0, INFINITY, false},
      {{70}, 2, 1, 128, 64, 4, 1, 0, INFINITY, false},     {{64, 1, 300, 2}, 4, 2, 128, 64, 4, 2, 0, INFINITY, false},
      {{129, 128}, 2, 2, 64, 64, 4, 0, 0.1f, 0.5f, false}, {{257, 63}, 2, 1, 128, 64, 4, 1, 0, INFINITY, true},
      {{5, 9}, 2, 1, 64, 64, 4, 1, 0, INFINITY, false},    {{70, 2}, 2, 2, 64, 64, 1, 3, 0, INFINITY, false}};
  for (size_t i = 0, n = cases.size(); i < n && memory_types().size() > 1; ++i) {
    cases.push_back(cases[i]);
    cases.back().memory = DType::f16;
  }
  for (const Case& c : cases) {
    const int64_t inner = c.heads * c.values, n = c.groups * c.states, conv = inner + 2 * n, per = c.heads / c.groups;
    const int64_t norm_groups = c.norm >= 2 ? c.groups : 1;
    const StateSlice past{"conv", shape(c.taps - 1, conv), 64};
    const size_t state_at = 64 + (static_cast<size_t>((c.taps - 1) * conv) * sizeof(float) + 63) / 64 * 64;
    const StateSlice memory{"state", shape(c.heads, c.values, c.states), state_at, c.memory};
    const float eps = 1e-5f;
    const Values conv_w = d_.normal(c.taps * conv, 0.5f), conv_b = d_.normal(conv), bias = d_.normal(c.heads),
                 skip = d_.normal(inner), weight = d_.normal(inner),
                 a = d_.uniform(c.heads, c.strong ? -90 : -4, c.strong ? -20 : -0.01f);
    const Vector vconv_w = vector(conv_w), vconv_b = vector(conv_b), vbias = vector(bias), vskip = vector(skip),
                 vweight = vector(weight), va = vector(a);
    std::vector<std::shared_ptr<Buffer>> slots;
    std::vector<std::vector<double>> S;
    std::vector<Values> before;
    for (size_t s = 0; s < c.lengths.size(); ++s) {
      slots.push_back(be_->allocate(state_at + static_cast<size_t>(memory.shape.elements()) * memory_bytes(c.memory)));
      before.push_back(d_.normal((c.taps - 1) * conv));
      Values drawn = d_.normal(memory.shape.elements());
      if (c.memory == DType::f16)
        for (float& m : drawn) m = f16_to_float(float_to_f16(m));
      if (c.taps > 1) be_->write_state(slots.back()->data(), past, before.back().data());
      be_->write_state(slots.back()->data(), memory, drawn.data());
      S.emplace_back(drawn.begin(), drawn.end());
    }
    for (int call = 0; call < 2; ++call) {
      std::vector<Segment> segments;
      int32_t count = 0;
      for (size_t s = 0; s < c.lengths.size(); ++s) {
        segments.push_back({count, c.lengths[s], slots[s]->data()});
        count += c.lengths[s];
      }
      Rows rows;
      rows.count = count;
      rows.segments = {segments.data(), segments.size()};
      const Values z = d_.normal(count * inner), x = d_.normal(count * conv), dt = d_.normal(count * c.heads, 2);
      // As the columns of one matrix, with some behind them.
      const int64_t cols = (inner + conv + c.heads + 3) / 4 * 4 + 4;
      Values p(static_cast<size_t>(count * cols)), o(static_cast<size_t>(count * inner));
      for (int64_t t = 0; t < count; ++t) {
        std::copy_n(z.begin() + t * inner, inner, p.begin() + t * cols);
        std::copy_n(x.begin() + t * conv, conv, p.begin() + t * cols + inner);
        std::copy_n(dt.begin() + t * c.heads, c.heads, p.begin() + t * cols + inner + conv);
      }
      const Tensor all = tensor(p, count);
      Exec::SsdMix io;
      io.o = tensor(o, count);
      io.z = columns(all, 0, inner);
      io.x_bc = columns(all, inner, conv);
      io.dt = columns(all, inner + conv, c.heads);
      io.conv = &vconv_w;
      io.conv_bias = &vconv_b;
      io.a = &va;
      io.dt_bias = &vbias;
      io.d = &vskip;
      io.w = c.norm != 0 ? &vweight : nullptr;
      io.heads = c.heads;
      io.groups = c.groups;
      io.states = c.states;
      io.norm_groups = norm_groups;
      io.least = c.least;
      io.most = c.most;
      io.eps = eps;
      io.norm_before_gate = c.norm == 3;
      io.conv_state = past.offset;
      io.state = state_at;
      io.memory = c.memory;
      exec_->ssd_mix(io, rows);

      std::vector<double> want(o.size());
      for (size_t s = 0; s < segments.size(); ++s) {
        Values seen = before[s];
        const int32_t first = segments[s].first, length = segments[s].count;
        seen.insert(seen.end(), x.begin() + first * conv, x.begin() + (first + length) * conv);
        for (int32_t t = 0; t < length; ++t) {
          std::vector<double> u(static_cast<size_t>(conv));
          for (int64_t j = 0; j < conv; ++j) {
            double sum = wide(conv_b[static_cast<size_t>(j)]);
            for (int64_t tap = 0; tap < c.taps; ++tap)
              sum += wide(conv_w[static_cast<size_t>(tap * conv + j)]) *
                     wide(seen[static_cast<size_t>((t + tap) * conv + j)]);
            u[static_cast<size_t>(j)] = activate64(Act::silu, sum);
          }
          double* y = want.data() + (first + t) * inner;
          const auto gate = [&](int64_t j) {
            return activate64(Act::silu, wide(z[static_cast<size_t>((first + t) * inner + j)]));
          };
          for (int64_t h = 0; h < c.heads; ++h) {
            const double raw = softplus64(wide(dt[static_cast<size_t>((first + t) * c.heads + h)]) +
                                          wide(bias[static_cast<size_t>(h)]));
            const double step = std::min(std::max(raw, wide(c.least)), wide(c.most));
            const double decay = std::exp(step * wide(a[static_cast<size_t>(h)]));
            for (int64_t v = 0; v < c.values; ++v) {
              double sum = 0;
              for (int64_t k = 0; k < c.states; ++k) {
                double& m = S[s][static_cast<size_t>((h * c.values + v) * c.states + k)];
                m = m * decay + step * u[static_cast<size_t>(h * c.values + v)] *
                                    u[static_cast<size_t>(inner + h / per * c.states + k)];
                sum += m * u[static_cast<size_t>(inner + n + h / per * c.states + k)];
              }
              const auto j = static_cast<size_t>(h * c.values + v);
              y[j] = sum + wide(skip[j]) * u[j];
            }
          }
          const auto each_gated = [&] {
            for (int64_t j = 0; j < inner; ++j) y[j] *= gate(j);
          };
          if (c.norm != 3) each_gated();
          for (int64_t g = 0; g < norm_groups && c.norm != 0; ++g) {
            const int64_t width = inner / norm_groups;
            double square = 0;
            for (int64_t j = g * width; j < (g + 1) * width; ++j) square += y[j] * y[j] / static_cast<double>(width);
            for (int64_t j = g * width; j < (g + 1) * width; ++j)
              y[j] *= wide(weight[static_cast<size_t>(j)]) / std::sqrt(square + wide(eps));
          }
          if (c.norm == 3) each_gated();
        }
        before[s].assign(seen.end() - (c.taps - 1) * conv, seen.end());
        Values kept(before[s].size()), now(static_cast<size_t>(memory.shape.elements()));
        if (c.taps > 1) be_->read_state(kept.data(), slots[s]->data(), past);
        EXPECT_EQ(kept, before[s]) << "heads " << c.heads << " states " << c.states << " rows " << count;
        be_->read_state(now.data(), slots[s]->data(), memory);
        // A GPU rounds B, C, x and the states between chunks of a sequence to bf16.
        const bool rounded = bf16() && on_gpu() && count != static_cast<int32_t>(segments.size());
        EXPECT_LT(relative(now, S[s]), rounded                  ? 1e-2
                                       : c.memory == DType::f16 ? kUnit
                                                                : 2e-5)
            << "heads " << c.heads << " states " << c.states << " rows " << count;
        if (c.memory == DType::f16) S[s].assign(now.begin(), now.end());  // the next call begins with what is kept
      }
      const bool rounded = bf16() && on_gpu() && count != static_cast<int32_t>(segments.size());
      EXPECT_LT(relative(o, want), rounded ? 2e-2 : 2e-5)
          << "heads " << c.heads << " states " << c.states << " rows " << count;
    }
  }
}

TEST_P(MixerOps, HeadsThatAreCopied) {
  for (int i = 0; i < 12; ++i) {
    const int64_t kv_heads = d_.between(1, 3), per = d_.between(1, 3), heads = kv_heads * per, count = d_.between(1, 4);
    const int64_t n = d_.between(1, 40), m = d_.between(1, 40);
    const Values x = d_.normal(count * kv_heads * (n + m));
    Values repeated, one, two, with_ones;
    std::vector<double> divided;
    for (int64_t h = 0; h < count * kv_heads; ++h) {
      const auto head = x.begin() + h * (n + m);
      for (int64_t j = 0; j < per; ++j) repeated.insert(repeated.end(), head, head + n + m);
      one.insert(one.end(), head, head + n);
      two.insert(two.end(), head + n, head + n + m);
      with_ones.insert(with_ones.end(), head, head + n + m);
      with_ones.push_back(1);
      for (int64_t j = 0; j + 1 < n + m; ++j) divided.push_back(wide(head[j]) / (wide(head[n + m - 1]) + 1e-3));
    }
    Gapped in(x, count), r(repeated, count), a(one, count), b(two, count), y(with_ones, count),
        o(Values(divided.size()), count);
    for (Gapped* out : {&r, &a, &b, &y}) *out = Gapped(Values(out->values().size(), -7), count);
    exec_->repeat_heads(r.tensor(), in.tensor(), heads, kv_heads);
    exec_->split_heads(a.tensor(), b.tensor(), in.tensor(), kv_heads);
    exec_->append_ones(y.tensor(), in.tensor(), kv_heads);
    exec_->divide_by_last(o.tensor(), in.tensor(), kv_heads, 1e-3f);
    EXPECT_EQ(r.values(), repeated);
    EXPECT_EQ(a.values(), one);
    EXPECT_EQ(b.values(), two);
    EXPECT_EQ(y.values(), with_ones);
    EXPECT_LT(relative(o.values(), divided), 1e-5);
  }
}

// ---- goldens: tests/data/ops, whose unpack.py says where they come from and in which order the arrays lie
// -------------

constexpr int64_t kT = 50, kH = 2, kK = 16, kV = 32;

class Arrays {
 public:
  explicit Arrays(const std::string& op) : all_(read_values<float>(test_data("ops/" + op + ".f32"))) {}
  Values take(int64_t n) {
    at_ += n;
    return {all_.begin() + at_ - n, all_.begin() + at_};
  }

 private:
  Values all_;
  int64_t at_ = 0;
};

Values transposed(const Values& x, int64_t rows, int64_t cols) {
  Values y(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) y[static_cast<size_t>(c * rows + r)] = x[static_cast<size_t>(r * cols + c)];
  return y;
}

std::vector<double> doubles(const Values& x) { return {x.begin(), x.end()}; }

TEST_P(MixerOps, GoldenOfMamba) {
  Arrays g("mamba1");
  const int64_t channels = kV, n = kK;
  const Values u = g.take(kT * channels);
  Values dt = g.take(kT * channels);
  const Values bias = g.take(channels), z = g.take(kT * channels);
  Values a = transposed(g.take(channels * n), channels, n);
  const Values b = g.take(kT * n), c = g.take(kT * n), d = g.take(channels),
               start = transposed(g.take(channels * n), channels, n), plain = g.take(kT * channels),
               gated = g.take(kT * channels), end = transposed(g.take(channels * n), channels, n);
  for (float& x : a) x = -std::exp(x);
  for (size_t i = 0; i < dt.size(); ++i) dt[i] += bias[i % static_cast<size_t>(channels)];
  const StateSlice slice{"state", shape(n, channels), 0};
  const auto slot = be_->allocate(start.size() * sizeof(float));
  be_->write_state(slot->data(), slice, start.data());
  const Vector av = vector(a), dv = vector(d);
  Gapped y(u, kT), ur(u, kT), dr(dt, kT), br(b, kT), cr(c, kT), zr(z, kT);
  const Segment segment{0, kT, slot->data()};
  Rows rows;
  rows.count = kT;
  rows.segments = {&segment, 1};
  exec_->selective_scan({y.tensor(), ur.tensor(), dr.tensor(), br.tensor(), cr.tensor(), &av, &dv, 0}, rows);
  Values state(start.size());
  be_->read_state(state.data(), slot->data(), slice);
  EXPECT_LT(relative(y.values(), doubles(plain)), 1e-5);
  EXPECT_LT(relative(state, doubles(end)), 1e-5);
  exec_->gate(y.tensor(), y.tensor(), zr.tensor(), Act::silu);
  EXPECT_LT(relative(y.values(), doubles(gated)), 1e-5);
}

// The normaliser is one more row of values, all ones.
TEST_P(MixerOps, GoldenOfNormalisedLinearAttention) {
  Arrays g("linear_attention_norm");
  ScanProblem p;
  p.n = {kH, kK, kV + 1};
  p.lengths = {kT};
  p.tokens = kT;
  p.r = g.take(kT * kH * kK);
  p.k = g.take(kT * kH * kK);
  const Values v = g.take(kT * kH * kV);
  const float scale = g.take(1)[0];
  const Values start = g.take(kH * kK * kV), o = g.take(kT * kH * kV), end = g.take(kH * kK * kV), z = g.take(kH * kK),
               z_end = g.take(kH * kK);
  // [H, K, V] and [H, K] as one [H, V+1, K]
  const auto joined = [](const Values& s, const Values& ones) {
    Values out;
    for (int64_t h = 0; h < kH; ++h) {
      const Values head = transposed({s.begin() + h * kK * kV, s.begin() + (h + 1) * kK * kV}, kK, kV);
      out.insert(out.end(), head.begin(), head.end());
      out.insert(out.end(), ones.begin() + h * kK, ones.begin() + (h + 1) * kK);
    }
    return out;
  };
  p.states = {joined(start, z)};
  for (float& x : p.r) x *= scale;
  Gapped vs(v, kT), with_ones(Values(static_cast<size_t>(kT * kH * (kV + 1))), kT);
  exec_->append_ones(with_ones.tensor(), vs.tensor(), kH);
  p.v = with_ones.values();
  exec_->end();  // run_scan's own exec takes the threads
  const ScanResult got = run_scan(*be_, p, false);
  exec_->begin();
  Gapped y(got.o, kT), out(o, kT);
  exec_->divide_by_last(out.tensor(), y.tensor(), kH, 1e-10f);
  EXPECT_LT(relative(out.values(), doubles(o)), 1e-5);
  EXPECT_LT(relative(got.states[0], doubles(joined(end, z_end))), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Backends, MixerOps, testing::ValuesIn(candidates()),
                         [](const auto& test) { return std::string(test.param.backend) + "_" + test.param.dtype; });

}  // namespace
}  // namespace recurra::test
