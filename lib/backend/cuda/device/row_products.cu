// Products with weights as they are:  y_i = act(W x_i + bias), for any rows i (row_products.cuh); what products of
// blocks need besides cuBLASLt; embed.
#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/row_products.cuh"

namespace recurra::gpu {
namespace {

constexpr int kWarps = 4, kMostProducts = 8, kMostRows = 4;

struct Works {
  Work work[kMostProducts];
  int count;
};

template <int R>
__global__ void products(const __grid_constant__ Works all) {
  int i = all.count - 1;
  while (i > 0 && static_cast<int64_t>(blockIdx.x) < all.work[i].first) --i;
  const Work& p = all.work[i];
  const int64_t block = static_cast<int64_t>(blockIdx.x) - p.first, row0 = static_cast<int64_t>(blockIdx.y) * R;
  if (row0 >= p.x.rows) return after_others();
  switch (p.type) {
    case DType::f32:
      return outputs<DType::f32, R, kWarps>(p, block, row0);
    case DType::f16:
      return outputs<DType::f16, R, kWarps>(p, block, row0);
    case DType::bf16:
      return outputs<DType::bf16, R, kWarps>(p, block, row0);
    case DType::q8_0:
      return outputs<DType::q8_0, R, kWarps>(p, block, row0);
    case DType::q4_0:
      return outputs<DType::q4_0, R, kWarps>(p, block, row0);
    case DType::q5_0:
      return outputs<DType::q5_0, R, kWarps>(p, block, row0);
    case DType::q5_1:
      return outputs<DType::q5_1, R, kWarps>(p, block, row0);
    case DType::q4_k:
      return outputs<DType::q4_k, R, kWarps>(p, block, row0);
    case DType::q5_k:
      return outputs<DType::q5_k, R, kWarps>(p, block, row0);
    case DType::q6_k:
      return outputs<DType::q6_k, R, kWarps>(p, block, row0);
    default:
      return;
  }
}

template <int R>
void multiply(gpu_exec& exec, const Works& works, int64_t blocks, int64_t rows) {
  launch(exec, "row products", dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(ceil_div(rows, R))),
         kWarps * kWarp, 0, products<R>, works);
}

template <class To>
__global__ void dequantize_kernel(DType type, const unsigned char* w, int64_t stride, int64_t in, To* to, int64_t ld) {
  const int64_t k = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * 8;
  if (k >= ld) return;
  float v[8] = {};
  if (k < in) load8(type, w + blockIdx.x * stride, in, k, v);
  To* out = to + blockIdx.x * ld + k;
#pragma unroll
  for (int j = 0; j < 8; ++j) out[j] = static_cast<To>(v[j]);
}

// Finite values stay finite; what is not comes through.
__device__ inline void round_to(float x, float& y) { y = x; }
__device__ inline void round_to(float x, __nv_bfloat16& y) { y = __float2bfloat16_rn(x); }
__device__ inline void round_to(float x, __half& y) {
  y = __float2half_rn(isfinite(x) ? fminf(fmaxf(x, -65504.0f), 65504.0f) : x);
}

// Two values a thread: ld is even.
template <class To>
__device__ void round_two(const Roundings::One& p, int64_t i, int64_t c) {
  const float* x = row(p.x, i) + c;
  To* to = static_cast<To*>(p.to) + i * p.ld + c;
  round_to(c < p.x.cols ? x[0] : 0.0f, to[0]);
  round_to(c + 1 < p.x.cols ? x[1] : 0.0f, to[1]);
}
__global__ void round_kernel(const __grid_constant__ Roundings all) {
  after_others();
  const Roundings::One& p = all.one[blockIdx.z];
  const int64_t i = blockIdx.x, c = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * 2;
  if (c >= p.ld || i >= p.x.rows) return;
  if (p.operand == Operand::f32) round_two<float>(p, i, c);
  if (p.operand == Operand::bf16) round_two<__nv_bfloat16>(p, i, c);
  if (p.operand == Operand::f16) round_two<__half>(p, i, c);
}

__global__ void epilogue_kernel(const __grid_constant__ Epilogues all) {
  after_others();
  const Epilogues::One& p = all.one[blockIdx.z];
  const int64_t i = blockIdx.x, c = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
  if (c >= p.y.cols || i >= p.y.rows) return;
  const float s = p.product[i * p.y.cols + c];
  const float v = activation(static_cast<Act>(p.act), p.bias != nullptr ? s + p.bias[c] : s);
  float* to = row(p.y, i) + c;
  *to = p.add != 0 ? *to + v : v;
}

// 8 columns a thread.
template <class T>
__device__ void finish_eight(const Finishes::One& p, int64_t i, int64_t c) {
  union {
    uint4 all;
    T x[8];
  } v;
  uint4* at = reinterpret_cast<uint4*>(static_cast<T*>(p.x) + i * p.ld + c);
  v.all = *at;
  const auto each = [&](auto activated) {
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      float y = static_cast<float>(v.x[j]);
      if (p.bias != nullptr) y += p.bias[c + j];
      y = activated(y);
      if (sizeof(T) == 2 && p.operand == Operand::f16) y = fminf(fmaxf(y, -65504.0f), 65504.0f);
      v.x[j] = static_cast<T>(y);
    }
  };
  if (static_cast<Act>(p.act) == Act::relu2)  // in short: all activations eight times do not fit the instruction cache
    each([](float y) { return y > 0 ? y * y : 0.0f; });
  else
    each([&p](float y) { return activation(static_cast<Act>(p.act), y); });
  *at = v.all;
}
__global__ void finish_kernel(const __grid_constant__ Finishes all) {
  after_others();
  const Finishes::One& p = all.one[blockIdx.z];
  const int64_t i = blockIdx.x, c = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * 8;
  if (c >= p.ld || i >= p.rows) return;
  if (p.operand == Operand::bf16) finish_eight<__nv_bfloat16>(p, i, c);
  if (p.operand == Operand::f16) finish_eight<__half>(p, i, c);
}

}  // namespace

