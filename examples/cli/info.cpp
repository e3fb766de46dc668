// recurra info: what a model file or a state file says of itself. Which of the two it is shows in its first bytes:
// "GGUF", or the length and the opening brace of a safetensors header; a folder is a model, and so are its files.

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "commands.h"
#include "common.h"
#include "terminal.h"

namespace cli {
namespace {

using json = nlohmann::ordered_json;

enum class Kind { model, state };

Kind kind_of(const std::string& path) {
  const std::filesystem::path p(path);
  if (std::filesystem::is_directory(p) || p.filename() == "config.json") return Kind::model;
  const bool weights = p.extension() == ".safetensors" && p.filename().string().rfind("model", 0) == 0;
  if (weights && std::filesystem::exists(p.parent_path() / "config.json")) return Kind::model;
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path + ": " + std::strerror(errno));
  char head[9] = {};
  in.read(head, sizeof head);
  if (in.gcount() >= 4 && std::memcmp(head, "GGUF", 4) == 0) return Kind::model;
  if (in.gcount() == sizeof head && head[8] == '{') return Kind::state;
  throw std::runtime_error(path +
                           " is neither a model (GGUF, or a Hugging Face folder) nor a state file (safetensors)");
}

// Values in one column, long ones cut.
class Lines {
 public:
  void add(const std::string& key, const std::string& value) { lines_.emplace_back(key, value); }
  void print() const {
    std::size_t width = 0;
    for (const auto& line : lines_) width = std::max(width, line.first.size());
    for (const auto& line : lines_) std::cout << pad(line.first, width) << "  " << one_line(line.second, 96) << '\n';
  }

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

std::string token_name(recurra::Token token) { return token < 0 ? "none" : std::to_string(token); }

void print_model(const Common& common) {
  const recurra::Model model = open_model(common);
  const recurra::ModelInfo info = model.info();
  json metadata = json::object();
  for (const std::string& key : model.metadata_keys()) metadata[key] = model.metadata(key);
  if (common.json) {
    print_json({{"kind", "model"},
                {"path", info.path},
                {"name", info.name},
                {"architecture", info.architecture},
                {"file_type", info.file_type},
                {"n_params", info.n_params},
                {"model_bytes", info.model_bytes},
                {"state_bytes", info.state_bytes},
                {"state_bytes_per_token", info.state_bytes_per_token},
                {"n_layer", info.n_layer},
                {"n_embd", info.n_embd},
                {"n_vocab", info.n_vocab},
                {"tied_embedding", info.tied_embedding},
                {"tokenizer", info.tokenizer},
                {"bos_token", info.bos_token},
                {"eos_token", info.eos_token},
                {"chat_template", info.chat_template},
                {"fingerprint", info.fingerprint},
                {"backend", info.backend},
                {"cpu_level", info.cpu_level},
                {"dtype", info.dtype},
                {"threads", info.threads},
                {"metadata", metadata}});
    return;
  }
  Lines lines;
  lines.add("file", info.path);
  lines.add("name", info.name.empty() ? "none" : info.name);
  lines.add("architecture", info.architecture);
  lines.add("parameters", with_commas(info.n_params));
  lines.add("weights", in_bytes(info.model_bytes) + ", mostly " + info.file_type);
  lines.add("layers", std::to_string(info.n_layer) + " of width " + std::to_string(info.n_embd));
  lines.add("vocabulary",
            with_commas(static_cast<std::uint64_t>(info.n_vocab)) + " tokens, tokenizer " + info.tokenizer);
  lines.add("first, last token", token_name(info.bos_token) + ", " + token_name(info.eos_token));
  lines.add("chat template", info.chat_template.empty() ? "none" : info.chat_template);
  lines.add("state", with_commas(info.state_bytes) + " bytes, " +
                         (info.state_bytes_per_token == 0
                              ? "whatever it has read"
                              : "and " + with_commas(info.state_bytes_per_token) + " more for each token it reads"));
  lines.add("fingerprint", info.fingerprint);
  lines.add("runs on", info.backend + (info.cpu_level.empty() ? "" : " (" + info.cpu_level + ")") + ", " +
                           std::to_string(info.threads) + (info.threads == 1 ? " thread, " : " threads, ") +
                           info.dtype);
  lines.print();
  Lines keys;
  for (const auto& item : metadata.items()) keys.add("  " + item.key(), item.value().get<std::string>());
  std::cout << "metadata\n";
  keys.print();
}

void print_state(const std::string& path, bool as_json) {
  const recurra::Peek peek = recurra::peek_file(path);
  const json metadata = json::parse(peek.metadata);
  json notes = json::object();
  for (const auto& item : metadata.items()) {
    if (item.key().compare(0, 5, "note.") == 0) notes[item.key().substr(5)] = item.value();
  }
  if (as_json) {
    print_json({{"kind", "state"},
                {"path", path},
                {"format_version", peek.format_version},
                {"architecture", peek.architecture},
                {"n_tokens", peek.n_tokens},
                {"file_bytes", peek.file_bytes},
                {"dtype", peek.dtype},
                {"model_fingerprint", peek.model_fingerprint},
                {"tokenizer_hash", peek.tokenizer_hash},
                {"backend", peek.backend},
                {"cpu_level", peek.cpu_level},
                {"compute_dtype", peek.compute_dtype},
                {"checksum", peek.checksum},
                {"notes", notes},
                {"metadata", metadata}});
    return;
  }
  Lines lines;
  lines.add("file", path);
  lines.add("state of", peek.architecture + " model " + peek.model_fingerprint);
  lines.add("has read", with_commas(peek.n_tokens) + " tokens");
  lines.add("size", with_commas(peek.file_bytes) + " bytes, values in " + peek.dtype);
  lines.add("format", "version " + std::to_string(peek.format_version));
  lines.add("computed by",
            peek.backend + (peek.cpu_level.empty() ? "" : " (" + peek.cpu_level + ")") + ", " + peek.compute_dtype);
  lines.add("tokenizer", peek.tokenizer_hash);
  lines.add("checksum", peek.checksum);
  for (const auto& item : notes.items()) lines.add("note " + item.key(), item.value().get<std::string>());
  lines.print();
}

}  // namespace

void add_info(CLI::App& program) {
  auto common = std::make_shared<Common>();
  CLI::App* command = program.add_subcommand("info", "What a model file or a state file says of itself");
  command->add_option("file", common->model, "Model or state file (default: the model that is installed)")
      ->type_name("FILE");
  add_common(*command, *common);
  command->callback([common] {
    if (common->model && kind_of(*common->model) == Kind::state) {
      print_state(*common->model, common->json);
    } else {
      print_model(*common);
    }
  });
}

}  // namespace cli
