#include "format/huggingface_config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "format/json_text.h"

namespace recurra {
namespace {

using nlohmann::json;

// ---- which model it is -------------------------------------------------------------------------------------------

struct Kind {
  const char *model_type, *architecture;
};
constexpr Kind kKinds[] = {
    {"rwkv7", "fla.rwkv7"},
    {"linear_attn", "fla.linear_attn"},
    {"delta_net", "fla.delta_net"},
    {"gated_deltanet", "fla.gated_deltanet"},
    {"mamba", "fla.mamba"},
    {"mamba2", "fla.mamba2"},
    {"transformer", "fla.transformer"},
    {"mamba", "hf.mamba"},
    {"mamba2", "hf.mamba2"},
    {"llama", "hf.llama"},
    {"qwen3_5", "hf.qwen3_5"},
    {"qwen3_5_text", "hf.qwen3_5"},
    {"qwen3_next", "hf.qwen3_next"},
};

// Where both libraries have the model_type, their other keys tell them apart. Until 0.5 fla's Mamba was a copy of
// transformers', with its keys (and norm_eps, fuse_norm): such a model is computed as transformers does.
bool is_fla(const json& config, const std::string& name) {
  constexpr const char *fla[] = {"dt_rank", "dt_limit"},
                       *transformers[] = {"layer_norm_epsilon", "time_step_rank", "time_step_limit"};
  const char *first = nullptr, *second = nullptr;
  for (const char* key : fla) {
    if (config.contains(key)) first = key;
  }
  for (const char* key : transformers) {
    if (config.contains(key)) second = key;
  }
  if (first != nullptr && second != nullptr) {
    fail(Code::format,
         "%s: has \"%s\" of flash-linear-attention and \"%s\" of transformers: whose model it is can't be told",
         name.c_str(), first, second);
  }
  return second == nullptr && (first != nullptr || config.contains("norm_eps") || config.contains("fuse_norm"));
}

bool ends_with(const std::string& s, const std::string& end) {
  return s.size() >= end.size() && s.compare(s.size() - end.size(), end.size(), end) == 0;
}

// Only models with a head over the vocabulary compute logits.
void check_class(const json& config, const std::string& architecture, const std::string& name) {
  const auto found = config.find("architectures");
  if (found == config.end() || !found->is_array() || found->empty() || !found->front().is_string()) return;
  const std::string model = found->front();
  if (ends_with(model, "ForCausalLM")) return;
  // Multimodal; its language model is used alone.
  if (architecture == "hf.qwen3_5" && ends_with(model, "ForConditionalGeneration")) return;
  fail(Code::unsupported, "%s: \"architectures\" is \"%s\", expected a model that ends in \"ForCausalLM\"",
       name.c_str(), printable(model).c_str());
}

// ---- keys that change nothing ------------------------------------------------------------------------------------

struct Idle {
  const char* key;
  const char* only = nullptr;  // it changes nothing while it has this value
};
constexpr Idle kIdle[] = {
    // Book-keeping of transformers. model_type and architectures were looked at above, and are part of
    // general.architecture.
    {"_attn_implementation_autoset"},
    {"_commit_hash"},
    {"_name_or_path"},
    {"architectures"},
    {"auto_map"},
    {"model_type"},
    {"name_or_path"},
    {"transformers_version"},
    {"unsloth_fixed"},
    {"unsloth_version"},
    // The type that weights are kept in: each tensor says its own. All that isn't a weight is float32 here.
    {"dtype"},
    {"mamba_ssm_dtype"},
    {"residual_in_fp32"},
    {"torch_dtype"},
    {"use_bfloat16"},
    // Tokens and text; generation has its own options here. Old versions wrote all of them into every config.
    {"bad_words_ids"},
    {"begin_suppress_tokens"},
    {"bos_token_id"},
    {"decoder_start_token_id"},
    {"diversity_penalty"},
    {"do_sample"},
    {"early_stopping"},
    {"encoder_no_repeat_ngram_size"},
    {"eos_token_id"},
    {"exponential_decay_length_penalty"},
    {"forced_bos_token_id"},
    {"forced_eos_token_id"},
    {"length_penalty"},
    {"max_length"},
    {"min_length"},
    {"no_repeat_ngram_size"},
    {"num_beam_groups"},
    {"num_beams"},
    {"num_return_sequences"},
    {"pad_token_id"},
    {"prefix"},
    {"remove_invalid_values"},
    {"repetition_penalty"},
    {"sep_token_id"},
    {"suppress_tokens"},
    {"temperature"},
    {"tokenizer_class"},
    {"top_k"},
    {"top_p"},
    {"typical_p"},
    // What the Python call returns besides logits.
    {"output_attentions"},
    {"output_hidden_states"},
    {"output_router_logits"},
    {"output_scores"},
    {"return_dict"},
    {"return_dict_in_generate"},
    {"torchscript"},
    // Other tasks and shapes than a language model's, as long as they are off.
    {"add_cross_attention", "false"},
    {"finetuning_task"},
    {"id2label"},
    {"is_decoder"},
    {"is_encoder_decoder", "false"},
    {"label2id"},
    {"num_labels"},
    {"problem_type"},
    {"pruned_heads"},
    {"task_specific_params"},
    {"tf_legacy_loss"},
    {"tie_encoder_decoder", "false"},
    // How weights were drawn before training.
    {"A_init_range"},
    {"conv_init"},
    {"dt_init_floor"},
    {"dt_init_scheme"},
    {"dt_max"},
    {"dt_min"},
    {"dt_scale"},
    {"initializer_range"},
    {"pad_vocab_size_multiple"},  // vocab_size has the padding in it
    {"rescale_prenorm_residual"},
    {"time_step_floor"},
    {"time_step_init_scheme"},
    {"time_step_max"},
    {"time_step_min"},
    {"time_step_scale"},
    // Training: dropout, losses and how they are computed.
    {"attention_dropout"},
    {"fuse_cross_entropy"},
    {"fuse_linear_cross_entropy"},
    {"router_aux_loss_coef"},
    {"use_l2warp"},
    // Which of several kernels of one definition, and how they cut the work.
    {"attn_mode"},
    {"chunk_size"},
    {"chunk_size_feed_forward"},
    {"fuse_conv_l2"},
    {"fuse_swiglu"},
    {"fused_add_norm"},
    {"pretraining_tp"},
    {"use_associative_scan"},
    {"use_cache"},
    {"use_mambapy"},
    // How long the texts of the training were. Rotary positions that stretch with it have a rope_type of their own.
    {"max_position_embeddings"},
    // The parts of a multimodal model that are not the language model, and the head that drafts tokens.
    {"image_token_id"},
    {"language_model_only"},
    {"mtp_num_hidden_layers"},
    {"mtp_use_dedicated_embeddings"},
    {"video_token_id"},
    {"vision_config"},
    {"vision_end_token_id"},
    {"vision_start_token_id"},
};

// ---- values ------------------------------------------------------------------------------------------------------

const char* type_name(const json& v) {
  if (v.is_number_integer()) return "an integer";
  if (v.is_number()) return "a float";
  if (v.is_string()) return "a string";
  if (v.is_boolean()) return "a bool";
  if (v.is_array()) return "a list";
  return v.is_null() ? "null" : "an object";
}

std::string value_text(const json& v) {
  if (v.is_string()) return readable(v.get_ref<const std::string&>());
  if (v.is_number_float()) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, v.get<double>());
    return {digits, end.ptr};
  }
  if (!v.is_array()) return v.is_object() ? printable(v.dump(), 400) : v.dump();
  constexpr size_t most = 16;
  std::string out = "[";
  for (size_t i = 0; i < v.size(); ++i) {
    if (i != 0) out += ", ";
    if (i == most) {
      out += "...";
      break;
    }
    out += v[i].is_string()  ? '"' + printable(v[i].get<std::string>()) + '"'
           : v[i].is_array() ? "[...]"
                             : value_text(v[i]);
  }
  return out + "]";
}

