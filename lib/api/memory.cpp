// recurra.h, "memory".
#include "api/handles.h"
#include "api/structs.h"

using namespace recurra;

namespace {

// The memory that a caller's n values are of.
State::Memory memory_of(const State& state, size_t index, size_t n) {
  const State::Memory memory = state.memory(index);
  const auto expected = static_cast<size_t>(memory.elements());
  if (n != expected)
    fail(Code::invalid, "n is %zu, expected %zu: %lld rows of %lld", n, expected,
         static_cast<long long>(memory.slice->shape.dim[1]), static_cast<long long>(memory.slice->shape.dim[2]));
  return memory;
}

}  // namespace

recurra_status recurra_memory_count(size_t* out, const recurra_state* state) {
  return guard([&] {
    need(out, "out");
    need(state, "state");
    *out = state->state.memories();
  });
}

recurra_status recurra_memory_describe(recurra_memory_info* info, const recurra_state* state, size_t index) {
  return guard([&] {
    need(info, "info");
    need(state, "state");
    const State::Memory memory = state->state.memory(index);
    recurra_memory_info i{};
    i.layer = memory.layer;
    i.head = memory.head;
    i.n_rows = static_cast<int32_t>(memory.slice->shape.dim[1]);
    i.n_columns = static_cast<int32_t>(memory.slice->shape.dim[2]);
    i.name = memory.slice->name.c_str();
    copy_out(info, i, "recurra_memory_info");
  });
}

recurra_status recurra_memory_read(float* out, size_t n, const recurra_state* state, size_t index) {
  return guard([&] {
    need(out, "out");
    need(state, "state");
    const State::Memory memory = memory_of(state->state, index, n);
    const State::Read lock(state->state);
    state->state.read_memory(out, memory);
  });
}

recurra_status recurra_memory_write(recurra_state* state, size_t index, const float* values, size_t n) {
  return guard([&] {
    need(state, "state");
    need(values, "values");
    const State::Memory memory = memory_of(state->state, index, n);
    const State::Write lock(state->state);
    state->state.write_memory(values, memory);
  });
}
