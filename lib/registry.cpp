// The two lists that name concrete mixers and backends. A new one is a line here.
#include "mixers/registry.h"

#include "backend/cpu/cpu.h"
#include "backend/reference/reference.h"
#include "core/error.h"

namespace recurra {

const Architecture& find_architecture(const std::string& name) {
  static const Architecture* const all[] = {&kRwkv7,
                                            &kMamba,
                                            &kMamba2,
                                            &kLlama,
                                            &kQwen35,
                                            &kFlaRwkv7,
                                            &kFlaLinearAttention,
                                            &kFlaDeltaNet,
                                            &kFlaGatedDeltaNet,
                                            &kFlaMamba,
                                            &kFlaMamba2,
                                            &kFlaTransformer,
                                            &kHfMamba,
                                            &kHfMamba2,
                                            &kHfLlama,
                                            &kHfQwen35,
                                            &kHfQwen3Next};
  std::string known;
  for (const Architecture* a : all) {
    if (name == a->name) return *a;
    known += known.empty() ? a->name : std::string(", ") + a->name;
  }
  fail(Code::unsupported, "architecture '%s' is not supported; supported: %s", printable(name).c_str(), known.c_str());
}

Span<const BackendEntry> backends() {
  static const BackendEntry all[] = {{"cpu", make_cpu_backend}, {"reference", make_reference_backend}};
  return {all, sizeof all / sizeof *all};
}

}  // namespace recurra
