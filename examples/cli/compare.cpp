// Every model is told the same facts, reads the same small talk and is asked at each depth, in the state that went on; the
// questions leave it as it was. A round is one conversation with eight facts, of which two have changed.

#include "compare.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "interrupt.h"
#include "process.h"
#include "reader.h"
#include "talk.h"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTimedTokens = 32;

struct Score {
  std::uint64_t right = 0, asked = 0;
  std::string text() const { return std::to_string(right) + "/" + std::to_string(asked); }
};

struct AtDepth {
  Score told, changed;
  std::uint64_t state_bytes = 0;
  double tokens_per_second = 0;  // one by one, as in generation
};

struct Contender {
  std::string name;
  recurra::ModelInfo info;
  std::vector<AtDepth> at;
};

// The folders with a config.json in `folder`, by name.
std::vector<std::filesystem::path> models_in(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) throw std::runtime_error(folder.string() + ": no such folder");
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (std::filesystem::exists(entry.path() / "config.json")) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

double decode_speed(const recurra::State& state, const recurra::Model& model) {
  recurra::State copy = state.clone();
  std::vector<float> logits(static_cast<std::size_t>(model.n_vocab()));
  Clock::time_point start;
  for (int i = -1; i < kTimedTokens; ++i) {  // the first one warms up
    if (i == 0) start = Clock::now();
    copy.feed({static_cast<recurra::Token>((i + 1) % model.n_vocab())}, feed_options());
    copy.logits(logits.data(), logits.size());
  }
  return kTimedTokens / std::chrono::duration<double>(Clock::now() - start).count();
}

void ask_all(AtDepth& at, const recurra::State& state, const std::vector<Fact>& facts) {
  for (const Fact& fact : facts) {
    Score& score = fact.changed.empty() ? at.told : at.changed;
    ++score.asked;
    score.right += ask(state, fact.question, kAnswerTokens) == fact.want ? 1 : 0;
  }
}

Contender measure(const Comparison& options, const Common& common, const std::string& name, std::uint64_t seed) {
  const recurra::Model model = open_model(common);
  Contender c{name, model.info(), std::vector<AtDepth>(options.depths.size())};
  require_text(c.info);
  for (std::uint64_t round = 0; round < options.rounds; ++round) {
    SmallTalk talk(seed + round);
    const std::vector<Fact> facts = talk.facts(kFacts, kChanges);
    recurra::State state(model);
    Reader reader(model, state, talk, options.depths.back(),
                  name + ", " + std::to_string(round + 1) + " of " + std::to_string(options.rounds));
    reader.tell(facts);
    std::uint64_t read = 0;
    for (std::size_t d = 0; d < options.depths.size(); ++d) {
      reader.read(options.depths[d] - read);
      read = options.depths[d];
      AtDepth& at = c.at[d];
      ask_all(at, state, facts);
      at.state_bytes = state.info().state_bytes;
      if (round == 0) at.tokens_per_second = decode_speed(state, model);
      check_interrupt();
    }
  }
  return c;
}

void print_line(const Contender& c, std::size_t width) {
  std::cout << pad(c.name, width) << pad(fixed(static_cast<double>(c.info.n_params) / 1e6, 2), 6, true);
  for (const AtDepth& at : c.at) std::cout << pad(at.told.text(), 11, true);
  for (const AtDepth& at : c.at) std::cout << pad(at.changed.text(), 11, true);
  std::cout << pad(with_commas(c.at.front().state_bytes), 13, true) << pad(with_commas(c.at.back().state_bytes), 13, true);
  for (const AtDepth* at : {&c.at.front(), &c.at.back()})
    std::cout << pad(with_commas(static_cast<std::uint64_t>(at->tokens_per_second)), 9, true);
  std::cout << '\n';
  flush_output();
}

void print_head(const Comparison& options, std::size_t width) {
  const std::size_t columns_of_depths = 11 * options.depths.size();
  std::cout << pad("", width) << "     M" << pad("told, after", columns_of_depths, true)
            << pad("changed, after", columns_of_depths, true) << pad("state bytes", 26, true) << pad("tokens/s", 18, true)
            << '\n'
            << pad("model", width) << "params";
  for (int i = 0; i < 2; ++i)
    for (const std::uint64_t depth : options.depths) std::cout << pad(with_commas(depth), 11, true);
  for (const std::size_t columns : {13, 9})
    for (const std::uint64_t depth : {options.depths.front(), options.depths.back()})
      std::cout << pad(with_commas(depth), columns, true);
  std::cout << '\n';
}

