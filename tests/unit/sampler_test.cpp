// The sampler against a naive one that sorts everything, against the distribution it claims, and against its range
// checks.
#include "model/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <new>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/random.h"

// Every allocation of this program is counted. Not inlined: the compiler would take malloc and delete for a mismatch.
static std::atomic<size_t> allocations{0};
__attribute__((noinline)) void* operator new(size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
__attribute__((noinline)) void operator delete(void* p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace recurra {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

SamplerOptions at_temperature(float temperature, uint64_t seed = 0) {
  SamplerOptions o;
  o.temperature = temperature;
  o.seed = seed;
  return o;
}

std::vector<float> normal_logits(size_t n, unsigned seed, float scale) {
  std::mt19937 random(seed);
  std::vector<float> logits(n);
  for (float& l : logits) {
    // A sum of uniforms is normal enough, and the same everywhere.
    float sum = 0;
    for (int i = 0; i < 6; ++i) sum += static_cast<float>(random()) * 0x1p-32f - 0.5f;
    l = sum * scale;
  }
  return logits;
}

// The definition in sampler.h word for word: sorts all, long double, the C library's exponential.
class Naive {
 public:
  explicit Naive(const SamplerOptions& o) : o_(o), random_(o.seed) {}

  // Tokens with their probabilities, in the order in which the draw goes through them.
  std::vector<std::pair<int32_t, double>> distribution(const std::vector<float>& logits) const {
    struct Item {
      float l;
      int32_t id;
    };
    const std::set<int32_t> recent(recent_.begin(), recent_.end());
    std::vector<Item> items;
    for (size_t i = 0; i < logits.size(); ++i) {
      float l = logits[i];
      if (l == -kInf) continue;
      if (o_.repeat_penalty != 1 && recent.count(static_cast<int32_t>(i)) != 0)
        l = l > 0 ? l / o_.repeat_penalty : l * o_.repeat_penalty;
      items.push_back({l, static_cast<int32_t>(i)});
    }
    const auto best_first = [](const Item& a, const Item& b) { return a.l > b.l || (a.l == b.l && a.id < b.id); };
    std::vector<Item> sorted = items;
    std::sort(sorted.begin(), sorted.end(), best_first);
    const long double best = sorted.front().l;
    if (o_.temperature == 0) return {{sorted.front().id, 1.0}};
    bool by_id = true;
    if (o_.top_k > 0 && static_cast<size_t>(o_.top_k) < sorted.size()) {
      sorted.resize(static_cast<size_t>(o_.top_k));
      by_id = false;
    }
    if (o_.top_p < 1) {
      long double all = 0, sum = 0;
      for (const Item& i : sorted) all += std::exp(i.l - best);
      size_t n = 0;
      while (sum / all < static_cast<long double>(o_.top_p)) sum += std::exp(sorted[n++].l - best);
      sorted.resize(n);
      by_id = false;
    }
    std::vector<Item> kept;
    for (const Item& i : sorted) {
      if (std::exp(i.l - best) >= static_cast<long double>(o_.min_p)) kept.push_back(i);
    }
    if (by_id) std::sort(kept.begin(), kept.end(), [](const Item& a, const Item& b) { return a.id < b.id; });
    std::vector<std::pair<int32_t, double>> out;
    long double all = 0;
    for (const Item& i : kept) all += std::exp((i.l - best) / o_.temperature);
    for (const Item& i : kept)
      out.emplace_back(i.id, static_cast<double>(std::exp((i.l - best) / o_.temperature) / all));
    return out;
  }

  int32_t pick(const std::vector<float>& logits) {
    const auto distribution_now = distribution(logits);
    int32_t token = distribution_now.back().first;
    if (o_.temperature > 0) {
      const double u = random_.uniform();
      long double sum = 0;
      for (const auto& [id, p] : distribution_now) {
        sum += p;
        if (sum > u) {
          token = id;
          break;
        }
      }
    }
    recent_.push_back(token);
    while (recent_.size() > static_cast<size_t>(o_.repeat_last_n)) recent_.pop_front();
    return token;
  }

 private:
  SamplerOptions o_;
  Random random_;
  std::deque<int32_t> recent_;
};

TEST(Random, GivesThePublishedNumbers) {
  // splitmix64 from 1234567, as its author's C code prints; xoshiro256** from the state 1, 2, 3, 4, as in the tests of
  // Rust's rand_xoshiro, which took them from the authors' C code.
  uint64_t x = 1234567;
  for (const uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u}) {
    EXPECT_EQ(splitmix64(x), expected);
  }
  Random random(1, 2, 3, 4);
  for (const uint64_t expected : {11520u, 0u, 1509978240u}) EXPECT_EQ(random.next(), expected);
  EXPECT_EQ(random.next(), 1215971899390074240u);
  EXPECT_EQ(random.next(), 1216172134540287360u);
}

TEST(Random, IsUniformBelowOne) {
  Random random(5);
  double sum = 0, most = 0;
  for (int i = 0; i < 100000; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    most = std::max(most, u);
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);  // 5 standard errors
  EXPECT_GT(most, 0.9999);
}

TEST(Sampler, GreedyTakesTheBestAndTheLowestIdOnATie) {
  Sampler sampler({});
  const std::vector<float> logits = {-1, 3, 2, 3, -kInf, 3};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sampler.pick(logits.data(), logits.size()), 1);
  const std::vector<float> low = {-kInf, -std::numeric_limits<float>::max(), -kInf};
  EXPECT_EQ(sampler.pick(low.data(), low.size()), 1);
  const std::vector<float> zeros = {-0.0f, 0.0f};
  EXPECT_EQ(sampler.pick(zeros.data(), zeros.size()), 0);
}

TEST(Sampler, GreedyHeedsThePenalty) {
  SamplerOptions o;
  o.repeat_penalty = 2;
  o.repeat_last_n = 2;
  Sampler sampler(o);
  const std::vector<float> logits = {4, 3, 2.5f, -1};
  // 4 | 2 3 | 2 1.5 2.5 | 4 1.5 1.25 | 2 3 1.25 -> the token two picks ago is free again
  std::vector<int32_t> picked;
  for (int i = 0; i < 6; ++i) picked.push_back(sampler.pick(logits.data(), logits.size()));
  EXPECT_EQ(picked, (std::vector<int32_t>{0, 1, 2, 0, 1, 2}));
  // Negative logits are multiplied: less likely too.
  SamplerOptions p;
  p.repeat_penalty = 3;
  Sampler negative(p);
  const std::vector<float> below = {-1, -2, -2.5f};
  EXPECT_EQ(negative.pick(below.data(), 3), 0);
  EXPECT_EQ(negative.pick(below.data(), 3), 1);
  EXPECT_EQ(negative.pick(below.data(), 3), 2);
  EXPECT_EQ(negative.pick(below.data(), 3), 0);  // -3, -6, -7.5: once per token, however often it was picked
  EXPECT_EQ(negative.pick(below.data(), 3), 0);
}

TEST(Sampler, AgreesWithTheNaiveOne) {
  std::mt19937 random(11);
  const auto any = [&](auto... values) {
    const float all[] = {static_cast<float>(values)...};
    return all[random() % (sizeof all / sizeof *all)];
  };
  for (int round = 0; round < 1500; ++round) {
    SamplerOptions o;
    o.seed = random();
    o.temperature = any(0, 0.01, 0.5, 0.8, 1, 1, 1.7, 50);
    o.top_k = static_cast<int32_t>(any(0, 0, 1, 2, 5, 40, 70, 1000));
    o.top_p = any(1, 1, 1e-6, 0.3, 0.9, 0.95, 0.999);
    o.min_p = any(0, 0, 0.01, 0.1, 0.5, 1);
    o.repeat_penalty = any(1, 1, 1.1, 2, 0.7);
    o.repeat_last_n = static_cast<int32_t>(any(0, 1, 3, 64));
    const size_t n = static_cast<size_t>(any(1, 2, 7, 65, 300, 1500));
    std::vector<float> logits = normal_logits(n, static_cast<unsigned>(random()), any(0, 1, 4, 20));
    for (float& l : logits) {
      if (random() % 8 == 0) l = std::round(l);  // ties
      if (n > 1 && random() % 16 == 0) l = -kInf;
    }
    logits[random() % n] = 0.25f;
    Sampler sampler(o);
    Naive naive(o);
    for (int i = 0; i < 12; ++i) {
      ASSERT_EQ(sampler.pick(logits.data(), n), naive.pick(logits))
          << "round " << round << " pick " << i << ": temperature " << o.temperature << " top_k " << o.top_k
          << " top_p " << o.top_p << " min_p " << o.min_p << " repeat_penalty " << o.repeat_penalty << " repeat_last_n "
          << o.repeat_last_n << " n " << n;
    }
  }
}

// Pearson's chi-square of `draws` picks against the naive distribution; each expected count is at least 5. With d
// degrees of freedom chi-square has mean d and deviation sqrt(2d); d + 4 sqrt(2d) + 8 is exceeded with a chance below
// 1e-4.
void expect_distribution(const SamplerOptions& o, const std::vector<float>& logits) {
  constexpr int kDraws = 200000;
  Sampler sampler(o);
  std::map<int32_t, int> counts;
  for (int i = 0; i < kDraws; ++i) ++counts[sampler.pick(logits.data(), logits.size())];
  double chi2 = 0, rest_p = 0;
  int degrees = -1, rest = kDraws;
  for (const auto& [id, p] : Naive(o).distribution(logits)) {
    const double expected = p * kDraws;
    if (expected < 5) {
      rest_p += p;
      continue;
    }
    chi2 += (counts[id] - expected) * (counts[id] - expected) / expected;
    rest -= counts[id];
    ++degrees;
  }
  if (rest_p * kDraws >= 5) {
    chi2 += (rest - rest_p * kDraws) * (rest - rest_p * kDraws) / (rest_p * kDraws);
    ++degrees;
  }
  std::printf("chi-square %.1f at %d degrees of freedom\n", chi2, degrees);
  EXPECT_LE(chi2, degrees + 4 * std::sqrt(2.0 * degrees) + 8);
}

TEST(Sampler, DrawsFromTheSoftmax) {
  const std::vector<float> logits = normal_logits(50, 1, 2);
  expect_distribution(at_temperature(1, 1), logits);
  expect_distribution(at_temperature(0.5f, 2), logits);
  expect_distribution(at_temperature(3, 3), logits);
  expect_distribution(at_temperature(1, 4), std::vector<float>(10, 0));
}

TEST(Sampler, DrawsFromTheFilteredSoftmax) {
  const std::vector<float> logits = normal_logits(50, 2, 2);
  SamplerOptions o = at_temperature(1, 5);
  o.top_k = 7;
  expect_distribution(o, logits);
  o.top_k = 0;
  o.top_p = 0.8f;
  expect_distribution(o, logits);
  o.top_p = 1;
  o.min_p = 0.1f;
  expect_distribution(o, logits);
  o.top_k = 20;
  o.top_p = 0.9f;
  o.temperature = 1.5f;
  expect_distribution(o, logits);
}

TEST(Sampler, FiltersComeBeforeTheTemperature) {
  // Probabilities 0.6, 0.3, 0.1: top_p 0.7 keeps two, at whatever temperature.
  const std::vector<float> logits = {std::log(0.6f), std::log(0.3f), std::log(0.1f)};
  SamplerOptions o = at_temperature(1000);
  o.top_p = 0.7f;
  Sampler sampler(o);
  std::map<int32_t, int> counts;
  for (int i = 0; i < 10000; ++i) ++counts[sampler.pick(logits.data(), 3)];
  EXPECT_EQ(counts.count(2), 0u);
  EXPECT_NEAR(counts[0], 5000, 250);  // 5 standard deviations
}

TEST(Sampler, TheSameSeedGivesTheSameTokensForEver) {
  // Kept: a change of these numbers breaks a promise to users. Logits are exact in float.
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>(static_cast<int>(i * 7919 % 1000) - 500) / 64;
  SamplerOptions o = at_temperature(0.75f, 42);
  const auto picks = [&](const SamplerOptions& options) {
    Sampler sampler(options);
    std::vector<int32_t> all;
    for (int i = 0; i < 12; ++i) all.push_back(sampler.pick(logits.data(), logits.size()));
    return all;
  };
  EXPECT_EQ(picks(o), (std::vector<int32_t>{99, 383, 667, 926, 988, 778, 729, 865, 778, 593, 669, 297}));
  o.top_k = 50;
  o.top_p = 0.9f;
  o.min_p = 0.02f;
  o.repeat_penalty = 1.25f;
  EXPECT_EQ(picks(o), (std::vector<int32_t>{963, 494, 667, 161, 87, 272, 630, 198, 593, 62, 988, 210}));
  EXPECT_EQ(picks(o), picks(o));
  SamplerOptions other = o;
  other.seed = 43;
  EXPECT_NE(picks(other), picks(o));
}

TEST(Sampler, MinusInfinityIsNeverPicked) {
  std::vector<float> logits(100, -kInf);
  logits[17] = -1000;
  logits[63] = -1001;
  for (const float temperature : {0.0f, 0.01f, 1.0f, 1e30f}) {
    for (const int32_t k : {0, 5}) {
      SamplerOptions o = at_temperature(temperature);
      o.top_k = k;
      o.top_p = k == 0 ? 1 : 0.999f;
      Sampler sampler(o);
      for (int i = 0; i < 1000; ++i) {
        const int32_t token = sampler.pick(logits.data(), logits.size());
        EXPECT_TRUE(token == 17 || token == 63);
      }
    }
  }
}

TEST(Sampler, ExtremesStayInRange) {
  const float most = std::numeric_limits<float>::max(), tiny = std::numeric_limits<float>::denorm_min();
  const std::vector<float> logits = {most, -most, 0, tiny, most};
  for (const float temperature : {tiny, 1e-20f, 1.0f, most}) {
    for (const float penalty : {tiny, 1.0f, most}) {
      SamplerOptions o = at_temperature(temperature);
      o.repeat_penalty = penalty;
      o.top_p = 0.5f;
      Sampler sampler(o);
      for (int i = 0; i < 100; ++i) {
        const int32_t token = sampler.pick(logits.data(), logits.size());
        EXPECT_TRUE(token >= 0 && token < 5);
      }
    }
  }
}

TEST(Sampler, BadLogitsAreAnErrorThatChangesNothing) {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplerOptions o = at_temperature(temperature, 9);
    o.repeat_penalty = temperature == 0 ? 1.0f : 1.2f;
    const std::vector<float> good = normal_logits(200, 3, 3);
    Sampler sampler(o), untouched(o);
    for (int i = 0; i < 20; ++i) {
      for (const float bad : {kNan, -kNan, kInf}) {
        for (const size_t at : {size_t{0}, size_t{100}, size_t{199}}) {
          std::vector<float> logits = good;
          logits[at] = bad;
          try {
            sampler.pick(logits.data(), logits.size());
            ADD_FAILURE() << "picked from " << bad;
          } catch (const Error& e) {
            EXPECT_EQ(e.code(), Code::invalid);
            EXPECT_EQ(std::string(e.what()).rfind("logit " + std::to_string(at) + " is ", 0), 0u) << e.what();
          }
        }
      }
      const std::vector<float> none(200, -kInf);
      EXPECT_THROW(sampler.pick(none.data(), none.size()), Error);
      EXPECT_THROW(sampler.pick(none.data(), 0), Error);
      EXPECT_THROW(sampler.pick(nullptr, 5), Error);
      EXPECT_EQ(sampler.pick(good.data(), good.size()), untouched.pick(good.data(), good.size()));
    }
  }
}

