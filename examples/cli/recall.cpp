// recurra recall: does a conversation of fixed size still know at its end what it was told at its start?
//
//   1. tells the model a few facts, and then that some of them have changed
//   2. reads N tokens of small talk, watching memory and speed
//   3. saves the state to a file and starts a second process of this program, which is given the file and the
//   questions,
//      and nothing of what was told
//   4. compares its answers, as whole sentences, with the facts
//
// With --compare it does the same with a model of each mixer: compare.cpp.

#include <iostream>

#include "commands.h"
#include "common.h"
#include "compare.h"
#include "interrupt.h"
#include "process.h"
#include "reader.h"
#include "small_talk.h"
#include "talk.h"
#include "terminal.h"

namespace cli {
namespace {

struct Options {
  Common common;
  std::uint64_t tokens = 100000;
  std::uint64_t seed = 1;
  Comparison comparison;
};

// The second process gets the state file and the questions; see add_recall_answers.
std::vector<std::string> answers_of_a_new_process(const Options& options, const recurra::State& state,
                                                  const std::vector<Fact>& facts) {
  const TemporaryFile file("recall.state");
  state.save_file(file.path());
  std::vector<std::string> arguments = {"recall-answers",
                                        "--backend",
                                        options.common.backend,
                                        "--dtype",
                                        options.common.dtype,
                                        "--state-dtype",
                                        options.common.state_dtype,
                                        "-t",
                                        std::to_string(options.common.threads)};
  if (options.common.model) arguments.insert(arguments.end(), {"-m", *options.common.model});
  arguments.insert(arguments.end(), {"--state", file.path(), "--"});
  for (const Fact& fact : facts) arguments.push_back(fact.question);
  const nlohmann::json answers = nlohmann::json::parse(run_self(arguments));
  return answers.at("answers").get<std::vector<std::string>>();
}

void print_table(const std::vector<Fact>& facts, const std::vector<std::string>& answers) {
  constexpr std::size_t kLimit = 40;
  std::size_t question = 8, answer = 6, want = 4;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    question = std::max(question, facts[i].question.size());
    answer = std::max(answer, std::min(kLimit, answers[i].size()));
    want = std::max(want, facts[i].want.size());
  }
  std::cout << '\n'
            << pad("question", question) << "  " << pad("answer", answer) << "  "
            << "want\n";
  for (std::size_t i = 0; i < facts.size(); ++i) {
    std::cout << pad(facts[i].question, question) << "  " << pad(one_line(answers[i], kLimit), answer) << "  "
              << pad(facts[i].want, want) << "  " << (answers[i] == facts[i].want ? "right" : "wrong") << '\n';
  }
}

void run(const Options& options) {
  const recurra::Model model = open_model(options.common);
  const recurra::ModelInfo info = model.info();
  require_text(info);
  recurra::State state(model);
  SmallTalk talk(options.seed);
  const std::vector<Fact> facts = talk.facts(kFacts, kChanges);

  const bool json = options.common.json;
  if (!json) {
    std::cout << "model   " << model_label(info) << ": " << info.architecture << ", "
              << fixed(static_cast<double>(info.n_params) / 1e6, 1) << " M parameters, " << info.file_type << ", on "
              << info.backend << " with " << info.threads << (info.threads == 1 ? " thread\n" : " threads\n");
    for (std::size_t i = 0; i < facts.size(); ++i)
      std::cout << (i == 0 ? "told    " : "        ") << facts[i].told << '\n';
    const char* label = "changed ";
    for (const Fact& fact : facts) {
      if (fact.changed.empty()) continue;
      std::cout << label << fact.changed << '\n';
      label = "        ";
    }
    flush_output();
  }
  Reader reader(model, state, talk, options.tokens);
  reader.tell(facts);
  reader.read(options.tokens);
  const double tokens_per_second = static_cast<double>(options.tokens) / reader.seconds();
  const std::uint64_t state_bytes = state.info().state_bytes;
  if (!json) {
    std::cout << "read    " << with_commas(options.tokens) << " tokens of small talk in " << fixed(reader.seconds(), 2)
              << " s: " << with_commas(static_cast<std::uint64_t>(tokens_per_second)) << " tokens/s\n"
              << "state   " << with_commas(state_bytes) << " bytes, "
              << (info.state_bytes_per_token == 0 ? "now as at the start" : "growing with every token") << '\n'
              << "memory  " << in_bytes(reader.rss_start()) << " resident at the start, " << in_bytes(reader.rss_end())
              << " at the end\n"
              << "asking  in a new process, which has the saved state and the questions only\n";
    flush_output();
  }
  const std::vector<std::string> answers = answers_of_a_new_process(options, state, facts);

  std::size_t correct = 0;
  auto questions = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const bool ok = answers.at(i) == facts[i].want;
    correct += ok ? 1 : 0;
    questions.push_back({{"ask", facts[i].question}, {"answer", answers[i]}, {"want", facts[i].want}, {"ok", ok}});
  }
  if (json) {
    print_json({{"asked", facts.size()},
                {"correct", correct},
                {"tokens", options.tokens},
                {"tok_s", number(tokens_per_second)},
                {"state_bytes", state_bytes},
                {"rss_start", reader.rss_start()},
                {"rss_end", reader.rss_end()},
                {"seconds", number(reader.seconds())},
                {"questions", questions}});
    return;
  }
  print_table(facts, answers);
  std::cout << '\n'
            << correct << " of " << facts.size() << " right after " << with_commas(options.tokens) << " tokens\n";
}

}  // namespace

void add_recall(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("recall", "Tell the model facts, read N tokens, save; ask in a new process");
  add_model(*command, options->common);
  command->add_option("--tokens", options->tokens, "Tokens of small talk between the facts and the questions")
      ->check(whole_number(0))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the facts and the small talk")
      ->check(whole_number(0))
      ->type_name("N")
      ->capture_default_str();
  add_comparison(*command, options->comparison);
  add_common(*command, options->common);
  command->callback([options] {
    if (options->comparison.wanted)
      compare(options->comparison, options->common, options->seed);
    else
      run(*options);
  });
}

void add_recall_answers(CLI::App& program) {
  struct Asked {
    Common common;
    std::string state;
    std::vector<std::string> questions;
  };
  auto options = std::make_shared<Asked>();
  CLI::App* command = program.add_subcommand("recall-answers", "The second process of recall")->group("");
  add_model(*command, options->common);
  add_common(*command, options->common);
  command->add_option("--state", options->state)->required();
  command->add_option("questions", options->questions)->required();
  command->callback([options] {
    const recurra::Model model = open_model(options->common);
    recurra::State state(model);
    state.load_file(options->state);
    auto answers = nlohmann::ordered_json::array();
    for (const std::string& question : options->questions) answers.push_back(ask(state, question, kAnswerTokens));
    print_json({{"answers", answers}});
  });
}

}  // namespace cli
