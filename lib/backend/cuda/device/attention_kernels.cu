// Softmax attention over a sequence's cache, and the short convolution: the operations that look back at more than one
// token.
//
// Attention of a row's head: keys in tiles of 32, one per lane, tile i by warp i % kWarps of a block. A warp keeps its
// largest score m, the sum of exp(score - m) and the values weighted so, and scales both when m grows (Milakov,
// Gimelshein 2018, arXiv:1805.02867); at the end the warps' parts are joined. What is summed in which order depends on
// the row's own tokens alone.
#include "backend/cuda/device/math.cuh"

namespace recurra::gpu {
namespace {

constexpr int kWarps = 4;
constexpr int64_t kPage = KvCache::kPage;

// The cache's row of a token: keys, or values where `part` is 1.
__device__ float* cached(const DeviceSegment& s, int64_t layer, int part, int64_t token) {
  return s.pages[token / kPage] + (2 * layer + part) * s.page_stride + token % kPage * (s.page_stride / kPage);
}

// Wide: values of the head per lane.
template <int Wide>
__global__ void attention_kernel(gpu_attention io, DeviceRows rows) {
  extern __shared__ float shared[];  // q [width], then per warp m, sum and values [width]
  const int64_t width = io.q.cols / io.heads, i = blockIdx.x, h = blockIdx.y;
  const int64_t from = h / (io.heads / io.kv_heads) * width;
  const DeviceSegment s = rows.segment[rows.segment_of[i]];
  const int64_t now = s.position + i - s.first;
  const int64_t begin = io.window > 0 && now + 1 > io.window ? now + 1 - io.window : 0;
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  const float scale = 1 / sqrtf(static_cast<float>(width));
  float* q = shared;
  for (int64_t j = threadIdx.x; j < width; j += blockDim.x) q[j] = row(io.q, i)[h * width + j];
  __syncthreads();

  float most = -INFINITY, sum = 0, o[Wide] = {};
  for (int64_t tile = begin + warp * kWarp; tile <= now; tile += kWarps * kWarp) {
    const int64_t token = tile + lane;
    float score = -INFINITY;
    if (token <= now) {
      const float* key = cached(s, io.layer, 0, token) + from;
      float dot = 0;
      for (int64_t j = 0; j < width; ++j) dot = fmaf(q[j], key[j], dot);
      score = dot * scale;
    }
    const float next = fmaxf(most, warp_max(score)), keep = expf(most - next), weight = expf(score - next);
    most = next;
    sum = sum * keep + warp_sum(weight);
#pragma unroll
    for (int n = 0; n < Wide; ++n) o[n] *= keep;
    for (int t = 0; t < kWarp && tile + t <= now; ++t) {
      const float w = __shfl_sync(0xffffffffu, weight, t);
      const float* value = cached(s, io.layer, 1, tile + t) + from;
#pragma unroll
      for (int n = 0; n < Wide; ++n)
        if (n * kWarp + lane < width) o[n] = fmaf(w, value[n * kWarp + lane], o[n]);
    }
  }

  __syncthreads();  // no warp reads q any more
  float* mine = shared + width + warp * (width + 2);
  if (lane == 0) {
    mine[0] = most;
    mine[1] = sum;
  }
#pragma unroll
  for (int n = 0; n < Wide; ++n)
    if (n * kWarp + lane < width) mine[2 + n * kWarp + lane] = o[n];
  __syncthreads();
  float largest = -INFINITY, total = 0, part[kWarps];
  for (int w = 0; w < kWarps; ++w) largest = fmaxf(largest, shared[width + w * (width + 2)]);
  for (int w = 0; w < kWarps; ++w) {
    const float* other = shared + width + w * (width + 2);
    part[w] = expf(other[0] - largest);  // 0 for a warp without keys
    total += other[1] * part[w];
  }
  for (int64_t j = threadIdx.x; j < width; j += blockDim.x) {
    float v = 0;
    for (int w = 0; w < kWarps; ++w) v = fmaf(shared[width + w * (width + 2) + 2 + j], part[w], v);
    row(io.o, i)[h * width + j] = v / total;
  }
}

template <int Wide>
void attend(gpu_exec& exec, const gpu_attention& io, const DeviceRows& rows) {
  const int64_t width = io.q.cols / io.heads;
  const size_t bytes = sizeof(float) * static_cast<size_t>(width + kWarps * (width + 2));
  attention_kernel<Wide><<<dim3(static_cast<unsigned>(rows.count), static_cast<unsigned>(io.heads)), kWarps * kWarp,
                           bytes, exec.stream>>>(io, rows);
  launched("attention");
}

}  // namespace

void attention(gpu_exec& exec, const gpu_attention& io, const DeviceRows& rows) {
  if (rows.count == 0) return;
  const gpu_tensor k = io.k, v = io.v;
  const int64_t layer = io.layer;
  for_each(exec, rows.count, k.cols, "keeping keys and values", [=] __device__(int64_t i, int64_t c) {
    const DeviceSegment& s = rows.segment[rows.segment_of[i]];
    const int64_t now = s.position + i - s.first;
    cached(s, layer, 0, now)[c] = row(k, i)[c];
    cached(s, layer, 1, now)[c] = row(v, i)[c];
  });
  const int64_t width = io.q.cols / io.heads;
  if (width <= 64) return attend<2>(exec, io, rows);
  if (width <= 128) return attend<4>(exec, io, rows);
  if (width <= 256) return attend<8>(exec, io, rows);
  if (width <= 1024) return attend<32>(exec, io, rows);
  fail(kUnsupported, "attention heads of %lld values; the cuda backend has up to 1024", static_cast<long long>(width));
}

void short_conv(gpu_exec& exec, const gpu_short_conv& io, const DeviceRows& rows) {
  const gpu_tensor x = io.x;
  const int64_t channels = x.cols, taps = io.taps;
  const Act act = static_cast<Act>(io.act);
  // Input t of a segment at channel c; before its first row what the slot kept, oldest first.
  const auto input = [=] __device__(const DeviceSegment& s, int64_t t, int64_t c) {
    return t < 0 ? reinterpret_cast<const float*>(s.state + io.state)[(taps - 1 + t) * channels + c]
                 : row(x, s.first + t)[c];
  };
  for_each(exec, rows.count, channels, "short_conv", [=] __device__(int64_t i, int64_t c) {
    const DeviceSegment& s = rows.segment[rows.segment_of[i]];
    float sum = io.bias != nullptr ? io.bias[c] : 0.0f;
    for (int64_t j = 0; j < taps; ++j) sum = fmaf(io.w[j * channels + c], input(s, i - s.first - taps + 1 + j, c), sum);
    row(io.y, i)[c] = activation(act, sum);
  });
  for_each(exec, rows.segments, channels, "short_conv's last inputs", [=] __device__(int64_t i, int64_t c) {
    const DeviceSegment& s = rows.segment[i];
    for (int64_t j = 0; j + 1 < taps; ++j) {  // oldest first: a row is read before it is overwritten
      const float from = input(s, s.count - taps + 1 + j, c);
      reinterpret_cast<float*>(s.state + io.state)[j * channels + c] = from;
    }
  });
}

}  // namespace recurra::gpu
