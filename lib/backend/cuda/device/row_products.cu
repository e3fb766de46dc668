// Products with weights as they are:  y_i = act(W x_i + bias), for any rows i. A warp makes one or two outputs of up to
// kMostRows rows: its lanes read 8 weights each, 256 in a row, and multiply them with all rows while they are in
// registers. Sums run in float32, for a row always in the same order, whatever its company.
#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/weights.cuh"

namespace recurra::gpu {
namespace {

constexpr int kWarps = 4, kMostProducts = 8, kMostRows = 8, kOutputs = 2;

struct Work {
  gpu_tensor y, x;
  const float* bias;
  const unsigned char* w;
  int64_t w_stride, out, in;
  DType type;
  Act act;
  bool add, aligned;  // x's rows at multiples of 16 bytes
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

template <DType T, int R>
__device__ void outputs(const Work& p, int64_t first, int64_t row0, int lane) {
  const int64_t n = p.x.rows - row0 < R ? p.x.rows - row0 : R;
  float sum[kOutputs][R] = {};
  const unsigned char* w[kOutputs];
#pragma unroll
  for (int o = 0; o < kOutputs; ++o) w[o] = p.w + (first + o < p.out ? first + o : first) * p.w_stride;
    // A NaN or infinity of x must come through, but not where a row of 8 ends in padding: there x is 0.
#pragma unroll 2
  for (int64_t k = lane * 8; k < p.in; k += kWarp * 8) {
    float v[kOutputs][8];
#pragma unroll
    for (int o = 0; o < kOutputs; ++o) Load<T>::at(w[o], k, v[o]);
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
#pragma unroll
  for (int o = 0; o < kOutputs; ++o)
#pragma unroll
    for (int r = 0; r < R; ++r) {
      const float s = warp_sum(sum[o][r]);
      if (lane != 0 || r >= n || first + o >= p.out) continue;
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
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int64_t first = ((static_cast<int64_t>(blockIdx.x) - p.first) * kWarps + threadIdx.x / kWarp) * kOutputs,
                row0 = blockIdx.y * R;
  if (first >= p.out || row0 >= p.x.rows) return;
  switch (p.type) {
    case DType::f32:
      return outputs<DType::f32, R>(p, first, row0, lane);
    case DType::f16:
      return outputs<DType::f16, R>(p, first, row0, lane);
    case DType::bf16:
      return outputs<DType::bf16, R>(p, first, row0, lane);
    case DType::q8_0:
      return outputs<DType::q8_0, R>(p, first, row0, lane);
    case DType::q4_0:
      return outputs<DType::q4_0, R>(p, first, row0, lane);
    case DType::q5_0:
      return outputs<DType::q5_0, R>(p, first, row0, lane);
    case DType::q5_1:
      return outputs<DType::q5_1, R>(p, first, row0, lane);
    case DType::q4_k:
      return outputs<DType::q4_k, R>(p, first, row0, lane);
    case DType::q5_k:
      return outputs<DType::q5_k, R>(p, first, row0, lane);
    case DType::q6_k:
      return outputs<DType::q6_k, R>(p, first, row0, lane);
    default:
      return;
  }
}

template <int R>
void launch(gpu_exec& exec, const Works& works, int64_t blocks, int64_t rows) {
  products<R><<<dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(ceil_div(rows, R))), kWarps * kWarp, 0,
                exec.stream>>>(works);
  launched("row products");
}

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

template <class To>
__global__ void round_kernel(gpu_tensor x, To* to, int64_t ld) {
  const int64_t c = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
  if (c < ld) to[blockIdx.x * ld + c] = static_cast<To>(c < x.cols ? row(x, blockIdx.x)[c] : 0.0f);
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
      works.work[works.count++] = {
          p.y,        p.x,     p.bias, p.w->data(), p.w->stride, p.w->out, p.w->in, p.w->type, static_cast<Act>(p.act),
          p.add != 0, aligned, blocks};
      blocks += ceil_div(p.w->out, kWarps * kOutputs);
      rows = rows > p.x.rows ? rows : p.x.rows;
    }
    if (works.count == 0) continue;
    if (rows == 1)
      launch<1>(exec, works, blocks, rows);
    else if (rows <= 4)
      launch<4>(exec, works, blocks, rows);
    else
      launch<kMostRows>(exec, works, blocks, rows);
  }
}

void dequantize(gpu_exec& exec, const gpu_matrix& w, void* to, bool bf16, int64_t ld) {
  const dim3 grid(static_cast<unsigned>(w.out), static_cast<unsigned>(ceil_div(ld, 8 * 128)));
  if (bf16)
    dequantize_kernel<<<grid, 128, 0, exec.stream>>>(w.type, w.data(), w.stride, w.in, static_cast<__nv_bfloat16*>(to),
                                                     ld);
  else
    dequantize_kernel<<<grid, 128, 0, exec.stream>>>(w.type, w.data(), w.stride, w.in, static_cast<float*>(to), ld);
  launched("dequantize");
}

void round_rows(gpu_exec& exec, const gpu_tensor& x, void* to, bool bf16, int64_t ld) {
  const dim3 grid(static_cast<unsigned>(x.rows), static_cast<unsigned>(ceil_div(ld, 256)));
  if (bf16)
    round_kernel<<<grid, 256, 0, exec.stream>>>(x, static_cast<__nv_bfloat16*>(to), ld);
  else
    round_kernel<<<grid, 256, 0, exec.stream>>>(x, static_cast<float*>(to), ld);
  launched("rounding rows");
}

void epilogue(gpu_exec& exec, const gpu_product& p, const float* product) {
  const gpu_tensor y = p.y;
  const float* bias = p.bias;
  const Act act = static_cast<Act>(p.act);
  const bool add = p.add != 0;
  for_each(exec, y.rows, y.cols, "epilogue", [=] __device__(int64_t i, int64_t c) {
    const float s = product[i * y.cols + c];
    const float v = activation(act, bias != nullptr ? s + bias[c] : s);
    float* to = row(y, i) + c;
    *to = add ? *to + v : v;
  });
}

void embed(gpu_exec& exec, const gpu_embed& io, const DeviceRows& rows) {
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
