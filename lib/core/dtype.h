// Element types of tensors in files and in memory, and how many bytes they take.
#pragma once

#include <cstdint>

namespace recurra {

enum class DType : uint8_t { f32, f16, bf16, i8, i32, i64, u8, q8_0, q4_0, q5_0, q5_1, q4_k, q5_k, q6_k };

struct DTypeInfo {
  const char* name;      // as GGUF and the command line spell it: "F32", "Q4_K"
  uint32_t block;        // elements per block, 1 for plain types
  uint32_t block_bytes;  // bytes per block
};

const DTypeInfo& info(DType type);

}  // namespace recurra
