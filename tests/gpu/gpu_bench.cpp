// Speed on a GPU, one line per figure:
//
//   gpu_bench model FILE [batch ...]    decode of one state and of batches, to the best token of each in host memory;
//                                       prefill of 512 and 4096 tokens
//   gpu_bench pick FILE                 decode of one state by samplers, greedy among them, and what picking alone
//   takes:
//                                       of the model's own logits after 64 tokens, and of drawn ones
//   gpu_bench scan [all|NAME [DTYPE]]   one call of the recurrence: B 1, T 32768, H 32, K = V = 64, float32 in and out;
//                                       the shapes of a 0.1B RWKV-7's and a 130M Mamba-2's prompts of 4096
//   gpu_bench feed FILE TOKENS          one sequence of so many: how fast, and whether device memory stays what it was
//
// RECURRA_BENCH_STATE=f16: states in float16.
// Each figure is the median of several runs after a warm-up, by the host's clock around work that ends in a wait.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>

#include "core/error.h"
#include "core/log.h"
#include "model/model.h"
#include "model/sampler.h"

namespace recurra {
namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double median(int runs, const std::function<void()>& run) {
  run();
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const double start = seconds();
    run();
    times.push_back(seconds() - start);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void logits_of(const Model& m, float* out, const std::byte* slot) { m.logits(out, {&slot, 1}); }

ModelOptions on_gpu() {
  ModelOptions options;
  options.backend = "cuda";
  const char* state = std::getenv("RECURRA_BENCH_STATE");
  if (state != nullptr) options.compute.state = state;
  return options;
}

std::vector<int32_t> draw(size_t n, int32_t vocabulary) {
  std::mt19937 random(1);
  std::vector<int32_t> tokens(n);
  for (int32_t& t : tokens) t = static_cast<int32_t>(random() % static_cast<uint32_t>(vocabulary));
  return tokens;
}

void bench_model(const char* path, const std::vector<int>& batches) {
  double start = seconds();
  const Model m(path, nullptr, 0, on_gpu());
  const auto state_bytes = static_cast<double>(m.arena().slot_bytes());
  const double weights =
      static_cast<double>(m.facts().bytes) - 2 * static_cast<double>(m.network().vocabulary * m.network().width);
  std::printf("%s: %.2f GB on %s, opened in %.1f s; a state has %.2f MB%s\n", path,
              static_cast<double>(m.facts().bytes) / 1e9, m.backend().level(), seconds() - start, state_bytes / 1e6,
              m.backend().memories() == DType::f16 ? ", in float16" : "");
  std::vector<float> logits(static_cast<size_t>(m.vocabulary()));
  const int most = *std::max_element(batches.begin(), batches.end());
  std::vector<Arena::Slot> slots;
  for (int i = 0; i < most; ++i) {
    slots.push_back(m.arena().take());
    m.backend().clear(slots.back().data(), m.arena().slot_bytes());
  }
  const auto wait = [&] { logits_of(m, logits.data(), slots[0].data()); };
  const FeedOptions feed;
  constexpr int kSteps = 32;
  // RECURRA_BENCH_ONLY: decode, batch or prefill, for a profile of that alone
  const char* only = std::getenv("RECURRA_BENCH_ONLY");
  const auto wanted = [&](const char* what) { return only == nullptr || std::strcmp(only, what) == 0; };
  if (wanted("decode")) {
    int32_t token = 1;
    uint64_t position = 0;
    const double t = median(5, [&] {
      for (int i = 0; i < kSteps; ++i) {
        Sequence s{slots[0].data(), position++, &token, 1};
        m.feed({&s, 1}, feed);
        const std::byte* slot = slots[0].data();
        if (!m.pick(&token, {}, {&slot, 1}) || token < 0) token = 1;
      }
    });
    std::printf("decode b1              %10.1f tok/s  %7.0f GB/s of weights\n", kSteps / t, weights * kSteps / t / 1e9);
    std::fflush(stdout);
  }
  for (const int batch : batches) {
    if (!wanted("batch")) break;
    std::vector<int32_t> tokens = draw(static_cast<size_t>(batch), m.vocabulary());
    std::vector<const std::byte*> read;
    for (int b = 0; b < batch; ++b) read.push_back(slots[static_cast<size_t>(b)].data());
    uint64_t position = 0;
    double layers = 0;
    const double t = median(3, [&] {
      for (int i = 0; i < 8; ++i, ++position) {
        std::vector<Sequence> sequences;
        for (size_t b = 0; b < static_cast<size_t>(batch); ++b)
          sequences.push_back({slots[b].data(), position, &tokens[b], 1});
        m.feed({sequences.data(), sequences.size()}, feed);
        m.pick(tokens.data(), {}, {read.data(), read.size()});
        for (int32_t& token : tokens) token = std::max(token, 0);
      }
    });
    layers = median(3, [&] {
      for (int i = 0; i < 8; ++i, ++position) {
        std::vector<Sequence> sequences;
        for (size_t b = 0; b < static_cast<size_t>(batch); ++b)
          sequences.push_back({slots[b].data(), position, &tokens[b], 1});
        m.feed({sequences.data(), sequences.size()}, feed);
      }
      wait();
    });
    const double step = layers / 8;
    std::printf("decode b%-4d           %10.1f tok/s  layers alone %.3f ms, %.0f GB/s of weights and states\n", batch,
                batch * 8 / t, step * 1e3, (weights + 2 * batch * state_bytes) / step / 1e9);
    std::fflush(stdout);
  }
  for (const size_t n : {size_t{512}, size_t{4096}}) {
    if (!wanted("prefill") || (only != nullptr && n == 512)) continue;
    const std::vector<int32_t> tokens = draw(n, m.vocabulary());
    const double t = median(3, [&] {
      Sequence s{slots[0].data(), 0, tokens.data(), n};
      m.feed({&s, 1}, feed);
      wait();
    });
    const double flop = 2 * (static_cast<double>(m.facts().parameters) -
                             2 * static_cast<double>(m.network().vocabulary * m.network().width));
    std::printf("prefill %-5zu          %10.1f tok/s  %.1f TFLOP/s\n", n, static_cast<double>(n) / t,
                flop * static_cast<double>(n) / t / 1e12);
    std::fflush(stdout);
  }
}

void bench_pick(const char* path) {
  ModelOptions options;
  options.backend = "cuda";
  const Model m(path, nullptr, 0, options);
  const Arena::Slot slot = m.arena().take();
  const std::byte* at = slot.data();
  const auto n = static_cast<size_t>(m.vocabulary());
  const FeedOptions feed;
  const struct {
    const char* name;
    float temperature, top_p, min_p, penalty;
    int32_t top_k;
  } kinds[] = {{"greedy", 0, 1, 0, 1, 0},
               {"greedy, penalty", 0, 1, 0, 1.1f, 0},
               {"0.8, k 40, p 0.95, min 0.05", 0.8f, 0.95f, 0.05f, 1, 40},
               {"the same, penalty", 0.8f, 0.95f, 0.05f, 1.1f, 40},
               {"1, p 0.9", 1, 0.9f, 0, 1, 0},
               {"1, min 0.05", 1, 1, 0.05f, 1, 0},
               {"1", 1, 1, 0, 1, 0}};
  for (const auto& kind : kinds) {
    SamplerOptions o;
    o.temperature = kind.temperature;
    o.top_k = kind.top_k;
    o.top_p = kind.top_p;
    o.min_p = kind.min_p;
    o.repeat_penalty = kind.penalty;
    Sampler sampler(o);
    constexpr int kSteps = 64;
    int undecided = 0;
    uint64_t position = 0;
    std::vector<float> own(n), drawn(n);
    m.backend().clear(slot.data(), m.arena().slot_bytes());
    int32_t token = 1;
    const double step = median(5, [&] {
      for (int i = 0; i < kSteps; ++i) {
        Sequence s{slot.data(), position++, &token, 1};
        m.feed({&s, 1}, feed);
        const Pick by = sampler.next();
        if (m.pick(&token, {&by, 1}, {&at, 1}) && token >= 0) {
          sampler.picked(token);
        } else {
          ++undecided;
          logits_of(m, own.data(), slot.data());
          token = sampler.pick(own.data(), n);
        }
      }
    });
    std::printf("%-28s %10.1f tok/s, %d of %d undecided; alone", kind.name, kSteps / step, undecided, 6 * kSteps);
    logits_of(m, own.data(), slot.data());
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 2.5f);
    for (float& l : drawn) l = normal(random);
    const auto exec = m.backend().exec();
    exec->begin();
    for (const std::vector<float>* logits : {&own, &drawn}) {
      const Tensor x = exec->scratch(1, static_cast<int64_t>(n));
      m.backend().upload(reinterpret_cast<std::byte*>(x.data), logits->data(), n * sizeof(float));
      const double t = median(5, [&] {
        for (int i = 0; i < 100; ++i) {
          const Pick by = sampler.next();
          exec->pick(&token, {&by, 1}, x);
          sampler.picked(std::max(token, 0));
        }
      });
      const double host = median(3, [&] { token = sampler.pick(logits->data(), n); });
      std::printf(" %7.1f us (the host: %.0f us)%s", t / 100 * 1e6, host * 1e6, logits == &own ? ", drawn" : "\n");
    }
    exec->end();
    token = 1;
    std::fflush(stdout);
  }
}

void bench_scan(const std::string& only, const std::string& dtype) {
  BackendOptions options;
  options.dtype = dtype;
  std::unique_ptr<Backend> be;
  for (const BackendEntry& b : backends())
    if (std::string(b.name) == "cuda") be = b.create(options);
  const struct {
    const char* name;
    Decay decay;
    bool erase;
    int64_t T, H, K;
  } kinds[] = {{"RWKV-7", Decay::vector, true, 32768, 32, 64},
               {"DeltaNet", Decay::none, true, 32768, 32, 64},
               {"gated DeltaNet", Decay::scalar, true, 32768, 32, 64},
               {"linear attention", Decay::none, false, 32768, 32, 64},
               {"Mamba-2", Decay::scalar, false, 32768, 32, 64},
               {"GLA", Decay::vector, false, 32768, 32, 64},
               {"RWKV-7", Decay::vector, true, 4096, 12, 64},
               {"RWKV-7", Decay::vector, true, 512, 32, 64},
               {"RWKV-7", Decay::vector, true, 64, 32, 64},
               {"Mamba-2", Decay::scalar, false, 4096, 24, 128}};
  for (const auto& kind : kinds) {
    const int64_t T = kind.T, H = kind.H, K = kind.K, V = 64;
    if (only != "all" && only != kind.name) continue;
    const auto exec = be->exec();
    exec->begin();
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::uniform_real_distribution<float> uniform(0, 1);
    const auto tensor = [&](const std::vector<float>& values) {
      const Tensor t = exec->scratch(T, static_cast<int64_t>(values.size()) / T);
      be->upload(reinterpret_cast<std::byte*>(t.data), values.data(), values.size() * sizeof(float));
      return t;
    };
    // Cut from a pool of so many heads' tokens: drawing them all would take minutes.
    constexpr int64_t kPool = 4096;
    const auto repeated = [&](const std::vector<float>& pool, int64_t cols) {
      std::vector<float> values(static_cast<size_t>(T * cols));
      for (size_t i = 0; i < values.size(); i += pool.size())
        std::copy_n(pool.begin(), std::min(pool.size(), values.size() - i), values.begin() + static_cast<int64_t>(i));
      return values;
    };
    const auto drawn = [&](int64_t cols) {
      std::vector<float> pool(static_cast<size_t>(kPool * cols + 7));  // 7: not the same for every head
      for (float& v : pool) v = normal(random);
      return repeated(pool, H * cols);
    };
    // Keys of length 1, b = rate a, decays as RWKV-7 has them: the state stays what it is.
    std::vector<float> a(static_cast<size_t>((kPool + 1) * K)), b(a.size()), log_w(static_cast<size_t>(kPool * K + 7));
    for (float& x : a) x = normal(random);
    for (size_t i = 0; i < a.size(); i += static_cast<size_t>(K)) {
      float square = 0;
      const float rate = uniform(random);
      for (size_t j = i; j < i + static_cast<size_t>(K); ++j) square += a[j] * a[j];
      for (size_t j = i; j < i + static_cast<size_t>(K); ++j) {
        a[j] /= std::sqrt(square);
        b[j] = rate * a[j];
      }
    }
    for (float& w : log_w) w = -0.6f * uniform(random);
    const auto slot = be->allocate(static_cast<size_t>(H * K * V) * sizeof(float));
    const Segment segment{0, static_cast<int32_t>(T), slot->data()};
    Rows rows;
    rows.count = static_cast<int32_t>(T);
    rows.segments = {&segment, 1};
    rows.block = true;
    Scan scan;
    scan.decay = kind.decay;
    scan.erase = kind.erase;
    scan.heads = H;
    scan.key = K;
    scan.value = V;
    scan.r = tensor(drawn(K));
    scan.a = tensor(repeated(a, H * K));
    scan.k = tensor(repeated(a, H * K));
    scan.v = tensor(drawn(V));
    scan.b = tensor(repeated(b, H * K));
    scan.o = exec->scratch(T, H * V);
    scan.log_w = tensor(repeated(log_w, kind.decay == Decay::scalar ? H : H * K));
    float one = 0;
    constexpr int kCalls = 10;
    const double t = median(5, [&] {
      for (int i = 0; i < kCalls; ++i) exec->scan(scan, rows);
      exec->download(&one, {scan.o.data, 1, 1, 1});
    });
    std::printf("scan %-17s T %-6lld H %-3lld K %-4lld %8.3f ms\n", kind.name, static_cast<long long>(T),
                static_cast<long long>(H), static_cast<long long>(K), t / kCalls * 1e3);
    std::fflush(stdout);
    exec->end();
  }
}

// Device memory after the first call, and after each of the others.
void bench_feed(const char* path, size_t tokens) {
  const Model m(path, nullptr, 0, on_gpu());
  Arena::Slot slot = m.arena().take();
  m.backend().clear(slot.data(), m.arena().slot_bytes());
  constexpr size_t kCall = 65536;
  const std::vector<int32_t> drawn = draw(kCall, m.vocabulary());
  std::vector<float> logits(static_cast<size_t>(m.vocabulary()));
  const FeedOptions feed;
  size_t done = 0;
  uint64_t changed = 0;
  Backend::DeviceMemory at{};
  double start = 0;
  for (; done < tokens; done += kCall) {
    Sequence s{slot.data(), done, drawn.data(), std::min(kCall, tokens - done)};
    m.feed({&s, 1}, feed);
    logits_of(m, logits.data(), slot.data());
    const Backend::DeviceMemory now = m.backend().device_memory();
    if (done == 0) {
      at = now;
      start = seconds();
    } else if (now.taken != at.taken || now.free != at.free) {
      ++changed;
      std::printf("after %zu tokens %llu bytes are taken and %llu free, at first %llu and %llu\n", done + s.count,
                  static_cast<unsigned long long>(now.taken), static_cast<unsigned long long>(now.free),
                  static_cast<unsigned long long>(at.taken), static_cast<unsigned long long>(at.free));
    }
  }
  std::printf("fed %zu tokens at %.1f tok/s: %llu bytes of device memory taken, %s\n", tokens,
              static_cast<double>(tokens - std::min(tokens, kCall)) / (seconds() - start),
              static_cast<unsigned long long>(at.taken), changed == 0 ? "the same after every call" : "NOT the same");
  if (changed != 0) throw Error(Code::internal, "device memory grew");
}

}  // namespace
}  // namespace recurra

