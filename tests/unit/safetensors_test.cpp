// The safetensors container: what a writer of Hugging Face's makes is read, and no bytes get past the checks.
#include "format/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace recurra {
namespace {

std::string file(const std::string& header, const std::string& payload = "", int64_t length = -1) {
  const uint64_t n = length < 0 ? header.size() : static_cast<uint64_t>(length);
  std::string s(8, '\0');
  for (size_t i = 0; i < 8; ++i) s[i] = static_cast<char>(n >> (8 * i) & 0xff);
  return s + header + payload;
}

std::vector<TensorView> parse(const std::string& bytes) {
  return Safetensors(bytes.data(), bytes.size(), "x.safetensors", Code::format).tensors();
}

// "" if the bytes are accepted, else the error line; the code must be `expected`.
std::string refusal(const std::string& bytes, Code expected = Code::format) {
  // A copy of exactly this size, so that the address sanitizer sees the first byte read past the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  try {
    Safetensors(exact.data(), exact.size(), "x.safetensors", Code::format).tensors();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), expected) << e.what();
    EXPECT_EQ(std::string(e.what()).rfind("x.safetensors: ", 0), 0u) << e.what();
    return e.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

#define EXPECT_REFUSED(bytes, part) EXPECT_TRUE(has(refusal(bytes), part)) << refusal(bytes)

std::string tensor(const std::string& type, const std::string& dims, uint64_t begin, uint64_t end) {
  return R"({"dtype":")" + type + R"(","shape":[)" + dims + R"(],"data_offsets":[)" + std::to_string(begin) + "," +
         std::to_string(end) + "]}";
}

TEST(Safetensors, ReadsAllTypesInTheOrderOfTheirBytes) {
  std::string payload(4 + 2 + 4 + 3 + 4 + 8 + 1, '\0');
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i);
  // Entries in another order than their bytes, blanks and line ends between, fields in any order.
  const std::string bytes = file(
      "{\"u8\": " + tensor("U8", "1,1,1,1", 25, 26) + ",\n \"f32\":" + tensor("F32", "", 0, 4) +
          ",\"f16\":" + tensor("F16", "1", 4, 6) +
          ",\"bf16\":{\"data_offsets\":[6,10],\"shape\":[2,1],\"dtype\":\"BF16\"},\"i8\":" + tensor("I8", "3", 10, 13) +
          ",\"i64\":" + tensor("I64", "1", 17, 25) + ",\"i32\":" + tensor("I32", "1,1,1", 13, 17) + R"(,"none":)" +
          tensor("F32", "5,0", 13, 13) + R"(,"__metadata__":{"format":"pt","\u00e9":""}}   )",
      payload);
  const Safetensors s(bytes.data(), bytes.size(), "m", Code::format);
  EXPECT_EQ(s.metadata(), (SafetensorsMetadata{{"format", "pt"}, {"\xc3\xa9", ""}}));
  const std::vector<TensorView> views = s.tensors();
  const struct {
    const char* name;
    DType type;
    Shape shape;
    uint64_t begin, bytes;
  } expected[] = {
      {"f32", DType::f32, {}, 0, 4},
      {"f16", DType::f16, shape(1), 4, 2},
      {"bf16", DType::bf16, shape(2, 1), 6, 4},
      {"i8", DType::i8, shape(3), 10, 3},
      {"none", DType::f32, shape(5, 0), 13, 0},
      {"i32", DType::i32, shape(1, 1, 1), 13, 4},
      {"i64", DType::i64, shape(1), 17, 8},
      {"u8", DType::u8, shape(1, 1, 1, 1), 25, 1},
  };
  ASSERT_EQ(views.size(), std::size(expected));
  for (size_t i = 0; i < views.size(); ++i) {
    EXPECT_EQ(views[i].name, expected[i].name);
    EXPECT_EQ(views[i].type, expected[i].type) << views[i].name;
    EXPECT_EQ(views[i].shape, expected[i].shape) << views[i].name;
    EXPECT_EQ(views[i].bytes, expected[i].bytes) << views[i].name;
    EXPECT_EQ(static_cast<const char*>(views[i].data) - bytes.data(),
              static_cast<std::ptrdiff_t>(s.header_bytes() + expected[i].begin));
  }
}

TEST(Safetensors, ReadsAFileWithoutTensors) {
  EXPECT_TRUE(parse(file("{}")).empty());
  EXPECT_TRUE(parse(file("{\"__metadata__\":{}}  ")).empty());
}

