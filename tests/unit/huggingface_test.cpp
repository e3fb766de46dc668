// The files of a Hugging Face folder: what save_pretrained writes is read, what is broken is refused with a typed error
// of one line, and nothing outside of the folder is opened.
#include "format/huggingface.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>

#include "core/error.h"
#include "format/rwkv_vocabulary.h"
#include "mixers/options.h"
#include "support/huggingface_folder.h"
#include "support/paths.h"
#include "tokenizer/bpe.h"
#include "tokenizer/tokenizer.h"

namespace recurra {
namespace {

using test::ModelFolder;
using test::safetensors_of;
using test::shared_path;
using test::TinyRwkv7;
using test::Weights;

// "" if it goes well, else the error line; its code must be `expected`.
std::string error_of(const std::function<void()>& call, Code expected) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), expected) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return e.what();
  }
  return "";
}

std::string open_error(const ModelFolder& folder, Code expected = Code::format) {
  return error_of([&] { open_huggingface(folder.path()); }, expected);
}

// Looks at everything an opened folder offers.
void visit(const ModelFile& file) {
  size_t sum = 0;
  for (const std::string& key : file.keys()) sum += file.text(key).size() + (file.matters(key) ? 1 : 0);
  for (const TensorView& t : file.tensors()) {
    ASSERT_EQ(file.find(t.name), &t);
    const auto* p = static_cast<const unsigned char*>(t.data);
    for (uint64_t i = 0; i < t.bytes; ++i) sum += p[i];
  }
  ASSERT_GT(sum, 0u);
}

// A folder with this config.json and one small tensor.
void write_folder(const ModelFolder& folder, const std::string& config) {
  folder.write("config.json", config);
  folder.write("model.safetensors", safetensors_of({{"w", {{2, 3}, {1, 2, 3, 4, 5, 6}}}}));
}

std::unique_ptr<ModelFile> open_config(const ModelFolder& folder, const std::string& config) {
  write_folder(folder, config);
  return open_huggingface(folder.path());
}

std::string config_error(const std::string& config, Code expected = Code::format) {
  ModelFolder folder;
  write_folder(folder, config);
  const std::string line = open_error(folder, expected), start = folder.path() + ": config.json: ";
  EXPECT_EQ(line.rfind(start, 0), 0u) << line;
  return line.empty() ? line : line.substr(start.size());
}

// ---- config.json -------------------------------------------------------------------------------------------------