// What config.json says of the language model: a multimodal model has that one level further down.
json language_model(json config, const std::string& name) {
  const auto found = config.find("text_config");
  if (found == config.end() || found->is_null()) return config;
  if (!found->is_object())
    fail(Code::format, "%s: \"text_config\" is %s, expected an object", name.c_str(), type_name(*found));
  const json text = *found;
  config.erase("text_config");
  for (const auto& [key, value] : text.items()) {
    // The outer ones name the class that reads the file, which also decides whether the head is tied.
    const bool outer = key == "model_type" || key == "architectures" || key == "tie_word_embeddings";
    if (!outer || !config.contains(key)) config[key] = value;
  }
  return config;
}

}  // namespace

std::string huggingface_architecture(const json& config, const std::string& name) {
  const auto found = config.find("model_type");
  if (found == config.end()) fail(Code::format, "%s: key \"model_type\" is missing, expected a string", name.c_str());
  if (!found->is_string()) {
    fail(Code::format, "%s: key \"model_type\" is %s, expected a string", name.c_str(), type_name(*found));
  }
  const std::string model_type = *found;
  std::vector<std::string> fitting;
  std::set<std::string> known;
  for (const Kind& k : kKinds) {
    if (model_type == k.model_type) fitting.emplace_back(k.architecture);
    known.insert(k.model_type);
  }
  if (fitting.empty()) {
    std::string list;
    for (const std::string& k : known) list += (list.empty() ? "" : ", ") + k;
    fail(Code::unsupported, "%s: model_type \"%s\" is not supported; supported: %s", name.c_str(),
         printable(model_type).c_str(), list.c_str());
  }
  const std::string architecture = fitting[fitting.size() == 1 || is_fla(config, name) ? 0 : 1];
  check_class(config, architecture, name);
  return architecture;
}

