// A backend with a memory of its own behind one whose memory is the host's, so that one table of tests serves all:
// before every operation what it may touch is copied to the device, after it everything is copied back, gaps and guards
// too.
#pragma once

#include <cstring>
#include <map>

#include "backend/backend.h"
#include "backend/host_memory.h"

namespace recurra::test {

class HostedBackend;

class HostedExec final : public Exec {
 public:
  HostedExec(HostedBackend& be, std::unique_ptr<Exec> exec) : be_(be), exec_(std::move(exec)) {}

  void begin() override { exec_->begin(); }
  void end() override { exec_->end(); }
  Tensor scratch(int64_t rows, int64_t cols) override {
    return {scratch_.take(static_cast<size_t>(rows * cols)), rows, cols, cols};
  }
  Mark mark() override { return scratch_.mark(); }
  void release(Mark m) override { scratch_.release(m); }

  void embed(Tensor y, const Rows& rows, const Matrix& table) override;
  void norm(Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps, int64_t groups) override;
  void linears(Span<const Product> products, const Rows& rows) override;
  void copy(Tensor y, Tensor x) override;
  void shift_lerp(Span<const Tensor> y, Tensor x, const Vector& mu, const Rows& rows, size_t shift) override;
  void scan(const Scan& scan, const Rows& rows) override;
  void selective_scan(const SelectiveScan& io, const Rows& rows) override;
  void short_conv(Tensor y, Tensor x, const Vector& w, const Vector* bias, Act act, const Rows& rows,
                  size_t state) override;
  void rotary(const Rotary& io, const Rows& rows) override;
  void attention(const Attention& io, const Rows& rows) override;
  void activate(Tensor y, Tensor x, Act act) override;
  void gate(Tensor y, Tensor x, Tensor g, Act act) override;
  void add_scaled(Tensor y, Tensor x, const Vector& d) override;
  void delta_rule(const DeltaRule& io) override;
  void ssd(const Ssd& io) override;
  void scale(Tensor y, Tensor x, float factor) override;
  void repeat_heads(Tensor y, Tensor x, int64_t heads, int64_t kv_heads) override;
  void split_heads(Tensor a, Tensor b, Tensor x, int64_t heads) override;
  void append_ones(Tensor y, Tensor v, int64_t heads) override;
  void divide_by_last(Tensor o, Tensor y, int64_t heads, float eps) override;
  void value_residual(Tensor v, Tensor v_first, Tensor gate) override;
  void delta_inputs(const DeltaInputs& io) override;
  void bonus_gate(const BonusGate& io) override;
  void norm_shift_lerp(const NormLerp& io, const Rows& rows) override;
  void head_mix(const HeadMix& io, const Rows& rows) override;
  void ssd_mix(const SsdMix& io, const Rows& rows) override;
  void keep_last(Tensor x, const Rows& rows, size_t at) override;
  void download(float* out, Tensor x) override {
    for (int64_t i = 0; i < x.rows; ++i) std::copy_n(x.data + i * x.stride, x.cols, out + i * x.cols);
  }

 private:
  HostedBackend& be_;
  std::unique_ptr<Exec> exec_;
  Scratch scratch_;
};

class HostedBackend final : public HostBackend {
 public:
  explicit HostedBackend(std::unique_ptr<Backend> device) : device_(std::move(device)) {}

  const char* name() const override { return device_->name(); }
  const char* level() const override { return device_->level(); }
  const char* dtype() const override { return device_->dtype(); }
  int threads() const override { return device_->threads(); }

  std::unique_ptr<Matrix> matrix(const TensorView& view, Inputs inputs) override {
    return device_->matrix(view, inputs);
  }
  Vector vector(const float* values, int64_t n) override {
    const Vector v = HostBackend::vector(values, n);
    vectors_[v.data()] = device_->vector(values, n);
    return v;
  }
  using HostBackend::vector;
  std::shared_ptr<Buffer> allocate(size_t bytes) override {
    auto host = allocate_host(bytes);
    buffers_[host->data()] = host;
    return host;
  }
  void read_state(float* out, const std::byte* slot, const StateSlice& slice) const override {
    const auto there = lend(slot);
    device_->read_state(out, there->data(), slice);
  }
  void write_state(std::byte* slot, const StateSlice& slice, const float* in) const override {
    const auto there = lend(slot);
    device_->write_state(there->data(), slice, in);
    device_->download(slot, there->data(), there->size());
  }
  std::unique_ptr<Exec> exec() override { return std::make_unique<HostedExec>(*this, device_->exec()); }

  Backend& device() const { return *device_; }
  // The device's own vector; null for null.
  const Vector* device_vector(const Vector* v) const {
    return v == nullptr || v->data() == nullptr ? nullptr : &vectors_.at(v->data());
  }
  // A copy of a slot on the device.
  std::shared_ptr<Buffer> lend(const std::byte* slot) const {
    const auto host = buffers_.at(slot);
    auto there = device_->allocate(host->size());
    device_->upload(there->data(), host->data(), host->size());
    return there;
  }

