// Matrix products of one block of kBlock rows with packed weights, by oneDNN on the calling thread alone.
//
// A weight matrix is cut into slices of output columns of a fixed width, and every product is a whole block of rows with one
// slice: so neither the number of threads nor the number of blocks changes the order in which anything is summed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "backend/host_memory.h"

namespace recurra {

// oneDNN asks OpenMP how many threads it may use; inside this scope the answer is one.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// Columns of a slice; the last one of a matrix may be narrower.
constexpr int64_t kSlice = 128;

// out [kBlock, n] = in [kBlock, k] times packed weights [k, n], all float32 or in and weights bfloat16.
struct BlockProduct {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
};

class OneDnn {
 public:
  // Caps oneDNN's instruction set at the level (process-wide, before its first use), throws Code::backend if it was in
  // use at another one already.
  OneDnn(const CpuLevel& level, bool forced, bool bf16);

  const dnnl::engine& engine() const { return engine_; }
  bool bf16() const { return bf16_; }
  std::shared_ptr<BlockProduct> product(int64_t k, int64_t n);  // made once per shape

 private:
  dnnl::engine engine_;
  bool bf16_;
  std::mutex mutex_;
  std::map<std::pair<int64_t, int64_t>, std::shared_ptr<BlockProduct>> products_;
};

// One slice of a weight matrix in oneDNN's own order.
struct PackedSlice {
  int64_t first = 0, columns = 0;
  std::shared_ptr<BlockProduct> product;
  std::shared_ptr<Buffer> buffer;
  dnnl::memory weights;
};

// `buffer` [columns * in] floats of scratch.
PackedSlice pack_slice(OneDnn& dnn, WeightMemory& weights, const Kernels& kernels, const WeightRows& w, int64_t first,
                       int64_t columns, float* buffer);

// What one thread needs to run products: a stream, memory objects and scratchpads that are kept between calls.
class ProductRunner {
 public:
  explicit ProductRunner(const dnnl::engine& engine) : engine_(engine), stream_(engine) {}
  // out [kBlock, slice.columns] = in [kBlock, k]
  void run(const PackedSlice& slice, const void* in, float* out);

 private:
  struct Arguments {
    dnnl::memory in, out, scratchpad;
    std::shared_ptr<Buffer> scratch;
  };
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<const BlockProduct*, Arguments> arguments_;
};

}  // namespace recurra
