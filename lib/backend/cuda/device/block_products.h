// Products of blocks of rows, by cuBLASLt, which is found at run time: it is 500 MB, and whoever has a GPU and one of
// the usual libraries has it already. Where it is missing every product is computed by row_products.
#pragma once

#include <tuple>

#include "backend/cuda/device/context.h"

namespace recurra::gpu {

class Products {
 public:
  explicit Products(gpu_device& device);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  // False: it has to be computed otherwise.
  bool run(gpu_exec& exec, const gpu_product& product);
  // Empty, or why there is no cuBLASLt.
  const char* missing() const { return missing_; }

 private:
  struct Library;
  struct Plan;
  // out, rows, ld of the operands, ld of the result, its alignment, whether it is added to
  using Key = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, bool>;
  const Plan& plan(const Key& key);

  gpu_device& device_;
  std::unique_ptr<Library> library_;
  char missing_[256] = "";
  std::mutex mutex_;
  std::map<Key, std::unique_ptr<Plan>> plans_;
  Memory workspace_;
};

// x as float32 or bf16 [rows, ld], zeros behind its columns.
void round_rows(gpu_exec& exec, const gpu_tensor& x, void* to, bool bf16, int64_t ld);

}  // namespace recurra::gpu
