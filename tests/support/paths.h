// Where tests find their files: what is committed beside them (tests/data), and the larger goldens that lie outside.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace recurra::test {

inline std::filesystem::path tests_folder() { return std::filesystem::path(__FILE__).parent_path().parent_path(); }

inline std::string from_environment(const char* variable, const std::filesystem::path& fallback) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : fallback.lexically_normal().string();
}

// A committed file of tests/data (or of $RECURRA_TEST_DATA).
inline std::string test_data(const std::string& name) {
  return from_environment("RECURRA_TEST_DATA", tests_folder() / "data") + "/" + name;
}

// A file of the folder `shared` beside the repository (or of $RECURRA_SHARED): goldens/NAME, models/NAME. May be
// absent.
inline std::string shared_path(const std::string& name) {
  return from_environment("RECURRA_SHARED", tests_folder() / "../../shared") + "/" + name;
}

}  // namespace recurra::test

// Skips the test, and says so, where a shared file is absent.
#define RECURRA_NEED_SHARED(name)                                                                                   \
  do {                                                                                                              \
    if (!std::filesystem::exists(recurra::test::shared_path(name)))                                                 \
      GTEST_SKIP() << recurra::test::shared_path(name) << " is absent; RECURRA_SHARED names the folder it lies in"; \
  } while (false)
