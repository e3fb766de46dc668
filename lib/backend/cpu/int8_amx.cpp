// int8.h with AMX's tiles of 16 rows by 16 outputs, for as many rows as make them worth while; fewer go to
// int8_vnni.cpp. The same bits: sums of integers have no order, and those of floats are made in the same one.
#include <immintrin.h>

#include "backend/cpu/int8.h"

namespace recurra {
namespace {

// How many bytes ahead of the weights at hand memory is asked for.
constexpr int64_t kAhead = 4096;
// From this many rows on a tile is faster.
constexpr int kLeastRows = 6, kRows = 16;

#include "backend/cpu/int8_panels-inl.h"

// Tiles 0 and 1 are sums [rows, 16 outputs], 4 and 5 are 32 inputs of the rows and of 16 outputs, 6 and 7 are 16
// inputs.
class Tiles {
 public:
  explicit Tiles(int rows) {
    struct alignas(64) {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t bytes[16] = {64, 64, 64, 64, 32, 64, 16, 64};
      uint8_t rows[16] = {};
    } config;
    for (uint8_t& r : config.rows) r = static_cast<uint8_t>(rows);
    config.rows[5] = 8;
    config.rows[7] = 4;
    for (int unused = 8; unused < 16; ++unused) config.rows[unused] = 0;
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

// GCC does not know that loading a tile reads memory: what was stored there must be there by now.
inline void written(const void* p) { __asm__ volatile("" : : "r"(p) : "memory"); }

// The n rows of a call, the last one standing in for those that are missing.
struct Sixteen {
  const float *d[kRows], *sum[kRows];
  const int8_t* q;
  int64_t stride;
  Sixteen(const Int8Row* x, int n) : q(x[0].q), stride(x[1].q - x[0].q) {
    for (int r = 0; r < kRows; ++r) {
      d[r] = x[r < n ? r : n - 1].d;
      sum[r] = x[r < n ? r : n - 1].sum;
    }
  }
};

struct alignas(64) Dots {
  int32_t of[kRows][16];
};

template <class Q>
inline void add(__m512 (&sum)[kRows], const Sixteen& x, const Dots* dots, int64_t group, const Scales& s) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    const __m512 d = _mm512_set1_ps(x.d[r][group]), dot = _mm512_cvtepi32_ps(_mm512_load_si512(dots[0].of[r]));
    if (Q::kTwo) {
      const __m512 both = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_load_si512(dots[1].of[r])), s.second);
      sum[r] = _mm512_fmadd_ps(_mm512_fmadd_ps(dot, s.first, both), d, sum[r]);
    } else {
      sum[r] = _mm512_fmadd_ps(dot, _mm512_mul_ps(s.first, d), sum[r]);
    }
    if (Q::kLeast) sum[r] = _mm512_fnmadd_ps(s.least, _mm512_set1_ps(x.sum[r][group]), sum[r]);
  }
}

template <class Q>
void panel_of(const uint8_t* panel, int64_t in, const Sixteen& x, int n, float* y, int64_t ldy) {
  __m512 sum[kRows];
  for (__m512& s : sum) s = _mm512_setzero_ps();
  Dots dots[2] = {};
  alignas(64) uint8_t weights[512];
  const auto group = [&](int64_t i, const Group& g, const Scales& s) {
    const uint8_t* w = g.raw;
    if (w == nullptr) {
      for (int j = 0; j < 8; ++j) _mm512_store_si512(weights + 64 * j, g.w[j]);
      written(weights);
      w = weights;
    }
    _tile_zero(0);
    if (Q::kTwo) {
      _tile_zero(1);
      _tile_loadd(6, x.q + i, x.stride);
      _tile_loadd(7, w, 64);
      _tile_dpbssd(0, 6, 7);
      _tile_loadd(6, x.q + i + 16, x.stride);
      _tile_loadd(7, w + 256, 64);
      _tile_dpbssd(1, 6, 7);
      _tile_stored(1, dots[1].of, 64);
    } else {
      _tile_loadd(4, x.q + i, x.stride);
      _tile_loadd(5, w, 64);
      _tile_dpbssd(0, 4, 5);
    }
    _tile_stored(0, dots[0].of, 64);
    add<Q>(sum, x, dots, i / 32, s);
  };
  for (int64_t i = 0; i < in; i += Q::kInputs)
    for_each_number<Q::kSteps>(
        [&](auto step) { Q::template step<true, decltype(step)::value>(panel, in, i, AskForPieces{kAhead}, group); });
  for (int r = 0; r < n; ++r) _mm512_storeu_ps(y + r * ldy, sum[r]);
}

