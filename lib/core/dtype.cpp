#include "core/dtype.h"

namespace recurra {

const DTypeInfo& info(DType type) {
  // In the order of the enum. Block layouts of the quantised types: ggml's ggml-common.h.
  static const DTypeInfo table[] = {
      {"F32", 1, 4},   {"F16", 1, 2},    {"BF16", 1, 2},   {"I8", 1, 1},      {"I32", 1, 4},
      {"I64", 1, 8},   {"U8", 1, 1},     {"Q8_0", 32, 34}, {"Q4_0", 32, 18},  {"Q5_0", 32, 22},
      {"Q5_1", 32, 24}, {"Q4_K", 256, 144}, {"Q5_K", 256, 176}, {"Q6_K", 256, 210},
  };
  return table[static_cast<int>(type)];
}

}  // namespace recurra
