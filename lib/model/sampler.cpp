#include "model/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace recurra {
namespace {

constexpr int32_t kMostRecent = 1 << 20;
constexpr size_t kSmallK = 512;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using sampling::exp_nonpositive;

[[noreturn]] void refuse(const char* option, float value, const char* expected) {
  fail(Code::invalid, "%s is %g, expected %s", option, static_cast<double>(value), expected);
}

[[noreturn]] void refuse(const char* option, int32_t value, const char* expected) {
  fail(Code::invalid, "%s is %d, expected %s", option, value, expected);
}

// Negated comparisons: a NaN is out of every range.
const SamplerOptions& checked(const SamplerOptions& o) {
  if (!(o.temperature >= 0 && o.temperature < kInfinity))
    refuse("temperature", o.temperature, "a finite number from 0 on");
  if (o.top_k < 0) refuse("top_k", o.top_k, "a number from 0 on");
  if (!(o.top_p > 0 && o.top_p <= 1)) refuse("top_p", o.top_p, "more than 0 and at most 1");
  if (!(o.min_p >= 0 && o.min_p <= 1)) refuse("min_p", o.min_p, "0 to 1");
  if (!(o.repeat_penalty > 0 && o.repeat_penalty < kInfinity)) {
    refuse("repeat_penalty", o.repeat_penalty, "a finite number above 0");
  }
  if (o.repeat_last_n < 0 || o.repeat_last_n > kMostRecent) refuse("repeat_last_n", o.repeat_last_n, "0 to 1048576");
  return o;
}

[[noreturn]] void refuse_logit(size_t i, float value) {
  fail(Code::invalid, "logit %zu is %g, expected a finite number or -inf", i, static_cast<double>(value));
}

[[noreturn]] void refuse_all(size_t n) {
  fail(Code::invalid, "all %zu logits are -inf, expected one that is finite", n);
}

}  // namespace

Sampler::Sampler(const SamplerOptions& options) : options_(checked(options)), random_(options.seed) {
  if (options_.repeat_penalty == 1) options_.repeat_last_n = 0;
  recent_.reserve(static_cast<size_t>(options_.repeat_last_n));
  sorted_.reserve(static_cast<size_t>(options_.repeat_last_n));
}

int32_t Sampler::pick(const float* logits, size_t n) {
  if (logits == nullptr || n == 0) fail(Code::invalid, "no logits, expected one per token of the vocabulary");
  if (n > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    fail(Code::invalid, "%zu logits, expected at most 2147483647", n);
  }
  if (is_greedy()) return greedy(logits, n);
  gather(logits, n);
  penalise();
  int32_t token = 0;
  if (options_.temperature > 0) {
    float best = -kInfinity;
    for (const Candidate& c : candidates_) best = c.logit > best ? c.logit : best;
    keep_top_k();
    keep_top_p(static_cast<double>(best));
    keep_min_p(static_cast<double>(best));
    token = draw(static_cast<double>(best));
  } else {
    token = std::min_element(candidates_.begin(), candidates_.end(), better)->id;
  }
  remember(token);
  return token;
}

Pick Sampler::next() {
  Pick p;
  p.temperature = options_.temperature;
  p.top_k = options_.top_k;
  p.top_p = options_.top_p;
  p.min_p = options_.min_p;
  p.repeat_penalty = options_.repeat_penalty;
  if (options_.temperature > 0) p.uniform = Random(random_).uniform();
  sort_recent();
  p.recent = sorted_;
  return p;
}

void Sampler::picked(int32_t token) {
  if (options_.temperature > 0) random_.next();
  remember(token);
}

// What the rest of pick() comes to at temperature 0 without a penalty, in one pass over the logits.
int32_t Sampler::greedy(const float* logits, size_t n) {
  size_t best = 0;
  for (size_t i = 0; i < n; ++i) {
    if (!(logits[i] < kInfinity)) refuse_logit(i, logits[i]);
    if (logits[i] > logits[best]) best = i;
  }
  if (logits[best] == -kInfinity) refuse_all(n);
  return static_cast<int32_t>(best);
}

// The tokens that can be picked at all, by id. Without branches: -inf is written too, and then over.
void Sampler::gather(const float* logits, size_t n) {
  weights_.reserve(n);
  candidates_.resize(n);
  size_t kept = 0;
  bool bad = false;
  for (size_t i = 0; i < n; ++i) {
    const float l = logits[i];
    bad |= !(l < kInfinity);
    candidates_[kept] = {l, static_cast<int32_t>(i)};
    kept += l != -kInfinity;
  }
  if (bad) {
    for (size_t i = 0; i < n; ++i) {
      if (!(logits[i] < kInfinity)) refuse_logit(i, logits[i]);
    }
  }
  if (kept == 0) refuse_all(n);
  candidates_.resize(kept);
}

