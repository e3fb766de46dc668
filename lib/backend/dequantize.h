// File types to float32, one value after the other: the definition that every faster kernel is tested against.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace recurra {

// Whether dequantize() knows the type.
bool can_dequantize(DType type);

// elements values from data; elements is a multiple of the type's block.
void dequantize(float* out, DType type, const void* data, int64_t elements);

// All values of a tensor; throws Code::unsupported, with its name, for a type that dequantize() doesn't know.
std::vector<float> to_floats(const TensorView& view);

}  // namespace recurra
