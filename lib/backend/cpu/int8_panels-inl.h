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

// f(Number<0>) .. f(Number<N - 1>).
template <int N, class F>
inline void for_each_number(const F& f) {
  if constexpr (N > 1) for_each_number<N - 1>(f);
  f(Number<N - 1>{});
}

void ask_for(const uint8_t* p, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += 64) _mm_prefetch(reinterpret_cast<const char*>(p + at), _MM_HINT_T0);
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

// Two ways of asking for what lies so many bytes behind what is read: for the pieces of a step, or before some steps in
// one stretch, of 1.5 to 2.5 KB where blocks are that large.
struct AskForPieces {
  int64_t ahead;
  void piece(const uint8_t* p, int64_t bytes) const { ask_for(p + ahead, bytes); }
  void stretch(const uint8_t*, int64_t) const {}
};
struct AskForStretches {
  int64_t ahead;
  void piece(const uint8_t*, int64_t) const {}
  void stretch(const uint8_t* p, int64_t bytes) const { ask_for(p + ahead, bytes); }
};

// A panel is read in blocks of kInputs inputs, of which each has kSteps. A step calls take(first input, Group, Scales)
// for its groups and asks for memory, either way. Weights as they are (kSigned), or made unsigned by adding kOffset.
struct Q8_0 {
  static constexpr bool kTwo = false, kLeast = false;
  static constexpr int kOffset = 128, kSteps = 1;
  static constexpr int64_t kInputs = 32;
  template <bool kSigned, int, class Ask, class F>
  static void step(const uint8_t* panel, int64_t, int64_t i, const Ask& ask, const F& take) {
    constexpr int64_t kScales = 64, kBlock64 = kScales + 2 * 512;
    const uint8_t *block = panel + i / 64 * kBlock64, *before = block + i % 64 * 16, *w = before + kScales;
    ask.piece(before, kScales + 512);
    ask.stretch(before, kScales + 512);
    Group g;
    for (int j = 0; j < 8; ++j)
      g.w[j] = kSigned ? load(w + 64 * j) : _mm512_xor_si512(load(w + 64 * j), _mm512_set1_epi8(-128));
    g.raw = kSigned ? w : nullptr;
    take(i, g, Scales{halves(block + i % 64), _mm512_setzero_ps(), _mm512_setzero_ps()});
  }
};

// Of blocks of 256 inputs, each a head of 320 bytes and kRegisters registers of weights: the bytes, and that of input i.
template <class Q>
constexpr int64_t block_bytes() {
  return 320 + 64 * Q::kRegisters;
}
template <class Q>
const uint8_t* block_of(const uint8_t* panel, int64_t i) {
  return panel + i / 256 * block_bytes<Q>();
}

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

struct Q4_K {
  static constexpr bool kTwo = false, kLeast = true;
  static constexpr int kOffset = 0, kRegisters = 32, kSteps = 4;
  static constexpr int64_t kInputs = 256;
  template <bool, int kStep, class Ask, class F>
  static void step(const uint8_t* panel, int64_t, int64_t i, const Ask& ask, const F& take) {
    const uint8_t *b = block_of<Q4_K>(panel, i), *w = b + 320 + 512 * kStep;
    if (kStep == 0) ask.stretch(b, block_bytes<Q4_K>());
    ask.piece(b + 80 * kStep, 80);
    ask.piece(w, 512);
    const auto group = [&](auto high) {
      constexpr int n = 2 * kStep + decltype(high)::value;
      Group g;
      for (int j = 0; j < 8; ++j) g.w[j] = half_of<decltype(high)::value == 1>(w + 64 * j);
      g.raw = nullptr;
      take(i + 32 * n, g, scales_of(b, n));
    };
    for_each_number<2>(group);
  }
};

struct Q5_K {
  static constexpr bool kTwo = false, kLeast = true;
  static constexpr int kOffset = 0, kRegisters = 40, kSteps = 4;
  static constexpr int64_t kInputs = 256;
  template <bool, int kStep, class Ask, class F>
  static void step(const uint8_t* panel, int64_t, int64_t i, const Ask& ask, const F& take) {
    const uint8_t *b = block_of<Q5_K>(panel, i), *w = b + 320 + 512 * kStep, *fifth = b + 320 + 2048;
    constexpr int64_t kHalf = block_bytes<Q5_K>() / 2;
    if (kStep % 2 == 0) ask.stretch(b + kStep / 2 * kHalf, kHalf);
    ask.piece(b + 80 * kStep, 80);
    ask.piece(w, 512);
    ask.piece(fifth + 128 * kStep, 128);
    const auto group = [&](auto high) {
      constexpr int n = 2 * kStep + decltype(high)::value;
      Group g;
      for (int j = 0; j < 8; ++j) {
        const __m512i bit = _mm512_and_si512(move_bits<n, 4>(load(fifth + 64 * j)), _mm512_set1_epi8(16));
        g.w[j] = _mm512_or_si512(half_of<n % 2 == 1>(w + 64 * j), bit);
      }
      g.raw = nullptr;
      take(i + 32 * n, g, scales_of(b, n));
    };
    for_each_number<2>(group);
  }
};

