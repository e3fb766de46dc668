// Operations on the elements, heads and rows of activations: all of backend.h but products, scans, attention and the
// convolution.
#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/math.cuh"

namespace recurra::gpu {

void elements(gpu_exec& exec, const gpu_elements& io) {
  const gpu_tensor y = io.y, x = io.x, g = io.g;
  const Act act = static_cast<Act>(io.act);
  switch (io.kind) {
    case gpu_copy:
      return for_each(exec, y.rows, y.cols, "copy",
                      [=] __device__(int64_t i, int64_t c) { row(y, i)[c] = row(x, i)[c]; });
    case gpu_activate:
      return for_each(exec, y.rows, y.cols, "activate",
                      [=] __device__(int64_t i, int64_t c) { row(y, i)[c] = activation(act, row(x, i)[c]); });
    case gpu_gate:
      return for_each(exec, y.rows, y.cols, "gate", [=] __device__(int64_t i, int64_t c) {
        row(y, i)[c] = row(x, i)[c] * activation(act, row(g, i)[c]);
      });
    case gpu_add_scaled: {
      const float* d = io.d;
      return for_each(exec, y.rows, y.cols, "add_scaled",
                      [=] __device__(int64_t i, int64_t c) { row(y, i)[c] += row(x, i)[c] * d[c]; });
    }
    case gpu_scale: {
      const float factor = io.factor;
      return for_each(exec, y.rows, y.cols, "scale",
                      [=] __device__(int64_t i, int64_t c) { row(y, i)[c] = factor * row(x, i)[c]; });
    }
    case gpu_repeat_heads: {
      const int64_t n = y.cols / io.heads, per = io.heads / io.kv_heads;
      return for_each(exec, y.rows, y.cols, "repeat_heads",
                      [=] __device__(int64_t i, int64_t c) { row(y, i)[c] = row(x, i)[c / n / per * n + c % n]; });
    }
    case gpu_split_heads: {
      const int64_t n = y.cols / io.heads, m = g.cols / io.heads;
      return for_each(exec, x.rows, x.cols, "split_heads", [=] __device__(int64_t i, int64_t c) {
        const int64_t h = c / (n + m), j = c % (n + m);
        (j < n ? row(y, i)[h * n + j] : row(g, i)[h * m + j - n]) = row(x, i)[c];
      });
    }
    case gpu_append_ones: {
      const int64_t n = x.cols / io.heads;
      return for_each(exec, x.rows, x.cols + io.heads, "append_ones", [=] __device__(int64_t i, int64_t c) {
        const int64_t h = c / (n + 1), j = c % (n + 1);
        row(y, i)[c] = j < n ? row(x, i)[h * n + j] : 1.0f;
      });
    }
    case gpu_divide_by_last: {
      const int64_t n = y.cols / io.heads;
      const float eps = io.factor;
      return for_each(exec, y.rows, y.cols, "divide_by_last", [=] __device__(int64_t i, int64_t c) {
        const float* in = row(x, i) + c / n * (n + 1);
        row(y, i)[c] = in[c % n] / (in[n] + eps);
      });
    }
    case gpu_value_residual:
      return for_each(exec, y.rows, y.cols, "value_residual", [=] __device__(int64_t i, int64_t c) {
        const float v = row(y, i)[c];
        row(y, i)[c] = v + (row(x, i)[c] - v) * sigmoid(row(g, i)[c]);
      });
    default:
      fail(kInternal, "operation %d on elements is not known", io.kind);
  }
}

namespace {

// A block for one part of a row. Mean and square in two passes, as the definition has them.
__global__ void norm_kernel(gpu_norm io) {
  after_others();
  __shared__ float shared[32];
  const int64_t n = io.x.cols / io.groups, g = static_cast<int64_t>(blockIdx.y) * n, i = blockIdx.x;
  const float* in = row(io.x, i) + g;
  float* out = row(io.y, i) + g;
  const Norm kind = static_cast<Norm>(io.kind);
  float mean = 0, scale = 1;
  if (kind == Norm::layer || kind == Norm::group || kind == Norm::sum || kind == Norm::l1) {
    float sum = 0;
    for (int64_t j = threadIdx.x; j < n; j += blockDim.x) sum += kind == Norm::l1 ? fabsf(in[j]) : in[j];
    sum = block_sum(sum, shared);
    if (kind == Norm::l1) scale = 1 / fmaxf(sum, io.eps);
    if (kind == Norm::sum) scale = 1 / (sum + io.eps);
    if (kind == Norm::layer || kind == Norm::group) mean = sum / static_cast<float>(n);
  }
  if (kind != Norm::sum && kind != Norm::l1) {
    float square = 0;
    for (int64_t j = threadIdx.x; j < n; j += blockDim.x) square += (in[j] - mean) * (in[j] - mean);
    square = block_sum(square, shared);
    scale = 1 / sqrtf((kind == Norm::l2 ? square : square / static_cast<float>(n)) + io.eps);
  }
  for (int64_t j = threadIdx.x; j < n; j += blockDim.x) {
    float v = (in[j] - mean) * scale;
    if (io.w != nullptr) v *= io.w[g + j];
    if (io.b != nullptr) v += io.b[g + j];
    out[j] = v;
  }
}

struct NormIo {
  gpu_norm io;
  void* y;
  int64_t stride;
  int operand;
};
constexpr int kNormThreads = 512, kNormFours = 4;

// The same with the part in registers, Fours times 4 values a thread.
template <int Fours>
__global__ void __launch_bounds__(kNormThreads) norm_fours_kernel(const __grid_constant__ NormIo p) {
  __shared__ float shared[32];
  const gpu_norm& io = p.io;
  const int n = static_cast<int>(io.x.cols / io.groups), t = static_cast<int>(threadIdx.x) * 4,
            step = static_cast<int>(blockDim.x) * 4;
  const int64_t g = static_cast<int64_t>(blockIdx.y) * n, i = blockIdx.x;
  const Norm kind = static_cast<Norm>(io.kind);
  float4 w[Fours], b[Fours], v[Fours];
#pragma unroll
  for (int f = 0; f < Fours; ++f) {
    w[f] = make_float4(1, 1, 1, 1), b[f] = v[f] = make_float4(0, 0, 0, 0);
    if (t + f * step >= n) continue;
    if (io.w != nullptr) w[f] = *reinterpret_cast<const float4*>(io.w + g + t + f * step);
    if (io.b != nullptr) b[f] = *reinterpret_cast<const float4*>(io.b + g + t + f * step);
  }
  after_others();
  float sum = 0, square = 0, mean = 0;
#pragma unroll
  for (int f = 0; f < Fours; ++f) {
    if (t + f * step < n) v[f] = *reinterpret_cast<const float4*>(row(io.x, i) + g + t + f * step);
    sum += (v[f].x + v[f].y) + (v[f].z + v[f].w);
  }
  if (kind == Norm::layer || kind == Norm::group) mean = block_sum(sum, shared) / static_cast<float>(n);
#pragma unroll
  for (int f = 0; f < Fours; ++f) {
    if (t + f * step >= n) continue;
    v[f] = make_float4(v[f].x - mean, v[f].y - mean, v[f].z - mean, v[f].w - mean);
    square += (v[f].x * v[f].x + v[f].y * v[f].y) + (v[f].z * v[f].z + v[f].w * v[f].w);
  }
  square = block_sum(square, shared);
  const float scale = 1 / sqrtf((kind == Norm::l2 ? square : square / static_cast<float>(n)) + io.eps);
#pragma unroll
  for (int f = 0; f < Fours; ++f) {
    if (t + f * step >= n) continue;
    const int64_t at = i * p.stride + g + t + f * step;
    put_operand2(p.operand, p.y, at, v[f].x * scale * w[f].x + b[f].x, v[f].y * scale * w[f].y + b[f].y);
    put_operand2(p.operand, p.y, at + 2, v[f].z * scale * w[f].z + b[f].z, v[f].w * scale * w[f].w + b[f].w);
  }
}

// x_prev of row i at column c: the row before, or what the slot kept.
__device__ float before(const gpu_tensor& x, const DeviceRows& rows, int64_t i, int64_t c, uint64_t at) {
  const DeviceSegment& s = rows.segment[rows.segment_of[i]];
  return i == s.first ? reinterpret_cast<const float*>(s.state + at)[c] : row(x, i - 1)[c];
}

}  // namespace

void norm(gpu_exec& exec, const gpu_norm& io) {
  if (io.x.rows == 0) return;
  const int64_t n = io.x.cols / io.groups, fours = n / 4;
  const auto aligned = [](const gpu_tensor& t) {
    return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride % 4 == 0;
  };
  const Norm kind = static_cast<Norm>(io.kind);
  if (kind != Norm::l1 && kind != Norm::sum && n % 4 == 0 && fours <= kNormFours * kNormThreads && aligned(io.x) &&
      aligned(io.y)) {
    NormIo p{io, io.y.data, io.y.stride, static_cast<int>(leave_operand(exec, io.y, io.reader))};
    const auto run = [&](auto kernel, int each) {
      launch(exec, "norm", dim3(static_cast<unsigned>(io.x.rows), static_cast<unsigned>(io.groups)),
             static_cast<int>(round_up(ceil_div(fours, each), kWarp)), 0, kernel, p);
    };
    if (fours <= kNormThreads) return run(norm_fours_kernel<1>, 1);
    if (fours <= 2 * kNormThreads) return run(norm_fours_kernel<2>, 2);
    return run(norm_fours_kernel<kNormFours>, kNormFours);
  }
  const int threads = n <= 128 ? kWarp : n <= 1024 ? 128 : 512;
  launch(exec, "norm", dim3(static_cast<unsigned>(io.x.rows), static_cast<unsigned>(io.groups)), threads, 0,
         norm_kernel, io);
}

void shift_lerp(gpu_exec& exec, const gpu_shift_lerp& io, const DeviceRows& rows) {
  const gpu_tensor x = io.x;
  for_each(exec, rows.count, x.cols, "shift_lerp", [=] __device__(int64_t i, int64_t c) {
    const float now = row(x, i)[c], change = before(x, rows, i, c, io.shift) - now;
    for (int j = 0; j < io.count; ++j) row(io.y[j], i)[c] = fmaf(change, io.mu[j * x.cols + c], now);
    if (rows.single)  // nobody else reads the slot
      reinterpret_cast<float*>(rows.segment[rows.segment_of[i]].state + io.shift)[c] = now;
  });
  if (!rows.single) keep_last(exec, {x, io.shift}, rows);
}

void keep_last(gpu_exec& exec, const gpu_keep_last& io, const DeviceRows& rows) {
  const gpu_tensor x = io.x;
  const uint64_t at = io.at;
  for_each(exec, rows.segments, x.cols, "keep_last", [=] __device__(int64_t i, int64_t c) {
    const DeviceSegment& s = rows.segment[i];
    reinterpret_cast<float*>(s.state + at)[c] = row(x, s.first + s.count - 1)[c];
  });
}

namespace {

// norm_lerp of rows that follow each other: where it goes to, as float32 or as an operand.
struct NormLerpIo {
  gpu_norm_lerp io;
  DeviceRows rows;
  struct {
    void* data;
    int64_t stride;
    int operand;
  } y[8];
};
constexpr int kLerpRows = 4, kLerpThreads = 256;

// (x - mean) / scale * w + b of one row by a block, up to 4 Fours values a thread.
template <int Fours>
__device__ void norm_row(const gpu_norm_lerp& io, const float* x, float (&v)[Fours][4], float* shared) {
  const int n = static_cast<int>(io.x.cols), t = static_cast<int>(threadIdx.x) * 4,
            step = static_cast<int>(blockDim.x) * 4;
  float sum = 0, square = 0;
#pragma unroll
  for (int f = 0; f < Fours; ++f)
    if (t + f * step < n) {
      const float4 x4 = *reinterpret_cast<const float4*>(x + t + f * step);
      v[f][0] = x4.x, v[f][1] = x4.y, v[f][2] = x4.z, v[f][3] = x4.w;
      sum += (x4.x + x4.y) + (x4.z + x4.w);
    }
  const float mean = static_cast<Norm>(io.kind) == Norm::layer ? block_sum(sum, shared) / static_cast<float>(n) : 0.0f;
#pragma unroll
  for (int f = 0; f < Fours; ++f)
    if (t + f * step < n)
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        v[f][j] -= mean;
        square += v[f][j] * v[f][j];
      }
  const float scale = 1 / sqrtf(block_sum(square, shared) / static_cast<float>(n) + io.eps);
#pragma unroll
  for (int f = 0; f < Fours; ++f)
    if (t + f * step < n)
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const int c = t + f * step + j;
        v[f][j] = v[f][j] * scale * (io.w != nullptr ? io.w[c] : 1.0f) + (io.b != nullptr ? io.b[c] : 0.0f);
      }
}

