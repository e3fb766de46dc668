// One small model of every mixer, for the promises that hold for all of them: files of tests/data, and drawn Hugging
// Face folders.
#pragma once

#include <memory>

#include "support/drawn_folder.h"
#include "support/paths.h"

namespace recurra::test {

struct Subject {
  const char *name, *model, *changes;  // a file's name and null, or a kind of drawn_folder.h and changes to its config
  bool grows;                          // softmax attention: the state has a cache of keys and values
};

inline const std::vector<Subject>& subjects() {
  static const std::vector<Subject> all = {
      {"rwkv7", "rwkv7-hs32-f16.gguf", nullptr, false},
      {"mamba", "mamba-f16.gguf", nullptr, false},
      {"mamba2", "mamba2-g2-f16.gguf", nullptr, false},
      {"llama", "llama-f16.gguf", nullptr, true},
      {"qwen35", "qwen35-f16.gguf", nullptr, true},
      {"linear_attn", "linear_attn", R"({"num_kv_heads": 2})", false},
      {"linear_attn_product", "linear_attn",
       R"({"feature_map": "elementwise_product", "norm_feature_map": false, "num_hidden_layers": 1})", false},
      {"delta_net", "delta_net", R"({"use_gate": true, "allow_neg_eigval": true})", false},
      {"gated_deltanet", "gated_deltanet", "{}", false},
      {"qwen3_next", "hf_qwen3_next", "{}", true},
      {"window", "transformer", R"({"window_size": 100, "qk_norm": true, "qkv_bias": true})", true},
      {"hybrid", "delta_net", R"({"attn": {"layers": [1], "num_heads": 4, "num_kv_heads": 2}})", true},
  };
  return all;
}

// Those of them that stand for all where a sanitizer makes everything slow and threads are what matters.
inline std::vector<Subject> subjects_here() {
#if defined(__SANITIZE_THREAD__)
  return {subjects()[0], subjects()[4]};  // rwkv7, qwen35
#else
  return subjects();
#endif
}

// Where it lies; a folder is drawn when it is first asked for, and gone at the end of the program.
inline std::string path_of(const Subject& s) {
  if (s.changes == nullptr) return test_data(s.model);
  static std::map<std::string, std::unique_ptr<ModelFolder>> folders;
  std::unique_ptr<ModelFolder>& folder = folders[s.name];
  if (!folder) {
    folder = std::make_unique<ModelFolder>();
    draw_folder(*folder, s.model, nlohmann::json::parse(s.changes));
  }
  return folder->path();
}

}  // namespace recurra::test
