// A state's matrix memories as kernels read and write them: float32, or float16 that state_rounding.h rounds. Sums are
// in float32 either way.
#pragma once

#include "backend/cuda/device/math.cuh"
#include "backend/state_rounding.h"

namespace recurra::gpu {

// Where a slot's matrices begin that lie `offset` bytes into it.
template <class T>
__device__ __forceinline__ T* kept_at(const DeviceSegment& segment, uint64_t offset) {
  return reinterpret_cast<T*>(segment.state + offset);
}
// For a thread that rounds elements from `element` of those on; made while others are waited for.
template <class T>
__device__ __forceinline__ StateThresholds thresholds(const DeviceSegment& segment, uint64_t offset, int64_t element) {
  return {static_cast<uint64_t>(segment.position),
          static_cast<uint32_t>(offset / sizeof(T)) + static_cast<uint32_t>(element)};
}

// N neighbours, at a multiple of their bytes, as they lie in memory: asked for, but not waited for.
template <class T, int N>
struct Kept;

template <>
struct Kept<float, 4> {
  float4 raw;
  __device__ __forceinline__ void load(const float* from) { raw = __ldcg(reinterpret_cast<const float4*>(from)); }
  __device__ __forceinline__ void widen(float (&x)[4]) const { x[0] = raw.x, x[1] = raw.y, x[2] = raw.z, x[3] = raw.w; }
  __device__ __forceinline__ static void store(float* to, const float (&x)[4], StateThresholds&) {
    *reinterpret_cast<float4*>(to) = make_float4(x[0], x[1], x[2], x[3]);
  }
};

__device__ __forceinline__ float2 widen2(uint32_t pair) {
#ifdef __CUDA_ARCH__
  return __half22float2(*reinterpret_cast<const __half2*>(&pair));
#else
  return make_float2(f16_to_float(static_cast<uint16_t>(pair)), f16_to_float(static_cast<uint16_t>(pair >> 16)));
#endif
}

template <>
struct Kept<__half, 4> {
  uint2 raw;
  __device__ __forceinline__ void load(const __half* from) { raw = __ldcg(reinterpret_cast<const uint2*>(from)); }
  __device__ __forceinline__ void widen(float (&x)[4]) const {
    const float2 a = widen2(raw.x), b = widen2(raw.y);
    x[0] = a.x, x[1] = a.y, x[2] = b.x, x[3] = b.y;
  }
  __device__ __forceinline__ static void store(__half* to, const float (&x)[4], StateThresholds& by) {
    uint2 y;
    y.x = round_pair(x[0], x[1], by.next());
    y.y = round_pair(x[2], x[3], by.next());
    *reinterpret_cast<uint2*>(to) = y;
  }
};

template <>
struct Kept<__half, 8> {
  uint4 raw;
  __device__ __forceinline__ void load(const __half* from) { raw = __ldcg(reinterpret_cast<const uint4*>(from)); }
  __device__ __forceinline__ void widen(float (&x)[8]) const {
    const float2 a = widen2(raw.x), b = widen2(raw.y), c = widen2(raw.z), d = widen2(raw.w);
    x[0] = a.x, x[1] = a.y, x[2] = b.x, x[3] = b.y, x[4] = c.x, x[5] = c.y, x[6] = d.x, x[7] = d.y;
  }
  __device__ __forceinline__ static void store(__half* to, const float (&x)[8], StateThresholds& by) {
    uint4 y;
    y.x = round_pair(x[0], x[1], by.next());
    y.y = round_pair(x[2], x[3], by.next());
    y.z = round_pair(x[4], x[5], by.next());
    y.w = round_pair(x[6], x[7], by.next());
    *reinterpret_cast<uint4*>(to) = y;
  }
};

// One element.
__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ float widen(__half x) { return __half2float(x); }
// Two elements that need not be neighbours; the second only where `both`.
__device__ __forceinline__ void store_two(float* x_at, float* y_at, bool both, float x, float y, StateThresholds&) {
  *x_at = x;
  if (both) *y_at = y;
}
__device__ __forceinline__ void store_two(__half* x_at, __half* y_at, bool both, float x, float y,
                                          StateThresholds& by) {
  const uint32_t pair = round_pair(x, both ? y : 0.0f, by.next());
  *reinterpret_cast<unsigned short*>(x_at) = static_cast<unsigned short>(pair);
  if (both) *reinterpret_cast<unsigned short*>(y_at) = static_cast<unsigned short>(pair >> 16);
}

}  // namespace recurra::gpu
