#include "format/gguf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>

#include "core/error.h"
#include "support/gguf_builder.h"
#include "support/paths.h"

namespace recurra {
namespace {

using test::Bytes;
using test::GgufBuilder;
using test::shared_path;
using test::test_data;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

uint32_t crc32(const void* data, size_t size) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < size; ++i) {
    crc ^= static_cast<const unsigned char*>(data)[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

// The lines of tests/data/gguf_listing.py.
std::string listing(const ModelFile& file) {
  std::string out;
  for (const TensorView& t : file.tensors()) {
    char crc[16];
    std::snprintf(crc, sizeof crc, "%08x", crc32(t.data, t.bytes));
    out += t.name + " " + info(t.type).name + " " + t.shape.text() + " " + std::to_string(t.bytes) + " " + crc + "\n";
  }
  return out;
}

// Memory of exactly this size on the heap, so that the address sanitizer sees every read past it.
struct Exact {
  explicit Exact(const std::string& s) : bytes(new char[s.size()]), size(s.size()) {
    std::memcpy(bytes.get(), s.data(), size);
  }
  std::unique_ptr<ModelFile> open() const { return open_gguf(bytes.get(), size, "t.gguf"); }
  std::unique_ptr<char[]> bytes;
  size_t size;
};

// "" if it opens, else the error line after its code.
std::string error_of(const std::function<void()>& call, Code expected) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), expected) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return e.what();
  }
  return "";
}

std::string open_error(const std::string& bytes, Code expected = Code::format) {
  const Exact memory(bytes);
  return error_of([&] { memory.open(); }, expected);
}

std::string open_error(const GgufBuilder& b, Code expected = Code::format) { return open_error(b.build(), expected); }

// Looks at everything an opened file offers.
void visit(const ModelFile& file) {
  size_t sum = 0;
  for (const std::string& key : file.keys()) sum += file.text(key).size();
  for (const TensorView& t : file.tensors()) {
    ASSERT_EQ(file.find(t.name), &t);
    const auto* p = static_cast<const unsigned char*>(t.data);
    if (t.bytes != 0) sum += p[0] + p[t.bytes - 1];
  }
  ASSERT_GE(sum, 0u);
}

// Opens what may be damaged: it opens whole, or it throws a typed error of one line.
bool opens_or_fails_cleanly(const char* data, size_t size) {
  try {
    visit(*open_gguf(data, size, "t.gguf"));
    return true;
  } catch (const Error& e) {
    EXPECT_TRUE(e.code() == Code::format || e.code() == Code::unsupported) << e.what();
    EXPECT_EQ(std::string(e.what()).rfind("t.gguf: ", 0), 0u) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return false;
  }
}

// ---- files that are whole ----------------------------------------------------------------------------------------

TEST(Gguf, ReadsTheCommittedModelAsGgufPyDoes) {
  const auto file = open_gguf(test_data("rwkv7-hs32-f16.gguf"));
  EXPECT_EQ(listing(*file), read_file(test_data("rwkv7-hs32-f16.tensors.txt")));
  EXPECT_EQ(file->keys().size(), 20u);
  EXPECT_EQ(file->keys().front(), "general.architecture");
  EXPECT_EQ(file->string("general.architecture"), "rwkv7");
  EXPECT_EQ(file->integer("rwkv7.block_count", 1, 1000), 3);
  EXPECT_EQ(file->number("rwkv7.attention.layer_norm_epsilon"), static_cast<double>(1e-5f));
  EXPECT_EQ(file->text("rwkv7.attention.layer_norm_epsilon"), "1e-05");
  EXPECT_EQ(file->text("rwkv7.context_length"), "1048576");
  const auto tokens = file->strings("tokenizer.ggml.tokens");
  ASSERT_EQ(tokens.size(), 272u);
  EXPECT_EQ(tokens[0], "<s>");
  EXPECT_EQ(tokens[1], "\\x00");
  EXPECT_EQ(tokens[271], "re");
  EXPECT_EQ(file->integers("tokenizer.ggml.token_type")[0], 3);
  EXPECT_EQ(file->text("tokenizer.ggml.token_type"), "[3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...]");
}

