// GGUF files built by hand, whole or broken on purpose. Written from the specification (ggml's docs/gguf.md), not from
// the reader: all numbers of types and layouts stand here again.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace recurra::test {

// Bytes of little-endian numbers, one after the other.
class Bytes {
 public:
  template <class T>
  Bytes& put(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    data.append(raw, sizeof raw);
    return *this;
  }
  Bytes& u32(uint32_t n) { return put(n); }
  Bytes& u64(uint64_t n) { return put(n); }
  Bytes& string(const std::string& s) {
    put(static_cast<uint64_t>(s.size()));
    data += s;
    return *this;
  }
  std::string data;
};

// keys and tensors are appended as they come; the counts of the header follow unless they are set.
struct GgufBuilder {
  std::string magic = "GGUF";
  uint32_t version = 3;
  uint64_t alignment = 32;  // of the data; add the key general.alignment as well
  uint64_t n_keys = 0, n_tensors = 0;
  Bytes keys, tensors;
  std::string payload;

  GgufBuilder& key(const std::string& name, uint32_t type, const std::string& value) {
    ++n_keys;
    keys.string(name).u32(type).data += value;
    return *this;
  }
  GgufBuilder& key_u32(const std::string& name, uint32_t n) { return key(name, 4, Bytes().u32(n).data); }
  GgufBuilder& key_string(const std::string& name, const std::string& s) {
    return key(name, 8, Bytes().string(s).data);
  }
  GgufBuilder& key_strings(const std::string& name, const std::vector<std::string>& list) {
    Bytes b;
    b.u32(8).u64(list.size());
    for (const std::string& s : list) b.string(s);
    return key(name, 9, b.data);
  }
  GgufBuilder& key_i32s(const std::string& name, const std::vector<int32_t>& list) {
    Bytes b;
    b.u32(5).u64(list.size());
    for (const int32_t n : list) b.put(n);
    return key(name, 9, b.data);
  }

  // `ne` has the innermost dimension first.
  GgufBuilder& tensor_at(uint64_t offset, const std::string& name, const std::vector<uint64_t>& ne, uint32_t type) {
    ++n_tensors;
    tensors.string(name).u32(static_cast<uint32_t>(ne.size()));
    for (const uint64_t n : ne) tensors.u64(n);
    tensors.u32(type).u64(offset);
    return *this;
  }
  GgufBuilder& tensor(const std::string& name, const std::vector<uint64_t>& ne, uint32_t type,
                      const std::string& bytes) {
    payload.resize((payload.size() + alignment - 1) / alignment * alignment);
    tensor_at(payload.size(), name, ne, type);
    payload += bytes;
    return *this;
  }

  std::string build() const {
    Bytes out;
    out.data = magic;
    out.u32(version).u64(n_tensors).u64(n_keys);
    out.data += keys.data + tensors.data;
    if (!payload.empty()) out.data.resize((out.data.size() + alignment - 1) / alignment * alignment);
    return out.data + payload;
  }
};

}  // namespace recurra::test