TEST(Sampler, OptionsOutOfRangeAreNamed) {
  const auto expect_refused = [](const std::string& start, const auto& change) {
    SamplerOptions o;
    change(o);
    try {
      Sampler sampler(o);
      ADD_FAILURE() << start;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::invalid);
      EXPECT_EQ(std::string(e.what()).rfind(start, 0), 0u) << e.what();
      EXPECT_NE(std::string(e.what()).find(", expected "), std::string::npos) << e.what();
    }
  };
  for (const float bad : {kNan, kInf, -kInf, -1.0f}) {
    expect_refused("temperature is ", [&](SamplerOptions& o) { o.temperature = bad; });
    expect_refused("top_p is ", [&](SamplerOptions& o) { o.top_p = bad; });
    expect_refused("min_p is ", [&](SamplerOptions& o) { o.min_p = bad; });
    expect_refused("repeat_penalty is ", [&](SamplerOptions& o) { o.repeat_penalty = bad; });
  }
  expect_refused("temperature is -1.4013e-45", [](SamplerOptions& o) { o.temperature = -1e-45f; });
  expect_refused("top_p is 0, expected more than 0 and at most 1", [](SamplerOptions& o) { o.top_p = 0; });
  expect_refused("top_p is 1.5, ", [](SamplerOptions& o) { o.top_p = 1.5f; });
  expect_refused("min_p is 1.5, ", [](SamplerOptions& o) { o.min_p = 1.5f; });
  expect_refused("repeat_penalty is 0, ", [](SamplerOptions& o) { o.repeat_penalty = 0; });
  expect_refused("top_k is -1, ", [](SamplerOptions& o) { o.top_k = -1; });
  expect_refused("repeat_last_n is -1, ", [](SamplerOptions& o) { o.repeat_last_n = -1; });
  expect_refused("repeat_last_n is 1048577, ", [](SamplerOptions& o) { o.repeat_last_n = 1048577; });
}

