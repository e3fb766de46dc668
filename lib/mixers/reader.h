// Weights of one layer, by name, checked for their shape and made ready for the backend.
#pragma once

#include "mixers/mixer.h"

namespace recurra {

constexpr int64_t kMostWidth = int64_t{1} << 20;

// Throws Code::format where `part` does not divide `whole`.
void need_divisor(const ModelFile& file, const char* part_key, int64_t part, const char* whole_key, int64_t whole);

// What most GGUF models have around their layers: width and number of layers, the embedding, a final rms norm and
// the head (which is the embedding where output.weight is missing).
Network read_gguf_frame(const ModelFile& file, Backend& backend);

class Reader {
 public:
  Reader(const ModelFile& file, Backend& backend, std::string prefix)
      : file_(file), be_(backend), prefix_(std::move(prefix)) {}

  Reader under(const std::string& more) const { return {file_, be_, prefix_ + more}; }
  bool has(const std::string& name) const { return file_.find(prefix_ + name) != nullptr; }
  void refuse(const std::string& name) const;             // throws Code::unsupported with it
  const TensorView& view(const std::string& name) const;  // of any shape; throws Code::format without it
  std::unique_ptr<Matrix> matrix(const std::string& name, int64_t out, int64_t in, Inputs inputs = Inputs::any) const;
  Vector vector(const std::string& name, int64_t n) const;
  Vector vector(const std::string& name, const Shape& shape) const;
  Vector bias(bool wanted, const std::string& name, int64_t n) const { return wanted ? vector(name, n) : Vector(); }
  // In float32 on the host, for what is changed before it is used.
  std::vector<float> values(const std::string& name, const Shape& shape) const;
  Vector upload(const std::vector<float>& values) const;
  Vector transposed(const std::string& name, int64_t rows, int64_t cols) const;  // [rows, cols] in the file
  // fla's depthwise convolutions [C, 1, taps] side by side, as [taps, sum of C].
  Vector convolutions(const std::vector<std::pair<std::string, int64_t>>& names, int64_t taps) const;
  Vector joined(const std::vector<std::pair<std::string, int64_t>>& names) const;  // vectors, one behind the other
  // exp(x) with its sign turned: -exp(A_log).
  Vector minus_exp(const std::string& name, int64_t n) const;
  Vector transposed_minus_exp(const std::string& name, int64_t rows, int64_t cols) const;
  // `times` copies end to end, or each value `times` times in a row.
  Vector tiled(const std::string& name, int64_t n, int64_t times) const;
  Vector spread(const std::string& name, int64_t n, int64_t times) const;
  NormWeights rms(const std::string& name, int64_t n, float eps) const;
  NormWeights layer_norm(const std::string& name, int64_t n, float eps) const;  // name.weight, name.bias
  // 1 + x, `times` copies end to end: norm weights that a model keeps as their distance from 1.
  Vector one_plus(const std::string& name, int64_t n, int64_t times = 1) const;

  const ModelFile& file() const { return file_; }
  Backend& backend() const { return be_; }

 private:
  const ModelFile& file_;
  Backend& be_;
  std::string prefix_;
};

}  // namespace recurra
