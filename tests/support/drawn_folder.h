// Small Hugging Face folders of every architecture beside RWKV-7: a config.json as its library's save_pretrained writes
// it, changed at will, and drawn weights of the names and shapes that go with it.
#pragma once

#include <nlohmann/json.hpp>
#include <set>

#include "core/random.h"
#include "support/huggingface_folder.h"

namespace recurra::test {

inline const std::vector<std::string>& drawn_kinds() {
  static const std::vector<std::string> all = {"linear_attn", "delta_net",  "gated_deltanet", "transformer",
                                               "mamba",       "mamba2",     "hf_mamba",       "hf_mamba2",
                                               "hf_llama",    "hf_qwen3_5", "hf_qwen3_next"};
  return all;
}

// What fla 0.6 and transformers 5.17 write, with small numbers and the options that cost something switched on.
inline nlohmann::json drawn_config(const std::string& kind) {
  using nlohmann::json;
  const json fla = json::parse(R"({
    "attn": null, "attn_mode": "chunk", "attnres_block_size": null, "bos_token_id": 1, "dtype": "float32",
    "elementwise_affine": true, "eos_token_id": 2, "fuse_cross_entropy": true, "fuse_linear_cross_entropy": false,
    "fuse_norm": true, "fuse_swiglu": true, "hidden_act": "swish", "hidden_ratio": 4, "hidden_size": 64,
    "initializer_range": 0.02, "intermediate_size": 96, "max_position_embeddings": 2048, "norm_eps": 1e-06,
    "num_heads": 4, "num_hidden_layers": 3, "pad_token_id": null, "tie_word_embeddings": false,
    "transformers_version": "5.17.0", "use_cache": true, "use_l2warp": false, "vocab_size": 96})");
  const json mamba = json::parse(R"({
    "bos_token_id": 0, "conv_kernel": 4, "dtype": "float32", "eos_token_id": 0, "expand": 2, "hidden_act": "silu",
    "hidden_size": 64, "initializer_range": 0.1, "num_hidden_layers": 3, "pad_token_id": 0,
    "rescale_prenorm_residual": false, "residual_in_fp32": true, "state_size": 8, "tie_word_embeddings": false,
    "transformers_version": "5.17.0", "use_bias": false, "use_cache": true, "use_conv_bias": true, "vocab_size": 96})");
  const json fla_mamba = json::parse(R"({
    "dt_init_floor": 0.0001, "dt_max": 0.1, "dt_min": 0.001, "fuse_cross_entropy": true,
    "fuse_linear_cross_entropy": false, "fuse_norm": true, "norm_eps": 1e-05, "use_l2warp": false})");
  const json hf_mamba = json::parse(R"({
    "layer_norm_epsilon": 1e-05, "time_step_floor": 0.0001, "time_step_max": 0.1, "time_step_min": 0.001,
    "time_step_rank": 4})");
  const json transformers = json::parse(R"({
    "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": null, "dtype": "float32", "eos_token_id": null,
    "head_dim": 16, "hidden_act": "silu", "hidden_size": 64, "initializer_range": 0.02, "intermediate_size": 96,
    "max_position_embeddings": 512, "num_attention_heads": 4, "num_hidden_layers": 3, "num_key_value_heads": 2,
    "pad_token_id": null, "rms_norm_eps": 1e-06, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
    "tie_word_embeddings": false, "transformers_version": "5.17.0", "use_cache": true, "vocab_size": 96})");
  const json qwen = json::parse(R"({
    "layer_types": ["linear_attention", "linear_attention", "full_attention"], "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_value_head_dim": 20,
    "partial_rotary_factor": 0.25,
    "rope_parameters": {"partial_rotary_factor": 0.25, "rope_theta": 10000.0, "rope_type": "default"}})");
  json c;
  std::string more;
  std::vector<json> parts;
  if (kind == "linear_attn") {
    parts = {fla};
    more = R"({"model_type": "linear_attn", "architectures": ["LinearAttentionForCausalLM"], "expand_k": 0.5,
      "expand_v": 1.0, "feature_map": "elu", "norm_feature_map": true, "norm_k": false, "norm_q": false,
      "num_kv_heads": null, "tie_feature_map_qk": false})";
  } else if (kind == "delta_net") {
    parts = {fla};
    more = R"({"model_type": "delta_net", "architectures": ["DeltaNetForCausalLM"], "allow_neg_eigval": false,
      "conv_size": 4, "expand_k": 1.0, "expand_v": 1.0, "qk_activation": "silu", "qk_norm": "l2", "use_beta": true,
      "use_gate": false, "use_output_norm": true, "use_short_conv": true})";
  } else if (kind == "gated_deltanet") {
    parts = {fla};
    more = R"({"model_type": "gated_deltanet", "architectures": ["GatedDeltaNetForCausalLM"],
      "allow_neg_eigval": false, "conv_size": 4, "expand_v": 2.0, "head_dim": 16, "num_heads": 2, "num_v_heads": 4,
      "output_gate_activation": "swish", "use_gate": true, "use_short_conv": true})";
  } else if (kind == "transformer") {
    parts = {fla};
    more = R"({"model_type": "transformer", "architectures": ["TransformerForCausalLM"], "num_kv_heads": 2,
      "qk_norm": false, "qkv_bias": false, "rope_theta": 10000.0, "window_size": null})";
  } else if (kind == "mamba") {
    parts = {mamba, fla_mamba};
    more = R"({"model_type": "mamba", "architectures": ["MambaForCausalLM"], "dt_init_scheme": "random", "dt_rank": 4,
      "dt_scale": 1.0, "intermediate_size": 128})";
  } else if (kind == "mamba2") {
    parts = {mamba, fla_mamba};
    more = R"({"model_type": "mamba2", "architectures": ["Mamba2ForCausalLM"], "A_init_range": [1, 16],
      "D_has_hdim": false, "chunk_size": 32, "conv_init": null, "dt_limit": [0.0, {"__float__": "Infinity"}],
      "head_dim": 32, "n_groups": 2, "norm_before_gate": false, "num_heads": 4, "rmsnorm": true})";
  } else if (kind == "hf_mamba") {
    parts = {mamba, hf_mamba};
    more = R"({"model_type": "mamba", "architectures": ["MambaForCausalLM"], "intermediate_size": 128,
      "time_step_init_scheme": "random", "time_step_scale": 1.0, "use_associative_scan": true, "use_mambapy": false})";
  } else if (kind == "hf_mamba2") {
    parts = {mamba, hf_mamba};
    more = R"({"model_type": "mamba2", "architectures": ["Mamba2ForCausalLM"], "chunk_size": 32, "head_dim": 32,
      "n_groups": 2, "num_heads": 4, "time_step_limit": [0.0, {"__float__": "Infinity"}]})";
  } else if (kind == "hf_llama") {
    parts = {transformers};
    more = R"({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "mlp_bias": false, "pretraining_tp": 1})";
  } else if (kind == "hf_qwen3_5") {
    parts = {transformers, qwen};
    more = R"({"model_type": "qwen3_5_text", "architectures": ["Qwen3_5ForCausalLM"]})";
  } else if (kind == "hf_qwen3_next") {
    parts = {transformers, qwen};
    more = R"({"model_type": "qwen3_next", "architectures": ["Qwen3NextForCausalLM"], "decoder_sparse_step": 1,
      "mlp_only_layers": [0, 1, 2], "moe_intermediate_size": 512, "norm_topk_prob": true, "num_experts": 512,
      "num_experts_per_tok": 10, "output_router_logits": false, "router_aux_loss_coef": 0.001,
      "shared_expert_intermediate_size": 512})";
  } else {
    throw std::runtime_error("no kind " + kind);
  }
  parts.push_back(json::parse(more));
  for (const json& part : parts) c.update(part);
  return c;
}

