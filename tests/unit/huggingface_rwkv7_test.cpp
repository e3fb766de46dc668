// fla's RWKV-7 with every option that its configurations have, against its definition in float64.
#include <algorithm>
#include <cmath>

#include "support/huggingface_folder.h"
#include "support/model.h"

namespace recurra::test {

namespace {

using Row = std::vector<double>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// One pass over a TinyRwkv7.
class Definition {
 public:
  explicit Definition(const TinyRwkv7& m) : m_(m) {}

  Row next(int32_t token) {
    const Weight& table = m_.weights.at("model.embeddings.weight");
    Row x(static_cast<size_t>(m_.width));
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = static_cast<double>(table.values[static_cast<size_t>(token) * x.size() + i]);
    Row v_first;
    for (int64_t i = 0; i < m_.layers; ++i) {
      const std::string p = "model.layers." + std::to_string(i) + ".";
      if (i == 0 && m_.norm_first) x = norm(x, p + "pre_norm");
      add(x, time_mix(norm(x, p + "attn_norm"), p + "attn.", v_first));
      add(x, channel_mix(norm(x, p + "ffn_norm"), p + "ffn."));
    }
    return product(m_.tied ? "model.embeddings" : "lm_head", norm(x, "model.norm"));
  }

 private:
  Row values(const std::string& name) const {
    const auto& v = m_.weights.at(name).values;
    return {v.begin(), v.end()};
  }
  static void add(Row& x, const Row& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  Row product(const std::string& name, const Row& x) const {
    const Weight& w = m_.weights.at(name + ".weight");
    Row y(static_cast<size_t>(w.dims[0]));
    for (size_t o = 0; o < y.size(); ++o)
      for (size_t i = 0; i < x.size(); ++i) y[o] += static_cast<double>(w.values[o * x.size() + i]) * x[i];
    return y;
  }
  // Layer norm of the `n` values from `first`, with weights at the same places.
  static void norm(Row& x, size_t first, size_t n, const Row& w, const Row& b, double eps) {
    double mean = 0, square = 0;
    for (size_t i = first; i < first + n; ++i) mean += x[i] / static_cast<double>(n);
    for (size_t i = first; i < first + n; ++i) square += (x[i] - mean) * (x[i] - mean) / static_cast<double>(n);
    for (size_t i = first; i < first + n; ++i)
      x[i] = (x[i] - mean) / std::sqrt(square + eps) * w[i] + (b.empty() ? 0 : b[i]);
  }
  Row norm(Row x, const std::string& name) const {
    norm(x, 0, x.size(), values(name + ".weight"), m_.norm_bias ? values(name + ".bias") : Row(), m_.norm_eps);
    return x;
  }
  Row lerp(const Row& x, const std::string& state, const Row& mu) {
    Row& before = shift_[state];
    before.resize(x.size());
    Row y(x.size());
    for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] + (before[i] - x[i]) * mu[i];
    return y;
  }
  template <class F>
  Row lora(const Row& x, const std::string& name, bool bias, F act) const {
    Row h = product(name + ".lora.0", x);
    for (double& v : h) v = act(v);
    Row y = product(name + ".lora.2", h);
    if (bias) add(y, values(name + ".lora.2.bias"));
    return y;
  }

