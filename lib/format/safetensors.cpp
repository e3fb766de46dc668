#include "format/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/utf8.h"

namespace recurra {
namespace {

constexpr uint64_t kLengthField = 8, kAlignment = 64;
constexpr char kMetadataKey[] = "__metadata__";
constexpr char kTypes[] = "F32, F16, BF16, I8, I32, I64 or U8";
constexpr DType kPlainTypes[] = {DType::f32, DType::f16, DType::bf16, DType::i8, DType::i32, DType::i64, DType::u8};

const DType* find_type(const std::string& name) {
  for (const DType& type : kPlainTypes) {
    if (name == info(type).name) return &type;
  }
  return nullptr;
}

// dim[0] * ... * width, or false where that or the product without the zeros (as Shape::elements may take it on its
// way) is above 2^63 - 1.
bool byte_size(const std::array<uint64_t, 4>& dim, uint64_t width, uint64_t& bytes) {
  uint64_t product = width;
  bool empty = false;
  for (const uint64_t d : dim) {
    if (d == 0) {
      empty = true;
    } else if (product > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / d) {
      return false;
    } else {
      product *= d;
    }
  }
  bytes = empty ? 0 : product;
  return true;
}

std::string number(uint64_t n) { return std::to_string(n); }

// Takes the events of the JSON parser and accepts the one form that a header may have, so that nothing can nest deeper
// than tensor -> shape -> number, and no tree of values is built.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(std::vector<Safetensors::Entry>& entries, SafetensorsMetadata& metadata)
      : entries_(entries), metadata_(metadata) {}

  const std::string& error() const { return error_; }

