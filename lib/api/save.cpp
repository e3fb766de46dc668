// recurra.h, "save and load".
#include <string>

#include "api/handles.h"
#include "api/structs.h"
#include "format/safetensors.h"

namespace recurra {
namespace {

recurra_save_options defaults() {
  recurra_save_options o{};
  o.dtype = "f32";
  return o;
}

StateType type_of(const recurra_save_options* options) {
  recurra_save_options o = defaults();
  copy_in(o, options, "recurra_save_options");
  if (o.reserved != 0) fail(Code::invalid, "recurra_save_options: reserved is %u, expected 0", o.reserved);
  const std::string dtype = o.dtype != nullptr ? o.dtype : "f32";
  if (dtype == "f32") return StateType::f32;
  if (dtype == "f16") return StateType::f16;
  fail(Code::invalid, "recurra_save_options: dtype is '%s', expected f32 or f16", printable(dtype).c_str());
}

// Reads until the callback gives less than it was asked for. A stream without an end must not fill the memory.
std::vector<unsigned char> read_all(recurra_read_callback read, void* user, uint64_t most) {
  constexpr size_t kChunk = size_t{1} << 20;
  std::vector<unsigned char> all;
  for (;;) {
    const size_t before = all.size();
    all.resize(before + kChunk);
    const size_t n = read(user, all.data() + before, kChunk);
    if (n > kChunk) fail(Code::callback, "the read callback said %zu bytes, it was asked for %zu", n, kChunk);
    all.resize(before + n);
    if (all.size() > most)
      fail(Code::corrupt, "stream: goes on after %zu bytes, the largest state file of this model has %llu", all.size(),
           static_cast<unsigned long long>(most));
    if (n < kChunk) return all;
  }
}

template <size_t N>
void put(char (&out)[N], const std::string& s) {
  std::memset(out, 0, N);
  std::memcpy(out, s.data(), std::min(s.size(), N - 1));
}

}  // namespace
}  // namespace recurra

using namespace recurra;

recurra_status recurra_save_options_init(recurra_save_options* options, size_t struct_size) {
  return guard([&] { init_options(options, struct_size, defaults(), "recurra_save_options"); });
}

recurra_status recurra_save_file(const recurra_state* state, const char* path, const recurra_save_options* options) {
  return guard([&] {
    need(state, "state");
    need(path, "path");
    const StateType type = type_of(options);
    const State::Read lock(state->state);
    state->state.save_file(path, type);
  });
}

recurra_status recurra_save_memory(void* out, size_t capacity, size_t* n_out, const recurra_state* state,
                                   const recurra_save_options* options) {
  return guard([&] {
    need(n_out, "n_out");
    need(state, "state");
    if (capacity != 0) need(out, "out");
    const StateType type = type_of(options);
    const State::Read lock(state->state);
    const uint64_t size = state->state.file_size(type);
    *n_out = size;
    if (size > capacity)
      fail(Code::too_small, "the buffer holds %zu bytes, expected at least %llu", capacity, static_cast<unsigned long long>(size));
    auto* to = static_cast<unsigned char*>(out);
    state->state.save(type, [&](const void* data, size_t n) {
      std::memcpy(to, data, n);
      to += n;
    });
  });
}

recurra_status recurra_save_stream(const recurra_state* state, recurra_write_callback write, void* user,
                                   const recurra_save_options* options) {
  return guard([&] {
    need(state, "state");
    if (write == nullptr) fail(Code::invalid, "write is NULL");
    const StateType type = type_of(options);
    const State::Read lock(state->state);
    state->state.save(type, [&](const void* data, size_t n) {
      if (n == 0) return;
      const size_t taken = write(user, data, n);
      if (taken != n) fail(Code::callback, "the write callback took %zu of %zu bytes", taken, n);
    });
  });
}

recurra_status recurra_load_file(recurra_state* state, const char* path) {
  return guard([&] {
    need(state, "state");
    need(path, "path");
    const State::Write lock(state->state);
    const std::vector<unsigned char> bytes = state_read_file(path);
    state->state.load(bytes.data(), bytes.size(), printable(std::string(path), 300));
  });
}

recurra_status recurra_load_memory(recurra_state* state, const void* data, size_t size) {
  return guard([&] {
    need(state, "state");
    need(data, "data");
    const State::Write lock(state->state);
    state->state.load(data, size, "memory");
  });
}

recurra_status recurra_load_stream(recurra_state* state, recurra_read_callback read, void* user) {
  return guard([&] {
    need(state, "state");
    if (read == nullptr) fail(Code::invalid, "read is NULL");
    const State::Write lock(state->state);
    const uint64_t most = state->state.file_size(StateType::f32) + kSafetensorsMaxHeader;
    const std::vector<unsigned char> bytes = read_all(read, user, most);
    state->state.load(bytes.data(), bytes.size(), "stream");
  });
}

recurra_status recurra_peek_file(recurra_peek* peek, char* metadata, size_t capacity, size_t* n_metadata, const char* path) {
  return guard([&] {
    need(peek, "peek");
    need(path, "path");
    if (capacity != 0) need(metadata, "metadata");
    const std::vector<unsigned char> bytes = state_read_file(path);
    const StateFile file(bytes.data(), bytes.size(), printable(std::string(path), 300));
    const StateHeader& h = file.header();
    recurra_peek p{};
    p.format_version = file.format_version();
    p.n_tokens = h.n_tokens;
    p.file_bytes = bytes.size();
    p.n_notes = h.notes.size();
    put(p.architecture, h.architecture);
    put(p.model_fingerprint, h.model_fingerprint);
    put(p.tokenizer_hash, h.tokenizer_hash);
    put(p.dtype, file.type() == StateType::f32 ? "f32" : "f16");
    put(p.backend, h.backend);
    put(p.cpu_level, h.cpu_level);
    put(p.compute_dtype, h.compute_dtype);
    put(p.checksum, file.checksum());
    copy_out(peek, p, "recurra_peek");
    if (n_metadata != nullptr)
      fill(metadata, capacity, n_metadata, file.metadata_json().data(), file.metadata_json().size(), "bytes");
    else if (capacity != 0)
      need(n_metadata, "n_metadata");
  });
}