  Row time_mix(const Row& x, const std::string& p, Row& v_first) {
    const auto id = [](double v) { return v; };
    std::map<char, Row> l;
    const std::string order = "rwkvag";
    for (size_t j = 0; j < 6; ++j) {
      Row mu;
      if (m_.old_lerps) {
        const Row all = values(p + "x_x");
        mu.assign(all.begin() + static_cast<int64_t>(j) * m_.width,
                  all.begin() + static_cast<int64_t>(j + 1) * m_.width);
      } else {
        mu = values(p + "x_" + order[j]);
      }
      l[order[j]] = lerp(x, p, mu);
    }
    shift_[p] = x;
    const Row r = product(p + "r_proj", l['r']);
    Row k = product(p + "k_proj", l['k']), v = product(p + "v_proj", l['v']);
    const Row w = lora(l['w'], p + "w_lora", true, [](double z) { return std::tanh(z); });
    const Row a = lora(l['a'], p + "a_lora", true, id), g = lora(l['g'], p + "g_lora", false, sigmoid);
    if (v_first.empty()) {
      v_first = v;
    } else {
      const Row gate = lora(l['v'], p + "v_lora", true, id);
      for (size_t i = 0; i < v.size(); ++i) v[i] += (v_first[i] - v[i]) * sigmoid(gate[i]);
    }
    const Row k_k = values(p + "k_k"), k_a = values(p + "k_a"), r_k = values(p + "r_k");
    const Row ln_w = values(p + "g_norm.weight"), ln_b = values(p + "g_norm.bias");
    const auto n = static_cast<size_t>(m_.head);
    Row o(x.size());
    for (size_t h = 0; h < x.size(); h += n) {
      Row kk(n), rate(n);
      double square = 0, bonus = 0;
      for (size_t i = 0; i < n; ++i) {
        kk[i] = k[h + i] * k_k[h + i];
        square += kk[i] * kk[i];
        rate[i] = sigmoid(a[h + i]);
        k[h + i] *= 1 + (rate[i] - 1) * k_a[h + i];
      }
      for (double& z : kk) z /= m_.fuse_norm ? std::sqrt(square + 1e-6) : std::max(std::sqrt(square), 1e-12);
      std::vector<Row>& s = state_[p + std::to_string(h)];  // [K][V]
      s.resize(n, Row(n));
      Row erased(n);
      for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < n; ++j) erased[j] += kk[i] * s[i][j];
      for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < n; ++j) {
          const double decay = std::exp(-std::exp(-0.5) * sigmoid(w[h + i]));
          s[i][j] = s[i][j] * decay - kk[i] * rate[i] * erased[j] + k[h + i] * v[h + j];
          o[h + j] += r[h + i] * s[i][j];
        }
      norm(o, h, n, ln_w, ln_b, static_cast<double>(m_.head) * m_.norm_eps);
      for (size_t i = h; i < h + n; ++i) bonus += r[i] * k[i] * r_k[i];
      for (size_t i = h; i < h + n; ++i) o[i] = (o[i] + bonus * v[i]) * g[i];
    }
    return product(p + "o_proj", o);
  }

  Row channel_mix(const Row& x, const std::string& p) {
    Row h = product(p + "key", lerp(x, p, values(p + "x_k")));
    shift_[p] = x;
    for (double& v : h) {
      if (m_.act == "sqrelu") v = v > 0 ? v * v : 0;
      if (m_.act == "silu" || m_.act == "swish") v *= sigmoid(v);
      if (m_.act == "sigmoid") v = sigmoid(v);
    }
    return product(p + "value", h);
  }

  const TinyRwkv7& m_;
  std::map<std::string, Row> shift_;
  std::map<std::string, std::vector<Row>> state_;
};

}  // namespace

std::vector<double> TinyRwkv7::logits(const std::vector<int32_t>& tokens) const {
  Definition d(*this);
  std::vector<double> out;
  for (const int32_t t : tokens) {
    const std::vector<double> row = d.next(t);
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

namespace {

// Largest difference over the largest logit, on a backend.
double difference(const std::string& path, const TinyRwkv7& m, const char* backend) {
  const ModelPtr model = open_model(path, backend);
  if (model == nullptr) return INFINITY;
  const std::vector<int32_t> tokens = some_tokens(70, static_cast<int32_t>(m.vocabulary));
  const std::vector<double> want = m.logits(tokens);
  std::vector<float> got(want.size());
  const StatePtr state = new_state(model.get());
  feed(state.get(), tokens.data(), tokens.size(), false, got.data());
  double worst = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    if (!std::isfinite(got[i])) return INFINITY;
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - want[i]));
    largest = std::max(largest, std::abs(want[i]));
  }
  return worst / largest;
}

