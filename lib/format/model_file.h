// What a model needs of the file it is opened from: typed metadata and named tensors. GGUF files (gguf.h) and Hugging
// Face folders (huggingface.h) implement it. Every getter throws Error(Code::format) that names the key or the tensor,
// what was found and what was expected; nothing from the file is trusted before it was checked here.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace recurra {

class ModelFile {
 public:
  virtual ~ModelFile() = default;

  // "model.gguf" or "folder", printable, for error lines; "memory" where there is no path.
  virtual const std::string& name() const = 0;

  // Metadata. Integers of any width and sign are one kind, floats of any width another.
  virtual bool has(const std::string& key) const = 0;
  virtual int64_t integer(const std::string& key, int64_t least, int64_t most) const = 0;
  virtual double number(const std::string& key) const = 0;  // a float, or an integer; in GGUF finite
  virtual bool boolean(const std::string& key) const = 0;
  virtual std::string string(const std::string& key) const = 0;
  virtual std::vector<std::string_view> strings(const std::string& key) const = 0;  // views live as long as the file
  virtual std::vector<int64_t> integers(const std::string& key) const = 0;
  virtual std::vector<double> numbers(const std::string& key) const = 0;

  // The key is there and says null, which only JSON can: has() is false, and yet it isn't the same as no key at all.
  virtual bool is_null(const std::string& key) const;
  // Whether the key's value may change what the model computes; all others are about text, training and book-keeping.
  // GGUF: the keys that begin with the architecture's name.
  virtual bool matters(const std::string& key) const;

  // The same with a value for "the key is not there" (a key of the wrong type is still an error).
  int64_t integer_or(const std::string& key, int64_t fallback, int64_t least, int64_t most) const {
    return has(key) ? integer(key, least, most) : fallback;
  }
  double number_or(const std::string& key, double fallback) const { return has(key) ? number(key) : fallback; }
  bool boolean_or(const std::string& key, bool fallback) const { return has(key) ? boolean(key) : fallback; }
  std::string string_or(const std::string& key, const std::string& fallback) const {
    return has(key) ? string(key) : fallback;
  }

  // All keys in the file's order, and one value as text for people: valid UTF-8 without a zero byte, arrays
  // "[1, 2, 3, ...]" cut after 16 elements. Keys are printable ASCII.
  virtual const std::vector<std::string>& keys() const = 0;
  virtual std::string text(const std::string& key) const = 0;

  // Tensors, in the file's order. Their data was checked to lie inside the file.
  virtual const std::vector<TensorView>& tensors() const = 0;
  virtual const TensorView* find(const std::string& tensor) const = 0;  // nullptr without it

  // A tensor that must be there with this shape. Dimensions of 1 don't count, wherever they are, since they don't move
  // an element: [6, 1, 1, D] is asked for as shape(6, D), [H, 1] as shape(H).
  const TensorView& tensor(const std::string& tensor, const Shape& expected) const;
};

// A string as ModelFile::text shows it: what is no UTF-8 or would end a C string becomes \xNN.
std::string readable(std::string_view s);

}  // namespace recurra