// Who picks elsewhere goes on as the sampler itself would, and may give up at any pick.
TEST(Sampler, InTwoHalves) {
  for (const float temperature : {0.0f, 0.9f}) {
    SamplerOptions o = at_temperature(temperature, 21);
    o.top_k = 30;
    o.repeat_penalty = 1.3f;
    o.repeat_last_n = 5;
    const std::vector<float> logits = normal_logits(400, 8, 3);
    Sampler whole(o), halves(o);
    Random random(21);
    std::deque<int32_t> past;
    for (int i = 0; i < 60; ++i) {
      const Pick by = halves.next();
      EXPECT_EQ(by.uniform, temperature > 0 ? random.uniform() : 0);
      EXPECT_EQ(halves.next().uniform, by.uniform);
      const std::set<int32_t> recent(past.begin(), past.end());
      EXPECT_EQ(std::vector<int32_t>(by.recent.begin(), by.recent.end()),
                std::vector<int32_t>(recent.begin(), recent.end()));
      EXPECT_EQ(by.temperature, o.temperature);
      EXPECT_EQ(by.top_k, o.top_k);
      EXPECT_EQ(by.repeat_penalty, o.repeat_penalty);
      const int32_t token = whole.pick(logits.data(), logits.size());
      if (i % 3 == 0)
        EXPECT_EQ(halves.pick(logits.data(), logits.size()), token);
      else
        halves.picked(token);
      past.push_back(token);
      if (past.size() > 5) past.pop_front();
    }
  }
  EXPECT_TRUE(Sampler({}).next().is_greedy());
}