// A step is a part: two of them share the registers of their lower bits, four those of their upper ones.
struct Q6_K {
  static constexpr bool kTwo = true, kLeast = false;
  static constexpr int kOffset = 32, kRegisters = 48, kSteps = 8;
  static constexpr int64_t kInputs = 256;
  template <bool kSigned, int kStep, class Ask, class F>
  static void step(const uint8_t* panel, int64_t, int64_t i, const Ask& ask, const F& take) {
    constexpr int half = kStep / 4, part = kStep % 4;
    const uint8_t* b = block_of<Q6_K>(panel, i);
    const uint8_t *low = b + 320 + half * 24 * 64, *upper = low + 16 * 64;
    constexpr int64_t kHalf = block_bytes<Q6_K>() / 2;
    if (part == 0) ask.stretch(b + half * kHalf, kHalf);
    ask.piece(b + 40 * kStep, 40);
    ask.piece(low + part * 6 * 64, 6 * 64);
    Group g;
    for (int j = 0; j < 8; ++j) {
      const __m512i bits = _mm512_and_si512(move_bits<2 * part, 4>(load(upper + 64 * j)), _mm512_set1_epi8(48));
      g.w[j] = _mm512_or_si512(half_of<part / 2 == 1>(low + part % 2 * 512 + 64 * j), bits);
      if (kSigned) g.w[j] = _mm512_sub_epi8(g.w[j], _mm512_set1_epi8(kOffset));
    }
    g.raw = nullptr;
    const __m512 d = halves(b);
    const uint8_t* scales = b + 64 + 32 * kStep;
    take(i + 32 * kStep, g, Scales{times_signed(d, scales), times_signed(d, scales + 16), _mm512_setzero_ps()});
  }
};

// Weights by input (int8_panels.h): a half of four lines becomes 4 registers of 16 outputs with 4 weights each, as
// above.
constexpr int64_t kHalf = 64;
constexpr int kHalves = static_cast<int>(kInt8Inputs / kHalf);
constexpr int kFoursOfGroup = 8;
// How many fours ahead memory is asked for. Of 8, 12, 16, 24 and 32 this was the fastest on an EPYC of family 26, by a
// fifth with lines of 64 bytes.
constexpr int64_t kFoursAhead = 12;

// Each type has fours(w, a, b, c, d): of a half of the lines of 4 inputs; as tiles take them (kTiles), or with what
// exact(k, sums of w[k]) takes back.
struct Q8Inputs {
  static constexpr bool kLeast = false;
  static constexpr int kOffset = 128;
  static constexpr int64_t kLine = kInt8Inputs, kHead = 2 * kInt8Inputs, kInputs = 32, kBlock = kHead + kInputs * kLine;
  template <bool kTiles>
  static void fours(__m512i (&w)[4], const uint8_t* a, const uint8_t* b, const uint8_t* c, const uint8_t* d) {
    const auto line = [](const uint8_t* p) {
      return kTiles ? _mm512_xor_si512(load(p), _mm512_set1_epi8(-128)) : load(p);
    };
    const __m512i low01 = _mm512_unpacklo_epi8(line(a), line(b)), high01 = _mm512_unpackhi_epi8(line(a), line(b));
    const __m512i low23 = _mm512_unpacklo_epi8(line(c), line(d)), high23 = _mm512_unpackhi_epi8(line(c), line(d));
    w[0] = _mm512_unpacklo_epi16(low01, low23);
    w[1] = _mm512_unpackhi_epi16(low01, low23);
    w[2] = _mm512_unpacklo_epi16(high01, high23);
    w[3] = _mm512_unpackhi_epi16(high01, high23);
  }
  static __m512i exact(int, __m512i sums) { return sums; }
  // Of outputs o .. o+15 of a panel.
  static Scales scales(const uint8_t* panel, int64_t group, int64_t o) {
    return {halves(panel + group * kBlock + 2 * o), _mm512_setzero_ps(), _mm512_setzero_ps()};
  }
};