TEST(HuggingFaceConfig, ValuesUnderDottedPaths) {
  ModelFolder folder;
  const auto file =
      open_config(folder, R"({"model_type": "llama", "_name_or_path": "org/name", "int": 7, "negative": -7,
      "float": 0.1, "whole": 4.0, "text": "h\u00e9\u0000\n", "yes": true, "none": null, "nothing": {}, "empty": [],
      "rope_parameters": {"rope_theta": 1e4, "rope_type": "default", "none": null, "deep": {"er": [1, 2]}},
      "layer_types": ["a", "b"], "ints": [1, -2], "mixed": [0, 0.5, {"__float__": "Infinity"}], "odd": [1, "a", [2], {"x": 3}],
      "bools": [true, false], "big": 18446744073709551615, "inf": {"__float__": "Infinity"}, "bare": [-Infinity, Infinity],
      "nan": NaN, "quoted": "NaN \" Infinity \\", "e": 1e-05, "bos_token_id": 1, "eos_token_id": [3, 4], "vocab_size": 5})");
  EXPECT_EQ(file->name(), folder.path());
  EXPECT_EQ(file->string("general.architecture"), "hf.llama");
  EXPECT_EQ(file->string("general.name"), "org/name");
  EXPECT_EQ(file->integer("int", 7, 7), 7);
  EXPECT_EQ(file->integer("negative", -7, 7), -7);
  EXPECT_EQ(file->number("float"), 0.1);
  EXPECT_EQ(file->number("int"), 7.0);
  EXPECT_EQ(file->number("rope_parameters.rope_theta"), 1e4);
  EXPECT_EQ(file->string("text"), std::string("h\xc3\xa9\0\n", 5));
  EXPECT_TRUE(file->boolean("yes"));
  EXPECT_EQ(file->string("rope_parameters.rope_type"), "default");
  EXPECT_EQ(file->integers("rope_parameters.deep.er"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(file->strings("layer_types"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(file->integers("ints"), (std::vector<int64_t>{1, -2}));
  EXPECT_EQ(file->integers("int"), (std::vector<int64_t>{7}));
  EXPECT_EQ(file->numbers("mixed"), (std::vector<double>{0, 0.5, INFINITY}));
  EXPECT_EQ(file->numbers("bare"), (std::vector<double>{-INFINITY, INFINITY}));
  EXPECT_EQ(file->number("inf"), INFINITY);
  EXPECT_EQ(file->string("quoted"), "NaN \" Infinity \\");
  EXPECT_TRUE(file->integers("empty").empty());

  EXPECT_FALSE(file->has("none"));
  EXPECT_TRUE(file->is_null("none"));
  EXPECT_TRUE(file->is_null("rope_parameters.none"));
  EXPECT_FALSE(file->is_null("int"));
  EXPECT_FALSE(file->is_null("absent"));
  EXPECT_FALSE(file->has("absent"));
  EXPECT_TRUE(file->has("rope_parameters"));  // an object is there
  EXPECT_TRUE(file->has("nothing"));
  EXPECT_EQ(file->integer_or("none", 3, 0, 9), 3);

  // Text for people; keys are leaves.
  EXPECT_EQ(file->text("text"), "h\xc3\xa9\\x00\n");
  EXPECT_EQ(file->text("mixed"), "[0, 0.5, inf]");
  EXPECT_EQ(file->text("odd"), "[1, \"a\", [...], {\"x\":3}]");
  EXPECT_EQ(file->text("e"), "1e-05");
  EXPECT_EQ(file->text("big"), "18446744073709551615");
  EXPECT_EQ(file->text("layer_types"), "[\"a\", \"b\"]");
  EXPECT_EQ(file->text("rope_parameters.deep"), "{\"er\":[1,2]}");
  EXPECT_EQ(file->keys()[0], "general.architecture");
  for (const std::string& key : file->keys()) {
    EXPECT_TRUE(file->has(key)) << key;
    EXPECT_NE(key, "rope_parameters");
    EXPECT_NE(key, "none");
  }
  EXPECT_EQ(file->integer("tokenizer.ggml.bos_token_id", 0, 9), 1);
  EXPECT_EQ(file->integer("tokenizer.ggml.eos_token_id", 0, 9), 3);

  const std::string start = folder.path() + ": config.json: key ";
  const auto error = [&](const std::function<void()>& call) {
    return error_of(call, Code::format).substr(start.size());
  };
  EXPECT_EQ(error([&] { file->integer("int", 8, 9); }), "\"int\" is 7, expected 8 to 9");
  EXPECT_EQ(error([&] { file->integer("whole", 0, 9); }), "\"whole\" is a float, 4, expected an integer");
  EXPECT_EQ(error([&] { file->integer("big", 0, INT64_MAX); }),
            "\"big\" is 18446744073709551615, expected 0 to 9223372036854775807");
  EXPECT_EQ(error([&] { file->integer("absent", 0, 9); }), "\"absent\" is missing, expected an integer");
  EXPECT_EQ(error([&] { file->boolean("none"); }), "\"none\" is null, expected a bool");
  EXPECT_EQ(error([&] { file->boolean("int"); }), "\"int\" is an integer, 7, expected a bool");
  EXPECT_EQ(error([&] { file->number("yes"); }), "\"yes\" is a bool, true, expected a number");
  EXPECT_EQ(error([&] { file->number("nan"); }), "\"nan\" is NaN, expected a number");
  EXPECT_EQ(error([&] { file->string("ints"); }), "\"ints\" is a list, [1, -2], expected a string");
  EXPECT_EQ(error([&] { file->string("nothing"); }), "\"nothing\" is an object, {}, expected a string");
  EXPECT_EQ(error([&] { file->integers("mixed"); }), "\"mixed\" is a list, [0, 0.5, inf], expected a list of integers");
  EXPECT_EQ(error([&] { file->strings("odd"); }),
            "\"odd\" is a list, [1, \"a\", [...], {\"x\":3}], expected a list of strings");
}

TEST(HuggingFaceConfig, SaysWhoseModelItIs) {
  const struct {
    const char *config, *architecture;
  } known[] = {
      {R"({"model_type": "rwkv7", "architectures": ["RWKV7ForCausalLM"]})", "fla.rwkv7"},
      {R"({"model_type": "linear_attn"})", "fla.linear_attn"},
      {R"({"model_type": "delta_net"})", "fla.delta_net"},
      {R"({"model_type": "gated_deltanet"})", "fla.gated_deltanet"},
      {R"({"model_type": "transformer"})", "fla.transformer"},
      {R"({"model_type": "mamba", "norm_eps": 1e-5, "dt_rank": 8})", "fla.mamba"},
      {R"({"model_type": "mamba", "layer_norm_epsilon": 1e-5, "time_step_rank": 8})", "hf.mamba"},
      {R"({"model_type": "mamba", "norm_eps": 1e-5, "time_step_rank": 8})", "hf.mamba"},  // of an early fla
      {R"({"model_type": "mamba2", "fuse_norm": true})", "fla.mamba2"},
      {R"({"model_type": "mamba2", "time_step_limit": [0.0, Infinity]})", "hf.mamba2"},
      {R"({"model_type": "mamba2"})", "hf.mamba2"},
      {R"({"model_type": "llama"})", "hf.llama"},
      {R"({"model_type": "qwen3_5_text", "architectures": ["Qwen3_5ForCausalLM"]})", "hf.qwen3_5"},
      {R"({"model_type": "qwen3_5", "architectures": ["Qwen3_5ForConditionalGeneration"]})", "hf.qwen3_5"},
      {R"({"model_type": "qwen3_next"})", "hf.qwen3_next"},
  };
  for (const auto& k : known) {
    ModelFolder folder;
    EXPECT_EQ(open_config(folder, k.config)->string("general.architecture"), k.architecture) << k.config;
  }
  EXPECT_EQ(
      config_error(R"({"model_type": "gpt2"})", Code::unsupported),
      "model_type \"gpt2\" is not supported; supported: delta_net, gated_deltanet, linear_attn, llama, mamba, mamba2, "
      "qwen3_5, qwen3_5_text, qwen3_next, rwkv7, transformer");
  EXPECT_EQ(config_error(R"({"model_type": "mamba", "dt_rank": 8, "time_step_rank": 8})"),
            "has \"dt_rank\" of flash-linear-attention and \"time_step_rank\" of transformers: whose model it is "
            "can't be told");
  EXPECT_EQ(config_error(R"({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"]})",
                         Code::unsupported),
            "\"architectures\" is \"LlamaForSequenceClassification\", expected a model that ends in \"ForCausalLM\"");
}

