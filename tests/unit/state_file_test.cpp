// State files: what was written is read back, the same bytes every time, and nothing damaged or foreign is.
#include "format/state_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "core/half.h"
#include "core/hash.h"
#include "format/safetensors.h"
#include "unit/state_samples.h"

namespace recurra {
namespace {

using namespace testing_state;

// Puts the right checksum into a file that was changed, so that what lies behind the checksum is tested too.
Bytes sealed(Bytes bytes) {
  const std::string key = "\"recurra.checksum\":\"";
  auto at = std::search(bytes.begin(), bytes.end(), key.begin(), key.end());
  if (static_cast<size_t>(bytes.end() - at) < key.size() + 32) return bytes;  // the damage hit the key itself
  at += static_cast<std::ptrdiff_t>(key.size());
  std::fill(at, at + 32, '0');
  const std::string digits = hash_hex(bytes.data(), bytes.size());
  std::copy(digits.begin(), digits.end(), at);
  return bytes;
}

// Replaces text in the header by text of the same length.
Bytes replaced(const Bytes& bytes, const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size());
  Bytes out = bytes;
  const auto at = std::search(out.begin(), out.end(), from.begin(), from.end());
  EXPECT_NE(at, out.end()) << from;
  std::copy(to.begin(), to.end(), at);
  return out;
}

Code open_and_read(const Bytes& bytes, Room& room, std::string* what = nullptr) {
  const std::vector<unsigned char> exact(bytes);  // its own allocation: the sanitizer sees a byte too far
  return code_of([&] { StateFile(exact.data(), exact.size(), "x.state").read(room.targets); }, what);
}

void expect_equal(const Room& room, const Sample& sample) {
  for (size_t t = 0; t < sample.values.size(); ++t) {
    ASSERT_EQ(room.values[t].size(), sample.values[t].size());
    if (sample.values[t].empty()) continue;
    EXPECT_EQ(std::memcmp(room.values[t].data(), sample.values[t].data(), sample.values[t].size() * sizeof(float)), 0)
        << t;
  }
}

TEST(StateFile, ReadsBackWhatWasWritten) {
  for (const StateType type : {StateType::f32, StateType::f16}) {
    for (const int64_t width : {1, 4, 7, 40}) {
      const Sample sample(width);
      const Bytes bytes = sample.bytes(type);
      EXPECT_EQ(bytes.size(), state_file_size(sample.header, sample.tensors, type));
      const StateFile file(bytes.data(), bytes.size(), "x.state");
      EXPECT_EQ(file.format_version(), 1u);
      EXPECT_EQ(file.type(), type);
      EXPECT_EQ(file.header().architecture, sample.header.architecture);
      EXPECT_EQ(file.header().model_fingerprint, sample.header.model_fingerprint);
      EXPECT_EQ(file.header().tokenizer_hash, sample.header.tokenizer_hash);
      EXPECT_EQ(file.header().n_tokens, sample.header.n_tokens);
      EXPECT_EQ(file.header().backend, sample.header.backend);
      EXPECT_EQ(file.header().cpu_level, sample.header.cpu_level);
      EXPECT_EQ(file.header().compute_dtype, sample.header.compute_dtype);
      EXPECT_EQ(file.header().exact, sample.header.exact);
      EXPECT_EQ(file.header().notes, sample.header.notes);
      const std::string text(bytes.begin(), bytes.end());
      EXPECT_NE(text.find("\"__metadata__\":" + file.metadata_json() + ","), std::string::npos) << "as in the file";
      EXPECT_NE(file.metadata_json().find(file.checksum()), std::string::npos);
      Room room(sample);
      std::reverse(room.targets.begin(), room.targets.end());  // any order
      file.read(room.targets);
      expect_equal(room, sample);
    }
  }
}

TEST(StateFile, IsDeterministicAndAligned) {
  const Sample a, b;
  for (const StateType type : {StateType::f32, StateType::f16}) {
    const Bytes bytes = a.bytes(type);
    EXPECT_EQ(bytes, b.bytes(type));
    uint64_t length;
    std::memcpy(&length, bytes.data(), sizeof length);
    EXPECT_EQ((8 + length) % 64, 0u);
  }
}

TEST(StateFile, KeptFilesLoadAndAreWrittenTheSame) {
  // Written by version 0.1.0, checked with Python's safetensors and xxhash. A new format version keeps its own beside
  // them.
  const Sample sample;
  for (const StateType type : {StateType::f32, StateType::f16}) {
    const Bytes kept =
        file_bytes(data_path(type == StateType::f32 ? "state_v1_f32.safetensors" : "state_v1_f16.safetensors"));
    Room room(sample);
    EXPECT_EQ(open_and_read(kept, room), Code::ok);
    expect_equal(room, sample);
    EXPECT_EQ(kept, sample.bytes(type));
  }
}

TEST(StateFile, ReadsFromAnyAddress) {
  const Sample sample;
  const Bytes bytes = sample.bytes();
  for (size_t shift = 0; shift < 8; ++shift) {
    Bytes moved(bytes.size() + shift);
    std::copy(bytes.begin(), bytes.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
    Room room(sample);
    StateFile(moved.data() + shift, bytes.size(), "x").read(room.targets);
    expect_equal(room, sample);
  }
}

TEST(StateFile, EveryFlippedBitIsFound) {
  const Sample sample;
  for (const StateType type : {StateType::f32, StateType::f16}) {
    const Bytes good = sample.bytes(type);
    Room room(sample);
    for (size_t i = 0; i < good.size() * 8; ++i) {
      Bytes bad = good;
      bad[i / 8] = static_cast<unsigned char>(bad[i / 8] ^ (1u << (i % 8)));
      std::string what;
      const Code code = open_and_read(bad, room, &what);
      // The digit of the format version may become another digit; nothing else is anything but damage.
      EXPECT_TRUE(code == Code::corrupt || (code == Code::version && what.find("format version") != std::string::npos))
          << "bit " << i << ": " << static_cast<int>(code) << " " << what;
    }
    EXPECT_TRUE(room.untouched());
  }
}

TEST(StateFile, EveryCutAndEveryAppendedByteIsFound) {
  const Sample sample;
  const Bytes good = sample.bytes();
  Room room(sample);
  for (size_t n = 0; n < good.size(); ++n) {
    EXPECT_EQ(open_and_read(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)), room), Code::corrupt)
        << n;
  }
  for (size_t n = 1; n <= 130; ++n) {
    Bytes longer = good;
    longer.resize(good.size() + n, n % 2 ? 0 : 0x20);
    EXPECT_EQ(open_and_read(longer, room), Code::corrupt) << n;
    EXPECT_EQ(open_and_read(sealed(longer), room), Code::corrupt) << n;
  }
  EXPECT_TRUE(room.untouched());
}

