// recurra bench: tokens per second, and how much of what the machine gives that is.
//
//   ppP  reads P random tokens per state, and the logits after the last one (prefill)
//   tgN  reads N random tokens one by one, and the logits after each (decode: what generation does)
//
// With -b B, B states are fed together; tok_s counts the tokens of all of them. With --depth D every state has read D
// tokens before the clock starts; of several depths each run visits all, so that what else the machine does meets them
// alike. A first run is not counted; tok_s is the median of the others.
//
// fraction_of_limit, the part of the machine's best that a test reached, both measured in the same run:
//   tg  bytes of a step, over its time, over read_gb_s. Bytes: all the model's weights, also those that are left out
//       because their input is 0, but an embedding table that is not the head, too: only a row of it is read (it is
//       taken as n_vocab n_embd of n_params); each state's fixed part once in and once out, and what grew with the
//       tokens, the keys and values of softmax attention, once in.
//   pp  2 FLOP per token and weight, over the time, over gemm_gflop_s. Weights: n_params but for the embedding table
//       and the head, which only one token in a prompt needs; the scan's own FLOP, which are few, are not counted.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <random>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "limits.h"
#include "process.h"
#include "terminal.h"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  Common common;
  std::vector<std::uint64_t> prefill = {512}, decode = {128}, batch = {1}, depth = {0};
  std::uint64_t repeats = 3;
};

// A state that has read `tokens` tokens.
struct Depth {
  std::uint64_t tokens = 0;
  recurra::State state;
  std::uint64_t state_bytes = 0;
  std::uint64_t resident = 0;  // the process, when the state had read them
};

struct Result {
  std::string test;
  std::uint64_t batch = 0;
  const Depth* depth = nullptr;
  double median = 0, min = 0, max = 0;  // tokens per second
  bool decode = false;
};

class Bench {
 public:
  Bench(const recurra::Model& model, const Options& options) : model_(model), options_(options) {
    for (const std::uint64_t depth : options.depth) depths_.push_back({depth, recurra::State(model), 0, 0});
    fill();
  }

  const Depth& deepest() const { return depths_.back(); }

  std::vector<Result> prefill(std::uint64_t batch, std::uint64_t n) {
    std::vector<std::vector<recurra::Token>> tokens;
    for (std::uint64_t b = 0; b < batch; ++b) tokens.push_back(draw(n));
    return measure({"pp" + std::to_string(n), batch}, n, [&](const Tick&) {
      feed(tokens);
      read_logits();
    });
  }

  std::vector<Result> decode(std::uint64_t batch, std::uint64_t n) {
    std::vector<std::vector<recurra::Token>> drawn;
    for (std::uint64_t i = 0; i < n; ++i) drawn.push_back(draw(batch));
    std::vector<std::vector<recurra::Token>> tokens(batch, std::vector<recurra::Token>(1));
    Result test{"tg" + std::to_string(n), batch};
    test.decode = true;
    return measure(test, n, [&](const Tick& tick) {
      for (std::uint64_t i = 0; i < n; ++i) {
        for (std::uint64_t b = 0; b < batch; ++b) tokens[b][0] = drawn[i][b];
        feed(tokens);
        read_logits();
        tick((i + 1) * batch);
      }
    });
  }

 private:
  using Tick = std::function<void(std::uint64_t done)>;  // tokens of this run; costs nothing that can be measured

  // Reads as many tokens as the deepest state needs, leaving a copy at each depth on the way.
  void fill() {
    // What memory takes from the start is there before it is read: the states, the weights as blocks and single tokens
    // use them.
    recurra::State state(model_);
    for (Depth& depth : depths_) depth.state.copy_from(state);
    state.feed(draw(2 * kSlice + 1), feed_options_);
    state.reset();

    const std::uint64_t last = deepest().tokens;
    ProgressBar bar("filling to the depth", "tokens");
    recurra::FeedOptions feed = feed_options();
    std::uint64_t done = 0;
    for (Depth& depth : depths_) {
      while (done < depth.tokens) {
        const std::size_t n = next_slice(done, depth.tokens - done, 8 * kSlice);
        feed.progress = show(bar, done, last);
        state.feed(draw(n), feed);
        done += n;
      }
      depth.state.copy_from(state);
      depth.state_bytes = state.info().state_bytes;
      depth.resident = resident_bytes();
    }
  }