TEST(Gguf, ReadsAllGoldenModelsAsGgufPyDoes) {
  RECURRA_NEED_SHARED("goldens");
  std::istringstream lines(read_file(test_data("goldens.files.txt")));
  std::string name, crc;
  size_t keys = 0, tensors = 0, files = 0;
  while (lines >> name >> keys >> tensors >> crc) {
    const auto file = open_gguf(shared_path("goldens/" + name));
    EXPECT_EQ(file->keys().size(), keys) << name;
    EXPECT_EQ(file->tensors().size(), tensors) << name;
    const std::string text = listing(*file);
    char found[16];
    std::snprintf(found, sizeof found, "%08x", crc32(text.data(), text.size()));
    EXPECT_EQ(found, crc) << name << "\n" << text;
    ++files;
  }
  EXPECT_EQ(files, 30u);
}

TEST(Gguf, ReadsTheSketchModel) {
  RECURRA_NEED_SHARED("models/recall-sketch-f16.gguf");
  const auto file = open_gguf(shared_path("models/recall-sketch-f16.gguf"));
  EXPECT_EQ(file->string("general.name"), "recall-sketch");
  EXPECT_EQ(file->tensors().size(), 174u);
}

TEST(Gguf, TensorsAreAskedForByShape) {
  const auto file = open_gguf(test_data("rwkv7-hs32-f16.gguf"));
  EXPECT_EQ(file->tensor("blk.0.time_mix_lerp_fused.weight", shape(6, 64)).shape, shape(6, 1, 1, 64));
  EXPECT_EQ(file->tensor("token_embd.weight", shape(272, 64)).type, DType::f16);
  EXPECT_EQ(file->find("nothing"), nullptr);
  const std::string name = printable(file->name(), 300);
  EXPECT_EQ(error_of([&] { file->tensor("nothing", shape(2, 3)); }, Code::format),
            name + ": tensor \"nothing\" is missing, expected [2, 3]");
  EXPECT_EQ(error_of([&] { file->tensor("token_embd.weight", shape(64, 272)); }, Code::format),
            name + ": tensor \"token_embd.weight\" has shape [272, 64], expected [64, 272]");
}

