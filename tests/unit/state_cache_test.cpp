// State files of models with softmax attention, whose keys and values are as long as the conversation: they come back
// whole, and a file that says one length and has another is a typed error that leaves the state as it was.
#include <cmath>
#include <functional>

#include "format/safetensors.h"
#include "format/state_file.h"
#include "support/drawn_folder.h"
#include "support/files.h"
#include "support/model.h"

namespace recurra::test {
namespace {

using Bytes = std::vector<unsigned char>;

// A state file taken apart, to be put together in another way, with a checksum that is right.
struct Parts {
  explicit Parts(const Bytes& file) : header(StateFile(file.data(), file.size(), "state").header()) {
    for (const TensorView& t : Safetensors(file.data(), file.size(), "state", Code::corrupt).tensors()) {
      const auto* first = static_cast<const float*>(t.data);
      values[t.name].assign(first, first + t.shape.elements());
      shapes[t.name] = t.shape;
    }
  }
  Bytes file(StateType type = StateType::f32) const {
    std::vector<StateTensor> tensors;
    for (const auto& [name, shape] : shapes) tensors.push_back({name, shape, values.at(name).data()});
    Bytes out;
    state_write(header, tensors, type, [&](const void* data, size_t size) {
      const auto* p = static_cast<const unsigned char*>(data);
      out.insert(out.end(), p, p + size);
    });
    return out;
  }
  StateHeader header;
  std::map<std::string, std::vector<float>> values;
  std::map<std::string, Shape> shapes;
};

class StateCache : public testing::Test {
 protected:
  static constexpr size_t kTokens = 300;
  static constexpr int64_t kWidth = 32;  // of the keys: 2 heads of 16

  void SetUp() override {
    draw_folder(folder_, "hf_llama");
    model_ = open_model(folder_.path());
    state_ = new_state(model_.get());
    tokens_ = some_tokens(500, 96);
    feed(state_.get(), tokens_.data(), kTokens);
    saved_ = bytes_of(state_.get());
    target_ = new_state(model_.get());
    feed(target_.get(), tokens_.data() + 100, 20);
    before_ = bytes_of(target_.get());
  }

  recurra_status load(const Bytes& bytes) { return recurra_load_memory(target_.get(), bytes.data(), bytes.size()); }
  void expect_refused(const Bytes& bytes, recurra_status status, const std::string& words) {
    EXPECT_EQ(load(bytes), status) << recurra_last_error();
    EXPECT_NE(std::string(recurra_last_error()).find(words), std::string::npos) << recurra_last_error();
    EXPECT_EQ(bytes_of(target_.get()), before_);
  }

