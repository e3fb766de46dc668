// Products of blocks of rows, by cuBLASLt, which is found at run time: it is 500 MB, and whoever has a GPU and one of
// the usual libraries has it already. Where it is missing every product is computed by row_products.
#pragma once

#include <tuple>

#include "backend/cuda/device/context.h"

namespace recurra::gpu {

enum class Operand { f32, bf16, f16 };

class Products {
 public:
  explicit Products(gpu_device& device);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  static constexpr int32_t kMost = 8;  // products of a call
  // False, and nothing is done: they have to be computed otherwise.
  bool run(gpu_exec& exec, const gpu_product* products, int32_t count);
  // What a product of `rows` rows with these weights takes; float32 where it takes rows as they are.
  Operand takes(const gpu_matrix& w, int64_t rows) const;
  // Empty, or why there is no cuBLASLt.
  const char* missing() const { return missing_; }

 private:
  struct Library;
  struct Plan;
  // operand, type of the result, out, rows, ld of the operands, ld of the result, its alignment, whether it has a bias,
  // whether the weights lie by input
  using Key = std::tuple<int, int, int64_t, int64_t, int64_t, int64_t, int64_t, bool, bool>;
  const Plan& plan(const Key& key);
  const void* kept_weights(gpu_exec& exec, const gpu_matrix& w, Operand operand, int64_t ld);
  const void* weights_for_call(gpu_exec& exec, const gpu_matrix& w, Operand operand, int64_t ld);

  gpu_device& device_;
  std::unique_ptr<Library> library_;
  char missing_[256] = "";
  std::mutex mutex_, multiplying_;
  std::map<Key, std::unique_ptr<Plan>> plans_;
  Memory workspace_;
};

// x as the operand's type [rows, ld], zeros behind its columns; all by one kernel.
struct Roundings {
  struct One {
    gpu_tensor x;
    void* to;
    int64_t ld;
    Operand operand;
  } one[Products::kMost];
  int count;
};
void round_rows(gpu_exec& exec, const Roundings& all);
// y = act(product + bias), or y += that, of products [rows, cols] that lie without gaps; all by one kernel.
struct Epilogues {
  struct One {
    gpu_tensor y;
    const float *product, *bias;
    int32_t act, add;
  } one[Products::kMost];
  int count;
};
void epilogue(gpu_exec& exec, const Epilogues& all);
// In place x = act(x + bias) of results that are operands themselves [rows, ld], zeros behind their columns; all by one
// kernel.
struct Finishes {
  struct One {
    void* x;
    int64_t rows, cols, ld;
    const float* bias;
    int32_t act;
    Operand operand;
  } one[Products::kMost];
  int count;
};
void finish(gpu_exec& exec, const Finishes& all);
// y = act(x W^T + bias), or y += that, with W [out, ld] and x [rows, ld] of 16 bits, 16 byte aligned and ld a multiple
// of 8; y float32, or an operand itself. All by one kernel (small_products.cu).
struct SmallProducts {
  struct One {
    const void *x, *w;
    void* y;
    const float* bias;
    int64_t rows, out, ld, ldy;
    int32_t act, add;
    Operand operand, result;
  } one[Products::kMost];
  int count;
};
void small_products(gpu_exec& exec, const SmallProducts& all);
// What is to be written where `y` lies, for products with `reader` to read: rows without gaps, ld = cols rounded up to
// a multiple of 8 with zeros behind the columns. linears() then finds it there.
Operand leave_operand(gpu_exec& exec, const gpu_tensor& y, const gpu_matrix* reader);
// Weights as the operand's type [out, ld], zeros behind `in`; those by input [in, ld], zeros behind `out`.
void dequantize(gpu_exec& exec, const gpu_matrix& w, void* to, Operand operand, int64_t ld);

}  // namespace recurra::gpu