TEST(Gguf, EveryTypeOfValue) {
  GgufBuilder b;
  b.key("u8", 0, "\xff").key("i8", 1, "\xff").key("u16", 2, "\xff\xff").key("i16", 3, "\xfe\xff");
  b.key("u32", 4, Bytes().put(~0u).data).key("i32", 5, Bytes().put(-5).data).key("f32", 6, Bytes().put(0.1f).data);
  b.key("bool", 7, std::string(1, 1)).key("string", 8, Bytes().string("h\xc3\xa9\n\xff").data);
  b.key("u64", 10, Bytes().put(~uint64_t{0}).data).key("i64", 11, Bytes().put(int64_t{-7}).data);
  b.key("f64", 12, Bytes().put(0.1).data).key("nan", 6, Bytes().put(std::nanf("")).data);
  b.key("nothing", 9, Bytes().u32(5).u64(0).data);
  b.key("floats", 9, Bytes().u32(6).u64(2).put(0.5f).put(-1e30f).data);
  b.key("bools", 9, Bytes().u32(7).u64(2).put<char>(1).put<char>(0).data);
  b.key("u64s", 9, Bytes().u32(10).u64(2).u64(1).put(~uint64_t{0}).data);
  b.key("nested", 9, Bytes().u32(9).u64(2).u32(0).u64(1).put<char>(3).u32(8).u64(1).string("x").data);
  b.key_strings("strings", {"a\"", "\n", ""});
  const Exact memory(b.build());
  const auto file = memory.open();
  const int64_t least = std::numeric_limits<int64_t>::min(), most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(file->integer("u8", least, most), 255);
  EXPECT_EQ(file->integer("i8", least, most), -1);
  EXPECT_EQ(file->integer("u16", least, most), 65535);
  EXPECT_EQ(file->integer("i16", least, most), -2);
  EXPECT_EQ(file->integer("u32", least, most), 4294967295);
  EXPECT_EQ(file->integer("i32", least, most), -5);
  EXPECT_EQ(file->integer("i64", least, most), -7);
  EXPECT_EQ(file->number("u64"), 18446744073709551616.0);
  EXPECT_EQ(file->number("i8"), -1.0);
  EXPECT_EQ(file->number("f32"), static_cast<double>(0.1f));
  EXPECT_EQ(file->number("f64"), 0.1);
  EXPECT_TRUE(file->boolean("bool"));
  EXPECT_EQ(file->string("string"), "h\xc3\xa9\n\xff");
  EXPECT_EQ(file->numbers("floats"), (std::vector<double>{0.5, static_cast<double>(-1e30f)}));
  EXPECT_TRUE(file->integers("nothing").empty());
  EXPECT_EQ(file->integer_or("absent", 3, 0, 1), 3);
  EXPECT_EQ(file->string_or("absent", "x"), "x");

  EXPECT_EQ(file->text("string"), "h\xc3\xa9\n\\xff");
  EXPECT_EQ(file->text("f32"), "0.1");
  EXPECT_EQ(file->text("u64"), "18446744073709551615");
  EXPECT_EQ(file->text("bool"), "true");
  EXPECT_EQ(file->text("bools"), "[true, false]");
  EXPECT_EQ(file->text("floats"), "[0.5, -1e+30]");
  EXPECT_EQ(file->text("nothing"), "[]");
  EXPECT_EQ(file->text("nested"), "[[...], [...]]");
  EXPECT_EQ(file->text("strings"), "[\"a\"\", \"\\x0a\", \"\"]");

  const auto error = [](const std::function<void()>& call) { return error_of(call, Code::format); };
  EXPECT_EQ(error([&] { file->integer("u64", least, most); }),
            "t.gguf: key \"u64\" is 18446744073709551615, expected -9223372036854775808 to 9223372036854775807");
  EXPECT_EQ(error([&] { file->integer("i32", 1, 9); }), "t.gguf: key \"i32\" is -5, expected 1 to 9");
  EXPECT_EQ(error([&] { file->integer("bool", 1, 9); }), "t.gguf: key \"bool\" is of type bool, expected an integer");
  EXPECT_EQ(error([&] { file->integer("f32", 1, 9); }), "t.gguf: key \"f32\" is of type f32, expected an integer");
  EXPECT_EQ(error([&] { file->integer("gone", 1, 9); }), "t.gguf: key \"gone\" is missing, expected an integer");
  EXPECT_EQ(error([&] { file->number("string"); }), "t.gguf: key \"string\" is of type string, expected a number");
  EXPECT_EQ(error([&] { file->number("nan"); }), "t.gguf: key \"nan\" is nan, expected a finite number");
  EXPECT_EQ(error([&] { file->string("strings"); }),
            "t.gguf: key \"strings\" is of type array of string, expected a string");
  EXPECT_EQ(error([&] { file->strings("nested"); }),
            "t.gguf: key \"nested\" is of type array of array, expected an array of strings");
  EXPECT_EQ(error([&] { file->integers("floats"); }),
            "t.gguf: key \"floats\" is of type array of f32, expected an array of integers");
  EXPECT_EQ(error([&] { file->integers("u64s"); }),
            "t.gguf: key \"u64s\" has the element 18446744073709551615, expected at most 9223372036854775807");
  EXPECT_EQ(error([&] { file->boolean("u8"); }), "t.gguf: key \"u8\" is of type u8, expected a bool");
}

// Block layouts by the specification: elements and bytes of a block.
TEST(Gguf, EveryTypeOfTensor) {
  struct Row {
    uint32_t type;
    const char* name;
    uint64_t block, bytes;
  };
  const Row rows[] = {{0, "F32", 1, 4},       {1, "F16", 1, 2},    {2, "Q4_0", 32, 18},    {6, "Q5_0", 32, 22},
                      {7, "Q5_1", 32, 24},    {8, "Q8_0", 32, 34}, {12, "Q4_K", 256, 144}, {13, "Q5_K", 256, 176},
                      {14, "Q6_K", 256, 210}, {24, "I8", 1, 1},    {26, "I32", 1, 4},      {27, "I64", 1, 8},
                      {30, "BF16", 1, 2}};
  for (const Row& row : rows) {
    GgufBuilder b;
    b.tensor("t", {row.block * 2, 3}, row.type, std::string(row.bytes * 6, 'x'));
    const Exact memory(b.build());
    const auto file = memory.open();
    EXPECT_STREQ(info(file->tensors()[0].type).name, row.name);
    EXPECT_EQ(file->tensors()[0].bytes, row.bytes * 6) << row.name;
    EXPECT_EQ(file->tensors()[0].shape, shape(3, static_cast<int64_t>(row.block) * 2)) << row.name;
    if (row.block == 1) continue;
    GgufBuilder odd;
    odd.tensor("t", {row.block * 2 - 1, 3}, row.type, std::string(row.bytes * 6, 'x'));
    EXPECT_EQ(open_error(odd), "t.gguf: tensor \"t\" [3, " + std::to_string(row.block * 2 - 1) + "] is of type " +
                                   row.name + ", its rows of " + std::to_string(row.block * 2 - 1) +
                                   " are no multiple of " + std::to_string(row.block));
  }
}

