// What this machine gives at best, measured beside a benchmark: the two figures that decode and prefill are held
// against.
#pragma once

#include <cstddef>

namespace cli {

// Reading a 512 MB buffer from front to back with `threads` threads: the best of several passes, in 1e9 bytes/s. What
// decode can at best do with the weights.
double measure_read_gb_s(unsigned threads);

// Matrix products [rows, 2048] x [2048, 2048] by oneDNN, weights packed, one single-threaded product at a time in each
// of `threads` threads; the sum of their rates, in 1e9 floating-point operations/s. bf16 products add up in float32.
double measure_gemm_gflop_s(unsigned threads, std::size_t rows, bool bf16);

}  // namespace cli
