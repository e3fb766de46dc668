// What a model is made of: sub-layers that each add something to the residual stream, x += f(norm(x)), between an
// embedding and a head. An architecture builds its Network from a model file; registry.cpp lists the architectures.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "format/model_file.h"

namespace recurra {

// What sub-layers of one call share besides the residual stream.
struct Pass {
  Exec& exec;
  const Rows& rows;
  Tensor v_first;  // RWKV-7: the first layer's values [T, D], for the layers after it
};

class Mixer {
 public:
  virtual ~Mixer() = default;
  // x [T, D] += f(norm(x)), reading and writing this sub-layer's part of each sequence's slot.
  virtual void apply(Pass& pass, Tensor x) = 0;
};

// The slot of one state, laid out while the network is built.
class StateLayout {
 public:
  // memories: what matrices [H, V, K] are kept as; everything else is float32.
  explicit StateLayout(DType memories = DType::f32) : memories_(memories) {}
  DType memories() const { return memories_; }
  // Reserves a tensor in the slot; returns its byte offset (64-byte aligned).
  size_t add(const std::string& name, const Shape& shape) {
    return add(name, shape, shape.rank == 3 ? memories_ : DType::f32);
  }
  size_t add(const std::string& name, const Shape& shape, DType type);
  // Reserves a layer of the cache of past tokens, `width` values for keys and as many for values; returns its number.
  // All layers of a model have the same width.
  int64_t add_cache(int64_t width);
  int64_t cache_layers() const { return cache_layers_; }
  int64_t cache_width() const { return cache_width_; }

  const std::vector<StateSlice>& slices() const { return slices_; }
  size_t bytes() const { return bytes_; }

 private:
  DType memories_;
  std::vector<StateSlice> slices_;
  size_t bytes_ = 0;
  int64_t cache_layers_ = 0, cache_width_ = 0;
};

struct NormWeights {
  Norm kind = Norm::layer;
  Vector w, b;  // b may be empty
  float eps = 0;
};

struct Network {
  int64_t width = 0, vocabulary = 0, layers = 0;
  std::unique_ptr<Matrix> embedding, head;  // [V, D]; head null: the embedding is the head
  NormWeights embedding_norm;               // w empty: none
  NormWeights output_norm;
  std::vector<std::unique_ptr<Mixer>> mixers;
  bool shares_first_value = false;  // Pass::v_first is wanted
};

struct Architecture {
  const char* name;  // general.architecture of the file: "rwkv7" in GGUF, "fla.rwkv7" of a Hugging Face folder
  // Reads hyperparameters and weights; throws typed errors that name the key or the tensor.
  Network (*build)(const ModelFile& file, Backend& backend, StateLayout& layout);
};

// The architecture called `name`; throws Code::unsupported with the list of known ones.
const Architecture& find_architecture(const std::string& name);

// Backends, best first. create() throws Code::backend with the reason when it cannot run here.
struct BackendEntry {
  const char* name;
  std::unique_ptr<Backend> (*create)(const BackendOptions& options);
};
Span<const BackendEntry> backends();

}  // namespace recurra
