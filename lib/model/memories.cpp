// A state's matrix memories: the tensors [H, V, K] of its slot, one by one and head by head, in the state file's order.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/error.h"
#include "model/state.h"

namespace recurra {
namespace {

// Mixers name their tensors "layers.N...." (CONTRIBUTING.md, "Add a mixer").
constexpr char kLayers[] = "layers.";

bool has_memories(const StateSlice& slice) { return slice.shape.rank == 3 && slice.name.rfind(kLayers, 0) == 0; }

}  // namespace

size_t State::memories() const {
  int64_t n = 0;
  for (const StateSlice& slice : model_->layout().slices())
    if (has_memories(slice)) n += slice.shape.dim[0];
  return static_cast<size_t>(n);
}

State::Memory State::memory(size_t index) const {
  size_t left = index;
  for (const StateSlice& slice : model_->layout().slices()) {
    if (!has_memories(slice)) continue;
    const auto heads = static_cast<size_t>(slice.shape.dim[0]);
    if (left < heads) {
      const long layer = std::strtol(slice.name.c_str() + sizeof kLayers - 1, nullptr, 10);
      return {&slice, static_cast<int32_t>(layer), static_cast<int32_t>(left)};
    }
    left -= heads;
  }
  fail(Code::invalid, "index is %zu; the state has %zu matrix memories", index, memories());
}

// Whole slices go through the backend, which may keep heads in an order of its own.
void State::read_memory(float* out, const Memory& memory) const {
  std::vector<float> all(static_cast<size_t>(memory.slice->shape.elements()));
  model_->backend().read_state(all.data(), slot_.data(), *memory.slice);
  std::copy_n(all.begin() + memory.head * memory.elements(), memory.elements(), out);
}

void State::write_memory(const float* values, const Memory& memory) {
  for (int64_t i = 0; i < memory.elements(); ++i)
    if (!std::isfinite(values[i]))
      fail(Code::invalid, "values[%lld] is %g, expected a finite number", static_cast<long long>(i), values[i]);
  std::vector<float> all(static_cast<size_t>(memory.slice->shape.elements()));
  model_->backend().read_state(all.data(), slot_.data(), *memory.slice);
  std::copy_n(values, memory.elements(), all.begin() + memory.head * memory.elements());
  model_->backend().write_state(slot_.data(), *memory.slice, all.data());
  history_.begin(tokens_);  // tokens alone would not lead here
}

}  // namespace recurra
