#include "format/huggingface.h"

#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <unordered_map>

#include "core/error.h"
#include "core/log.h"
#include "core/mapped_file.h"
#include "format/huggingface_config.h"
#include "format/json_text.h"
#include "format/rwkv_vocabulary.h"
#include "format/safetensors.h"

namespace recurra {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr char kConfig[] = "config.json", kWeights[] = "model.safetensors", kIndex[] = "model.safetensors.index.json";
constexpr char kVocabulary[] = "rwkv_vocab_v20230424.txt", kTokenizer[] = "tokenizer.json",
               kTokenizerConfig[] = "tokenizer_config.json";
constexpr uint64_t kMostConfig = uint64_t{1} << 24,
                   kMostVocabulary = uint64_t{1} << 26;  // bytes; real ones: 10 kB, 1 MB

bool starts_with(const std::string& s, const char* start) { return s.rfind(start, 0) == 0; }

bool there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::string read_config(const std::string& folder, const std::string& shown) {
  if (!there(folder + "/" + kConfig)) {
    fail(Code::not_found, "%s: the folder has no config.json, expected a Hugging Face model", shown.c_str());
  }
  return read_text_file(folder + "/" + kConfig, kMostConfig);
}

// The last part of a path, however it is written.
std::string last_part(const std::string& path) {
  std::error_code ignored;
  const fs::path full = fs::absolute(path, ignored).lexically_normal();
  return full.has_filename() ? full.filename() : full.parent_path().filename();
}

class HuggingFace final : public HuggingFaceConfig {
 public:
  explicit HuggingFace(const std::string& folder)
      : HuggingFaceConfig(printable(folder, 300), read_config(folder, printable(folder, 300))), folder_(folder) {
    const std::string kept = string_or("_name_or_path", "");
    const bool hub = !kept.empty() && kept[0] != '/' && kept[0] != '.';  // else a path of the machine that saved it
    add("general.name", readable(hub ? kept : last_part(folder)));
    open_tensors();
    if (is_qwen()) add("general.tensor_prefix", prefix_);
    open_tokenizer();
  }

  const std::vector<TensorView>& tensors() const override { return tensors_; }

  const TensorView* find(const std::string& tensor) const override {
    const auto found = tensor_index_.find(tensor);
    return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
  }

 private:
  bool is_qwen() const { return starts_with(string("general.architecture"), "hf.qwen3"); }

  // Qwen's files also hold an eye and a head that drafts tokens; the language model has no use for them.
  bool wanted(const std::string& tensor) const {
    return !is_qwen() || (!starts_with(tensor, "model.visual.") && !starts_with(tensor, "mtp."));
  }

  void open_tensors() {
    if (there(folder_ + "/" + kWeights)) {
      open_file(kWeights);
    } else if (there(folder_ + "/" + kIndex)) {
      open_shards();
    } else {
      fail(Code::not_found, "%s: the folder has neither %s nor %s", name().c_str(), kWeights, kIndex);
    }
    for (const TensorView& t : tensors_) {
      if (starts_with(t.name, "model.language_model.")) prefix_ = "model.language_model.";
    }
  }

  void open_shards() {
    const std::string shown = name() + ": " + kIndex;
    const json index = parse_json(read_text_file(folder_ + "/" + kIndex, kSafetensorsMaxHeader), shown);
    const auto map = index.is_object() ? index.find("weight_map") : index.end();
    if (map == index.end() || !map->is_object() || map->empty()) {
      fail(Code::format, "%s: has no \"weight_map\", expected an object from tensors to files", shown.c_str());
    }
    std::map<std::string, size_t> files;
    for (const auto& [tensor, file] : map->items()) {
      if (!file.is_string()) {
        fail(Code::format, "%s: \"weight_map\" gives tensor \"%s\" no file name", shown.c_str(),
             printable(tensor).c_str());
      }
      files.emplace(file.get<std::string>(), 0);
    }
    size_t number = 0;
    for (auto& [file, shard] : files) {
      // What the index names lies in the folder, and nowhere else.
      if (file.empty() || file == "." || file == ".." ||
          file.find_first_of(std::string("/\\\0", 3)) != std::string::npos) {
        fail(Code::format, "%s: names the file \"%s\", expected a plain file name", shown.c_str(),
             printable(file).c_str());
      }
      if (!there(folder_ + "/" + file)) {
        fail(Code::not_found, "%s: names the file \"%s\", which is not in the folder", shown.c_str(),
             printable(file).c_str());
      }
      shard = number++;
      open_file(file);
    }
    for (const auto& [tensor, file] : map->items()) {
      if (!wanted(tensor)) continue;
      const auto found = tensor_index_.find(tensor);
      if (found == tensor_index_.end() || shards_[found->second] != files[file.get<std::string>()]) {
        fail(Code::format, "%s: tensor \"%s\" is not in %s, where the index has it", shown.c_str(),
             printable(tensor).c_str(), printable(file.get<std::string>()).c_str());
      }
    }
    for (const TensorView& t : tensors_) {
      if (!map->contains(t.name)) {
        fail(Code::format, "%s: has no tensor \"%s\", which one of its files has", shown.c_str(),
             printable(t.name).c_str());
      }
    }
  }