TEST(Safetensors, RefusesBadHeaderLengths) {
  for (size_t n = 0; n < 8; ++n) EXPECT_REFUSED(std::string(n, '\0'), "expected at least the 8");
  EXPECT_REFUSED(file(""), "does not begin with '{'");
  EXPECT_REFUSED(file("{}", "", 3), "a header of 3 bytes, but only 2 follow");
  EXPECT_REFUSED(file("{}", "", 100000001), "expected at most 100000000");
  EXPECT_REFUSED(file("{}", "", INT64_MAX), "expected at most 100000000");
  EXPECT_REFUSED(std::string(8, '\xff') + "{}", "header of 18446744073709551615 bytes");
  EXPECT_REFUSED("GGUF\3" + std::string(100, '\0'), "expected at most 100000000");
}

TEST(Safetensors, RefusesWhatIsNoHeader) {
  EXPECT_REFUSED(file(" {}"), "does not begin with '{'");
  EXPECT_REFUSED(file("\xef\xbb\xbf{}"), "does not begin with '{'");
  EXPECT_REFUSED(file("[]"), "does not begin with '{'");
  EXPECT_REFUSED(file("{"), "no JSON");
  EXPECT_REFUSED(file("{} x"), "no JSON");
  EXPECT_REFUSED(file("{}{}"), "no JSON");
  EXPECT_REFUSED(file("{/**/}"), "no JSON");
  EXPECT_REFUSED(file("{\"a\":"), "no JSON");
  EXPECT_REFUSED(file(std::string("{}\0garbage", 10)), "zero byte");
  EXPECT_REFUSED(file("{\"\xff\":{}}"), "no JSON");     // invalid UTF-8
  EXPECT_REFUSED(file("{\"\\ud800\":{}}"), "no JSON");  // half a surrogate pair
  EXPECT_REFUSED(file("{\"a\":1e999}"), "no JSON");     // the parser throws inside
  EXPECT_REFUSED(file("{\"a\":{\"shape\":[1e999]}}"), "no JSON");
}

TEST(Safetensors, RefusesEntriesOfAnotherForm) {
  EXPECT_REFUSED(file(R"({"a":null})"), "tensor a: is null, expected an object with dtype, shape and data_offsets");
  EXPECT_REFUSED(file(R"({"a":[]})"), "tensor a: is an array");
  EXPECT_REFUSED(file(R"({"a":true})"), "tensor a: is true or false");
  EXPECT_REFUSED(file(R"({"a":{}})"), "tensor a: has no dtype");
  EXPECT_REFUSED(file(R"({"a":{"dtype":"F32","shape":[]}})"), "tensor a: has no data_offsets");
  EXPECT_REFUSED(file(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})"), "tensor a: has no shape");
  EXPECT_REFUSED(file(R"({"a":{"dtype":1}})"), "tensor a: dtype is a number, expected a string");
  EXPECT_REFUSED(file(R"({"a":{"dtype":["F32"]}})"), "tensor a: dtype is an array, expected a string");
  EXPECT_REFUSED(file(R"({"a":{"shape":"4"}})"), "tensor a: shape is a string, expected an array of numbers");
  EXPECT_REFUSED(file(R"({"a":{"shape":{}}})"), "tensor a: shape is an object");
  EXPECT_REFUSED(file(R"({"a":{"shape":[-1]}})"), "tensor a: a number of shape is a negative number");
  EXPECT_REFUSED(file(R"({"a":{"shape":[1.0]}})"), "a number of shape is no integer of 64 bits");
  EXPECT_REFUSED(file(R"({"a":{"shape":[18446744073709551616]}})"), "a number of shape is no integer of 64 bits");
  EXPECT_REFUSED(file(R"({"a":{"shape":[[1]]}})"), "a number of shape is an array");
  EXPECT_REFUSED(file(R"({"a":{"shape":[{}]}})"), "a number of shape is an object");
  EXPECT_REFUSED(file(R"({"a":{"data_offsets":[0,"4"]}})"), "a number of data_offsets is a string");
  EXPECT_REFUSED(file(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0]}})", "1234"),
                 "has 1 data_offsets, expected 2");
  EXPECT_REFUSED(file(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4,4]}})", "1234"),
                 "has 3 data_offsets, expected 2");
  EXPECT_REFUSED(file(R"({"a":{"strides":[1]}})"), "tensor a: has a field strides");
  EXPECT_REFUSED(file(R"({"a":{"shape":[1],"shape":[1]}})"), "tensor a: has shape twice");
  EXPECT_REFUSED(file(R"({"__metadata__":[]})"), "__metadata__ is an array, expected an object of strings");
  EXPECT_REFUSED(file(R"({"__metadata__":{"k":1}})"), "__metadata__ k is a number, expected a string");
  EXPECT_REFUSED(file(R"({"__metadata__":{"k":{}}})"), "__metadata__ k is an object, expected a string");
  EXPECT_REFUSED(file(R"({"__metadata__":{"k":"","k":""}})"), "__metadata__ has k twice");
  EXPECT_REFUSED(file(R"({"__metadata__":{},"__metadata__":{}})"), "has __metadata__ twice");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "1", 0, 1) + ",\"b\":" + tensor("U8", "1", 1, 2) +
                          ",\"a\":" + tensor("U8", "1", 2, 3) + "}",
                      "123"),
                 "tensor a is there twice");
}