// Weights for a config; options that are absent have the libraries' defaults.
class DrawnWeights {
 public:
  DrawnWeights(const std::string& kind, const nlohmann::json& config, uint64_t seed = 1)
      : c_(config), random_(seed), width_(number("hidden_size")), vocabulary_(number("vocab_size")) {
    const bool transformers = kind == "hf_llama" || kind.rfind("hf_qwen", 0) == 0;
    const bool mamba = kind.find("mamba") != std::string::npos;
    const std::string root = mamba ? "backbone." : "model.";
    matrix(root + (transformers ? "embed_tokens" : "embeddings"), vocabulary_, width_, 1);
    if (!flag("tie_word_embeddings")) matrix("lm_head", vocabulary_, width_, 2 / std::sqrt(static_cast<float>(width_)));
    const bool one_plus = kind.rfind("hf_qwen", 0) == 0;
    norm(root + (mamba ? "norm_f" : "norm"), width_, one_plus);
    for (int64_t i = 0; i < number("num_hidden_layers"); ++i) {
      const std::string p = root + "layers." + std::to_string(i) + ".";
      if (mamba) {
        norm(p + "norm", width_);
        if (kind.find("mamba2") != std::string::npos)
          mamba2(p + "mixer.");
        else
          mamba1(p + "mixer.");
        continue;
      }
      norm(p + (transformers ? "input_layernorm" : "attn_norm"), width_, one_plus);
      norm(p + (transformers ? "post_attention_layernorm" : "mlp_norm"), width_, one_plus);
      const int64_t hidden = number("intermediate_size");
      matrix(p + "mlp.gate_proj", hidden, width_);
      matrix(p + "mlp.up_proj", hidden, width_);
      matrix(p + "mlp.down_proj", width_, hidden);
      if (flag("mlp_bias")) {
        bias(p + "mlp.gate_proj", hidden);
        bias(p + "mlp.up_proj", hidden);
        bias(p + "mlp.down_proj", width_);
      }
      if (kind == "hf_llama")
        attention(p + "self_attn.", number("num_attention_heads"), number("num_key_value_heads"), number("head_dim"));
      else if (one_plus)
        qwen(p, i, kind == "hf_qwen3_next");
      else
        fla(kind, p + "attn.", i);
    }
  }
  Weights weights;

