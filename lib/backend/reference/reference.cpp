#include "backend/reference/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/dequantize.h"
#include "backend/host_memory.h"
#include "core/error.h"

namespace recurra {
namespace {

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

float activate(Act act, float x) {
  switch (act) {
    case Act::none: return x;
    case Act::relu2: return x > 0 ? x * x : 0.0f;
    case Act::sigmoid: return sigmoid(x);
    case Act::tanh: return std::tanh(x);
    case Act::silu: return x * sigmoid(x);
  }
  return x;
}

class ReferenceMatrix final : public Matrix {
 public:
  explicit ReferenceMatrix(const TensorView& view)
      : Matrix(view.shape.dim[0], view.shape.dim[1]), values(static_cast<size_t>(view.shape.elements())) {
    dequantize(values.data(), view.type, view.data, view.shape.elements());
  }
  const float* row(int64_t i) const { return values.data() + i * in(); }
  std::vector<float> values;
};

const ReferenceMatrix& of(const Matrix& m) { return static_cast<const ReferenceMatrix&>(m); }

float* row(Tensor t, int64_t i) { return t.data + i * t.stride; }

class ReferenceExec final : public Exec {
 public:
  Tensor scratch(int64_t rows, int64_t cols) override {
    return {scratch_.take(static_cast<size_t>(rows * cols)), rows, cols, cols};
  }
  Mark mark() override { return scratch_.mark(); }
  void release(Mark m) override { scratch_.release(m); }

  void embed(Tensor y, const Rows& rows, const Matrix& table) override {
    for (int32_t i = 0; i < rows.count; ++i)
      std::copy_n(of(table).row(rows.tokens[i]), y.cols, row(y, i));
  }

  void norm(Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps, int64_t groups) override {
    const int64_t n = x.cols / (kind == Norm::group ? groups : 1);
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t g = 0; g < x.cols; g += n) {
        const float* in = row(x, i) + g;
        float* out = row(y, i) + g;
        double mean = 0, square = 0;
        if (kind != Norm::rms)
          for (int64_t j = 0; j < n; ++j) mean += in[j] / static_cast<double>(n);
        for (int64_t j = 0; j < n; ++j) square += (in[j] - mean) * (in[j] - mean) / static_cast<double>(n);
        const double scale = 1 / std::sqrt(square + static_cast<double>(eps));
        for (int64_t j = 0; j < n; ++j) {
          float v = static_cast<float>((in[j] - mean) * scale);
          if (w != nullptr && w->data() != nullptr) v *= w->data()[g + j];
          if (b != nullptr && b->data() != nullptr) v += b->data()[g + j];
          out[j] = v;
        }
      }
  }

  void linear(Tensor y, Tensor x, const Matrix& w, const Rows&, const Epilogue& e) override {
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t o = 0; o < w.out(); ++o) {
        const float *a = row(x, i), *b = of(w).row(o);
        float sum = 0;
        for (int64_t j = 0; j < w.in(); ++j) sum += a[j] * b[j];
        if (e.bias != nullptr && e.bias->data() != nullptr) sum += e.bias->data()[o];
        const float v = activate(e.act, sum);
        row(y, i)[o] = e.add ? row(y, i)[o] + v : v;
      }
  }

  void low_rank(Tensor y, Tensor x, const LowRank& w, const Rows& rows) override {
    const Frame frame(*this);
    const Tensor h = scratch(x.rows, w.a->out());
    linear(h, x, *w.a, rows, {w.act, nullptr, false});
    linear(y, h, *w.b, rows, {Act::none, &w.bias, false});
  }

  void copy(Tensor y, Tensor x) override {
    for (int64_t i = 0; i < x.rows; ++i) std::copy_n(row(x, i), x.cols, row(y, i));
  }

  void shift_lerp(Span<const Tensor> y, Tensor x, const Vector& mu, const Rows& rows, size_t shift) override {
    const int64_t d = x.cols;
    for (const Segment& s : rows.segments) {
      float* last = reinterpret_cast<float*>(s.state + shift);
      for (int32_t i = s.first; i < s.first + s.count; ++i) {
        const float* now = row(x, i);
        const float* before = i == s.first ? last : row(x, i - 1);
        for (size_t j = 0; j < y.size(); ++j)
          for (int64_t c = 0; c < d; ++c)
            row(y[j], i)[c] = now[c] + (before[c] - now[c]) * mu.data()[static_cast<int64_t>(j) * d + c];
      }
    }
    keep_last(x, rows, shift);
  }

  void scan(const Scan& c, const Rows& rows) override {
    for (const Segment& seg : rows.segments)
      for (int64_t h = 0; h < c.heads; ++h) {
        float* state = reinterpret_cast<float*>(seg.state + c.state) + h * c.value * c.key;
        for (int32_t t = seg.first; t < seg.first + seg.count; ++t) step(c, state, t, h);
      }
  }

