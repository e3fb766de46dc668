// Matrix memories, read and written one by one, against the state file's tensors, for every mixer.
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "support/model.h"
#include "support/subjects.h"

namespace recurra::test {
namespace {

recurra_memory_info describe(const recurra_state* s, size_t index) {
  recurra_memory_info info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(recurra_memory_describe(&info, s, index), RECURRA_OK) << recurra_last_error();
  return info;
}

size_t count_of(const recurra_state* s) {
  size_t n = 999;
  EXPECT_EQ(recurra_memory_count(&n, s), RECURRA_OK) << recurra_last_error();
  return n;
}

std::vector<float> read(const recurra_state* s, size_t index) {
  const recurra_memory_info info = describe(s, index);
  std::vector<float> values(static_cast<size_t>(info.n_rows) * static_cast<size_t>(info.n_columns));
  EXPECT_EQ(recurra_memory_read(values.data(), values.size(), s, index), RECURRA_OK) << recurra_last_error();
  return values;
}

// Every tensor of a state file, by safetensors' rules.
struct FileTensor {
  std::vector<int64_t> shape;
  const unsigned char* data;
};
std::map<std::string, FileTensor> tensors_of(const std::vector<unsigned char>& file) {
  uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof size);
  const auto header = nlohmann::json::parse(file.begin() + 8, file.begin() + 8 + static_cast<std::ptrdiff_t>(size));
  std::map<std::string, FileTensor> tensors;
  for (const auto& [name, e] : header.items())
    if (name != "__metadata__")
      tensors[name] = {e["shape"].get<std::vector<int64_t>>(),
                       file.data() + 8 + size + e["data_offsets"][0].get<size_t>()};
  return tensors;
}

class Matrix : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override { feed(state_.get(), tokens_.data(), 100); }

  ModelPtr model_ = open_model(path_of(GetParam()));
  StatePtr state_ = new_state(model_.get());
  int32_t n_vocab_ = info_of(model_.get()).n_vocab;
  std::vector<int32_t> tokens_ = some_tokens(110, n_vocab_);
};

TEST_P(Matrix, IsTheStateFilesTensorHeadByHead) {
  const auto file = bytes_of(state_.get());
  const auto tensors = tensors_of(file);
  size_t want = 0;
  for (const auto& [name, t] : tensors)
    if (t.shape.size() == 3) want += static_cast<size_t>(t.shape[0]);
  ASSERT_EQ(count_of(state_.get()), want);
  for (size_t i = 0; i < want; ++i) {
    const recurra_memory_info info = describe(state_.get(), i);
    ASSERT_EQ(tensors.count(info.name), 1u) << info.name;
    const FileTensor& t = tensors.at(info.name);
    ASSERT_EQ(t.shape.size(), 3u);
    EXPECT_EQ(t.shape[1], info.n_rows);
    EXPECT_EQ(t.shape[2], info.n_columns);
    EXPECT_LT(info.head, t.shape[0]);
    EXPECT_EQ(std::string(info.name).rfind("layers." + std::to_string(info.layer) + ".", 0), 0u) << info.name;
    const std::vector<float> values = read(state_.get(), i);
    const size_t bytes = values.size() * sizeof(float);
    EXPECT_EQ(std::memcmp(values.data(), t.data + static_cast<size_t>(info.head) * bytes, bytes), 0)
        << info.name << ", head " << info.head;
  }
}

TEST_P(Matrix, WrittenIsReadAndNothingElseChanges) {
  const auto before = bytes_of(state_.get());
  const size_t n = count_of(state_.get());
  for (size_t i = 0; i < n; ++i) {
    const std::vector<float> old = read(state_.get(), i);
    std::vector<float> other(old.size());
    for (size_t j = 0; j < other.size(); ++j) other[j] = 0.01f * static_cast<float>(j % 97) - 0.3f;
    ASSERT_EQ(recurra_memory_write(state_.get(), i, other.data(), other.size()), RECURRA_OK) << recurra_last_error();
    EXPECT_EQ(read(state_.get(), i), other);
    ASSERT_EQ(recurra_memory_write(state_.get(), i, old.data(), old.size()), RECURRA_OK) << recurra_last_error();
  }
  EXPECT_EQ(bytes_of(state_.get()), before);
}