  bool null() override { return wrong("null"); }
  bool boolean(bool) override { return wrong("true or false"); }
  bool number_integer(number_integer_t) override { return wrong("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return wrong("no integer of 64 bits"); }
  bool binary(binary_t&) override { return wrong("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ == Where::shape) {
      if (entry().rank < 4) entry().dim[entry().rank] = value;
      ++entry().rank;
      return true;
    }
    if (where_ == Where::offsets) {
      if (n_offsets_ == 0) entry().begin = value;
      if (n_offsets_ == 1) entry().end = value;
      ++n_offsets_;
      return true;
    }
    return wrong("a number");
  }

  bool string(string_t& value) override {
    if (where_ == Where::metadata) {
      if (metadata_.emplace(key_, value).second) return true;
      return bad(std::string(kMetadataKey) + " has " + printable(key_) + " twice");
    }
    if (where_ == Where::tensor && key_ == "dtype") {
      entry().dtype = value;
      return true;
    }
    return wrong("a string");
  }

  bool start_object(std::size_t) override {
    if (where_ == Where::start) return go(Where::root);
    if (where_ != Where::root) return wrong("an object");
    if (key_ == kMetadataKey) {
      if (has_metadata_) return bad(std::string("the header has ") + kMetadataKey + " twice");
      has_metadata_ = true;
      return go(Where::metadata);
    }
    entries_.emplace_back();
    entry().name = key_;
    seen_.clear();
    n_offsets_ = 0;
    return go(Where::tensor);
  }

  bool key(string_t& value) override {
    key_ = value;
    if (where_ != Where::tensor) return true;
    if (key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") {
      return bad(tensor() + "has a field " + printable(key_) + ", expected dtype, shape and data_offsets");
    }
    if (!seen_.insert(key_).second) return bad(tensor() + "has " + key_ + " twice");
    return true;
  }

  bool end_object() override {
    if (where_ == Where::root) return go(Where::end);
    if (where_ == Where::tensor) {
      for (const char* field : {"dtype", "shape", "data_offsets"}) {
        if (seen_.count(field) == 0) return bad(tensor() + "has no " + field);
      }
      if (n_offsets_ != 2) return bad(tensor() + "has " + number(n_offsets_) + " data_offsets, expected 2");
    }
    return go(Where::root);
  }

  bool start_array(std::size_t) override {
    if (where_ == Where::tensor && key_ == "shape") return go(Where::shape);
    if (where_ == Where::tensor && key_ == "data_offsets") return go(Where::offsets);
    return wrong("an array");
  }

  bool end_array() override { return go(Where::tensor); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    return bad("the header is no JSON: " + printable(std::string(e.what()), 200));
  }

 private:
  enum class Where { start, root, metadata, tensor, shape, offsets, end };

  Safetensors::Entry& entry() { return entries_.back(); }
  std::string tensor() { return "tensor " + printable(entry().name) + ": "; }

  bool go(Where where) {
    where_ = where;
    return true;
  }
  bool bad(const std::string& message) {
    error_ = message;
    return false;
  }
  // A value of the wrong kind, in the words of the place it stands at.
  bool wrong(const char* found) {
    const std::string is = std::string("is ") + found + ", expected ";
    switch (where_) {
      case Where::start:
      case Where::end:
        return bad("the header " + is + "an object");
      case Where::root:
        if (key_ == kMetadataKey) return bad(key_ + " " + is + "an object of strings");
        return bad("tensor " + printable(key_) + ": " + is + "an object with dtype, shape and data_offsets");
      case Where::metadata:
        return bad(std::string(kMetadataKey) + " " + printable(key_) + " " + is + "a string");
      case Where::tensor:
        return bad(tensor() + key_ + " " + is + (key_ == "dtype" ? "a string" : "an array of numbers"));
      case Where::shape:
      case Where::offsets:
        return bad(tensor() + "a number of " + key_ + " " + is + "an integer from 0 on");
    }
    return false;
  }

  std::vector<Safetensors::Entry>& entries_;
  SafetensorsMetadata& metadata_;
  Where where_ = Where::start;
  std::string key_, error_;
  bool has_metadata_ = false;
  std::set<std::string> seen_;  // fields of the present tensor
  uint64_t n_offsets_ = 0;
};

// A JSON string with its quotes. `what` is for the error line.
std::string quoted(const std::string& text, const char* what) {
  for (size_t i = 0; i < text.size();) {
    const size_t n = utf8_sequence(text.data() + i, text.size() - i);
    if (n == 0) fail(Code::invalid, "%s %s is not valid UTF-8", what, printable(text).c_str());
    i += n;
  }
  return nlohmann::json(text).dump();
}

}  // namespace

Safetensors::Safetensors(const void* data, uint64_t size, const std::string& name, Code damaged)
    : data_(static_cast<const unsigned char*>(data)), size_(size), name_(printable(name, 300)), damaged_(damaged) {
  const char* file = name_.c_str();
  if (size < kLengthField) {
    fail(damaged, "%s: %llu bytes, expected at least the 8 of a safetensors file's header length", file,
         static_cast<unsigned long long>(size));
  }
  uint64_t length = 0;
  for (uint64_t i = kLengthField; i-- > 0;) length = length << 8 | data_[i];
  if (length > kSafetensorsMaxHeader) {
    fail(damaged, "%s: a header of %llu bytes, expected at most %llu: no safetensors file", file,
         static_cast<unsigned long long>(length), static_cast<unsigned long long>(kSafetensorsMaxHeader));
  }
  if (length > size - kLengthField) {
    fail(damaged, "%s: a header of %llu bytes, but only %llu follow: the file is cut or no safetensors file", file,
         static_cast<unsigned long long>(length), static_cast<unsigned long long>(size - kLengthField));
  }
  payload_ = kLengthField + length;
  const char* text = reinterpret_cast<const char*>(data_) + kLengthField;
  if (length == 0 || text[0] != '{') fail(damaged, "%s: the header does not begin with '{': no safetensors file", file);
  // The JSON parser takes a zero byte for the end of its input, and would not look at what follows.
  if (std::memchr(text, 0, length) != nullptr) fail(damaged, "%s: the header has a zero byte", file);

  HeaderReader reader(entries_, metadata_);
  if (!nlohmann::json::sax_parse(text, text + length, &reader)) fail(damaged, "%s: %s", file, reader.error().c_str());

  std::vector<const std::string*> names;
  names.reserve(entries_.size());
  for (const Entry& e : entries_) names.push_back(&e.name);
  std::sort(names.begin(), names.end(), [](const std::string* a, const std::string* b) { return *a < *b; });
  for (size_t i = 1; i < names.size(); ++i) {
    if (*names[i] == *names[i - 1]) fail(damaged, "%s: tensor %s is there twice", file, printable(*names[i]).c_str());
  }
}

TensorView Safetensors::view(const Entry& e) const {
  const std::string tensor = name_ + ": tensor " + printable(e.name);
  const DType* type = find_type(e.dtype);
  if (type == nullptr) {
    fail(Code::unsupported, "%s: dtype %s, expected %s", tensor.c_str(), printable(e.dtype).c_str(), kTypes);
  }
  if (e.rank > e.dim.size()) {
    fail(Code::unsupported, "%s: %llu dimensions, expected at most 4", tensor.c_str(),
         static_cast<unsigned long long>(e.rank));
  }
  uint64_t bytes = 0;
  if (!byte_size(e.dim, info(*type).block_bytes, bytes)) {
    fail(damaged_, "%s: the dimensions' product is more than 64 bits hold", tensor.c_str());
  }
  TensorView v;
  v.name = e.name;
  v.type = *type;
  v.shape.rank = static_cast<int>(e.rank);
  for (size_t i = 0; i < e.dim.size(); ++i) v.shape.dim[i] = static_cast<int64_t>(e.dim[i]);
  if (bytes != e.end - e.begin) {
    fail(damaged_, "%s: %llu bytes, expected %llu for %s %s", tensor.c_str(),
         static_cast<unsigned long long>(e.end - e.begin), static_cast<unsigned long long>(bytes), e.dtype.c_str(),
         v.shape.text().c_str());
  }
  v.data = data_ + payload_ + e.begin;
  v.bytes = bytes;
  return v;
}

std::vector<TensorView> Safetensors::tensors(const std::function<bool(const std::string& name)>& wanted) const {
  std::vector<const Entry*> order;
  order.reserve(entries_.size());
  for (const Entry& e : entries_) order.push_back(&e);
  std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
  });
  const uint64_t available = size_ - payload_;
  std::vector<TensorView> views;
  views.reserve(order.size());
  uint64_t at = 0;
  for (const Entry* e : order) {
    const std::string tensor = name_ + ": tensor " + printable(e->name);
    const unsigned long long begin = e->begin, end = e->end;
    if (end < begin) fail(damaged_, "%s: data_offsets [%llu, %llu] go backwards", tensor.c_str(), begin, end);
    if (end > available) {
      fail(damaged_, "%s: data_offsets [%llu, %llu] go past the end, %llu bytes follow the header", tensor.c_str(),
           begin, end, static_cast<unsigned long long>(available));
    }
    if (begin != at) {
      fail(damaged_, "%s: begins at %llu, expected %llu: %s", tensor.c_str(), begin,
           static_cast<unsigned long long>(at), begin < at ? "tensors overlap" : "there is a gap");
    }
    if (!wanted || wanted(e->name)) views.push_back(view(*e));
    at = e->end;
  }
  if (at != available) {
    fail(damaged_, "%s: %llu bytes follow the header, expected %llu for its tensors", name_.c_str(),
         static_cast<unsigned long long>(available), static_cast<unsigned long long>(at));
  }
  return views;
}

