#include "backend/cpu/kernels.h"

namespace recurra {
namespace {

Kernels make(Level level) {
  Kernels k{};
  fill_linear_kernels(level, k);
  fill_panel_kernels(level, k);
  fill_row_kernels(level, k);
  fill_scan_kernels(level, k);
  fill_chunk_kernels(level, k);
  fill_attention_kernels(level, k);
  return k;
}

}  // namespace

const Kernels& kernels(Level level) {
  static const Kernels table[] = {make(Level::plain), make(Level::avx2), make(Level::avx512), make(Level::amx)};
  return table[static_cast<int>(level)];
}

}  // namespace recurra