 private:
  int64_t number(const std::string& key, int64_t fallback = 0) const {
    return c_.contains(key) && !c_[key].is_null() ? c_[key].get<int64_t>() : fallback;
  }
  bool flag(const std::string& key) const { return c_.contains(key) && c_[key].is_boolean() && c_[key].get<bool>(); }
  std::string text(const std::string& key) const { return c_.value(key, std::string()); }
  int64_t expanded(const std::string& key, int64_t of) const {
    return static_cast<int64_t>(static_cast<double>(of) * c_[key].get<double>());
  }

  void draw(const std::string& name, std::vector<int64_t> dims, float scale, float mean = 0) {
    int64_t n = 1;
    for (const int64_t d : dims) n *= d;
    Weight w{std::move(dims), {}};
    // Four uniform numbers add up to variance 1/3: close to normal, and the same on every machine.
    const auto next = [&] { return random_.uniform() + random_.uniform() + random_.uniform() + random_.uniform() - 2; };
    for (int64_t i = 0; i < n; ++i) w.values.push_back(mean + scale * static_cast<float>(1.7320508075688772 * next()));
    weights[name] = std::move(w);
  }
  void matrix(const std::string& name, int64_t out, int64_t in, float scale = 0) {
    draw(name + ".weight", {out, in}, scale != 0 ? scale : 1 / std::sqrt(static_cast<float>(in)));
  }
  void bias(const std::string& name, int64_t n) { draw(name + ".bias", {n}, 0.3f); }
  void norm(const std::string& name, int64_t n, bool one_plus = false) {
    draw(name + ".weight", {n}, 0.2f, one_plus ? 0 : 1);
  }
  void convolution(const std::string& name, int64_t channels, int64_t taps) {
    draw(name + ".weight", {channels, 1, taps}, 0.5f);
  }
  // The rates of a decay: exp(A_log) about 1, and steps about softplus(-2).
  void decay(const std::string& p, int64_t heads) {
    draw(p + "A_log", {heads}, 0.5f);
    draw(p + "dt_bias", {heads}, 0.5f, -2);
  }

