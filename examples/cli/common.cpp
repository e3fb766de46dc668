#include "common.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "interrupt.h"
#include "terminal.h"

namespace cli {

using json = nlohmann::ordered_json;

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  const std::string expected = most == UINT64_MAX ? "of " + std::to_string(least) + " or more"
                                                  : "from " + std::to_string(least) + " to " + std::to_string(most);
  return CLI::Validator(
      [=](std::string& text) {
        const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
        errno = 0;
        const std::uint64_t value = digits ? std::strtoull(text.c_str(), nullptr, 10) : 0;
        const bool good = digits && errno == 0 && value >= least && value <= most;
        return good ? std::string() : "\"" + text + "\" is not a whole number " + expected;
      },
      "");
}

CLI::Validator number_between(double least, double most) {
  std::ostringstream expected;
  if (std::isfinite(most)) {
    expected << "from " << least << " to " << most;
  } else {
    expected << "of " << least << " or more";
  }
  return CLI::Validator(
      [least, most, expected = expected.str()](std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool good = !text.empty() && *end == '\0' && std::isfinite(value) && value >= least && value <= most;
        return good ? std::string() : "\"" + text + "\" is not a number " + expected;
      },
      "");
}

void add_model(CLI::App& command, Common& common) {
  command
      .add_option("-m,--model", common.model,
                  "GGUF file or Hugging Face folder (default: the model that is installed with the library)")
      ->type_name("MODEL");
}

void add_common(CLI::App& command, Common& common, const std::string& default_dtype) {
  common.dtype = default_dtype;
  command.add_option("--backend", common.backend, "What computes: auto, cpu, cuda or reference")
      ->check(CLI::IsMember({"auto", "cpu", "cuda", "reference"}))
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--dtype", common.dtype, "Of products over many tokens: auto, f32 or bf16")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}))
      ->type_name("TYPE")
      ->capture_default_str();
  command.add_option("--state-dtype", common.state_dtype, "Of states in memory: f32, or f16 with --backend cuda")
      ->check(CLI::IsMember({"f32", "f16"}))
      ->type_name("TYPE")
      ->capture_default_str();
  command.add_option("-t,--threads", common.threads, "Threads that compute; 0: the physical cores")
      ->check(whole_number(0, 1024))
      ->type_name("N")
      ->capture_default_str();
  command.add_flag("--exact", common.exact, "Read every token as generation does: any cut of a text gives the same bits");
  command.add_flag("--json", common.json, "One JSON object on stdout and nothing else");
}

recurra::Model open_model(const Common& common) {
  ProgressBar bar("opening the model", "bytes");
  recurra::ModelOptions options;
  options.backend = common.backend;
  options.dtype = common.dtype;
  options.state_dtype = common.state_dtype;
  options.threads = common.threads;
  options.exact = common.exact;
  options.cancel = &interrupt_cancel();
  if (bar.visible()) {
    options.progress = [&bar](std::uint64_t done, std::uint64_t total) {
      bar.update(done, total);
      return true;
    };
  }
  return common.model ? recurra::Model::open(*common.model, options) : recurra::Model::open_default(options);
}

std::string model_label(const recurra::ModelInfo& info) { return info.path.empty() ? info.name : info.path; }

void require_text(const recurra::ModelInfo& info) {
  if (!info.has_text) {
    throw recurra::Error(RECURRA_E_UNSUPPORTED, model_label(info) + " has no tokenizer, and this command needs text");
  }
}

recurra::FeedOptions feed_options() {
  recurra::FeedOptions options;
  options.cancel = &interrupt_cancel();
  return options;
}

recurra::Progress show(ProgressBar& bar, std::uint64_t done, std::uint64_t total, const std::string& more) {
  if (!bar.visible()) return nullptr;
  return [&bar, done, total, more](std::uint64_t read, std::uint64_t) {
    bar.update(done + read, total, more);
    return true;
  };
}

std::size_t next_slice(std::uint64_t position, std::size_t left, std::size_t slice) {
  return std::min(left, slice - static_cast<std::size_t>(position % slice));
}

namespace {

std::string read_all(std::istream& in, const std::string& name) {
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) throw std::runtime_error("cannot read " + name + ": " + std::strerror(errno));
  return bytes;
}

std::string read_bytes(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (in && in.peek() == std::ifstream::traits_type::eof() && errno == EISDIR) {
    throw std::runtime_error("cannot read " + path + ": " + std::strerror(EISDIR));
  }
  if (!in.is_open()) throw std::runtime_error("cannot open " + path + ": " + std::strerror(errno));
  in.clear();
  return read_all(in, path);
}

}  // namespace

std::string read_text(const std::string& path) {
  if (path == "-") return read_all(std::cin, "stdin");
  return read_bytes(path);
}

std::vector<recurra::Token> read_tokens(const std::string& path) {
  const std::string bytes = read_bytes(path);
  if (bytes.size() % sizeof(recurra::Token) != 0) {
    throw std::runtime_error(path + " has " + std::to_string(bytes.size()) +
                             " bytes, which is no whole number of int32 tokens");
  }
  std::vector<recurra::Token> tokens(bytes.size() / sizeof(recurra::Token));
  if (!tokens.empty()) std::memcpy(tokens.data(), bytes.data(), bytes.size());
  return tokens;
}

std::string dump_json(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

void print_json(const json& object) { std::cout << dump_json(object) << '\n'; }

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

void flush_output() {
  errno = 0;
  std::cout.flush();
  if (!std::cout) {
    const int why = errno;
    throw std::runtime_error(std::string("cannot write to stdout") + (why != 0 ? ": " : "") +
                             (why != 0 ? std::strerror(why) : ""));
  }
}

}  // namespace cli