TEST(Safetensors, RefusesBadRangesAndSizes) {
  const std::string four = "1234";
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "4", 4, 0) + "}", four), "go backwards");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "5", 0, 5) + "}", four), "go past the end, 4 bytes follow");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "4", 0, UINT64_MAX) + "}", four), "go past the end");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "3", 1, 4) + "}", four), "begins at 1, expected 0: there is a gap");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "1", 0, 1) + ",\"b\":" + tensor("U8", "2", 2, 4) + "}", four),
                 "tensor b: begins at 2, expected 1");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "2", 0, 2) + ",\"b\":" + tensor("U8", "3", 1, 4) + "}", four),
                 "tensors overlap");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "4", 0, 4) + ",\"b\":" + tensor("U8", "4", 0, 4) + "}", four),
                 "tensors overlap");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "4", 0, 4) + ",\"b\":" + tensor("U8", "0", 2, 2) + "}", four),
                 "tensors overlap");
  EXPECT_REFUSED(file("{\"a\":" + tensor("U8", "3", 0, 3) + "}", four), "4 bytes follow the header, expected 3");
  EXPECT_REFUSED(file("{}", "x"), "1 bytes follow the header, expected 0");
  EXPECT_REFUSED(file("{\"a\":" + tensor("F32", "2", 0, 4) + "}", four), "tensor a: 4 bytes, expected 8 for F32 [2]");
  EXPECT_REFUSED(file("{\"a\":" + tensor("F32", "0", 0, 4) + "}", four), "tensor a: 4 bytes, expected 0");
}

TEST(Safetensors, RefusesProductsThatOverflow) {
  // 2^32 * 2^32 * 4 is 0 in 64 bits, 2^62 * 4 too; a zero must not hide that the others overflow.
  for (const char* dims : {"4294967296,4294967296", "4611686018427387904", "18446744073709551615",
                           "0,9223372036854775807,4", "4611686018427387904,4,0", "65536,65536,65536,65536"}) {
    EXPECT_REFUSED(file("{\"a\":" + tensor("F32", dims, 0, 0) + "}"), "product is more than 64 bits hold");
  }
}

TEST(Safetensors, NamesWhatItHasNoTypeFor) {
  for (const char* type : {"F64", "BOOL", "U16", "F8_E4M3", "f32", "", "F32\\n"}) {
    EXPECT_TRUE(has(refusal(file("{\"a\":" + tensor(type, "0", 0, 0) + "}"), Code::unsupported), "tensor a: dtype "))
        << type;
  }
  EXPECT_TRUE(has(refusal(file("{\"a\":" + tensor("F32", "1,1,1,1,1", 0, 4) + "}", "1234"), Code::unsupported),
                  "5 dimensions, expected at most 4"));
}

TEST(Safetensors, DeepNestingIsRefusedAtOnce) {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep = "{\"a\":";
    for (int i = 0; i < 2000000; ++i) deep += open;
    EXPECT_FALSE(refusal(file(deep)).empty());
    EXPECT_FALSE(refusal(file("{\"__metadata__\":{\"a\":" + deep)).empty());
  }
}

TEST(Safetensors, HostileNamesStayPrintable) {
  const std::string line =
      refusal(file("{\"\\u0000\\n\\u001b[31m" + std::string(5000, 'x') + "\":" + tensor("F64", "0", 0, 0) + "}"),
              Code::unsupported);
  EXPECT_LT(line.size(), 400u);
  for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

TEST(Safetensors, ManyTensorsAreNotQuadratic) {
  std::string header = "{";
  for (int i = 0; i < 100000; ++i) header += (i ? ",\"" : "\"") + std::to_string(i) + "\":" + tensor("U8", "0", 0, 0);
  EXPECT_EQ(parse(file(header + "}")).size(), 100000u);
}

TEST(Safetensors, NoCutAndNoFlippedBitReadsOutOfBounds) {
  const std::string good = file("{\"__metadata__\":{\"a\":\"b\"},\"x\":" + tensor("F32", "2,1", 0, 8) +
                                    ",\"y\":" + tensor("U8", "3", 8, 11) + "}",
                                "12345678abc");
  ASSERT_EQ(refusal(good), "");
  for (size_t n = 0; n < good.size(); ++n) EXPECT_NE(refusal(good.substr(0, n)), "") << n;
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    const std::vector<char> exact(bad.begin(), bad.end());
    try {
      for (const TensorView& t : Safetensors(exact.data(), exact.size(), "x", Code::format).tensors()) {
        const char* p = static_cast<const char*>(t.data);
        EXPECT_TRUE(p >= exact.data() && p + t.bytes <= exact.data() + exact.size());
      }
    } catch (const Error& e) {
      EXPECT_TRUE(e.code() == Code::format || e.code() == Code::unsupported) << e.what();
    }
  }
}

