#include "backend/cuda/device/context.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/packed.h"

namespace recurra::gpu {

void fail(int32_t code, const char* format, ...) {
  Failure f;
  f.code = code;
  va_list args;
  va_start(args, format);
  std::vsnprintf(f.text, sizeof f.text, format, args);
  va_end(args);
  throw f;
}

void check(cudaError_t status, const char* what, uint64_t bytes) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // what does not stick is gone
  if (status != cudaErrorMemoryAllocation) fail(kBackend, "CUDA: %s: %s", what, cudaGetErrorString(status));
  size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) cudaGetLastError();
  fail(kMemory, "out of device memory: %llu MB were asked for, %llu of %llu MB are free",
       static_cast<unsigned long long>(bytes >> 20), static_cast<unsigned long long>(free >> 20),
       static_cast<unsigned long long>(total >> 20));
}

namespace {

uint64_t memory_limit() {
  const char* megabytes = std::getenv("RECURRA_CUDA_LIMIT_MB");
  return megabytes != nullptr && *megabytes != '\0' ? std::strtoull(megabytes, nullptr, 10) << 20 : UINT64_MAX;
}

// What is released stays with the process instead of going back to the driver at every wait.
void keep_memory(int32_t id) {
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, id), "cudaDeviceGetDefaultMemPool");
  uint64_t all = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all), "cudaMemPoolSetAttribute");
}

}  // namespace
}  // namespace recurra::gpu

using namespace recurra::gpu;

gpu_device::gpu_device(int32_t device_id, bool with_bf16) : id(device_id), bf16(with_bf16), limit_(memory_limit()) {
  use();
  check(cudaGetDeviceProperties(&properties, id), "cudaGetDeviceProperties");
  if (properties.major < 8)
    recurra::gpu::fail(kBackend, "the device is a %s of compute capability %d.%d, the cuda backend needs 8.0 or newer",
                       properties.name, properties.major, properties.minor);
  const char* overlapping = std::getenv("RECURRA_CUDA_OVERLAP");
  concurrent = overlapping == nullptr || std::strcmp(overlapping, "0") != 0;
  overlap = concurrent && properties.major >= 9;
  keep_memory(id);
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  products = std::make_unique<Products>(*this);
}

gpu_device::~gpu_device() {
  cudaSetDevice(id);
  products.reset();
  if (stream != nullptr) {
    cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
  }
  cudaGetLastError();
}

void* gpu_device::allocate(uint64_t bytes, bool zeroed) {
  const uint64_t size = bytes != 0 ? bytes : 1;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (size > limit_ - used_)
    recurra::gpu::fail(kMemory, "out of device memory: %llu MB were asked for, %llu of %llu MB are used",
                       static_cast<unsigned long long>(size >> 20), static_cast<unsigned long long>(used_ >> 20),
                       static_cast<unsigned long long>(limit_ >> 20));
  void* data = nullptr;
  check(cudaMallocAsync(&data, size, stream), "cudaMallocAsync", size);
  try {
    sizes_[data] = size;
    if (zeroed) check(cudaMemsetAsync(data, 0, size, stream), "cudaMemsetAsync");
  } catch (...) {
    sizes_.erase(data);
    cudaFreeAsync(data, stream);
    throw;
  }
  used_ += size;
  return data;
}

uint64_t gpu_device::taken() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return used_;
}

void gpu_device::release(void* data) noexcept {
  if (data == nullptr) return;
  cudaSetDevice(id);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = sizes_.find(data);
  if (found != sizes_.end()) {
    used_ -= found->second;
    sizes_.erase(found);
  }
  if (cudaFreeAsync(data, stream) != cudaSuccess) cudaGetLastError();
}

namespace recurra::gpu {

SideStreams::SideStreams(gpu_device& device, uint64_t workspace) {
  try {
    check(cudaEventCreateWithFlags(&begin_, cudaEventDisableTiming), "cudaEventCreate");
    for (Side& s : side_) {
      check(cudaStreamCreateWithFlags(&s.stream, cudaStreamNonBlocking), "cudaStreamCreate");
      check(cudaEventCreateWithFlags(&s.done, cudaEventDisableTiming), "cudaEventCreate");
      s.workspace = std::make_unique<Memory>(device);
      s.workspace->need(workspace);
    }
  } catch (...) {
    destroy();
    throw;
  }
}
SideStreams::~SideStreams() { destroy(); }

void SideStreams::destroy() noexcept {
  for (Side& s : side_) {
    if (s.stream != nullptr) cudaStreamSynchronize(s.stream), cudaStreamDestroy(s.stream);
    if (s.done != nullptr) cudaEventDestroy(s.done);
  }
  if (begin_ != nullptr) cudaEventDestroy(begin_);
  cudaGetLastError();
}

SideStreams::Fork::Fork(SideStreams& sides, cudaStream_t main) : sides_(sides), main_(main) {
  check(cudaEventRecord(sides.begin_, main), "cudaEventRecord");
  for (const Side& s : sides.side_) check(cudaStreamWaitEvent(s.stream, sides.begin_, 0), "cudaStreamWaitEvent");
}

// What fails here is reported by main's next call.
SideStreams::Fork::~Fork() {
  for (const Side& s : sides_.side_)
    if (cudaEventRecord(s.done, s.stream) == cudaSuccess) cudaStreamWaitEvent(main_, s.done, 0);
}

}  // namespace recurra::gpu

