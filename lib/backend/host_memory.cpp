#include "backend/host_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "backend/dequantize.h"
#include "core/error.h"

namespace recurra {
namespace {

constexpr size_t kAlign = 64, kLeast = size_t{1} << 20;

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

}  // namespace

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
