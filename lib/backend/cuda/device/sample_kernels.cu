// Tokens by temperature, top-k, top-p, min-p and the repeat penalty: those that Sampler::pick (model/sampler.h) gives
// for the same logits, to the bit, or kUndecided.
//
// Logits, weights and their order are exact (core/sampling.h). Sums are taken in another order than the host's, which
// moves them by less than kMargin (n + kMargin) 2^-53 of the total; where a sum lies that close to what it is compared
// with, the host decides.
//
// Nothing sorts a vocabulary. Tokens fall into kBins bins: in the order of their logits, finer near the best one,
//     bin = bits of float(best - l + 2^-8) above those of 2^-8, 256 bins an octave,
// or, where the order is that of their ids, by equal ranges of ids. Bins hold how many tokens and how much weight they
// have. Where top-k or top-p cut and where the draw falls is looked for among bins first, then within the one that it
// is in, whose tokens alone are sorted:
//     read_rows      the penalty's tokens, the best logit, the number of tokens above -inf   blocks over all tokens
//     fill_bins      the bins                                                                blocks over all tokens
//     pick_tokens    the cuts, the draw                                                      a block for a row
#include <algorithm>
#include <climits>
#include <cstring>

#include "backend/cuda/device/math.cuh"
#include "core/sampling.h"

namespace recurra::gpu {
namespace {

using sampling::logit_of;
using sampling::ordered;
using sampling::penalised;

constexpr int kUndecided = -1;
constexpr int kThreads = 256, kChunk = 2048;  // of read_rows and fill_bins: tokens of a block
constexpr int kPickThreads = 1024;
constexpr int kBins = 4096, kBinsEach = kBins / kPickThreads;
constexpr int kMost = 2048;  // tokens that are sorted at once
constexpr int kMostEach = kMost / kPickThreads;
constexpr int64_t kMostTokens = int64_t{1} << 22;  // of a vocabulary: ranges of ids are at most kMost long
constexpr double kMargin = 8, kMarginTokens = 256;
constexpr double kUlp = 0x1p-53;

// One row's pick, and what read_rows finds, in device memory.
struct Row {
  double uniform;
  unsigned long long best;  // ordered(logit) << 32 | ~id, the largest; 0: no logit is above -inf
  uint32_t finite, bad;     // tokens above -inf; whether a logit is NaN or infinite
  float temperature, top_p, min_p, repeat_penalty;
  int32_t top_k, n_recent;
  int64_t recent;  // where in the list of all rows' recent tokens