TEST(HuggingFaceConfig, GoldenFolders) {
  RECURRA_NEED_SHARED("goldens/hf");
  const struct {
    const char *folder, *architecture;
  } all[] = {{"rwkv7", "fla.rwkv7"},
             {"linear_attn", "fla.linear_attn"},
             {"delta_net", "fla.delta_net"},
             {"gated_deltanet", "fla.gated_deltanet"},
             {"mamba", "fla.mamba"},
             {"mamba2", "fla.mamba2"},
             {"transformer", "fla.transformer"},
             {"hf_mamba", "hf.mamba"},
             {"hf_mamba2", "hf.mamba2"},
             {"hf_llama", "hf.llama"},
             {"hf_qwen3_5", "hf.qwen3_5"}};
  for (const auto& m : all) {
    const auto file = open_huggingface(shared_path(std::string("goldens/hf/") + m.folder));
    EXPECT_EQ(file->string("general.architecture"), m.architecture);
    EXPECT_EQ(file->string("general.name"), m.folder);
    EXPECT_EQ(file->integer("num_hidden_layers", 0, 99), 3);
    visit(*file);
  }
  const auto mamba = open_huggingface(shared_path("goldens/hf/hf_mamba2"));
  EXPECT_EQ(mamba->numbers("time_step_limit"), (std::vector<double>{0, INFINITY}));
  EXPECT_EQ(mamba->text("time_step_limit"), "[0, inf]");
}

