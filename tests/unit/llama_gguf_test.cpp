// GGUF files of Llama that say more than this library computes are refused by the name of what they say.
#include "support/gguf_builder.h"
#include "support/model.h"

namespace recurra::test {
namespace {

constexpr uint64_t kWidth = 8, kHidden = 16, kVocabulary = 20;

struct Extra {
  std::string name;
  std::vector<uint64_t> ne;
};

// The error of opening a Llama of one layer, 2 heads and this one more tensor; or "".
std::string opened_with(const Extra& extra, const std::string& scaling = "") {
  GgufBuilder file;
  file.key_string("general.architecture", "llama");
  file.key_u32("llama.block_count", 1).key_u32("llama.embedding_length", kWidth);
  file.key_u32("llama.attention.head_count", 2).key_u32("llama.feed_forward_length", kHidden);
  if (!scaling.empty()) file.key_string("llama.rope.scaling.type", scaling);
  const auto add = [&](const std::string& name, const std::vector<uint64_t>& ne) {
    uint64_t n = 1;
    for (const uint64_t d : ne) n *= d;
    Bytes values;
    for (uint64_t i = 0; i < n; ++i) values.put(static_cast<float>(i % 7) / 8);
    file.tensor(name, ne, 0, values.data);
  };
  add("token_embd.weight", {kWidth, kVocabulary});
  add("output_norm.weight", {kWidth});
  for (const char* name : {"attn_norm", "ffn_norm"}) add("blk.0." + std::string(name) + ".weight", {kWidth});
  for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"})
    add("blk.0." + std::string(name) + ".weight", {kWidth, kWidth});
  for (const char* name : {"ffn_gate", "ffn_up"}) add("blk.0." + std::string(name) + ".weight", {kWidth, kHidden});
  add("blk.0.ffn_down.weight", {kHidden, kWidth});
  if (!extra.name.empty()) add(extra.name, extra.ne);
  const std::string bytes = file.build();
  recurra_model* model = nullptr;
  const recurra_status status = recurra_model_open_memory(&model, bytes.data(), bytes.size(), nullptr);
  recurra_model_release(model);
  if (status == RECURRA_OK) return "";
  EXPECT_EQ(status, RECURRA_E_UNSUPPORTED) << recurra_last_error();
  return recurra_last_error();
}

TEST(LlamaGguf, WhatItDoesNotComputeIsNamed) {
  EXPECT_EQ(opened_with({}), "");
  EXPECT_EQ(opened_with({}, "none"), "");
  EXPECT_NE(opened_with({}, "yarn").find("llama.rope.scaling.type is 'yarn'"), std::string::npos);
  for (const Extra& e : {Extra{"rope_factors_long.weight", {2}}, Extra{"rope_factors_short.weight", {2}}})
    EXPECT_NE(opened_with(e).find("tensor '" + e.name + "' is not supported"), std::string::npos) << e.name;
}

}  // namespace
}  // namespace recurra::test