// Pages are written by the host one by one, in turns: a copy under way still reads the ones before.
struct gpu_exec::Staging {
  static constexpr int kTurns = 8;

  explicit Staging(gpu_device& device) : memory(device) {}
  ~Staging() {
    for (Turn& t : turns) {
      if (t.done != nullptr) cudaEventSynchronize(t.done), cudaEventDestroy(t.done);
      if (t.host != nullptr) cudaFreeHost(t.host);
    }
    cudaGetLastError();
  }

  // Host memory for `bytes` that no copy reads any more.
  char* next(size_t bytes) {
    turn = (turn + 1) % kTurns;
    Turn& t = turns[turn];
    if (t.done == nullptr) check(cudaEventCreateWithFlags(&t.done, cudaEventDisableTiming), "cudaEventCreate");
    check(cudaEventSynchronize(t.done), "waiting for a copy");
    if (bytes > t.size) {
      if (t.host != nullptr) cudaFreeHost(t.host);
      t.host = nullptr;
      t.size = 0;
      check(cudaMallocHost(reinterpret_cast<void**>(&t.host), bytes), "cudaMallocHost", bytes);
      t.size = bytes;
    }
    return t.host;
  }
  void send(size_t bytes, cudaStream_t stream) {
    Turn& t = turns[turn];
    check(cudaMemcpyAsync(memory.data(), t.host, bytes, cudaMemcpyHostToDevice, stream), "copying a call's rows");
    check(cudaEventRecord(t.done, stream), "cudaEventRecord");
  }

  struct Turn {
    char* host = nullptr;
    size_t size = 0;
    cudaEvent_t done = nullptr;
  };
  Turn turns[kTurns];
  int turn = 0;
  Memory memory;
  std::vector<char> image, sent;  // what the device has
  DeviceRows rows{};
};

class gpu_exec::Profile {
 public:
  Profile() {
    check(cudaEventCreate(&begin), "cudaEventCreate");
    check(cudaEventCreate(&end), "cudaEventCreate");
  }
  ~Profile() {
    std::vector<std::pair<std::string, Sum>> all(sums.begin(), sums.end());
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second.ms > b.second.ms; });
    double total = 0;
    for (const auto& [name, sum] : all) total += sum.ms;
    constexpr size_t kShown = 9;
    if (all.size() > kShown) all.resize(kShown);
    for (const auto& [name, sum] : all)
      if (sum.ms > total / 100)
        std::fprintf(stderr, "%5.1f%%  %9.3f ms  %7ld times  %9.2f us each  %s\n", 100 * sum.ms / total, sum.ms,
                     sum.times, 1e3 * sum.ms / static_cast<double>(sum.times), name.c_str());
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
  }
  struct Sum {
    double ms = 0;
    long times = 0;
  };
  std::map<std::string, Sum> sums;
  cudaEvent_t begin = nullptr, end = nullptr;
};

namespace recurra::gpu {

Timed::Timed(gpu_exec& exec, const char* name, int64_t size) : exec_(exec), name_(name), size_(size) {
  if (exec.profile) cudaEventRecord(exec.profile->begin, exec.stream);
}
Timed::~Timed() {
  if (!exec_.profile) return;
  float ms = 0;
  cudaEventRecord(exec_.profile->end, exec_.stream);
  cudaEventSynchronize(exec_.profile->end);
  if (cudaEventElapsedTime(&ms, exec_.profile->begin, exec_.profile->end) != cudaSuccess) return;
  gpu_exec::Profile::Sum& sum = exec_.profile->sums[std::string(name_) + " " + std::to_string(size_)];
  sum.ms += static_cast<double>(ms);
  ++sum.times;
}

}  // namespace recurra::gpu

// Passes as CUDA graphs, by the number of rows.
struct gpu_exec::Recorder {
  static constexpr size_t kMostGraphs = 64;

