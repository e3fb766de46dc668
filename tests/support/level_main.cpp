// main() of tests that run at a forced CPU level: 77, which ctest shows as skipped, where this CPU lacks it.
#include <gtest/gtest.h>

#include <cstdio>

#include "backend/cpu/level.h"
#include "core/error.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    recurra::choose_level();
  } catch (const recurra::Error& e) {
    std::printf("SKIPPED: %s\n", e.what());
    return 77;
  }
  return RUN_ALL_TESTS();
}
