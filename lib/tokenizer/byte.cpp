// Token id = byte value.
#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/hash.h"
#include "tokenizer/tokenizer.h"

namespace recurra {
namespace {

class ByteTokenizer final : public Tokenizer {
 public:
  explicit ByteTokenizer(int32_t n_vocab) : n_vocab_(n_vocab), n_bytes_(std::clamp(n_vocab, 0, 256)) {
    for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<char>(i);
    Hasher h;
    h.add(std::string(kind()));
    h.add(bytes_.data(), static_cast<size_t>(n_bytes_));
    hash_ = h.hex();
  }

  const char* kind() const override { return "byte"; }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> out(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
      out[i] = static_cast<unsigned char>(text[i]);
      if (out[i] >= n_bytes_) {
        fail(Code::invalid, "byte 0x%02x at offset %zu has no token: the vocabulary has %d bytes",
             static_cast<unsigned>(out[i]), i, n_bytes_);
      }
    }
    return out;
  }

  std::string_view piece(int32_t token) const override {
    return token < n_bytes_ ? std::string_view(&bytes_[static_cast<size_t>(token)], 1) : std::string_view();
  }

  int32_t vocabulary() const override { return n_vocab_; }
  const std::string& hash() const override { return hash_; }

 private:
  int32_t n_vocab_, n_bytes_;
  std::array<char, 256> bytes_;
  std::string hash_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_byte_tokenizer(int32_t n_vocab) { return std::make_unique<ByteTokenizer>(n_vocab); }

}  // namespace recurra
