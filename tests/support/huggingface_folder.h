// Hugging Face folders built by hand, whole or broken on purpose, written from the formats' descriptions and not with
// the library's own writers; and a small RWKV-7 in fla's names with its definition in float64.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/half.h"

namespace recurra::test {

// Named tensors; values are what the file holds once it was written in some type.
struct Weight {
  std::vector<int64_t> dims;
  std::vector<float> values;
};
using Weights = std::map<std::string, Weight>;

class ModelFolder {
 public:
  ModelFolder() {
    std::string name = ::testing::TempDir() + "/recurra-hf-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~ModelFolder() { std::filesystem::remove_all(path_); }
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream out(path_ + "/" + name, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + name);
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path_ + "/" + name, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void remove(const std::string& name) const { std::filesystem::remove(path_ + "/" + name); }

 private:
  std::string path_;
};

// Rounds to the type and back.
inline float rounded(float x, const std::string& type) {
  if (type == "F16") return f16_to_float(float_to_f16(x));
  if (type == "BF16") return bf16_to_float(float_to_bf16(x));
  return x;
}

// A .safetensors file of them all. `odd` puts one byte before the others, so that nothing is aligned.
inline std::string safetensors_of(const Weights& weights, const std::string& type = "F32", bool odd = false) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}", payload;
  if (odd) {
    header += ",\"odd\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}";
    payload = "x";
  }
  for (const auto& [name, w] : weights) {
    const size_t begin = payload.size();
    for (const float x : w.values) {
      char raw[4];
      const uint16_t half = type == "F16" ? float_to_f16(x) : float_to_bf16(x);
      const size_t n = type == "F32" ? 4 : 2;
      std::memcpy(raw, n == 4 ? static_cast<const void*>(&x) : &half, n);
      payload.append(raw, n);
    }
    header += ",\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":[";
    for (size_t i = 0; i < w.dims.size(); ++i) header += (i ? "," : "") + std::to_string(w.dims[i]);
    header += "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(payload.size()) + "]}";
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  std::string file(8, '\0');
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return file + header + payload;
}

// fla's RWKV-7 (fla.models.rwkv7), small, with drawn weights.
struct TinyRwkv7 {
  int64_t layers = 2, width = 32, head = 16, hidden = 64, vocabulary = 24;
  int64_t w_rank = 4, a_rank = 5, v_rank = 6, g_rank = 7;
  double norm_eps = 1e-5;
  bool norm_first = true, norm_bias = true, fuse_norm = true, tied = false, old_lerps = false;
  std::string act = "sqrelu", type = "F32";
  Weights weights;

  void draw(uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    const auto add = [&](const std::string& name, std::vector<int64_t> dims, float scale, float mean = 0) {
      int64_t n = 1;
      for (const int64_t d : dims) n *= d;
      Weight w{std::move(dims), {}};
      for (int64_t i = 0; i < n; ++i) w.values.push_back(rounded(mean + scale * normal(random), type));
      weights[name] = std::move(w);
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", {width}, 0.2f, 1);
      if (norm_bias) add(name + ".bias", {width}, 0.2f);
    };
    const float s = 1 / std::sqrt(static_cast<float>(width));
    add("model.embeddings.weight", {vocabulary, width}, 1);
    if (!tied) add("lm_head.weight", {vocabulary, width}, 2 * s);
    norm("model.norm");
    for (int64_t i = 0; i < layers; ++i) {
      const std::string p = "model.layers." + std::to_string(i) + ".", a = p + "attn.";
      if (i == 0 && norm_first) norm(p + "pre_norm");
      norm(p + "attn_norm");
      norm(p + "ffn_norm");
      if (old_lerps) add(a + "x_x", {6, width}, 0.5f);
      for (const char* x : {"x_r", "x_w", "x_k", "x_v", "x_a", "x_g"})
        if (!old_lerps) add(a + x, {1, 1, width}, 0.5f);
      for (const char* m : {"r_proj", "k_proj", "v_proj", "o_proj"}) add(a + m + ".weight", {width, width}, s);
      add(a + "k_k", {width}, 0.003f);  // so small that kk's epsilon shows
      add(a + "k_a", {width}, 0.3f, 1);
      add(a + "r_k", {width / head, head}, 0.3f);
      add(a + "g_norm.weight", {width}, 0.2f, 1);
      add(a + "g_norm.bias", {width}, 0.2f);
      const auto lora = [&](const std::string& name, int64_t rank, bool bias) {
        add(a + name + ".lora.0.weight", {rank, width}, s);
        add(a + name + ".lora.2.weight", {width, rank}, 0.5f);
        if (bias) add(a + name + ".lora.2.bias", {width}, 0.5f);
      };
      lora("w_lora", w_rank, true);
      lora("a_lora", a_rank, true);
      if (i != 0) lora("v_lora", v_rank, true);
      lora("g_lora", g_rank, false);
      add(p + "ffn.x_k", {width}, 0.5f);
      add(p + "ffn.key.weight", {hidden, width}, s);
      add(p + "ffn.value.weight", {width, hidden}, 1 / std::sqrt(static_cast<float>(hidden)));
    }
  }