// Float32 rounding over 70 tokens of a random model stays below 1e-5 here; an option that is misread costs 1e-3 and
// more (EveryOptionCounts).
void expect_right(const ModelFolder& folder, const TinyRwkv7& m) {
  EXPECT_LT(difference(folder.path(), m, "reference"), 2e-5);
  EXPECT_LT(difference(folder.path(), m, "cpu"), 5e-5);
}

void expect_right(TinyRwkv7 m) {
  m.draw();
  ModelFolder folder;
  m.save(folder);
  expect_right(folder, m);
}

TEST(HuggingFaceRwkv7, Plain) { expect_right(TinyRwkv7()); }

TEST(HuggingFaceRwkv7, TypesOfWeights) {
  for (const char* type : {"F16", "BF16"}) {
    TinyRwkv7 m;
    m.type = type;
    expect_right(m);
  }
}

TEST(HuggingFaceRwkv7, Shards) {
  TinyRwkv7 m;
  m.draw();
  ModelFolder folder;
  m.save_shards(folder);
  expect_right(folder, m);
  EXPECT_LT(difference(folder / "model.safetensors.index.json", m, "reference"), 2e-5);
  EXPECT_LT(difference(folder / TinyRwkv7::shard(1), m, "reference"), 2e-5);
}

TEST(HuggingFaceRwkv7, TensorsAtOddAddresses) {
  for (const char* type : {"F32", "BF16"}) {
    TinyRwkv7 m;
    m.type = type;
    m.draw();
    ModelFolder folder;
    m.save(folder);
    folder.write("model.safetensors", safetensors_of(m.weights, type, true));
    expect_right(folder, m);
  }
}

TEST(HuggingFaceRwkv7, NoNormFirst) {
  TinyRwkv7 m;
  m.norm_first = false;
  expect_right(m);
}

TEST(HuggingFaceRwkv7, NoNormBias) {
  TinyRwkv7 m;
  m.norm_bias = false;
  expect_right(m);
}

TEST(HuggingFaceRwkv7, NoFusedNorm) {
  TinyRwkv7 m;
  m.fuse_norm = false;
  expect_right(m);
}

TEST(HuggingFaceRwkv7, NormEpsilon) {
  TinyRwkv7 m;
  m.norm_eps = 0.01;
  expect_right(m);
}

TEST(HuggingFaceRwkv7, TiedHead) {
  TinyRwkv7 m;
  m.tied = true;
  expect_right(m);
}

TEST(HuggingFaceRwkv7, Activations) {
  for (const char* act : {"silu", "swish", "sigmoid"}) {
    TinyRwkv7 m;
    m.act = act;
    expect_right(m);
  }
}

TEST(HuggingFaceRwkv7, LerpsOfTheFirstVersion) {
  TinyRwkv7 m;
  m.old_lerps = true;
  expect_right(m);
}

// What the configuration leaves to its defaults.
TEST(HuggingFaceRwkv7, Defaults) {
  TinyRwkv7 m;
  m.width = 128;  // two heads of 64
  m.head = 64;
  m.hidden = 320;
  m.draw();
  ModelFolder folder;
  m.save(folder);
  auto options = m.options();
  options["hidden_ratio"] = "2.3";  // 294.4, and up to a multiple of 32
  for (const char* key : {"head_dim", "num_heads", "norm_first", "norm_bias", "fuse_norm", "tie_word_embeddings",
                          "hidden_act", "attn", "value_dim", "norm_eps"})
    options.erase(key);
  for (const char* key :
       {"intermediate_size", "decay_low_rank_dim", "a_low_rank_dim", "v_low_rank_dim", "gate_low_rank_dim"})
    options[key] = "null";
  folder.write("config.json", TinyRwkv7::config(options));
  expect_right(folder, m);
}

