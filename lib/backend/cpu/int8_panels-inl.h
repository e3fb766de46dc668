// Included in the unnamed namespace of int8_vnni.cpp and int8_amx.cpp: quantised weights in panels (int8_panels.h) and
// by input (panels.h), unpacked into bytes in registers of 16 outputs times 4 inputs. No include guard and no includes,
// for the reason that int8.h gives.

// Constants as arguments: templates of lambdas are not in C++17.
template <int N>
struct Number {
  static constexpr int value = N;
};

__m512i load(const uint8_t* p) { return _mm512_loadu_si512(p); }

__m512 halves(const uint8_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }

__m128i bytes16(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

__m512 times_unsigned(__m512 d, const uint8_t* p) {
  return _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes16(p))));
}

__m512 times_signed(__m512 d, const uint8_t* p) {
  return _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes16(p))));
}

void ask_for(const uint8_t* p, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += 64) _mm_prefetch(reinterpret_cast<const char*>(p + kAhead + at), _MM_HINT_T0);
}

// 32 inputs of 16 outputs, 4 inputs a register; `raw`: where memory has just that, or null.
struct Group {
  __m512i w[8];
  const uint8_t* raw;
};

// What the 32 inputs are multiplied with: all of them with first, or the latter 16 with second; and what is taken off
// for the sum of their activations.
struct Scales {
  __m512 first, second, least;
};

// Each type calls take(first input, Group, Scales) for all groups of a panel. Weights as they are (kSigned), or made
// unsigned by adding kOffset.
struct Q8_0 {
  static constexpr bool kTwo = false, kLeast = false;
  static constexpr int kOffset = 128;
  template <bool kSigned, class F>
  static void each_group(const uint8_t* panel, int64_t in, const F& take) {
    const uint8_t* w = panel + (in / 32 * 32 + 63) / 64 * 64;
    for (int64_t i = 0; i < in; i += 32, w += 512) {
      ask_for(w, 512);
      Group g;
      for (int j = 0; j < 8; ++j)
        g.w[j] = kSigned ? load(w + 64 * j) : _mm512_xor_si512(load(w + 64 * j), _mm512_set1_epi8(-128));
      g.raw = kSigned ? w : nullptr;
      take(i, g, Scales{halves(panel + i), _mm512_setzero_ps(), _mm512_setzero_ps()});
    }
  }
};

// Blocks of 256 inputs: a head of 320 bytes, then kRegisters registers of weights.
template <class Q>
struct Blocks {
  template <bool kSigned, class F>
  static void each_group(const uint8_t* b, int64_t in, const F& take) {
    for (int64_t i = 0; i < in; i += 256, b += 320 + 64 * Q::kRegisters) Q::template block<kSigned>(b, i, take);
  }
};

// Low or high halves of 8 registers' bytes.
template <bool kHigh>
inline __m512i half_of(const uint8_t* q) {
  const __m512i both = load(q);
  return _mm512_and_si512(kHigh ? _mm512_srli_epi16(both, 4) : both, _mm512_set1_epi8(15));
}

// Bits kFrom .. of each byte to bits kTo .. (others remain beside them).
template <int kFrom, int kTo>
inline __m512i move_bits(__m512i v) {
  if constexpr (kFrom < kTo) return _mm512_slli_epi16(v, kTo - kFrom);
  if constexpr (kFrom > kTo) return _mm512_srli_epi16(v, kFrom - kTo);
  return v;
}

// Of a head of q4_k and q5_k.
inline Scales scales_of(const uint8_t* b, int group) {
  return {times_unsigned(halves(b), b + 64 + 16 * group), _mm512_setzero_ps(),
          times_unsigned(halves(b + 32), b + 192 + 16 * group)};
}

struct Q4_K : Blocks<Q4_K> {
  static constexpr bool kTwo = false, kLeast = true;
  static constexpr int kOffset = 0, kRegisters = 32;
  template <bool, class F>
  static void block(const uint8_t* b, int64_t i, const F& take) {
    ask_for(b, 320);
    const auto group = [&](auto high, int n) {
      Group g;
      for (int j = 0; j < 8; ++j) g.w[j] = half_of<decltype(high)::value == 1>(b + 320 + n / 2 * 512 + 64 * j);
      g.raw = nullptr;
      take(i + 32 * n, g, scales_of(b, n));
    };
    for (int n = 0; n < 8; n += 2) {
      ask_for(b + 320 + n / 2 * 512, 512);
      group(Number<0>{}, n);
      group(Number<1>{}, n + 1);
    }
  }
};

