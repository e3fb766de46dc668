// Hugging Face options of every architecture beside RWKV-7: what is supported computes what its float64 definition
// does, whole and token by token; what is not is refused by its name.
#include <algorithm>
#include <cmath>

#include "support/drawn_folder.h"
#include "support/model.h"
#include "support/paths.h"

namespace recurra::test {
namespace {

using nlohmann::json;

struct Option {
  const char *kind, *changes;
};

// Configs whose last logits after 70 tokens are in tests/data/options.json, under "KIND CHANGES".
const Option kSupported[] = {
    {"linear_attn", "{}"},
    {"linear_attn", R"({"feature_map": "relu", "norm_q": true, "norm_k": true})"},
    {"linear_attn", R"({"feature_map": "identity", "norm_feature_map": false})"},
    {"linear_attn", R"({"feature_map": "elementwise_product", "norm_feature_map": false})"},
    {"linear_attn", R"({"num_kv_heads": 2, "expand_k": 1.0, "expand_v": 0.5, "hidden_ratio": null})"},
    {"linear_attn", R"({"tie_word_embeddings": true, "norm_eps": 0.01, "fuse_norm": false})"},
    {"linear_attn", R"({"attn": {"layers": [1], "num_heads": 2, "rope_theta": 500.0}})"},
    {"delta_net", "{}"},
    {"delta_net", R"({"qk_activation": "relu", "qk_norm": "sum"})"},
    {"delta_net", R"({"qk_activation": "elu", "use_gate": true})"},
    {"delta_net", R"({"qk_activation": "identity", "use_beta": false, "expand_k": 0.5})"},
    {"delta_net", R"({"use_short_conv": false, "allow_neg_eigval": true, "expand_v": 2.0})"},
    {"delta_net", R"({"use_short_conv": false, "qk_activation": "elu"})"},
    {"delta_net", R"({"conv_size": 2, "tie_word_embeddings": true})"},
    {"delta_net", R"({"conv_size": 1})"},
    {"delta_net", R"({"conv_bias": true})"},
    {"delta_net", R"({"attn": {"layers": [1], "num_heads": 4, "num_kv_heads": 2, "qkv_bias": true, "qk_norm": true,
                      "window_size": 5}})"},
    {"delta_net", R"({"attn": {"layers": [0, 2], "num_heads": 2}})"},
    {"gated_deltanet", "{}"},
    {"gated_deltanet", R"({"num_v_heads": null, "expand_v": 1.0, "allow_neg_eigval": true})"},
    {"gated_deltanet", R"({"use_gate": false, "conv_size": 3})"},
    {"gated_deltanet", R"({"output_gate_activation": "sigmoid", "use_short_conv": false})"},
    {"gated_deltanet", R"({"attn": {"layers": [2], "num_heads": 4, "window_size": 20}})"},
    {"gated_deltanet", R"({"conv_bias": true})"},
    {"transformer", "{}"},
    {"transformer", R"({"qkv_bias": true, "qk_norm": true})"},
    {"transformer", R"({"window_size": 7, "num_kv_heads": null, "rope_theta": 500.0})"},
    {"mamba", "{}"},
    {"mamba", R"({"use_conv_bias": false, "dt_rank": "auto", "conv_kernel": 2})"},
    {"mamba", R"({"tie_word_embeddings": true, "conv_kernel": 1, "expand": 1, "intermediate_size": 64})"},
    {"mamba2", "{}"},
    {"mamba", R"({"use_bias": true})"},
    {"mamba2", R"({"norm_before_gate": true, "D_has_hdim": true})"},
    {"mamba2", R"({"use_bias": true, "rmsnorm": false})"},
    {"mamba2", R"({"dt_limit": [0.05, 0.3], "n_groups": 1, "use_conv_bias": false})"},
    {"hf_mamba", "{}"},
    {"hf_mamba", R"({"time_step_rank": "auto", "tie_word_embeddings": true, "layer_norm_epsilon": 0.01})"},
    {"hf_mamba2", "{}"},
    {"hf_mamba2", R"({"time_step_limit": [0.05, 0.3], "n_groups": 1})"},
    {"hf_llama", "{}"},
    {"hf_llama", R"({"head_dim": 24, "num_key_value_heads": 4, "rms_norm_eps": 0.01})"},
    {"hf_llama", R"({"rope_parameters": {"rope_theta": 500.0}, "tie_word_embeddings": true})"},
    {"hf_llama", R"({"rope_parameters": null, "rope_theta": 500.0, "rope_scaling": null})"},
    {"hf_llama", R"({"attention_bias": true, "mlp_bias": true})"},
    {"hf_llama", R"({"rope_parameters": {"rope_type": "linear", "factor": 2.5}})"},
    {"hf_llama", R"({"rope_parameters": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                     "high_freq_factor": 4.0, "original_max_position_embeddings": 64}})"},
    {"hf_llama",
     R"({"rope_parameters": null, "rope_theta": 500.0, "rope_scaling": {"type": "linear", "factor": 2.5}})"},
    {"hf_qwen3_5", "{}"},
    {"hf_qwen3_5", R"({"attention_bias": true})"},
    {"hf_qwen3_5", R"({"linear_num_value_heads": 2, "rope_parameters": {"partial_rotary_factor": 0.5}})"},
    {"hf_qwen3_5", R"({"layer_types": ["full_attention", "linear_attention", "full_attention"], "head_dim": 32,
                       "tie_word_embeddings": true, "linear_conv_kernel_dim": 2})"},
    {"hf_qwen3_next", "{}"},
    {"hf_qwen3_next", R"({"mlp_only_layers": [], "num_experts": 0, "linear_value_head_dim": 16})"},
    {"hf_qwen3_next", R"({"mlp_only_layers": [], "decoder_sparse_step": 4})"},
    // Whole configs of published models, their sizes aside: the keys of earlier versions and of other programs.
    {"hf_mamba", R"({"d_inner": 128, "d_model": 64, "fused_add_norm": true, "n_layer": 3, "pad_vocab_size_multiple": 8,
                     "rms_norm": true, "ssm_cfg": {}, "torch_dtype": "float32", "dtype": null})"},
    {"hf_mamba2", R"({"_name_or_path": "x", "intermediate_size": 128, "norm_before_gate": true, "rms_norm": true,
                      "time_step_init_scheme": "random", "time_step_scale": 1.0, "torch_dtype": "bfloat16"})"},
    {"hf_mamba", R"({"layer_norm_epsilon": null, "norm_eps": 0.01, "fuse_norm": true, "fuse_cross_entropy": true})"},
    {"hf_mamba2", R"({"layer_norm_epsilon": null, "norm_eps": 0.01, "fuse_norm": true, "rms_norm": true})"},
    {"delta_net", R"({"norm_first": false, "share_conv_kernel": false, "use_rope": false, "fuse_conv_l2": true,
                      "chunk_size": 64, "torch_dtype": "bfloat16", "elementwise_affine": null})"},
    {"transformer", R"({"norm_first": false, "attention_bias": false})"},
    {"hf_llama", R"({"is_llama_config": true, "rope_interleaved": false, "rope_scaling": null, "_name_or_path": "x",
                     "torch_dtype": "bfloat16"})"},
    {"hf_qwen3_5", R"({"attn_output_gate": true, "full_attention_interval": 4, "mamba_ssm_dtype": "float32",
                       "mlp_only_layers": [], "mtp_num_hidden_layers": 1, "mtp_use_dedicated_embeddings": false,
                       "output_gate_type": "swish", "rope_parameters": {"mrope_interleaved": true,
                       "mrope_section": [11, 11, 10]}})"},
    {"hf_qwen3_next", R"({"full_attention_interval": 4, "rope_parameters": null, "rope_scaling": null,
                          "rope_theta": 10000000, "use_sliding_window": false})"},
};

