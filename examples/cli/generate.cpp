// recurra generate: goes on with a text, and streams what it writes to stdout.

#include <unistd.h>

#include <chrono>
#include <iostream>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "sampling.h"
#include "terminal.h"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Options {
  Common common;
  std::optional<std::string> prompt, prompt_file, state, save;
  std::vector<std::string> stops;
  std::uint64_t n = 128;
  recurra::SamplerOptions sampling;
};

std::string prompt_of(const Options& options) {
  if (options.prompt_file) return read_text(*options.prompt_file);
  if (options.prompt) return *options.prompt == "-" ? read_text("-") : *options.prompt;
  return "";
}

std::uint64_t feed_prompt(const recurra::Model& model, recurra::State& state, const std::string& prompt) {
  const std::vector<recurra::Token> tokens = model.tokenize(prompt);
  ProgressBar bar("reading the prompt", "tokens");
  recurra::FeedOptions options = feed_options();
  options.progress = show(bar, 0, tokens.size());
  if (!tokens.empty()) state.feed(tokens, options);
  return tokens.size();
}

void run(const Options& options) {
  const std::string prompt = prompt_of(options);
  const recurra::Model model = open_model(options.common);
  require_text(model.info());
  recurra::State state(model);
  if (options.state) state.load_file(*options.state);
  recurra::Sampler sampler(options.sampling);

  Clock::time_point start = Clock::now();
  const std::uint64_t n_prompt = feed_prompt(model, state, prompt);
  const double prompt_seconds = seconds_since(start);

  std::uint64_t n_generated = 0;
  char last = '\n';
  recurra::GenerateOptions generation;
  generation.max_tokens = options.n;
  generation.stop_texts = options.stops;
  generation.sampler = &sampler;
  generation.cancel = &interrupt_cancel();
  generation.on_token = [&](recurra::Token token, std::string_view text) {
    if (token >= 0) ++n_generated;
    if (!options.common.json && !text.empty()) {
      std::cout << text;
      flush_output();
      last = text.back();
    }
    return true;
  };
  start = Clock::now();
  std::string text;
  try {
    text = state.generate_text(generation);
  } catch (const recurra::Error&) {
    if (last != '\n' && is_terminal(STDOUT_FILENO)) std::cout << '\n';
    throw;
  }
  const double seconds = seconds_since(start);
  if (last != '\n' && is_terminal(STDOUT_FILENO)) std::cout << '\n';
  if (options.save) state.save_file(*options.save);
  if (options.common.json) {
    print_json({{"prompt_tokens", n_prompt},
                {"prompt_tok_s", number(static_cast<double>(n_prompt) / prompt_seconds)},
                {"tokens", n_generated},
                {"tok_s", number(static_cast<double>(n_generated) / seconds)},
                {"text", text}});
  }
}

}  // namespace

void add_generate(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("generate", "Go on with a text");
  add_model(*command, options->common);
  CLI::Option* prompt = command->add_option("-p,--prompt", options->prompt, "The text to go on with; -: from stdin");
  CLI::Option* file = command->add_option("--prompt-file", options->prompt_file, "A file with that text");
  prompt->type_name("TEXT")->excludes(file);
  file->type_name("FILE");
  command->add_option("-n,--n-predict", options->n, "Tokens to write at most")
      ->check(whole_number(0))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--stop", options->stops, "Stop where this text would come; may be given again")
      ->type_name("TEXT")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--state", options->state, "Start from this saved state")->type_name("FILE");
  command->add_option("--save", options->save, "Save the state at the end")->type_name("FILE");
  add_sampling(*command, options->sampling);
  add_common(*command, options->common);
  command->callback([options] {
    if (!options->prompt && !options->prompt_file && !options->state) {
      throw CLI::RequiredError("--prompt, --prompt-file or --state");
    }
    run(*options);
  });
}

}  // namespace cli
