// What the tests of state files share: a small state whose values are a formula (the Python test computes the same),
// and a folder that is gone afterwards.
#pragma once

#include <dirent.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.h"
#include "format/state_file.h"

namespace recurra::testing_state {

using Bytes = std::vector<unsigned char>;

// Multiples of 1/8 up to 125 in magnitude: exact in F32 and in F16.
inline float sample_value(size_t tensor, size_t i, int variant) {
  return static_cast<float>(static_cast<int>((i * 37 + tensor * 11 + static_cast<size_t>(variant) * 5) % 2001) - 1000) /
         8;
}

struct Sample {
  StateHeader header;
  std::vector<std::vector<float>> values;
  std::vector<StateTensor> tensors;

  // `width` scales the state: 4 gives a file of about 1.3 KB, 128 one of 0.3 MB.
  explicit Sample(int64_t width = 4, int variant = 0) {
    header.architecture = "rwkv7";
    header.model_fingerprint = "00112233445566778899aabbccddeeff";
    header.tokenizer_hash = "fedcba98765432100123456789abcdef";
    header.n_tokens = 12345678901234567890u;
    header.backend = "cpu";
    header.cpu_level = "avx512";
    header.compute_dtype = "f32";
    header.exact = true;
    header.notes = {{"title", "caf\xc3\xa9 \"quoted\" \\ \n\x01"}, {"user.id-1", ""}};
    const std::vector<std::pair<std::string, Shape>> parts = {
        {"layers.0.time_mix.shift", shape(width)},
        {"layers.0.time_mix.state", shape(2, width, width)},
        {"layers.1.kv.empty", shape(0, 2, width)},
        {"layers.1.scan", shape(3, 1, width, width)},
        {"hidden", {}},
    };
    values.resize(parts.size());
    for (size_t t = 0; t < parts.size(); ++t) {
      values[t].resize(static_cast<size_t>(parts[t].second.elements()));
      for (size_t i = 0; i < values[t].size(); ++i) values[t][i] = sample_value(t, i, variant);
      tensors.push_back({parts[t].first, parts[t].second, values[t].data()});
    }
  }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;

  Bytes bytes(StateType type = StateType::f32) const {
    Bytes out;
    state_write(header, tensors, type, [&](const void* data, size_t size) {
      const auto* p = static_cast<const unsigned char*>(data);
      out.insert(out.end(), p, p + size);
    });
    return out;
  }
};

// Somewhere to read a sample's tensors to; every float is `kUntouched` before.
constexpr float kUntouched = 7777;
struct Room {
  std::vector<std::vector<float>> values;
  std::vector<StateTarget> targets;

  explicit Room(const Sample& sample) {
    values.reserve(sample.tensors.size());
    for (const StateTensor& t : sample.tensors) {
      values.emplace_back(static_cast<size_t>(t.shape.elements()), kUntouched);
      targets.push_back({t.name, t.shape, values.back().data()});
    }
  }
  bool untouched() const {
    for (const auto& v : values) {
      for (const float x : v) {
        if (x != kUntouched) return false;
      }
    }
    return true;
  }
};

// The code of the Error that `call` throws, Code::ok if none; the line goes to `what`.
template <class Call>
Code code_of(const Call& call, std::string* what = nullptr) {
  try {
    call();
  } catch (const Error& e) {
    if (what != nullptr) *what = e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    EXPECT_FALSE(std::string(e.what()).empty());
    return e.code();
  }
  return Code::ok;
}

class Folder {
 public:
  Folder() {
    std::string name = ::testing::TempDir() + "/recurra-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) all.push_back(entry.path().filename());
    return all;
  }

 private:
  std::string path_;
};

inline Bytes file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

inline void put_bytes(const std::string& path, const Bytes& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(out.flush()) << path;
}

// tests/data, wherever the test is run from.
inline std::string data_path(const std::string& name) {
  const char* folder = std::getenv("RECURRA_TEST_DATA");
  const std::string here = __FILE__;
  return (folder != nullptr ? std::string(folder) : here.substr(0, here.rfind('/')) + "/../data") + "/" + name;
}

}  // namespace recurra::testing_state