std::string name_of(const Option& o) { return std::string(o.kind) + " " + json::parse(o.changes).dump(); }

constexpr size_t kTokens = 70;  // one block and a rest

std::vector<float> last_logits(const std::string& path, const char* backend, bool step) {
  const ModelPtr model = open_model(path, backend);
  if (!model) return {};
  const int32_t n_vocab = info_of(model.get()).n_vocab;
  const StatePtr state = new_state(model.get());
  const std::vector<int32_t> tokens = some_tokens(kTokens, n_vocab);
  feed(state.get(), tokens.data(), tokens.size(), step);
  return logits_of(state.get(), n_vocab);
}

// Largest difference over the largest logit.
double difference(const std::vector<float>& got, const std::vector<double>& want) {
  if (got.size() != want.size()) return INFINITY;
  double worst = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    if (!std::isfinite(got[i])) return INFINITY;
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - want[i]));
    largest = std::max(largest, std::abs(want[i]));
  }
  return worst / largest;
}

TEST(HuggingFaceOptions, SupportedOnesAreComputedAsDefined) {
  const json all = json::parse(std::ifstream(test_data("options.json")));
  for (const Option& o : kSupported) {
    SCOPED_TRACE(name_of(o));
    ModelFolder folder;
    draw_folder(folder, o.kind, json::parse(o.changes));
    ASSERT_TRUE(all.contains(name_of(o))) << "tests/data/options.py writes it";
    const auto want = all[name_of(o)].get<std::vector<double>>();
    // Rounding to float32 in three layers and 70 tokens.
    EXPECT_LT(difference(last_logits(folder.path(), "reference", false), want), 2e-5);
    EXPECT_LT(difference(last_logits(folder.path(), "cpu", false), want), 5e-5);
    EXPECT_LT(difference(last_logits(folder.path(), "cpu", true), want), 5e-5);
  }
}

