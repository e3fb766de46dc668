// A GPU that is asked for and cannot be had: one line that says what is missing, RECURRA_E_BACKEND, and "auto" does
// without. Every case but the last runs on any machine.
#include <cstdlib>

#include "support/api.h"

namespace recurra::test {
namespace {

class CudaMissing : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("RECURRA_CUDA_PLUGIN"); }

  // What opening the default model says; empty where it opens.
  static std::string open(const char* backend, std::string* opened = nullptr) {
    recurra_model_options o = defaults(recurra_model_options_init);
    o.backend = backend;
    recurra_model* made = nullptr;
    const recurra_status status = recurra_model_open(&made, nullptr, &o);
    const ModelPtr model(made);
    if (status == RECURRA_OK) {
      if (opened != nullptr) *opened = info_of(made).backend;
      return "";
    }
    EXPECT_EQ(status, RECURRA_E_BACKEND) << recurra_last_error();
    const std::string line = recurra_last_error();
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    return line;
  }
  static std::string open_with(const char* plugin) {
    ::setenv("RECURRA_CUDA_PLUGIN", plugin, 1);
    return open("cuda");
  }
};

TEST_F(CudaMissing, NoPlugin) {
  EXPECT_EQ(open_with("/nonexistent/librecurra_cuda.so"),
            "the cuda backend is not installed: there is no /nonexistent/librecurra_cuda.so");
}

TEST_F(CudaMissing, PluginOfAnotherVersion) {
  const char* fake = std::getenv("RECURRA_FAKE_PLUGIN");
  ASSERT_NE(fake, nullptr) << "RECURRA_FAKE_PLUGIN names the file that tests/gpu/fake_plugin.c becomes";
  const std::string line = open_with(fake);
  EXPECT_NE(line.find(fake), std::string::npos) << line;
  EXPECT_NE(line.find("has interface version 999, this library needs "), std::string::npos) << line;
}

TEST_F(CudaMissing, SomethingElse) {
  const std::string text = open_with("/etc/passwd");
  EXPECT_EQ(text.find("the cuda backend cannot be loaded: /etc/passwd"), 0u) << text;
  const std::string library = open_with("libc.so.6");
  EXPECT_EQ(library, "the cuda backend is not installed: there is no libc.so.6");
}

TEST_F(CudaMissing, AutoDoesWithout) {
  ::setenv("RECURRA_CUDA_PLUGIN", "/nonexistent/librecurra_cuda.so", 1);
  std::string opened;
  EXPECT_EQ(open("auto", &opened), "");
  EXPECT_EQ(opened, "cpu");
}

// With the plugin that was built: what the machine lacks, if it lacks anything.
TEST_F(CudaMissing, NoDriverOrDevice) {
  const std::string line = open("cuda");
  if (line.empty()) GTEST_SKIP() << "there is a GPU here";
  const char* const known[] = {"is not installed: there is no librecurra_cuda.so", "found no NVIDIA driver",
                               "the NVIDIA driver supports CUDA", "but no device", "of compute capability"};
  bool said = false;
  for (const char* part : known) said = said || line.find(part) != std::string::npos;
  EXPECT_TRUE(said) << line;
}

}  // namespace
}  // namespace recurra::test