void Sampler::sort_recent() {
  sorted_.assign(recent_.begin(), recent_.end());
  std::sort(sorted_.begin(), sorted_.end());
  sorted_.erase(std::unique(sorted_.begin(), sorted_.end()), sorted_.end());
}

void Sampler::penalise() {
  sort_recent();
  for (const int32_t token : sorted_) {
    const auto at = std::lower_bound(candidates_.begin(), candidates_.end(), token,
                                     [](const Candidate& c, int32_t id) { return c.id < id; });
    if (at == candidates_.end() || at->id != token) continue;
    at->logit = sampling::penalised(at->logit, options_.repeat_penalty);
  }
}

// Whichever way they are selected, the order of the candidates is total, so the result is one and the same.
void Sampler::keep_top_k() {
  const size_t k = static_cast<size_t>(options_.top_k);
  if (k == 0 || k >= candidates_.size()) return;
  const auto cut = candidates_.begin() + static_cast<std::ptrdiff_t>(k);
  if (k <= kSmallK) {
    // A heap of the best k so far: most tokens cost one comparison with its worst.
    std::partial_sort(candidates_.begin(), cut, candidates_.end(), better);
  } else {
    std::nth_element(candidates_.begin(), cut, candidates_.end(), better);
    std::sort(candidates_.begin(), cut, better);
  }
  candidates_.resize(k);
}

// weights_[i] = exp((l_i - l_best) / temperature)
void Sampler::weigh(double best, double temperature) {
  const size_t n = candidates_.size();
  weights_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    weights_[i] = sampling::weight(candidates_[i].logit, best, temperature);
  }
}

void Sampler::keep_top_p(double best) {
  if (options_.top_p == 1) return;
  const auto weight = [best](const Candidate& c) { return exp_nonpositive(static_cast<double>(c.logit) - best); };
  const size_t n = candidates_.size();
  weigh(best, 1);
  double total = 0;
  for (const double w : weights_) total += w;
  const double p = static_cast<double>(options_.top_p), enough = total * p;

  // All candidates below `least` together weigh less than half of what may be left out, so the best that reach `enough`
  // are among the others: often a few hundred of a whole vocabulary. (The other half is room for rounding.)
  const double least = 0.5 * (1 - p) * total / static_cast<double>(n);
  size_t likely = 0;
  for (size_t i = 0; i < n; ++i) {
    candidates_[likely] = candidates_[i];
    likely += weights_[i] >= least;
  }
  candidates_.resize(likely);

  // Of those, only as many are sorted as the sum needs, in segments that grow.
  double sum = 0;
  size_t kept = 0, sorted = 0;
  while (kept < likely && sum < enough) {
    if (kept == sorted) {
      const auto from = candidates_.begin() + static_cast<std::ptrdiff_t>(sorted);
      sorted = std::min(likely, std::max<size_t>(128, 4 * sorted));
      const auto to = candidates_.begin() + static_cast<std::ptrdiff_t>(sorted);
      if (to != candidates_.end()) std::nth_element(from, to, candidates_.end(), better);
      std::sort(from, to, better);
    }
    sum += weight(candidates_[kept++]);
  }
  candidates_.resize(kept);
}

void Sampler::keep_min_p(double best) {
  if (options_.min_p == 0) return;
  const double least = static_cast<double>(options_.min_p);
  const auto poor = [&](const Candidate& c) { return exp_nonpositive(static_cast<double>(c.logit) - best) < least; };
  candidates_.erase(std::remove_if(candidates_.begin(), candidates_.end(), poor), candidates_.end());
}

int32_t Sampler::draw(double best) {
  weigh(best, static_cast<double>(options_.temperature));
  double total = 0;
  for (const double w : weights_) total += w;
  const double mark = random_.uniform() * total;  // < total, which is at least 1: the best one's weight
  double sum = 0;
  size_t i = 0;
  for (; i + 1 < candidates_.size(); ++i) {
    sum += weights_[i];
    if (sum > mark) break;
  }
  return candidates_[i].id;
}

void Sampler::remember(int32_t token) {
  const size_t most = static_cast<size_t>(options_.repeat_last_n);
  if (most == 0) return;
  if (recent_.size() < most) {
    recent_.push_back(token);
  } else {
    recent_[oldest_] = token;
    oldest_ = (oldest_ + 1) % most;
  }
}

}  // namespace recurra