// Kept bits: host and device compute them from one source.
TEST(Sampling, WeightsAreThoseOfEver) {
  for (const auto& [x, bits] : {std::pair<double, uint64_t>{0, 0x3ff0000000000000},
                                {-0.0, 0x3ff0000000000000},
                                {-1e-300, 0x3ff0000000000000},
                                {-1, 0x3fd78b56362cef38},
                                {-0.3466, 0x3fe6a0773cd678a3},
                                {-25.0625, 0x3dacb08917123cbe},
                                {-700, 0xd14f2b0fb9307f},
                                {-708, 0x17c8ab2288c9ac},
                                {-1e300, 0x17c8ab2288c9ac}}) {
    const double e = sampling::exp_nonpositive(x);
    uint64_t found;
    std::memcpy(&found, &e, sizeof found);
    EXPECT_EQ(found, bits) << x << std::hex << " 0x" << found;
  }
  std::mt19937 random(3);
  for (int i = 0; i < 100000; ++i) {
    const double x = -static_cast<double>(random()) / 4294967296.0 * (i % 2 == 0 ? 700 : 2);
    const double expected = std::exp(x);
    ASSERT_NEAR(sampling::exp_nonpositive(x), expected, 1e-15 * expected) << x;
  }
  EXPECT_EQ(sampling::weight(-1e38f, 3e38, 1e-45), sampling::exp_nonpositive(-708));
}