TEST(HuggingFaceConfig, Garbage) {
  EXPECT_EQ(config_error("").rfind("is no JSON: ", 0), 0u);
  EXPECT_EQ(config_error("[]"), "is a list, expected an object");
  EXPECT_EQ(config_error("Infinity"), "is a float, expected an object");
  EXPECT_EQ(config_error("{}"), "key \"model_type\" is missing, expected a string");
  EXPECT_EQ(config_error(R"({"model_type": 7})"), "key \"model_type\" is an integer, expected a string");
  EXPECT_EQ(config_error(R"({"model_type": "llama", "a": 1, "a": 2})"), "the key \"a\" is there twice");
  EXPECT_EQ(config_error(R"({"model_type": "llama", "a": {"b": 1}, "a.b": 2})"), "key \"a.b\" is there twice");
  EXPECT_EQ(config_error(R"({"model_type": "llama", "general": {"architecture": "rwkv7"}})"),
            "key \"general.architecture\" is there twice");
  EXPECT_EQ(config_error(R"({"model_type": "llama", "": 2})"), "key \"\" has an empty name");
  EXPECT_EQ(config_error("{\"model_type\": \"llama\", \"h\xc3\xa9\": 2}"), "key \"h\xc3\xa9\" is not printable ASCII");
  EXPECT_EQ(config_error(std::string("{\"model_type\": \"llama\"}\0x", 24)), "has a zero byte");
  EXPECT_NE(config_error("{\"model_type\": \"llama\", \"x\": \"\xff\"}"), "");
  EXPECT_NE(config_error(R"({"model_type": "llama"} x)"), "");
  EXPECT_NE(config_error(R"({"model_type": "llama", "x": 1e999})"), "");
  EXPECT_NE(config_error(R"({"model_type": "llama", "x": 1Infinity})"), "");
  const std::string deep(100000, '[');
  EXPECT_EQ(config_error("{\"model_type\": \"llama\", \"x\": " + deep), "nests deeper than 32");
  ModelFolder folder;
  write_folder(folder, std::string((1 << 24) + 1, ' '));
  EXPECT_EQ(open_error(folder), folder.path() + "/config.json: 16777217 bytes, expected at most 16777216");
}

TEST(HuggingFaceConfig, CutOff) {
  TinyRwkv7 m;
  m.draw();
  const std::string whole = m.config();
  for (size_t percent = 0; percent < 100; ++percent)
    EXPECT_NE(config_error(whole.substr(0, whole.size() * percent / 100)), "");
}

// A multimodal model's language model lies one level down, in the configuration as in the weights.
TEST(HuggingFaceConfig, LanguageModelOfAMultimodalOne) {
  ModelFolder folder;
  folder.write("config.json", R"({"model_type": "qwen3_5", "architectures": ["Qwen3_5ForConditionalGeneration"],
      "tie_word_embeddings": true, "image_token_id": 9, "vision_config": {"hidden_size": 7},
      "text_config": {"model_type": "qwen3_5_text", "hidden_size": 5, "tie_word_embeddings": false,
                      "rope_parameters": {"rope_theta": 1e7}}})");
  Weights weights{{"model.language_model.embed_tokens.weight", {{1, 2}, {1, 2}}},
                  {"model.visual.patch_embed.proj.weight", {{1, 1, 1, 1, 2}, {1, 2}}},
                  {"mtp.fc.weight", {{1}, {1}}},
                  {"lm_head.weight", {{2}, {1, 2}}}};
  folder.write("model.safetensors", safetensors_of(weights));
  const auto file = open_huggingface(folder.path());
  EXPECT_EQ(file->integer("hidden_size", 0, 9), 5);
  EXPECT_TRUE(file->boolean("tie_word_embeddings"));
  EXPECT_EQ(file->number("rope_parameters.rope_theta"), 1e7);
  EXPECT_EQ(file->string("model_type"), "qwen3_5");
  EXPECT_EQ(file->string("general.tensor_prefix"), "model.language_model.");
  EXPECT_FALSE(file->matters("vision_config.hidden_size"));
  EXPECT_TRUE(file->matters("hidden_size"));
  ASSERT_EQ(file->tensors().size(), 2u);  // neither the eye, whose kernels have five dimensions, nor the drafting head
  EXPECT_NE(file->find("model.language_model.embed_tokens.weight"), nullptr);
  EXPECT_NE(file->find("lm_head.weight"), nullptr);

  ModelFolder text;
  EXPECT_EQ(open_config(text, R"({"model_type": "qwen3_5_text"})")->string("general.tensor_prefix"), "model.");
  EXPECT_EQ(config_error(R"({"model_type": "qwen3_5", "text_config": 3})"),
            "\"text_config\" is an integer, expected an object");
}

