// The chunk form of the recurrence, for one head: many tokens as matrix products.
//     S_t = S_{t-1} (diag(w_t) - a_t b_t^T) + v_t k_t^T        o_t = S_t r_t         S in R^{V x K}
//
// Let P(s,t) = w_{s+1} * ... * w_t, channel by channel; P(t,t) = 1, and every P is at most 1. With e_t = S_{t-1} a_t,
// what token t erases, the recurrence unrolls from the state S_0 before the chunk to
//     S_t = S_0 diag(P(0,t)) + sum_{s<=t} (v_s k_s^T - e_s b_s^T) diag(P(s,t))
// and, put into the definitions of e_t and o_t,
//     e_t = S_0 (P(0,t-1) a_t) + sum_{s<t}  [ Lak(t,s) v_s - Lab(t,s) e_s ]     Lak(t,s) = sum_j a_tj P_j(s,t-1) k_sj
//     o_t = S_0 (P(0,t)   r_t) + sum_{s<=t} [ Lrk(t,s) v_s - Lrb(t,s) e_s ]     Lrk(t,s) = sum_j r_tj P_j(s,t)   k_sj
// Lab, Lrb likewise with b. With the chunk's C tokens as rows (E, V, O [C, V]; A^, R^ [C, K] with the P(0,.) in them):
//     (I + Lab) E = A^ S_0^T + Lak V                       Lab strictly lower triangular: forward substitution
//     O = R^ S_0^T + Lrk V - Lrb E
//     S_C = S_0 diag(P(0,C)) + V^T K^ - E^T B^             K^, B^ [C, K]: k_s P(s,C), b_s P(s,C)
// This is the WY form of the product of the transitions (Yang et al. 2024, arXiv:2406.06484; with a scalar decay, Yang
// et al. 2024, arXiv:2412.06464; with a vector decay and a != b, Peng et al. 2025, arXiv:2503.14456; without the erase
// it is the SSD form of Dao & Gu 2024, arXiv:2405.21060). The system is solved for E itself instead of for W and U with
// E = W S_0^T + U: V columns instead of K + V.
//
// Numerics. Every decay is a product of w's that begins anew at each chunk: never a quotient, never a difference of
// large logarithms. So w = 0 is as exact as w = 1, nothing can overflow, and P(s,t) has a relative error of at most t-s
// roundings, as in the step form. (The same numbers as exp(G_t - G_s) of cumulative logarithms G; those would cost an
// exponential each and lose |G| * 2^-24.) A scalar decay multiplies the plain products r_t . k_s afterwards; for a
// vector decay a_t and r_t walk backwards from s = t, multiplied by w_s between s and s - 1. The triangular system is
// solved by substitution, which follows the recurrence token by token; a power series or an explicit inverse of I + Lab
// is not stable when keys are alike (entries near beta <= 2 everywhere below the diagonal).
//
// The chunk is 16 tokens. Of its multiply-adds per token, 4 K V with erase (2 K V without) do not depend on C; the
// rest, about 2 C (K + V) (C (K + V) / 2), grows with it, and the products with the state are at full speed from C = 16
// on. With chunks of 64, in sub-chunks of 16 whose off-diagonal blocks refer to the later one's start, the same kernels
// were measured to be 1.2 to 2.2 times slower.
//
// Measured: speed of the chunk form over that of the step form. One thread's CPU time, the median of three runs, each
// the medians of 41 alternating pairs over 256 tokens; Xeon (Sapphire Rapids), 2 vCPUs of a shared machine: within 0.1
// or so. With erase the chunk form has half as many multiply-adds again at K = V = 64; from V = 128 on the step form's
// L1 misses outweigh that.
//
//       K    V     no decay       scalar decay    vector decay
//                  -    erase      -    erase      -    erase
//      32   32   1.08   0.61      1.54   0.69      1.43   0.74     avx512
//      64   64   1.06   0.66      1.12   0.64      1.20   0.70
//     128   64   1.21   0.83      1.22   0.82      1.31   0.88
//      64  128   1.30   0.84      1.32   0.86      1.50   0.96
//     128  128   2.00   1.05      1.82   1.00      1.86   1.11
//     256  256   2.36   1.52      2.90   1.54      2.82   1.62
//      32   32   0.83   0.52      0.92   0.52      0.94   0.59     avx2
//      64   64   1.16   0.71      1.26   0.80      1.28   0.86
//     128   64   1.25   0.73      1.25   0.72      1.42   0.78
//      64  128   1.41   0.97      1.54   0.99      1.75   1.20
//     128  128   1.59   1.01      1.59   1.06      1.81   1.25
//     256  256   1.78   1.23      1.85   1.29      2.12   1.57
//      64   64   1.01   0.81      1.20   0.87      3.08   1.72     plain
//      64  128   1.12   0.88      1.32   0.96      3.80   2.06
#include <xmmintrin.h>

