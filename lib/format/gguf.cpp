#include "format/gguf.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "core/error.h"
#include "core/mapped_file.h"
#include "format/gguf_value.h"

namespace recurra {
namespace {

using namespace gguf;

// ---- types of tensors --------------------------------------------------------------------------------------------

struct TensorType {
  const char* name;
  int dtype;  // a DType, or -1: nothing here computes with it
};

constexpr TensorType known(const char* name, DType type) { return {name, static_cast<int>(type)}; }
constexpr TensorType foreign(const char* name) { return {name, -1}; }

// By the numbers of the file (enum ggml_type); those that were withdrawn are named too.
constexpr TensorType kTensorTypes[] = {
    known("F32", DType::f32),
    known("F16", DType::f16),
    known("Q4_0", DType::q4_0),
    foreign("Q4_1"),
    foreign("Q4_2"),
    foreign("Q4_3"),
    known("Q5_0", DType::q5_0),
    known("Q5_1", DType::q5_1),
    known("Q8_0", DType::q8_0),
    foreign("Q8_1"),
    foreign("Q2_K"),
    foreign("Q3_K"),
    known("Q4_K", DType::q4_k),
    known("Q5_K", DType::q5_k),
    known("Q6_K", DType::q6_k),
    foreign("Q8_K"),
    foreign("IQ2_XXS"),
    foreign("IQ2_XS"),
    foreign("IQ3_XXS"),
    foreign("IQ1_S"),
    foreign("IQ4_NL"),
    foreign("IQ3_S"),
    foreign("IQ2_S"),
    foreign("IQ4_XS"),
    known("I8", DType::i8),
    foreign("I16"),
    known("I32", DType::i32),
    known("I64", DType::i64),
    foreign("F64"),
    foreign("IQ1_M"),
    known("BF16", DType::bf16),
    foreign("Q4_0_4_4"),
    foreign("Q4_0_4_8"),
    foreign("Q4_0_8_8"),
    foreign("TQ1_0"),
    foreign("TQ2_0"),
    foreign("IQ4_NL_4_4"),
    foreign("IQ4_NL_4_8"),
    foreign("IQ4_NL_8_8"),
    foreign("MXFP4"),
    foreign("NVFP4"),
    foreign("Q1_0"),
    foreign("Q2_0"),
};

constexpr char kReadable[] = "F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, I8, I32 or I64";

// ---- the file ----------------------------------------------------------------------------------------------------

class Gguf final : public ModelFile {
 public:
  explicit Gguf(std::unique_ptr<MappedFile> file) : name_(printable(file->path(), 300)), file_(std::move(file)) {
    parse(file_->data(), file_->size());
  }

  Gguf(const void* data, uint64_t size, const std::string& name) : name_(printable(name, 300)) {
    const unsigned char* bytes = static_cast<const unsigned char*>(data);
    if (size != 0 && reinterpret_cast<uintptr_t>(bytes) % kLeastAlignment != 0) {
      // Tensors are read as floats and integers, and their alignment begins with that of the memory.
      copy_.resize((size + 7) / 8);
      std::memcpy(copy_.data(), bytes, size);
      bytes = reinterpret_cast<const unsigned char*>(copy_.data());
    }
    parse(bytes, size);
  }

  const std::string& name() const override { return name_; }
  bool has(const std::string& key) const override { return index_.count(key) != 0; }

  int64_t integer(const std::string& key, int64_t least, int64_t most) const override {
    const Value& v = value(key, "an integer");
    if (!is_integer(v.type)) wrong_type(key, v, "an integer");
    int64_t n = 0;
    if (!load_integer(v.type, v.data, n) || n < least || n > most) {
      damaged(key, "is " + number_text(v.type, v.data) + ", expected " + std::to_string(least) + " to " +
                       std::to_string(most));
    }
    return n;
  }

  double number(const std::string& key) const override {
    const Value& v = value(key, "a number");
    if (!is_number(v.type)) wrong_type(key, v, "a number");
    const double n = load_number(v.type, v.data);
    if (!std::isfinite(n)) damaged(key, "is " + number_text(v.type, v.data) + ", expected a finite number");
    return n;
  }