TEST(HuggingFaceRwkv7, HeadsInsteadOfTheirWidth) {
  TinyRwkv7 m;
  m.draw();
  ModelFolder folder;
  m.save(folder);
  auto options = m.options();
  options["head_dim"] = "null";
  options["value_dim"] = "[32, 32]";
  folder.write("config.json", TinyRwkv7::config(options));
  expect_right(folder, m);
}

// Each option that is read moves the logits, so that the tests above would notice it misread.
TEST(HuggingFaceRwkv7, EveryOptionCounts) {
  TinyRwkv7 m;
  m.draw();
  const auto differs = [&](const char* key, const char* value) {
    ModelFolder folder;
    m.save(folder);
    auto options = m.options();
    options[key] = value;
    folder.write("config.json", TinyRwkv7::config(options));
    EXPECT_GT(difference(folder.path(), m, "reference"), 1e-3) << key;
  };
  differs("norm_first", "false");
  differs("norm_bias", "false");
  differs("fuse_norm", "false");
  differs("norm_eps", "0.01");
  differs("tie_word_embeddings", "true");
  differs("hidden_act", "\"silu\"");
}

std::string open_error(const ModelFolder& folder, recurra_status expected) {
  recurra_model* model = nullptr;
  EXPECT_EQ(recurra_model_open(&model, folder.path().c_str(), nullptr), expected) << recurra_last_error();
  EXPECT_EQ(model, nullptr);
  recurra_model_release(model);
  return recurra_last_error();
}

TEST(HuggingFaceRwkv7, WhatIsNotSupportedIsNamed) {
  TinyRwkv7 m;
  m.draw();
  const struct {
    const char *key, *value, *line;
  } refused[] = {
      {"attn", "{\"layers\": [1], \"num_heads\": 2}",
       "option 'attn' = {\"layers\":[1],\"num_heads\":2} is not supported"},
      {"attn", "[{\"layers\": [1]}]", "option 'attn' = [{\"layers\":[1]}] is not supported"},
      {"value_dim", "64", "option 'value_dim' = 64 is not supported, expected hidden_size, 32"},
      {"value_dim", "[32, 64]", "option 'value_dim' = [32, 64] is not supported, expected hidden_size, 32"},
      {"hidden_act", "\"relu\"",
       "option 'hidden_act' = relu is not supported, expected sqrelu, silu, swish or sigmoid"},
      {"something_new", "0.5", "option 'something_new' = 0.5 is not supported"},
      {"quantization_config", "{\"bits\": 4}", "option 'quantization_config.bits' = 4 is not supported"},
      {"is_encoder_decoder", "true", "option 'is_encoder_decoder' = true is not supported"},
  };
  for (const auto& r : refused) {
    ModelFolder folder;
    m.save(folder);
    auto options = m.options();
    options[r.key] = r.value;
    folder.write("config.json", TinyRwkv7::config(options));
    EXPECT_EQ(open_error(folder, RECURRA_E_UNSUPPORTED), folder.path() + ": config.json: " + r.line);
    options[r.key] = "null";
    folder.write("config.json", TinyRwkv7::config(options));
    EXPECT_NE(open_model(folder.path()), nullptr) << r.key;
  }
}