// For options.py: writes them all to the folder that RECURRA_WRITE_FOLDERS names.
TEST(HuggingFaceOptions, DISABLED_WriteFolders) {
  const char* to = std::getenv("RECURRA_WRITE_FOLDERS");
  ASSERT_NE(to, nullptr);
  size_t n = 0;
  for (const Option& o : kSupported) {
    ModelFolder folder;
    draw_folder(folder, o.kind, json::parse(o.changes));
    folder.write("name", name_of(o));
    json tokens = some_tokens(kTokens, 96);
    folder.write("tokens.json", tokens.dump());
    std::filesystem::copy(folder.path(), std::filesystem::path(to) / std::to_string(n++));
  }
}

// ---- what is refused ------------------------------------------------------------------------------------------------

const std::string& usual_weights(const std::string& kind) {
  static std::map<std::string, std::string> files;
  if (files.count(kind) == 0) files[kind] = safetensors_of(DrawnWeights(kind, drawn_config(kind)).weights);
  return files[kind];
}

// Opens a folder of a kind's usual weights under a changed config; the error is one line with these words.
void expect_refused(const std::string& kind, const json& changes, recurra_status status, const std::string& words) {
  ModelFolder folder;
  json config = drawn_config(kind);
  config.merge_patch(changes);
  folder.write("config.json", config.dump());
  folder.write("model.safetensors", usual_weights(kind));
  recurra_model* model = nullptr;
  EXPECT_EQ(recurra_model_open(&model, folder.path().c_str(), nullptr), status)
      << kind << " " << changes << ": " << recurra_last_error();
  recurra_model_release(model);
  EXPECT_NE(std::string(recurra_last_error()).find(words), std::string::npos)
      << kind << " " << changes << ": " << recurra_last_error();
}