nlohmann::ordered_json as_json(const Comparison& options, const std::vector<Contender>& contenders) {
  auto models = nlohmann::ordered_json::array();
  for (const Contender& c : contenders) {
    auto at = nlohmann::ordered_json::array();
    for (std::size_t d = 0; d < c.at.size(); ++d)
      at.push_back({{"tokens", options.depths[d]},
                    {"told", {{"right", c.at[d].told.right}, {"asked", c.at[d].told.asked}}},
                    {"changed", {{"right", c.at[d].changed.right}, {"asked", c.at[d].changed.asked}}},
                    {"state_bytes", c.at[d].state_bytes},
                    {"tok_s", number(c.at[d].tokens_per_second)}});
    models.push_back({{"name", c.name}, {"architecture", c.info.architecture}, {"n_params", c.info.n_params}, {"at", at}});
  }
  return {{"rounds", options.rounds}, {"models", models}};
}

// draw_recall.py, beside the default model, draws what --json prints.
std::string drawing_script(const std::filesystem::path& folder) { return (folder / "draw_recall.py").string(); }

void draw(const std::string& script, const std::string& png, const nlohmann::ordered_json& json) {
  const TemporaryFile file("recall.json");
  std::ofstream out(file.path());
  out << dump_json(json);
  out.close();
  run_program("python3", {script, file.path(), png}, "the drawing of " + png);
}

}  // namespace

void add_comparison(CLI::App& command, Comparison& options) {
  CLI::Option* compare = command.add_flag("--compare", options.wanted, "Do it with a model of each mixer, at several depths");
  command.add_option("--depths", options.depths, "With --compare: tokens of small talk after which to ask")
      ->delimiter(',')
      ->check(whole_number(1))
      ->type_name("N,...")
      ->needs(compare)
      ->capture_default_str();
  command.add_option("--rounds", options.rounds, "With --compare: conversations of each model, with 8 facts each")
      ->check(whole_number(1, 1000))
      ->type_name("N")
      ->needs(compare)
      ->capture_default_str();
  command.add_option("--models", options.models, "With --compare: a folder of model folders (default: beside the default model)")
      ->type_name("FOLDER")
      ->needs(compare);
  command.add_option("--png", options.png, "With --compare: the picture, drawn by python3 with matplotlib")
      ->type_name("FILE")
      ->needs(compare);
}

void compare(const Comparison& asked, const Common& common, std::uint64_t seed) {
  Comparison options = asked;
  std::sort(options.depths.begin(), options.depths.end());
  options.depths.erase(std::unique(options.depths.begin(), options.depths.end()), options.depths.end());
  std::filesystem::path home;  // where the default model is; not asked for where nothing of it is needed
  if (options.png || !options.models) home = std::filesystem::path(recurra::Model::open_default().info().path).parent_path();
  if (options.png) run_program("python3", {drawing_script(home), "--check"}, "the drawing by python3");  // now, not after all the work

  std::vector<std::pair<std::string, Common>> models = {{common.model ? *common.model : "default", common}};
  for (const std::filesystem::path& path : models_in(options.models ? std::filesystem::path(*options.models) : home)) {
    Common other = common;
    other.model = path.string();
    models.emplace_back(path.filename().string(), other);
  }
  std::size_t width = 0;
  for (const auto& [name, unused] : models) width = std::max(width, name.size() + 2);
  if (!common.json) print_head(options, width);
  std::vector<Contender> contenders;
  for (const auto& [name, how] : models) {
    contenders.push_back(measure(options, how, name, seed));
    if (!common.json) print_line(contenders.back(), width);
  }
  const nlohmann::ordered_json json = as_json(options, contenders);
  if (options.png) draw(drawing_script(home), *options.png, json);
  if (common.json) print_json(json);
}

}  // namespace cli