  ~Recorder() {
    forget();
    if (stream != nullptr) cudaStreamDestroy(stream);
    cudaGetLastError();
  }
  void forget() {
    for (const auto& [count, graph] : graphs) cudaGraphExecDestroy(graph);
    graphs.clear();
    seen.clear();
  }
  // Stops recording; what was recorded, or null.
  cudaGraph_t stop() {
    cudaGraph_t graph = nullptr;
    recording = 0;
    if (cudaStreamEndCapture(stream, &graph) != cudaSuccess) cudaGetLastError();
    return graph;
  }

  const bool enabled = [] {
    const char* value = std::getenv("RECURRA_CUDA_GRAPHS");  // "0": every kernel by itself, to look for errors
    return value == nullptr || std::strcmp(value, "0") != 0;
  }();
  cudaStream_t stream = nullptr;  // recorded on, so that nobody else's work gets in
  std::map<int32_t, cudaGraphExec_t> graphs;
  std::set<int32_t> seen;
  int32_t recording = 0;                // rows of the pass
  std::array<const void*, 6> memory{};  // where graphs find rows and what they compute with
};

gpu_exec::gpu_exec(gpu_device& d)
    : device(d),
      stream(d.stream),
      inputs(d),
      weights(d),
      work(d),
      chain(d),
      partial(d),
      arrived(d),
      picking(d),
      counters_(d),
      recorder_(std::make_unique<Recorder>()),
      staging_(std::make_unique<Staging>(d)) {
  const char* wanted = std::getenv("RECURRA_CUDA_PROFILE");
  if (wanted != nullptr && std::strcmp(wanted, "0") != 0) profile = std::make_unique<Profile>();
}

gpu_exec::~gpu_exec() {
  if (pinned_ != nullptr && cudaFreeHost(pinned_) != cudaSuccess) cudaGetLastError();
}

float* gpu_exec::pinned(size_t bytes) {
  constexpr size_t kMost = size_t{1} << 20;
  if (bytes > kMost) return nullptr;
  if (pinned_ == nullptr) check(cudaMallocHost(reinterpret_cast<void**>(&pinned_), kMost), "cudaMallocHost", kMost);
  return pinned_;
}

recurra::gpu::SideStreams* gpu_exec::side_streams(uint64_t workspace) {
  if (sides_ != nullptr || without_sides_ || recording() || profile || !device.concurrent) return sides_.get();
  try {
    sides_ = std::make_unique<SideStreams>(device, workspace);
  } catch (const Failure& f) {
    if (f.code != kMemory) throw;
    without_sides_ = true;
  }
  return sides_.get();
}

int* gpu_exec::counters(int64_t count) {
  constexpr int64_t kMost = 65536;
  if (count > kMost) recurra::gpu::fail(kUnsupported, "%lld rows in one pass", static_cast<long long>(count));
  if (counters_.data() != nullptr) return static_cast<int*>(counters_.data());
  int* made = counters_.of<int>(kMost);
  check(cudaMemsetAsync(made, 0, kMost * sizeof(int), stream), "cudaMemsetAsync");
  return made;
}

bool gpu_exec::pass_begin(const gpu_rows& r) {
  Recorder& rec = *recorder_;
  if (!rec.enabled || profile || r.block != 0) return false;
  const DeviceRows& now = rows(r);
  if (!now.single || now.segments != now.count) return false;
  const std::array<const void*, 6> memory = {now.segment, inputs.data(),  weights.data(),
                                             work.data(), partial.data(), arrived.data()};
  if (rec.memory != memory) {  // moved by a larger call
    rec.forget();
    rec.memory = memory;
  }
  const auto found = rec.graphs.find(now.count);
  if (found != rec.graphs.end()) {
    check(cudaGraphLaunch(found->second, device.stream), "running a recorded pass");
    return true;
  }
  if (rec.seen.insert(now.count).second) return false;  // memory that is needed the first time is there the second
  if (rec.graphs.size() >= Recorder::kMostGraphs) rec.forget();
  if (rec.stream == nullptr) check(cudaStreamCreateWithFlags(&rec.stream, cudaStreamNonBlocking), "cudaStreamCreate");
  check(cudaStreamBeginCapture(rec.stream, cudaStreamCaptureModeThreadLocal), "recording a pass");
  rec.recording = now.count;
  stream = rec.stream;
  return false;
}

void gpu_exec::pass_end(bool complete) {
  Recorder& rec = *recorder_;
  if (rec.recording == 0) return;
  stream = device.stream;
  const int32_t count = rec.recording;
  const cudaGraph_t graph = rec.stop();
  cudaGraphExec_t made = nullptr;
  cudaError_t status = graph != nullptr ? cudaSuccess : cudaErrorStreamCaptureInvalidated;
  if (status == cudaSuccess && complete) status = cudaGraphInstantiate(&made, graph, 0);
  if (graph != nullptr) cudaGraphDestroy(graph);
  if (!complete) return;
  check(status, "recording a pass");
  rec.graphs[count] = made;
  check(cudaGraphLaunch(made, device.stream), "running a recorded pass");
}