TEST_P(Matrix, TheNextTokenReadsIt) {
  const size_t n = count_of(state_.get());
  if (n == 0) return;  // nothing to write
  recurra_state* c = nullptr;
  ASSERT_EQ(recurra_state_clone(&c, state_.get()), RECURRA_OK);
  const StatePtr other(c);
  std::vector<float> values = read(c, 0);
  for (float& v : values) v = 2 * v + 0.5f;
  ASSERT_EQ(recurra_memory_write(c, 0, values.data(), values.size()), RECURRA_OK) << recurra_last_error();
  EXPECT_EQ(logits_of(c, n_vocab_), logits_of(state_.get(), n_vocab_));
  feed(c, tokens_.data() + 100, 1);
  feed(state_.get(), tokens_.data() + 100, 1);
  EXPECT_NE(logits_of(c, n_vocab_), logits_of(state_.get(), n_vocab_));
}

// All matrices of one state in an empty one, whose matrices are zeros.
TEST_P(Matrix, CarriedOverToAnotherState) {
  const StatePtr other = new_state(model_.get());
  for (size_t i = 0; i < count_of(other.get()); ++i) {
    for (const float v : read(other.get(), i)) ASSERT_EQ(v, 0.f);
    const std::vector<float> values = read(state_.get(), i);
    ASSERT_EQ(recurra_memory_write(other.get(), i, values.data(), values.size()), RECURRA_OK);
  }
  for (size_t i = 0; i < count_of(other.get()); ++i) EXPECT_EQ(read(other.get(), i), read(state_.get(), i));
}

TEST_P(Matrix, WhatIsWrongIsRefusedAndChangesNothing) {
  const auto before = bytes_of(state_.get());
  const size_t n = count_of(state_.get());
  recurra_memory_info info{};
  info.struct_size = sizeof info;
  float one = 0;
  for (const size_t index : {n, n + 1, static_cast<size_t>(-1)}) {
    EXPECT_EQ(recurra_memory_describe(&info, state_.get(), index), RECURRA_E_INVALID);
    EXPECT_EQ(recurra_memory_read(&one, 1, state_.get(), index), RECURRA_E_INVALID);
    EXPECT_EQ(recurra_memory_write(state_.get(), index, &one, 1), RECURRA_E_INVALID);
    EXPECT_NE(std::string(recurra_last_error()).find("the state has " + std::to_string(n)), std::string::npos)
        << recurra_last_error();
  }
  if (n == 0) return;
  std::vector<float> values = read(state_.get(), 0);
  for (const size_t wrong : {size_t{0}, values.size() - 1, values.size() + 1}) {
    EXPECT_EQ(recurra_memory_read(values.data(), wrong, state_.get(), 0), RECURRA_E_INVALID);
    EXPECT_EQ(recurra_memory_write(state_.get(), 0, values.data(), wrong), RECURRA_E_INVALID);
  }
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    values.back() = bad;
    EXPECT_EQ(recurra_memory_write(state_.get(), 0, values.data(), values.size()), RECURRA_E_INVALID);
    EXPECT_NE(std::string(recurra_last_error()).find("values[" + std::to_string(values.size() - 1) + "]"),
              std::string::npos);
  }
  EXPECT_EQ(bytes_of(state_.get()), before);
}

INSTANTIATE_TEST_SUITE_P(Models, Matrix, testing::ValuesIn(subjects_here()),
                         [](const auto& test) { return std::string(test.param.name); });

// What each of them has, as its config says it.
TEST(Matrices, AsManyAsLayersAndHeads) {
  const std::map<std::string, size_t> want = {{"rwkv7", 3 * 2}, {"mamba", 0}, {"llama", 0}, {"window", 0}};
  for (const Subject& s : subjects()) {
    const ModelPtr model = open_model(path_of(s));
    const size_t n = count_of(new_state(model.get()).get());
    const auto found = want.find(s.name);
    EXPECT_TRUE(found != want.end() ? n == found->second : n > 0) << s.name << " has " << n;
  }
}

}  // namespace
}  // namespace recurra::test