int main(int argc, char** argv) {
  recurra::log_set([](void*, int32_t, const char* line) { std::printf("%s\n", line); }, nullptr,
                   recurra::LogLevel::warning);
  try {
    if (argc >= 3 && std::strcmp(argv[1], "model") == 0) {
      std::vector<int> batches;
      for (int i = 3; i < argc; ++i) batches.push_back(std::max(1, std::atoi(argv[i])));
      if (batches.empty()) batches = {8, 64, 320};
      recurra::bench_model(argv[2], batches);
    } else if (argc == 3 && std::strcmp(argv[1], "pick") == 0) {
      recurra::bench_pick(argv[2]);
    } else if (argc >= 2 && std::strcmp(argv[1], "scan") == 0) {
      recurra::bench_scan(argc > 2 ? argv[2] : "all", argc > 3 ? argv[3] : "auto");
    } else if (argc == 4 && std::strcmp(argv[1], "feed") == 0) {
      recurra::bench_feed(argv[2], std::strtoull(argv[3], nullptr, 10));
    } else {
      std::fprintf(stderr,
                   "usage: gpu_bench model FILE [batch ...] | gpu_bench pick FILE | gpu_bench scan [all|NAME [DTYPE]] "
                   "| gpu_bench feed FILE TOKENS\n");
      return 2;
    }
  } catch (const std::exception& e) {
    std::printf("gpu_bench: %s\n", e.what());
    return 1;
  }
  return 0;
}
