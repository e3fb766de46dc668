// Memory and scratch for backends whose memory is the host's.
#pragma once

#include <mutex>
#include <vector>

#include "backend/backend.h"

namespace recurra {

std::shared_ptr<Buffer> allocate_host(size_t bytes);

// The part of a backend that follows from its memory being the host's.
class HostBackend : public Backend {
 public:
  Vector vector(const TensorView& view) override;
  Vector vector(const float* values, int64_t n) override;
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return allocate_host(bytes); }
  void copy(std::byte* to, const std::byte* from, size_t bytes) override;
  void clear(std::byte* at, size_t bytes) override;
  void upload(std::byte* to, const void* from, size_t bytes) override;
  void download(void* to, const std::byte* from, size_t bytes) const override;
};

// Memory for weights that are kept in an order of their own, zero at first: parts of large blocks, for which the system
// is asked for pages of 2 MB. Every token reads all of it, which is 1.01 to 1.03 times as fast from such pages.
class WeightMemory {
 public:
  std::shared_ptr<Buffer> take(size_t bytes);  // 64-byte aligned; by any thread

 private:
  std::mutex mutex_;
  std::shared_ptr<Buffer> block_;
  size_t used_ = 0;
};

// Scratch in blocks that are kept: after the largest call has been seen, nothing is allocated any more.
class Scratch {
 public:
  float* take(size_t floats);
  Exec::Mark mark() const { return {block_, used_}; }
  void release(Exec::Mark m) {
    block_ = m.block;
    used_ = m.used;
  }

 private:
  std::vector<std::shared_ptr<Buffer>> blocks_;
  size_t block_ = 0, used_ = 0;  // where the next bytes come from
};

}  // namespace recurra
