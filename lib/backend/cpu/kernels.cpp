#include "backend/cpu/kernels.h"

namespace recurra {
namespace {

Kernels make(Level level, Reading reading) {
  Kernels k{};
  fill_linear_kernels(level, reading, k);
  fill_batch_kernels(level, k);
  fill_panel_kernels(level, k);
  fill_row_kernels(level, k);
  fill_scan_kernels(level, k);
  fill_chunk_kernels(level, k);
  fill_attention_kernels(level, k);
  return k;
}

}  // namespace

const Kernels& kernels(Level level, Reading reading) {
  struct Table {
    explicit Table(Reading r)
        : of{make(Level::plain, r), make(Level::avx2, r), make(Level::avx512, r), make(Level::amx, r)} {}
    Kernels of[4];
  };
  static const Table one(Reading::one_place), several(Reading::several_places);
  return (reading == Reading::one_place ? one : several).of[static_cast<int>(level)];
}

}  // namespace recurra
