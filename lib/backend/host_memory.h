// Memory and scratch for backends whose memory is the host's.
#pragma once

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
