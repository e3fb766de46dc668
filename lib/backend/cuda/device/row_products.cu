// Products with weights as they are:  y_i = act(W x_i + bias), for any rows i. A warp makes two outputs of up to
// kMostRows rows: its lanes read 8 weights each, 256 in a row, and multiply them with all rows while they are in
// registers. Long rows of W are shared out among the warps of a block. Sums run in float32, for a row always in the
// same order, whatever its company.
#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/weights.cuh"

namespace recurra::gpu {
namespace {

constexpr int kWarps = 4, kMostProducts = 8, kMostRows = 4, kOutputs = 2, kStep = 256;

struct Work {
  gpu_tensor y, x;
  const float* bias;
  const unsigned char* w;
  int64_t w_stride, out, in;
  DType type;
  Act act;
  bool add, aligned;  // x's rows at multiples of 16 bytes
  int shares;         // warps that share an output
  int64_t first;      // block of the launch
};
struct Works {
  Work work[kMostProducts];
  int count;
};

__device__ inline void load_x(const Work& p, int64_t i, int64_t k, float (&x)[8]) {
  const float* in = row(p.x, i) + k;
  if (p.aligned && k + 8 <= p.in) {
    const float4 a = reinterpret_cast<const float4*>(in)[0], b = reinterpret_cast<const float4*>(in)[1];
    x[0] = a.x, x[1] = a.y, x[2] = a.z, x[3] = a.w, x[4] = b.x, x[5] = b.y, x[6] = b.z, x[7] = b.w;
    return;
  }
#pragma unroll
  for (int j = 0; j < 8; ++j) x[j] = k + j < p.in ? in[j] : 0.0f;
}

// Block `block` of product p, for rows row0 and on.
template <DType T, int R>
__device__ void outputs(const Work& p, int64_t block, int64_t row0) {
  constexpr int kAhead = R == 1 ? 4 : 2;  // steps of 256 read at once
  using From = Fetch<T>;
  __shared__ float sums[kWarps][kOutputs][R];
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t first = (block * (kWarps / p.shares) + warp / p.shares) * kOutputs;
  const int64_t n = p.x.rows - row0 < R ? p.x.rows - row0 : R;
  const int steps = static_cast<int>((p.in + kStep - 1) / kStep), each = (steps + p.shares - 1) / p.shares;
  const int begin = warp % p.shares * each, past = begin + each < steps ? begin + each : steps;
  const int end = first < p.out ? past : 0;
  const unsigned char* w[kOutputs];
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) w[o] = p.w + (first + o < p.out ? first + o : 0) * p.w_stride;
  typename From::Raw raw[kAhead][kOutputs];
  const auto fetch = [&](int at) {
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      const int64_t k = (at + u) * kStep + lane * 8;
#pragma unroll
      for (int o = 0; o < kOutputs; ++o) raw[u][o] = at + u < end && k < p.in ? From::get(w[o], k) : From::none();
    }
  };
  fetch(begin);  // before what comes from other kernels is there
  after_others();
  float sum[kOutputs][R] = {};
  for (int at = begin; at < end; at += kAhead) {
    if (at != begin) fetch(at);
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      const int64_t k = (at + u) * kStep + lane * 8;
      if (at + u >= end || k >= p.in) continue;
      float v[kOutputs][8];
#pragma unroll
      for (int o = 0; o < kOutputs; ++o) From::unpack(raw[u][o], k, v[o]);
#pragma unroll
      for (int r = 0; r < R; ++r) {
        float x[8];
        load_x(p, row0 + (r < n ? r : 0), k, x);
#pragma unroll
        for (int o = 0; o < kOutputs; ++o)
#pragma unroll
          for (int j = 0; j < 8; ++j) sum[o][r] = fmaf(v[o][j], x[j], sum[o][r]);
      }
    }
  }
#pragma unroll
  for (int o = 0; o < kOutputs; ++o)
#pragma unroll
    for (int r = 0; r < R; ++r) {
      sum[o][r] = warp_sum(sum[o][r]);
      if (lane == 0) sums[warp][o][r] = sum[o][r];
    }
  if (p.shares > 1) __syncthreads();
  __syncwarp();
  if (warp % p.shares != 0) return;
  for (int i = lane; i < kOutputs * R; i += kWarp) {
    const int o = i / R, r = i % R;
    if (r >= n || first + o >= p.out) continue;
    float s = sums[warp][o][r];
    for (int other = 1; other < p.shares; ++other) s += sums[warp + other][o][r];
    const float y = activation(p.act, p.bias != nullptr ? s + p.bias[first + o] : s);
    float* to = row(p.y, row0 + r) + first + o;
    *to = p.add ? *to + y : y;
  }
}