TEST(HuggingFaceOptions, UnsupportedOnesAreNamed) {
  const struct {
    const char *kind, *changes, *words;
  } all[] = {
      {"linear_attn", R"({"feature_map": "hedgehog"})", "'feature_map' = hedgehog"},
      {"linear_attn", R"({"hidden_act": "gelu"})", "'hidden_act' = gelu"},
      {"linear_attn", R"({"num_kv_heads": 3})", "'num_kv_heads' = 3"},
      {"linear_attn", R"({"expand_k": 0.001})", "'expand_k' = 0.001"},
      {"linear_attn", R"({"elementwise_affine": false})", "'elementwise_affine' = false"},
      {"linear_attn", R"({"attnres_block_size": 4})", "'attnres_block_size' = 4"},
      {"linear_attn", R"({"attn": {"layers": [1], "num_heads": 3}})", "'attn.num_heads' = 3"},
      {"linear_attn", R"({"attn": {"layers": [1], "num_heads": 4, "num_kv_heads": 3}})", "'attn.num_kv_heads' = 3"},
      {"linear_attn", R"({"attn": {"layers": [1], "num_heads": 64}})", "'attn.num_heads' = 64"},
      {"delta_net", R"({"attn": {"layers": [], "num_heads": 4, "new": 1}})", "'attn.new' = 1"},
      {"linear_attn", R"({"attn": {"num_heads": 4}})", "'attn' = "},
      {"linear_attn", R"({"attn": [{"layers": [1]}]})", "'attn' = "},
      {"delta_net", R"({"qk_activation": "gelu"})", "'qk_activation' = gelu"},
      {"delta_net", R"({"qk_norm": "rms"})", "'qk_norm' = rms"},
      {"delta_net", R"({"use_output_norm": false})", "'use_output_norm' = false"},
      {"delta_net", R"({"norm_first": true})", "'norm_first' = true"},
      {"delta_net", R"({"use_rope": true})", "'use_rope' = true"},
      {"delta_net", R"({"share_conv_kernel": true})", "'share_conv_kernel' = true"},
      {"delta_net", R"({"rope_scaling": {"type": "linear", "factor": 2.0}})", "'rope_scaling."},
      {"gated_deltanet", R"({"num_v_heads": 3})", "'num_v_heads' = 3"},
      {"gated_deltanet", R"({"output_gate_activation": "tanh"})", "'output_gate_activation' = tanh"},
      {"transformer", R"({"num_kv_heads": 3})", "'num_kv_heads' = 3"},
      {"transformer", R"({"num_heads": 5})", "'num_heads' = 5"},
      {"transformer", R"({"rope_scaling": {"rope_type": "yarn"}})", "'rope_scaling.rope_type' = yarn"},
      {"transformer", R"({"attention_bias": true})", "'attention_bias' = true"},
      {"mamba", R"({"hidden_act": "relu"})", "'hidden_act' = relu"},
      {"mamba", R"({"vocab_size": 97})", "'vocab_size' = 97"},
      {"mamba2", R"({"num_heads": 5})", "'num_heads' = 5"},
      {"mamba2", R"({"n_groups": 3})", "'n_groups' = 3"},
      {"mamba2", R"({"dt_limit": [1.0, 0.5]})", "'dt_limit' = [1, 0.5]"},
      {"mamba2", R"({"dt_limit": [0.5]})", "'dt_limit' = [0.5]"},
      {"hf_mamba", R"({"rms_norm": false})", "'rms_norm' = false"},
      {"hf_mamba", R"({"d_model": 65})", "'d_model' = 65 is not supported, expected 64, as hidden_size says"},
      {"hf_mamba", R"({"ssm_cfg": {"layer": "Mamba2"}})", "'ssm_cfg.layer' = Mamba2"},
      {"hf_mamba2", R"({"rms_norm": false})", "'rms_norm' = false"},
      {"hf_mamba2", R"({"intermediate_size": 129})", "'intermediate_size' = 129"},
      {"hf_llama", R"({"rope_parameters": {"rope_type": "yarn", "factor": 2.0}})",
       "'rope_parameters.rope_type' = yarn"},
      {"hf_llama", R"({"rope_parameters": null, "rope_scaling": {"type": "dynamic"}})", "'rope_scaling.rope_type'"},
      {"hf_llama", R"({"num_key_value_heads": 3})", "'num_key_value_heads' = 3"},
      {"hf_llama", R"({"head_dim": 15})", "'head_dim' = 15"},
      {"hf_llama", R"({"hidden_act": "gelu"})", "'hidden_act' = gelu"},
      {"hf_llama", R"({"rope_parameters": {"partial_rotary_factor": 0.5}})", "'rope_parameters.partial_rotary_factor'"},
      {"hf_llama", R"({"rope_interleaved": true})", "'rope_interleaved' = true"},
      {"hf_qwen3_5", R"({"layer_types": ["linear_attention", "full_attention"]})", "'layer_types' = "},
      {"hf_qwen3_5", R"({"layer_types": ["linear_attention", "sliding_attention", "full_attention"]})",
       "'layer_types' = "},
      {"hf_qwen3_5", R"({"linear_num_value_heads": 3})", "'linear_num_value_heads' = 3"},
      {"hf_qwen3_5", R"({"num_key_value_heads": 3})", "'num_key_value_heads' = 3"},
      {"hf_qwen3_5", R"({"attn_output_gate": false})", "'attn_output_gate' = false"},
      {"hf_qwen3_5", R"({"output_gate_type": "sigmoid"})", "'output_gate_type' = sigmoid"},
      {"hf_qwen3_5", R"({"hidden_act": "relu"})", "'hidden_act' = relu"},
      {"hf_qwen3_5", R"({"rope_parameters": {"rope_type": "yarn"}})", "'rope_parameters.rope_type' = yarn"},
      {"hf_qwen3_5", R"({"rope_parameters": {"partial_rotary_factor": 0.2}})", "partial_rotary_factor"},
      {"hf_qwen3_5", R"({"num_experts": 8})", "'num_experts' = 8"},
      {"hf_qwen3_next", R"({"mlp_only_layers": []})", "'num_experts' = 512"},
      {"hf_qwen3_next", R"({"mlp_only_layers": [0, 1]})", "'num_experts' = 512"},
      {"hf_qwen3_next", R"({"mlp_only_layers": [], "decoder_sparse_step": 3})", "'num_experts' = 512"},
      {"hf_qwen3_next", R"({"use_sliding_window": true})", "'use_sliding_window' = true"},
  };
  for (const auto& o : all) expect_refused(o.kind, json::parse(o.changes), RECURRA_E_UNSUPPORTED, o.words);
  for (const std::string& kind : drawn_kinds()) {
    expect_refused(kind, {{"something_new", 0.5}}, RECURRA_E_UNSUPPORTED, "'something_new' = 0.5");
    expect_refused(kind, {{"quantization_config", {{"bits", 4}}}}, RECURRA_E_UNSUPPORTED,
                   "'quantization_config.bits' = 4");
    expect_refused(kind, {{"is_encoder_decoder", true}}, RECURRA_E_UNSUPPORTED, "'is_encoder_decoder' = true");
  }
}

