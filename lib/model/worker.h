// What one call computes with, kept between calls.
#pragma once

#include <memory>
#include <vector>

#include "backend/backend.h"

namespace recurra {

struct Worker {
  std::unique_ptr<Exec> exec;
  std::vector<float> logits;      // rows to score
  int64_t rows_seen[2] = {0, 0};  // most rows of a step and of a block pass: up to there nothing is allocated any more
};

}  // namespace recurra