  bool boolean(const std::string& key) const override {
    const Value& v = value(key, "a bool");
    if (v.type != boolean_t) wrong_type(key, v, "a bool");
    return *v.data != 0;
  }

  std::string string(const std::string& key) const override {
    const Value& v = value(key, "a string");
    if (v.type != string_t) wrong_type(key, v, "a string");
    return std::string(load_string(v.data));
  }

  std::vector<std::string_view> strings(const std::string& key) const override {
    const Value& v = value(key, "an array of strings");
    if (v.type != array_t || v.element != string_t) wrong_type(key, v, "an array of strings");
    std::vector<std::string_view> out;
    out.reserve(v.count);
    const unsigned char* p = v.data;
    for (uint64_t i = 0; i < v.count; ++i) {
      out.push_back(load_string(p));
      p += 8 + out.back().size();
    }
    return out;
  }

  std::vector<int64_t> integers(const std::string& key) const override {
    const Value& v = value(key, "an array of integers");
    if (v.type != array_t || !is_integer(v.element)) wrong_type(key, v, "an array of integers");
    std::vector<int64_t> out(v.count);
    const unsigned char* p = v.data;
    for (int64_t& n : out) {
      if (!load_integer(v.element, p, n)) {
        damaged(key, "has the element " + number_text(v.element, p) + ", expected at most 9223372036854775807");
      }
      p += kValueTypes[v.element].bytes;
    }
    return out;
  }

  std::vector<double> numbers(const std::string& key) const override {
    const Value& v = value(key, "an array of numbers");
    if (v.type != array_t || !is_number(v.element)) wrong_type(key, v, "an array of numbers");
    std::vector<double> out(v.count);
    const unsigned char* p = v.data;
    for (double& n : out) {
      n = load_number(v.element, p);
      if (!std::isfinite(n)) damaged(key, "has the element " + number_text(v.element, p) + ", expected finite numbers");
      p += kValueTypes[v.element].bytes;
    }
    return out;
  }

  const std::vector<std::string>& keys() const override { return keys_; }

  std::string text(const std::string& key) const override { return gguf::text(value(key, "a value")); }

  const std::vector<TensorView>& tensors() const override { return tensors_; }

  const TensorView* find(const std::string& tensor) const override {
    const auto found = tensor_index_.find(tensor);
    return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
  }

 private:
  // general.alignment is a multiple of it, and the widest element of a tensor (I64) has it.
  static constexpr uint64_t kLeastAlignment = 8;

  const Value& value(const std::string& key, const char* expected) const {
    const auto found = index_.find(key);
    if (found == index_.end()) damaged(key, std::string("is missing, expected ") + expected);
    return values_[found->second];
  }

  [[noreturn]] void damaged(const std::string& key, const std::string& what) const {
    throw Error(Code::format, name_ + ": key " + quoted(key) + " " + what);
  }

  [[noreturn]] void wrong_type(const std::string& key, const Value& v, const char* expected) const {
    damaged(key, "is of type " + type_text(v) + ", expected " + expected);
  }

  void parse(const unsigned char* data, uint64_t size);
  void parse_version(Cursor& in) const;
  void parse_key(Cursor& in);
  uint64_t parse_tensor(Cursor& in, uint64_t size);
  void place_tensors(const unsigned char* data, uint64_t size, uint64_t tables_end,
                     const std::vector<uint64_t>& offsets);