  // Options as config.json has them; change them before config().
  std::map<std::string, std::string> options() const {
    const auto flag = [](bool b) { return b ? "true" : "false"; };
    std::ostringstream eps;
    eps << norm_eps;
    return {{"architectures", "[\"RWKV7ForCausalLM\"]"},
            {"model_type", "\"rwkv7\""},
            {"num_hidden_layers", std::to_string(layers)},
            {"hidden_size", std::to_string(width)},
            {"head_dim", std::to_string(head)},
            {"num_heads", std::to_string(width / head)},
            {"intermediate_size", std::to_string(hidden)},
            {"hidden_ratio", "4"},
            {"vocab_size", std::to_string(vocabulary)},
            {"decay_low_rank_dim", std::to_string(w_rank)},
            {"a_low_rank_dim", std::to_string(a_rank)},
            {"v_low_rank_dim", std::to_string(v_rank)},
            {"gate_low_rank_dim", std::to_string(g_rank)},
            {"norm_eps", eps.str()},
            {"norm_first", flag(norm_first)},
            {"norm_bias", flag(norm_bias)},
            {"fuse_norm", flag(fuse_norm)},
            {"tie_word_embeddings", flag(tied)},
            {"hidden_act", "\"" + act + "\""},
            {"attn", "null"},
            {"attn_mode", "\"chunk\""},
            {"bos_token_id", "1"},
            {"eos_token_id", "2"},
            {"torch_dtype", "\"float32\""},
            {"value_dim", std::to_string(width)}};
  }
  static std::string config(const std::map<std::string, std::string>& options) {
    std::string json;
    for (const auto& [key, value] : options) json += (json.empty() ? "{\n  \"" : ",\n  \"") + key + "\": " + value;
    return json + "\n}\n";
  }
  std::string config() const { return config(options()); }

  void save(const ModelFolder& folder) const {
    folder.write("config.json", config());
    folder.write("model.safetensors", safetensors_of(weights, type));
  }

  // As two files with an index.
  void save_shards(const ModelFolder& folder) const {
    folder.write("config.json", config());
    Weights part[2];
    std::string map;
    size_t i = 0;
    for (const auto& [name, w] : weights) {
      const size_t n = i++ % 2;
      part[n][name] = w;
      map += (map.empty() ? "\"" : ",\n\"") + name + "\": \"" + shard(n) + "\"";
    }
    for (size_t n = 0; n < 2; ++n) folder.write(shard(n), safetensors_of(part[n], type));
    folder.write("model.safetensors.index.json", "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {" + map + "}}");
  }
  static std::string shard(size_t n) {
    return n == 0 ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }

  // Logits [T, V] by the definition, token by token, in float64.
  std::vector<double> logits(const std::vector<int32_t>& tokens) const;
};

}  // namespace recurra::test