const DeviceRows& gpu_exec::rows(const gpu_rows& rows) {
  Staging& s = *staging_;
  // [segments][tokens][segment of each row][pages], each part at a multiple of 16 bytes
  const auto part = [](int64_t bytes) { return static_cast<size_t>(round_up(bytes, 16)); };
  int64_t pages = 0;
  for (int32_t i = 0; i < rows.segments; ++i) pages += rows.segment[i].n_pages;
  const size_t tokens_at = part(rows.segments * static_cast<int64_t>(sizeof(DeviceSegment)));
  const size_t segment_of_at = tokens_at + part(rows.count * 4);
  const size_t pages_at = segment_of_at + part(rows.count * 4);
  const size_t bytes = pages_at + part(pages * 8);
  char* base = static_cast<char*>(s.memory.need(static_cast<uint64_t>(round_up(static_cast<int64_t>(bytes), 65536))));
  s.image.assign(bytes, 0);
  auto* segment = reinterpret_cast<DeviceSegment*>(s.image.data());
  auto* segment_of = reinterpret_cast<int32_t*>(s.image.data() + segment_of_at);
  auto* page = reinterpret_cast<float**>(s.image.data() + pages_at);
  bool single = true;
  int32_t longest = 0;
  int64_t page_at = 0;
  for (int32_t i = 0; i < rows.segments; ++i) {
    const gpu_segment& g = rows.segment[i];
    auto* page_list = reinterpret_cast<float* const*>(base + pages_at) + page_at;
    segment[i] = {g.first,   g.count,      reinterpret_cast<char*>(g.state), static_cast<int64_t>(g.position),
                  page_list, g.page_stride};
    for (int32_t r = g.first; r < g.first + g.count && r < rows.count; ++r) segment_of[r] = i;
    for (int64_t p = 0; p < g.n_pages; ++p) page[page_at++] = g.pages[p];
    single = single && g.count == 1;
    longest = std::max(longest, g.count);
  }
  if (rows.tokens != nullptr)
    std::memcpy(s.image.data() + tokens_at, rows.tokens, static_cast<size_t>(rows.count) * sizeof(int32_t));
  if (s.image != s.sent) {
    s.sent.clear();
    std::memcpy(s.next(bytes), s.image.data(), bytes);
    s.send(bytes, device.stream);
    s.sent = s.image;
  }
  s.rows = {reinterpret_cast<DeviceSegment*>(base),
            reinterpret_cast<int32_t*>(base + segment_of_at),
            reinterpret_cast<int32_t*>(base + tokens_at),
            rows.count,
            rows.segments,
            single,
            longest};
  return s.rows;
}

// Of fewer weights, reading those of inputs that are 0 takes less time than leaving them out.
constexpr int64_t kLeastSparseBytes = int64_t{8} << 20;

gpu_matrix::gpu_matrix(gpu_device& device, recurra::DType t, int64_t rows, int64_t cols, const void* data,
                       bool mostly_zero)
    : type(t), out(rows), in(cols), memory(device), copy(device) {
  const recurra::DTypeInfo& i = recurra::info(t);
  const int64_t row = in / i.block * i.block_bytes;
  const bool packed = is_packed(t), half = t == recurra::DType::f16 || t == recurra::DType::bf16;
  by_input = mostly_zero && device.bf16 && half && in % 8 == 0 && out % 8 == 0 && row * out >= kLeastSparseBytes;
  stride = by_input       ? out * i.block_bytes
           : packed       ? packed_stride(t, in)
           : i.block == 1 ? round_up(in, 8) * i.block_bytes
                          : row;
  const auto bytes = static_cast<uint64_t>(stride * (by_input ? in : out));
  void* to = memory.need(bytes + 16);  // reading 8 values at a time may go past the last row
  check(cudaMemsetAsync(to, 0, bytes + 16, device.stream), "cudaMemsetAsync");
  if (out != 0 && row != 0) {
    const bool moved = packed || by_input;
    Memory file(device);
    void* rows_at = moved ? file.need(static_cast<uint64_t>(row * out)) : to;
    const auto pitch = static_cast<size_t>(moved ? row : stride), width = static_cast<size_t>(row);
    check(cudaMemcpy2DAsync(rows_at, pitch, data, width, width, static_cast<size_t>(out), cudaMemcpyHostToDevice,
                            device.stream),
          "copying weights");
    if (packed) pack_rows(device, t, to, rows_at, out, in);
    if (by_input) transpose_weights(device, to, rows_at, out, in);
  }
  check(cudaStreamSynchronize(device.stream), "copying weights");
}