TEST(Gguf, VersionTwoAlignmentScalarsAndGaps) {
  GgufBuilder b;
  b.version = 2;
  b.alignment = 64;
  b.key_u32("general.alignment", 64);
  b.tensor("scalar", {}, 0, "abcd").tensor("vector", {2}, 1, "efgh");
  const Exact memory(b.build());
  const auto file = memory.open();
  EXPECT_EQ(file->find("scalar")->shape.rank, 0);
  EXPECT_EQ(std::string(static_cast<const char*>(file->find("scalar")->data), 4), "abcd");
  EXPECT_EQ(std::string(static_cast<const char*>(file->find("vector")->data), 4), "efgh");
}

TEST(Gguf, AFileWithoutKeysAndTensors) {
  const Exact memory(GgufBuilder().build());
  EXPECT_TRUE(memory.open()->keys().empty());
  EXPECT_TRUE(memory.open()->tensors().empty());
}

TEST(Gguf, MemoryThatIsNotAlignedIsCopied) {
  const std::string bytes = read_file(test_data("rwkv7-hs32-f16.gguf"));
  std::vector<char> moved(bytes.size() + 16);
  for (size_t shift = 0; shift < 9; ++shift) {
    std::memcpy(moved.data() + shift, bytes.data(), bytes.size());
    const auto file = open_gguf(moved.data() + shift, bytes.size(), "t.gguf");
    for (const TensorView& t : file->tensors()) ASSERT_EQ(reinterpret_cast<uintptr_t>(t.data) % 8, 0u) << t.name;
    ASSERT_EQ(listing(*file), read_file(test_data("rwkv7-hs32-f16.tensors.txt")));
  }
}

TEST(Gguf, PathsThatAreNoModel) {
  EXPECT_NE(error_of([] { open_gguf("/nothing/here.gguf"); }, Code::not_found), "");
  EXPECT_NE(error_of([] { open_gguf(test_data("")); }, Code::format), "");
  const std::string path = test_data("goldens.files.txt");
  EXPECT_EQ(error_of([&] { open_gguf(path); }, Code::format),
            printable(path, 300) + ": is no GGUF file: it begins with \"llam\", expected \"GGUF\"");
}

// ---- files that are damaged --------------------------------------------------------------------------------------

// Where the tables end and the data begins: the first byte that no description needs.
size_t header_bytes(const std::string& bytes) {
  const auto file = open_gguf(bytes.data(), bytes.size(), "t.gguf");
  return static_cast<size_t>(static_cast<const char*>(file->tensors()[0].data) - bytes.data());
}

TEST(GgufDamage, CutAnywhere) {
  const std::string bytes = read_file(test_data("rwkv7-hs32-f16.gguf"));
  std::vector<size_t> lengths;
  for (size_t n = 0; n <= header_bytes(bytes) + 64; ++n) lengths.push_back(n);
  for (size_t percent = 0; percent < 100; ++percent) lengths.push_back(bytes.size() * percent / 100);
  lengths.push_back(bytes.size() - 1);
  for (const size_t n : lengths) {
    const Exact memory(bytes.substr(0, n));
    ASSERT_FALSE(opens_or_fails_cleanly(memory.bytes.get(), n)) << n << " bytes";
  }
}

