// y [T, out] = x [T, in] W^T, both operands bf16, half or float32, sums in float32. cuBLASLt counts columns first:
// there y is [out, T] = op(W) x with W [in, out] transposed, or by input [out, in], and x [in, T].
#include "backend/cuda/device/block_products.h"

#include <cublasLt.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

namespace recurra::gpu {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;
// Up to here reading the weights takes longer than multiplying, whatever does it.
constexpr int64_t kFewRows = 4;
// Up to here a product leaves much of a device idle, and others may run beside it.
constexpr int64_t kTogetherRows = 128;

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

#define RECURRA_BLAS_FUNCTIONS(F)                                                                                  \
  F(cublasLtCreate)                                                                                                \
  F(cublasLtDestroy)                                                                                               \
  F(cublasLtMatmul)                                                                                                \
  F(cublasLtMatmulDescCreate)                                                                                      \
  F(cublasLtMatmulDescDestroy)                                                                                     \
  F(cublasLtMatmulDescSetAttribute)                                                                                \
  F(cublasLtMatrixLayoutCreate) F(cublasLtMatrixLayoutDestroy) F(cublasLtMatmulPreferenceCreate)                   \
      F(cublasLtMatmulPreferenceDestroy) F(cublasLtMatmulPreferenceSetAttribute) F(cublasLtMatmulAlgoGetHeuristic) \
          F(cublasLtMatmulAlgoConfigGetAttribute)

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
  const auto [operand, result, out, rows, ld, ldy, alignment, bias, by_input] = key;
  auto p = std::make_unique<Plan>(f);
  const cudaDataType_t types[] = {CUDA_R_32F, CUDA_R_16BF, CUDA_R_16F};
  const cudaDataType_t type = types[operand];
  const cublasOperation_t transposed = by_input ? CUBLAS_OP_N : CUBLAS_OP_T;
  check_blas(f.cublasLtMatmulDescCreate(&p->description, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describing a product");
  check_blas(
      f.cublasLtMatmulDescSetAttribute(p->description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed),
      "describing a product");
  const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
  if (bias)
    check_blas(
        f.cublasLtMatmulDescSetAttribute(p->description, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue),
        "describing a product");
  const auto u = [](int64_t n) { return static_cast<uint64_t>(n); };
  check_blas(by_input ? f.cublasLtMatrixLayoutCreate(&p->w, type, u(out), u(ld), out)
                      : f.cublasLtMatrixLayoutCreate(&p->w, type, u(ld), u(out), ld),
             "describing weights");
  check_blas(f.cublasLtMatrixLayoutCreate(&p->x, type, u(ld), u(rows), ld), "describing rows");
  check_blas(f.cublasLtMatrixLayoutCreate(&p->y, types[result], u(out), u(rows), ldy), "describing results");
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
  constexpr int kCandidates = 4;
  cublasLtMatmulHeuristicResult_t candidates[kCandidates] = {};
  int count = 0;
  const cublasStatus_t status = f.cublasLtMatmulAlgoGetHeuristic(f.handle, p->description, p->w, p->x, p->y, p->y,
                                                                 preference, kCandidates, candidates, &count);
  f.cublasLtMatmulPreferenceDestroy(preference);
  p->found = status == CUBLAS_STATUS_SUCCESS && count > 0;
  // Tiles of 96 x 64 come first for 320 rows and weights [2048, 8192], and take 42 to 47 us of an H100 where the next
  // ones take 28; nowhere were they the fastest.
  const auto poor = [&f](const cublasLtMatmulHeuristicResult_t& c) {
    int32_t tile = 0;
    return f.cublasLtMatmulAlgoConfigGetAttribute(&c.algo, CUBLASLT_ALGO_CONFIG_TILE_ID, &tile, sizeof tile, nullptr) ==
               CUBLAS_STATUS_SUCCESS &&
           tile == CUBLASLT_MATMUL_TILE_96x64;
  };
  const auto* best = std::find_if_not(candidates, candidates + count, poor);
  p->algorithm = (best != candidates + count ? best : candidates)->algo;
  made = std::move(p);
  return *made;
}

namespace {

// What operands are rounded to. Half has 11 bits where bf16 has 8, but a smaller range: for weights that are no wider.
Operand operand_of(const gpu_device& device, DType type) {
  if (!device.bf16) return Operand::f32;
  return type == DType::bf16 || type == DType::f32 ? Operand::bf16 : Operand::f16;
}
// Where one kernel for all of a call's products is faster than one of cuBLASLt for each. Measured on an H100 with
// RWKV-7 of 768, 2048 and 4096 values: 8 conversations at once decode 1.33, 1.07 and -, 320 of them 1.18, 1.07 and 1.01
// times as fast with it; from 512 inputs to 4096 outputs it is slower, and so it is for prompts.
bool is_small(const gpu_matrix& w, Operand operand, int64_t rows) {
  constexpr int64_t kMostRows = 512, kFew = 512, kMostOutputs = 2048;
  constexpr int64_t kNotManyRows = 128, kNotMany = int64_t{1} << 20;
  if (operand == Operand::f32 || w.by_input || rows > kMostRows) return false;
  return w.out <= kFew || (w.in <= kFew && w.out <= kMostOutputs) || (rows <= kNotManyRows && w.out * w.in <= kNotMany);
}
int64_t bytes_of(Operand o) { return o == Operand::f32 ? 4 : 2; }
DType type_of(Operand o) { return o == Operand::f32 ? DType::f32 : o == Operand::bf16 ? DType::bf16 : DType::f16; }

}  // namespace

// The weights as the operand's type: as they are, or as a copy that is made once and kept with the matrix. Null where
// there is no memory for that.
const void* Products::kept_weights(gpu_exec& exec, const gpu_matrix& w, Operand operand, int64_t ld) {
  if (w.type == type_of(operand)) return w.data();
  if (operand == Operand::f32 || operand != operand_of(device_, w.type)) return nullptr;  // rows lie there as another
  const std::lock_guard<std::mutex> lock(mutex_);
  if (w.copy.data() != nullptr) return w.copy.data();
  if (exec.recording()) return nullptr;
  if (w.by_input) ld = w.out;  // [in, out], both multiples of 8
  try {
    void* to = w.copy.need(static_cast<uint64_t>((w.by_input ? w.in : w.out) * ld * bytes_of(operand)));
    dequantize(exec, w, to, operand, ld);
    return to;
  } catch (const Failure& f) {
    if (f.code != kMemory) throw;
    return nullptr;
  }
}

const void* Products::weights_for_call(gpu_exec& exec, const gpu_matrix& w, Operand operand, int64_t ld) {
  if (w.by_input) ld = w.out;
  void* to = exec.weights.need(static_cast<uint64_t>((w.by_input ? w.in : w.out) * ld * bytes_of(operand)));
  dequantize(exec, w, to, operand, ld);
  return to;
}

Operand Products::takes(const gpu_matrix& w, int64_t rows) const {
  return library_ && rows > kFewRows ? operand_of(device_, w.type) : Operand::f32;
}

Operand leave_operand(gpu_exec& exec, const gpu_tensor& y, const gpu_matrix* reader) {
  if (reader == nullptr || y.stride != y.cols || reinterpret_cast<uintptr_t>(y.data) % 16 != 0) return Operand::f32;
  const Operand operand = exec.device.products->takes(*reader, y.rows);
  // Zeros behind the columns would have to be written, too.
  if (operand == Operand::f32 || y.cols % 8 != 0) return Operand::f32;
  exec.operands[y.data] = static_cast<int32_t>(operand);
  return operand;
}

bool Products::run(gpu_exec& exec, const gpu_product* products, int32_t count) {
  if (!library_) return false;
  // How a result comes to where it belongs: straight, as an operand, or through float32 and a kernel.
  enum class Way { straight, operand, kernel, small };
  struct One {
    const Plan* plan;
    const void* x;
    void* y;
    Operand operand, result;
    int64_t ld;
    Way way;
    bool bias, left;  // left: x lies there as an operand
  };
  One all[kMost];
  Roundings roundings{};
  if (count > kMost) return false;
  const void* kept[kMost] = {};  // weights, but for those converted for this call alone, one after the other
  uint64_t input_bytes = 0, work_floats = 0;
  for (int32_t i = 0; i < count; ++i) {
    const gpu_product& p = products[i];
    if (p.x.rows == 0 || p.w->out == 0) return false;
    One& one = all[i];
    const auto found = exec.operands.find(p.x.data);
    one.left = found != exec.operands.end();
    one.operand = one.left ? static_cast<Operand>(found->second) : operand_of(device_, p.w->type);
    one.ld = round_up(p.w->in, 8);
    one.result = Operand::f32;
    one.bias = false;
    one.way = p.act == 0 ? Way::straight : Way::kernel;
    if (p.add == 0 && p.reader != nullptr && takes(*p.reader, p.x.rows) == one.operand)
      one.result = leave_operand(exec, p.y, p.reader);
    if (one.result != Operand::f32) one.way = Way::operand;
    kept[i] = kept_weights(exec, *p.w, one.operand, one.ld);
    if (is_small(*p.w, one.operand, p.x.rows) && kept[i] != nullptr) one.way = Way::small;
    const auto planned = [&] {
      const bool there = one.way != Way::kernel;
      const int64_t ldy = one.way == Way::straight ? p.y.stride : p.w->out, size = bytes_of(one.result);
      int64_t alignment = 16;
      const auto at = there ? reinterpret_cast<uintptr_t>(p.y.data) : uintptr_t{0};
      while (alignment > 4 && (at % static_cast<uintptr_t>(alignment) != 0 || ldy * size % alignment != 0))
        alignment /= 2;
      one.bias = one.way == Way::straight && p.bias != nullptr;
      one.plan = &this->plan({static_cast<int>(one.operand), static_cast<int>(one.result), p.w->out, p.x.rows, one.ld,
                              ldy, alignment, one.bias, p.w->by_input});
      return one.plan->found;
    };
    if (one.way != Way::small && !planned() && one.way == Way::straight) {
      one.way = Way::kernel;
      planned();
    }
    if (one.way != Way::small && !one.plan->found) {
      if (exec.operands.empty()) return false;
      fail(kBackend, "cuBLASLt has no kernel for %lld rows and weights [%lld, %lld]", static_cast<long long>(p.x.rows),
           static_cast<long long>(p.w->out), static_cast<long long>(p.w->in));
    }
    if (!one.left) input_bytes += static_cast<uint64_t>(round_up(p.x.rows * one.ld * bytes_of(one.operand), 256));
    if (one.way == Way::kernel) work_floats += static_cast<uint64_t>(round_up(p.x.rows * p.w->out, 64));
  }
  char* input = static_cast<char*>(exec.inputs.need(input_bytes));
  float* result = exec.work.of<float>(static_cast<int64_t>(work_floats));
  for (int32_t i = 0; i < count; ++i) {
    const gpu_product& p = products[i];
    One& one = all[i];
    one.x = nullptr;
    if (one.left || (one.operand == Operand::f32 && p.x.stride == one.ld && p.w->in == one.ld &&
                     reinterpret_cast<uintptr_t>(p.x.data) % 16 == 0))
      one.x = p.x.data;
    for (int32_t j = 0; one.x == nullptr && j < i; ++j)
      if (products[j].x.data == p.x.data && products[j].x.cols == p.x.cols && all[j].operand == one.operand)
        one.x = all[j].x;
    if (one.x == nullptr) {
      one.x = input;
      roundings.one[roundings.count++] = {p.x, input, one.ld, one.operand};
      input += round_up(p.x.rows * one.ld * bytes_of(one.operand), 256);
    }
    one.y = one.way == Way::kernel ? result : p.y.data;
    if (one.way == Way::kernel) result += round_up(p.x.rows * p.w->out, 64);
  }
  round_rows(exec, roundings);
  SmallProducts small{};
  int32_t order[kMost], large = 0;
  bool together = products[0].x.rows <= kTogetherRows;
  for (int32_t i = 0; i < count; ++i) {
    const gpu_product& p = products[i];
    const One& one = all[i];
    if (one.way == Way::small) {
      small.one[small.count++] = {one.x,    kept[i],  one.y,       p.bias,
                                  p.x.rows, p.w->out, one.ld,      one.result == Operand::f32 ? p.y.stride : p.y.cols,
                                  p.act,    p.add,    one.operand, one.result};
      continue;
    }
    order[large++] = i;
    together = together && kept[i] != nullptr;
  }
  small_products(exec, small);
  const auto multiply = [&](int32_t i, cudaStream_t stream, void* workspace) {
    const gpu_product& p = products[i];
    const One& one = all[i];
    const void* w = kept[i] != nullptr ? kept[i] : weights_for_call(exec, *p.w, one.operand, one.ld);
    const float scale = 1, beta = one.way == Way::straight && p.add != 0 ? 1 : 0;
    const Timed timed(exec, "cublasLtMatmul", p.w->out);
    const std::lock_guard<std::mutex> lock(multiplying_);  // the bias is part of the plan
    if (one.bias)
      check_blas(library_->cublasLtMatmulDescSetAttribute(one.plan->description, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                                          &p.bias, sizeof p.bias),
                 "describing a product");
    check_blas(library_->cublasLtMatmul(library_->handle, one.plan->description, &scale, w, one.plan->w, one.x,
                                        one.plan->x, &beta, one.y, one.plan->y, one.y, one.plan->y,
                                        &one.plan->algorithm, workspace, kWorkspace, stream),
               "multiplying");
  };
  void* workspace = workspace_.need(kWorkspace);
  SideStreams* sides = together && large > 1 ? exec.side_streams(kWorkspace) : nullptr;
  if (sides == nullptr) {
    for (int32_t n = 0; n < large; ++n) multiply(order[n], exec.stream, workspace);
  } else {
    // The largest first, each to the stream that has least to do.
    const auto size = [&](int32_t i) { return products[i].w->out * products[i].w->in; };
    std::stable_sort(order, order + large, [&](int32_t a, int32_t b) { return size(a) > size(b); });
    int64_t load[SideStreams::kSides + 1] = {};
    const SideStreams::Fork fork(*sides, exec.stream);
    for (int32_t n = 0; n < large; ++n) {
      const auto least = static_cast<int>(std::min_element(std::begin(load), std::end(load)) - load);
      load[least] += size(order[n]);
      multiply(order[n], least == 0 ? exec.stream : sides->stream(least - 1),
               least == 0 ? workspace : sides->workspace(least - 1));
    }
  }
  Epilogues epilogues{};
  Finishes finishes{};
  for (int32_t i = 0; i < count; ++i) {
    const gpu_product& p = products[i];
    const One& one = all[i];
    if (one.way == Way::kernel)
      epilogues.one[epilogues.count++] = {p.y, static_cast<float*>(one.y), p.bias, p.act, p.add};
    if (one.way == Way::operand && (p.act != 0 || p.bias != nullptr))
      finishes.one[finishes.count++] = {one.y, p.y.rows, p.y.cols, p.y.cols, p.bias, p.act, one.result};
  }
  epilogue(exec, epilogues);
  finish(exec, finishes);
  return true;
}

void linears(gpu_exec& exec, const gpu_linears& io) {
  const std::unordered_map<const void*, int32_t> read = exec.operands;
  bool block = io.block != 0;
  if (!block && exec.device.bf16)
    for (int32_t i = 0; i < io.count; ++i) block = io.products[i].x.rows > kFewRows;
  for (int32_t begin = 0; begin < io.count; begin += Products::kMost) {
    const int32_t n = std::min(io.count - begin, Products::kMost);
    if (!block || !exec.device.products->run(exec, io.products + begin, n)) row_products(exec, io.products + begin, n);
  }
  for (const auto& [data, operand] : read) exec.operands.erase(data);  // used up
}

}  // namespace recurra::gpu
