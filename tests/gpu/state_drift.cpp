// What float16 states cost: conversations of `recurra recall` read one token after another, the worst case, for a state
// is rounded after every one of them. Logits beside those of a float32 state, and the answers at the end.
//
//   state_drift FILE TOKENS cuda        float32 and float16 states on the GPU
//   state_drift FILE TOKENS cpu         float32 states, as they are, rounded as the GPU rounds them
//                                       (backend/state_rounding.h), and to the nearest
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "../../examples/cli/small_talk.h"
#include "backend/state_rounding.h"
#include "core/error.h"
#include "model/model.h"

// talk.h's, which stands on the public interface; here are the library's own classes.
namespace cli {
std::string prompt(std::string_view message);
std::string prompt(std::string_view message) { return "User: " + std::string(message) + "\n\nAssistant:"; }
std::string turn(std::string_view message, std::string_view reply);
std::string turn(std::string_view message, std::string_view reply) {
  return prompt(message) + " " + std::string(reply) + "\n\n";
}
}  // namespace cli

namespace recurra {
namespace {

enum class Rounding { none, thresholds, nearest };

struct Reader {
  Reader(const char* called, const char* path, const char* backend, const char* state, Rounding rounding)
      : name(called), how(rounding) {
    ModelOptions options;
    options.backend = backend;
    options.compute.state = state;
    options.compute.dtype = "f32";
    options.compute.threads = 1;
    model = std::make_unique<Model>(path, nullptr, 0, options);
    slot = model->arena().take();
    model->backend().clear(slot.data(), model->arena().slot_bytes());
  }

  void read(const std::vector<int32_t>& tokens) { read(slot.data(), position, tokens); }
  void read(std::byte* at, uint64_t& read_before, const std::vector<int32_t>& tokens) const {
    FeedOptions options;
    options.step = true;
    if (how == Rounding::none) {
      Sequence s{at, read_before, tokens.data(), tokens.size()};
      model->feed({&s, 1}, options);
      read_before += tokens.size();
      return;
    }
    for (const int32_t& token : tokens) {
      Sequence s{at, read_before, &token, 1};
      model->feed({&s, 1}, options);
      round(at, read_before++);
    }
  }
  // The slot of a CPU is host memory.
  void round(std::byte* at, uint64_t read_before) const {
    for (const StateSlice& slice : model->layout().slices()) {
      if (slice.shape.rank != 3) continue;
      float* x = reinterpret_cast<float*>(at + slice.offset);
      constexpr int64_t kTogether = 32;
      for (int64_t i = 0; i < slice.shape.elements(); i += kTogether) {
        StateThresholds by(read_before, static_cast<uint32_t>(slice.offset / sizeof(float)) + static_cast<uint32_t>(i));
        for (int64_t j = i; j < i + kTogether; j += 2) {
          const uint32_t pair = how == Rounding::thresholds
                                    ? round_pair(x[j], x[j + 1], by.next())
                                    : float_to_f16(x[j]) | static_cast<uint32_t>(float_to_f16(x[j + 1])) << 16;
          x[j] = f16_to_float(static_cast<uint16_t>(pair));
          x[j + 1] = f16_to_float(static_cast<uint16_t>(pair >> 16));
        }
      }
    }
  }
  std::vector<float> logits(const std::byte* at) const {
    std::vector<float> all(static_cast<size_t>(model->vocabulary()));
    model->logits(all.data(), {&at, 1});
    return all;
  }
  // Greedy, on a copy.
  std::string answer(const std::string& question) const {
    constexpr int kMost = 24;
    const Arena::Slot copy = model->arena().take();
    model->backend().copy(copy.data(), slot.data(), model->arena().slot_bytes());
    uint64_t at = position;
    read(copy.data(), at, model->need_tokenizer().encode(cli::prompt(question)));
    std::string text;
    for (int i = 0; i < kMost && text.find("\n\n") == std::string::npos; ++i) {
      const std::vector<float> all = logits(copy.data());
      const auto token = static_cast<int32_t>(std::max_element(all.begin(), all.end()) - all.begin());
      text += model->need_tokenizer().piece(token);
      read(copy.data(), at, {token});
    }
    text = text.substr(0, text.find("\n\n"));
    return text.substr(std::min(text.size(), text.find_first_not_of(' ')));
  }