// A block for kLerpRows rows; the one before them is normed once more.
template <int Fours>
__global__ void __launch_bounds__(kLerpThreads) norm_lerp_rows_kernel(const __grid_constant__ NormLerpIo p) {
  __shared__ float shared[32];
  after_others();
  const gpu_norm_lerp& io = p.io;
  const int n = static_cast<int>(io.x.cols), t = static_cast<int>(threadIdx.x) * 4,
            step = static_cast<int>(blockDim.x) * 4;
  const int32_t first = static_cast<int32_t>(blockIdx.x) * kLerpRows;
  float last[Fours][4] = {}, now[Fours][4] = {};
  for (int32_t i = first; i < first + kLerpRows && i < p.rows.count; ++i) {
    const DeviceSegment& s = p.rows.segment[p.rows.segment_of[i]];
    if (i == s.first) {
      const float* kept = reinterpret_cast<const float*>(s.state + io.shift);
#pragma unroll
      for (int f = 0; f < Fours; ++f)
#pragma unroll
        for (int j = 0; j < 4; ++j)
          if (t + f * step < n) last[f][j] = kept[t + f * step + j];
    } else if (i == first) {
      norm_row<Fours>(io, row(io.x, i - 1), last, shared);
    }
    norm_row<Fours>(io, row(io.x, i), now, shared);
#pragma unroll
    for (int f = 0; f < Fours; ++f) {
      const int c = t + f * step;
      if (c >= n) continue;
#pragma unroll
      for (int j = 0; j < 4; ++j) last[f][j] -= now[f][j];
      for (int e = 0; e < io.count; ++e) {
        const float4 mu = *reinterpret_cast<const float4*>(io.mu + static_cast<int64_t>(e) * n + c);
        const int64_t at = i * p.y[e].stride + c;
        put_operand2(p.y[e].operand, p.y[e].data, at, fmaf(last[f][0], mu.x, now[f][0]),
                     fmaf(last[f][1], mu.y, now[f][1]));
        put_operand2(p.y[e].operand, p.y[e].data, at + 2, fmaf(last[f][2], mu.z, now[f][2]),
                     fmaf(last[f][3], mu.w, now[f][3]));
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) last[f][j] = now[f][j];
    }
  }
}