  void attention(const std::string& p, int64_t heads, int64_t kv_heads, int64_t head, bool qkv_bias = false,
                 bool qk_norm = false) {
    matrix(p + "q_proj", heads * head, width_);
    matrix(p + "k_proj", kv_heads * head, width_);
    matrix(p + "v_proj", kv_heads * head, width_);
    matrix(p + "o_proj", width_, heads * head);
    if (qkv_bias || flag("attention_bias")) {
      bias(p + "q_proj", heads * head);
      bias(p + "k_proj", kv_heads * head);
      bias(p + "v_proj", kv_heads * head);
    }
    if (flag("attention_bias")) bias(p + "o_proj", width_);
    if (qk_norm)
      for (const char* name : {"q_norm", "k_norm"}) norm(p + name, head);
  }

  void fla(const std::string& kind, const std::string& p, int64_t layer) {
    const auto attn = c_.value("attn", nlohmann::json());
    if (attn.is_object() && std::set<int64_t>(attn["layers"].begin(), attn["layers"].end()).count(layer) != 0) {
      const int64_t heads = attn["num_heads"];
      return attention(p, heads, attn.value("num_kv_heads", heads), width_ / heads, attn.value("qkv_bias", false),
                       attn.value("qk_norm", false));
    }
    const int64_t heads = number("num_heads"), kv_heads = number("num_kv_heads", heads), taps = number("conv_size", 4);
    if (kind == "transformer") return attention(p, heads, kv_heads, width_ / heads, flag("qkv_bias"), flag("qk_norm"));
    int64_t keys = 0, values = 0, head = 0, value_heads = heads;
    if (kind == "gated_deltanet") {
      head = number("head_dim");
      value_heads = number("num_v_heads", heads);
      keys = heads * head;
      values = value_heads * expanded("expand_v", head);
    } else {
      keys = expanded("expand_k", width_);
      values = expanded("expand_v", width_);
      head = keys / heads;
    }
    const int64_t groups = kind == "linear_attn" ? heads / kv_heads : 1;
    matrix(p + "q_proj", keys, width_);
    matrix(p + "k_proj", keys / groups, width_);
    matrix(p + "v_proj", values / groups, width_);
    matrix(p + "o_proj", width_, values);
    norm(p + (kind == "linear_attn" ? "norm" : "o_norm"), values / value_heads);
    if (kind == "linear_attn") {
      if (text("feature_map") != "elementwise_product") return;
      for (const char* map : {"feature_map_q", "feature_map_k"})
        for (const char* layer_of_map : {".layer1", ".layer2"}) {
          if (flag("tie_feature_map_qk") && std::string(map) == "feature_map_k") continue;
          matrix(p + map + layer_of_map, head, head);
          draw(p + map + layer_of_map + ".bias", {head}, 0.3f, 1);
        }
      return;
    }
    if (kind == "gated_deltanet") {
      matrix(p + "a_proj", value_heads, width_);
      decay(p, value_heads);
    }
    if (kind == "gated_deltanet" || flag("use_beta")) matrix(p + "b_proj", value_heads, width_);
    if (flag("use_gate")) matrix(p + "g_proj", values, width_);
    if (!flag("use_short_conv")) return;
    convolution(p + "q_conv1d", keys, taps);
    convolution(p + "k_conv1d", keys, taps);
    convolution(p + "v_conv1d", values, taps);
    if (!flag("conv_bias")) return;
    bias(p + "q_conv1d", keys);
    bias(p + "k_conv1d", keys);
    bias(p + "v_conv1d", values);
  }

