// Inside librecurra_cuda.so: the device, its memory, and what an exec keeps between calls. Errors are thrown as Failure
// and end at the C functions in plugin.cpp.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "backend/cuda/plugin.h"
#include "core/dtype.h"

namespace recurra::gpu {

// The codes of core/error.h that this side uses.
constexpr int32_t kMemory = -2, kUnsupported = -6, kBackend = -13, kInternal = -16;

struct Failure {
  int32_t code;
  char text[512];
};
[[noreturn]] void fail(int32_t code, const char* format, ...) __attribute__((format(printf, 2, 3)));
// Throws what a CUDA call reports. `bytes` that it was to allocate, for the message.
void check(cudaError_t status, const char* what, uint64_t bytes = 0);
// After a kernel's launch.
inline void launched(const char* kernel) { check(cudaGetLastError(), kernel); }

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t to) { return ceil_div(a, to) * to; }

class Products;  // products of blocks of rows (block_products.cpp)

}  // namespace recurra::gpu

struct gpu_device {
  gpu_device(int32_t id, bool bf16);
  ~gpu_device();
  gpu_device(const gpu_device&) = delete;
  gpu_device& operator=(const gpu_device&) = delete;

  void use() const { recurra::gpu::check(cudaSetDevice(id), "cudaSetDevice"); }
  void* allocate(uint64_t bytes, bool zeroed);
  void release(void* data) noexcept;
  uint64_t taken();

  const int32_t id;
  const bool bf16;
  bool concurrent;  // work may run beside other work, on side streams; RECURRA_CUDA_OVERLAP=0: never
  bool overlap;     // and a kernel may begin before the one it follows has ended (math.cuh)
  cudaDeviceProp properties;
  cudaStream_t stream = nullptr;  // of everything
  std::unique_ptr<recurra::gpu::Products> products;

 private:
  std::mutex mutex_;
  std::unordered_map<void*, uint64_t> sizes_;
  uint64_t used_ = 0, limit_;  // limit_: $RECURRA_CUDA_LIMIT_MB, for tests of what happens when there is no more
};

namespace recurra::gpu {

// Device memory of this side's own, that grows and is never read across a growth.
class Memory {
 public:
  explicit Memory(gpu_device& device) : device_(device) {}
  ~Memory() { device_.release(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  // At least `bytes`, not initialised.
  void* need(uint64_t bytes) {
    if (bytes > size_) {
      device_.release(data_);
      data_ = nullptr;
      size_ = 0;
      data_ = device_.allocate(bytes, false);
      size_ = bytes;
    }
    return data_;
  }
  template <class T>
  T* of(int64_t count) {
    return static_cast<T*>(need(static_cast<uint64_t>(count) * sizeof(T)));
  }
  void* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  gpu_device& device_;
  void* data_ = nullptr;
  uint64_t size_ = 0;
};

// Streams beside an exec's own, for work that waits for what came before, but not for each other, each with memory to
// work in.
class SideStreams {
 public:
  static constexpr int kSides = 3;
  SideStreams(gpu_device& device, uint64_t workspace);
  ~SideStreams();
  SideStreams(const SideStreams&) = delete;
  SideStreams& operator=(const SideStreams&) = delete;
  cudaStream_t stream(int i) const { return side_[i].stream; }
  void* workspace(int i) const { return side_[i].workspace->data(); }

  // While it lives the sides go on from where `main` is; then main waits for them.
  class Fork {
   public:
    Fork(SideStreams& sides, cudaStream_t main);
    ~Fork();
    Fork(const Fork&) = delete;
    Fork& operator=(const Fork&) = delete;

   private:
    SideStreams& sides_;
    cudaStream_t main_;
  };

 private:
  struct Side {
    cudaStream_t stream = nullptr;
    cudaEvent_t done = nullptr;
    std::unique_ptr<Memory> workspace;
  };
  void destroy() noexcept;
  Side side_[kSides];
  cudaEvent_t begin_ = nullptr;
};

// The rows of a call, as kernels read them: in device memory, at addresses that stay while the shape does.
struct DeviceSegment {
  int32_t first, count;
  char* state;
  int64_t position;
  float* const* pages;
  int64_t page_stride;
};
struct DeviceRows {
  const DeviceSegment* segment;
  const int32_t *segment_of, *tokens;  // [count]
  int32_t count, segments;
  bool single;      // every segment is one row
  int32_t longest;  // rows of a segment
};

}  // namespace recurra::gpu

struct gpu_exec {
  explicit gpu_exec(gpu_device& device);
  ~gpu_exec();
  gpu_exec(const gpu_exec&) = delete;
  gpu_exec& operator=(const gpu_exec&) = delete;

  // The rows in device memory, uploaded where they are not there yet.
  const recurra::gpu::DeviceRows& rows(const gpu_rows& rows);