 private:
  std::unique_ptr<Backend> device_;
  std::map<const float*, Vector> vectors_;
  std::map<const std::byte*, std::shared_ptr<Buffer>> buffers_;
};

// What one operation borrows; at its end everything goes back.
class Loan {
 public:
  explicit Loan(HostedBackend& be) : be_(be) {}
  ~Loan() {
    for (const Part& p : parts_) be_.device().download(p.host, p.there->data(), p.bytes);
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

  Tensor operator()(Tensor t) {
    if (t.data != nullptr && t.rows > 0) t.data = floats(t.data, (t.rows - 1) * t.stride + t.cols);
    return t;
  }
  const Vector* operator()(const Vector* v) const { return be_.device_vector(v); }
  const Vector& operator()(const Vector& v) const { return *be_.device_vector(&v); }
  // With slots, and of an attention layer its caches.
  Rows operator()(const Rows& rows, int64_t layer = 0) {
    for (const Segment& s : rows.segments) {
      Segment there = s;
      if (s.state != nullptr) {
        const auto slot = be_.lend(s.state);
        parts_.push_back({reinterpret_cast<float*>(s.state), slot, slot->size()});
        there.state = slot->data();
      }
      if (s.cache != nullptr) {
        caches_.push_back(std::make_unique<KvCache>(*s.cache));
        for (float*& page : caches_.back()->pages) page = floats(page, 2 * (layer + 1) * s.cache->page_stride);
        there.cache = caches_.back().get();
      }
      segments_.push_back(there);
    }
    Rows there = rows;
    there.segments = {segments_.data(), segments_.size()};
    return there;
  }

 private:
  struct Part {
    float* host;
    std::shared_ptr<Buffer> there;
    size_t bytes;
  };
  float* floats(float* host, int64_t n) {
    const size_t bytes = static_cast<size_t>(n) * sizeof(float);
    for (const Part& p : parts_)
      if (p.host == host && p.bytes == bytes) return reinterpret_cast<float*>(p.there->data());
    parts_.push_back({host, be_.device().allocate(bytes), bytes});
    be_.device().upload(parts_.back().there->data(), host, bytes);
    return reinterpret_cast<float*>(parts_.back().there->data());
  }

  HostedBackend& be_;
  std::vector<Part> parts_;
  std::vector<Segment> segments_;
  std::vector<std::unique_ptr<KvCache>> caches_;
};

inline void HostedExec::embed(Tensor y, const Rows& rows, const Matrix& table) {
  Loan on(be_);
  exec_->embed(on(y), on(rows), table);
}
inline void HostedExec::norm(Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps,
                             int64_t groups) {
  Loan on(be_);
  exec_->norm(on(y), on(x), kind, on(w), on(b), eps, groups);
}
inline void HostedExec::linears(Span<const Product> products, const Rows& rows) {
  Loan on(be_);
  std::vector<Product> there;
  for (const Product& p : products)
    there.push_back({on(p.y), on(p.x), p.w, {p.epilogue.act, on(p.epilogue.bias), p.epilogue.add}});
  exec_->linears(there, on(rows));
}
inline void HostedExec::copy(Tensor y, Tensor x) {
  Loan on(be_);
  exec_->copy(on(y), on(x));
}
inline void HostedExec::shift_lerp(Span<const Tensor> y, Tensor x, const Vector& mu, const Rows& rows, size_t shift) {
  Loan on(be_);
  std::vector<Tensor> there;
  for (const Tensor& t : y) there.push_back(on(t));
  exec_->shift_lerp(there, on(x), on(mu), on(rows), shift);
}
inline void HostedExec::scan(const Scan& scan, const Rows& rows) {
  Loan on(be_);
  Scan s = scan;
  for (Tensor* t : {&s.o, &s.v, &s.r, &s.k, &s.a, &s.b, &s.log_w}) *t = on(*t);
  exec_->scan(s, on(rows));
}
inline void HostedExec::selective_scan(const SelectiveScan& io, const Rows& rows) {
  Loan on(be_);
  exec_->selective_scan({on(io.y), on(io.u), on(io.dt), on(io.b), on(io.c), on(io.a), on(io.d), io.state}, on(rows));
}
inline void HostedExec::short_conv(Tensor y, Tensor x, const Vector& w, const Vector* bias, Act act, const Rows& rows,
                                   size_t state) {
  Loan on(be_);
  exec_->short_conv(on(y), on(x), on(w), on(bias), act, on(rows), state);
}
inline void HostedExec::rotary(const Rotary& io, const Rows& rows) {
  Loan on(be_);
  Rotary there = io;
  there.x = on(io.x);
  there.factors = on(io.factors);
  exec_->rotary(there, on(rows));
}
inline void HostedExec::attention(const Attention& io, const Rows& rows) {
  Loan on(be_);
  Attention there = io;
  for (Tensor* t : {&there.o, &there.q, &there.k, &there.v}) *t = on(*t);
  exec_->attention(there, on(rows, io.layer));
}
inline void HostedExec::activate(Tensor y, Tensor x, Act act) {
  Loan on(be_);
  exec_->activate(on(y), on(x), act);
}
inline void HostedExec::gate(Tensor y, Tensor x, Tensor g, Act act) {
  Loan on(be_);
  exec_->gate(on(y), on(x), on(g), act);
}
inline void HostedExec::add_scaled(Tensor y, Tensor x, const Vector& d) {
  Loan on(be_);
  exec_->add_scaled(on(y), on(x), on(d));
}
inline void HostedExec::delta_rule(const DeltaRule& io) {
  Loan on(be_);
  DeltaRule there = io;
  for (Tensor* t : {&there.q, &there.k, &there.g, &there.beta, &there.r, &there.a, &there.b, &there.v, &there.log_w})
    *t = on(*t);
  there.rate = on(io.rate);
  there.bias = on(io.bias);
  exec_->delta_rule(there);
}
inline void HostedExec::ssd(const Ssd& io) {
  Loan on(be_);
  Ssd there = io;
  for (Tensor* t : {&there.x, &there.dt, &there.b, &there.c, &there.v, &there.log_w, &there.k, &there.r}) *t = on(*t);
  there.a = on(io.a);
  there.bias = on(io.bias);
  exec_->ssd(there);
}
inline void HostedExec::scale(Tensor y, Tensor x, float factor) {
  Loan on(be_);
  exec_->scale(on(y), on(x), factor);
}
inline void HostedExec::repeat_heads(Tensor y, Tensor x, int64_t heads, int64_t kv_heads) {
  Loan on(be_);
  exec_->repeat_heads(on(y), on(x), heads, kv_heads);
}
inline void HostedExec::split_heads(Tensor a, Tensor b, Tensor x, int64_t heads) {
  Loan on(be_);
  exec_->split_heads(on(a), on(b), on(x), heads);
}
inline void HostedExec::append_ones(Tensor y, Tensor v, int64_t heads) {
  Loan on(be_);
  exec_->append_ones(on(y), on(v), heads);
}
inline void HostedExec::divide_by_last(Tensor o, Tensor y, int64_t heads, float eps) {
  Loan on(be_);
  exec_->divide_by_last(on(o), on(y), heads, eps);
}
inline void HostedExec::value_residual(Tensor v, Tensor v_first, Tensor gate) {
  Loan on(be_);
  exec_->value_residual(on(v), on(v_first), on(gate));
}
inline void HostedExec::delta_inputs(const DeltaInputs& io) {
  Loan on(be_);
  exec_->delta_inputs({on(io.w), on(io.a), on(io.k), on(io.kk), on(io.b), on(io.k_k), on(io.k_a), io.heads, io.eps});
}
inline void HostedExec::bonus_gate(const BonusGate& io) {
  Loan on(be_);
  exec_->bonus_gate({on(io.y), on(io.o), on(io.r), on(io.k), on(io.v), on(io.g), on(io.r_k), io.heads});
}
inline void HostedExec::norm_shift_lerp(const NormLerp& io, const Rows& rows) {
  Loan on(be_);
  std::vector<Tensor> y;
  for (const Tensor& t : io.y) y.push_back(on(t));
  exec_->norm_shift_lerp({{y.data(), y.size()}, on(io.x), io.kind, on(io.w), on(io.b), io.eps, on(io.mu), io.shift},
                         on(rows));
}
inline void HostedExec::head_mix(const HeadMix& io, const Rows& rows) {
  Loan on(be_);
  HeadMix there = io;
  for (Tensor* t : {&there.o, &there.r, &there.w, &there.k, &there.v, &there.a, &there.kk, &there.b, &there.g, &there.v_first})
    *t = on(*t);
  for (const Vector** v : {&there.k_k, &there.k_a, &there.ln_w, &there.ln_b, &there.r_k}) *v = on(*v);
  exec_->head_mix(there, on(rows));
}
inline void HostedExec::ssd_mix(const SsdMix& io, const Rows& rows) {
  Loan on(be_);
  SsdMix there = io;
  for (Tensor* t : {&there.o, &there.z, &there.x_bc, &there.dt}) *t = on(*t);
  for (const Vector** v : {&there.conv, &there.conv_bias, &there.a, &there.dt_bias, &there.d, &there.w}) *v = on(*v);
  there.reader = nullptr;
  exec_->ssd_mix(there, on(rows));
}
inline void HostedExec::keep_last(Tensor x, const Rows& rows, size_t at) {
  Loan on(be_);
  exec_->keep_last(on(x), on(rows), at);
}

}  // namespace recurra::test