template <class Q>
void dot_of(const void* data, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int n, float* y,
            int64_t ldy) {
  const Sixteen rows(x, n);
  const Tiles tiles(n);
  for (int64_t o = 0; o < count; o += 16)
    panel_of<Q>(static_cast<const uint8_t*>(data) + o / 16 * stride, in, rows, n, y + o, ldy);
}

template <class Q>
void by_input_of(const void* data, const ActiveFours& active, const Int8Row* x, int n, float* y) {
  const Tiles tiles(n);
  const auto* panel = static_cast<const uint8_t*>(data);
  for (int64_t i = 0; i < n * kInt8Inputs; i += 16) _mm512_storeu_ps(y + i, _mm512_setzero_ps());
  Dots dots[4];
  alignas(64) __m512i w[kFoursOfGroup][4];
  int64_t begin = 0;
  for (int64_t g = 0; g < active.count; ++g) {
    const int64_t group = active.groups[g].number, end = active.groups[g].end;
    ask_for_scales<Q>(panel, group);
    _tile_loadd(4, active.q + begin, active.stride * 4);
    for (int h = 0; h < kHalves; ++h) {
      gather<Q, true>(w, panel, h * (Q::kLine / kHalves), active.line, begin, end);
      // What lies behind the fours of the rows belongs to others: it meets 0.
      for (int64_t f = end - begin; f < kFoursOfGroup; ++f)
        for (__m512i& none : w[f]) none = _mm512_setzero_si512();
      written(w);
      for (int k = 0; k < 4; ++k) {
        _tile_zero(0);
        _tile_loadd(5, &w[0][k], 256);
        _tile_dpbssd(0, 4, 5);
        _tile_stored(0, dots[k].of, 64);
      }
      for (int k = 0; k < 4; ++k) {
        const int64_t o = kHalf * h + 16 * k;
        const Scales s = Q::scales(panel, group, o);
        for (int r = 0; r < n; ++r) {
          float* at = y + r * kInt8Inputs + o;
          const __m512i dot = _mm512_load_si512(dots[k].of[r]);
          _mm512_storeu_ps(at, add_group_sums<Q>(_mm512_loadu_ps(at), dot, s, x[r], group));
        }
      }
    }
    begin = end;
  }
}

#include "backend/cpu/int8-inl.h"

void dot(DType type, const void* w, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int n, float* y,
         int64_t ldy) {
  (n < kLeastRows ? kInt8Vnni.dot : dot_of_type<>)(type, w, count, in, stride, x, n, y, ldy);
}

void by_input(DType type, const void* panel, const ActiveFours& active, const Int8Row* x, int n, float* y) {
  if (n < kLeastRows) return kInt8Vnni.by_input(type, panel, active, x, n, y);
  return type == DType::q8_0 ? by_input_of<Q8Inputs>(panel, active, x, n, y)
                             : by_input_of<Q4Inputs>(panel, active, x, n, y);
}

void round(const Int8Row& to, const float* x, int64_t n, DType type) { kInt8Vnni.round(to, x, n, type); }

void list(ActiveFours* to, DType type, const Int8Row* x, int rows, int64_t n) { kInt8Vnni.list(to, type, x, rows, n); }

}  // namespace

const Int8Kernels kInt8Amx{takes, round, true, dot, list, by_input};

}  // namespace recurra
