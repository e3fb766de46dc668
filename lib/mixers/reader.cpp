#include "mixers/reader.h"

#include <cmath>

#include "backend/dequantize.h"
#include "core/error.h"

namespace recurra {

void need_divisor(const ModelFile& file, const char* part_key, int64_t part, const char* whole_key, int64_t whole) {
  if (part <= 0 || whole % part != 0)
    fail(Code::format, "%s: %s is %lld, expected a divisor of %s, %lld", file.name().c_str(), part_key,
         static_cast<long long>(part), whole_key, static_cast<long long>(whole));
}

Network read_gguf_frame(const ModelFile& file, Backend& be) {
  const std::string prefix = file.string("general.architecture") + ".";
  const Reader in(file, be, "");
  Network net;
  net.layers = file.integer(prefix + "block_count", 1, 4096);
  net.width = file.integer(prefix + "embedding_length", 1, kMostWidth);
  net.vocabulary = in.view("token_embd.weight").shape.dim[0];
  net.embedding = in.matrix("token_embd.weight", net.vocabulary, net.width);
  const float eps = static_cast<float>(file.number_or(prefix + "attention.layer_norm_rms_epsilon", 1e-5));
  net.output_norm = in.rms("output_norm.weight", net.width, eps);
  if (in.has("output.weight")) net.head = in.matrix("output.weight", net.vocabulary, net.width);
  return net;
}

void Reader::refuse(const std::string& name) const {
  if (has(name))
    fail(Code::unsupported, "%s: tensor '%s' is not supported", file_.name().c_str(), (prefix_ + name).c_str());
}

const TensorView& Reader::view(const std::string& name) const {
  const TensorView* t = file_.find(prefix_ + name);
  if (t == nullptr) fail(Code::format, "%s: tensor '%s' is missing", file_.name().c_str(), (prefix_ + name).c_str());
  return *t;
}

std::unique_ptr<Matrix> Reader::matrix(const std::string& name, int64_t out, int64_t in, Inputs inputs) const {
  return be_.matrix(file_.tensor(prefix_ + name, shape(out, in)), inputs);
}

Vector Reader::vector(const std::string& name, int64_t n) const { return vector(name, shape(n)); }
Vector Reader::vector(const std::string& name, const Shape& s) const {
  return be_.vector(file_.tensor(prefix_ + name, s));
}

std::vector<float> Reader::values(const std::string& name, const Shape& s) const {
  return to_floats(file_.tensor(prefix_ + name, s));
}

Vector Reader::upload(const std::vector<float>& values) const {
  return be_.vector(values.data(), static_cast<int64_t>(values.size()));
}

namespace {

std::vector<float> turn(const std::vector<float>& in, int64_t rows, int64_t cols) {
  std::vector<float> out(in.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) out[static_cast<size_t>(c * rows + r)] = in[static_cast<size_t>(r * cols + c)];
  return out;
}

}  // namespace

Vector Reader::transposed(const std::string& name, int64_t rows, int64_t cols) const {
  return upload(turn(values(name, shape(rows, cols)), rows, cols));
}

Vector Reader::transposed_minus_exp(const std::string& name, int64_t rows, int64_t cols) const {
  std::vector<float> v = turn(values(name, shape(rows, cols)), rows, cols);
  for (float& x : v) x = -std::exp(x);
  return upload(v);
}

Vector Reader::convolutions(const std::vector<std::pair<std::string, int64_t>>& names, int64_t taps) const {
  std::vector<std::vector<float>> parts;
  for (const auto& [name, channels] : names) parts.push_back(values(name, shape(channels, taps)));
  std::vector<float> out;
  for (int64_t j = 0; j < taps; ++j)
    for (size_t p = 0; p < parts.size(); ++p)
      for (int64_t c = 0; c < names[p].second; ++c) out.push_back(parts[p][static_cast<size_t>(c * taps + j)]);
  return upload(out);
}

Vector Reader::joined(const std::vector<std::pair<std::string, int64_t>>& names) const {
  std::vector<float> all;
  for (const auto& [name, n] : names) {
    const std::vector<float> one = values(name, shape(n));
    all.insert(all.end(), one.begin(), one.end());
  }
  return upload(all);
}

Vector Reader::minus_exp(const std::string& name, int64_t n) const {
  std::vector<float> v = values(name, shape(n));
  for (float& x : v) x = -std::exp(x);
  return upload(v);
}

Vector Reader::tiled(const std::string& name, int64_t n, int64_t times) const {
  const std::vector<float> v = values(name, shape(n));
  std::vector<float> all;
  for (int64_t i = 0; i < times; ++i) all.insert(all.end(), v.begin(), v.end());
  return upload(all);
}

Vector Reader::spread(const std::string& name, int64_t n, int64_t times) const {
  std::vector<float> all;
  for (const float x : values(name, shape(n))) all.insert(all.end(), static_cast<size_t>(times), x);
  return upload(all);
}

Vector Reader::one_plus(const std::string& name, int64_t n, int64_t times) const {
  std::vector<float> all;
  const std::vector<float> v = values(name, shape(n));
  for (int64_t i = 0; i < times; ++i)
    for (const float x : v) all.push_back(1 + x);
  return upload(all);
}

NormWeights Reader::rms(const std::string& name, int64_t n, float eps) const {
  return {Norm::rms, vector(name, n), {}, eps};
}

NormWeights Reader::layer_norm(const std::string& name, int64_t n, float eps) const {
  return {Norm::layer, vector(name + ".weight", n), vector(name + ".bias", n), eps};
}

}  // namespace recurra