  __device__ float best_logit() const { return logit_of(static_cast<uint32_t>(best >> 32)); }
  __device__ bool cuts_by_count() const { return top_k > 0 && static_cast<uint32_t>(top_k) < finite; }
  __device__ bool by_id() const { return !cuts_by_count() && top_p == 1; }
};

struct Bins {
  double *weight, *drawn;  // exp(l - best); exp((l - best) / temperature) of those that min-p leaves
  uint32_t* tokens;
  __device__ Bins of_row(int64_t i) const { return {weight + i * kBins, drawn + i * kBins, tokens + i * kBins}; }
};

__device__ inline int bin_of(float best, float logit) {
  const uint32_t bits = __float_as_uint((best - logit) + 0x1p-8f) - __float_as_uint(0x1p-8f);
  return static_cast<int>(min(bits >> 15, static_cast<uint32_t>(kBins - 1)));
}
// The same where bins are ranges of 2^shift ids; a warp's tokens lie in one.
__host__ __device__ inline int shift_of(int64_t tokens) {
  int shift = 5;
  while ((tokens - 1) >> shift >= kBins) ++shift;
  return shift;
}

// One bit for each token of a block's chunk: the penalty is for it.
struct Marks {
  uint32_t bits[kChunk / 32];
  __device__ void set(const Row& r, const int32_t* recent, int first) {
    for (int i = static_cast<int>(threadIdx.x); i < kChunk / 32; i += kThreads) bits[i] = 0;
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < r.n_recent; i += kThreads) {
      const int at = recent[r.recent + i] - first;
      if (at >= 0 && at < kChunk) atomicOr(&bits[at / 32], 1u << (at % 32));
    }
    __syncthreads();
  }
  __device__ bool has(int at) const { return (bits[at / 32] >> (at % 32) & 1) != 0; }
};

__global__ void __launch_bounds__(kThreads) read_rows(gpu_tensor x, Row* rows, const int32_t* recent, Bins all) {
  __shared__ Marks marks;
  after_others();
  Row& r = rows[blockIdx.y];
  const float* in = row(x, blockIdx.y);
  const int n = static_cast<int>(x.cols), first = static_cast<int>(blockIdx.x) * kChunk;
  if (r.temperature > 0) {
    const Bins bins = all.of_row(blockIdx.y);
    for (int i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x); i < kBins;
         i += static_cast<int>(gridDim.x) * kThreads) {
      bins.weight[i] = 0;
      bins.drawn[i] = 0;
      bins.tokens[i] = 0;
    }
  }
  marks.set(r, recent, first);
  unsigned long long best = 0;
  uint32_t finite = 0;
  bool bad = false;
#pragma unroll
  for (int i = 0; i < kChunk / kThreads; ++i) {
    const int at = i * kThreads + static_cast<int>(threadIdx.x), id = first + at;
    float l = id < n ? in[id] : -INFINITY;
    bad |= !(l < INFINITY);
    if (!(l > -INFINITY)) continue;
    ++finite;
    if (marks.has(at)) l = penalised(l, r.repeat_penalty);
    best = max(best, static_cast<unsigned long long>(ordered(l)) << 32 | static_cast<uint32_t>(~id));
  }
  for (int step = kWarp / 2; step > 0; step /= 2) {
    best = max(best, __shfl_xor_sync(0xffffffffu, best, step));
    finite += __shfl_xor_sync(0xffffffffu, finite, step);
  }
  bad = __syncthreads_or(bad);
  if (threadIdx.x % kWarp != 0) return;
  if (bad) r.bad = 1;
  if (finite == 0) return;
  atomicMax(&r.best, best);
  atomicAdd(&r.finite, finite);
}

__global__ void __launch_bounds__(kThreads) fill_bins(gpu_tensor x, const Row* rows, const int32_t* recent, Bins all) {
  __shared__ Marks marks;
  after_others();
  const Row& r = rows[blockIdx.y];
  if (!(r.temperature > 0) || r.bad != 0 || r.best == 0) return;
  const float* in = row(x, blockIdx.y);
  const int n = static_cast<int>(x.cols), first = static_cast<int>(blockIdx.x) * kChunk, shift = shift_of(n);
  marks.set(r, recent, first);
  const Bins bins = all.of_row(blockIdx.y);
  const float best = r.best_logit();
  const double best_double = static_cast<double>(best), temperature = static_cast<double>(r.temperature);
  const double least = static_cast<double>(r.min_p);
  const bool by_id = r.by_id(), counted = r.cuts_by_count() || r.top_p < 1;
#pragma unroll 2
  for (int i = 0; i < kChunk / kThreads; ++i) {
    const int at = i * kThreads + static_cast<int>(threadIdx.x), id = first + at;
    float l = id < n ? in[id] : -INFINITY;
    const bool any = l > -INFINITY;
    if (any && marks.has(at)) l = penalised(l, r.repeat_penalty);
    double weight = 0, drawn = 0;
    if (any) {
      weight = drawn = sampling::weight(l, best_double, 1);
      if (temperature != 1) drawn = sampling::weight(l, best_double, temperature);
      if (weight < least) drawn = 0;
    }
    if (by_id) {
      for (int step = kWarp / 2; step > 0; step /= 2) drawn += __shfl_xor_sync(0xffffffffu, drawn, step);
      if (threadIdx.x % kWarp == 0 && drawn > 0) atomicAdd(&bins.drawn[id >> shift], drawn);
    } else if (any) {
      const int bin = bin_of(best, l);
      if (counted) atomicAdd(&bins.tokens[bin], 1u);
      if (r.top_p < 1) atomicAdd(&bins.weight[bin], weight);
      if (drawn > 0) atomicAdd(&bins.drawn[bin], drawn);
    }
  }
}

