// Operations of a backend on drawn values, and the same values in float64 for the definitions they are compared with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "core/error.h"
#include "mixers/mixer.h"
#include "support/hosted.h"

namespace recurra::test {

// A backend under test: every one that opens here, all by the same table of tests.
struct Candidate {
  const char *backend, *dtype;
};

// RECURRA_TEST_BACKEND=cuda: those of the GPU, as test programs are run once more where there is one.
inline bool on_gpu() {
  const char* backend = std::getenv("RECURRA_TEST_BACKEND");
  return backend != nullptr && std::string(backend) == "cuda";
}
inline std::vector<Candidate> candidates() {
  if (on_gpu()) return {{"cuda", "f32"}, {"cuda", "bf16"}};
  return {{"reference", "f32"}, {"cpu", "f32"}, {"cpu", "bf16"}};
}

// Null, with the reason, where it cannot run here.
inline std::unique_ptr<Backend> open_candidate(const Candidate& c, std::string* why, int threads = 2) {
  BackendOptions o;
  o.threads = threads;
  o.dtype = c.dtype;
  for (const BackendEntry& b : backends()) {
    if (std::string(b.name) != c.backend) continue;
    try {
      std::unique_ptr<Backend> opened = b.create(o);
      if (on_gpu()) return std::make_unique<HostedBackend>(std::move(opened));
      return opened;
    } catch (const Error& e) {
      *why = e.what();
      return nullptr;
    }
  }
  *why = "no such backend";
  return nullptr;
}

using Values = std::vector<float>;

// What states may be kept as there. One in float16 is off by up to a unit in the last place.
inline std::vector<DType> memory_types() {
  if (on_gpu()) return {DType::f32, DType::f16};
  return {DType::f32};
}
inline size_t memory_bytes(DType type) { return info(type).block_bytes; }
constexpr double kUnit = 1.001 / 1024;

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int64_t between(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(random_); }
  Values normal(int64_t n, float scale = 1) {
    std::normal_distribution<float> d(0, scale);
    Values v(static_cast<size_t>(n));
    for (float& x : v) x = d(random_);
    return v;
  }
  Values uniform(int64_t n, float least, float most) {
    std::uniform_real_distribution<float> d(least, most);
    Values v(static_cast<size_t>(n));
    for (float& x : v) x = d(random_);
    return v;
  }

 private:
  std::mt19937_64 random_;
};

inline Tensor tensor(Values& v, int64_t rows) {
  const auto cols = static_cast<int64_t>(v.size()) / rows;
  return {v.data(), rows, cols, cols};
}

// Largest |got - want| over the largest |want|.
inline double relative(const Values& got, const std::vector<double>& want) {
  double most = 1e-30, worst = 0;
  for (const double w : want) most = std::max(most, std::abs(w));
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(static_cast<double>(got[i]))) return INFINITY;
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - want[i]));
  }
  return worst / most;
}

inline double sigmoid64(double x) { return 1 / (1 + std::exp(-x)); }

inline double softplus64(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

inline double activate64(Act act, double x) {
  switch (act) {
    case Act::none:
      return x;
    case Act::relu2:
      return x > 0 ? x * x : 0;
    case Act::sigmoid:
      return sigmoid64(x);
    case Act::tanh:
      return std::tanh(x);
    case Act::silu:
      return x * sigmoid64(x);
    case Act::relu:
      return x > 0 ? x : 0;
    case Act::elu1:
      return x >= 0 ? x + 1 : std::exp(x);
    case Act::softplus:
      return softplus64(x);
  }
  return x;
}

}  // namespace recurra::test