std::string safetensors_metadata_json(const SafetensorsMetadata& metadata) {
  std::string json = "{";
  for (const auto& [key, value] : metadata) {
    if (json.size() > 1) json += ',';
    json += quoted(key, "the metadata key") + ':' + quoted(value, "the metadata value");
  }
  return json + '}';
}

SafetensorsLayout safetensors_layout(const std::vector<TensorView>& tensors, const SafetensorsMetadata& metadata) {
  SafetensorsLayout layout;
  std::string& json = layout.header;
  json.assign(kLengthField, '\0');
  json += '{';
  if (!metadata.empty()) json += quoted(kMetadataKey, "") + ':' + safetensors_metadata_json(metadata);
  std::set<std::string> names{kMetadataKey};
  for (const TensorView& t : tensors) {
    const std::string tensor = "tensor " + printable(t.name);
    if (!names.insert(t.name).second) fail(Code::invalid, "%s: the name is taken", tensor.c_str());
    if (find_type(info(t.type).name) == nullptr) {
      fail(Code::invalid, "%s: type %s, expected %s", tensor.c_str(), info(t.type).name, kTypes);
    }
    std::array<uint64_t, 4> dim{1, 1, 1, 1};
    if (t.shape.rank < 0 || t.shape.rank > 4) {
      fail(Code::invalid, "%s: %d dimensions, expected 0 to 4", tensor.c_str(), t.shape.rank);
    }
    std::string shape;
    for (size_t i = 0; i < static_cast<size_t>(t.shape.rank); ++i) {
      if (t.shape.dim[i] < 0)
        fail(Code::invalid, "%s: a negative dimension in %s", tensor.c_str(), t.shape.text().c_str());
      dim[i] = static_cast<uint64_t>(t.shape.dim[i]);
      shape += (i ? "," : "") + number(dim[i]);
    }
    uint64_t bytes = 0;
    if (!byte_size(dim, info(t.type).block_bytes, bytes) ||
        bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) - layout.payload) {
      fail(Code::invalid, "%s: %s is more than a file holds", tensor.c_str(), t.shape.text().c_str());
    }
    if (json.back() != '{') json += ',';
    json += quoted(t.name, "the tensor name") + ":{\"dtype\":\"" + info(t.type).name + "\",\"shape\":[" + shape +
            "],\"data_offsets\":[" + number(layout.payload) + ',' + number(layout.payload + bytes) + "]}";
    layout.payload += bytes;
  }
  json += '}';
  json.append((kAlignment - json.size() % kAlignment) % kAlignment, ' ');
  const uint64_t length = json.size() - kLengthField;
  if (length > kSafetensorsMaxHeader) {
    fail(Code::invalid, "the header would take %llu bytes, expected at most %llu",
         static_cast<unsigned long long>(length), static_cast<unsigned long long>(kSafetensorsMaxHeader));
  }
  for (uint64_t i = 0; i < kLengthField; ++i) json[i] = static_cast<char>(length >> (8 * i) & 0xff);
  return layout;
}

}  // namespace recurra
