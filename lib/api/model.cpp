// recurra.h, "model" and "text".
#include <cstdlib>
#include <string>

#include <dlfcn.h>

#include "api/handles.h"
#include "api/structs.h"

namespace recurra {
namespace {

recurra_model_options default_options() {
  recurra_model_options o{};
  o.backend = "auto";
  o.dtype = "auto";
  o.state_dtype = "f32";
  return o;
}

// The default model: the environment's, else share/recurra/default.gguf beside the folder this library lies in.
std::string default_model_path() {
  const char* named = std::getenv("RECURRA_DEFAULT_MODEL");
  if (named != nullptr && *named != '\0') return named;
  Dl_info found{};
  if (::dladdr(reinterpret_cast<const void*>(&recurra_version), &found) == 0 || found.dli_fname == nullptr)
    fail(Code::not_found, "the default model cannot be located: the library's own path is not known");
  std::string folder = found.dli_fname;
  const size_t slash = folder.rfind('/');
  folder = slash == std::string::npos ? "." : folder.substr(0, slash);
  // lib/ and lib/x86_64-linux-gnu/ both occur; a wheel keeps the model beside the library.
  const std::string places[] = {folder + "/../share/recurra/default.gguf", folder + "/../../share/recurra/default.gguf",
                                folder + "/default.gguf"};
  for (const std::string& place : places) {
    FILE* f = std::fopen(place.c_str(), "rbe");
    if (f == nullptr) continue;
    std::fclose(f);
    return place;
  }
  fail(Code::not_found, "the default model was not found at %s; RECURRA_DEFAULT_MODEL can name it",
       printable(places[0], 300).c_str());
}

void open(recurra_model** out, const char* path, const void* data, size_t size, const recurra_model_options* options) {
  need(out, "out");
  recurra_model_options o = default_options();
  copy_in(o, options, "recurra_model_options");
  ModelOptions m;
  if (o.exact > 1) fail(Code::invalid, "exact is %u, expected 0 or 1", o.exact);
  if (o.reserved != 0) fail(Code::invalid, "recurra_model_options: reserved is %u, expected 0", o.reserved);
  m.exact = o.exact != 0;
  if (o.backend != nullptr) m.backend = o.backend;
  if (o.dtype != nullptr) m.compute.dtype = o.dtype;
  if (o.state_dtype != nullptr) m.compute.state = o.state_dtype;
  constexpr uint32_t kMostThreads = 1024;
  if (o.threads > kMostThreads) fail(Code::invalid, "threads is %u, expected 0 to %u", o.threads, kMostThreads);
  m.compute.threads = static_cast<int>(o.threads);
  m.control.cancel = o.cancel != nullptr ? &o.cancel->flag : nullptr;
  if (o.progress != nullptr)
    m.control.progress = [&o](uint64_t done, uint64_t total) { return o.progress(o.user, done, total) == 0; };
  const std::string file = data != nullptr ? "" : path != nullptr ? path : default_model_path();
  auto handle = std::make_unique<recurra_model>();
  handle->model = std::make_shared<Model>(file, data, size, m);
  *out = handle.release();
}

const Model& of(const recurra_model* model) {
  need(model, "model");
  return *model->model;
}

}  // namespace
}  // namespace recurra

using namespace recurra;

recurra_status recurra_model_options_init(recurra_model_options* options, size_t struct_size) {
  return guard([&] { init_options(options, struct_size, default_options(), "recurra_model_options"); });
}

recurra_status recurra_model_open(recurra_model** out, const char* path, const recurra_model_options* options) {
  return guard([&] { open(out, path, nullptr, 0, options); });
}

recurra_status recurra_model_open_memory(recurra_model** out, const void* data, size_t size,
                                         const recurra_model_options* options) {
  return guard([&] {
    need(data, "data");
    if (reinterpret_cast<uintptr_t>(data) % 8 != 0)
      fail(Code::invalid, "data is at address %p, expected a multiple of 8", data);
    open(out, nullptr, data, size, options);
  });
}

recurra_status recurra_model_retain(recurra_model* model) {
  return guard([&] {
    need(model, "model");
    model->owners.fetch_add(1, std::memory_order_relaxed);
  });
}

void recurra_model_release(recurra_model* model) {
  if (model != nullptr && model->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete model;
}

recurra_status recurra_model_get_info(recurra_model_info* info, const recurra_model* model) {
  return guard([&] {
    const Model& m = of(model);
    const ModelFacts& facts = m.facts();
    recurra_model_info i{};
    i.n_vocab = m.vocabulary();
    i.n_layer = static_cast<int32_t>(m.network().layers);
    i.n_embd = static_cast<int32_t>(m.network().width);
    i.n_params = facts.parameters;
    i.model_bytes = facts.bytes;
    i.state_bytes = m.arena().slot_bytes();
    i.threads = static_cast<uint32_t>(m.backend().threads());
    i.bos_token = facts.bos;
    i.eos_token = facts.eos;
    i.has_text = m.tokenizer() != nullptr ? 1 : 0;
    i.architecture = facts.architecture.c_str();
    i.name = facts.name.c_str();
    i.path = facts.path.c_str();
    i.file_type = facts.file_type.c_str();
    i.tokenizer = facts.tokenizer.c_str();
    i.backend = m.backend().name();
    i.cpu_level = m.backend().level();
    i.dtype = m.backend().dtype();
    i.fingerprint = facts.fingerprint.c_str();
    i.chat_template = facts.chat_template.c_str();
    i.state_bytes_per_token =
        static_cast<uint64_t>(2 * m.layout().cache_layers() * m.layout().cache_width()) * sizeof(float);
    i.exact = m.exact() ? 1 : 0;
    i.tied_embedding = m.network().head ? 0 : 1;
    copy_out(info, i, "recurra_model_info");
  });
}

recurra_status recurra_model_metadata(const char** out, const recurra_model* model, const char* key) {
  return guard([&] {
    need(out, "out");
    need(key, "key");
    *out = of(model).metadata_text(key);
  });
}

recurra_status recurra_model_metadata_key(const char** out, const recurra_model* model, size_t index) {
  return guard([&] {
    need(out, "out");
    const auto& keys = of(model).file().keys();
    if (index >= keys.size()) fail(Code::not_found, "metadata index %zu, the file has %zu keys", index, keys.size());
    *out = keys[index].c_str();
  });
}

recurra_status recurra_tokenize(recurra_token* out, size_t capacity, size_t* n_out, const recurra_model* model,
                                const char* text, size_t length) {
  return guard([&] {
    const std::vector<int32_t> tokens = of(model).need_tokenizer().encode(text_view(text, length, "text"));
    fill(out, capacity, n_out, tokens.data(), tokens.size(), "tokens");
  });
}

recurra_status recurra_detokenize(char* out, size_t capacity, size_t* n_out, const recurra_model* model,
                                  const recurra_token* tokens, size_t n_tokens) {
  return guard([&] {
    const Model& m = of(model);
    if (n_tokens != 0) need(tokens, "tokens");
    m.check_tokens(tokens, n_tokens);
    std::string text;
    for (size_t i = 0; i < n_tokens; ++i) text += m.need_tokenizer().piece(tokens[i]);
    fill(out, capacity, n_out, text.data(), text.size(), "bytes");
  });
}
