// The recurrence under test: drawn inputs, its definition in float64, and one run of a backend's scan over them.
//     S_t = S_{t-1} (diag(w_t) - a_t b_t^T) + v_t k_t^T        o_t = S_t r_t
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "support/ops.h"

namespace recurra::test {

struct HeadShape {
  int64_t heads, key, value;
};

// Tokens that one call of scan takes from every sequence, as blocks or one by one.
struct Piece {
  int32_t tokens;
  bool block;
};

struct ScanProblem {
  Decay decay = Decay::none;
  bool erase = false;
  HeadShape n{};
  std::vector<int32_t> lengths;  // of the sequences
  Values r, k, v, a, b, log_w;   // [tokens of all sequences, H, K | V | 1]
  std::vector<Values> states;    // [H, V, K] each, at the start
  int64_t tokens = 0;
  int64_t gap = 3;  // floats behind each row of a tensor
  DType memory = DType::f32;
};

struct ScanResult {
  Values o;                    // [tokens, H, V]
  std::vector<Values> states;  // [H, V, K] each, at the end
};

struct ScanTruth {
  std::vector<double> o;
  std::vector<std::vector<double>> states;
};

// float64, straight from the definition.
inline ScanTruth define(const ScanProblem& p) {
  const auto [heads, key, value] = p.n;
  ScanTruth out;
  out.o.resize(static_cast<size_t>(p.tokens * heads * value));
  std::vector<double> w(static_cast<size_t>(key), 1.0);
  int64_t t = 0;
  for (size_t s = 0; s < p.lengths.size(); ++s) {
    out.states.emplace_back(p.states[s].begin(), p.states[s].end());
    for (int32_t i = 0; i < p.lengths[s]; ++i, ++t)
      for (int64_t h = 0; h < heads; ++h) {
        const auto at = static_cast<size_t>((t * heads + h) * key);
        for (size_t j = 0; j < w.size() && p.decay != Decay::none; ++j)
          w[j] = std::exp(
              static_cast<double>(p.log_w[p.decay == Decay::vector ? at + j : static_cast<size_t>(t * heads + h)]));
        for (int64_t row = 0; row < value; ++row) {
          double* S = out.states.back().data() + (h * value + row) * key;
          const double v = static_cast<double>(p.v[static_cast<size_t>((t * heads + h) * value + row)]);
          double erased = 0, read = 0;
          if (p.erase)
            for (size_t j = 0; j < w.size(); ++j) erased += S[j] * static_cast<double>(p.a[at + j]);
          for (size_t j = 0; j < w.size(); ++j) {
            S[j] *= w[j];
            if (p.erase) S[j] -= erased * static_cast<double>(p.b[at + j]);
            S[j] += v * static_cast<double>(p.k[at + j]);
            read += S[j] * static_cast<double>(p.r[at + j]);
          }
          out.o[static_cast<size_t>((t * heads + h) * value + row)] = read;
        }
      }
  }
  return out;
}

// Rows of a tensor with a gap behind each, NaN, that nobody may read or write.
class Gapped {
 public:
  Gapped(const Values& values, int64_t rows, int64_t gap = 3)
      : rows_(rows), cols_(static_cast<int64_t>(values.size()) / rows), gap_(gap) {
    data_.assign(static_cast<size_t>(rows * (cols_ + gap_)), std::numeric_limits<float>::quiet_NaN());
    for (int64_t i = 0; i < rows; ++i) std::copy_n(values.data() + i * cols_, cols_, data_.data() + i * (cols_ + gap_));
  }
  Tensor tensor() { return {data_.data(), rows_, cols_, cols_ + gap_}; }
  Values values() const {
    Values v;
    for (int64_t i = 0; i < rows_; ++i) {
      const auto row = data_.begin() + i * (cols_ + gap_);
      v.insert(v.end(), row, row + cols_);
      for (int64_t j = cols_; j < cols_ + gap_; ++j)
        EXPECT_TRUE(std::isnan(row[j])) << "the gap behind a row was written to";
    }
    return v;
  }