// ---- options -----------------------------------------------------------------------------------------------------

TEST(Options, WhatNobodyReadIsRefused) {
  ModelFolder folder;
  const auto file = open_config(folder, R"({"model_type": "llama", "a": 1, "b": {"c": 2, "d": {"e": "x"}}, "none": null,
      "act": "silu", "use_cache": true, "vision_config": {"x": 1}, "flag": true, "fuse_norm": true, "is_decoder": true})");
  const std::string start = folder.path() + ": config.json: ";
  const auto error = [&](const std::function<void(Options&)>& call, Code code = Code::unsupported) {
    Options o(*file);
    const std::string line = error_of([&] { call(o); }, code);
    return line.empty() ? line : line.substr(start.size());
  };
  const auto read_all = [](Options& o) {
    EXPECT_EQ(o.integer("a", 0, 9), 1);
    EXPECT_EQ(o.number("b.c", 0, 9), 2);
    EXPECT_EQ(o.string("b.d.e"), "x");
    EXPECT_EQ(o.string_or("act", ""), "silu");
    EXPECT_TRUE(o.boolean("flag"));
    EXPECT_EQ(o.integer_or("none", 4, 0, 1), 4);
    EXPECT_EQ(o.number_or("absent", 5, 0, 1), 5);
  };
  EXPECT_EQ(error([&](Options& o) { read_all(o), o.finish(); }), "");
  EXPECT_EQ(error([](Options& o) { o.finish(); }), "option 'a' = 1 is not supported");
  EXPECT_EQ(error([](Options& o) { o.ignore("a"), o.ignore("act"), o.ignore("flag"), o.finish(); }),
            "option 'b.c' = 2 is not supported");
  EXPECT_EQ(error([](Options& o) { o.ignore("a"), o.ignore("act"), o.ignore("flag"), o.ignore("b"), o.finish(); }), "");
  EXPECT_EQ(error([](Options& o) { o.refuse("b"); }), "option 'b' = {\"c\":2,\"d\":{\"e\":\"x\"}} is not supported");
  EXPECT_EQ(error([](Options& o) { o.refuse("none"), o.refuse("absent"); }), "");
  EXPECT_EQ(error([](Options& o) {
              o.require("act", {"swish", "gelu"});
            }),
            "option 'act' = silu is not supported, expected swish or gelu");
  EXPECT_EQ(error([](Options& o) { o.require("act", {"swish", "silu"}), o.require("none", {"x"}); }), "");
  EXPECT_EQ(error([](Options& o) { o.require("flag", false); }),
            "option 'flag' = true is not supported, expected false");
  EXPECT_EQ(error([](Options& o) { o.require("flag", true), o.require("none", true), o.require("absent", false); }),
            "");
  EXPECT_EQ(error([](Options& o) { o.require("flag", {"x"}); }, Code::format),
            "key \"flag\" is a bool, true, expected a string");
  EXPECT_EQ(error([](Options& o) { o.number("a", 2, INFINITY); }, Code::format), "key \"a\" is 1, expected 2 to inf");
  Options o(*file);
  EXPECT_TRUE(o.is_null("none"));
  EXPECT_FALSE(o.has("none"));
}

// ---- weights -----------------------------------------------------------------------------------------------------

