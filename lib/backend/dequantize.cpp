#include "backend/dequantize.h"

#include <cstring>

#include "core/error.h"
#include "core/half.h"

namespace recurra {
namespace {

// One block each: layouts and the order of operations are ggml's (ggml-common.h, dequantize_row_*), so that results are
// the same to the bit. `b` is the block, values of a block that share a scale differ in their q alone.
float half_at(const uint8_t* b) {
  uint16_t h;
  std::memcpy(&h, b, sizeof h);
  return f16_to_float(h);
}

float low(uint8_t q) { return static_cast<float>(q & 15); }
float high(uint8_t q) { return static_cast<float>(q >> 4); }

// f16 d, 32 x i8
void q8_0(float* out, const uint8_t* b) {
  const float d = half_at(b);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(static_cast<int8_t>(b[2 + i]));
}

// f16 d, 16 bytes: low halves are values 0..15, high halves 16..31
void q4_0(float* out, const uint8_t* b) {
  const float d = half_at(b);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * (low(b[2 + i]) - 8);
    out[i + 16] = d * (high(b[2 + i]) - 8);
  }
}

// The fifth bits of 32 values, bit i for value i.
uint32_t fifth_bits(const uint8_t* b) {
  uint32_t bits;
  std::memcpy(&bits, b, sizeof bits);
  return bits;
}

// f16 d, 32 fifth bits, 16 bytes as q4_0
void q5_0(float* out, const uint8_t* b) {
  const float d = half_at(b);
  const uint32_t fifth = fifth_bits(b + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * (low(b[6 + i]) + static_cast<float>(fifth >> i & 1) * 16 - 16);
    out[i + 16] = d * (high(b[6 + i]) + static_cast<float>(fifth >> (i + 16) & 1) * 16 - 16);
  }
}

// f16 d, f16 m, 32 fifth bits, 16 bytes as q4_0
void q5_1(float* out, const uint8_t* b) {
  const float d = half_at(b), m = half_at(b + 2);
  const uint32_t fifth = fifth_bits(b + 4);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * (low(b[8 + i]) + static_cast<float>(fifth >> i & 1) * 16) + m;
    out[i + 16] = d * (high(b[8 + i]) + static_cast<float>(fifth >> (i + 16) & 1) * 16) + m;
  }
}

// Scale and offset of group 0..7 of a Q4_K or Q5_K block: a value is d q - m.
struct GroupScale {
  float d, m;
};
GroupScale group_scale(const uint8_t* block, int group) {
  const float d = half_at(block), dmin = half_at(block + 2);
  const GroupBits bits = group_bits(block, group);
  return {d * static_cast<float>(bits.scale), dmin * static_cast<float>(bits.least)};
}

// f16 d, f16 dmin, 12 bytes of scales, 128 bytes: of 32 bytes the low halves are a group of 32 values, the high halves
// the next one
void q4_k(float* out, const uint8_t* b) {
  for (int g = 0; g < 8; ++g) {
    const GroupScale s = group_scale(b, g);
    const uint8_t* q = b + 16 + g / 2 * 32;
    for (int i = 0; i < 32; ++i) out[g * 32 + i] = s.d * (g % 2 == 0 ? low(q[i]) : high(q[i])) - s.m;
  }
}

// As q4_k, with 32 bytes of fifth bits in between: bit g of byte i for value i of group g
void q5_k(float* out, const uint8_t* b) {
  for (int g = 0; g < 8; ++g) {
    const GroupScale s = group_scale(b, g);
    const uint8_t *fifth = b + 16, *q = b + 48 + g / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const float value = (g % 2 == 0 ? low(q[i]) : high(q[i])) + static_cast<float>(fifth[i] >> g & 1) * 16;
      out[g * 32 + i] = s.d * value - s.m;
    }
  }
}

// Of 128 values: 64 bytes of low halves, 32 bytes of upper bits by twos; then 16 x i8 scales and f16 d of all 256
void q6_k(float* out, const uint8_t* b) {
  const float d = half_at(b + 208);
  for (int half = 0; half < 2; ++half) {
    const uint8_t *q = b + 64 * half, *upper = b + 128 + 32 * half;
    const auto* scales = reinterpret_cast<const int8_t*>(b + 192 + 8 * half);
    for (int part = 0; part < 4; ++part)
      for (int i = 0; i < 32; ++i) {
        const uint8_t byte = q[i + 32 * (part % 2)];
        const int bits = (part < 2 ? byte & 15 : byte >> 4) | (upper[i] >> 2 * part & 3) << 4;
        out[128 * half + 32 * part + i] =
            d * static_cast<float>(scales[2 * part + i / 16]) * static_cast<float>(bits - 32);
      }
  }
}

template <class Decode>
void each_block(float* out, DType type, const void* data, int64_t elements, const Decode& decode) {
  const auto* b = static_cast<const uint8_t*>(data);
  const int64_t n = info(type).block;
  for (int64_t i = 0; i < elements; i += n, b += info(type).block_bytes) decode(out + i, b);
}

}  // namespace

GroupBits group_bits(const uint8_t* block, int group) {
  const uint8_t* q = block + 4;  // 8 scales and 8 minima of 6 bits in 12 bytes
  if (group < 4) return {static_cast<uint8_t>(q[group] & 63), static_cast<uint8_t>(q[group + 4] & 63)};
  return {static_cast<uint8_t>((q[group + 4] & 15) | (q[group - 4] >> 6) << 4),
          static_cast<uint8_t>(q[group + 4] >> 4 | (q[group] >> 6) << 4)};
}

bool can_dequantize(DType type) {
  switch (type) {
    case DType::i8:
    case DType::i32:
    case DType::i64:
    case DType::u8:
      return false;
    default:
      return true;
  }
}

void dequantize(float* out, DType type, const void* data, int64_t elements) {
  switch (type) {
    case DType::f32:
      std::memcpy(out, data, static_cast<size_t>(elements) * sizeof(float));
      return;
    case DType::f16: {
      const auto* p = static_cast<const uint16_t*>(data);
      for (int64_t i = 0; i < elements; ++i) out[i] = f16_to_float(p[i]);
      return;
    }
    case DType::bf16: {
      const auto* p = static_cast<const uint16_t*>(data);
      for (int64_t i = 0; i < elements; ++i) out[i] = bf16_to_float(p[i]);
      return;
    }
    case DType::q8_0:
      return each_block(out, type, data, elements, q8_0);
    case DType::q4_0:
      return each_block(out, type, data, elements, q4_0);
    case DType::q5_0:
      return each_block(out, type, data, elements, q5_0);
    case DType::q5_1:
      return each_block(out, type, data, elements, q5_1);
    case DType::q4_k:
      return each_block(out, type, data, elements, q4_k);
    case DType::q5_k:
      return each_block(out, type, data, elements, q5_k);
    case DType::q6_k:
      return each_block(out, type, data, elements, q6_k);
    default:
      fail(Code::unsupported, "weights of type %s cannot be computed with", info(type).name);
  }
}

std::vector<float> to_floats(const TensorView& view) {
  if (!can_dequantize(view.type))
    fail(Code::unsupported, "tensor '%s' has type %s, expected a type of weights", printable(view.name).c_str(),
         info(view.type).name);
  std::vector<float> values(static_cast<size_t>(view.shape.elements()));
  dequantize(values.data(), view.type, view.data, view.shape.elements());
  return values;
}

}  // namespace recurra