  ModelFolder folder_;
  ModelPtr model_;
  StatePtr state_, target_;
  std::vector<int32_t> tokens_;
  Bytes saved_, before_;
};

TEST_F(StateCache, ComesBackWhole) {
  Folder folder;
  const std::string path = folder / "state.safetensors";
  ASSERT_EQ(recurra_save_file(state_.get(), path.c_str(), nullptr), RECURRA_OK) << recurra_last_error();
  recurra_state_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(recurra_state_get_info(&info, state_.get()), RECURRA_OK);
  EXPECT_EQ(info.file_bytes, saved_.size());
  EXPECT_EQ(read_whole(path), std::string(saved_.begin(), saved_.end()));
  recurra_peek peek{};
  peek.struct_size = sizeof peek;
  ASSERT_EQ(recurra_peek_file(&peek, nullptr, 0, nullptr, path.c_str()), RECURRA_OK) << recurra_last_error();
  EXPECT_EQ(peek.n_tokens, kTokens);
  ASSERT_EQ(recurra_load_file(target_.get(), path.c_str()), RECURRA_OK) << recurra_last_error();
  feed(state_.get(), tokens_.data() + kTokens, 200);
  feed(target_.get(), tokens_.data() + kTokens, 200);
  EXPECT_EQ(bytes_of(target_.get()), bytes_of(state_.get()));
}

TEST_F(StateCache, HasKeysAndValuesOfEveryLayer) {
  const Parts parts(saved_);
  for (const char* layer : {"attention.0", "attention.1", "attention.2"})
    for (const char* part : {".keys", ".values"}) {
      ASSERT_EQ(parts.shapes.count(std::string(layer) + part), 1u);
      EXPECT_EQ(parts.shapes.at(std::string(layer) + part), shape(kTokens, kWidth));
    }
  EXPECT_EQ(parts.shapes.size(), 7u);                                 // and the hidden vector
  ASSERT_EQ(load(parts.file()), RECURRA_OK) << recurra_last_error();  // in any order
  EXPECT_EQ(bytes_of(target_.get()), saved_);
  EXPECT_EQ(Parts(bytes_of(new_state(model_.get()).get())).shapes.size(), 1u) << "nothing before the first token";
}

TEST_F(StateCache, InF16) {
  recurra_save_options o;
  ASSERT_EQ(recurra_save_options_init(&o, sizeof o), RECURRA_OK);
  const Bytes half = Parts(saved_).file(StateType::f16);
  EXPECT_LT(half.size(), saved_.size() * 6 / 10);
  ASSERT_EQ(load(half), RECURRA_OK) << recurra_last_error();
  const auto got = logits_of(target_.get(), 96), want = logits_of(state_.get(), 96);
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 0.02) << i;  // 11 bits
  feed(target_.get(), tokens_.data() + kTokens, 10);
}

TEST_F(StateCache, WhatDoesNotFitTogether) {
  const std::string keys = "attention.1.keys";
  const auto resized = [&](Parts& p, int64_t tokens, int64_t width) {
    p.shapes[keys] = shape(tokens, width);
    p.values[keys].resize(static_cast<size_t>(tokens * width));
  };
  const struct {
    std::function<void(Parts&)> change;
    recurra_status status;
    std::string words;
  } all[] = {
      {[](Parts& p) { p.header.n_tokens = kTokens + 1; }, RECURRA_E_MISMATCH, "shape [300, 32], expected [301, 32]"},
      {[](Parts& p) { p.header.n_tokens = kTokens - 1; }, RECURRA_E_MISMATCH, "shape [300, 32], expected [299, 32]"},
      {[](Parts& p) { p.header.n_tokens = 0; }, RECURRA_E_MISMATCH, "no such tensor"},
      {[](Parts& p) { p.header.n_tokens = uint64_t{1} << 40; }, RECURRA_E_CORRUPT, "1099511627776 tokens, more than"},
      {[](Parts& p) { p.header.n_tokens = UINT64_MAX; }, RECURRA_E_CORRUPT, "18446744073709551615 tokens, more than"},
      {[&](Parts& p) { resized(p, kTokens - 1, kWidth); }, RECURRA_E_MISMATCH, keys + ": shape [299, 32]"},
      {[&](Parts& p) { resized(p, kTokens / 2, 2 * kWidth); }, RECURRA_E_MISMATCH, keys + ": shape [150, 64]"},
      {[&](Parts& p) { resized(p, 0, kWidth); }, RECURRA_E_MISMATCH, keys + ": shape [0, 32]"},
      {[&](Parts& p) { p.shapes.erase(keys); }, RECURRA_E_MISMATCH, keys + ": is missing"},
      {[](Parts& p) {
         p.shapes["attention.3.keys"] = shape(1);
         p.values["attention.3.keys"] = {1};
       },
       RECURRA_E_MISMATCH, "attention.3.keys: the model's state has no such tensor"},
      {[](Parts& p) { p.header.architecture = "hf.mamba"; }, RECURRA_E_MISMATCH, "hf.mamba"},
      {[](Parts& p) { p.header.model_fingerprint[0] ^= 1; }, RECURRA_E_MISMATCH, "another model"},
  };
  for (const auto& c : all) {
    Parts parts(saved_);
    c.change(parts);
    expect_refused(parts.file(), c.status, c.words);
  }
  ASSERT_EQ(load(saved_), RECURRA_OK) << recurra_last_error();
  EXPECT_EQ(bytes_of(target_.get()), saved_);
}

TEST_F(StateCache, CutAnywhere) {
  for (size_t size = 1; size < saved_.size(); size += size < 4096 ? 61 : 4099)
    expect_refused(Bytes(saved_.begin(), saved_.begin() + static_cast<int64_t>(size)), RECURRA_E_CORRUPT, "memory");
}

TEST_F(StateCache, OfAnotherModel) {
  for (const char* changes : {R"({"rope_parameters": {"rope_theta": 500.0}})", R"({"num_hidden_layers": 2})",
                              R"({"num_key_value_heads": 4})"}) {
    ModelFolder folder;
    draw_folder(folder, "hf_llama", nlohmann::json::parse(changes));
    const ModelPtr other = open_model(folder.path());
    const StatePtr s = new_state(other.get());
    feed(s.get(), tokens_.data(), kTokens);
    expect_refused(bytes_of(s.get()), RECURRA_E_MISMATCH, info_of(other.get()).fingerprint);
  }
}

}  // namespace
}  // namespace recurra::test