  void open_file(const std::string& file) {
    maps_.push_back(std::make_unique<MappedFile>(folder_ + "/" + file));
    const MappedFile& map = *maps_.back();
    const Safetensors safetensors(map.data(), map.size(), map.path(), Code::format);
    for (TensorView& t : safetensors.tensors([this](const std::string& tensor) { return wanted(tensor); })) {
      if (!tensor_index_.emplace(t.name, tensors_.size()).second) {
        fail(Code::format, "%s: tensor \"%s\" is in two of its files", name().c_str(), printable(t.name).c_str());
      }
      t.mapped = true;
      align(t);
      tensors_.push_back(std::move(t));
      shards_.push_back(maps_.size() - 1);
    }
  }

  // The format has no rule for where elements begin; all writers align them, but one tensor of an odd number of bytes
  // before others is enough. Elements are read as what they are, so those are copied.
  void align(TensorView& t) {
    if (reinterpret_cast<uintptr_t>(t.data) % info(t.type).block_bytes == 0 || t.bytes == 0) return;
    copies_.emplace_back((t.bytes + 7) / 8);
    std::memcpy(copies_.back().data(), t.data, t.bytes);
    t.data = copies_.back().data();
    t.mapped = false;
  }

  void open_tokenizer() {
    const std::string tokenizer = folder_ + "/" + kTokenizer, vocabulary = folder_ + "/" + kVocabulary;
    if (there(tokenizer)) add("tokenizer.json.path", tokenizer);
    if (there(folder_ + "/" + kTokenizerConfig)) add("tokenizer.config.path", folder_ + "/" + kTokenizerConfig);
    const bool world = there(vocabulary);
    if (world) {
      add("tokenizer.rwkv_vocab.path", vocabulary);
      const std::string text = read_text_file(vocabulary, kMostVocabulary);
      add("tokenizer.ggml.model", "rwkv");
      add("tokenizer.ggml.tokens", parse_rwkv_vocabulary(text, printable(vocabulary, 300)));
      // fla's configurations keep its defaults for other vocabularies, 1 and 2: bytes in this one.
      add("tokenizer.ggml.eos_token_id", 0);
    } else {
      add_token("bos_token_id");
      add_token("eos_token_id");
    }
  }

  // One id, or the first of a list. Some configurations name one that the vocabulary lacks, and mean none.
  void add_token(const std::string& key) {
    if (!has(key)) return;
    const std::vector<int64_t> ids = integers(key);
    if (ids.empty()) return;
    const int64_t vocabulary = integer_or("vocab_size", INT64_MAX, 0, INT64_MAX);
    if (ids[0] < 0 || ids[0] >= vocabulary) {
      log(LogLevel::warning, "%s: %s is %lld, which is no token", name().c_str(), key.c_str(),
          static_cast<long long>(ids[0]));
      return;
    }
    add("tokenizer.ggml." + key, ids[0]);
  }

  std::string folder_, prefix_ = "model.";
  std::vector<std::unique_ptr<MappedFile>> maps_;
  std::deque<std::vector<uint64_t>> copies_;
  std::vector<TensorView> tensors_;
  std::vector<size_t> shards_;  // of tensors_: the index in maps_
  std::unordered_map<std::string, size_t> tensor_index_;
};

}  // namespace

std::string huggingface_folder(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return path;
  const fs::path p(path);
  const std::string file = p.filename();
  const bool part = file == kConfig || file == kWeights || file == kIndex ||
                    (starts_with(file, "model-") && p.extension() == ".safetensors");
  if (!part || !there(path)) return "";
  return p.has_parent_path() ? p.parent_path().string() : ".";
}

std::unique_ptr<ModelFile> open_huggingface(const std::string& folder) { return std::make_unique<HuggingFace>(folder); }

}  // namespace recurra
