// main() of tests that run at a forced CPU level, or on a GPU: 77, which ctest shows as skipped, where this machine lacks
// it.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "backend/cpu/level.h"
#include "backend/cuda/cuda.h"
#include "core/error.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    recurra::choose_level();
    const char* backend = std::getenv("RECURRA_TEST_BACKEND");
    if (backend != nullptr && std::string(backend) == "cuda") recurra::make_cuda_backend({});
  } catch (const recurra::Error& e) {
    std::printf("SKIPPED: %s\n", e.what());
    return 77;
  }
  return RUN_ALL_TESTS();
}
