// Softmax attention of a few rows of one head with all tokens so far, page by page of the cache, in one pass: each row
// keeps its largest score m, the sum of exp(score - m) and the values weighted so, and scales both when m grows
// (Milakov, Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135). A page is read once for all rows.
//
// A row's operations and their order depend on its own tokens alone: not on the rows beside it.
#include <cmath>

#include "backend/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/attention_kernels.cpp"
// clang-format off
#include "backend/cpu/highway.h"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#include "backend/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace recurra {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kLanes = HWY_LANES(float);
constexpr int kTileRows = HWY_TARGET == HWY_AVX3 ? 4 : 2, kTileKeys = 4;
// A tile of outputs: 4 rows of 4 vectors in AVX-512's 32 registers, 2 rows of 4 vectors in 16.
constexpr int kWide = 4;

// score[i][s] = q_i . key_s for R rows and 4 keys.
template <int R, class Access>
HWY_INLINE void add_products(VF (&sum)[R][kTileKeys], const float* q, int64_t q_stride, const float* keys,
                             int64_t stride, int64_t i, const Access& at) {
  const DF d;
  VF key[kTileKeys];
  for (int s = 0; s < kTileKeys; ++s) key[s] = at.load(d, keys + s * stride + i);
  for (int r = 0; r < R; ++r) {
    const VF x = at.load(d, q + r * q_stride + i);
    for (int s = 0; s < kTileKeys; ++s) sum[r][s] = hn::MulAdd(x, key[s], sum[r][s]);
  }
}

template <int R>
HWY_INLINE void scores_tile(float* score, const float* q, int64_t q_stride, const float* keys, int64_t stride,
                            int64_t width) {
  const DF d;
  VF sum[R][kTileKeys];
  for (auto& row : sum)
    for (VF& x : row) x = hn::Zero(d);
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) add_products<R>(sum, q, q_stride, keys, stride, i, Full());
  if (i < width)
    add_products<R>(sum, q, q_stride, keys, stride, i, Part{hn::FirstN(d, static_cast<size_t>(width - i))});
  for (int r = 0; r < R; ++r) sum4(sum[r], score + r * KvCache::kPage);
}

// Scores of R rows with `count` keys.
template <int R>
HWY_INLINE void scores(float* score, const float* q, int64_t q_stride, const float* keys, int64_t stride, int64_t count,
                       int64_t width) {
  int64_t s = 0;
  for (; s + kTileKeys <= count; s += kTileKeys)
    scores_tile<R>(score + s, q, q_stride, keys + s * stride, stride, width);
  for (; s < count; ++s) {  // the same key four times
    float last[R * KvCache::kPage];
    scores_tile<R>(last, q, q_stride, keys + s * stride, 0, width);
    for (int r = 0; r < R; ++r) score[r * KvCache::kPage + s] = last[r * KvCache::kPage];
  }
}

// o_r += sum_s p_r[s] value_s for R rows, N vectors of values.
template <int R, int N, class Access>
HWY_INLINE void weigh_tile(float* o, int64_t o_stride, const float* p, const float* values, int64_t stride,
                           int64_t count, const Access& at) {
  const DF d;
  VF sum[R][N];
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n) sum[r][n] = at.load(d, o + r * o_stride + n * kLanes);
  for (int64_t s = 0; s < count; ++s) {
    VF value[N];
    for (int n = 0; n < N; ++n) value[n] = at.load(d, values + s * stride + n * kLanes);
    for (int r = 0; r < R; ++r) {
      const VF weight = hn::Set(d, p[r * KvCache::kPage + s]);
      for (int n = 0; n < N; ++n) sum[r][n] = hn::MulAdd(weight, value[n], sum[r][n]);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int n = 0; n < N; ++n) at.store(sum[r][n], d, o + r * o_stride + n * kLanes);
}

template <int R>
HWY_INLINE void weigh(float* o, int64_t o_stride, const float* p, const float* values, int64_t stride, int64_t count,
                      int64_t width) {
  int64_t i = 0;
  for (; i + kWide * kLanes <= width; i += kWide * kLanes)
    weigh_tile<R, kWide>(o + i, o_stride, p, values + i, stride, count, Full());
  for (; i + kLanes <= width; i += kLanes) weigh_tile<R, 1>(o + i, o_stride, p, values + i, stride, count, Full());
  if (i < width)
    weigh_tile<R, 1>(o + i, o_stride, p, values + i, stride, count,
                     Part{hn::FirstN(DF(), static_cast<size_t>(width - i))});
}