// The norm of every segment's last row goes to its slot.
template <int Fours>
__global__ void __launch_bounds__(kLerpThreads) keep_norm_kernel(gpu_norm_lerp io, DeviceRows rows) {
  __shared__ float shared[32];
  after_others();
  const DeviceSegment& s = rows.segment[blockIdx.x];
  if (s.count == 0) return;
  const int n = static_cast<int>(io.x.cols), t = static_cast<int>(threadIdx.x) * 4,
            step = static_cast<int>(blockDim.x) * 4;
  float v[Fours][4] = {};
  norm_row<Fours>(io, row(io.x, s.first + s.count - 1), v, shared);
#pragma unroll
  for (int f = 0; f < Fours; ++f)
#pragma unroll
    for (int j = 0; j < 4; ++j)
      if (t + f * step < n) reinterpret_cast<float*>(s.state + io.shift)[t + f * step + j] = v[f][j];
}

}  // namespace

void norm_lerp_rows(gpu_exec& exec, const gpu_norm_lerp& io, const DeviceRows& rows) {
  NormLerpIo p{io, rows, {}};
  for (int e = 0; e < io.count; ++e) {
    const Operand operand = leave_operand(exec, io.y[e], io.reader[e]);
    p.y[e] = {io.y[e].data, operand == Operand::f32 ? io.y[e].stride : round_up(io.y[e].cols, 8),
              static_cast<int>(operand)};
  }
  const int64_t fours = ceil_div(io.x.cols, 4);
  const int threads = fours >= kLerpThreads ? kLerpThreads : static_cast<int>(round_up(fours, kWarp));
  const auto run = [&](auto lerp, auto keep) {
    launch(exec, "norm_lerp of rows", dim3(static_cast<unsigned>(ceil_div(rows.count, kLerpRows))), threads, 0, lerp,
           p);
    launch(exec, "norm_lerp's last rows", dim3(static_cast<unsigned>(rows.segments)), threads, 0, keep, io, rows);
  };
  if (fours <= kLerpThreads) return run(norm_lerp_rows_kernel<1>, keep_norm_kernel<1>);
  if (fours <= 2 * kLerpThreads) return run(norm_lerp_rows_kernel<2>, keep_norm_kernel<2>);
  if (fours <= 4 * kLerpThreads) return run(norm_lerp_rows_kernel<4>, keep_norm_kernel<4>);
  fail(kUnsupported, "rows of %lld values; the cuda backend norms and mixes up to %d at once",
       static_cast<long long>(io.x.cols), 16 * kLerpThreads);
}