#include <cassert>
#include <utility>

#include "backend/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/chunk_kernels.cpp"
// clang-format off
#include "backend/cpu/highway.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include "backend/cpu/math-inl.h"

#ifndef RECURRA_BACKEND_CPU_CHUNK_WORK
#define RECURRA_BACKEND_CPU_CHUNK_WORK
namespace recurra {
namespace {

constexpr int64_t kChunk = 16;
static_assert(kBlock % kChunk == 0, "a block is whole chunks");
constexpr int64_t kMostLanes = 16, kMostColumns = 4 * kMostLanes;  // values that are worked on together

// A token writes v k^T and, with erase, -e b^T. The two stand next to each other in every sum: what the one erases is
// mostly what the other has written, and sums of all v and of all e by themselves would be large and cancel.
constexpr int64_t writes(bool erase) { return erase ? 2 : 1; }

// The scratch of one head: `keys` is K rounded up to whole vectors, with zeros behind K.
struct Work {
  static int64_t floats(int64_t keys) {
    return (7 * kChunk + 1) * keys + kChunk * kChunk + 2 * kChunk * 2 * kChunk + 2 * kChunk * kMostColumns;
  }
  Work(float* at, int64_t n) : keys(n) {
    const float* const begin = at;
    const auto take = [&](int64_t count) { return std::exchange(at, at + count); };
    for (float** rows : {&a, &r, &a_now, &r_now, &w}) *rows = take(kChunk * keys);
    kb = take(2 * kChunk * keys);
    whole = take(keys);
    between = take(kChunk * kChunk);
    erase = take(kChunk * 2 * kChunk);
    read = take(kChunk * 2 * kChunk);
    ve = take(2 * kChunk * kMostColumns);
    assert(at - begin == floats(keys));
    static_cast<void>(begin);
  }
  int64_t keys;
  float *a, *r;          // [C, keys]: A^ and R^
  float *a_now, *r_now;  // [C, keys]: as they came in; used up while walking backwards
  float* w;              // [C, keys], or [C] for a scalar decay
  float* kb;             // [C * writes, keys]: k_0, b_0, k_1, ... as they came in, then K^ and B^
  float* whole;          // [keys]: P(0,C)
  float* between;        // [C, C]: P(s,t) of a scalar decay, row t, s <= t
  float* erase;          // [C, C * writes]: Lak(t,0), Lab(t,0), Lak(t,1), ...; zeros on and above the diagonal
  float* read;           // [C, C * writes]: Lrk(t,0), Lrb(t,0), Lrk(t,1), ...; zeros above the diagonal
  float* ve;             // [C * writes, columns]: v_0, -e_0, v_1, ... of the columns at hand
};

// A decay over some tokens soon falls below the normal range, where x86 is a hundred times slower: it is 0 there.
// (2^-126 of something is nothing beside what the tokens in between have written.)
class FlushToZero {
 public:
  FlushToZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }  // FTZ, DAZ
  ~FlushToZero() { _mm_setcsr(before_); }
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
  const unsigned before_;
};

}  // namespace
}  // namespace recurra
#endif

