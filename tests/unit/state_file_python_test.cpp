// A state file is a safetensors file to others too: Python's safetensors reads what is written here, and what it writes
// is read. Runs where CMake was given RECURRA_TEST_PYTHON, an interpreter with numpy and safetensors.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>

#include "core/file_io.h"
#include "format/safetensors.h"
#include "unit/state_samples.h"

namespace recurra {
namespace {

using namespace testing_state;

TEST(StateFilePython, SafetensorsReadsOurFilesAndWeReadIts) {
  const std::string python = RECURRA_TEST_PYTHON;
  if (python.empty())
    GTEST_SKIP() << "no Python was given: cmake -DRECURRA_TEST_PYTHON=<one with numpy and safetensors>";
  const Folder folder;
  const Sample sample(7);
  state_save_file(folder / "f32.safetensors", sample.header, sample.tensors, StateType::f32);
  state_save_file(folder / "f16.safetensors", sample.header, sample.tensors, StateType::f16);
  const std::string script =
      std::string(__FILE__).substr(0, std::string(__FILE__).rfind('/')) + "/state_file_safetensors.py";
  // The address sanitizer's library is not Python's business.
  const std::string command =
      "env -u LD_PRELOAD '" + python + "' '" + script + "' '" + folder.path() + "' '" + data_path("") + "'";
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status)) << command;
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << python << " cannot import numpy and safetensors";
  ASSERT_EQ(WEXITSTATUS(status), 0) << command;

  const std::vector<unsigned char> bytes = read_file(folder / "python.safetensors");
  const Safetensors file(bytes.data(), bytes.size(), "python.safetensors", Code::format);
  EXPECT_EQ(file.metadata(), (SafetensorsMetadata{{"who", "Python \"\xc3\xa9\""}}));
  const std::vector<TensorView> tensors = file.tensors();
  const std::pair<const char*, DType> expected[] = {{"f32", DType::f32}, {"f16", DType::f16}, {"i8", DType::i8},
                                                    {"i32", DType::i32}, {"i64", DType::i64}, {"u8", DType::u8}};
  EXPECT_EQ(tensors.size(), std::size(expected) + 2);
  for (const TensorView& t : tensors) {
    if (t.name == "scalar") {
      EXPECT_EQ(t.shape, Shape{});
    }
    if (t.name == "empty") {
      EXPECT_EQ(t.shape, shape(3, 0));
    }
    for (const auto& [name, type] : expected) {
      if (t.name != name) continue;
      EXPECT_EQ(t.type, type);
      EXPECT_EQ(t.shape, shape(2, 3));
      if (type != DType::f32) continue;
      float values[6];
      std::memcpy(values, t.data, sizeof values);
      for (int i = 0; i < 6; ++i) EXPECT_EQ(values[i], static_cast<float>(i) - 2.5f);
    }
  }
}

}  // namespace
}  // namespace recurra