TEST(GgufDamage, EveryByteOfTheHeaderFlipped) {
  const std::string bytes = read_file(test_data("rwkv7-hs32-f16.gguf"));
  const size_t header = header_bytes(bytes);
  const Exact memory(bytes);
  size_t opened = 0;
  for (size_t i = 0; i < header; ++i) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      memory.bytes[i] = static_cast<char>(bytes[i] ^ mask);
      opened += opens_or_fails_cleanly(memory.bytes.get(), memory.size);
      ASSERT_FALSE(testing::Test::HasFailure()) << "byte " << i << " flipped by " << mask;
    }
    memory.bytes[i] = bytes[i];
  }
  EXPECT_GT(opened, 0u);  // names and values may change unseen
  EXPECT_LT(opened, header * 3);
}

TEST(GgufDamage, Magic) {
  EXPECT_EQ(open_error(""), "t.gguf: is no GGUF file: it begins with \"\", expected \"GGUF\"");
  EXPECT_EQ(open_error("GG"), "t.gguf: is no GGUF file: it begins with \"GG\", expected \"GGUF\"");
  EXPECT_EQ(open_error(std::string("PK\x03\x04", 4) + std::string(100, 0)),
            "t.gguf: is no GGUF file: it begins with \"PK\\x03\\x04\", expected \"GGUF\"");
  EXPECT_EQ(open_error("GGUF"), "t.gguf: the header is cut off: it needs 4 bytes at offset 4, the file ends at 4");
}

TEST(GgufDamage, Versions) {
  GgufBuilder b;
  b.version = 1;
  EXPECT_EQ(open_error(b, Code::unsupported), "t.gguf: is of GGUF version 1, expected 2 or 3");
  b.version = 4;
  EXPECT_EQ(open_error(b, Code::unsupported), "t.gguf: is of GGUF version 4, expected 2 or 3");
  b.version = 0x03000000;
  EXPECT_EQ(open_error(b, Code::unsupported), "t.gguf: is a big-endian GGUF file of version 3, expected little-endian");
  b.version = 0;
  EXPECT_EQ(open_error(b), "t.gguf: the header has the GGUF version 0, expected 2 or 3");
}

TEST(GgufDamage, CountsBeyondTheFile) {
  GgufBuilder b;
  b.key_string("general.name", std::string(976, 'x'));
  b.n_keys = ~uint64_t{0};
  EXPECT_EQ(open_error(b), "t.gguf: the header counts 18446744073709551615 keys, the file has room for at most 72");
  b.n_keys = 73;
  EXPECT_EQ(open_error(b), "t.gguf: the header counts 73 keys, the file has room for at most 72");
  b.n_keys = 1;
  b.n_tensors = uint64_t{1} << 40;
  EXPECT_EQ(open_error(b), "t.gguf: the header counts 1099511627776 tensors, the file has room for at most 40");
  b.n_tensors = 1;
  EXPECT_EQ(open_error(b), "t.gguf: tensor 1 of 1 is cut off: it needs 8 bytes at offset 1032, the file ends at 1032");
}

TEST(GgufDamage, Strings) {
  GgufBuilder b;
  b.key("k", 8, Bytes().put(~uint64_t{0}).data);
  EXPECT_EQ(open_error(b),
            "t.gguf: key \"k\" has a string of 18446744073709551615 bytes at offset 45, only 0 are left in the file");
  GgufBuilder name;
  name.n_keys = 1;
  name.keys.u64(100).data += "short and then nothing more";
  EXPECT_EQ(open_error(name),
            "t.gguf: key 1 of 1 has a string of 100 bytes at offset 32, only 27 are left in the file");
  EXPECT_EQ(open_error(GgufBuilder().key_u32("", 1).key_u32("x", 1)),
            "t.gguf: key 1 of 2 has a name of 0 bytes, expected 1 to 65535");
  EXPECT_EQ(open_error(GgufBuilder().key_u32(std::string(65536, 'k'), 1)),
            "t.gguf: key 1 of 1 has a name of 65536 bytes, expected 1 to 65535");
  EXPECT_EQ(open_error(GgufBuilder().key_u32("a\nb", 1)), "t.gguf: key \"a\\x0ab\" is not printable ASCII");
  EXPECT_EQ(open_error(GgufBuilder().key_u32(std::string("a\0b", 3), 1)),
            "t.gguf: key \"a\\x00b\" is not printable ASCII");
}