TEST(HuggingFaceOptions, WrongOnesAreNamed) {
  for (const std::string& kind : drawn_kinds()) {
    expect_refused(kind, {{"hidden_size", "64"}}, RECURRA_E_FORMAT, "\"hidden_size\" is a string");
    if (kind.rfind("hf_qwen", 0) != 0)  // there layer_types has a length of its own
      expect_refused(kind, {{"num_hidden_layers", 4}}, RECURRA_E_FORMAT, "layers.3.");
    expect_refused(kind, {{"num_hidden_layers", 0}}, RECURRA_E_FORMAT, "\"num_hidden_layers\" is 0");
    expect_refused(kind, {{"tie_word_embeddings", 1}}, RECURRA_E_FORMAT, "\"tie_word_embeddings\" is an integer");
  }
  expect_refused("delta_net", {{"num_heads", nullptr}}, RECURRA_E_FORMAT, "\"num_heads\" is missing");
  expect_refused("delta_net", {{"conv_size", 65}}, RECURRA_E_FORMAT, "\"conv_size\" is 65, expected 1 to 64");
  expect_refused("delta_net", {{"norm_eps", 2}}, RECURRA_E_FORMAT, "\"norm_eps\" is 2, expected 0 to 1");
  expect_refused("transformer", {{"window_size", -1}}, RECURRA_E_FORMAT, "\"window_size\" is -1");
  expect_refused("mamba", {{"dt_rank", "some"}}, RECURRA_E_FORMAT, "\"dt_rank\" is a string");
  expect_refused("hf_llama", {{"rope_parameters", {{"rope_type", "llama3"}, {"factor", 8.0}}}}, RECURRA_E_FORMAT,
                 "\"rope_parameters.low_freq_factor\" is missing");
  expect_refused("hf_qwen3_5", {{"rope_parameters", {{"partial_rotary_factor", 1.5}}}}, RECURRA_E_FORMAT,
                 "partial_rotary_factor\" is 1.5");
}