TEST(Sampling, NumbersAreOrderedAsLogits) {
  const float most = std::numeric_limits<float>::max(), tiny = std::numeric_limits<float>::denorm_min();
  const float ascending[] = {-kInf, -most, -1.5f, -1, -tiny, 0, tiny, 1, 1.0000001f, most, kInf};
  for (size_t i = 1; i < sizeof ascending / sizeof *ascending; ++i) {
    EXPECT_GT(sampling::ordered(ascending[i]), sampling::ordered(ascending[i - 1])) << ascending[i];
    EXPECT_EQ(sampling::logit_of(sampling::ordered(ascending[i])), ascending[i]);
  }
  EXPECT_GT(sampling::ordered(-kInf), 0u);
  EXPECT_EQ(sampling::ordered(-0.0f), sampling::ordered(0.0f));
}

TEST(Sampler, PicksWithoutAllocating) {
  const std::vector<float> logits = normal_logits(5000, 4, 3);
  for (const float temperature : {0.0f, 1.0f}) {
    SamplerOptions o = at_temperature(temperature);
    o.top_k = 900;
    o.top_p = 0.99f;
    o.min_p = 0.001f;
    o.repeat_penalty = 1.1f;
    Sampler sampler(o);
    sampler.pick(logits.data(), logits.size());
    const size_t before = allocations;
    for (int i = 0; i < 200; ++i) sampler.pick(logits.data(), logits.size() - static_cast<size_t>(i % 3));
    EXPECT_EQ(allocations, before);
  }
}

TEST(Sampler, ANewVocabularySizeIsFine) {
  SamplerOptions o = at_temperature(1);
  o.repeat_penalty = 1.5f;
  Sampler sampler(o);
  const std::vector<float> logits = normal_logits(1000, 5, 0);
  for (const size_t n : {size_t{1000}, size_t{3}, size_t{1}, size_t{500}, size_t{1}}) {
    for (int i = 0; i < 30; ++i) EXPECT_LT(sampler.pick(logits.data(), n), static_cast<int32_t>(n));
  }
}

}  // namespace
}  // namespace recurra