  void value_residual(Tensor v, Tensor v_first, Tensor gate) override {
    for (int64_t i = 0; i < v.rows; ++i)
      for (int64_t j = 0; j < v.cols; ++j)
        row(v, i)[j] += (row(v_first, i)[j] - row(v, i)[j]) * sigmoid(row(gate, i)[j]);
  }

  void delta_inputs(const DeltaInputs& io) override {
    const int64_t n = io.k.cols / io.heads;
    for (int64_t i = 0; i < io.k.rows; ++i)
      for (int64_t h = 0; h < io.k.cols; h += n) {
        double square = 0;
        for (int64_t j = h; j < h + n; ++j) {
          const float kk = row(io.k, i)[j] * io.k_k->data()[j];
          row(io.kk, i)[j] = kk;
          square += static_cast<double>(kk) * kk;
        }
        const double length = io.eps == 0.0f ? std::max(std::sqrt(square), 1e-12)
                                             : std::sqrt(square + static_cast<double>(io.eps));
        for (int64_t j = h; j < h + n; ++j) {
          const float a = sigmoid(row(io.a, i)[j]);
          const float kk = static_cast<float>(row(io.kk, i)[j] / length);
          row(io.kk, i)[j] = kk;
          row(io.a, i)[j] = a;
          row(io.b, i)[j] = kk * a;
          row(io.k, i)[j] *= 1 + (a - 1) * io.k_a->data()[j];
          row(io.w, i)[j] = static_cast<float>(-std::exp(-0.5)) * sigmoid(row(io.w, i)[j]);
        }
      }
  }

  void bonus_gate(const BonusGate& io) override {
    const int64_t n = io.o.cols / io.heads;
    for (int64_t i = 0; i < io.o.rows; ++i)
      for (int64_t h = 0; h < io.o.cols; h += n) {
        float bonus = 0;
        for (int64_t j = h; j < h + n; ++j) bonus += row(io.r, i)[j] * row(io.k, i)[j] * io.r_k->data()[j];
        for (int64_t j = h; j < h + n; ++j)
          row(io.y, i)[j] = (row(io.o, i)[j] + bonus * row(io.v, i)[j]) * row(io.g, i)[j];
      }
  }

  void keep_last(Tensor x, const Rows& rows, size_t at) override {
    for (const Segment& s : rows.segments)
      std::copy_n(row(x, s.first + s.count - 1), x.cols, reinterpret_cast<float*>(s.state + at));
  }

  void download(float* out, Tensor x) override {
    for (int64_t i = 0; i < x.rows; ++i) std::copy_n(row(x, i), x.cols, out + i * x.cols);
  }

 private:
  // One token, one head: S = S (diag(w) - a b^T) + v k^T; o = S r. S is [V, K].
  static void step(const Scan& c, float* state, int32_t t, int64_t h) {
    const float *r = row(c.r, t) + h * c.key, *k = row(c.k, t) + h * c.key;
    const float* v = row(c.v, t) + h * c.value;
    for (int64_t i = 0; i < c.value; ++i) {
      float* s = state + i * c.key;
      float erased = 0;
      if (c.erase)
        for (int64_t j = 0; j < c.key; ++j) erased += s[j] * row(c.a, t)[h * c.key + j];
      float o = 0;
      for (int64_t j = 0; j < c.key; ++j) {
        if (c.decay == Decay::vector) s[j] *= std::exp(row(c.log_w, t)[h * c.key + j]);
        if (c.decay == Decay::scalar) s[j] *= std::exp(row(c.log_w, t)[h]);
        if (c.erase) s[j] -= erased * row(c.b, t)[h * c.key + j];
        s[j] += v[i] * k[j];
        o += s[j] * r[j];
      }
      row(c.o, t)[h * c.value + i] = o;
    }
  }

  Scratch scratch_;
};

class ReferenceBackend final : public HostBackend {
 public:
  const char* name() const override { return "reference"; }
  const char* level() const override { return "plain"; }
  const char* dtype() const override { return "f32"; }
  int threads() const override { return 1; }

  std::unique_ptr<Matrix> matrix(const TensorView& view) override { return std::make_unique<ReferenceMatrix>(view); }
  void read_state(float* out, const std::byte* slot, const StateSlice& s) const override {
    std::memcpy(out, slot + s.offset, static_cast<size_t>(s.shape.elements()) * sizeof(float));
  }
  void write_state(std::byte* slot, const StateSlice& s, const float* in) const override {
    std::memcpy(slot + s.offset, in, static_cast<size_t>(s.shape.elements()) * sizeof(float));
  }
  std::unique_ptr<Exec> exec() override { return std::make_unique<ReferenceExec>(); }
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend(const BackendOptions& options) {
  if (options.dtype == "bf16")
    fail(Code::unsupported, "the reference backend computes in f32, dtype \"bf16\" was asked for");
  return std::make_unique<ReferenceBackend>();
}

}  // namespace recurra