TEST(GgufDamage, Values) {
  EXPECT_EQ(open_error(GgufBuilder().key("k", 13, "xxxx")),
            "t.gguf: key \"k\" has the value type 13, expected 0 (u8) to 12 (f64)");
  EXPECT_EQ(open_error(GgufBuilder().key("k", 9, Bytes().u32(77).u64(0).data)),
            "t.gguf: key \"k\" has the value type 77, expected 0 (u8) to 12 (f64)");
  EXPECT_EQ(open_error(GgufBuilder().key("k", 7, "\x02")), "t.gguf: key \"k\" has the boolean 2, expected 0 or 1");
  EXPECT_EQ(open_error(GgufBuilder().key("k", 10, "abc")),
            "t.gguf: key \"k\" is cut off: it needs 8 bytes at offset 37, the file ends at 40");
  EXPECT_EQ(open_error(GgufBuilder().key_u32("k", 1).key_u32("k", 2)), "t.gguf: key \"k\" is there twice");
}

TEST(GgufDamage, Arrays) {
  const auto array = [](uint32_t type, uint64_t count, const std::string& bytes) {
    return GgufBuilder().key("k", 9, Bytes().u32(type).u64(count).data + bytes);
  };
  EXPECT_EQ(
      open_error(array(10, ~uint64_t{0}, std::string(800, 'x'))),
      "t.gguf: key \"k\" has an array of 18446744073709551615 u64 at offset 49, only 800 bytes are left in the file");
  // 2^61 * 8 is 0 in 64 bits.
  EXPECT_EQ(
      open_error(array(10, uint64_t{1} << 61, "")),
      "t.gguf: key \"k\" has an array of 2305843009213693952 u64 at offset 49, only 0 bytes are left in the file");
  EXPECT_EQ(open_error(array(8, 3, std::string(23, '\0'))),
            "t.gguf: key \"k\" has an array of 3 string at offset 49, only 23 bytes are left in the file");
  EXPECT_EQ(open_error(array(7, 3, std::string("\x01\x00\x09", 3))),
            "t.gguf: key \"k\" has the boolean 9, expected 0 or 1");
  Bytes deep;
  for (int i = 0; i < 100000; ++i) deep.u32(9).u64(1);
  EXPECT_EQ(open_error(GgufBuilder().key("k", 9, deep.data)), "t.gguf: key \"k\" nests arrays deeper than 4");
}

TEST(GgufDamage, Alignments) {
  for (const uint32_t alignment : {0u, 1u, 4u, 12u, 33u}) {
    const std::string line = open_error(GgufBuilder().key_u32("general.alignment", alignment));
    EXPECT_EQ(line.rfind("t.gguf: key \"general.alignment\" is " + std::to_string(alignment) + ", expected ", 0), 0u)
        << line;
  }
  EXPECT_EQ(open_error(GgufBuilder().key_string("general.alignment", "32")),
            "t.gguf: key \"general.alignment\" is of type string, expected an integer");
  GgufBuilder b;
  b.key_u32("general.alignment", 0xfffffff8u).tensor("t", {1}, 0, "abcd");
  EXPECT_EQ(open_error(b),
            "t.gguf: tensor \"t\" has 4 bytes from offset 0 of the data on, the file has 0 bytes of data: it is cut "
            "off or damaged");
}