HWY_BEFORE_NAMESPACE();
namespace recurra {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kLanes = HWY_LANES(float);
// A tile of a product lies in registers: 4 rows of 4 vectors in AVX-512's 32, of 2 vectors in 16.
constexpr int kRows = 4, kWide = HWY_TARGET == HWY_AVX3 ? 4 : 2;
static_assert(kLanes <= kMostLanes && kWide * kLanes <= kMostColumns && kChunk % kRows == 0, "");

// tile[i][n] += sum_{m < depth} A(i, m) B(m, n), with A(i, m) at a[i * row + m * step].
template <int R, int N, class Access>
HWY_INLINE void multiply_add(VF (&tile)[R][N], const float* a, int64_t row, int64_t step, int64_t depth, const float* b,
                             int64_t ldb, const Access& at) {
  const DF d;
  for (int64_t m = 0; m < depth; ++m) {
    VF x[N];
    for (int n = 0; n < N; ++n) x[n] = at.load(d, b + m * ldb + n * kLanes);
    for (int i = 0; i < R; ++i) {
      const VF y = hn::Set(d, a[i * row + m * step]);
      for (int n = 0; n < N; ++n) tile[i][n] = hn::MulAdd(y, x[n], tile[i][n]);
    }
  }
}

template <int R, int N>
HWY_INLINE void clear(VF (&tile)[R][N]) {
  for (auto& row : tile)
    for (VF& x : row) x = hn::Zero(DF());
}

// ---- What depends on the keys: the decays, and all that is C x C or C x K ----

// A scalar decay of the chunk's tokens and all products of it.
HWY_INLINE void scalar_decays(const ScanHead& h, int64_t t0, const Work& w) {
  float log_w[kChunk];
  for (int64_t t = 0; t < kChunk; ++t) log_w[t] = h.log_w[(t0 + t) * h.w_stride];
  for_lanes(kChunk, [&](DF d, auto m, int64_t i) HWY_ATTR {
    hn::BlendedStore(exp_any(d, hn::MaskedLoad(m, d, log_w + i)), m, d, w.w + i);
  });
  for (int64_t t = 0; t < kChunk; ++t) {
    float* row = w.between + t * kChunk;
    for (int64_t s = 0; s < t; ++s) row[s] = row[s - kChunk] * w.w[t];
    row[t] = 1;
  }
}

// Copies a vector of keys of all tokens (j and on), with A^ and R^ and P(0,C).
template <Decay D, bool Erase, class Access>
HWY_INLINE void load_keys(const ScanHead& h, int64_t t0, const Work& w, int64_t j, const Access& in) {
  const DF d;
  VF decay = hn::Set(d, 1.0f);
  for (int64_t t = 0; t < kChunk; ++t) {
    const int64_t from = t0 + t, to = t * w.keys + j;
    float* kb = w.kb + t * writes(Erase) * w.keys + j;
    hn::StoreU(in.load(d, h.k + from * h.k_stride + j), d, kb);
    if (Erase) {
      const VF a = in.load(d, h.a + from * h.a_stride + j);
      hn::StoreU(in.load(d, h.b + from * h.b_stride + j), d, kb + w.keys);
      hn::StoreU(a, d, w.a_now + to);
      if (D != Decay::none) hn::StoreU(hn::Mul(a, decay), d, w.a + to);
    }
    if (D == Decay::scalar) decay = hn::Mul(decay, hn::Set(d, w.w[t]));
    if (D == Decay::vector) {
      const VF now = exp_any(d, in.load(d, h.log_w + from * h.w_stride + j));
      hn::StoreU(now, d, w.w + to);
      decay = hn::Mul(decay, now);
    }
    const VF r = in.load(d, h.r + from * h.r_stride + j);
    hn::StoreU(r, d, w.r_now + to);
    if (D != Decay::none) hn::StoreU(hn::Mul(r, decay), d, w.r + to);
  }
  if (D != Decay::none) hn::StoreU(decay, d, w.whole + j);
}

// One row of Lak and Lab, or of Lrk and Lrb: sum_j x_j P_j(s,last) k_sj for s <= last, and the same with b, eight sums
// at a time. With a vector decay x is used up: it ends as x P(0,last).
template <Decay D, bool Erase>
HWY_INLINE void products(const Work& w, float* x, int64_t last, float* out) {
  const DF d;
  constexpr int64_t W = writes(Erase);
  constexpr int kSums = 8, kTokens = kSums / W;
  for (int64_t s0 = last < 0 ? -1 : last / kTokens * kTokens; s0 >= 0; s0 -= kTokens) {
    VF sum[kSums];
    for (VF& s : sum) s = hn::Zero(d);
    for (int64_t j = 0; j < w.keys; j += kLanes) {
      VF y = hn::LoadU(d, x + j);
      for (int s = kTokens - 1; s >= 0; --s) {
        if (s0 + s > last) continue;
        for (int i = 0; i < W; ++i)
          sum[s * W + i] = hn::MulAdd(y, hn::LoadU(d, w.kb + ((s0 + s) * W + i) * w.keys + j), sum[s * W + i]);
        if (D == Decay::vector) y = hn::Mul(y, hn::LoadU(d, w.w + (s0 + s) * w.keys + j));
      }
      if (D == Decay::vector) hn::StoreU(y, d, x + j);
    }
    sum4(sum, out + s0 * W);
    sum4(sum + 4, out + s0 * W + 4);
  }
  if (D == Decay::scalar)
    for (int64_t i = 0; i < (last + 1) * W; ++i) out[i] *= w.between[last * kChunk + i / W];
  for (int64_t i = (last + 1) * W; i < kChunk * W; ++i) out[i] = 0;
}

// k and b become K^ and B^.
template <Decay D, bool Erase>
HWY_INLINE void decay_keys(const Work& w) {
  const DF d;
  constexpr int64_t W = writes(Erase);
  for (int64_t j = 0; j < w.keys; j += kLanes) {
    VF decay = hn::Set(d, 1.0f);
    for (int64_t s = kChunk - 1; s > 0; --s) {
      decay = hn::Mul(decay, D == Decay::vector ? hn::LoadU(d, w.w + s * w.keys + j) : hn::Set(d, w.w[s]));
      for (int64_t i = (s - 1) * W; i < s * W; ++i) {
        float* kb = w.kb + i * w.keys + j;
        hn::StoreU(hn::Mul(hn::LoadU(d, kb), decay), d, kb);
      }
    }
  }
}

template <Decay D, bool Erase>
HWY_NOINLINE void keys_of(const ScanHead& h, int64_t t0, const Work& w) {
  if (D == Decay::scalar) scalar_decays(h, t0, w);
  int64_t j = 0;
  for (; j + kLanes <= h.key; j += kLanes) load_keys<D, Erase>(h, t0, w, j, Full{});
  if (j < h.key) load_keys<D, Erase>(h, t0, w, j, Part{hn::FirstN(DF(), static_cast<size_t>(h.key - j))});
  for (int64_t t = 0; t < kChunk; ++t) {
    if (Erase) products<D, Erase>(w, w.a_now + t * w.keys, t - 1, w.erase + t * kChunk * writes(Erase));
    products<D, Erase>(w, w.r_now + t * w.keys, t, w.read + t * kChunk * writes(Erase));
  }
  if (D != Decay::none) decay_keys<D, Erase>(w);
}

// ---- What depends on the values: N vectors of them, from `column` on ----

// -E by forward substitution: four tokens' right-hand sides are products with all that is known; then their triangle.
template <int N, class Access>
HWY_INLINE void solve(const ScanHead& h, const Work& w, const float* a, const float* state, const Access& at) {
  const DF d;
  constexpr int64_t ldx = N * kLanes, row = 2 * kChunk;
  for (int64_t t = 0; t < kChunk; t += kRows) {
    VF e[kRows][N];
    clear(e);
    const float* l = w.erase + t * row;
    multiply_add(e, a + t * w.keys, w.keys, 1, h.key, state, h.value, at);
    multiply_add(e, l, row, 1, 2 * t, w.ve, ldx, Full{});
    multiply_add(e, l + 2 * t, row, 2, kRows - 1, w.ve + 2 * t * ldx, 2 * ldx, Full{});
    for (int i = 0; i < kRows; ++i) {
      for (int s = 0; s < i; ++s) {
        const VF b = hn::Set(d, l[i * row + 2 * (t + s) + 1]);
        for (int n = 0; n < N; ++n) e[i][n] = hn::NegMulAdd(b, e[s][n], e[i][n]);
      }
      for (int n = 0; n < N; ++n) hn::StoreU(hn::Neg(e[i][n]), d, w.ve + (2 * (t + i) + 1) * ldx + n * kLanes);
    }
  }
}

// R rows of S^T, which is how the state is kept: [K, V], from key j on.
template <Decay D, bool Erase, int R, int N, class Access>
HWY_INLINE void update(const ScanHead& h, const Work& w, int64_t j, float* state, const Access& at) {
  const DF d;
  VF s[R][N];
  for (int i = 0; i < R; ++i)
    for (int n = 0; n < N; ++n) {
      s[i][n] = at.load(d, state + (j + i) * h.value + n * kLanes);
      if (D != Decay::none) s[i][n] = hn::Mul(s[i][n], hn::Set(d, w.whole[j + i]));
    }
  multiply_add(s, w.kb + j, 1, w.keys, kChunk * writes(Erase), w.ve, N * kLanes, Full{});
  for (int i = 0; i < R; ++i)
    for (int n = 0; n < N; ++n) at.store(s[i][n], d, state + (j + i) * h.value + n * kLanes);
}

template <Decay D, bool Erase, int N, class Access>
HWY_NOINLINE void values_of(const ScanHead& h, int64_t t0, const Work& w, int64_t column, const Access& at) {
  const DF d;
  constexpr int64_t W = writes(Erase), ldx = N * kLanes, row = kChunk * W;
  float* state = h.state + column;
  for (int64_t t = 0; t < kChunk; ++t)
    for (int n = 0; n < N; ++n)
      hn::StoreU(at.load(d, h.v + (t0 + t) * h.v_stride + column + n * kLanes), d, w.ve + t * W * ldx + n * kLanes);
  if (Erase) solve<N>(h, w, D == Decay::none ? w.a_now : w.a, state, at);
  const float* r = D == Decay::none ? w.r_now : w.r;
  for (int64_t t = 0; t < kChunk; t += kRows) {
    VF o[kRows][N];
    clear(o);
    multiply_add(o, r + t * w.keys, w.keys, 1, h.key, state, h.value, at);
    multiply_add(o, w.read + t * row, row, 1, (t + kRows) * W, w.ve, ldx, Full{});
    for (int i = 0; i < kRows; ++i)
      for (int n = 0; n < N; ++n) at.store(o[i][n], d, h.o + (t0 + t + i) * h.o_stride + column + n * kLanes);
  }
  int64_t j = 0;
  for (; j + kRows <= h.key; j += kRows) update<D, Erase, kRows, N>(h, w, j, state, at);
  for (; j < h.key; ++j) update<D, Erase, 1, N>(h, w, j, state, at);
}

template <Decay D, bool Erase>
void chunks(const ScanHead& h) {
  const Work w(h.work, (h.key + kLanes - 1) / kLanes * kLanes);
  for (int64_t t = 0; t < h.tokens; t += kChunk) {
    keys_of<D, Erase>(h, t, w);
    int64_t v = 0;
    for (; v + kWide * kLanes <= h.value; v += kWide * kLanes) values_of<D, Erase, kWide>(h, t, w, v, Full{});
    for (; v + 2 * kLanes <= h.value; v += 2 * kLanes) values_of<D, Erase, 2>(h, t, w, v, Full{});
    for (; v + kLanes <= h.value; v += kLanes) values_of<D, Erase, 1>(h, t, w, v, Full{});
    if (v < h.value) values_of<D, Erase, 1>(h, t, w, v, Part{hn::FirstN(DF(), static_cast<size_t>(h.value - v))});
  }
}

void scan_chunk(const ScanHead& h) {
  const FlushToZero flush;
  switch (h.decay) {
    case Decay::none: return h.erase ? chunks<Decay::none, true>(h) : chunks<Decay::none, false>(h);
    case Decay::scalar: return h.erase ? chunks<Decay::scalar, true>(h) : chunks<Decay::scalar, false>(h);
    case Decay::vector: return h.erase ? chunks<Decay::vector, true>(h) : chunks<Decay::vector, false>(h);
  }
}

}  // namespace

void fill_chunk(Kernels& k) { k.scan_chunk = scan_chunk; }

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace recurra {

void fill_chunk_kernels(Level level, Kernels& k) { RECURRA_AT_LEVEL(level, fill_chunk, k) }

int64_t scan_chunk_work(int64_t key) {
  return Work::floats((key + kMostLanes - 1) / kMostLanes * kMostLanes);
}

bool chunk_is_faster(Level level, Decay decay, bool erase, int64_t key, int64_t value) {
  if (level == Level::plain) return !erase || decay == Decay::vector;
  return value >= (erase ? 128 : 64) && (!erase || key >= 128);
}

}  // namespace recurra
#endif
