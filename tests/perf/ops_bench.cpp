// Google Benchmark over the CPU backend's operations, one thread or several:
//
//     build/release/bin/ops_bench [--benchmark_filter=Linear/q8_0] [--threads=2] [Google Benchmark's options]
//
// GB/s counts each weight and each state once per call, GFLOP/s two operations per multiply-add; "of_read" and "of_gemm" are the
// parts of what this machine reads and multiplies at best, measured at the start (examples/cli/limits.h).
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "../../examples/cli/limits.h"
#include "backend/cpu/cpu.h"

namespace recurra {
namespace {

unsigned threads = 1;
double read_gb_s = 0, gemm_gflop_s = 0;

// Weights whose bytes are random but for the scales of quantised blocks, in as many copies as leave the caches cold.
class Weights {
 public:
  Weights(Backend& be, DType type, int64_t out, int64_t in, Inputs inputs) {
    const DTypeInfo& layout = info(type);
    const size_t bytes = static_cast<size_t>(out * in / layout.block * layout.block_bytes);
    copies_ = std::max<size_t>(1, (size_t{512} << 20) / bytes);
    data_.resize(bytes * copies_);
    std::mt19937_64 random(1);
    if (layout.block == 1) {
      fill_floats(type, random);
    } else {
      for (size_t i = 0; i + 8 <= data_.size(); i += 8) {
        const uint64_t r = random();
        std::memcpy(&data_[i], &r, 8);
      }
      // A half of a small number wherever a block may have a scale.
      for (size_t b = 0; b < data_.size(); b += layout.block_bytes)
        for (const size_t at : {size_t{0}, size_t{2}, size_t{layout.block_bytes} - 2}) data_[b + at + 1] = 0x10;
    }
    for (size_t i = 0; i < copies_; ++i)
      matrices_.push_back(be.matrix({"w", type, shape(out, in), data_.data() + i * bytes, bytes}, inputs));
  }
  const Matrix& next() { return *matrices_[at_++ % copies_]; }
  size_t bytes() const { return data_.size() / copies_; }

 private:
  void fill_floats(DType type, std::mt19937_64& random) {
    std::normal_distribution<float> normal(0, 0.03f);
    const size_t width = info(type).block_bytes;
    for (size_t i = 0; i < data_.size(); i += width) {
      const float x = normal(random);
      uint32_t bits;
      std::memcpy(&bits, &x, 4);
      if (type == DType::f32)
        std::memcpy(&data_[i], &bits, 4);
      else if (type == DType::bf16)
        data_[i + 1] = static_cast<unsigned char>(bits >> 24), data_[i] = static_cast<unsigned char>(bits >> 16);
      else
        data_[i + 1] = static_cast<unsigned char>((bits >> 24 & 0x80) | 0x20), data_[i] = static_cast<unsigned char>(bits);
    }
  }

  std::vector<unsigned char> data_;
  std::vector<std::unique_ptr<Matrix>> matrices_;
  size_t copies_ = 1, at_ = 0;
};

// A backend, its Exec, and what an operation is given.
class Bench {
 public:
  Bench() {
    BackendOptions o;
    o.threads = static_cast<int>(threads);
    be_ = make_cpu_backend(o);
    exec_ = be_->exec();
    exec_->begin();
  }
  ~Bench() { exec_->end(); }

  Backend& be() { return *be_; }
  Exec& exec() { return *exec_; }
  // `zeros` percent of the values are 0.
  Tensor tensor(int64_t rows, int64_t cols, int zeros = 0) {
    values_.emplace_back(static_cast<size_t>(rows * cols));
    for (float& x : values_.back()) x = static_cast<int>(random_() % 100) < zeros ? 0 : normal_(random_);
    return {values_.back().data(), rows, cols, cols};
  }
  Rows rows(int64_t n, bool block) {
    segment_ = {0, static_cast<int32_t>(n), nullptr};
    if (state_) segment_.state = state_->data();
    Rows r;
    r.count = static_cast<int32_t>(n);
    r.segments = {&segment_, 1};
    r.block = block;
    return r;
  }
  void need_state(int64_t floats) { state_ = be_->allocate(static_cast<size_t>(floats) * sizeof(float)); }

