// Memory and scratch for backends whose memory is the host's.
#pragma once

#include <vector>

#include "backend/backend.h"

namespace recurra {

std::shared_ptr<Buffer> allocate_host(size_t bytes);

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
