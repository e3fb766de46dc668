// recurra perplexity: how well the model predicts a text, read as one conversation from an empty state.
//
//   nll = -1/(T-1) sum over t = 2..T of ln p(token_t | token_1 .. token_t-1)      in nats per token
//   bits per byte = nll (T-1) / ln 2 / bytes of tokens 2..T                       comparable between vocabularies
//   perplexity = exp(nll)
//
// The first token has nothing before it and is not predicted.

#include <chrono>
#include <cmath>
#include <iostream>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "terminal.h"

namespace cli {
namespace {

struct Options {
  Common common;
  std::optional<std::string> file, tokens;
};

void run(const Options& options) {
  const recurra::Model model = open_model(options.common);
  const recurra::ModelInfo info = model.info();
  std::vector<recurra::Token> tokens;
  if (options.tokens) {
    tokens = read_tokens(*options.tokens);
  } else {
    require_text(info);
    tokens = model.tokenize(read_text(*options.file));
  }
  if (tokens.size() < 2) {
    throw std::runtime_error((options.tokens ? *options.tokens : *options.file) + " has " +
                             std::to_string(tokens.size()) + " tokens; a prediction takes at least 2");
  }

  recurra::State state(model);
  std::vector<float> logprobs(std::min(tokens.size(), kSlice));
  recurra::FeedOptions feed = feed_options();
  feed.logprobs = logprobs.data();
  ProgressBar bar("reading", "tokens");
  double sum = 0;
  std::uint64_t bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t done = 0; done < tokens.size();) {
    const std::size_t n = next_slice(done, tokens.size() - done);
    feed.progress = show(bar, done, tokens.size());
    state.feed(tokens.data() + done, n, feed);
    const std::size_t first = done == 0 ? 1 : 0;
    for (std::size_t i = first; i < n; ++i) sum -= static_cast<double>(logprobs[i]);
    if (info.has_text) bytes += model.detokenize(tokens.data() + done + first, n - first).size();
    done += n;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  bar.clear();

  const std::size_t predicted = tokens.size() - 1;
  const double nll = sum / static_cast<double>(predicted);
  const double bits_per_byte = sum / std::log(2.0) / static_cast<double>(bytes);  // not finite without bytes
  const double speed = static_cast<double>(tokens.size()) / seconds;
  if (options.common.json) {
    print_json({{"model", model_label(info)},
                {"backend", info.backend},
                {"dtype", info.dtype},
                {"tokens", tokens.size()},
                {"predicted", predicted},
                {"bytes", bytes},
                {"nll", number(nll)},
                {"bits_per_byte", number(bits_per_byte)},
                {"perplexity", number(std::exp(nll))},
                {"seconds", number(seconds)},
                {"tok_s", number(speed)}});
    return;
  }
  std::cout << "tokens         " << with_commas(tokens.size()) << ", of which " << with_commas(predicted)
            << " were predicted\n"
            << "nats/token     " << fixed(nll, 6) << '\n'
            << "bits per byte  " << (bytes > 0 ? fixed(bits_per_byte, 6) : "unknown: the tokens have no text") << '\n'
            << "perplexity     " << fixed(std::exp(nll), 4) << '\n'
            << "speed          " << with_commas(static_cast<std::uint64_t>(speed)) << " tokens/s\n";
}

}  // namespace

void add_perplexity(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("perplexity", "How well the model predicts a text");
  add_model(*command, options->common);
  CLI::Option* file = command->add_option("file", options->file, "The text; -: from stdin")->type_name("FILE");
  CLI::Option* tokens = command->add_option("--tokens", options->tokens, "Tokens instead: int32, little-endian");
  tokens->type_name("FILE.i32")->excludes(file);
  add_common(*command, options->common, "f32");
  command->callback([options] {
    if (!options->file && !options->tokens) throw CLI::RequiredError("FILE or --tokens");
    run(*options);
  });
}

}  // namespace cli