TEST(SafetensorsLayout, IsReadBackAndAligned) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<TensorView> tensors(random() % 6);
    for (size_t i = 0; i < tensors.size(); ++i) {
      const DType types[] = {DType::f32, DType::f16, DType::bf16, DType::i8, DType::i32, DType::i64, DType::u8};
      tensors[i].name = "t\"\\\n\xe2\x82\xac" + std::to_string(random() % 1000) + "." + std::to_string(i);
      tensors[i].type = types[random() % 7];
      tensors[i].shape.rank = static_cast<int>(random() % 5);
      for (int d = 0; d < tensors[i].shape.rank; ++d) tensors[i].shape.dim[static_cast<size_t>(d)] = random() % 5;
    }
    SafetensorsMetadata metadata;
    for (unsigned i = random() % 4; i > 0; --i)
      metadata["k" + std::to_string(random() % 100) + "\x01"] = std::string(random() % 30, '"');
    const SafetensorsLayout layout = safetensors_layout(tensors, metadata);
    EXPECT_EQ(layout.header.size() % 64, 0u);
    EXPECT_EQ(safetensors_layout(tensors, metadata).header, layout.header);
    const std::string bytes = layout.header + std::string(layout.payload, '\0');
    const Safetensors read(bytes.data(), bytes.size(), "x", Code::internal);
    EXPECT_EQ(read.metadata(), metadata);
    const std::vector<TensorView> views = read.tensors();
    ASSERT_EQ(views.size(), tensors.size());
    for (const TensorView& t : tensors) {
      const auto same = [&](const TensorView& v) { return v.name == t.name && v.type == t.type && v.shape == t.shape; };
      EXPECT_EQ(std::count_if(views.begin(), views.end(), same), 1) << t.name;
    }
  }
}

TEST(SafetensorsLayout, IsTheFormThatIsDocumented) {
  const SafetensorsLayout layout = safetensors_layout(
      {{"b", DType::f32, shape(2, 3), nullptr, 0}, {"a", DType::u8, {}, nullptr, 0}}, {{"z", "1"}, {"k", "2"}});
  const std::string json =
      R"({"__metadata__":{"k":"2","z":"1"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("a":{"dtype":"U8","shape":[],"data_offsets":[24,25]}})";
  EXPECT_EQ(layout.header, file(json + std::string(192 - 8 - json.size(), ' ')));
  EXPECT_EQ(layout.payload, 25u);
  EXPECT_EQ(safetensors_metadata_json({{"z", "1"}, {"k", "2"}}), R"({"k":"2","z":"1"})");
}

TEST(SafetensorsLayout, RefusesWhatNoFileCanHold) {
  const auto refused = [](const std::vector<TensorView>& tensors, const SafetensorsMetadata& metadata) {
    try {
      safetensors_layout(tensors, metadata);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::invalid) << e.what();
      return true;
    }
    return false;
  };
  const Shape huge = shape(INT64_MAX / 2, 4);
  EXPECT_TRUE(refused({{"a", DType::f32, shape(1), nullptr, 0}, {"a", DType::f32, shape(1), nullptr, 0}}, {}));
  EXPECT_TRUE(refused({{"__metadata__", DType::f32, shape(1), nullptr, 0}}, {}));
  EXPECT_TRUE(refused({{"a", DType::q4_0, shape(32), nullptr, 0}}, {}));
  EXPECT_TRUE(refused({{"a", DType::f32, shape(-1), nullptr, 0}}, {}));
  EXPECT_TRUE(refused({{"a", DType::f32, huge, nullptr, 0}}, {}));
  EXPECT_TRUE(refused({{"a", DType::u8, shape(INT64_MAX), nullptr, 0}, {"b", DType::u8, shape(1), nullptr, 0}}, {}));
  EXPECT_TRUE(refused({{"a\xff", DType::f32, shape(1), nullptr, 0}}, {}));
  EXPECT_TRUE(refused({}, {{"k\xff", ""}}));
  EXPECT_TRUE(refused({}, {{"k", "\xed\xa0\x80"}}));
  EXPECT_TRUE(refused({}, {{"k", std::string(kSafetensorsMaxHeader, 'x')}}));
}

}  // namespace
}  // namespace recurra