  // One run is body(tick), over states that are at a depth. One result per depth.
  template <typename Body>
  std::vector<Result> measure(const Result& test, std::uint64_t n, const Body& body) {
    states_.clear();
    pointers_.clear();
    for (std::uint64_t b = 0; b < test.batch; ++b) states_.emplace_back(model_);
    for (recurra::State& state : states_) pointers_.push_back(&state);
    readers_.assign(pointers_.begin(), pointers_.end());
    logits_.resize(states_.size() * static_cast<std::size_t>(model_.n_vocab()));
    ProgressBar bar(test.test, "tokens");
    const std::uint64_t each = test.batch * n, total = each * depths_.size() * (options_.repeats + 1);
    std::vector<std::vector<double>> speeds(depths_.size());
    std::uint64_t before = 0;
    const Tick tick = [&](std::uint64_t done) { bar.update(before + done, total); };
    for (std::uint64_t run = 0; run <= options_.repeats; ++run) {
      for (std::size_t d = 0; d < depths_.size(); ++d) {
        for (recurra::State& state : states_) state.copy_from(depths_[d].state);
        const Clock::time_point start = Clock::now();
        body(tick);
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        if (run > 0) speeds[d].push_back(static_cast<double>(each) / seconds);  // run 0 warms up
        tick(each);
        before += each;
      }
    }
    std::vector<Result> results;
    for (std::size_t d = 0; d < depths_.size(); ++d) {
      std::vector<double>& of_depth = speeds[d];
      std::sort(of_depth.begin(), of_depth.end());
      const std::size_t half = of_depth.size() / 2;
      Result result = test;
      result.depth = &depths_[d];
      result.median = of_depth.size() % 2 == 1 ? of_depth[half] : (of_depth[half - 1] + of_depth[half]) / 2;
      result.min = of_depth.front();
      result.max = of_depth.back();
      results.push_back(result);
    }
    return results;
  }

  void feed(const std::vector<std::vector<recurra::Token>>& tokens) {
    if (tokens.size() == 1) {
      states_[0].feed(tokens[0], feed_options_);
    } else {
      recurra::feed_batch(pointers_, tokens, feed_options_);
    }
  }

  void read_logits() { recurra::logits_batch(readers_, logits_.data(), logits_.size()); }

  std::vector<recurra::Token> draw(std::uint64_t n) {
    std::vector<recurra::Token> tokens(n);
    for (recurra::Token& token : tokens)
      token = static_cast<recurra::Token>(random_() % static_cast<std::uint64_t>(model_.n_vocab()));
    return tokens;
  }

  const recurra::Model& model_;
  const Options& options_;
  std::vector<Depth> depths_;  // in ascending order
  std::vector<float> logits_;
  std::vector<recurra::State> states_;
  std::vector<recurra::State*> pointers_;
  std::vector<const recurra::State*> readers_;
  const recurra::FeedOptions feed_options_ = feed_options();
  std::mt19937_64 random_{1};
};

struct Limits {
  double read_gb_s = 0, gemm_gflop_s = 0;
};

// A graphics card's limits are not this machine's: unknown, NaN.
Limits measure_limits(const recurra::ModelInfo& info, std::size_t rows) {
  if (info.backend != "cpu" && info.backend != "reference") return {std::nan(""), std::nan("")};
  Limits limits;
  limits.read_gb_s = measure_read_gb_s(info.threads);
  limits.gemm_gflop_s = measure_gemm_gflop_s(info.threads, rows, info.dtype == "bf16");
  return limits;
}

double fraction_of_limit(const Result& result, const recurra::ModelInfo& info, const Limits& limits) {
  const double n_params = static_cast<double>(info.n_params);
  const double embedding = static_cast<double>(info.n_vocab) * info.n_embd;
  const double read = n_params - (info.tied_embedding ? 0 : embedding);
  if (result.decode) {
    const double weights = static_cast<double>(info.model_bytes) * read / n_params;
    const double state = static_cast<double>(info.state_bytes) + static_cast<double>(result.depth->state_bytes);
    const double states = state * static_cast<double>(result.batch);
    return (weights + states) * result.median / static_cast<double>(result.batch) / (limits.read_gb_s * 1e9);
  }
  return 2 * (read - embedding) * result.median / (limits.gemm_gflop_s * 1e9);  // without the head
}

std::string or_unknown(double value, int digits) { return std::isfinite(value) ? fixed(value, digits) : "unknown"; }