struct Q4Inputs {
  static constexpr bool kLeast = true;
  static constexpr int kOffset = 0;
  static constexpr int64_t kLine = kInt8Inputs / 2, kHead = 20 * kInt8Inputs, kInputs = 256,
                           kBlock = kHead + kInputs * kLine;
  template <bool kTiles>
  static void fours(__m512i (&w)[4], const uint8_t* a, const uint8_t* b, const uint8_t* c, const uint8_t* d) {
    const auto line = [](const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); };
    const __m512i ac = _mm512_inserti64x4(_mm512_castsi256_si512(line(a)), line(c), 1);
    const __m512i bd = _mm512_inserti64x4(_mm512_castsi256_si512(line(b)), line(d), 1);
    // Lanes 0 and 1 have bytes of a and b in turn, 2 and 3 of c and d.
    const __m512i low = _mm512_unpacklo_epi8(ac, bd), high = _mm512_unpackhi_epi8(ac, bd);
    const __m512i ab = _mm512_inserti64x4(low, _mm512_castsi512_si256(high), 1);
    const __m512i cd = _mm512_shuffle_i64x2(low, high, 0xee);
    const __m512i first = _mm512_unpacklo_epi16(ab, cd), second = _mm512_unpackhi_epi16(ab, cd);
    const __m512i four_bits = _mm512_set1_epi8(15), upper = _mm512_set1_epi8(-16);
    w[0] = _mm512_and_si512(first, four_bits);
    w[1] = _mm512_and_si512(second, four_bits);
    w[2] = kTiles ? _mm512_and_si512(_mm512_srli_epi16(first, 4), four_bits) : _mm512_and_si512(first, upper);
    w[3] = kTiles ? _mm512_and_si512(_mm512_srli_epi16(second, 4), four_bits) : _mm512_and_si512(second, upper);
  }
  // The upper four bits were left where they are: 16 times the weight.
  static __m512i exact(int k, __m512i sums) { return k < 2 ? sums : _mm512_srai_epi32(sums, 4); }
  static Scales scales(const uint8_t* panel, int64_t group, int64_t o) {
    const uint8_t *block = panel + group / 8 * kBlock, *by = block + 4 * kInt8Inputs + group % 8 * kInt8Inputs + o;
    return {times_unsigned(halves(block + 2 * o), by), _mm512_setzero_ps(),
            times_unsigned(halves(block + 2 * (kInt8Inputs + o)), by + 8 * kInt8Inputs)};
  }
};

// Asks for what follows the fours at hand: the lines of those kFoursAhead of them, and the scales of the same group in
// the next block.
template <class Q>
inline void ask_for_lines(const uint8_t* panel, const int32_t* line) {
  for (int64_t k = 4 * kFoursAhead; k < 4 * kFoursAhead + 4; ++k)
    for (int64_t at = 0; at < Q::kLine; at += 64)
      _mm_prefetch(reinterpret_cast<const char*>(panel + line[k] + at), _MM_HINT_T0);
}

template <class Q>
inline void ask_for_scales(const uint8_t* panel, int64_t group) {
  const uint8_t* next = panel + (group * 32 / Q::kInputs + 1) * Q::kBlock;
  constexpr int64_t kShare = Q::kHead * 32 / Q::kInputs;  // of a head, to each of a block's groups
  for (int64_t at = 0; at < kShare; at += 64)
    _mm_prefetch(reinterpret_cast<const char*>(next + group % (Q::kInputs / 32) * kShare + at), _MM_HINT_T0);
}

// Fours begin .. end-1, which are of one group, of a half that begins `at` bytes behind a line's begin.
template <class Q, bool kTiles>
inline void gather(__m512i (*w)[4], const uint8_t* panel, int64_t at, const int32_t* line, int64_t begin, int64_t end) {
  for (int64_t f = begin; f < end; ++f) {
    const int32_t* l = line + 4 * f;
    if (at == 0) ask_for_lines<Q>(panel, l);
    const uint8_t* p = panel + at;
    Q::template fours<kTiles>(w[f - begin], p + l[0], p + l[1], p + l[2], p + l[3]);
  }
}

// sum + what a group's sums are worth to a row.
template <class Q>
inline __m512 add_group_sums(__m512 sum, __m512i dot, const Scales& s, const Int8Row& x, int64_t group) {
  sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(s.first, _mm512_set1_ps(x.d[group])), sum);
  return Q::kLeast ? _mm512_fnmadd_ps(s.least, _mm512_set1_ps(x.sum[group]), sum) : sum;
}