// score -> exp(scale * score - m), the row's m and sum brought up to date, o scaled with them.
HWY_INLINE void take_in(float* score, int64_t count, float scale, float* m, float* sum, float* o, int64_t width) {
  const DF tag;
  const VF least = hn::Set(tag, -HUGE_VALF);
  VF largest = least;
  for_lanes(count, [&](DF d, auto mask, int64_t i) HWY_ATTR {
    largest = hn::Max(largest, hn::IfThenElse(mask, hn::MaskedLoad(mask, d, score + i), least));
  });
  const float most = hn::GetLane(hn::MaxOfLanes(tag, largest)) * scale;
  if (most > *m) {
    const float shrink = std::exp(*m - most);  // 0 before the first key
    *m = most;
    *sum *= shrink;
    for_lanes(width, [=](DF d, auto mask, int64_t i) HWY_ATTR {
      hn::BlendedStore(hn::Mul(hn::MaskedLoad(mask, d, o + i), hn::Set(d, shrink)), mask, d, o + i);
    });
  }
  const float base = *m;
  *sum += sum_lanes(count, [=](DF d, auto mask, int64_t i) HWY_ATTR {
    const VF x = hn::MulSub(hn::MaskedLoad(mask, d, score + i), hn::Set(d, scale), hn::Set(d, base));
    const VF e = hn::IfThenElseZero(mask, exp_any(d, x));
    hn::BlendedStore(e, mask, d, score + i);
    return e;
  });
}

// Rows r .. r+R-1 of the head and one page: token `at` is the page's first, `end` is behind the last that any row sees.
template <int R>
HWY_INLINE void page(const AttentionHead& h, int64_t r, int64_t at, int64_t end, float* score, float* m, float* sum) {
  const int64_t now = static_cast<int64_t>(h.position) + r;  // of the first of these rows
  const float* keys = h.cache->keys(h.layer, at) + h.key;
  const float* values = h.cache->values(h.layer, at) + h.key;
  const int64_t count = HWY_MIN(end, now + R) - at;
  if (count <= 0) return;
  float* o = h.o + r * h.o_stride;
  const float scale = 1.0f / std::sqrt(static_cast<float>(h.width));
  scores<R>(score, h.q + r * h.q_stride, h.q_stride, keys, h.kv_stride, count, h.width);
  int64_t from[R], to[R];  // of the page's tokens, those that a row sees
  int64_t first = 0, last = count;
  for (int i = 0; i < R; ++i) {
    from[i] = h.window > 0 ? HWY_MIN(HWY_MAX(now + i + 1 - h.window - at, 0), count) : 0;
    to[i] = HWY_MAX(HWY_MIN(count, now + i + 1 - at), from[i]);
    if (from[i] < to[i])
      take_in(score + i * KvCache::kPage + from[i], to[i] - from[i], scale, m + i, sum + i, o + i * h.o_stride,
              h.width);
    first = HWY_MAX(first, from[i]);
    last = HWY_MIN(last, to[i]);
  }
  const auto alone = [&](int i, int64_t a, int64_t b) HWY_ATTR {
    if (a < b)
      weigh<1>(o + i * h.o_stride, h.o_stride, score + i * KvCache::kPage + a, values + a * h.kv_stride, h.kv_stride,
               b - a, h.width);
  };
  if (first >= last) {  // nothing that all of them see
    for (int i = 0; i < R; ++i) alone(i, from[i], to[i]);
    return;
  }
  for (int i = 0; i < R; ++i) alone(i, from[i], first);
  weigh<R>(o, h.o_stride, score + first, values + first * h.kv_stride, h.kv_stride, last - first, h.width);
  for (int i = 0; i < R; ++i) alone(i, last, to[i]);
}

void attention(const AttentionHead& h) {
  float *score = h.work, *m = score + kAttentionRows * KvCache::kPage, *sum = m + kAttentionRows;
  for (int64_t r = 0; r < h.rows; ++r) {
    m[r] = -HUGE_VALF;
    sum[r] = 0;
    for (int64_t i = 0; i < h.width; ++i) h.o[r * h.o_stride + i] = 0;
  }
  const int64_t now = static_cast<int64_t>(h.position), end = now + h.rows;
  const int64_t begin = h.window > 0 ? HWY_MAX(now + 1 - h.window, 0) : 0;
  for (int64_t at = begin / KvCache::kPage * KvCache::kPage; at < end; at += KvCache::kPage) {
    const int64_t page_end = HWY_MIN(end, at + KvCache::kPage);
    int64_t r = 0;
    for (; r + kTileRows <= h.rows; r += kTileRows)
      page<kTileRows>(h, r, at, page_end, score + r * KvCache::kPage, m + r, sum + r);
    for (; r < h.rows; ++r) page<1>(h, r, at, page_end, score + r * KvCache::kPage, m + r, sum + r);
  }
  for (int64_t r = 0; r < h.rows; ++r) {
    float* o = h.o + r * h.o_stride;
    const float by = sum[r];
    for_lanes(h.width, [=](DF d, auto mask, int64_t i) HWY_ATTR {
      hn::BlendedStore(hn::Div(hn::MaskedLoad(mask, d, o + i), hn::Set(d, by)), mask, d, o + i);
    });
  }
}

}  // namespace

void fill_attention(Kernels& k) { k.attention = attention; }

}  // namespace HWY_NAMESPACE
}  // namespace recurra
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace recurra {

void fill_attention_kernels(Level level, Kernels& k) { RECURRA_AT_LEVEL(level, fill_attention, k) }

}  // namespace recurra
#endif
