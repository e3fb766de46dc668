#include "limits.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <dnnl.hpp>
#include <exception>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Runs body(thread) in `threads` threads that start their work together; the first exception comes out.
void in_threads(unsigned threads, const std::function<void(unsigned)>& body) {
  std::atomic<unsigned> ready{0};
  std::vector<std::exception_ptr> thrown(threads);
  std::vector<std::thread> team;
  for (unsigned t = 0; t < threads; ++t) {
    team.emplace_back([&, t] {
      ++ready;
      while (ready.load() < threads) std::this_thread::yield();
      try {
        body(t);
      } catch (...) {
        thrown[t] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : team) thread.join();
  for (const std::exception_ptr& e : thrown) {
    if (e) std::rethrow_exception(e);
  }
}

// How memory is read: in so many places at once, each asking for what lies `ahead` words further on, as the hardware's
// own prefetching is not all that a machine can give.
struct Reading {
  std::size_t places, ahead;
};

// Eight sums, so that no addition waits for the one before it and the compiler may use vectors.
std::uint64_t sum_of(const std::uint64_t* data, std::size_t n, Reading reading) {
  std::uint64_t sums[8] = {};
  const std::size_t each = n / reading.places / 8 * 8;
  for (std::size_t i = 0; i < each; i += 8)
    for (std::size_t place = 0; place < reading.places; ++place) {
      const std::uint64_t* line = data + place * each + i;
      if (reading.ahead != 0) __builtin_prefetch(line + reading.ahead);
      for (std::size_t j = 0; j < 8; ++j) sums[j] += line[j];
    }
  return std::accumulate(sums, sums + 8, std::uint64_t{0});
}

}  // namespace

double measure_read_gb_s(unsigned threads) {
  constexpr std::size_t kBytes = std::size_t{512} << 20;
  constexpr Reading kReadings[] = {{1, 0}, {1, 1024}, {4, 0}, {4, 128}, {8, 0}, {8, 128}};  // the fastest counts
  constexpr std::size_t kWays = sizeof kReadings / sizeof *kReadings;
  const std::size_t part = kBytes / sizeof(std::uint64_t) / threads / 64 * 64;
  std::vector<std::vector<std::uint64_t>> parts(threads);
  in_threads(threads, [&](unsigned t) { parts[t].assign(part, t + 1); });  // pages belong to the thread that reads them
  std::atomic<std::uint64_t> total{0};                                     // so that no pass can be left out
  double best = 0;
  for (std::size_t pass = 0; pass < 3 * kWays; ++pass) {
    const Clock::time_point start = Clock::now();
    in_threads(threads, [&](unsigned t) { total += sum_of(parts[t].data(), part, kReadings[pass % kWays]); });
    best = std::max(best, static_cast<double>(part * sizeof(std::uint64_t) * threads) / seconds_since(start) / 1e9);
  }
  return total.load() > 0 ? best : 0;
}

double measure_gemm_gflop_s(unsigned threads, std::size_t rows, bool bf16) {
  using dnnl::memory;
  constexpr memory::dim kWidth = 2048;
  constexpr double kSeconds = 0.4;
  const memory::dim m = static_cast<memory::dim>(rows);
  const memory::data_type type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  std::vector<double> rates(threads);
  in_threads(threads, [&](unsigned t) {
    omp_set_num_threads(1);  // of this thread's products
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    dnnl::stream stream(engine);
    const memory::desc x({m, kWidth}, type, memory::format_tag::ab);
    const memory::desc any({kWidth, kWidth}, type, memory::format_tag::any);
    const memory::desc y({m, kWidth}, memory::data_type::f32, memory::format_tag::ab);
    const dnnl::matmul::primitive_desc desc(engine, x, any, y);
    const dnnl::matmul matmul(desc);
    memory in(x, engine), weights(desc.weights_desc(), engine), out(y, engine);
    std::fill_n(static_cast<char*>(in.get_data_handle()), x.get_size(),
                char{0});  // zeros take as long as anything else
    std::fill_n(static_cast<char*>(weights.get_data_handle()), desc.weights_desc().get_size(), char{0});
    const auto multiply = [&] {
      matmul.execute(stream, {{DNNL_ARG_SRC, in}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, out}});
      stream.wait();
    };
    multiply();
    std::size_t n = 0;
    const Clock::time_point start = Clock::now();
    double seconds = 0;
    for (; seconds < kSeconds; ++n) {
      multiply();
      seconds = seconds_since(start);
    }
    rates[t] = 2.0 * static_cast<double>(m) * kWidth * kWidth * static_cast<double>(n) / seconds / 1e9;
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace cli
