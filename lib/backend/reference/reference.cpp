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

float softplus(float x) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x))); }

float apply_act(Act act, float x) {
  switch (act) {
    case Act::none:
      return x;
    case Act::relu2:
      return x > 0 ? x * x : 0.0f;
    case Act::sigmoid:
      return sigmoid(x);
    case Act::tanh:
      return std::tanh(x);
    case Act::silu:
      return x * sigmoid(x);
    case Act::relu:
      return std::max(x, 0.0f);
    case Act::elu1:
      return x >= 0 ? x + 1 : std::exp(x);
    case Act::softplus:
      return softplus(x);
  }
  return x;
}

class ReferenceMatrix final : public Matrix {
 public:
  explicit ReferenceMatrix(const TensorView& view)
      : Matrix(view.shape.dim[0], view.shape.dim[1]), values(to_floats(view)) {}
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
    for (int32_t i = 0; i < rows.count; ++i) std::copy_n(of(table).row(rows.tokens[i]), y.cols, row(y, i));
  }

  void norm(Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps, int64_t groups) override {
    const int64_t n = x.cols / groups;
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t g = 0; g < x.cols; g += n) {
        const float* in = row(x, i) + g;
        float* out = row(y, i) + g;
        const double count = static_cast<double>(n), e = static_cast<double>(eps);
        double mean = 0, square = 0, magnitude = 0, sum = 0;
        for (int64_t j = 0; j < n; ++j) {
          sum += in[j];
          magnitude += std::abs(in[j]);
        }
        if (kind == Norm::layer || kind == Norm::group) mean = sum / count;
        for (int64_t j = 0; j < n; ++j) square += (in[j] - mean) * (in[j] - mean);
        double scale = 1;
        switch (kind) {
          case Norm::layer:
          case Norm::group:
          case Norm::rms:
            scale = 1 / std::sqrt(square / count + e);
            break;
          case Norm::l2:
            scale = 1 / std::sqrt(square + e);
            break;
          case Norm::l1:
            scale = 1 / std::max(magnitude, e);
            break;
          case Norm::sum:
            scale = 1 / (sum + e);
            break;
        }
        for (int64_t j = 0; j < n; ++j) {
          float v = static_cast<float>((in[j] - mean) * scale);
          if (w != nullptr && w->data() != nullptr) v *= w->data()[g + j];
          if (b != nullptr && b->data() != nullptr) v += b->data()[g + j];
          out[j] = v;
        }
      }
  }

  void linears(Span<const Product> products, const Rows&) override {
    for (const Product& p : products) product(p.y, p.x, *p.w, p.epilogue);
  }

  void product(Tensor y, Tensor x, const Matrix& w, const Epilogue& e) {
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t o = 0; o < w.out(); ++o) {
        const float *a = row(x, i), *b = of(w).row(o);
        float sum = 0;
        for (int64_t j = 0; j < w.in(); ++j) sum += a[j] * b[j];
        if (e.bias != nullptr && e.bias->data() != nullptr) sum += e.bias->data()[o];
        const float v = apply_act(e.act, sum);
        row(y, i)[o] = e.add ? row(y, i)[o] + v : v;
      }
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

  void selective_scan(const SelectiveScan& c, const Rows& rows) override {
    const int64_t channels = c.u.cols, n = c.b.cols;
    for (const Segment& seg : rows.segments)
      for (int64_t i = 0; i < channels; ++i) {
        float* h = reinterpret_cast<float*>(seg.state + c.state) + i;  // of [N, I]
        for (int32_t t = seg.first; t < seg.first + seg.count; ++t) {
          const float d = softplus(row(c.dt, t)[i]), u = row(c.u, t)[i];
          float y = 0;
          for (int64_t j = 0; j < n; ++j) {
            float& state = h[j * channels];
            state = std::exp(d * c.a->data()[j * channels + i]) * state + d * u * row(c.b, t)[j];
            y += state * row(c.c, t)[j];
          }
          row(c.y, t)[i] = y + c.d->data()[i] * u;
        }
      }
  }

  void short_conv(Tensor y, Tensor x, const Vector& w, const Vector* bias, Act act, const Rows& rows,
                  size_t state) override {
    const int64_t channels = x.cols, taps = w.size() / channels;
    for (const Segment& seg : rows.segments) {
      float* past = reinterpret_cast<float*>(seg.state + state);  // [taps - 1, channels], oldest first
      const auto input = [&](int64_t t) {                         // t < 0: before the segment
        return t < 0 ? past + (taps - 1 + t) * channels : row(x, seg.first + t);
      };
      for (int64_t t = 0; t < seg.count; ++t)
        for (int64_t c = 0; c < channels; ++c) {
          float sum = bias != nullptr && bias->data() != nullptr ? bias->data()[c] : 0.0f;
          for (int64_t j = 0; j < taps; ++j) sum += w.data()[j * channels + c] * input(t - taps + 1 + j)[c];
          row(y, seg.first + t)[c] = apply_act(act, sum);
        }
      std::vector<float> kept;
      for (int64_t t = seg.count - taps + 1; t < seg.count; ++t) kept.insert(kept.end(), input(t), input(t) + channels);
      std::copy(kept.begin(), kept.end(), past);
    }
  }

  void rotary(const Rotary& io, const Rows& rows) override {
    const int64_t width = io.x.cols / io.heads, half = io.rotated / 2;
    const float* factors = io.factors != nullptr ? io.factors->data() : nullptr;
    for (const Segment& seg : rows.segments)
      for (int32_t t = 0; t < seg.count; ++t)
        for (int64_t h = 0; h < io.heads; ++h)
          for (int64_t i = 0; i < half; ++i) {
            double turn =
                static_cast<double>(seg.position + static_cast<uint64_t>(t)) *
                std::pow(static_cast<double>(io.base), -2.0 * static_cast<double>(i) / static_cast<double>(io.rotated));
            if (factors != nullptr) turn /= static_cast<double>(factors[i]);
            float* head = row(io.x, seg.first + t) + h * width;
            float& a = head[io.interleaved ? 2 * i : i];
            float& b = head[io.interleaved ? 2 * i + 1 : i + half];
            const double x = a, y = b;
            a = static_cast<float>(x * std::cos(turn) - y * std::sin(turn));
            b = static_cast<float>(x * std::sin(turn) + y * std::cos(turn));
          }
  }

  void attention(const Attention& io, const Rows& rows) override {
    const int64_t width = io.q.cols / io.heads, per_key = io.heads / io.kv_heads;
    for (const Segment& seg : rows.segments)
      for (int32_t t = 0; t < seg.count; ++t) {
        const int64_t now = static_cast<int64_t>(seg.position) + t;
        std::copy_n(row(io.k, seg.first + t), io.k.cols, seg.cache->keys(io.layer, now));
        std::copy_n(row(io.v, seg.first + t), io.v.cols, seg.cache->values(io.layer, now));
        const int64_t begin = io.window > 0 ? std::max<int64_t>(0, now + 1 - io.window) : 0;
        for (int64_t h = 0; h < io.heads; ++h) {
          const float* q = row(io.q, seg.first + t) + h * width;
          const int64_t key = h / per_key * width;
          std::vector<double> score;
          for (int64_t s = begin; s <= now; ++s) {
            double dot = 0;
            for (int64_t j = 0; j < width; ++j)
              dot += static_cast<double>(q[j]) * static_cast<double>(seg.cache->keys(io.layer, s)[key + j]);
            score.push_back(dot / std::sqrt(static_cast<double>(width)));
          }
          const double most = *std::max_element(score.begin(), score.end());
          double sum = 0;
          for (double& x : score) sum += x = std::exp(x - most);
          for (int64_t j = 0; j < width; ++j) {
            double o = 0;
            for (int64_t s = begin; s <= now; ++s)
              o += score[static_cast<size_t>(s - begin)] * static_cast<double>(seg.cache->values(io.layer, s)[key + j]);
            row(io.o, seg.first + t)[h * width + j] = static_cast<float>(o / sum);
          }
        }
      }
  }

  void activate(Tensor y, Tensor x, Act act) override {
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t j = 0; j < x.cols; ++j) row(y, i)[j] = apply_act(act, row(x, i)[j]);
  }

  void gate(Tensor y, Tensor x, Tensor g, Act act) override {
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t j = 0; j < x.cols; ++j) row(y, i)[j] = row(x, i)[j] * apply_act(act, row(g, i)[j]);
  }

  void add_scaled(Tensor y, Tensor x, const Vector& d) override {
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t j = 0; j < x.cols; ++j) row(y, i)[j] += row(x, i)[j] * d.data()[j];
  }

  void delta_rule(const DeltaRule& io) override {
    const int64_t key = io.k.cols / io.key_heads, value = io.v.cols / io.heads;
    for (int64_t i = 0; i < io.k.rows; ++i)
      for (int64_t h = 0; h < io.heads; ++h) {
        const int64_t from = (io.tiled ? h % io.key_heads : h / (io.heads / io.key_heads)) * key;
        const float beta = io.beta.data != nullptr ? io.beta_scale * sigmoid(row(io.beta, i)[h]) : 1.0f;
        float log_w = 0;
        if (io.g.data != nullptr) {
          log_w = io.rate->data()[h] * softplus(row(io.g, i)[h] + io.bias->data()[h]);
          row(io.log_w, i)[h] = log_w;
        }
        for (int64_t j = 0; j < key; ++j) {
          const float k = row(io.k, i)[from + j];
          row(io.r, i)[h * key + j] = io.scale * row(io.q, i)[from + j];
          row(io.a, i)[h * key + j] = k;
          row(io.b, i)[h * key + j] = std::exp(log_w) * beta * k;
        }
        for (int64_t j = 0; j < value; ++j) row(io.v, i)[h * value + j] *= beta;
      }
  }

  void ssd(const Ssd& io) override {
    const int64_t value = io.x.cols / io.heads, key = io.b.cols / io.groups;
    for (int64_t i = 0; i < io.x.rows; ++i)
      for (int64_t h = 0; h < io.heads; ++h) {
        const int64_t from = h / (io.heads / io.groups) * key;
        const float d = std::clamp(softplus(row(io.dt, i)[h] + io.bias->data()[h]), io.least, io.most);
        row(io.log_w, i)[h] = d * io.a->data()[h];
        for (int64_t j = 0; j < value; ++j) row(io.v, i)[h * value + j] = d * row(io.x, i)[h * value + j];
        std::copy_n(row(io.b, i) + from, key, row(io.k, i) + h * key);
        std::copy_n(row(io.c, i) + from, key, row(io.r, i) + h * key);
      }
  }

  void scale(Tensor y, Tensor x, float factor) override {
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t j = 0; j < x.cols; ++j) row(y, i)[j] = factor * row(x, i)[j];
  }

  void repeat_heads(Tensor y, Tensor x, int64_t heads, int64_t kv_heads) override {
    const int64_t n = y.cols / heads;
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t h = 0; h < heads; ++h) std::copy_n(row(x, i) + h / (heads / kv_heads) * n, n, row(y, i) + h * n);
  }

  void split_heads(Tensor a, Tensor b, Tensor x, int64_t heads) override {
    const int64_t n = a.cols / heads, m = b.cols / heads;
    for (int64_t i = 0; i < x.rows; ++i)
      for (int64_t h = 0; h < heads; ++h) {
        std::copy_n(row(x, i) + h * (n + m), n, row(a, i) + h * n);
        std::copy_n(row(x, i) + h * (n + m) + n, m, row(b, i) + h * m);
      }
  }

  void append_ones(Tensor y, Tensor v, int64_t heads) override {
    const int64_t n = v.cols / heads;
    for (int64_t i = 0; i < v.rows; ++i)
      for (int64_t h = 0; h < heads; ++h) {
        std::copy_n(row(v, i) + h * n, n, row(y, i) + h * (n + 1));
        row(y, i)[h * (n + 1) + n] = 1;
      }
  }

  void divide_by_last(Tensor o, Tensor y, int64_t heads, float eps) override {
    const int64_t n = o.cols / heads;
    for (int64_t i = 0; i < o.rows; ++i)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t j = 0; j < n; ++j)
          row(o, i)[h * n + j] = row(y, i)[h * (n + 1) + j] / (row(y, i)[h * (n + 1) + n] + eps);
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
        const double length =
            io.eps == 0.0f ? std::max(std::sqrt(square), 1e-12) : std::sqrt(square + static_cast<double>(io.eps));
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

  std::unique_ptr<Matrix> matrix(const TensorView& view, Inputs) override { return std::make_unique<ReferenceMatrix>(view); }
  void read_state(float* out, const std::byte* slot, const StateSlice& s) const override {
    std::copy_n(reinterpret_cast<const float*>(slot + s.offset), s.shape.elements(), out);
  }
  void write_state(std::byte* slot, const StateSlice& s, const float* in) const override {
    std::copy_n(in, s.shape.elements(), reinterpret_cast<float*>(slot + s.offset));
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