// One block's work on its row.
struct Picker {
  // Everything best first (by id: first) as one number, the smaller the sooner.
  using Item = unsigned long long;

  // What is left after a cut: the bins before `bin`, and its first `tokens` tokens.
  struct Cut {
    int bin;
    uint32_t tokens, before;  // before: tokens of the bins before it
  };
  struct Shared {
    Item items[kMost], listed[kMost];
    double sums[kPickThreads / kWarp];
    uint32_t counts[kPickThreads / kWarp];
    uint32_t n_items, n_listed, before, inside;
    int bin, reached;
    double sum_before, sum_inside;
  };

  const Row& r;
  const float* in;
  const int n;
  const int32_t* recent;
  const Bins bins;
  Shared& s;
  const float best;
  const bool by_id;
  const int t;
  int loaded = -1, listed_to = -1;  // bins that items and listed have
  uint32_t tokens_before = 0;       // of the bins before this thread's own kBinsEach

  __device__ Item item(float logit, int id) const {
    const Item down = static_cast<uint32_t>(~ordered(logit));
    return by_id ? static_cast<Item>(id) << 32 | down : down << 32 | static_cast<uint32_t>(id);
  }
  __device__ float logit(Item i) const { return logit_of(~static_cast<uint32_t>(by_id ? i : i >> 32)); }
  __device__ int id(Item i) const { return static_cast<int>(static_cast<uint32_t>(by_id ? i >> 32 : i)); }

  // The sum over the threads before this one, and over all. Two barriers at least.
  template <class T>
  __device__ T sum_before(T x, T& total, T* shared) const {
    const int lane = t % kWarp;
    T sum = x;
    for (int step = 1; step < kWarp; step *= 2) {
      const T other = __shfl_up_sync(0xffffffffu, sum, static_cast<unsigned>(step));
      if (lane >= step) sum += other;
    }
    __syncthreads();  // who still reads the last one
    if (lane == kWarp - 1) shared[t / kWarp] = sum;
    __syncthreads();
    T before = 0;
    total = 0;
    for (int i = 0; i < kPickThreads / kWarp; ++i) {
      if (i == t / kWarp) before = total;
      total += shared[i];
    }
    return before + (sum - x);
  }

  // Tokens of `bin` and of those before it, to s.inside and s.before.
  __device__ void count(int bin) const {
    __syncthreads();
    if (bin / kBinsEach == t) {
      uint32_t before = tokens_before;
      for (int i = t * kBinsEach; i < bin; ++i) before += bins.tokens[i];
      s.before = before;
      s.inside = bins.tokens[bin];
    }
    __syncthreads();
  }

  __device__ bool is_recent(int id) const {
    int from = 0, to = r.n_recent;
    while (from < to) {
      const int middle = (from + to) / 2;
      if (recent[middle] < id)
        from = middle + 1;
      else
        to = middle;
    }
    return from < r.n_recent && recent[from] == id;
  }

  static __device__ void append(Item i, Item* to, uint32_t* n) {
    const uint32_t at = atomicAdd(n, 1u);
    if (at < kMost) to[at] = i;
  }