struct Q5_K : Blocks<Q5_K> {
  static constexpr bool kTwo = false, kLeast = true;
  static constexpr int kOffset = 0, kRegisters = 40;
  template <bool, class F>
  static void block(const uint8_t* b, int64_t i, const F& take) {
    ask_for(b, 320 + 64 * kRegisters);
    const auto group = [&](auto number) {
      constexpr int n = decltype(number)::value;
      const uint8_t *q = b + 320 + n / 2 * 512, *fifth = b + 320 + 2048;
      Group g;
      for (int j = 0; j < 8; ++j) {
        const __m512i bit = _mm512_and_si512(move_bits<n, 4>(load(fifth + 64 * j)), _mm512_set1_epi8(16));
        g.w[j] = _mm512_or_si512(half_of<n % 2 == 1>(q + 64 * j), bit);
      }
      g.raw = nullptr;
      take(i + 32 * n, g, scales_of(b, n));
    };
    group(Number<0>{});
    group(Number<1>{});
    group(Number<2>{});
    group(Number<3>{});
    group(Number<4>{});
    group(Number<5>{});
    group(Number<6>{});
    group(Number<7>{});
  }
};

struct Q6_K : Blocks<Q6_K> {
  static constexpr bool kTwo = true, kLeast = false;
  static constexpr int kOffset = 32, kRegisters = 48;
  template <bool kSigned, class F>
  static void block(const uint8_t* b, int64_t i, const F& take) {
    const __m512 d = halves(b);
    for (int half = 0; half < 2; ++half) {
      const uint8_t *low = b + 320 + half * 24 * 64, *upper = low + 16 * 64;
      ask_for(low, 24 * 64);
      const auto group = [&](auto number) {
        constexpr int part = decltype(number)::value;
        Group g;
        for (int j = 0; j < 8; ++j) {
          const __m512i bits = _mm512_and_si512(move_bits<2 * part, 4>(load(upper + 64 * j)), _mm512_set1_epi8(48));
          g.w[j] = _mm512_or_si512(half_of<part / 2 == 1>(low + part % 2 * 512 + 64 * j), bits);
          if (kSigned) g.w[j] = _mm512_sub_epi8(g.w[j], _mm512_set1_epi8(kOffset));
        }
        g.raw = nullptr;
        const uint8_t* scales = b + 64 + 16 * (8 * half + 2 * part);
        take(i + 128 * half + 32 * part, g,
             Scales{times_signed(d, scales), times_signed(d, scales + 16), _mm512_setzero_ps()});
      };
      group(Number<0>{});
      group(Number<1>{});
      group(Number<2>{});
      group(Number<3>{});
    }
  }
};

// Weights by input: the 64 outputs of 4 inputs become 4 registers of 16 outputs with 4 weights each, as above, where
// lane 4 l + m of register k is output 16 l + 4 k + m.
constexpr int64_t kOutputs = 64;
constexpr int kFoursOfGroup = 8;

inline void interleave(__m512i* to, const __m512i* w) {
  const __m512i low01 = _mm512_unpacklo_epi8(w[0], w[1]), high01 = _mm512_unpackhi_epi8(w[0], w[1]);
  const __m512i low23 = _mm512_unpacklo_epi8(w[2], w[3]), high23 = _mm512_unpackhi_epi8(w[2], w[3]);
  to[0] = _mm512_unpacklo_epi16(low01, low23);
  to[1] = _mm512_unpackhi_epi16(low01, low23);
  to[2] = _mm512_unpacklo_epi16(high01, high23);
  to[3] = _mm512_unpackhi_epi16(high01, high23);
}

// Between that order of outputs and the natural one, either way.
inline void reorder(__m512* v) {
  const __m512 even01 = _mm512_shuffle_f32x4(v[0], v[1], 0x88), odd01 = _mm512_shuffle_f32x4(v[0], v[1], 0xdd);
  const __m512 even23 = _mm512_shuffle_f32x4(v[2], v[3], 0x88), odd23 = _mm512_shuffle_f32x4(v[2], v[3], 0xdd);
  v[0] = _mm512_shuffle_f32x4(even01, even23, 0x88);
  v[1] = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
  v[2] = _mm512_shuffle_f32x4(even01, even23, 0xdd);
  v[3] = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
}

