#include "format/state_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "core/error.h"
#include "core/file_io.h"
#include "core/half.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "format/safetensors.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written as they lie in memory");

namespace recurra {
namespace {

// The metadata keys of format version 1. Values are text; the file of a later version may have more.
constexpr char kFormat[] = "recurra.format";                  // "1"
constexpr char kArchitecture[] = "recurra.architecture";      // "rwkv7"
constexpr char kFingerprint[] = "recurra.model_fingerprint";  // 32 hexadecimal digits
constexpr char kTokenizer[] = "recurra.tokenizer_hash";       // 32 hexadecimal digits or "none"
constexpr char kTokens[] = "recurra.n_tokens";                // decimal
constexpr char kBackend[] = "recurra.backend";                // "cpu"
constexpr char kCpuLevel[] = "recurra.cpu_level";             // "avx512"; may be empty
constexpr char kComputeDtype[] = "recurra.compute_dtype";     // "f32"
constexpr char kExact[] = "recurra.exact";                    // "true" or "false"
constexpr char kChecksum[] = "recurra.checksum";              // 32 hexadecimal digits
constexpr char kNotePrefix[] = "note.";

constexpr size_t kDigits = 32, kMostNotes = 256, kMostNoteKey = 128, kMostNoteValue = 64 << 10;
constexpr size_t kPiece = 16 << 10;  // values converted at a time
constexpr float kMostF16 = 65504;

bool is_hex(const std::string& s) {
  return s.size() == kDigits && s.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Printable ASCII without blanks, of a length that fits recurra_peek's arrays.
bool is_word(const std::string& s, size_t least, size_t most) {
  return s.size() >= least && s.size() <= most &&
         std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_utf8(const std::string& s) {
  for (size_t i = 0; i < s.size();) {
    const size_t n = utf8_sequence(s.data() + i, s.size() - i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

bool is_note_key(const std::string& s) {
  return !s.empty() && s.size() <= kMostNoteKey &&
         s.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string::npos;
}

// A decimal number as std::to_string writes it: no sign, no leading zero, at most 2^64 - 1.
bool parse_decimal(const std::string& s, uint64_t& value) {
  if (s.empty() || s.size() > 20 || (s[0] == '0' && s.size() > 1)) return false;
  value = 0;
  for (const char c : s) {
    if (c < '0' || c > '9') return false;
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return false;
    value = value * 10 + digit;
  }
  return true;
}

// The rules of the header's fields, the same for what is written (Code::invalid) and what was read (Code::corrupt).
void check(const StateHeader& h, Code code, const std::string& name) {
  const auto require = [&](bool good, const char* key, const std::string& value, const char* expected) {
    if (!good) fail(code, "%s: %s is '%s', expected %s", name.c_str(), key, printable(value).c_str(), expected);
  };
  require(is_word(h.architecture, 1, 31), kArchitecture, h.architecture, "1 to 31 printable characters");
  require(is_hex(h.model_fingerprint), kFingerprint, h.model_fingerprint, "32 hexadecimal digits");
  require(is_hex(h.tokenizer_hash) || h.tokenizer_hash == "none", kTokenizer, h.tokenizer_hash,
          "32 hexadecimal digits or none");
  require(is_word(h.backend, 1, 31), kBackend, h.backend, "1 to 31 printable characters");
  require(is_word(h.cpu_level, 0, 15), kCpuLevel, h.cpu_level, "at most 15 printable characters");
  require(is_word(h.compute_dtype, 1, 7), kComputeDtype, h.compute_dtype, "1 to 7 printable characters");
  if (h.notes.size() > kMostNotes)
    fail(code, "%s: %zu notes, expected at most %zu", name.c_str(), h.notes.size(), kMostNotes);
  for (const auto& [key, value] : h.notes) {
    require(is_note_key(key), "a note's key", key, "1 to 128 of A-Z a-z 0-9 _ . -");
    require(is_utf8(value), ("note " + key).c_str(), value, "valid UTF-8");
    if (value.size() > kMostNoteValue) {
      fail(code, "%s: note %s has %zu bytes, expected at most %zu", name.c_str(), key.c_str(), value.size(),
           kMostNoteValue);
    }
  }
}

SafetensorsLayout layout_of(const StateHeader& header, const std::vector<StateTensor>& tensors, StateType type) {
  check(header, Code::invalid, "state");
  SafetensorsMetadata metadata{
      {kFormat, std::to_string(kStateFormatVersion)},
      {kArchitecture, header.architecture},
      {kFingerprint, header.model_fingerprint},
      {kTokenizer, header.tokenizer_hash},
      {kTokens, std::to_string(header.n_tokens)},
      {kBackend, header.backend},
      {kCpuLevel, header.cpu_level},
      {kComputeDtype, header.compute_dtype},
      {kExact, header.exact ? "true" : "false"},
      {kChecksum, std::string(kDigits, '0')},
  };
  for (const auto& [key, value] : header.notes) metadata.emplace(kNotePrefix + key, value);
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (const StateTensor& t : tensors) {
    views.push_back({t.name, type == StateType::f16 ? DType::f16 : DType::f32, t.shape, nullptr, 0});
  }
  return safetensors_layout(views, metadata);
}

// Where the checksum's digits begin in a header, or npos. The text searched for has a bare quote before the colon,
// which within a JSON string would be escaped, so it can only be the key itself; twice, it belongs to no file of ours.
size_t find_checksum(const char* text, size_t size) {
  const std::string key = std::string("\"") + kChecksum + "\":\"";
  const auto first = std::search(text, text + size, key.begin(), key.end());
  if (static_cast<size_t>(text + size - first) < key.size() + kDigits) return std::string::npos;
  if (std::search(first + 1, text + size, key.begin(), key.end()) != text + size) return std::string::npos;
  return static_cast<size_t>(first - text) + key.size();
}

void check_values(const StateTensor& t, StateType type) {
  const size_t n = static_cast<size_t>(t.shape.elements());
  if (n != 0 && t.data == nullptr) fail(Code::invalid, "tensor %s: no values", printable(t.name).c_str());
  for (size_t i = 0; i < n; ++i) {
    const float x = t.data[i];
    if (!std::isfinite(x))
      fail(Code::corrupt, "tensor %s: value %zu is %g, expected a finite number", printable(t.name).c_str(), i,
           static_cast<double>(x));
    if (type == StateType::f16 && std::fabs(x) > kMostF16) {
      fail(Code::unsupported, "tensor %s: value %zu is %g, expected at most 65504 in magnitude to be saved as f16",
           printable(t.name).c_str(), i, static_cast<double>(x));
    }
  }
}

// A tensor's values as they stand in the file.
template <class Sink>
void write_values(const StateTensor& t, StateType type, const Sink& sink) {
  const size_t n = static_cast<size_t>(t.shape.elements());
  if (type == StateType::f32) {
    if (n != 0) sink(t.data, n * sizeof(float));
    return;
  }
  std::vector<uint16_t> piece(std::min(n, kPiece));
  for (size_t i = 0; i < n; i += kPiece) {
    const size_t m = std::min(kPiece, n - i);
    for (size_t j = 0; j < m; ++j) piece[j] = float_to_f16(t.data[i + j]);
    sink(piece.data(), m * sizeof(uint16_t));
  }
}

// Values of a tensor in a file, which may begin at any address.
float value_at(const TensorView& t, size_t i) {
  const unsigned char* bytes = static_cast<const unsigned char*>(t.data);
  if (t.type == DType::f16) {
    uint16_t h;
    std::memcpy(&h, bytes + i * sizeof h, sizeof h);
    return f16_to_float(h);
  }
  float f;
  std::memcpy(&f, bytes + i * sizeof f, sizeof f);
  return f;
}

}  // namespace

uint64_t state_file_size(const StateHeader& header, const std::vector<StateTensor>& tensors, StateType type) {
  const SafetensorsLayout layout = layout_of(header, tensors, type);
  return layout.header.size() + layout.payload;
}

void state_write(const StateHeader& header, const std::vector<StateTensor>& tensors, StateType type,
                 const StateSink& sink) {
  SafetensorsLayout layout = layout_of(header, tensors, type);
  Hasher hasher;
  hasher.add(layout.header.data(), layout.header.size());
  for (const StateTensor& t : tensors) {
    check_values(t, type);
    write_values(t, type, [&](const void* data, size_t size) { hasher.add(data, size); });
  }
  const size_t digits = find_checksum(layout.header.data(), layout.header.size());
  if (digits == std::string::npos) fail(Code::internal, "the state file's header has no place for the checksum");
  layout.header.replace(digits, kDigits, hasher.hex());
  sink(layout.header.data(), layout.header.size());
  for (const StateTensor& t : tensors) write_values(t, type, sink);
}

void state_save_file(const std::string& path, const StateHeader& header, const std::vector<StateTensor>& tensors,
                     StateType type) {
  AtomicFile file(path);
  state_write(header, tensors, type, [&](const void* data, size_t size) { file.write(data, size); });
  file.commit();
}

std::vector<unsigned char> state_read_file(const std::string& path) {
  InputFile file(path);
  std::vector<unsigned char> bytes;
  const uint64_t field = sizeof(uint64_t);
  uint64_t length = 0;
  file.read(bytes, std::min(field, file.size()));
  if (bytes.size() == field) {
    std::memcpy(&length, bytes.data(), field);
    length = std::min({length, kSafetensorsMaxHeader, file.size() - field});
    file.read(bytes, length);
  }
  // The one key that every version has.
  const std::string key = std::string("\"") + kFormat + '"';
  if (std::search(bytes.begin(), bytes.end(), key.begin(), key.end()) == bytes.end()) {
    fail(Code::corrupt, "%s: is no state file: its header has no %s", file.name().c_str(), kFormat);
  }
  bytes.reserve(file.size());
  file.read(bytes, file.size() - bytes.size());
  return bytes;
}

StateFile::StateFile(const void* data, uint64_t size, const std::string& name) : name_(printable(name, 300)) {
  const char* file = name_.c_str();
  const Safetensors parsed(data, size, name, Code::corrupt);
  const SafetensorsMetadata& metadata = parsed.metadata();
  const auto text = [&](const char* key) -> const std::string& {
    const auto it = metadata.find(key);
    if (it == metadata.end())
      fail(Code::corrupt, "%s: the metadata has no %s: no state file, or a damaged one", file, key);
    return it->second;
  };

  // The version comes first: all else may be different in a newer one.
  uint64_t version = 0;
  if (!parse_decimal(text(kFormat), version) || version == 0 || version > UINT32_MAX) {
    fail(Code::corrupt, "%s: %s is '%s', expected a number from 1 on", file, kFormat, printable(text(kFormat)).c_str());
  }
  if (version > kStateFormatVersion) {
    fail(Code::version, "%s: format version %llu, this library reads versions up to %u", file,
         static_cast<unsigned long long>(version), kStateFormatVersion);
  }
  format_version_ = static_cast<uint32_t>(version);

  // Then the checksum: what differs from here on is not damage.
  checksum_ = text(kChecksum);
  const char* bytes = static_cast<const char*>(data);
  const size_t digits = find_checksum(bytes, parsed.header_bytes());
  if (!is_hex(checksum_) || digits == std::string::npos ||
      checksum_.compare(0, kDigits, bytes + digits, kDigits) != 0) {
    fail(Code::corrupt, "%s: %s is '%s', expected 32 hexadecimal digits", file, kChecksum,
         printable(checksum_).c_str());
  }
  Hasher hasher;
  hasher.add(bytes, digits);
  hasher.add(std::string(kDigits, '0').data(), kDigits);
  hasher.add(bytes + digits + kDigits, size - digits - kDigits);
  if (const std::string found = hasher.hex(); found != checksum_) {
    fail(Code::corrupt, "%s: the contents' checksum is %s, expected %s: the file is damaged", file, found.c_str(),
         checksum_.c_str());
  }

  header_.architecture = text(kArchitecture);
  header_.model_fingerprint = text(kFingerprint);
  header_.tokenizer_hash = text(kTokenizer);
  header_.backend = text(kBackend);
  header_.cpu_level = text(kCpuLevel);
  header_.compute_dtype = text(kComputeDtype);
  if (!parse_decimal(text(kTokens), header_.n_tokens)) {
    fail(Code::corrupt, "%s: %s is '%s', expected a number", file, kTokens, printable(text(kTokens)).c_str());
  }
  header_.exact = text(kExact) == "true";
  if (!header_.exact && text(kExact) != "false") {
    fail(Code::corrupt, "%s: %s is '%s', expected true or false", file, kExact, printable(text(kExact)).c_str());
  }
  const size_t prefix = sizeof kNotePrefix - 1;
  for (const auto& [key, value] : metadata) {
    if (key.compare(0, prefix, kNotePrefix) == 0) header_.notes.emplace(key.substr(prefix), value);
  }
  check(header_, Code::corrupt, name_);
  metadata_json_ = safetensors_metadata_json(metadata);

  tensors_ = parsed.tensors();
  for (const TensorView& t : tensors_) {
    if ((t.type != DType::f32 && t.type != DType::f16) || t.type != tensors_.front().type) {
      fail(Code::corrupt, "%s: tensor %s is %s, expected F32 or F16, one for all", file, printable(t.name).c_str(),
           info(t.type).name);
    }
  }
  type_ = !tensors_.empty() && tensors_.front().type == DType::f16 ? StateType::f16 : StateType::f32;
}

void StateFile::read(const std::vector<StateTarget>& targets) const {
  std::unordered_map<std::string, const TensorView*> by_name;
  for (const TensorView& t : tensors_) by_name.emplace(t.name, &t);
  std::vector<const TensorView*> found;
  found.reserve(targets.size());
  for (const StateTarget& target : targets) {
    const std::string tensor = name_ + ": tensor " + printable(target.name);
    const auto it = by_name.find(target.name);
    if (it == by_name.end())
      fail(Code::mismatch, "%s: is missing, expected with shape %s", tensor.c_str(), target.shape.text().c_str());
    if (it->second->shape != target.shape) {
      fail(Code::mismatch, "%s: shape %s, expected %s", tensor.c_str(), it->second->shape.text().c_str(),
           target.shape.text().c_str());
    }
    found.push_back(it->second);
    by_name.erase(it);
  }
  for (const TensorView& t : tensors_) {
    if (by_name.count(t.name) != 0) {
      fail(Code::mismatch, "%s: tensor %s: the model's state has no such tensor", name_.c_str(),
           printable(t.name).c_str());
    }
  }
  for (const TensorView* t : found) {
    const size_t n = static_cast<size_t>(t->shape.elements());
    for (size_t i = 0; i < n; ++i) {
      if (const float x = value_at(*t, i); !std::isfinite(x)) {
        fail(Code::corrupt, "%s: tensor %s: value %zu is %g, expected a finite number", name_.c_str(),
             printable(t->name).c_str(), i, static_cast<double>(x));
      }
    }
  }
  for (size_t k = 0; k < targets.size(); ++k) {
    const TensorView& t = *found[k];
    const size_t n = static_cast<size_t>(t.shape.elements());
    if (n == 0) continue;
    if (t.type == DType::f32) {
      std::memcpy(targets[k].data, t.data, n * sizeof(float));
    } else {
      for (size_t i = 0; i < n; ++i) targets[k].data[i] = value_at(t, i);
    }
  }
}

}  // namespace recurra