TEST(HuggingFaceRwkv7, WhatIsWrongIsNamed) {
  TinyRwkv7 m;
  m.draw();
  const struct {
    const char *key, *value, *line;
  } wrong[] = {
      {"hidden_size", "33", "config.json: a head of width 16, expected a divisor of hidden_size, 33"},
      {"hidden_size", "\"32\"", "config.json: key \"hidden_size\" is a string, 32, expected an integer"},
      {"hidden_size", "32.0", "config.json: key \"hidden_size\" is a float, 32, expected an integer"},
      {"hidden_size", "null", "config.json: key \"hidden_size\" is null, expected an integer"},
      {"num_hidden_layers", "3", "tensor \"model.layers.2.attn_norm.weight\" is missing, expected [32]"},
      {"decay_low_rank_dim", "5",
       "tensor \"model.layers.0.attn.w_lora.lora.0.weight\" has shape [4, 32], expected [5, 32]"},
      {"vocab_size", "25", "tensor \"model.embeddings.weight\" has shape [24, 32], expected [25, 32]"},
      {"norm_eps", "Infinity", "config.json: key \"norm_eps\" is inf, expected 0 to 1"},
      {"norm_eps", "NaN", "config.json: key \"norm_eps\" is NaN, expected a number"},
      {"norm_first", "1", "config.json: key \"norm_first\" is an integer, 1, expected a bool"},
  };
  for (const auto& w : wrong) {
    ModelFolder folder;
    m.save(folder);
    auto options = m.options();
    options[w.key] = w.value;
    folder.write("config.json", TinyRwkv7::config(options));
    EXPECT_EQ(open_error(folder, RECURRA_E_FORMAT), folder.path() + ": " + w.line);
  }
}

// Every byte of config.json and of the weights' header replaced: the model opens, or fails with one line.
TEST(HuggingFaceRwkv7, DamagedFiles) {
  TinyRwkv7 m;
  m.layers = 1;
  m.draw();
  ModelFolder folder;
  m.save(folder);
  recurra_model_options o;
  recurra_model_options_init(&o, sizeof o);
  o.backend = "reference";
  std::mt19937_64 random(1);
  for (const char* name : {"config.json", "model.safetensors"}) {
    const std::string whole = folder.read(name);
    size_t opened = 0, refused = 0;
    const size_t last = std::min<size_t>(whole.size(), 1500);
    for (size_t i = 0; i < last; ++i) {
      std::string damaged = whole;
      const char likely[] = "0123456789{}[]\",.:-eIN \\";
      damaged[i] = random() % 2 == 0 ? likely[random() % (sizeof likely - 1)] : static_cast<char>(random());
      folder.write(name, damaged);
      recurra_model* model = nullptr;
      const recurra_status status = recurra_model_open(&model, folder.path().c_str(), &o);
      if (status == RECURRA_OK) {
        ++opened;
      } else {
        ++refused;
        ASSERT_TRUE(status == RECURRA_E_FORMAT || status == RECURRA_E_UNSUPPORTED) << status << recurra_last_error();
        const std::string line = recurra_last_error();  // a backend that can't compute with a type knows no file
        ASSERT_TRUE(line.rfind(folder.path(), 0) == 0 || line.rfind("tensor ", 0) == 0) << line;
        ASSERT_EQ(line.find('\n'), std::string::npos) << line;
      }
      recurra_model_release(model);
    }
    folder.write(name, whole);
    EXPECT_GT(opened, 0u) << name;
    EXPECT_GT(refused, last / 2) << name;
  }
}

// Two models that compute differently have different fingerprints; where only book-keeping differs, the same.
TEST(HuggingFaceRwkv7, Fingerprint) {
  TinyRwkv7 m;
  m.draw();
  ModelFolder folder;
  m.save(folder);
  const auto fingerprint = [&](const char* key, const char* value) {
    auto options = m.options();
    options[key] = value;
    folder.write("config.json", TinyRwkv7::config(options));
    const ModelPtr model = open_model(folder.path());
    const recurra_model_info info = info_of(model.get());
    EXPECT_STREQ(info.architecture, "fla.rwkv7");
    EXPECT_EQ(info.path, folder.path());
    EXPECT_EQ(info.eos_token, 2);
    return std::string(info.fingerprint);
  };
  const std::string plain = fingerprint("use_cache", "true");
  EXPECT_EQ(fingerprint("transformers_version", "\"9.9\""), plain);
  EXPECT_EQ(fingerprint("bos_token_id", "7"), plain);
  EXPECT_NE(fingerprint("norm_eps", "1e-6"), plain);
  EXPECT_NE(fingerprint("fuse_norm", "false"), plain);
}

}  // namespace
}  // namespace recurra::test