// A hybrid's attention layers that the model has not got.
TEST(HuggingFaceOptions, AttentionInLayersThatAreNotThere) {
  for (const char* layers : {"[3]", "[1, -1]"})
    expect_refused("delta_net", json::parse(R"({"attn": {"num_heads": 4, "layers": )" + std::string(layers) + "}}"),
                   RECURRA_E_UNSUPPORTED, "'attn.layers' = ");
}

// Every tensor of a layer of each sort in its turn: absent, and of as many values in another shape.
TEST(HuggingFaceOptions, TensorsThatAreAbsentOrOfAnotherShape) {
  for (const std::string& kind : drawn_kinds()) {
    const json config = drawn_config(kind);
    const Weights whole = DrawnWeights(kind, config).weights;
    for (const auto& [name, weight] : whole) {
      const bool seen_in_layer_0 = kind.rfind("hf_qwen", 0) != 0 && name.find("layers.2.") != std::string::npos;
      if (seen_in_layer_0 || name.find("layers.1.") != std::string::npos) continue;
      ModelFolder folder;
      folder.write("config.json", config.dump());
      const auto expect_named = [&](const Weights& broken, const char* how) {
        folder.write("model.safetensors", safetensors_of(broken));
        recurra_model* model = nullptr;
        EXPECT_EQ(recurra_model_open(&model, folder.path().c_str(), nullptr), RECURRA_E_FORMAT)
            << kind << " " << name << how;
        recurra_model_release(model);
        EXPECT_NE(std::string(recurra_last_error()).find(name), std::string::npos)
            << name << how << ": " << recurra_last_error();
      };
      Weights broken = whole;
      broken.erase(name);
      expect_named(broken, " absent");
      broken = whole;
      broken[name].dims = {2, static_cast<int64_t>(weight.values.size()) / 2};
      // Mamba's vocabulary is what its embedding has.
      if (name != "backbone.embeddings.weight") expect_named(broken, " in another shape");
    }
  }
}

// Qwen 3.5 as it is published: the language model's config one level down, its tensors under another prefix, beside
// the parts for pictures.
TEST(HuggingFaceOptions, LanguageModelOfAMultimodalFolder) {
  const json text = drawn_config("hf_qwen3_5");
  const json whole = {
      {"architectures", {"Qwen3_5ForConditionalGeneration"}},
      {"model_type", "qwen3_5"},
      {"text_config", text},
      {"image_token_id", 90},
      {"video_token_id", 91},
      {"vision_start_token_id", 92},
      {"vision_end_token_id", 93},
      {"language_model_only", false},
      {"tie_word_embeddings", false},
      {"transformers_version", "4.57.0.dev0"},
      {"vision_config", {{"depth", 12}, {"hidden_act", "gelu_pytorch_tanh"}, {"model_type", "qwen3_5"}}}};
  ModelFolder flat, nested;
  draw_folder(flat, "hf_qwen3_5");
  Weights weights;
  for (const auto& [name, w] : DrawnWeights("hf_qwen3_5", text).weights)
    weights[name.rfind("model.", 0) == 0 ? "model.language_model." + name.substr(6) : name] = w;
  weights["model.visual.blocks.0.attn.proj.weight"] = {{2}, {1, 2}};
  weights["mtp.fc.weight"] = {{2}, {1, 2}};
  nested.write("config.json", whole.dump());
  nested.write("model.safetensors", safetensors_of(weights));
  EXPECT_EQ(last_logits(nested.path(), "cpu", false), last_logits(flat.path(), "cpu", false));
}

}  // namespace
}  // namespace recurra::test