TEST(HuggingFaceFiles, WhichFolderAPathMeans) {
  ModelFolder folder;
  EXPECT_EQ(huggingface_folder(folder.path()), folder.path());
  EXPECT_EQ(huggingface_folder(folder / "config.json"), "");  // not there
  for (const char* name :
       {"config.json", "model.safetensors", "model.safetensors.index.json", "model-1-of-2.safetensors"}) {
    folder.write(name, "x");
    EXPECT_EQ(huggingface_folder(folder / name), folder.path()) << name;
  }
  folder.write("state.safetensors", "x");
  folder.write("model.gguf", "x");
  EXPECT_EQ(huggingface_folder(folder / "state.safetensors"), "");
  EXPECT_EQ(huggingface_folder(folder / "model.gguf"), "");
}

TEST(HuggingFaceFiles, WhatIsMissing) {
  ModelFolder folder;
  EXPECT_EQ(open_error(folder, Code::not_found),
            folder.path() + ": the folder has no config.json, expected a Hugging Face model");
  folder.write("config.json", R"({"model_type": "llama"})");
  EXPECT_EQ(open_error(folder, Code::not_found),
            folder.path() + ": the folder has neither model.safetensors nor model.safetensors.index.json");
}

TEST(HuggingFaceFiles, ShardsAreOneModel) {
  TinyRwkv7 m;
  m.draw();
  ModelFolder one, two;
  m.save(one);
  m.save_shards(two);
  const auto whole = open_huggingface(one.path()), parts = open_huggingface(two.path());
  visit(*parts);
  ASSERT_EQ(parts->tensors().size(), whole->tensors().size());
  for (const TensorView& t : whole->tensors()) {
    const TensorView& p = parts->tensor(t.name, t.shape);
    EXPECT_EQ(std::memcmp(p.data, t.data, t.bytes), 0) << t.name;
  }
  EXPECT_EQ(whole->tensor("model.layers.0.attn.x_r", shape(32)).shape, shape(1, 1, 32));
}

TEST(HuggingFaceFiles, WrongIndex) {
  TinyRwkv7 m;
  m.draw();
  ModelFolder folder;
  m.save_shards(folder);
  const std::string name = "model.safetensors.index.json", whole = folder.read(name);
  const std::string start = folder.path() + ": " + name + ": ";
  const auto error = [&](const std::string& index, Code code = Code::format) {
    folder.write(name, index);
    const std::string line = open_error(folder, code);
    EXPECT_EQ(line.rfind(start, 0), 0u) << line;
    return line.empty() ? line : line.substr(start.size());
  };
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string s = whole;
    const size_t at = s.find(from);
    EXPECT_NE(at, std::string::npos);
    return s.replace(at, from.size(), to);
  };
  const std::string first = TinyRwkv7::shard(0), second = TinyRwkv7::shard(1),
                    entry = "\"lm_head.weight\": \"" + first + "\"";

  EXPECT_EQ(error(changed(entry, "\"lm_head.weight\": \"" + second + "\"")),
            "tensor \"lm_head.weight\" is not in " + second + ", where the index has it");
  EXPECT_EQ(error(changed(entry, entry + ",\"more\": \"" + second + "\"")),
            "tensor \"more\" is not in " + second + ", where the index has it");
  EXPECT_EQ(error(changed(entry + ",", "")), "has no tensor \"lm_head.weight\", which one of its files has");
  EXPECT_EQ(error(changed(entry, "\"lm_head.weight\": 3")),
            "\"weight_map\" gives tensor \"lm_head.weight\" no file name");
  EXPECT_EQ(error(changed(entry, "\"lm_head.weight\": \"absent.safetensors\""), Code::not_found),
            "names the file \"absent.safetensors\", which is not in the folder");

  // A whole file that lies where the path says is not opened.
  folder.write("../outside.safetensors", safetensors_of({{"lm_head.weight", m.weights["lm_head.weight"]}}));
  const struct {
    std::string path, shown;
  } outside[] = {{"../outside.safetensors", "../outside.safetensors"},
                 {folder / "../outside.safetensors", folder / "../outside.safetensors"},
                 {"./" + first, "./" + first},
                 {"..", ".."},
                 {".", "."},
                 {"", ""},
                 {"a\\\\b", "a\\b"},
                 {first + "\\u0000", first + "\\x00"}};
  for (const auto& o : outside) {
    EXPECT_EQ(error(changed(entry, "\"lm_head.weight\": \"" + o.path + "\"")),
              "names the file \"" + o.shown + "\", expected a plain file name");
  }
  folder.remove("../outside.safetensors");

  for (const char* none :
       {"{}", "[]", "3", R"({"weight_map": {}})", R"({"weight_map": []})", R"({"weight_map": null})"}) {
    EXPECT_EQ(error(none), "has no \"weight_map\", expected an object from tensors to files") << none;
  }
  for (size_t percent = 0; percent < 100; ++percent)
    EXPECT_NE(error(whole.substr(0, whole.size() * percent / 100)), "");

  folder.write(name, whole);
  EXPECT_EQ(open_error(folder), "");
  folder.remove(second);
  EXPECT_EQ(open_error(folder, Code::not_found),
            start + "names the file \"" + second + "\", which is not in the folder");
}