 private:
  std::unique_ptr<Backend> be_;
  std::unique_ptr<Exec> exec_;
  std::vector<std::vector<float>> values_;
  std::shared_ptr<Buffer> state_;
  Segment segment_;
  std::mt19937_64 random_{2};
  std::normal_distribution<float> normal_;
};

void count(benchmark::State& state, double bytes, double flop) {
  const auto n = static_cast<double>(state.iterations());
  const auto rate = [](double x) { return benchmark::Counter(x, benchmark::Counter::kIsRate); };
  state.counters["GB/s"] = rate(n * bytes / 1e9);
  state.counters["GFLOP/s"] = rate(n * flop / 1e9);
  state.counters["of_read"] = rate(n * bytes / 1e9 / read_gb_s);
  state.counters["of_gemm"] = rate(n * flop / 1e9 / gemm_gflop_s);
}

void linear(benchmark::State& state, DType type, Inputs inputs) {
  const int64_t out = state.range(0), in = state.range(1), n = state.range(2);
  const bool block = n >= kBlock;
  Bench b;
  Weights w(b.be(), type, out, in, inputs);
  const Tensor x = b.tensor(n, in, inputs == Inputs::any ? 0 : static_cast<int>(state.range(3))), y = b.tensor(n, out);
  const Rows rows = b.rows(n, block);
  for (size_t i = 0; i < 2; ++i) b.exec().linear(y, x, w.next(), rows, {});
  for (auto _ : state) b.exec().linear(y, x, w.next(), rows, {});
  count(state, static_cast<double>(w.bytes()), 2.0 * static_cast<double>(out * in * n));
}

void scan(benchmark::State& state, Decay decay, bool erase) {
  const int64_t heads = state.range(0), key = 64, value = 64, n = state.range(1);
  Bench b;
  b.need_state(heads * key * value);
  Scan s;
  s.decay = decay;
  s.erase = erase;
  s.heads = heads;
  s.key = key;
  s.value = value;
  s.o = b.tensor(n, heads * value);
  s.v = b.tensor(n, heads * value);
  s.r = b.tensor(n, heads * key);
  s.k = s.a = s.b = b.tensor(n, heads * key);
  for (int64_t i = 0; i < n * heads * key; ++i) s.k.data[i] *= 0.125f;
  s.log_w = b.tensor(n, decay == Decay::vector ? heads * key : heads);
  for (int64_t i = 0; i < s.log_w.rows * s.log_w.cols; ++i) s.log_w.data[i] = -std::abs(s.log_w.data[i]) / 10;
  const Rows rows = b.rows(n, n >= kBlock);
  for (auto _ : state) b.exec().scan(s, rows);
  const auto cells = static_cast<double>(heads * key * value);
  count(state, 8 * cells, (erase ? 8 : 5) * cells * static_cast<double>(n));
}

void norm(benchmark::State& state) {
  Bench b;
  const int64_t n = state.range(0), width = state.range(1);
  const Tensor x = b.tensor(n, width), y = b.tensor(n, width);
  const Vector w = b.be().vector(x.data, width);
  for (auto _ : state) b.exec().norm(y, x, Norm::layer, &w, &w, 1e-5f, 1);
  count(state, 8.0 * static_cast<double>(n * width), 8.0 * static_cast<double>(n * width));
}

void add_all() {
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_0, DType::q5_0, DType::q5_1, DType::q4_k,
                           DType::q5_k, DType::q6_k}) {
    const std::string name = info(type).name;
    auto* all = benchmark::RegisterBenchmark(("Linear/" + name).c_str(), linear, type, Inputs::any);
    for (const int64_t n : {1, 16, 512}) all->Args({2048, 2048, n});
    all->Args({768, 3072, 1});
    auto* sparse = benchmark::RegisterBenchmark(("LinearMostlyZero/" + name).c_str(), linear, type, Inputs::mostly_zero);
    for (const int64_t n : {1, 16})
      for (const int64_t zeros : {0, 50, 90}) sparse->Args({768, 3072, n, zeros});
  }
  const struct {
    const char* name;
    Decay decay;
    bool erase;
  } kinds[] = {{"Scan/linear_attention", Decay::none, false},
               {"Scan/deltanet", Decay::none, true},
               {"Scan/mamba2", Decay::scalar, false},
               {"Scan/gated_deltanet", Decay::scalar, true},
               {"Scan/rwkv7", Decay::vector, true}};
  for (const auto& k : kinds)
    for (const int64_t n : {1, 512}) benchmark::RegisterBenchmark(k.name, scan, k.decay, k.erase)->Args({12, n});
  for (const int64_t n : {1, 512}) benchmark::RegisterBenchmark("Norm", norm)->Args({n, 768});
}

}  // namespace
}  // namespace recurra

int main(int argc, char** argv) {
  using namespace recurra;
  for (int i = 1; i < argc; ++i)
    if (std::strncmp(argv[i], "--threads=", 10) == 0) {
      threads = static_cast<unsigned>(std::max(1, std::atoi(argv[i] + 10)));
      std::rotate(argv + i, argv + i + 1, argv + argc--);
      --i;
    }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  read_gb_s = cli::measure_read_gb_s(threads);
  gemm_gflop_s = cli::measure_gemm_gflop_s(threads, 512, std::string(make_cpu_backend({})->dtype()) == "bf16");
  std::printf("%u threads: reading %.1f GB/s, products %.0f GFLOP/s\n", threads, read_gb_s, gemm_gflop_s);
  add_all();
  benchmark::RunSpecifiedBenchmarks();
}
