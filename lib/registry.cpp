// Where concrete architectures (listed in mixers/registry.h) and backends are named. A new backend is a line here.
#include "mixers/registry.h"

#include "backend/cpu/cpu.h"
#include "backend/cuda/cuda.h"
#include "backend/reference/reference.h"
#include "core/error.h"

namespace recurra {

const Architecture& find_architecture(const std::string& name) {
#define RECURRA_ADDRESS(name) &name,
  static const Architecture* const all[] = {RECURRA_ARCHITECTURES(RECURRA_ADDRESS)};
#undef RECURRA_ADDRESS
  std::string known;
  for (const Architecture* a : all) {
    if (name == a->name) return *a;
    known += known.empty() ? a->name : std::string(", ") + a->name;
  }
  fail(Code::unsupported, "architecture '%s' is not supported; supported: %s", printable(name).c_str(), known.c_str());
}

Span<const BackendEntry> backends() {
  static const BackendEntry all[] = {
      {"cuda", make_cuda_backend}, {"cpu", make_cpu_backend}, {"reference", make_reference_backend}};
  return {all, sizeof all / sizeof *all};
}

}  // namespace recurra
