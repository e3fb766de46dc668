#include "core/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <new>

namespace recurra {

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state_(new State) { XXH3_128bits_reset(&state_->xxh); }
Hasher::~Hasher() = default;

void Hasher::add(const void* data, size_t size) { XXH3_128bits_update(&state_->xxh, data, size); }

void Hasher::add(const std::string& s) {
  const uint64_t n = s.size();
  add(&n, sizeof n);
  add(s.data(), s.size());
}

std::string Hasher::hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->xxh));
  std::string out;
  for (const unsigned char c : canonical.digest) {
    out += "0123456789abcdef"[c >> 4];
    out += "0123456789abcdef"[c & 15];
  }
  return out;
}

std::string hash_hex(const void* data, size_t size) {
  Hasher h;
  h.add(data, size);
  return h.hex();
}

}  // namespace recurra
