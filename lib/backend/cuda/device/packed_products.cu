// Weights from a file's rows to packed.h's.
#include "backend/cuda/device/math.cuh"
#include "backend/cuda/device/packed.h"

namespace recurra::gpu {
namespace {

__global__ void pack_kernel(DType type, unsigned char* to, const unsigned char* from, int64_t to_stride,
                            int64_t from_stride, int groups) {
  const int g = static_cast<int>(blockIdx.y * blockDim.x + threadIdx.x);
  if (g < groups) pack_group(to + blockIdx.x * to_stride, type, from + blockIdx.x * from_stride, g, groups);
}

}  // namespace

void pack_rows(gpu_device& device, DType type, void* to, const void* from, int64_t out, int64_t in) {
  constexpr int kAtOnce = 128;
  const int groups = static_cast<int>(in / kPackedGroup);
  const DTypeInfo& i = info(type);
  pack_kernel<<<dim3(static_cast<unsigned>(out), static_cast<unsigned>(ceil_div(groups, kAtOnce))), kAtOnce, 0,
                device.stream>>>(type, static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from),
                                 packed_stride(type, in), in / i.block * i.block_bytes, groups);
  launched("packing weights");
}

}  // namespace recurra::gpu