  gpu_device& device;
  cudaStream_t stream;                         // the device's; while a pass is recorded, the recorder's
  recurra::gpu::Memory inputs, weights, work;  // of block products: operands rounded, dequantised, results
  recurra::gpu::Memory chain;                  // of chunk_scan and ssd_mix: states on their way from chunk to chunk
  recurra::gpu::Memory partial, arrived;       // of sparse_product: sums over slices, and how many there are
  recurra::gpu::Memory picking;                // of sample_rows
  // One for each row, 0 between kernels. They stay where they are: graphs know the address.
  int* counters(int64_t rows);
  // Activations that hold operands of the next call of linears instead of float32, by where they lie.
  std::unordered_map<const void*, int32_t> operands;

  // A pass of single rows, one per state, is recorded the second time its shape comes by, and from then on run as one
  // graph: kernels find tokens and slots through rows().
  bool pass_begin(const gpu_rows& rows);
  void pass_end(bool complete);
  // Host memory that the device writes straight into, for results; null for more than 1 MB.
  float* pinned(size_t bytes);
  // Null where there is no memory for them, or every kernel is to run by itself.
  recurra::gpu::SideStreams* side_streams(uint64_t workspace);
  // RECURRA_CUDA_PROFILE=1: no graphs, every kernel by itself with its time, and a table on stderr at the end.
  class Profile;
  std::unique_ptr<Profile> profile;
  bool recording() const { return stream != device.stream; }

 private:
  float* pinned_ = nullptr;
  recurra::gpu::Memory counters_;
  std::unique_ptr<recurra::gpu::SideStreams> sides_;
  bool without_sides_ = false;  // there was no memory
  struct Recorder;
  std::unique_ptr<Recorder> recorder_;
  struct Staging;
  std::unique_ptr<Staging> staging_;
};

struct gpu_matrix {
  gpu_matrix(gpu_device& device, recurra::DType type, int64_t out, int64_t in, const void* data, bool mostly_zero);

  recurra::DType type;
  int64_t out, in;
  int64_t stride;  // bytes from row to row; values of a plain type are followed by zeros up to a multiple of 8; those
                   // of some types lie as packed.h says
  bool by_input;   // [in][out], for sparse_product: large plain ones whose inputs are mostly 0, unless all is in f32
  recurra::gpu::Memory memory;
  mutable recurra::gpu::Memory copy;  // as tensor cores take them; of Products
  const unsigned char* data() const { return static_cast<const unsigned char*>(memory.data()); }
};

namespace recurra::gpu {

// Around a kernel's launch: its time goes to the profile under this name, where there is one.
class Timed {
 public:
  Timed(gpu_exec& exec, const char* name, int64_t size);
  ~Timed();
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  gpu_exec& exec_;
  const char* name_;
  int64_t size_;
};

// The operations: run on exec.stream, throw Failure.
#define RECURRA_GPU_ROWS(name) void name(gpu_exec& exec, const gpu_##name& io, const DeviceRows& rows);
#define RECURRA_GPU_PLAIN(name) void name(gpu_exec& exec, const gpu_##name& io);
RECURRA_GPU_OPS(RECURRA_GPU_ROWS, RECURRA_GPU_PLAIN)
#undef RECURRA_GPU_ROWS
#undef RECURRA_GPU_PLAIN

// The scan by chunks of tokens, on tensor cores (chunk_scan.cu). False, and nothing is done: it is not for this one.
// On an H100 a chunk takes 25 us, and the scan token by token 5 us and 0.55 for each (H 32, K 64).
constexpr int32_t kLeastChunkTokens = 40;
bool chunk_scan(gpu_exec& exec, const gpu_scan& io, const DeviceRows& rows);
void chunk_head_mix(gpu_exec& exec, const gpu_head_mix& io, const DeviceRows& rows);
// norm_lerp of segments of several rows (element_kernels.cu).
void norm_lerp_rows(gpu_exec& exec, const gpu_norm_lerp& io, const DeviceRows& rows);
// The place of each row's largest value to host memory; waits (pick_kernels.cu).
void best_of_rows(gpu_exec& exec, int32_t* out, const gpu_tensor& x);
// A token of each row by its pick, as in backend.h, to host memory; waits (sample_kernels.cu).
void sample_rows(gpu_exec& exec, int32_t* out, const gpu_pick* picks, const gpu_tensor& logits);

// Products of any rows with weights as they are (row_products.cu).
void row_products(gpu_exec& exec, const gpu_product* products, int32_t count);
// One product with weights by input, of any rows, and its weights from a file's order (sparse_products.cu).
void sparse_product(gpu_exec& exec, const gpu_product& product);
void transpose_weights(gpu_device& device, void* to, const void* from, int64_t out, int64_t in);
// Weights of a packed type from a file's rows to packed.h's (packed_products.cu).
void pack_rows(gpu_device& device, recurra::DType type, void* to, const void* from, int64_t out, int64_t in);
// Products of one row, of which some have packed weights, in integers (packed_products.cu). False, and nothing is done:
// they are not for this.
bool packed_products(gpu_exec& exec, const gpu_product* products, int32_t count);

}  // namespace recurra::gpu