TEST(StateFile, RandomDamageIsFound) {
  const Sample sample;
  const Bytes good = sample.bytes();
  Room room(sample);
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    Bytes bad = good;
    for (unsigned n = 1 + random() % 20; n > 0; --n) bad[random() % bad.size()] = static_cast<unsigned char>(random());
    if (bad == good) continue;
    const Code code = open_and_read(bad, room);
    EXPECT_TRUE(code == Code::corrupt || code == Code::version) << static_cast<int>(code);
    // With the right checksum, damage in the header still gives a typed error or a file of the same form.
    const Code resealed = code_of([&] {
      const Bytes s = sealed(bad);
      StateFile(s.data(), s.size(), "x");
    });
    EXPECT_TRUE(resealed == Code::ok || resealed == Code::corrupt || resealed == Code::version ||
                resealed == Code::unsupported);
  }
  EXPECT_TRUE(room.untouched());
}

TEST(StateFile, ANewerFormatIsAVersionError) {
  const Sample sample;
  const Bytes newer = replaced(sample.bytes(), "\"recurra.format\":\"1\"", "\"recurra.format\":\"2\"");
  Room room(sample);
  std::string what;
  EXPECT_EQ(open_and_read(newer, room, &what), Code::version);
  EXPECT_EQ(what, "x.state: format version 2, this library reads versions up to 1");
  EXPECT_EQ(open_and_read(sealed(newer), room), Code::version);
  // Whatever a later version puts behind its header: types unknown today, another layout.
  const std::string text(
      R"({"__metadata__":{"recurra.format":"7"},"a":{"dtype":"F4","shape":[1,2,3,4,5],"data_offsets":[9,3]}})");
  Bytes later(8);
  later[0] = static_cast<unsigned char>(text.size());
  later.insert(later.end(), text.begin(), text.end());
  EXPECT_EQ(open_and_read(later, room), Code::version);
  EXPECT_EQ(open_and_read(replaced(newer, "\"recurra.format\":\"2\"", "\"recurra.format\":\"0\""), room),
            Code::corrupt);
  EXPECT_EQ(open_and_read(replaced(newer, "\"recurra.format\":\"2\"", "\"recurra.format\":\"x\""), room),
            Code::corrupt);
  EXPECT_TRUE(room.untouched());
}