  const char* name;
  Rounding how;
  std::unique_ptr<Model> model;
  Arena::Slot slot;
  uint64_t position = 0;
};

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    ab += x * y, aa += x * x, bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

int drift(const char* path, uint64_t most, bool gpu) {
  std::vector<std::unique_ptr<Reader>> readers;
  if (gpu) {
    readers.push_back(std::make_unique<Reader>("f32", path, "cuda", "f32", Rounding::none));
    readers.push_back(std::make_unique<Reader>("f16", path, "cuda", "f16", Rounding::none));
  } else {
    readers.push_back(std::make_unique<Reader>("f32", path, "cpu", "f32", Rounding::none));
    readers.push_back(std::make_unique<Reader>("f16 by thresholds", path, "cpu", "f32", Rounding::thresholds));
    readers.push_back(std::make_unique<Reader>("f16 to the nearest", path, "cpu", "f32", Rounding::nearest));
  }
  for (const auto& r : readers) std::printf("%-19s a state has %zu bytes\n", r->name, r->model->arena().slot_bytes());
  cli::SmallTalk talk(1);
  const std::vector<cli::Fact> facts = talk.facts(10, 3);
  std::string text;
  for (const cli::Fact& f : facts) text += cli::turn(f.told, "Noted.");
  for (const cli::Fact& f : facts)
    if (!f.changed.empty()) text += cli::turn(f.changed, "Noted.");
  const Tokenizer& tokenizer = readers[0]->model->need_tokenizer();
  std::vector<int32_t> waiting = tokenizer.encode(text);
  uint64_t next = 1000;
  double worst = 1;
  while (readers[0]->position < most) {
    const uint64_t goal = std::min(most, next);
    while (readers[0]->position + waiting.size() < goal) {
      const std::vector<int32_t> more = tokenizer.encode(talk.exchange());
      waiting.insert(waiting.end(), more.begin(), more.end());
    }
    for (const auto& r : readers) r->read(waiting);
    waiting.clear();
    const std::vector<float> truth = readers[0]->logits(readers[0]->slot.data());
    std::printf("%7llu tokens: logits' cosine with f32's", static_cast<unsigned long long>(readers[0]->position));
    for (size_t i = 1; i < readers.size(); ++i) {
      const double now = cosine(readers[i]->logits(readers[i]->slot.data()), truth);
      if (i == 1) worst = std::min(worst, now);
      std::printf("  %.6f (%s)", now, readers[i]->name);
    }
    std::printf("\n");
    std::fflush(stdout);
    next = next < 10000 ? next * 10 : next + 10000;
  }
  std::vector<size_t> right(readers.size()), same(readers.size());
  for (const cli::Fact& f : facts) {
    std::vector<std::string> answers;
    for (size_t i = 0; i < readers.size(); ++i) {
      answers.push_back(readers[i]->answer(f.question));
      right[i] += answers[i] == f.want ? 1 : 0;
      same[i] += answers[i] == answers[0] ? 1 : 0;
      if (answers[i] != f.want)
        std::printf("%s: '%s', expected '%s'\n", readers[i]->name, answers[i].c_str(), f.want.c_str());
    }
  }
  for (size_t i = 0; i < readers.size(); ++i)
    std::printf("%-19s %zu of %zu answers right, %zu as with f32\n", readers[i]->name, right[i], facts.size(), same[i]);
  // 0.9999 and better was seen.
  return worst > 0.99 && right[1] + 1 >= right[0] ? 0 : 1;
}

}  // namespace
}  // namespace recurra

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: state_drift FILE TOKENS cuda|cpu\n");
    return 2;
  }
  try {
    return recurra::drift(argv[1], std::strtoull(argv[2], nullptr, 10), std::strcmp(argv[3], "cuda") == 0);
  } catch (const std::exception& e) {
    std::printf("state_drift: %s\n", e.what());
    return 1;
  }
}