HuggingFaceConfig::HuggingFaceConfig(const std::string& folder, const std::string& config) : name_(folder) {
  const std::string file = name_ + ": config.json";
  json root = parse_json(config, file);
  if (!root.is_object()) fail(Code::format, "%s: is %s, expected an object", file.c_str(), type_name(root));
  const std::string architecture = huggingface_architecture(root, file);
  add("general.architecture", architecture);
  flatten("", architecture == "hf.qwen3_5" ? language_model(std::move(root), file) : root);
}

void HuggingFaceConfig::add(const std::string& key, json value) {
  added_.insert(key);
  insert(key, std::move(value));
}

// An object's own entry is for has() and text(): only leaves are keys.
void HuggingFaceConfig::flatten(const std::string& path, const json& object) {
  for (const auto& [name, value] : object.items()) {
    const std::string key = path + name;
    // Keys travel as C strings and in error lines.
    const auto strange = [](unsigned char c) { return c < 0x20 || c > 0x7e; };
    if (name.empty() || std::any_of(name.begin(), name.end(), strange)) {
      damaged(printable(key), name.empty() ? "has an empty name" : "is not printable ASCII");
    }
    insert(key, value);
    if (value.is_object()) flatten(key + ".", value);
  }
}

void HuggingFaceConfig::insert(const std::string& key, json value) {
  const bool leaf = !value.is_object();
  if (value.is_null()) {
    nulls_.insert(key);
    return;
  }
  // "a.b" beside an object "a", or a name that is added here.
  if (!values_.emplace(key, std::move(value)).second) damaged(key, "is there twice");
  if (leaf) keys_.push_back(key);
}