TEST(StateFile, BadFieldsWithARightChecksumAreFound) {
  const Sample sample;
  const Bytes good = sample.bytes();
  Room room(sample);
  ASSERT_EQ(open_and_read(sealed(good), room), Code::ok);
  const std::pair<std::string, std::string> changes[] = {
      {"\"recurra.architecture\"", "\"recurra.architectura\""},
      {"\"recurra.n_tokens\":\"12345678901234567890\"", "\"recurra.n_tokens\":\"-2345678901234567890\""},
      {"\"recurra.n_tokens\":\"12345678901234567890\"", "\"recurra.n_tokens\":\"02345678901234567890\""},
      {"\"recurra.n_tokens\":\"12345678901234567890\"", "\"recurra.n_tokens\":\"99999999999999999999\""},
      {"\"recurra.exact\":\"true\"", "\"recurra.exact\":\"True\""},
      {"\"recurra.exact\":\"true\"", "\"recurra.exact\":\"1   \""},
      {"00112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF"},
      {"fedcba98765432100123456789abcdef", "fedcba98765432100123456789abcde "},
      {"\"recurra.backend\":\"cpu\"", "\"recurra.backend\":\"c u\""},
      {"\"note.user.id-1\"", "\"note.user/id-1\""},
      {"\"recurra.format\"", "\"recurra.farmot\""},
      {"\"dtype\":\"F32\"", "\"dtype\":\"I32\""},
  };
  for (const auto& [from, to] : changes) {
    EXPECT_EQ(open_and_read(sealed(replaced(good, from, to)), room), Code::corrupt) << to;
  }
  EXPECT_EQ(open_and_read(replaced(good, "\"recurra.checksum\":", "\"recurra.checksam\":"), room), Code::corrupt);
}

TEST(StateFile, TwoPlacesForTheChecksumAreRefused) {
  // The end of the first key reads like the checksum's: which one was meant is not guessed.
  const std::string digits(32, '0');
  const SafetensorsLayout layout =
      safetensors_layout({}, {{"recurra.format", "1"}, {"a\"recurra.checksum", digits}, {"recurra.checksum", digits}});
  const Bytes bytes(layout.header.begin(), layout.header.end());
  std::string what;
  EXPECT_EQ(code_of([&] { StateFile(bytes.data(), bytes.size(), "x"); }, &what), Code::corrupt);
  EXPECT_NE(what.find("recurra.checksum"), std::string::npos) << what;
}

TEST(StateFile, OtherFilesAreNone) {
  const Sample sample;
  Room room(sample);
  EXPECT_EQ(open_and_read({}, room), Code::corrupt);
  EXPECT_EQ(open_and_read(Bytes(4096, 0), room), Code::corrupt);
  EXPECT_EQ(open_and_read(Bytes(4096, 0xff), room), Code::corrupt);
  const SafetensorsLayout model = safetensors_layout({{"w", DType::f32, shape(4), nullptr, 0}}, {{"format", "pt"}});
  Bytes bytes(model.header.begin(), model.header.end());
  bytes.resize(bytes.size() + model.payload);
  std::string what;
  EXPECT_EQ(open_and_read(bytes, room, &what), Code::corrupt);
  EXPECT_NE(what.find("no state file"), std::string::npos) << what;
  EXPECT_TRUE(room.untouched());
}

