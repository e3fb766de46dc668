// File types to float32, one value after the other: the definition that every faster kernel is tested against.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace recurra {

// Whether dequantize() knows the type.
bool can_dequantize(DType type);

// elements values from data; elements is a multiple of the type's block.
void dequantize(float* out, DType type, const void* data, int64_t elements);

// The 6-bit scale and minimum of group 0..7 of a Q4_K or Q5_K block: a value is d * scale * q - dmin * least.
struct GroupBits {
  uint8_t scale, least;
};
GroupBits group_bits(const uint8_t* block, int group);

// All values of a tensor; throws Code::unsupported, with its name, for a type that dequantize() doesn't know.
std::vector<float> to_floats(const TensorView& view);

}  // namespace recurra