TEST(GgufDamage, Shapes) {
  const uint64_t big = uint64_t{1} << 32;
  EXPECT_EQ(open_error(GgufBuilder().tensor("t", {1, 1, 1, 1, 1}, 0, "abcd")),
            "t.gguf: tensor \"t\" has 5 dimensions, expected 0 to 4");
  EXPECT_EQ(open_error(GgufBuilder().tensor("t", {1, 0}, 0, "abcd")),
            "t.gguf: tensor \"t\" has a dimension of 0, expected 1 to 9223372036854775807");
  EXPECT_EQ(open_error(GgufBuilder().tensor("t", {~uint64_t{0}}, 0, "abcd")),
            "t.gguf: tensor \"t\" has a dimension of 18446744073709551615, expected 1 to 9223372036854775807");
  EXPECT_EQ(open_error(GgufBuilder().tensor("t", {big, big}, 0, "abcd")),
            "t.gguf: tensor \"t\" has more than 9223372036854775807 elements");
  // 2^62 elements of 4 bytes are 0 bytes in 64 bits.
  EXPECT_EQ(open_error(GgufBuilder().tensor("t", {big, big / 4}, 0, "abcd")),
            "t.gguf: tensor \"t\" [1073741824, 4294967296] of type F32 is larger than the whole file of 100 bytes");
  GgufBuilder b;
  b.n_tensors = 1;
  b.tensors.string("t").u32(0xffffffffu).data += std::string(64, 'x');
  EXPECT_EQ(open_error(b), "t.gguf: tensor \"t\" has 4294967295 dimensions, expected 0 to 4");
}

TEST(GgufDamage, TensorTypes) {
  const std::string expected = ", expected F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, I8, I32 or I64";
  const std::pair<uint32_t, const char*> rows[] = {{3, "Q4_1"},
                                                   {10, "Q2_K"},
                                                   {11, "Q3_K"},
                                                   {16, "IQ2_XXS"},
                                                   {20, "IQ4_NL"},
                                                   {23, "IQ4_XS"},
                                                   {25, "I16"},
                                                   {28, "F64"},
                                                   {29, "IQ1_M"},
                                                   {31, "Q4_0_4_4"},
                                                   {34, "TQ1_0"},
                                                   {39, "MXFP4"},
                                                   {40, "NVFP4"},
                                                   {41, "Q1_0"},
                                                   {42, "Q2_0"},
                                                   {43, "43"},
                                                   {0xffffffffu, "4294967295"}};
  for (const auto& row : rows) {
    EXPECT_EQ(open_error(GgufBuilder().tensor("blk.0.x", {256}, row.first, std::string(1024, 'x')), Code::unsupported),
              std::string("t.gguf: tensor \"blk.0.x\" is of type ") + row.second + expected);
  }
}

TEST(GgufDamage, Offsets) {
  const auto at = [](uint64_t offset) {
    GgufBuilder b;
    b.tensor_at(offset, "t", {16}, 0).payload = std::string(64, 'x');
    return b;
  };
  EXPECT_EQ(open_error(at(0)), "");
  EXPECT_EQ(open_error(at(16)), "t.gguf: tensor \"t\" begins at offset 16, expected a multiple of 32");
  const std::string rest = " of the data on, the file has 64 bytes of data: it is cut off or damaged";
  EXPECT_EQ(open_error(at(32)), "t.gguf: tensor \"t\" has 64 bytes from offset 32" + rest);
  EXPECT_EQ(open_error(at(64)), "t.gguf: tensor \"t\" has 64 bytes from offset 64" + rest);
  EXPECT_EQ(open_error(at(~uint64_t{31})), "t.gguf: tensor \"t\" has 64 bytes from offset 18446744073709551584" + rest);
}

TEST(GgufDamage, NamesAndOverlaps) {
  GgufBuilder twice;
  twice.tensor("t", {1}, 0, "abcd").tensor("t", {1}, 0, "abcd");
  EXPECT_EQ(open_error(twice), "t.gguf: tensor \"t\" is there twice");
  GgufBuilder unnamed;
  unnamed.tensor("", {1}, 0, "abcd");
  EXPECT_EQ(open_error(unnamed), "t.gguf: tensor 1 of 1 has a name of 0 bytes, expected 1 to 65535");
  GgufBuilder overlap;
  overlap.tensor("a", {16}, 0, std::string(64, 'x')).tensor_at(32, "b", {1}, 0);
  EXPECT_EQ(open_error(overlap), "t.gguf: tensor \"b\" overlaps tensor \"a\"");
}

TEST(GgufDamage, TextOfTheFileInErrorsIsPrintable) {
  EXPECT_EQ(open_error(GgufBuilder().tensor("a\n\x1b[31m\xff", {0}, 0, "")),
            "t.gguf: tensor \"a\\x0a\\x1b[31m\\xff\" has a dimension of 0, expected 1 to 9223372036854775807");
}

}  // namespace
}  // namespace recurra
