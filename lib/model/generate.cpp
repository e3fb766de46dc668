#include "model/generate.h"

#include <algorithm>

#include "core/error.h"
#include "tokenizer/stream.h"

namespace recurra {

namespace {

void generate_from(State& state, const GenerateOptions& options) {
  const Model& model = state.model();
  const Tokenizer* tokenizer = model.tokenizer();
  if (!options.stop_texts.empty()) model.need_tokenizer();
  model.check_tokens(options.stop_tokens.data(), options.stop_tokens.size());

  Sampler greedy{SamplerOptions()};
  Sampler& sampler = options.sampler != nullptr ? *options.sampler : greedy;
  TextStream stream(options.stop_texts);
  const bool there = model.pick(nullptr, {}, {});  // where the logits are
  std::vector<float> logits(static_cast<size_t>(model.vocabulary()));
  std::string text;
  Control control;
  control.cancel = options.cancel;
  FeedOptions feed;
  const auto finish = [&] {
    text.clear();
    stream.finish(text);
    if (!text.empty()) options.on_token(-1, text);
  };
  for (uint64_t n = 0; n < options.max_tokens; ++n) {
    if (options.cancel != nullptr && options.cancel->triggered()) {
      finish();  // the state has read it
      control.check();
    }
    int32_t token = -1;
    if (there && state.pick(token, sampler.next()) && token >= 0) {
      sampler.picked(token);
    } else {
      state.logits(logits.data());
      token = sampler.pick(logits.data(), logits.size());
    }
    const auto& stops = options.stop_tokens;
    if (token == model.facts().eos || std::find(stops.begin(), stops.end(), token) != stops.end()) break;
    state.feed(&token, 1, feed, nullptr);
    text.clear();
    const bool stopped = tokenizer != nullptr && stream.push(tokenizer->piece(token), text);
    if (!options.on_token(token, text) || stopped) break;
  }
  finish();
}

}  // namespace

void generate(State& state, const GenerateOptions& options) {
  State::Checkpoint before = state.checkpoint();
  try {
    generate_from(state, options);
  } catch (const Error& e) {
    if (e.code() != Code::cancelled) state.restore(std::move(before));
    throw;
  } catch (...) {
    state.restore(std::move(before));
    throw;
  }
}

}  // namespace recurra