  // The tokens of the row of ids from `first` to before `last` that are inside(logit), in any order.
  template <class In>
  __device__ void gather(int first, int last, Item* to, uint32_t* count, const In& inside) const {
    if (t == 0) *count = 0;
    __syncthreads();
    constexpr int kAtOnce = 8;  // are asked for before any is used
    for (int from = first + t; from < last; from += kAtOnce * kPickThreads) {
      float l[kAtOnce];
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        const int j = from + i * kPickThreads;
        l[i] = j < last ? in[j] : -INFINITY;
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        const int j = from + i * kPickThreads;
        if (l[i] > -INFINITY && inside(l[i]) && !is_recent(j)) append(item(l[i], j), to, count);
      }
    }
    for (int i = t; i < r.n_recent; i += kPickThreads) {
      const int j = recent[i];
      if (j < first || j >= last || !(in[j] > -INFINITY)) continue;
      const float l = penalised(in[j], r.repeat_penalty);
      if (inside(l)) append(item(l, j), to, count);
    }
    __syncthreads();
  }

  __device__ void sort() const {
    uint32_t size = 2;
    while (size < s.n_items) size *= 2;
    for (uint32_t i = s.n_items + static_cast<uint32_t>(t); i < size; i += kPickThreads) s.items[i] = ~Item{0};
    for (uint32_t run = 2; run <= size; run *= 2) {
      for (uint32_t step = run / 2; step > 0; step /= 2) {
        __syncthreads();
        const uint32_t k = static_cast<uint32_t>(t);
        if (k >= size / 2) continue;
        const uint32_t a = 2 * k - (k & (step - 1)), b = a + step;
        const Item x = s.items[a], y = s.items[b];
        if ((x > y) == ((a & run) == 0)) {
          s.items[a] = y;
          s.items[b] = x;
        }
      }
    }
    __syncthreads();
  }

  // The tokens of a bin in order to s.items. False: there are too many.
  __device__ bool load(int bin) {
    if (bin == loaded) return true;
    const float top = best;
    if (by_id) {
      const int shift = shift_of(n);
      gather(bin << shift, min(n, (bin + 1) << shift), s.items, &s.n_items, [](float) { return true; });
    } else {
      count(bin);
      const uint32_t inside = s.inside, upto = s.before + inside;
      if (inside > kMost) return false;
      if (bin > listed_to && upto <= kMost) {
        gather(0, n, s.listed, &s.n_listed, [=](float l) { return bin_of(top, l) <= bin; });
        listed_to = bin;
      }
      if (bin <= listed_to) {
        if (t == 0) s.n_items = 0;
        __syncthreads();
        for (uint32_t i = static_cast<uint32_t>(t); i < s.n_listed; i += kPickThreads)
          if (bin_of(top, logit(s.listed[i])) == bin) append(s.listed[i], s.items, &s.n_items);
        __syncthreads();
      } else {
        gather(0, n, s.items, &s.n_items, [=](float l) { return bin_of(top, l) == bin; });
      }
    }
    if (s.n_items > kMost) return false;
    sort();
    loaded = bin;
    return true;
  }

  // The first k tokens.
  __device__ bool cut_by_count(uint32_t k, Cut& cut) {
    uint32_t before = tokens_before;
    for (int i = t * kBinsEach; i < (t + 1) * kBinsEach; ++i) {
      const uint32_t inside = bins.tokens[i];
      if (before < k && k <= before + inside) s.bin = i;
      before += inside;
    }
    count(0);  // for its barriers
    const int bin = s.bin;
    count(bin);
    cut = {bin, k - s.before, s.before};
    if (cut.tokens != s.inside) return load(bin);
    cut = {bin + 1, 0, k};
    return true;
  }

  // Of the tokens before the cut, the first at which the sum of their weights reaches `fraction` of the sum of all:
  // its bin, and its place there. weight(logit), and their sums by bin.
  struct Place {
    int bin;
    uint32_t at;
  };
  template <class Weight>
  __device__ bool cross(const double* sums, const Cut& cut, double tokens, double fraction, const Weight& weight,
                        Place& place) {
    double each[kBinsEach], own = 0, total, rest = 0;
    for (int i = 0; i < kBinsEach; ++i) {
      each[i] = t * kBinsEach + i < cut.bin ? sums[t * kBinsEach + i] : 0;
      own += each[i];
    }
    double before = sum_before(own, total, s.sums);
    const double whole_bins = total;
    if (cut.tokens != 0) {
      if (!load(cut.bin)) return false;
      double part = 0;
      for (int i = 0; i < kMostEach; ++i) {
        const uint32_t k = static_cast<uint32_t>(t * kMostEach + i);
        if (k < cut.tokens) part += weight(logit(s.items[k]));
      }
      sum_before(part, rest, s.sums);
      total += rest;
    }
    const double target = total * fraction, margin = kMargin * (tokens + kMarginTokens) * kUlp * total;

    if (t == 0) s.bin = cut.bin;
    __syncthreads();
    for (int i = 0; i < kBinsEach; ++i) {
      before += each[i];
      if (each[i] > 0 && before >= target) {
        atomicMin(&s.bin, t * kBinsEach + i);
        break;
      }
    }
    __syncthreads();
    const int bin = s.bin;
    if (bin == cut.bin && cut.tokens == 0) return false;
    if (bin < cut.bin && bin / kBinsEach == t) {
      // `before` is the sum up to and with that bin: the loop ended there.
      s.sum_before = before - each[bin % kBinsEach];
    }
    if (bin == cut.bin && t == 0) s.sum_before = whole_bins;
    if (!load(bin)) return false;
    __syncthreads();
    const double start = s.sum_before;
    const uint32_t most = bin == cut.bin ? cut.tokens : s.n_items;

    double items[kMostEach], sum = 0, all;
    for (int i = 0; i < kMostEach; ++i) {
      const uint32_t k = static_cast<uint32_t>(t * kMostEach + i);
      items[i] = k < most ? weight(logit(s.items[k])) : 0;
      sum += items[i];
    }
    if (t == 0) s.reached = INT_MAX;
    double at = start + sum_before(sum, all, s.sums);
    bool close = start > 0 && fabs(start - target) <= margin;
    for (int i = 0; i < kMostEach; ++i) {
      const int k = t * kMostEach + i;
      if (static_cast<uint32_t>(k) >= most) break;
      at += items[i];
      close |= fabs(at - target) <= margin;
      if (at > target) {
        atomicMin(&s.reached, k);
        break;
      }
    }
    if (__syncthreads_or(close)) return false;
    place = {bin, static_cast<uint32_t>(s.reached)};
    return s.reached != INT_MAX;
  }

  __device__ int pick() {
    if (r.bad != 0 || r.best == 0) return kUndecided;
    if (!(r.temperature > 0)) return static_cast<int>(~static_cast<uint32_t>(r.best));
    Cut cut{kBins, 0, r.finite};
    if (!by_id) {
      uint32_t own = 0, total;
      for (int i = 0; i < kBinsEach; ++i) own += bins.tokens[t * kBinsEach + i];
      tokens_before = sum_before(own, total, s.counts);
    }
    if (r.cuts_by_count() && !cut_by_count(static_cast<uint32_t>(r.top_k), cut)) return kUndecided;
    Place place{};
    const double top = static_cast<double>(best);
    const auto tokens = [](const Cut& c) { return static_cast<double>(c.before) + static_cast<double>(c.tokens); };
    if (r.top_p < 1) {
      const auto weight = [=](float l) { return sampling::weight(l, top, 1); };
      if (!cross(bins.weight, cut, tokens(cut), static_cast<double>(r.top_p), weight, place)) return kUndecided;
      count(place.bin);
      cut = {place.bin, place.at + 1, s.before};
    }
    const double least = static_cast<double>(r.min_p), temperature = static_cast<double>(r.temperature);
    const auto drawn = [=](float l) {
      if (least > 0 && sampling::weight(l, top, 1) < least) return 0.0;
      return sampling::weight(l, top, temperature);
    };
    if (!cross(bins.drawn, cut, tokens(cut), r.uniform, drawn, place)) return kUndecided;
    return id(s.items[place.at]);
  }
};

