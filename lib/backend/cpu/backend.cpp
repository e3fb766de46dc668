#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "backend/cpu/cpu.h"
#include "backend/cpu/exec.h"
#include "backend/dequantize.h"
#include "backend/transpose.h"
#include "core/error.h"
#include "core/log.h"

namespace recurra {
namespace {

// Cores this process may run on, counting the hardware threads of one core once.
int physical_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    char path[96], siblings[128] = "";
    std::snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE* f = std::fopen(path, "re");
    if (f == nullptr || std::fgets(siblings, sizeof siblings, f) == nullptr)
      std::snprintf(siblings, sizeof siblings, "%d", cpu);
    if (f != nullptr) std::fclose(f);
    cores.insert(siblings);
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

class CpuBackend final : public HostBackend {
 public:
  CpuBackend(const CpuLevel& level, bool forced, bool bf16, bool exact, int threads)
      : shared_{kernels(level.level, best_reading()),
                level,
                choose_scan_form(),
                exact ? nullptr : int8_kernels(level.level, best_reading()),
                OneDnn(level, forced, bf16),
                Threads(threads)} {}

  const char* name() const override { return "cpu"; }
  const char* level() const override { return level_name(shared_.level.level); }
  const char* dtype() const override { return shared_.dnn.bf16() ? "bf16" : "f32"; }
  int threads() const override { return shared_.threads.count(); }

  std::unique_ptr<Matrix> matrix(const TensorView& view, Inputs inputs) override {
    if (!can_dequantize(view.type))
      fail(Code::unsupported, "tensor '%s' has type %s, which the cpu backend cannot compute with yet",
           printable(view.name).c_str(), info(view.type).name);
    return std::make_unique<CpuMatrix>(view, inputs, shared_.int8);
  }
  void read_state(float* out, const std::byte* slot, const StateSlice& s) const override {
    const auto* in = reinterpret_cast<const float*>(slot + s.offset);
    if (s.shape.rank == 3)
      transpose_heads(out, in, s.shape.dim[0], s.shape.dim[2], s.shape.dim[1]);
    else
      std::copy_n(in, s.shape.elements(), out);
  }
  void write_state(std::byte* slot, const StateSlice& s, const float* in) const override {
    auto* out = reinterpret_cast<float*>(slot + s.offset);
    if (s.shape.rank == 3)
      transpose_heads(out, in, s.shape.dim[0], s.shape.dim[1], s.shape.dim[2]);
    else
      std::copy_n(in, s.shape.elements(), out);
  }
  std::unique_ptr<Exec> exec() override { return std::make_unique<CpuExec>(shared_); }

 private:
  CpuShared shared_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options) {
  const CpuLevel level = choose_level();
  const char* forced = std::getenv("RECURRA_CPU_LEVEL");
  // auto: bf16 only where the CPU has it; emulated it would be slower than f32.
  const bool bf16 = options.dtype == "bf16" || (options.dtype == "auto" && level.native_bf16);
  if (bf16 && !level.native_bf16 && level.level < Level::avx512)
    fail(Code::backend, "dtype \"bf16\" needs AVX-512, the CPU level here is %s", level_name(level.level));
  if (bf16 && !level.native_bf16)
    log(LogLevel::warning, "this CPU has no bf16 instructions: bf16 will be slower than f32");
  const int threads = options.threads > 0 ? options.threads : physical_cores();
  return std::make_unique<CpuBackend>(level, forced != nullptr && *forced != '\0', bf16, options.dtype == "f32",
                                      threads);
}

}  // namespace recurra
