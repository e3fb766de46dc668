// The state file: a valid .safetensors file (8 bytes of header length, a JSON header, raw little-endian tensors) whose
// __metadata__ says which model and tokenizer it belongs to, how far it has read, what computed it and the user's
// notes, with an xxh3-128 over header (that field zeroed) and payload. The same state gives the same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/span.h"
#include "core/tensor.h"

namespace recurra {

constexpr uint32_t kStateFormatVersion = 1;

// Everything in a state file but the values.
struct StateHeader {
  std::string architecture;       // "rwkv7"
  std::string model_fingerprint;  // 32 hex digits
  std::string tokenizer_hash;     // 32 hex digits, or "none"
  uint64_t n_tokens = 0;
  std::string backend;        // what computed it: "cpu"
  std::string cpu_level;      // "avx512"
  std::string compute_dtype;  // "f32" or "bf16"
  bool exact = false;
  std::map<std::string, std::string> notes;  // metadata keys "note.KEY"
};

// One tensor of the state in backend-neutral order and float32.
struct StateTensor {
  std::string name;  // "layers.0.time_mix.state"
  Shape shape;
  const float* data;
};
struct StateTarget {
  std::string name;
  Shape shape;
  float* data;
};

enum class StateType { f32, f16 };

// How many bytes state_write writes; the values are not looked at. What no file can hold (a name twice, a note that is
// not UTF-8, a fingerprint that is none) is Code::invalid, here and in state_write.
uint64_t state_file_size(const StateHeader& header, const std::vector<StateTensor>& tensors, StateType type);

// Serialises through `sink` in order, in pieces of any size; `sink` throws to stop. The values are read twice, first
// for the checksum, and must not change meanwhile; nothing reaches the sink before all were checked. Values that F16
// cannot hold (finite, magnitude above 65504) are Code::unsupported, naming the tensor. Non-finite values are
// Code::corrupt.
using StateSink = std::function<void(const void* data, size_t size)>;
void state_write(const StateHeader& header, const std::vector<StateTensor>& tensors, StateType type,
                 const StateSink& sink);

// Atomic and durable: a temporary file beside `path`, fsync, rename, fsync of the folder (core/file_io.h, AtomicFile).
// Whatever fails, `path` is what it was and the temporary file is gone. A symbolic link at `path` is followed.
// Permissions of an existing file are kept. What the system refuses is Code::io.
void state_save_file(const std::string& path, const StateHeader& header, const std::vector<StateTensor>& tensors,
                     StateType type);

// The bytes of the state file at `path`, for a StateFile. Of a file whose beginning shows that it is none (a model of
// many gigabytes, say), no more is read: Code::corrupt. No such file is Code::not_found, what the system refuses
// Code::io.
std::vector<unsigned char> state_read_file(const std::string& path);

// A parsed state file over the caller's bytes. The constructor checks the header, sizes, shapes (no overlap, no gap,
// nothing past the end), format version and the checksum; `name` is for error lines. Cut, flipped or foreign bytes are
// Code::corrupt, a newer format Code::version.
class StateFile {
 public:
  StateFile(const void* data, uint64_t size, const std::string& name);

  const StateHeader& header() const { return header_; }
  uint32_t format_version() const { return format_version_; }
  StateType type() const { return type_; }
  const std::string& checksum() const { return checksum_; }
  // The __metadata__ object, its keys sorted, as in the file.
  const std::string& metadata_json() const { return metadata_json_; }

  // Checks that the tensors are exactly these names and shapes (Code::mismatch) and every value is finite
  // (Code::corrupt); then, and only then, copies the values out.
  void read(const std::vector<StateTarget>& targets) const;

 private:
  StateHeader header_;
  uint32_t format_version_ = 0;
  StateType type_ = StateType::f32;
  std::string checksum_, metadata_json_, name_;
  std::vector<TensorView> tensors_;
};

}  // namespace recurra
