#include "backend/dequantize.h"

#include <cstring>

#include "core/error.h"
#include "core/half.h"

namespace recurra {

bool can_dequantize(DType type) { return type == DType::f32 || type == DType::f16 || type == DType::bf16; }

void dequantize(float* out, DType type, const void* data, int64_t elements) {
  switch (type) {
    case DType::f32: std::memcpy(out, data, static_cast<size_t>(elements) * sizeof(float)); return;
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
    default: fail(Code::unsupported, "weights of type %s cannot be computed with", info(type).name);
  }
}

std::vector<float> to_floats(const TensorView& view) {
  if (!can_dequantize(view.type))
    fail(Code::unsupported, "tensor '%s' has type %s, expected F32, F16 or BF16", printable(view.name).c_str(),
         info(view.type).name);
  std::vector<float> values(static_cast<size_t>(view.shape.elements()));
  dequantize(values.data(), view.type, view.data, view.shape.elements());
  return values;
}

}  // namespace recurra