template <int R>
__global__ void products(const __grid_constant__ Works all) {
  int i = all.count - 1;
  while (i > 0 && static_cast<int64_t>(blockIdx.x) < all.work[i].first) --i;
  const Work& p = all.work[i];
  const int64_t block = static_cast<int64_t>(blockIdx.x) - p.first, row0 = static_cast<int64_t>(blockIdx.y) * R;
  if (row0 >= p.x.rows) return after_others();
  switch (p.type) {
    case DType::f32:
      return outputs<DType::f32, R>(p, block, row0);
    case DType::f16:
      return outputs<DType::f16, R>(p, block, row0);
    case DType::bf16:
      return outputs<DType::bf16, R>(p, block, row0);
    case DType::q8_0:
      return outputs<DType::q8_0, R>(p, block, row0);
    case DType::q4_0:
      return outputs<DType::q4_0, R>(p, block, row0);
    case DType::q5_0:
      return outputs<DType::q5_0, R>(p, block, row0);
    case DType::q5_1:
      return outputs<DType::q5_1, R>(p, block, row0);
    case DType::q4_k:
      return outputs<DType::q4_k, R>(p, block, row0);
    case DType::q5_k:
      return outputs<DType::q5_k, R>(p, block, row0);
    case DType::q6_k:
      return outputs<DType::q6_k, R>(p, block, row0);
    default:
      return;
  }
}

template <int R>
void multiply(gpu_exec& exec, const Works& works, int64_t blocks, int64_t rows) {
  launch(exec, "row products", dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(ceil_div(rows, R))),
         kWarps * kWarp, 0, products<R>, works);
}

// By the length of a row of W alone: sums are to have one order.
int shares_of(int64_t in) { return in <= 4 * kStep ? 1 : in <= 8 * kStep ? 2 : 4; }

template <class To>
__global__ void dequantize_kernel(DType type, const unsigned char* w, int64_t stride, int64_t in, To* to, int64_t ld) {
  const int64_t k = (static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * 8;
  if (k >= ld) return;
  float v[8] = {};
  if (k < in) load8(type, w + blockIdx.x * stride, k, v);
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
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    float y = static_cast<float>(v.x[j]);
    if (p.bias != nullptr) y += p.bias[c + j];
    y = activation(static_cast<Act>(p.act), y);
    if (sizeof(T) == 2 && p.operand == Operand::f16) y = fminf(fmaxf(y, -65504.0f), 65504.0f);
    v.x[j] = static_cast<T>(y);
  }
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
  for (int32_t begin = 0; begin < count; begin += kMostProducts) {
    Works works{};
    int64_t blocks = 0, rows = 0;
    for (int32_t i = begin; i < count && i < begin + kMostProducts; ++i) {
      const gpu_product& p = products[i];
      if (p.x.rows == 0 || p.w->out == 0) continue;
      const bool aligned = reinterpret_cast<uintptr_t>(p.x.data) % 16 == 0 && p.x.stride % 4 == 0;
      const int shares = shares_of(p.w->in);
      works.work[works.count++] = {
          p.y,        p.x,     p.bias, p.w->data(), p.w->stride, p.w->out, p.w->in, p.w->type, static_cast<Act>(p.act),
          p.add != 0, aligned, shares, blocks};
      blocks += ceil_div(p.w->out, kWarps / shares * kOutputs);
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
  const dim3 grid(static_cast<unsigned>(w.out), static_cast<unsigned>(ceil_div(ld, 8 * 128)));
  const auto run = [&](auto* typed) {
    dequantize_kernel<<<grid, 128, 0, exec.stream>>>(w.type, w.data(), w.stride, w.in, typed, ld);
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
  const int64_t stride = io.table->stride;
  const DType type = io.table->type;
  for_each(exec, rows.count, ceil_div(y.cols, 8), "embed", [=] __device__(int64_t i, int64_t c) {
    float v[8] = {};
    load8(type, table + rows.tokens[i] * stride, c * 8, v);
#pragma unroll
    for (int j = 0; j < 8; ++j)
      if (c * 8 + j < y.cols) row(y, i)[c * 8 + j] = v[j];
  });
}

}  // namespace recurra::gpu
