#include "backend/cpu/int8.h"

#include <cpuid.h>

namespace recurra {
namespace {

bool has_vnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c >> 11 & 1u) != 0;  // AVX512_VNNI
}

}  // namespace

const Int8Kernels* int8_kernels(Level level) {
  if (level == Level::plain) return nullptr;
  return level >= Level::avx512 && has_vnni() ? &kInt8Vnni : &kInt8Avx2;
}

}  // namespace recurra
