// The metadata half of a Hugging Face folder: what config.json says, under dotted paths ("rope_parameters.rope_theta").
//
// Numbers keep JSON's kinds: 4 is an integer, 4.0 is not. number() may be infinite, never NaN. A list is wanted: one
// number counts as a list of one. An object is there for has(), text() and is_null(), keys() has its leaves.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "format/model_file.h"

namespace recurra {

class HuggingFaceConfig : public ModelFile {
 public:
  const std::string& name() const override { return name_; }
  bool has(const std::string& key) const override { return values_.count(key) != 0; }
  bool is_null(const std::string& key) const override { return nulls_.count(key) != 0; }
  bool matters(const std::string& key) const override;
  int64_t integer(const std::string& key, int64_t least, int64_t most) const override;
  double number(const std::string& key) const override;
  bool boolean(const std::string& key) const override;
  std::string string(const std::string& key) const override;
  std::vector<std::string_view> strings(const std::string& key) const override;
  std::vector<int64_t> integers(const std::string& key) const override;
  std::vector<double> numbers(const std::string& key) const override;
  const std::vector<std::string>& keys() const override { return keys_; }
  std::string text(const std::string& key) const override;

 protected:
  // Parses config.json; `folder` is printable and for error lines. Adds general.architecture first of all keys: which
  // library's model it is, Code::unsupported where it is none of those below.
  HuggingFaceConfig(const std::string& folder, const std::string& config);

  // A key that config.json doesn't have: what the folder's other files say, under the names that GGUF has for it.
  void add(const std::string& key, nlohmann::json value);

 private:
  const nlohmann::json& value(const std::string& key, const char* expected) const;
  [[noreturn]] void damaged(const std::string& key, const std::string& what) const;
  [[noreturn]] void wrong_type(const std::string& key, const nlohmann::json& found, const char* expected) const;
  void flatten(const std::string& path, const nlohmann::json& object);
  void insert(const std::string& key, nlohmann::json value);

  std::string name_;
  std::vector<std::string> keys_;
  std::map<std::string, nlohmann::json> values_;
  std::set<std::string> nulls_, added_;
};

// general.architecture of a config.json: "fla.mamba2" for flash-linear-attention's, "hf.mamba2" for transformers'.
std::string huggingface_architecture(const nlohmann::json& config, const std::string& name);

}  // namespace recurra
