// A tiny RWKV-7 as a GGUF file: 2 layers of width 16, a token per byte and a few more, random weights. Tests break it:
// each tensor and key can be left out or replaced before it is built.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/gguf_builder.h"

namespace recurra::test {

struct TinyModel {
  static constexpr uint64_t kWidth = 16, kHidden = 32, kVocabulary = 260, kRank = 4, kLayers = 2;

  uint64_t seed = 1;
  std::string architecture = "rwkv7", tokenizer = "byte";
  std::map<std::string, uint32_t> numbers = {
      {"rwkv7.block_count", kLayers},
      {"rwkv7.embedding_length", kWidth},
      {"rwkv7.feed_forward_length", kHidden},
      {"rwkv7.wkv.head_size", 8},
  };
  // Called before each tensor is written. Changes its dimensions (innermost first), type or bytes; false leaves it out.
  struct Entry {
    std::string name;
    std::vector<uint64_t> ne;
    uint32_t type = 0;  // F32
    std::string bytes;
  };
  std::function<bool(Entry&)> edit;

  GgufBuilder builder() const {
    GgufBuilder file;
    file.key_string("general.architecture", architecture).key_string("general.name", "tiny");
    for (const auto& [key, value] : numbers) file.key_u32(key, value);
    if (!tokenizer.empty()) file.key_string("tokenizer.ggml.model", tokenizer);
    uint64_t x = seed;
    const auto add = [&](const std::string& name, const std::vector<uint64_t>& ne, float centre, float spread) {
      Entry e{name, ne, 0, {}};
      uint64_t n = 1;
      for (const uint64_t d : ne) n *= d;
      Bytes values;
      for (uint64_t i = 0; i < n; ++i) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        values.put(centre + spread * (static_cast<float>(x >> 40) / 8388608.0f - 1.0f));
      }
      e.bytes = values.data;
      if (!edit || edit(e)) file.tensor(e.name, e.ne, e.type, e.bytes);
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", {kWidth}, 1.0f, 0.1f);
      add(name + ".bias", {kWidth}, 0.0f, 0.1f);
    };
    add("token_embd.weight", {kWidth, kVocabulary}, 0.0f, 1.0f);
    norm("token_embd_norm");
    norm("output_norm");
    add("output.weight", {kWidth, kVocabulary}, 0.0f, 0.5f);
    for (uint64_t layer = 0; layer < kLayers; ++layer) {
      const std::string in = "blk." + std::to_string(layer) + ".";
      norm(in + "attn_norm");
      norm(in + "attn_norm_2");
      for (const std::string name : {"w", "a", "v", "g"}) {
        const std::string low_rank = in + "time_mix_" + name;
        if (name != "g") add(low_rank + "0.weight", {kWidth}, 0.0f, 0.5f);
        add(low_rank + "1.weight", {kWidth, kRank}, 0.0f, 0.3f);
        add(low_rank + "2.weight", {kRank, kWidth}, 0.0f, 0.3f);
      }
      add(in + "time_mix_lerp_fused.weight", {kWidth, 1, 1, 6}, 0.5f, 0.5f);
      for (const char* name : {"k_k", "k_a"}) add(in + "time_mix_" + name + ".weight", {kWidth}, 0.8f, 0.2f);
      add(in + "time_mix_r_k.weight", {kWidth}, 0.0f, 0.3f);
      for (const char* name : {"key", "value", "receptance", "output"})
        add(in + "time_mix_" + name + ".weight", {kWidth, kWidth}, 0.0f, 0.3f);
      norm(in + "time_mix_ln");
      add(in + "channel_mix_lerp_k.weight", {kWidth}, 0.5f, 0.5f);
      add(in + "channel_mix_key.weight", {kWidth, kHidden}, 0.0f, 0.3f);
      add(in + "channel_mix_value.weight", {kHidden, kWidth}, 0.0f, 0.3f);
    }
    return file;
  }
  std::string build() const { return builder().build(); }
};

}  // namespace recurra::test