void rotary(gpu_exec& exec, const gpu_rotary& io, const DeviceRows& rows) {
  const int64_t width = io.x.cols / io.heads, half = io.rotated / 2;
  for_each(exec, rows.count, half, "rotary", [=] __device__(int64_t i, int64_t j) {
    const DeviceSegment& s = rows.segment[rows.segment_of[i]];
    double turn = static_cast<double>(s.position + i - s.first) *
                  pow(static_cast<double>(io.base), -2.0 * static_cast<double>(j) / static_cast<double>(io.rotated));
    if (io.factors != nullptr) turn /= static_cast<double>(io.factors[j]);
    double sine, cosine;
    sincos(turn, &sine, &cosine);
    for (int64_t h = 0; h < io.heads; ++h) {
      float* head = row(io.x, i) + h * width;
      float* one = head + (io.interleaved != 0 ? 2 * j : j);
      float* two = head + (io.interleaved != 0 ? 2 * j + 1 : j + half);
      const double a = *one, b = *two;
      *one = static_cast<float>(a * cosine - b * sine);
      *two = static_cast<float>(a * sine + b * cosine);
    }
  });
}

void delta_inputs(gpu_exec& exec, const gpu_delta_inputs& io) {
  const int64_t n = io.k.cols / io.heads;
  for_each_group(exec, io.k.rows, io.heads, "delta_inputs", [=] __device__(int64_t i, int64_t h, int lane) {
    float* k = row(io.k, i) + h * n;
    const float *k_k = io.k_k + h * n, *k_a = io.k_a + h * n;
    float square = 0;
    for (int64_t j = lane; j < n; j += kWarp) square += k[j] * k_k[j] * (k[j] * k_k[j]);
    square = warp_sum(square);
    const float length = io.eps == 0 ? fmaxf(sqrtf(square), 1e-12f) : sqrtf(square + io.eps);
    for (int64_t j = lane; j < n; j += kWarp) {
      float *w = row(io.w, i) + h * n + j, *a = row(io.a, i) + h * n + j;
      const float rate = sigmoid(*a), kk = k[j] * k_k[j] / length;
      row(io.kk, i)[h * n + j] = kk;
      row(io.b, i)[h * n + j] = kk * rate;
      *a = rate;
      k[j] *= 1 + (rate - 1) * k_a[j];
      *w = -0.60653065971263342f * sigmoid(*w);  // e^(-1/2)
    }
  });
}

