#include "backend/host_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "backend/dequantize.h"
#include "core/error.h"

namespace recurra {
namespace {

constexpr size_t kAlign = 64, kLeast = size_t{1} << 20;
// Of blocks of weights; what is larger than half of one has a block to itself.
constexpr size_t kHugePage = size_t{2} << 20, kWeightBlock = size_t{32} << 20;

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

class HostBuffer final : public Buffer {
 public:
  explicit HostBuffer(size_t bytes) : Buffer(nullptr, bytes) {
    data_ = static_cast<std::byte*>(std::aligned_alloc(kAlign, round_up(std::max(bytes, kAlign), kAlign)));
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(data_, 0, bytes);
  }
  ~HostBuffer() override { std::free(data_); }
};

// Whole pages of 2 MB, if the system has them to give; else small ones. Memory that nobody touches is not taken.
class HugeBlock final : public Buffer {
 public:
  explicit HugeBlock(size_t bytes) : Buffer(nullptr, round_up(bytes, kHugePage)), mapped_(size_ + kHugePage) {
    start_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start_ == MAP_FAILED) throw std::bad_alloc();
    data_ = reinterpret_cast<std::byte*>(round_up(reinterpret_cast<uintptr_t>(start_), kHugePage));
    ::madvise(data_, size_, MADV_HUGEPAGE);
  }
  ~HugeBlock() override { ::munmap(start_, mapped_); }

 private:
  size_t mapped_;
  void* start_;
};

class Part final : public Buffer {
 public:
  Part(std::shared_ptr<Buffer> whole, size_t first, size_t bytes)
      : Buffer(whole->data() + first, bytes), whole_(std::move(whole)) {}

 private:
  std::shared_ptr<Buffer> whole_;
};

}  // namespace

std::shared_ptr<Buffer> WeightMemory::take(size_t bytes) {
  if (bytes > kWeightBlock / 2) return std::make_shared<HugeBlock>(bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (block_ == nullptr || used_ + bytes > block_->size()) {
    block_ = std::make_shared<HugeBlock>(kWeightBlock);
    used_ = 0;
  }
  const size_t first = used_;
  used_ += round_up(bytes, kAlign);
  return std::make_shared<Part>(block_, first, bytes);
}

std::shared_ptr<Buffer> allocate_host(size_t bytes) { return std::make_shared<HostBuffer>(bytes); }

Vector HostBackend::vector(const TensorView& view) {
  const std::vector<float> values = to_floats(view);
  return vector(values.data(), view.shape.elements());
}

Vector HostBackend::vector(const float* values, int64_t n) {
  auto buffer = allocate(static_cast<size_t>(n) * sizeof(float));
  std::memcpy(buffer->data(), values, static_cast<size_t>(n) * sizeof(float));
  return {buffer, n};
}

void HostBackend::copy(std::byte* to, const std::byte* from, size_t bytes) { std::memcpy(to, from, bytes); }
void HostBackend::upload(std::byte* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }
void HostBackend::download(void* to, const std::byte* from, size_t bytes) const { std::memcpy(to, from, bytes); }
void HostBackend::clear(std::byte* at, size_t bytes) { std::memset(at, 0, bytes); }

float* Scratch::take(size_t floats) {
  const size_t bytes = round_up(floats * sizeof(float), kAlign);
  while (block_ < blocks_.size() && used_ + bytes > blocks_[block_]->size()) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) blocks_.push_back(allocate_host(std::max(bytes, kLeast)));
  float* p = reinterpret_cast<float*>(blocks_[block_]->data() + used_);
  used_ += bytes;
  return p;
}

}  // namespace recurra