  std::string name_;
  std::unique_ptr<MappedFile> file_;
  std::vector<uint64_t> copy_;
  std::vector<std::string> keys_;
  std::vector<Value> values_;
  std::vector<TensorView> tensors_;
  std::unordered_map<std::string_view, size_t> index_, tensor_index_;  // their keys lie in the file
};

// header: "GGUF", u32 version, u64 tensors, u64 keys; the keys; the tensors' descriptions; padding; the tensors' data.
void Gguf::parse(const unsigned char* data, uint64_t size) {
  Cursor in(data, size, name_);
  in.where = "the header";
  parse_version(in);
  const uint64_t n_tensors = in.number<uint64_t>(), n_keys = in.number<uint64_t>();
  // The counts decide how long the loops may run, so they are held against what the file has room for.
  constexpr uint64_t least_key = 8 + 1 + 4 + 1, least_tensor = 8 + 1 + 4 + 4 + 8;
  if (n_keys > in.left() / least_key) {
    in.damaged("counts " + std::to_string(n_keys) + " keys, the file has room for at most " +
               std::to_string(in.left() / least_key));
  }
  if (n_tensors > in.left() / least_tensor) {
    in.damaged("counts " + std::to_string(n_tensors) + " tensors, the file has room for at most " +
               std::to_string(in.left() / least_tensor));
  }
  for (uint64_t i = 0; i < n_keys; ++i) {
    in.where = "key " + std::to_string(i + 1) + " of " + std::to_string(n_keys);
    parse_key(in);
  }
  std::vector<uint64_t> offsets;
  for (uint64_t i = 0; i < n_tensors; ++i) {
    in.where = "tensor " + std::to_string(i + 1) + " of " + std::to_string(n_tensors);
    offsets.push_back(parse_tensor(in, size));
  }
  place_tensors(data, size, in.at(), offsets);
}

void Gguf::parse_version(Cursor& in) const {
  const char* magic = reinterpret_cast<const char*>(in.here());
  const size_t n = static_cast<size_t>(std::min<uint64_t>(4, in.left()));
  if (n < 4 || std::memcmp(magic, "GGUF", 4) != 0) {
    throw Error(Code::format,
                name_ + ": is no GGUF file: it begins with \"" + printable(magic, n) + "\", expected \"GGUF\"");
  }
  in.bytes(4);
  const uint32_t version = in.number<uint32_t>();
  const uint32_t swapped = __builtin_bswap32(version);
  if (version != 0 && (version & 0xffffu) == 0 && swapped <= 0xffffu) {
    throw Error(Code::unsupported, name_ + ": is a big-endian GGUF file of version " + std::to_string(swapped) +
                                       ", expected little-endian");
  }
  if (version == 0) in.damaged("has the GGUF version 0, expected 2 or 3");
  if (version != 2 && version != 3) {
    throw Error(Code::unsupported, name_ + ": is of GGUF version " + std::to_string(version) + ", expected 2 or 3");
  }
}

void Gguf::parse_key(Cursor& in) {
  const std::string_view key = in.string();
  if (key.empty() || key.size() > 65535) {
    in.damaged("has a name of " + std::to_string(key.size()) + " bytes, expected 1 to 65535");
  }
  in.where = "key " + quoted(key);
  // Keys travel as C strings and in error lines; the specification has them ASCII.
  const auto strange = [](unsigned char c) { return c < 0x20 || c > 0x7e; };
  if (std::any_of(key.begin(), key.end(), strange)) in.damaged("is not printable ASCII");
  if (!index_.emplace(key, keys_.size()).second) in.damaged("is there twice");
  keys_.emplace_back(key);
  values_.push_back(read_value(in));
}

// Appends the tensor without its data and returns the offset of that.
uint64_t Gguf::parse_tensor(Cursor& in, uint64_t size) {
  TensorView t;
  const std::string_view name = in.string();
  if (name.empty() || name.size() > 65535) {
    in.damaged("has a name of " + std::to_string(name.size()) + " bytes, expected 1 to 65535");
  }
  in.where = "tensor " + quoted(name);
  if (!tensor_index_.emplace(name, tensors_.size()).second) in.damaged("is there twice");
  t.name = name;

  const uint32_t rank = in.number<uint32_t>();
  if (rank > t.shape.dim.size()) in.damaged("has " + std::to_string(rank) + " dimensions, expected 0 to 4");
  t.shape.rank = static_cast<int>(rank);
  int64_t elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {  // the innermost dimension comes first in the file
    const uint64_t n = in.number<uint64_t>();
    if (n == 0 || n > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      in.damaged("has a dimension of " + std::to_string(n) + ", expected 1 to 9223372036854775807");
    }
    t.shape.dim[rank - 1 - i] = static_cast<int64_t>(n);
    if (__builtin_mul_overflow(elements, static_cast<int64_t>(n), &elements)) {
      in.damaged("has more than 9223372036854775807 elements");
    }
  }

  const uint32_t type = in.number<uint32_t>();
  const uint64_t offset = in.number<uint64_t>();
  const bool named = type < sizeof kTensorTypes / sizeof *kTensorTypes;
  if (!named || kTensorTypes[type].dtype < 0) {
    throw Error(Code::unsupported, name_ + ": " + in.where + " is of type " +
                                       (named ? kTensorTypes[type].name : std::to_string(type)) + ", expected " +
                                       kReadable);
  }
  t.type = static_cast<DType>(kTensorTypes[type].dtype);
  const DTypeInfo& layout = info(t.type);
  const int64_t row = rank == 0 ? 1 : t.shape.dim[rank - 1];
  if (row % layout.block != 0) {
    in.damaged(t.shape.text() + " is of type " + layout.name + ", its rows of " + std::to_string(row) +
               " are no multiple of " + std::to_string(layout.block));
  }
  const uint64_t blocks = static_cast<uint64_t>(elements) / layout.block;
  if (blocks > size / layout.block_bytes) {
    in.damaged(t.shape.text() + " of type " + layout.name + " is larger than the whole file of " +
               std::to_string(size) + " bytes");
  }
  t.bytes = blocks * layout.block_bytes;
  tensors_.push_back(std::move(t));
  return offset;
}

void Gguf::place_tensors(const unsigned char* data, uint64_t size, uint64_t tables_end,
                         const std::vector<uint64_t>& offsets) {
  const char* const key = "general.alignment";
  const uint64_t alignment = static_cast<uint64_t>(integer_or(key, 32, 1, std::numeric_limits<uint32_t>::max()));
  if (alignment % kLeastAlignment != 0) damaged(key, "is " + std::to_string(alignment) + ", expected a multiple of 8");
  const uint64_t start = (tables_end + alignment - 1) / alignment * alignment;

  const auto broken = [this](const TensorView& t, const std::string& what) {
    throw Error(Code::format, name_ + ": tensor " + quoted(t.name) + " " + what);
  };
  std::vector<size_t> order(tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) {
    TensorView& t = tensors_[i];
    if (offsets[i] % alignment != 0) {
      broken(t, "begins at offset " + std::to_string(offsets[i]) + ", expected a multiple of " +
                    std::to_string(alignment));
    }
    const uint64_t room = start < size ? size - start : 0;
    if (offsets[i] > room || t.bytes > room - offsets[i]) {
      broken(t, "has " + std::to_string(t.bytes) + " bytes from offset " + std::to_string(offsets[i]) +
                    " of the data on, the file has " + std::to_string(room) +
                    " bytes of data: it is cut off or damaged");
    }
    t.data = data + start + offsets[i];
    t.mapped = file_ != nullptr;
    order[i] = i;
  }
  std::sort(order.begin(), order.end(), [&offsets](size_t a, size_t b) { return offsets[a] < offsets[b]; });
  for (size_t i = 1; i < order.size(); ++i) {
    const TensorView &before = tensors_[order[i - 1]], &t = tensors_[order[i]];
    if (offsets[order[i]] - offsets[order[i - 1]] < before.bytes) broken(t, "overlaps tensor " + quoted(before.name));
  }
}

}  // namespace

std::unique_ptr<ModelFile> open_gguf(const std::string& path) {
  return std::make_unique<Gguf>(std::make_unique<MappedFile>(path));
}

std::unique_ptr<ModelFile> open_gguf(const void* data, uint64_t size, const std::string& name) {
  return std::make_unique<Gguf>(data, size, name);
}

}  // namespace recurra
