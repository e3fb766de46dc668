#include "backend/cpu/level.h"

#include <cpuid.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "core/error.h"

namespace recurra {
namespace {

struct Bits {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Bits cpuid(unsigned leaf, unsigned sub) {
  Bits b;
  if (__get_cpuid_count(leaf, sub, &b.eax, &b.ebx, &b.ecx, &b.edx) == 0) return {};
  return b;
}

// AMX needs the operating system's permission to save tiles (XCR0 bits 17, 18), which it gives on request.
bool has_amx() {
  const Bits seven = cpuid(7, 0);
  const bool tile = (seven.edx >> 24 & 1u) != 0, bf16 = (seven.edx >> 22 & 1u) != 0;
  if (!tile || !bf16 || (cpuid(1, 0).ecx >> 27 & 1u) == 0) return false;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 0x60000u) == 0x60000u;
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd");
}

bool has_avx2() {
  // F16C has no name in __builtin_cpu_supports of older compilers: leaf 1, ecx bit 29.
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && (cpuid(1, 0).ecx >> 29 & 1u) != 0;
}

bool has_avx512_bf16() { return has_avx512() && (cpuid(7, 1).eax >> 5 & 1u) != 0; }

}  // namespace

const char* level_name(Level level) {
  static const char* const names[] = {"plain", "avx2", "avx512", "amx"};
  return names[static_cast<int>(level)];
}

Level best_level() {
  __builtin_cpu_init();
  if (has_avx512() && has_avx2()) return has_amx() ? Level::amx : Level::avx512;
  return has_avx2() ? Level::avx2 : Level::plain;
}

Reading best_reading() {
  unsigned eax = 0, name[3] = {};
  __get_cpuid(0, &eax, &name[0], &name[2], &name[1]);
  return std::memcmp(name, "AuthenticAMD", sizeof name) == 0 ? Reading::one_place : Reading::several_places;
}

CpuLevel choose_level() {
  Level level = best_level();
  const char* forced = std::getenv("RECURRA_CPU_LEVEL");
  if (forced != nullptr && *forced != '\0') {
    const std::string name = forced;
    int found = -1;
    for (int i = 0; i <= static_cast<int>(Level::amx); ++i)
      if (name == level_name(static_cast<Level>(i))) found = i;
    if (found < 0)
      fail(Code::backend, "RECURRA_CPU_LEVEL is '%s', expected plain, avx2, avx512 or amx", printable(name).c_str());
    if (found > static_cast<int>(level))
      fail(Code::backend, "RECURRA_CPU_LEVEL is '%s', but this CPU goes up to %s", forced, level_name(level));
    level = static_cast<Level>(found);
  }
  return {level, level == Level::amx || (level == Level::avx512 && has_avx512_bf16())};
}

ScanForm choose_scan_form() {
  const char* forced = std::getenv("RECURRA_CPU_SCAN");
  const std::string name = forced != nullptr ? forced : "";
  if (name == "step") return ScanForm::step;
  if (name == "chunk") return ScanForm::chunk;
  if (!name.empty()) fail(Code::backend, "RECURRA_CPU_SCAN is '%s', expected step or chunk", printable(name).c_str());
  return ScanForm::fastest;
}

}  // namespace recurra
