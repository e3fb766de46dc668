#include "backend/cpu/int8.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace recurra {
namespace {

struct Leaf7 {
  unsigned a = 0, b = 0, c = 0, d = 0;
  Leaf7() { __get_cpuid_count(7, 0, &a, &b, &c, &d); }
  bool avx512_vnni() const { return (c >> 11 & 1u) != 0; }
  bool amx_int8() const { return (d >> 25 & 1u) != 0; }
};

// Linux gives a process the use of AMX's tiles on request.
bool may_use_tiles() {
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace

const Int8Kernels* int8_kernels(Level level, Reading reading) {
  const Leaf7 has;
  if (level == Level::plain) return nullptr;
  if (level < Level::avx512 || !has.avx512_vnni()) return &kInt8Avx2;
  if (level == Level::amx && has.amx_int8() && may_use_tiles()) return &kInt8Amx;
  return reading == Reading::one_place ? &kInt8VnniOnePlace : &kInt8Vnni;
}

}  // namespace recurra
