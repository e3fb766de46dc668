// recurra logits: the logits after every token of a file, as float32 [tokens, n_vocab] in row-major order,
// little-endian. What other programs' outputs are compared with. Memory stays bounded: one slice of rows at a time.

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "terminal.h"

namespace cli {
namespace {

struct Options {
  Common common;
  std::string tokens, out;
  bool step = false;
};

void run(const Options& options) {
  const recurra::Model model = open_model(options.common);
  const recurra::ModelInfo info = model.info();
  const std::vector<recurra::Token> tokens = read_tokens(options.tokens);
  errno = 0;
  std::ofstream out(options.out, std::ios::binary | std::ios::trunc);
  if (!out) throw std::runtime_error("cannot open " + options.out + ": " + std::strerror(errno));

  recurra::State state(model);
  const std::size_t n_vocab = static_cast<std::size_t>(info.n_vocab);
  std::vector<float> rows(std::min(tokens.size(), kSlice) * n_vocab);
  recurra::FeedOptions feed = feed_options();
  feed.step = options.step;
  feed.logits = rows.data();
  ProgressBar bar("logits", "tokens");
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t done = 0; done < tokens.size();) {
    const std::size_t n = next_slice(done, tokens.size() - done);
    feed.progress = show(bar, done, tokens.size());
    state.feed(tokens.data() + done, n, feed);
    out.write(reinterpret_cast<const char*>(rows.data()), static_cast<std::streamsize>(n * n_vocab * sizeof(float)));
    if (!out) break;
    done += n;
  }
  out.close();
  if (!out) throw std::runtime_error("cannot write " + options.out + ": " + std::strerror(errno));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  bar.clear();

  if (options.common.json) {
    print_json({{"model", model_label(info)},
                {"tokens", tokens.size()},
                {"n_vocab", info.n_vocab},
                {"backend", info.backend},
                {"dtype", info.dtype},
                {"step", options.step},
                {"out", options.out},
                {"seconds", number(seconds)}});
  }
}

}  // namespace

void add_logits(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("logits", "Logits after every token of a file, float32 row-major");
  add_model(*command, options->common);
  command->add_option("--tokens", options->tokens, "Tokens: int32, little-endian")->required()->type_name("FILE.i32");
  command->add_option("--out", options->out, "Logits: float32 [tokens, n_vocab]")->required()->type_name("FILE.f32");
  command->add_flag("--step", options->step, "Feed one token at a time, as generation does");
  add_common(*command, options->common, "f32");
  command->callback([options] { run(*options); });
}

}  // namespace cli
