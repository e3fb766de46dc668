// y [T, out] = x [T, in] W^T, both operands bf16 or both float32, sums in float32. cuBLASLt counts columns first: there
// y is [out, T] = op(W) x with W [in, out] transposed and x [in, T].
#include "backend/cuda/device/block_products.h"

#include <cublasLt.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace recurra::gpu {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;

void check_blas(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail(status == CUBLAS_STATUS_ALLOC_FAILED ? kMemory : kBackend, "cuBLASLt: %s: status %d", what,
       static_cast<int>(status));
}

void* open_library() {
  const char* named = std::getenv("RECURRA_CUBLASLT");
  if (named != nullptr && *named != '\0') return ::dlopen(named, RTLD_NOW | RTLD_LOCAL);
  const std::string name = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
  for (const char* folder : {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/targets/x86_64-linux/lib/"})
    if (void* found = ::dlopen((folder + name).c_str(), RTLD_NOW | RTLD_LOCAL)) return found;
  return nullptr;
}

}  // namespace

#define RECURRA_BLAS_FUNCTIONS(F)                                                                                      \
  F(cublasLtCreate)                                                                                                    \
  F(cublasLtDestroy) F(cublasLtMatmul) F(cublasLtMatmulDescCreate) F(cublasLtMatmulDescDestroy)                        \
      F(cublasLtMatmulDescSetAttribute) F(cublasLtMatrixLayoutCreate) F(cublasLtMatrixLayoutDestroy)                   \
          F(cublasLtMatmulPreferenceCreate) F(cublasLtMatmulPreferenceDestroy) F(cublasLtMatmulPreferenceSetAttribute) \
              F(cublasLtMatmulAlgoGetHeuristic)

struct Products::Library {
#define RECURRA_BLAS_MEMBER(name) decltype(&::name) name = nullptr;
  RECURRA_BLAS_FUNCTIONS(RECURRA_BLAS_MEMBER)
#undef RECURRA_BLAS_MEMBER
  cublasLtHandle_t handle = nullptr;
};

struct Products::Plan {
  explicit Plan(const Library& l) : f(l) {}
  ~Plan() {
    if (description != nullptr) f.cublasLtMatmulDescDestroy(description);
    for (cublasLtMatrixLayout_t layout : {w, x, y})
      if (layout != nullptr) f.cublasLtMatrixLayoutDestroy(layout);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  const Library& f;
  cublasLtMatmulDesc_t description = nullptr;
  cublasLtMatrixLayout_t w = nullptr, x = nullptr, y = nullptr;
  cublasLtMatmulAlgo_t algorithm{};
  bool found = false;
};

Products::Products(gpu_device& device) : device_(device), workspace_(device) {
  void* opened = open_library();
  if (opened == nullptr) {
    const char* why = ::dlerror();
    std::snprintf(missing_, sizeof missing_, "%s", why != nullptr ? why : "libcublasLt cannot be loaded");
    return;
  }
  auto library = std::make_unique<Library>();
#define RECURRA_BLAS_LOAD(name)                                                \
  library->name = reinterpret_cast<decltype(&::name)>(::dlsym(opened, #name)); \
  if (library->name == nullptr) {                                              \
    std::snprintf(missing_, sizeof missing_, "libcublasLt has no %s", #name);  \
    return;                                                                    \
  }
  RECURRA_BLAS_FUNCTIONS(RECURRA_BLAS_LOAD)
#undef RECURRA_BLAS_LOAD
  const cublasStatus_t status = library->cublasLtCreate(&library->handle);
  if (status != CUBLAS_STATUS_SUCCESS) {
    std::snprintf(missing_, sizeof missing_, "cublasLtCreate fails with status %d", static_cast<int>(status));
    return;
  }
  library_ = std::move(library);
}

Products::~Products() {
  plans_.clear();
  if (library_) library_->cublasLtDestroy(library_->handle);
}

const Products::Plan& Products::plan(const Key& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<Plan>& made = plans_[key];
  if (made) return *made;
  const Library& f = *library_;
  const auto [out, rows, ld, ldy, alignment, add] = key;
  auto p = std::make_unique<Plan>(f);
  const cudaDataType_t type = device_.bf16 ? CUDA_R_16BF : CUDA_R_32F;
  const cublasOperation_t transposed = CUBLAS_OP_T;
  check_blas(f.cublasLtMatmulDescCreate(&p->description, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describing a product");
  check_blas(
      f.cublasLtMatmulDescSetAttribute(p->description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed),
      "describing a product");
  const auto u = [](int64_t n) { return static_cast<uint64_t>(n); };
  check_blas(f.cublasLtMatrixLayoutCreate(&p->w, type, u(ld), u(out), ld), "describing weights");
  check_blas(f.cublasLtMatrixLayoutCreate(&p->x, type, u(ld), u(rows), ld), "describing rows");
  check_blas(f.cublasLtMatrixLayoutCreate(&p->y, CUDA_R_32F, u(out), u(rows), ldy), "describing results");
  cublasLtMatmulPreference_t preference = nullptr;
  check_blas(f.cublasLtMatmulPreferenceCreate(&preference), "choosing a kernel");
  const auto d_alignment = static_cast<uint32_t>(alignment);
  const uint32_t operands = 16;
  f.cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspace,
                                         sizeof kWorkspace);
  for (const auto which : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES})
    f.cublasLtMatmulPreferenceSetAttribute(preference, which, &operands, sizeof operands);
  for (const auto which : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    f.cublasLtMatmulPreferenceSetAttribute(preference, which, &d_alignment, sizeof d_alignment);
  cublasLtMatmulHeuristicResult_t result{};
  int count = 0;
  const cublasStatus_t status = f.cublasLtMatmulAlgoGetHeuristic(f.handle, p->description, p->w, p->x, p->y, p->y,
                                                                 preference, 1, &result, &count);
  f.cublasLtMatmulPreferenceDestroy(preference);
  p->found = status == CUBLAS_STATUS_SUCCESS && count > 0;
  p->algorithm = result.algo;
  made = std::move(p);
  return *made;
}

bool Products::run(gpu_exec& exec, const gpu_product& p) {
  if (!library_ || p.x.rows == 0 || p.w->out == 0) return false;
  const gpu_matrix& w = *p.w;
  const bool bf16 = device_.bf16;
  const int64_t ld = round_up(w.in, 8), rows = p.x.rows;
  const bool direct = p.bias == nullptr && p.act == 0;  // the result goes where it belongs
  const int64_t ldy = direct ? p.y.stride : w.out;

  int64_t alignment = 16;
  const auto at = direct ? reinterpret_cast<uintptr_t>(p.y.data) : uintptr_t{0};
  while (alignment > 4 && (at % static_cast<uintptr_t>(alignment) != 0 || ldy * 4 % alignment != 0)) alignment /= 2;
  const Plan& plan = this->plan({w.out, rows, ld, ldy, alignment, direct && p.add != 0});
  if (!plan.found) return false;

  const void *weights = w.data(), *x = p.x.data;
  const uint64_t bytes = bf16 ? 2 : 4;
  if (w.type != (bf16 ? DType::bf16 : DType::f32)) {
    void* to = exec.weights.need(static_cast<uint64_t>(w.out * ld) * bytes);
    dequantize(exec, w, to, bf16, ld);
    weights = to;
  }
  if (bf16 || p.x.stride != ld || w.in != ld || reinterpret_cast<uintptr_t>(x) % 16 != 0) {
    void* to = exec.inputs.need(static_cast<uint64_t>(rows * ld) * bytes);
    round_rows(exec, p.x, to, bf16, ld);
    x = to;
  }
  float* y = direct ? p.y.data : exec.work.of<float>(rows * w.out);
  const float one = 1, beta = direct && p.add != 0 ? 1 : 0;
  void* workspace = workspace_.need(kWorkspace);
  check_blas(library_->cublasLtMatmul(library_->handle, plan.description, &one, weights, plan.w, x, plan.x, &beta, y,
                                      plan.y, y, plan.y, &plan.algorithm, workspace, kWorkspace, exec.stream),
             "multiplying");
  if (!direct) epilogue(exec, p, y);
  return true;
}

void linears(gpu_exec& exec, const gpu_linears& io) {
  if (io.block == 0) return row_products(exec, io.products, io.count);
  for (int32_t i = 0; i < io.count; ++i)
    if (!exec.device.products->run(exec, io.products[i])) row_products(exec, &io.products[i], 1);
}

}  // namespace recurra::gpu