TEST(HuggingFaceFiles, ATensorInTwoFiles) {
  ModelFolder folder;
  folder.write("config.json", R"({"model_type": "llama"})");
  for (const char* file : {"a.safetensors", "b.safetensors"}) {
    folder.write(file, safetensors_of({{"x", {{1}, {1}}}, {file, {{1}, {1}}}}));
  }
  folder.write("model.safetensors.index.json",
               R"({"weight_map": {"x": "a.safetensors", "a.safetensors": "a.safetensors",
      "b.safetensors": "b.safetensors"}})");
  EXPECT_EQ(open_error(folder), folder.path() + ": tensor \"x\" is in two of its files");
}

TEST(HuggingFaceFiles, CutOff) {
  TinyRwkv7 m;
  m.draw();
  ModelFolder folder;
  for (const bool shards : {true, false}) {  // model.safetensors goes before the index
    shards ? m.save_shards(folder) : m.save(folder);
    const std::string name = shards ? TinyRwkv7::shard(1) : "model.safetensors", whole = folder.read(name);
    for (size_t percent = 0; percent < 100; ++percent) {
      folder.write(name, whole.substr(0, whole.size() * percent / 100));
      EXPECT_EQ(open_error(folder).rfind(folder / name + ": ", 0), 0u) << percent;
    }
    folder.write(name, whole.substr(0, whole.size() - 1));
    EXPECT_NE(open_error(folder), "");
    folder.write(name, whole + "x");
    EXPECT_NE(open_error(folder), "");
    folder.write(name, whole);
    EXPECT_EQ(open_error(folder), "");
  }
}

TEST(HuggingFaceFiles, TypesOfTensors) {
  ModelFolder folder;
  folder.write("config.json", R"({"model_type": "llama"})");
  std::string file = safetensors_of({{"w", {{2}, {1, 2}}}});
  file.replace(file.find("F32"), 3, "F64");
  folder.write("model.safetensors", file);
  EXPECT_NE(open_error(folder, Code::unsupported), "");
}

// ---- tokenizer ---------------------------------------------------------------------------------------------------