inline void reorder(float* y) {
  __m512 v[4];
  for (int k = 0; k < 4; ++k) v[k] = _mm512_loadu_ps(y + 16 * k);
  reorder(v);
  for (int k = 0; k < 4; ++k) _mm512_storeu_ps(y + 16 * k, v[k]);
}

// The types by input: kOffset and kSigned as above; scales in that order of outputs.
struct Q8Inputs {
  static constexpr bool kLeast = false;
  static constexpr int kOffset = 128;
  static const uint8_t* weights(const uint8_t* panel, int64_t input) {
    return panel + input / 32 * 34 * kOutputs + (2 + input % 32) * kOutputs;
  }
  template <bool kSigned>
  static __m512i line(const uint8_t* w) {
    return kSigned ? load(w) : _mm512_xor_si512(load(w), _mm512_set1_epi8(-128));
  }
  static void scales(Scales* s, const uint8_t* panel, int64_t group) {
    __m512 scale[4];
    for (int k = 0; k < 4; ++k) scale[k] = halves(panel + group * 34 * kOutputs + 32 * k);
    reorder(scale);
    for (int k = 0; k < 4; ++k) s[k] = {scale[k], _mm512_setzero_ps(), _mm512_setzero_ps()};
  }
};

struct Q4Inputs {
  static constexpr bool kLeast = true;
  static constexpr int kOffset = 0;
  static constexpr int64_t kHead = 20 * kOutputs, kBlock = kHead + 128 * kOutputs;
  static const uint8_t* weights(const uint8_t* panel, int64_t input) {
    return panel + input / 256 * kBlock + kHead + input % 256 * (kOutputs / 2);
  }
  template <bool>
  static __m512i line(const uint8_t* w) {
    const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w));
    const __m512i wide = _mm512_inserti64x4(_mm512_castsi256_si512(both), _mm256_srli_epi16(both, 4), 1);
    return _mm512_and_si512(wide, _mm512_set1_epi8(15));
  }
  static void scales(Scales* s, const uint8_t* panel, int64_t group) {
    __m512 scale[4], least[4];
    const uint8_t *block = panel + group / 8 * kBlock, *by = block + 4 * kOutputs + group % 8 * kOutputs;
    for (int k = 0; k < 4; ++k) {
      scale[k] = times_unsigned(halves(block + 32 * k), by + 16 * k);
      least[k] = times_unsigned(halves(block + 2 * kOutputs + 32 * k), by + 8 * kOutputs + 16 * k);
    }
    reorder(scale);
    reorder(least);
    for (int k = 0; k < 4; ++k) s[k] = {scale[k], _mm512_setzero_ps(), least[k]};
  }
};

// The weights of fours begin .. end-1, which are of one group.
template <class Q, bool kSigned>
inline void gather(__m512i (*w)[4], const uint8_t* panel, const ActiveFours& active, int64_t begin, int64_t end) {
  const int64_t last = active.groups[active.count - 1].end - 1;
  for (int64_t f = begin; f < end; ++f) {
    const int64_t ahead = f + kFoursAhead < last ? f + kFoursAhead : last;
    __m512i lines[4];
    for (int k = 0; k < 4; ++k) {
      _mm_prefetch(reinterpret_cast<const char*>(Q::weights(panel, active.index[4 * ahead + k])), _MM_HINT_T0);
      lines[k] = Q::template line<kSigned>(Q::weights(panel, active.index[4 * f + k]));
    }
    interleave(w[f - begin], lines);
  }
}

// y += what a group's sums are worth to a row.
template <class Q>
inline void add_to(float* y, __m512i dot, const Scales& s, const Int8Row& x, int64_t group) {
  const __m512 by = _mm512_mul_ps(s.first, _mm512_set1_ps(x.d[group]));
  __m512 sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), by, _mm512_loadu_ps(y));
  if (Q::kLeast) sum = _mm512_fnmadd_ps(s.least, _mm512_set1_ps(x.sum[group]), sum);
  _mm512_storeu_ps(y, sum);
}