 private:
  int64_t rows_, cols_, gap_;
  Values data_;
};

// The backend's scan, in as many calls as there are pieces; none: one call with all tokens.
inline ScanResult run_scan(Backend& be, const ScanProblem& p, bool block, const std::vector<Piece>& pieces = {}) {
  constexpr size_t kGuard = 64;
  const StateSlice slice{"state", shape(p.n.heads, p.n.value, p.n.key), kGuard, p.memory};
  const size_t slot_bytes = 2 * kGuard + p.states[0].size() * memory_bytes(p.memory);
  std::vector<std::shared_ptr<Buffer>> slots;
  for (const Values& state : p.states) {
    slots.push_back(be.allocate(slot_bytes));
    std::memset(slots.back()->data(), 0x5a, slot_bytes);
    be.write_state(slots.back()->data(), slice, state.data());
  }
  const auto gapped = [&](const Values& values) { return Gapped(values, p.tokens, p.gap); };
  Gapped o = gapped(Values(static_cast<size_t>(p.tokens * p.n.heads * p.n.value))), r = gapped(p.r), k = gapped(p.k),
         v = gapped(p.v), a = gapped(p.a), b = gapped(p.b), log_w = gapped(p.log_w);
  Scan scan;
  scan.decay = p.decay;
  scan.erase = p.erase;
  scan.heads = p.n.heads;
  scan.key = p.n.key;
  scan.value = p.n.value;
  scan.o = o.tensor();
  scan.r = r.tensor();
  scan.k = k.tensor();
  scan.v = v.tensor();
  if (p.erase) {
    scan.a = a.tensor();
    scan.b = b.tensor();
  }
  if (p.decay != Decay::none) scan.log_w = log_w.tensor();
  scan.state = slice.offset;
  scan.memory = p.memory;
  const auto exec = be.exec();
  exec->begin();
  int32_t done = 0;
  for (const Piece& piece : pieces.empty() ? std::vector<Piece>{{0, block}} : pieces) {
    std::vector<Segment> segments;
    int32_t first = 0;
    for (size_t s = 0; s < slots.size(); first += p.lengths[s], ++s)
      segments.push_back({first + done, piece.tokens != 0 ? piece.tokens : p.lengths[s], slots[s]->data()});
    Rows rows;
    rows.count = static_cast<int32_t>(p.tokens);
    rows.segments = {segments.data(), segments.size()};
    rows.block = piece.block;
    exec->scan(scan, rows);
    done += piece.tokens;
  }
  exec->end();
  ScanResult out{o.values(), {}};
  for (const auto& slot : slots) {
    out.states.emplace_back(p.states[0].size());
    be.read_state(out.states.back().data(), slot->data(), slice);
    for (size_t i = 0; i < kGuard; ++i) {
      EXPECT_EQ(static_cast<int>(slot->data()[i]), 0x5a) << "written to before the state";
      EXPECT_EQ(static_cast<int>(slot->data()[slot_bytes - 1 - i]), 0x5a) << "written to behind the state";
    }
  }
  return out;
}

// Largest difference of outputs over the largest output, or of a state over its largest element, whichever is worse.
inline double error(const ScanResult& got, const ScanTruth& want) {
  double worst = relative(got.o, want.o);
  for (size_t s = 0; s < got.states.size(); ++s) worst = std::max(worst, relative(got.states[s], want.states[s]));
  return worst;
}

// The CPU backend with its scan forced into a form: "step", "chunk", or "" for its own choice.
inline std::unique_ptr<Backend> open_cpu(const char* form, int threads = 1) {
  std::string why;
  ::setenv("RECURRA_CPU_SCAN", form, 1);
  auto be = open_candidate({"cpu", "f32"}, &why, threads);
  ::unsetenv("RECURRA_CPU_SCAN");
  EXPECT_NE(be, nullptr) << why;
  return be;
}

}  // namespace recurra::test