void print(const std::vector<Result>& results, const recurra::ModelInfo& info, const Limits& limits,
           std::uint64_t state_bytes, std::uint64_t rss_peak) {
  std::cout << "model   " << model_label(info) << ": " << info.architecture << ", "
            << fixed(static_cast<double>(info.n_params) / 1e6, 1) << " M parameters, " << info.file_type << ", "
            << in_bytes(info.model_bytes) << "; state " << in_bytes(state_bytes) << '\n'
            << "runs on " << info.backend << (info.cpu_level.empty() ? "" : " (" + info.cpu_level + ")") << ", "
            << info.threads << (info.threads == 1 ? " thread, " : " threads, ") << info.dtype << "\n\n"
            << "test       batch     depth     tok/s       min       max  of limit\n";
  for (const Result& r : results) {
    const double fraction = fraction_of_limit(r, info, limits);
    std::cout << pad(r.test, 8) << pad(std::to_string(r.batch), 8, true)
              << pad(std::to_string(r.depth->tokens), 10, true) << pad(fixed(r.median, 1), 10, true)
              << pad(fixed(r.min, 1), 10, true) << pad(fixed(r.max, 1), 10, true)
              << pad(std::isfinite(fraction) ? fixed(100 * fraction, 1) + "%" : "unknown", 10, true) << '\n';
  }
  std::cout << "\nlimits  reading " << or_unknown(limits.read_gb_s, 1) << " GB/s, " << info.dtype << " products "
            << or_unknown(limits.gemm_gflop_s, 0) << " GFLOP/s\nmemory  " << in_bytes(rss_peak)
            << " resident at the peak\n";
}

void run(const Options& options) {
  const recurra::Model model = open_model(options.common);
  const recurra::ModelInfo info = model.info();
  std::vector<Result> results;
  const auto add = [&](const std::vector<Result>& found) { results.insert(results.end(), found.begin(), found.end()); };
  Bench bench(model, options);
  for (const std::uint64_t batch : options.batch) {
    for (const std::uint64_t n : options.prefill) {
      if (n > 0) add(bench.prefill(batch, n));
    }
    for (const std::uint64_t n : options.decode) {
      if (n > 0) add(bench.decode(batch, n));
    }
  }
  const std::uint64_t state_bytes = bench.deepest().state_bytes;
  const std::uint64_t rss_peak = resident_peak_bytes();  // before the limits, whose buffers are no part of it
  const std::uint64_t longest = *std::max_element(options.prefill.begin(), options.prefill.end());
  const Limits limits = measure_limits(info, static_cast<std::size_t>(std::clamp<std::uint64_t>(longest, 64, 512)));
  check_interrupt();

  if (!options.common.json) {
    print(results, info, limits, state_bytes, rss_peak);
    return;
  }
  auto list = nlohmann::ordered_json::array();
  for (const Result& r : results) {
    list.push_back({{"test", r.test},
                    {"batch", r.batch},
                    {"depth", r.depth->tokens},
                    {"tok_s", number(r.median)},
                    {"min", number(r.min)},
                    {"max", number(r.max)},
                    {"state_bytes", r.depth->state_bytes},
                    {"rss", r.depth->resident},
                    {"fraction_of_limit", number(fraction_of_limit(r, info, limits))}});
  }
  print_json({{"model", model_label(info)},
              {"backend", info.backend},
              {"threads", info.threads},
              {"results", list},
              {"model_bytes", info.model_bytes},
              {"state_bytes", state_bytes},
              {"rss_peak", rss_peak},
              {"limits", {{"read_gb_s", number(limits.read_gb_s)}, {"gemm_gflop_s", number(limits.gemm_gflop_s)}}}});
}

}  // namespace

void add_bench(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("bench", "Tokens per second, and the part of the machine's limits they are");
  command->footer(
      "\"of limit\" (fraction_of_limit) holds decode (tg) against reading memory: all weights but an embedding\n"
      "table that is not the head, too, and every state in and out, once per step; and prefill (pp) against matrix\n"
      "products: 2 FLOP per token and weight but for the embedding table and the head. Both limits are measured\n"
      "after the tests, with as many threads. A model that fits in the processor's cache decodes faster than memory\n"
      "is read, and one that leaves out weights whose input is 0 reads less than all: both may be above 100%.");
  add_model(*command, options->common);
  command->add_option("-p,--n-prompt", options->prefill, "Prefill this many tokens; 0: no such test; 64,512: both")
      ->delimiter(',')
      ->check(whole_number(0))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("-n,--n-gen", options->decode, "Decode this many tokens")
      ->delimiter(',')
      ->check(whole_number(0))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("-b,--batch", options->batch, "States that are fed together")
      ->delimiter(',')
      ->check(whole_number(1, 65536))
      ->type_name("B")
      ->capture_default_str();
  command->add_option("-r,--repeats", options->repeats, "Runs that count")
      ->check(whole_number(1, 10000))
      ->type_name("R")
      ->capture_default_str();
  command->add_option("--depth", options->depth, "Tokens every state has read before; 0,1000: both, in turns")
      ->delimiter(',')
      ->check(whole_number(0))
      ->type_name("D")
      ->capture_default_str();
  add_common(*command, options->common);
  command->callback([options] {
    std::sort(options->depth.begin(), options->depth.end());
    options->depth.erase(std::unique(options->depth.begin(), options->depth.end()), options->depth.end());
    run(*options);
  });
}

}  // namespace cli