  void mamba1(const std::string& p) {
    const int64_t inner = number("expand", 2) * width_, states = number("state_size"), taps = number("conv_kernel");
    const std::string key = c_.contains("dt_rank") ? "dt_rank" : "time_step_rank";
    const int64_t rank = c_.contains(key) && c_[key].is_number() ? number(key) : (width_ + 15) / 16;
    matrix(p + "in_proj", 2 * inner, width_);
    matrix(p + "x_proj", rank + 2 * states, inner);
    matrix(p + "dt_proj", inner, rank);
    draw(p + "dt_proj.bias", {inner}, 0.5f, -2);
    matrix(p + "out_proj", width_, inner);
    convolution(p + "conv1d", inner, taps);
    if (flag("use_conv_bias")) bias(p + "conv1d", inner);
    if (flag("use_bias")) {
      bias(p + "in_proj", 2 * inner);
      bias(p + "out_proj", width_);
    }
    draw(p + "A_log", {inner, states}, 0.5f);
    draw(p + "D", {inner}, 0.5f, 1);
  }

  void mamba2(const std::string& p) {
    const int64_t inner = number("expand", 2) * width_, heads = number("num_heads"), taps = number("conv_kernel");
    const int64_t channels = inner + 2 * number("n_groups", 1) * number("state_size");
    matrix(p + "in_proj", inner + channels + heads, width_);
    matrix(p + "out_proj", width_, inner);
    convolution(p + "conv1d", channels, taps);
    if (flag("use_conv_bias")) bias(p + "conv1d", channels);
    if (flag("use_bias")) {
      bias(p + "in_proj", inner + channels + heads);
      bias(p + "out_proj", width_);
    }
    decay(p, heads);
    draw(p + "D", {flag("D_has_hdim") ? inner : heads}, 0.5f, 1);
    if (!c_.contains("rmsnorm") || flag("rmsnorm")) norm(p + "norm", inner);
  }

  void qwen(const std::string& p, int64_t layer, bool next) {
    const bool softmax = c_.contains("layer_types")
                             ? c_["layer_types"].at(static_cast<size_t>(layer)) == "full_attention"
                             : (layer + 1) % number("full_attention_interval", 4) == 0;
    if (softmax) {
      const int64_t heads = number("num_attention_heads"), head = number("head_dim");
      attention(p + "self_attn.", heads, number("num_key_value_heads"), head);
      matrix(p + "self_attn.q_proj", 2 * heads * head, width_);
      if (flag("attention_bias")) bias(p + "self_attn.q_proj", 2 * heads * head);
      for (const char* name : {"q_norm", "k_norm"}) norm(p + "self_attn." + name, head, true);
      return;
    }
    const std::string a = p + "linear_attn.";
    const int64_t value_heads = number("linear_num_value_heads"),
                  values = value_heads * number("linear_value_head_dim"),
                  keys = number("linear_num_key_heads") * number("linear_key_head_dim");
    if (next) {
      matrix(a + "in_proj_qkvz", 2 * keys + 2 * values, width_);
      matrix(a + "in_proj_ba", 2 * value_heads, width_);
    } else {
      matrix(a + "in_proj_qkv", 2 * keys + values, width_);
      matrix(a + "in_proj_z", values, width_);
      matrix(a + "in_proj_a", value_heads, width_);
      matrix(a + "in_proj_b", value_heads, width_);
    }
    convolution(a + "conv1d", 2 * keys + values, number("linear_conv_kernel_dim"));
    decay(a, value_heads);
    norm(a + "norm", number("linear_value_head_dim"));
    matrix(a + "out_proj", width_, values);
  }

  nlohmann::json c_;
  Random random_;
  int64_t width_, vocabulary_;
};

// Writes the folder of a kind. `changes` are merged into its config, where null takes a key away; the weights fit the
// result.
inline void draw_folder(const ModelFolder& folder, const std::string& kind,
                        const nlohmann::json& changes = nlohmann::json::object()) {
  nlohmann::json config = drawn_config(kind);
  config.merge_patch(changes);
  folder.write("config.json", config.dump(2));
  folder.write("model.safetensors", safetensors_of(DrawnWeights(kind, config).weights));
}

}  // namespace recurra::test