void bonus_gate(gpu_exec& exec, const gpu_bonus_gate& io) {
  const int64_t n = io.o.cols / io.heads;
  for_each_group(exec, io.o.rows, io.heads, "bonus_gate", [=] __device__(int64_t i, int64_t h, int lane) {
    const int64_t at = h * n;
    float bonus = 0;
    for (int64_t j = lane; j < n; j += kWarp) bonus += row(io.r, i)[at + j] * row(io.k, i)[at + j] * io.r_k[at + j];
    bonus = warp_sum(bonus);
    for (int64_t j = lane; j < n; j += kWarp)
      row(io.y, i)[at + j] = (row(io.o, i)[at + j] + bonus * row(io.v, i)[at + j]) * row(io.g, i)[at + j];
  });
}

void delta_rule(gpu_exec& exec, const gpu_delta_rule& io) {
  const int64_t key = io.k.cols / io.key_heads, value = io.v.cols / io.heads, per_key = io.heads / io.key_heads;
  for_each_group(exec, io.k.rows, io.heads, "delta_rule", [=] __device__(int64_t i, int64_t h, int lane) {
    const int64_t from = (io.tiled != 0 ? h % io.key_heads : h / per_key) * key;
    const float beta = io.beta.data != nullptr ? io.beta_scale * sigmoid(row(io.beta, i)[h]) : 1.0f;
    float forget = beta;
    if (io.g.data != nullptr) {
      const float log_w = io.rate[h] * softplus(row(io.g, i)[h] + io.bias[h]);
      if (lane == 0) row(io.log_w, i)[h] = log_w;
      forget *= expf(log_w);
    }
    const float *q = row(io.q, i) + from, *k = row(io.k, i) + from;
    for (int64_t j = lane; j < key; j += kWarp) {
      row(io.r, i)[h * key + j] = io.scale * q[j];
      row(io.a, i)[h * key + j] = k[j];
      row(io.b, i)[h * key + j] = forget * k[j];
    }
    for (int64_t j = lane; j < value; j += kWarp) row(io.v, i)[h * value + j] *= beta;
  });
}

void ssd(gpu_exec& exec, const gpu_ssd& io) {
  const int64_t value = io.x.cols / io.heads, key = io.b.cols / io.groups, per_group = io.heads / io.groups;
  for_each_group(exec, io.x.rows, io.heads, "ssd", [=] __device__(int64_t i, int64_t h, int lane) {
    const float d = fminf(fmaxf(softplus(row(io.dt, i)[h] + io.bias[h]), io.least), io.most);
    if (lane == 0) row(io.log_w, i)[h] = d * io.a[h];
    const float *b = row(io.b, i) + h / per_group * key, *c = row(io.c, i) + h / per_group * key;
    for (int64_t j = lane; j < value; j += kWarp) row(io.v, i)[h * value + j] = d * row(io.x, i)[h * value + j];
    for (int64_t j = lane; j < key; j += kWarp) {
      row(io.k, i)[h * key + j] = b[j];
      row(io.r, i)[h * key + j] = c[j];
    }
  });
}

}  // namespace recurra::gpu