TEST(HuggingFaceTokenizer, Paths) {
  ModelFolder folder;
  EXPECT_FALSE(open_config(folder, R"({"model_type": "llama"})")->has("tokenizer.json.path"));
  folder.write("tokenizer.json", "{}");
  const auto file = open_huggingface(folder.path());
  EXPECT_EQ(file->string("tokenizer.json.path"), folder / "tokenizer.json");
  EXPECT_EQ(file->string_or("tokenizer.ggml.model", "none"), "none");
  EXPECT_NE(error_of([&] { make_tokenizer(*file, 10); }, Code::format), "");
  // What is not here leaves a model of tokens; all else is used.
  folder.write("tokenizer.json", R"({"model": {"type": "Unigram", "vocab": []}})");
  EXPECT_EQ(make_tokenizer(*file, 10), nullptr);
  std::filesystem::copy_file(test::test_data("bpe/gpt2.json"), folder / "tokenizer.json",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(file->has("tokenizer.config.path"));
  const auto tokenizer = make_tokenizer(*file, 1200);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_STREQ(tokenizer->kind(), "bpe");
  EXPECT_EQ(tokenizer_config(*file).eos, -1);
  folder.write("tokenizer_config.json", R"({"eos_token": "<|endoftext|>", "chat_template": "{{ x }}"})");
  const auto again = open_huggingface(folder.path());
  EXPECT_EQ(tokenizer_config(*again).eos, 0);
  EXPECT_EQ(tokenizer_config(*again).chat_template, "{{ x }}");
}

TEST(HuggingFaceTokenizer, IdsThatTheVocabularyLacksMeanNone) {
  ModelFolder folder;
  const auto file =
      open_config(folder, R"({"model_type": "llama", "vocab_size": 10, "bos_token_id": 10, "eos_token_id": [-1, 3]})");
  EXPECT_FALSE(file->has("tokenizer.ggml.bos_token_id"));
  EXPECT_FALSE(file->has("tokenizer.ggml.eos_token_id"));
  EXPECT_NE(config_error(R"({"model_type": "llama", "eos_token_id": "x"})"), "");
}

TEST(HuggingFaceTokenizer, RwkvWorld) {
  ModelFolder folder;
  const std::string lines =
      "1 '\\x00' 1\n"
      "2 '\\n' 1\n"
      "3 'a' 1\n"
      "4 \"'\" 1\n"
      "5 '\"' 1\n"
      "6 '\\'\"' 2\n"
      "7 '\\\\' 1\n"
      "8 ' ' 1\n"
      "9 'a b' 3\n"
      "10 b'\\xd6' 1\n"
      "11 '\\x80' 2\n"  // a character in text, where it is a byte in bytes
      "12 '\xc3\xa9' 2\n"
      "13 '\\u200b' 3\n"
      "14 '\\U0001f600' 4\n"
      "15 '[PAD15]' 7\r\n"
      "17 b'\\xe2\\x80' 2";
  folder.write("rwkv_vocab_v20230424.txt", lines);
  const auto file =
      open_config(folder, R"({"model_type": "rwkv7", "bos_token_id": 1, "eos_token_id": 2, "vocab_size": 20})");
  EXPECT_EQ(file->string("tokenizer.rwkv_vocab.path"), folder / "rwkv_vocab_v20230424.txt");
  const auto tokenizer = make_tokenizer(*file, 20);
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_STREQ(tokenizer->kind(), "rwkv");
  const std::string pieces[] = {"",
                                std::string(1, '\0'),
                                "\n",
                                "a",
                                "'",
                                "\"",
                                "'\"",
                                "\\",
                                " ",
                                "a b",
                                "\xd6",
                                "\xc2\x80",
                                "\xc3\xa9",
                                "\xe2\x80\x8b",
                                "\xf0\x9f\x98\x80",
                                "[PAD15]",
                                "",
                                "\xe2\x80"};
  for (size_t i = 0; i < std::size(pieces); ++i) EXPECT_EQ(tokenizer->piece(static_cast<int32_t>(i)), pieces[i]) << i;
  EXPECT_EQ(tokenizer->encode("aa b\xd6\\'\"[PAD15]"), (std::vector<int32_t>{3, 9, 10, 7, 6, 15}));
  EXPECT_FALSE(file->has("tokenizer.ggml.bos_token_id"));
  EXPECT_EQ(file->integer("tokenizer.ggml.eos_token_id", 0, 9), 0);

  for (const char* wrong : {"x",
                            "1",
                            "1 'a'",
                            "'a' 1",
                            "1 'a' x",
                            "1 a 1",
                            "1 'a 1",
                            "1 '\\q' 1",
                            "1 '\\x0' 1",
                            "1 '\\x0g' 1",
                            "1 'a' 2",
                            "1 '' 0",
                            "-1 'a' 1",
                            "99999999 'a' 1",
                            "0 'a' 1",
                            "1 'a' 1\n1 'b' 1",
                            "1 ''' 1",
                            "1 '\\ud800' 3",
                            "1 '\\' 1",
                            "1 b'\\u0041' 1",
                            "1 'a' 1\n\n2 'b' 1",
                            "1  1",
                            "1 ' 1"}) {
    folder.write("rwkv_vocab_v20230424.txt", wrong);
    EXPECT_EQ(open_error(folder).rfind(folder / "rwkv_vocab_v20230424.txt: line ", 0), 0u) << wrong;
  }
}

}  // namespace
}  // namespace recurra