TEST(StateFile, OtherShapesAndNamesAreAMismatch) {
  const Sample sample;
  const Bytes good = sample.bytes();
  const auto expect_mismatch = [&](const std::string& part, const auto& change) {
    Room room(sample);
    change(room.targets);
    std::string what;
    EXPECT_EQ(open_and_read(good, room, &what), Code::mismatch) << part;
    EXPECT_NE(what.find(part), std::string::npos) << what;
    EXPECT_TRUE(room.untouched());
  };
  using Targets = std::vector<StateTarget>;
  expect_mismatch("tensor layers.0.time_mix.shift: shape [4], expected [5]", [](Targets& t) { t[0].shape = shape(5); });
  expect_mismatch("shape [4], expected [1, 4]", [](Targets& t) { t[0].shape = shape(1, 4); });
  expect_mismatch("shape [2, 4, 4], expected [4, 4, 2]", [](Targets& t) { t[1].shape = shape(4, 4, 2); });
  expect_mismatch("shape [0, 2, 4], expected [0, 2, 5]", [](Targets& t) { t[2].shape = shape(0, 2, 5); });
  expect_mismatch("tensor hiddem: is missing", [](Targets& t) { t[4].name = "hiddem"; });
  expect_mismatch("tensor hidden: the model's state has no such tensor", [](Targets& t) { t.pop_back(); });
  expect_mismatch("tensor more: is missing", [](Targets& t) { t.push_back({"more", shape(0), nullptr}); });
  expect_mismatch("tensor layers.0.time_mix.shift: is missing", [](Targets& t) { t[4] = t[0]; });
  expect_mismatch("tensor layers.0.time_mix.shift: the model's", [](Targets& t) { t.clear(); });
}

TEST(StateFile, ValuesThatAreNotFiniteAreNeverRead) {
  for (const StateType type : {StateType::f32, StateType::f16}) {
    const Sample sample;
    const Bytes good = sample.bytes(type);
    const std::vector<uint32_t> bad_bits =
        type == StateType::f32 ? std::vector<uint32_t>{0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffffffff}
                               : std::vector<uint32_t>{0x7c00, 0xfc00, 0x7e00, 0x7c01, 0xffff};
    const size_t width = type == StateType::f32 ? 4 : 2;
    Room room(sample);
    for (const uint32_t bits : bad_bits) {
      Bytes bad(good.begin(), good.end() - static_cast<std::ptrdiff_t>(width));  // all but the last value
      for (size_t b = 0; b < width; ++b) bad.push_back(static_cast<unsigned char>(bits >> (8 * b)));
      std::string what;
      EXPECT_EQ(open_and_read(sealed(bad), room, &what), Code::corrupt);
      EXPECT_NE(what.find("tensor hidden: value 0 is "), std::string::npos) << what;
    }
    EXPECT_TRUE(room.untouched());
  }
}

TEST(StateFile, ValuesThatAreNotFiniteAreNeverWritten) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (const StateType type : {StateType::f32, StateType::f16}) {
      Sample sample;
      sample.values[3][17] = bad;
      std::string what;
      size_t written = 0;
      EXPECT_EQ(
          code_of(
              [&] { state_write(sample.header, sample.tensors, type, [&](const void*, size_t n) { written += n; }); },
              &what),
          Code::corrupt);
      EXPECT_NE(what.find("tensor layers.1.scan: value 17 is "), std::string::npos) << what;
      EXPECT_EQ(written, 0u);
    }
  }
}

TEST(StateFile, F16RoundsToNearestEven) {
  // Every finite half, the midpoints between neighbours, and one float to either side of those, both signs. The
  // expected value is found in double from the grid itself: halves of an exponent are 2^(e-10) apart, 2^-24 at the
  // least.
  std::vector<float> in;
  for (uint32_t h = 0; h < 0x7c00; ++h) {
    const float x = f16_to_float(static_cast<uint16_t>(h));
    in.push_back(x);
    if (h + 1 == 0x7c00) continue;
    const float middle = (x + f16_to_float(static_cast<uint16_t>(h + 1))) / 2;
    for (const float y : {middle, std::nextafterf(middle, 0), std::nextafterf(middle, 1e9f)}) in.push_back(y);
  }
  in.push_back(1e-30f);
  in.push_back(std::numeric_limits<float>::denorm_min());
  const size_t half = in.size();
  for (size_t i = 0; i < half; ++i) in.push_back(-in[i]);
  Sample sample;
  sample.tensors = {{"x", shape(static_cast<int64_t>(in.size())), in.data()}};
  const Bytes bytes = sample.bytes(StateType::f16);
  std::vector<float> out(in.size());
  StateFile(bytes.data(), bytes.size(), "x").read({{"x", shape(static_cast<int64_t>(in.size())), out.data()}});
  for (size_t i = 0; i < in.size(); ++i) {
    const double x = std::fabs(static_cast<double>(in[i]));
    const double step = x < 0x1p-14 ? 0x1p-24 : std::ldexp(1.0, std::ilogb(x) - 10);
    const double expected = std::copysign(std::nearbyint(x / step) * step, static_cast<double>(in[i]));
    ASSERT_EQ(static_cast<double>(out[i]), expected) << in[i];
    ASSERT_EQ(std::signbit(out[i]), std::signbit(in[i])) << in[i];
  }
}

