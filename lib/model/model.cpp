#include "model/model.h"

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "format/gguf.h"
#include "format/huggingface.h"
#include "tokenizer/bpe.h"

namespace recurra {
namespace {

// The best one that can run here; why the better ones cannot is in the log.
std::unique_ptr<Backend> open_best(const BackendOptions& o) {
  const Span<const BackendEntry> all = backends();
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    if (std::string(all[i].name) == "cpu") return all[i].create(o);  // what it refuses is refused
    try {
      return all[i].create(o);
    } catch (const Error& e) {
      log(LogLevel::debug, "backend %s: %s", all[i].name, e.what());
    }
  }
  return all[all.size() - 1].create(o);
}

std::unique_ptr<Backend> open_named(const ModelOptions& options) {
  const BackendOptions& o = options.compute;
  if (o.dtype != "auto" && o.dtype != "f32" && o.dtype != "bf16")
    fail(Code::invalid, "dtype is '%s', expected auto, f32 or bf16", printable(o.dtype).c_str());
  if (o.state != "f32" && o.state != "f16")
    fail(Code::invalid, "state_dtype is '%s', expected f32 or f16", printable(o.state).c_str());
  if (options.backend == "auto") return open_best(o);
  std::string known;
  for (const BackendEntry& b : backends()) {
    if (options.backend == b.name) return b.create(o);
    known += std::string(", ") + b.name;
  }
  fail(Code::backend, "backend '%s' is not known, expected auto%s", printable(options.backend).c_str(), known.c_str());
}

std::unique_ptr<Backend> open_backend(const ModelOptions& options) {
  std::unique_ptr<Backend> opened = open_named(options);
  if (options.compute.state == "f16" && opened->memories() != DType::f16)
    fail(Code::unsupported,
         "state_dtype f16 needs the cuda backend (--backend cuda); the %s backend keeps states in f32", opened->name());
  return opened;
}

// Bytes that stand for a tensor in the fingerprint: all of a small one, 64 evenly spaced pieces of a large one. A
// fingerprint of every byte would have to read the whole file before the first token.
void add_sample(Hasher& hasher, const TensorView& t) {
  constexpr uint64_t kPiece = 64, kPieces = 64;
  const auto* data = static_cast<const unsigned char*>(t.data);
  if (t.bytes <= kPiece * kPieces) return hasher.add(data, t.bytes);
  for (uint64_t i = 0; i < kPieces; ++i) hasher.add(data + (t.bytes - kPiece) / (kPieces - 1) * i, kPiece);
}

}  // namespace

void Control::check() const {
  if (cancel != nullptr && cancel->triggered()) fail(Code::cancelled, "cancelled by recurra_cancel_trigger");
}

Model::Model(const std::string& path, const void* data, uint64_t size, const ModelOptions& options) : exact_(options.exact) {
  options.control.check();
  if (data != nullptr) {
    file_ = open_gguf(data, size, "memory");
  } else {
    const std::string folder = huggingface_folder(path);
    file_ = folder.empty() ? open_gguf(path) : open_huggingface(folder);
  }
  backend_ = open_backend(options);
  layout_ = StateLayout(backend_->memories());
  const std::string architecture = file_->string("general.architecture");
  network_ = find_architecture(architecture).build(*file_, *backend_, layout_);
  hidden_offset_ = layout_.add("hidden", shape(network_.width));
  constexpr int64_t kMostTokens = int64_t{1} << 30;
  if (network_.vocabulary > kMostTokens)
    fail(Code::format, "%s: the vocabulary has %lld tokens, expected at most %lld", file_->name().c_str(),
         static_cast<long long>(network_.vocabulary), static_cast<long long>(kMostTokens));
  tokenizer_ = make_tokenizer(*file_, vocabulary());
  arena_ = std::make_unique<Arena>(*backend_, layout_.bytes());
  read_facts(data != nullptr ? "" : path);
  if (options.control.progress && !options.control.progress(facts_.bytes, facts_.bytes))
    fail(Code::cancelled, "opening was cancelled by the progress callback");
  options.control.check();
}

void Model::read_facts(const std::string& path) {
  facts_.architecture = file_->string("general.architecture");
  facts_.name = file_->string_or("general.name", "");
  facts_.path = path;
  facts_.chat_template = file_->string_or("tokenizer.chat_template", "");
  facts_.bos = static_cast<int32_t>(file_->integer_or("tokenizer.ggml.bos_token_id", -1, -1, network_.vocabulary - 1));
  facts_.eos = static_cast<int32_t>(file_->integer_or("tokenizer.ggml.eos_token_id", -1, -1, network_.vocabulary - 1));
  if (tokenizer_) {
    const TokenizerConfig config = tokenizer_config(*file_);
    if (config.bos >= 0 && config.bos < vocabulary()) facts_.bos = config.bos;
    if (config.eos >= 0 && config.eos < vocabulary()) facts_.eos = config.eos;
    if (!config.chat_template.empty()) facts_.chat_template = config.chat_template;
    facts_.tokenizer = tokenizer_->kind();
    facts_.tokenizer_hash = tokenizer_->hash();
  }
  std::map<std::string, uint64_t> bytes_of_type;
  for (const TensorView& t : file_->tensors()) {
    facts_.parameters += static_cast<uint64_t>(t.shape.elements());
    facts_.bytes += t.bytes;
    bytes_of_type[info(t.type).name] += t.bytes;
  }
  const auto most = std::max_element(bytes_of_type.begin(), bytes_of_type.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != bytes_of_type.end()) facts_.file_type = most->first;
  fingerprint();
}

// The hyperparameters, and every tensor's name, type, shape and a sample of its bytes.
void Model::fingerprint() {
  Hasher hasher;
  hasher.add(facts_.architecture);
  std::vector<std::string> keys;
  for (const std::string& key : file_->keys())
    if (file_->matters(key)) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  for (const std::string& key : keys) {
    hasher.add(key);
    hasher.add(file_->text(key));
  }
  std::vector<const TensorView*> tensors;
  for (const TensorView& t : file_->tensors()) tensors.push_back(&t);
  std::sort(tensors.begin(), tensors.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  for (const TensorView* t : tensors) {
    hasher.add(t->name);
    hasher.add(info(t->type).name + t->shape.text());
    add_sample(hasher, *t);
  }
  facts_.fingerprint = hasher.hex();
}

const Tokenizer& Model::need_tokenizer() const {
  if (!tokenizer_) fail(Code::unsupported, "%s: the model file has no tokenizer, only tokens can be used", file_->name().c_str());
  return *tokenizer_;
}

const char* Model::metadata_text(const std::string& key) const {
  if (!file_->has(key))
    fail(Code::not_found, "%s: there is no metadata key '%s'", file_->name().c_str(), printable(key).c_str());
  const std::lock_guard<std::mutex> lock(texts_mutex_);
  const auto found = texts_.find(key);
  if (found != texts_.end()) return found->second.c_str();
  return texts_.emplace(key, file_->text(key)).first->second.c_str();
}

void Model::check_tokens(const int32_t* tokens, size_t count) const {
  for (size_t i = 0; i < count; ++i)
    if (tokens[i] < 0 || tokens[i] >= vocabulary())
      fail(Code::token, "token %d at index %zu is outside the vocabulary, 0 to %d", tokens[i], i, vocabulary() - 1);
}

}  // namespace recurra