bool HuggingFaceConfig::matters(const std::string& key) const {
  if (added_.count(key) != 0) return false;
  const std::string first = key.substr(0, key.find('.'));
  // fla's RWKV-7 has another epsilon with it (mixers/rwkv7_hf.cpp); elsewhere it names a kernel.
  if (first == "fuse_norm") return string("general.architecture") == "fla.rwkv7";
  for (const Idle& idle : kIdle) {
    if (first == idle.key) return idle.only != nullptr && (!has(key) || text(key) != idle.only);
  }
  return true;
}

const json& HuggingFaceConfig::value(const std::string& key, const char* expected) const {
  const auto found = values_.find(key);
  if (found == values_.end())
    damaged(key, std::string(is_null(key) ? "is null" : "is missing") + ", expected " + expected);
  return found->second;
}

void HuggingFaceConfig::damaged(const std::string& key, const std::string& what) const {
  throw Error(Code::format, name_ + ": config.json: key \"" + printable(key) + "\" " + what);
}

void HuggingFaceConfig::wrong_type(const std::string& key, const json& found, const char* expected) const {
  damaged(key, std::string("is ") + type_name(found) + ", " + printable(value_text(found)) + ", expected " + expected);
}

int64_t HuggingFaceConfig::integer(const std::string& key, int64_t least, int64_t most) const {
  const json& v = value(key, "an integer");
  if (!v.is_number_integer()) wrong_type(key, v, "an integer");
  const bool above = v.is_number_unsigned() && v.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  const int64_t n = above ? 0 : v.get<int64_t>();
  if (above || n < least || n > most) {
    damaged(key, "is " + value_text(v) + ", expected " + std::to_string(least) + " to " + std::to_string(most));
  }
  return n;
}

double HuggingFaceConfig::number(const std::string& key) const {
  const json& v = value(key, "a number");
  if (!v.is_number()) wrong_type(key, v, "a number");
  if (std::isnan(v.get<double>())) damaged(key, "is NaN, expected a number");
  return v.get<double>();
}

bool HuggingFaceConfig::boolean(const std::string& key) const {
  const json& v = value(key, "a bool");
  if (!v.is_boolean()) wrong_type(key, v, "a bool");
  return v.get<bool>();
}

std::string HuggingFaceConfig::string(const std::string& key) const {
  const json& v = value(key, "a string");
  if (!v.is_string()) wrong_type(key, v, "a string");
  return v.get<std::string>();
}

std::vector<std::string_view> HuggingFaceConfig::strings(const std::string& key) const {
  const json& v = value(key, "a list of strings");
  if (!v.is_array()) wrong_type(key, v, "a list of strings");
  std::vector<std::string_view> out;
  out.reserve(v.size());
  for (const json& element : v) {
    if (!element.is_string()) wrong_type(key, v, "a list of strings");
    out.push_back(element.get_ref<const std::string&>());
  }
  return out;
}

std::vector<int64_t> HuggingFaceConfig::integers(const std::string& key) const {
  const json& v = value(key, "a list of integers");
  if (v.is_number_integer()) return {integer(key, INT64_MIN, INT64_MAX)};
  if (!v.is_array()) wrong_type(key, v, "a list of integers");
  std::vector<int64_t> out;
  for (const json& element : v) {
    if (!element.is_number_integer()) wrong_type(key, v, "a list of integers");
    if (element.is_number_unsigned() && element.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
      damaged(key, "has the element " + value_text(element) + ", expected at most 9223372036854775807");
    }
    out.push_back(element.get<int64_t>());
  }
  return out;
}

std::vector<double> HuggingFaceConfig::numbers(const std::string& key) const {
  const json& v = value(key, "a list of numbers");
  if (v.is_number()) return {number(key)};
  if (!v.is_array()) wrong_type(key, v, "a list of numbers");
  std::vector<double> out;
  for (const json& element : v) {
    if (!element.is_number() || std::isnan(element.get<double>())) wrong_type(key, v, "a list of numbers");
    out.push_back(element.get<double>());
  }
  return out;
}

std::string HuggingFaceConfig::text(const std::string& key) const { return value_text(value(key, "a value")); }

}  // namespace recurra