TEST(StateFile, ValuesBeyondF16AreUnsupported) {
  for (const float big : {65504.004f, -65505.0f, 65519.0f, 1e30f}) {
    Sample sample;
    sample.values[1][3] = big;
    std::string what;
    EXPECT_EQ(code_of([&] { sample.bytes(StateType::f16); }, &what), Code::unsupported) << big;
    EXPECT_NE(what.find("tensor layers.0.time_mix.state: value 3 is "), std::string::npos) << what;
    EXPECT_EQ(code_of([&] { sample.bytes(StateType::f32); }), Code::ok);
  }
  Sample sample;
  sample.values[1][3] = -65504;
  EXPECT_EQ(code_of([&] { sample.bytes(StateType::f16); }), Code::ok);
}

TEST(StateFile, HeadersThatNoFileCanHoldAreInvalid) {
  const auto expect_invalid = [](const auto& change) {
    Sample sample;
    change(sample);
    EXPECT_EQ(code_of([&] { sample.bytes(); }), Code::invalid);
    EXPECT_EQ(code_of([&] { state_file_size(sample.header, sample.tensors, StateType::f32); }), Code::invalid);
  };
  expect_invalid([](Sample& s) { s.header.architecture = ""; });
  expect_invalid([](Sample& s) { s.header.architecture = std::string(32, 'a'); });
  expect_invalid([](Sample& s) { s.header.backend = "a b"; });
  expect_invalid([](Sample& s) { s.header.cpu_level = std::string(16, 'a'); });
  expect_invalid([](Sample& s) { s.header.compute_dtype = ""; });
  expect_invalid([](Sample& s) { s.header.model_fingerprint = "none"; });
  expect_invalid([](Sample& s) { s.header.tokenizer_hash = ""; });
  expect_invalid([](Sample& s) { s.header.notes["bad key"] = ""; });
  expect_invalid([](Sample& s) { s.header.notes[""] = ""; });
  expect_invalid([](Sample& s) { s.header.notes[std::string(129, 'k')] = ""; });
  expect_invalid([](Sample& s) { s.header.notes["k"] = "\xff"; });
  expect_invalid([](Sample& s) { s.header.notes["k"] = std::string(65537, 'v'); });
  expect_invalid([](Sample& s) {
    for (int i = 0; i < 256; ++i) s.header.notes[std::to_string(i)] = "";
  });
  expect_invalid([](Sample& s) { s.tensors[1].name = s.tensors[0].name; });
  expect_invalid([](Sample& s) { s.tensors[1].name = "__metadata__"; });
  expect_invalid([](Sample& s) { s.tensors[1].shape = shape(-4); });
}

TEST(StateFile, TheLargestNotesFit) {
  Sample sample;
  sample.header.notes.clear();
  for (int i = 0; i < 256; ++i)
    sample.header.notes[std::to_string(1000 + i) + std::string(124, 'k')] = std::string(65536, '"');
  const Bytes bytes = sample.bytes();
  EXPECT_EQ(bytes.size(), state_file_size(sample.header, sample.tensors, StateType::f32));
  const StateFile file(bytes.data(), bytes.size(), "x");
  EXPECT_EQ(file.header().notes, sample.header.notes);
}

TEST(StateFile, NotesCannotForgeTheChecksum) {
  Sample sample;
  for (const char* text : {"\"recurra.checksum\":\"00000000000000000000000000000000\"", "\",\"recurra.checksum\":\"0\"",
                           "\\", "\\\"", "\"}}"}) {
    sample.header.notes["a"] = text;
    sample.header.notes["z.recurra.checksum"] = text;
    const Bytes bytes = sample.bytes();
    EXPECT_EQ(StateFile(bytes.data(), bytes.size(), "x").header().notes, sample.header.notes);
  }
}

TEST(StateFile, ASinkThatThrowsStopsTheWriting) {
  const Sample sample;
  size_t pieces = 0;
  EXPECT_EQ(code_of([&] {
              state_write(sample.header, sample.tensors, StateType::f32, [&](const void*, size_t) {
                if (++pieces == 3) fail(Code::callback, "enough");
              });
            }),
            Code::callback);
  EXPECT_EQ(pieces, 3u);
}

}  // namespace
}  // namespace recurra