// `out` is in host memory.
__global__ void __launch_bounds__(kPickThreads)
    pick_tokens(gpu_tensor x, const Row* rows, const int32_t* recent, Bins all, int32_t* out) {
  __shared__ Picker::Shared shared;
  after_others();
  const Row& r = rows[blockIdx.x];
  Picker picker{r,
                row(x, blockIdx.x),
                static_cast<int>(x.cols),
                recent + r.recent,
                all.of_row(blockIdx.x),
                shared,
                r.best_logit(),
                r.by_id(),
                static_cast<int>(threadIdx.x)};
  const int token = picker.pick();
  if (threadIdx.x == 0) out[blockIdx.x] = token;
}

}  // namespace

void sample_rows(gpu_exec& exec, int32_t* out, const gpu_pick* picks, const gpu_tensor& logits) {
  const auto rows = static_cast<size_t>(logits.rows);
  if (rows == 0) return;
  size_t n_recent = 0;
  for (size_t i = 0; i < rows; ++i) n_recent += static_cast<size_t>(picks[i].n_recent);
  // [rows][recent tokens of all of them], which the device gets a copy of, and [tokens], where it writes.
  const size_t sent = rows * sizeof(Row) + n_recent * sizeof(int32_t);
  auto* pinned = reinterpret_cast<char*>(exec.pinned(sent + rows * sizeof(int32_t)));
  std::fill_n(out, rows, kUndecided);
  if (pinned == nullptr || logits.cols < 1 || logits.cols > kMostTokens) return;
  auto* recent = reinterpret_cast<int32_t*>(pinned + rows * sizeof(Row));
  auto* tokens = reinterpret_cast<int32_t*>(pinned + sent);
  int64_t at = 0;
  bool drawn = false;
  for (size_t i = 0; i < rows; ++i) {
    const gpu_pick& p = picks[i];
    const Row r{p.uniform, 0, 0, 0, p.temperature, p.top_p, p.min_p, p.repeat_penalty, p.top_k, p.n_recent, at};
    std::memcpy(pinned + i * sizeof(Row), &r, sizeof r);
    std::copy_n(p.recent, p.n_recent, recent + at);
    at += p.n_recent;
    drawn = drawn || p.temperature > 0;
  }
  const size_t table = rows * kBins, rows_at = table * (2 * sizeof(double) + sizeof(uint32_t));
  auto* memory = static_cast<char*>(exec.picking.need(rows_at + sent));
  const Bins bins{reinterpret_cast<double*>(memory), reinterpret_cast<double*>(memory) + table,
                  reinterpret_cast<uint32_t*>(memory + table * 2 * sizeof(double))};
  auto* row_at = reinterpret_cast<Row*>(memory + rows_at);
  const auto* recent_at = reinterpret_cast<const int32_t*>(row_at + rows);
  check(cudaMemcpyAsync(row_at, pinned, sent, cudaMemcpyHostToDevice, exec.stream), "copying picks");
  const dim3 chunks(static_cast<unsigned>(ceil_div(logits.cols, kChunk)), static_cast<unsigned>(rows));
  launch(exec, "read_rows", chunks, kThreads, 0, read_rows, logits, row_at, recent_at, bins);
  if (drawn) launch(exec, "fill_bins", chunks, kThreads, 0, fill_bins, logits, row_at, recent_at, bins);
  launch(exec, "pick_tokens", dim3(static_cast<unsigned>(rows)), kPickThreads, 0, pick_tokens, logits, row_at,
         recent_at, bins, tokens);
  check(cudaStreamSynchronize(exec.stream), "computing");
  std::copy_n(tokens, rows, out);
}

}  // namespace recurra::gpu
