// The safetensors container: 8 bytes of header length (little-endian), a JSON header padded with spaces, then the bytes
// of the tensors end to end, with no gap and no overlap. https://github.com/huggingface/safetensors#format
//
//   {"__metadata__":{"key":"text"},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace recurra {

constexpr uint64_t kSafetensorsMaxHeader = 100000000;  // bytes of JSON; the reference implementation's limit too

using SafetensorsMetadata = std::map<std::string, std::string>;

// A file over the caller's bytes, which need no alignment and outlive it. What is wrong with them throws `damaged`
// (Code::format for a model, Code::corrupt for a state) with `name`, the tensor, what was found and what was expected.
class Safetensors {
 public:
  // Parses the header: its length, its JSON, the form of every entry, no name twice.
  Safetensors(const void* data, uint64_t size, const std::string& name, Code damaged);

  const SafetensorsMetadata& metadata() const { return metadata_; }
  uint64_t header_bytes() const { return payload_; }  // with the length field: where the tensors' bytes begin

  // The tensors in the order of their bytes, each checked: its type and shape give its size, it begins where the one
  // before it ends, and the last ends with the file. Types that core/dtype.h has none for, and more than 4 dimensions,
  // are Code::unsupported. With `wanted`, only tensors whose name it accepts are returned; nothing is expected of the
  // type and shape of the others.
  std::vector<TensorView> tensors(const std::function<bool(const std::string& name)>& wanted = nullptr) const;

  // A tensor of the header, as it stands there.
  struct Entry {
    std::string name, dtype;
    uint64_t rank = 0;  // dimensions in the file; the first four are kept
    std::array<uint64_t, 4> dim{1, 1, 1, 1};
    uint64_t begin = 0, end = 0;  // from the first byte after the header
  };

 private:
  TensorView view(const Entry& entry) const;

  const unsigned char* data_;
  uint64_t size_, payload_ = 0;
  std::string name_;
  Code damaged_;
  SafetensorsMetadata metadata_;
  std::vector<Entry> entries_;
};

// What stands before the tensors' bytes in a file with these tensors in this order (their name, type and shape; data
// and bytes are not looked at), and how many bytes those are. Padded so that the tensors begin at a multiple of 64. The
// same arguments give the same bytes: metadata first, its keys sorted. What no file can hold is Code::invalid.
struct SafetensorsLayout {
  std::string header;
  uint64_t payload = 0;
};
SafetensorsLayout safetensors_layout(const std::vector<TensorView>& tensors, const SafetensorsMetadata& metadata);

// The metadata as it stands in a header that safetensors_layout made: {"a":"1","b":"2"}.
std::string safetensors_metadata_json(const SafetensorsMetadata& metadata);

}  // namespace recurra