void row_products(gpu_exec& exec, const gpu_product* products, int32_t count) {
  std::vector<gpu_product> dense;
  for (int32_t i = 0; i < count; ++i)
    if (products[i].w->by_input)
      sparse_product(exec, products[i]);
    else
      dense.push_back(products[i]);
  products = dense.data();
  count = static_cast<int32_t>(dense.size());
  if (packed_products(exec, products, count)) return;
  for (int32_t begin = 0; begin < count; begin += kMostProducts) {
    Works works{};
    int64_t blocks = 0, rows = 0;
    for (int32_t i = begin; i < count && i < begin + kMostProducts; ++i) {
      const gpu_product& p = products[i];
      if (p.x.rows == 0 || p.w->out == 0) continue;
      const Work& work = works.work[works.count++] = work_of(p, blocks);
      blocks += ceil_div(p.w->out, kWarps / work.shares * kOutputs);
      rows = rows > p.x.rows ? rows : p.x.rows;
    }
    if (works.count == 0) continue;
    if (rows == 1)
      multiply<1>(exec, works, blocks, rows);
    else
      multiply<kMostRows>(exec, works, blocks, rows);
  }
}

void dequantize(gpu_exec& exec, const gpu_matrix& w, void* to, Operand operand, int64_t ld) {
  const int64_t rows = w.by_input ? w.in : w.out, cols = w.by_input ? w.out : w.in;
  const dim3 grid(static_cast<unsigned>(rows), static_cast<unsigned>(ceil_div(ld, 8 * 128)));
  const auto run = [&](auto* typed) {
    dequantize_kernel<<<grid, 128, 0, exec.stream>>>(w.type, w.data(), w.stride, cols, typed, ld);
  };
  if (operand == Operand::bf16) run(static_cast<__nv_bfloat16*>(to));
  if (operand == Operand::f16) run(static_cast<__half*>(to));
  if (operand == Operand::f32) run(static_cast<float*>(to));
  launched("dequantize");
}

void round_rows(gpu_exec& exec, const Roundings& all) {
  int64_t rows = 0, most = 0;
  for (int i = 0; i < all.count; ++i) {
    rows = rows > all.one[i].x.rows ? rows : all.one[i].x.rows;
    most = most > all.one[i].ld ? most : all.one[i].ld;
  }
  if (all.count == 0) return;
  launch(
      exec, "rounding rows",
      dim3(static_cast<unsigned>(rows), static_cast<unsigned>(ceil_div(most, 512)), static_cast<unsigned>(all.count)),
      256, 0, round_kernel, all);
}

void epilogue(gpu_exec& exec, const Epilogues& all) {
  int64_t rows = 0, most = 0;
  for (int i = 0; i < all.count; ++i) {
    rows = rows > all.one[i].y.rows ? rows : all.one[i].y.rows;
    most = most > all.one[i].y.cols ? most : all.one[i].y.cols;
  }
  if (all.count == 0) return;
  launch(
      exec, "epilogue",
      dim3(static_cast<unsigned>(rows), static_cast<unsigned>(ceil_div(most, 256)), static_cast<unsigned>(all.count)),
      256, 0, epilogue_kernel, all);
}

void finish(gpu_exec& exec, const Finishes& all) {
  int64_t rows = 0, most = 0;
  for (int i = 0; i < all.count; ++i) {
    rows = rows > all.one[i].rows ? rows : all.one[i].rows;
    most = most > all.one[i].ld ? most : all.one[i].ld;
  }
  if (all.count == 0) return;
  const int threads = most >= 1024 ? 128 : kWarp;
  launch(exec, "activating operands",
         dim3(static_cast<unsigned>(rows), static_cast<unsigned>(ceil_div(most, threads * 8)),
              static_cast<unsigned>(all.count)),
         threads, 0, finish_kernel, all);
}

void embed(gpu_exec& exec, const gpu_embed& io, const DeviceRows& rows) {
  exec.operands.clear();  // a pass begins
  const gpu_tensor y = io.y;
  const unsigned char* table = io.table->data();
  const int64_t stride = io.table->stride, in = io.table->in;
  const DType type = io.table->type;
  for_each(exec, rows.count, ceil_div(y.cols, 8), "embed", [=] __device__(int64_t i, int64_t c) {
    float v[8] = {};
    load8(type, table + rows.tokens[i] * stride, in, c * 8, v);
#pragma unroll
    for (int j = 0; j < 8; ++j)
      if (c * 8 + j < y.cols) row(y, i)[c * 8 + j] = v[j];
  });
}

}  // namespace recurra::gpu
