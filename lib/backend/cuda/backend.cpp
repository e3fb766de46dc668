// The C++ side of the boundary: backend.h's classes on the plugin's functions.
#include <unistd.h>

#include <algorithm>
#include <new>

#include "backend/cuda/cuda.h"
#include "backend/cuda/loader.h"
#include "backend/dequantize.h"
#include "backend/transpose.h"
#include "core/error.h"
#include "core/half.h"
#include "core/log.h"
#include "core/mapped_file.h"

namespace recurra {
namespace {

class CudaDevice {
 public:
  CudaDevice(const gpu_plugin& functions, bool bf16) : f(functions), process_(::getpid()) {
    gpu_options options{};
    options.bf16 = bf16 ? 1 : 0;
    call([&](gpu_error* e) { return f.open(&handle, &options, &info, e); });
    if (info.without[0] != '\0')
      log(LogLevel::warning, "the cuda backend computes prompts slowly, without cuBLASLt: %s", info.without);
  }
  ~CudaDevice() {
    if (alive()) f.close(handle);
  }
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  // A device does not follow its process through a fork.
  bool alive() const { return ::getpid() == process_; }
  void need_alive() const {
    if (!alive())
      fail(Code::backend, "the model was opened on a GPU by the parent of this process; open it here again");
  }

  template <class F>
  static void call(const F& function) {
    gpu_error error;
    error.text[0] = '\0';
    const int32_t code = function(&error);
    if (code != 0) throw Error(static_cast<Code>(code), error.text);
  }

  const gpu_plugin& f;
  gpu_device* handle = nullptr;
  gpu_info info{};

 private:
  const pid_t process_;
};

using Device = std::shared_ptr<CudaDevice>;

class CudaBuffer final : public Buffer {
 public:
  CudaBuffer(Device device, size_t bytes) : Buffer(nullptr, bytes), device_(std::move(device)) {
    device_->need_alive();
    void* data = nullptr;
    CudaDevice::call([&](gpu_error* e) { return device_->f.allocate(device_->handle, &data, bytes, e); });
    data_ = static_cast<std::byte*>(data);
  }
  ~CudaBuffer() override {
    if (device_->alive()) device_->f.release(device_->handle, data_);
  }

 private:
  Device device_;
};

class CudaMatrix final : public Matrix {
 public:
  CudaMatrix(Device device, const TensorView& view, Inputs inputs)
      : Matrix(view.shape.dim[0], view.shape.dim[1]), device_(std::move(device)) {
    device_->need_alive();
    CudaDevice::call([&](gpu_error* e) {
      return device_->f.matrix(device_->handle, &handle, static_cast<int32_t>(view.type), out(), in(), view.data,
                               inputs == Inputs::mostly_zero ? 1 : 0, e);
    });
    if (view.mapped) drop_pages(view.data, view.bytes);
  }
  ~CudaMatrix() override {
    if (device_->alive()) device_->f.free_matrix(handle);
  }
  gpu_matrix* handle = nullptr;

 private:
  Device device_;
};

gpu_tensor of(Tensor t) { return {t.data, t.rows, t.cols, t.stride}; }
const gpu_matrix* of(const Matrix& m) { return static_cast<const CudaMatrix&>(m).handle; }
const gpu_matrix* of(const Matrix* m) { return m != nullptr ? of(*m) : nullptr; }
const float* values(const Vector* v) { return v != nullptr ? v->data() : nullptr; }
template <class E>
int32_t number(E e) {
  return static_cast<int32_t>(e);
}

// Scratch in blocks that are kept, as the host's (host_memory.h). What was released may still be read by work under
// way: whatever is written there next comes after it on the stream.
class CudaScratch {
 public:
  explicit CudaScratch(Device device) : device_(std::move(device)) {}
  float* take(size_t floats) {
    constexpr size_t kAlign = 256, kLeast = size_t{8} << 20;
    const size_t bytes = (floats * sizeof(float) + kAlign - 1) / kAlign * kAlign;
    while (block_ < blocks_.size() && used_ + bytes > blocks_[block_]->size()) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) blocks_.push_back(std::make_unique<CudaBuffer>(device_, std::max(bytes, kLeast)));
    std::byte* at = blocks_[block_]->data() + used_;
    used_ += bytes;
    return reinterpret_cast<float*>(at);
  }
  Exec::Mark mark() const { return {block_, used_}; }
  void release(Exec::Mark m) {
    block_ = m.block;
    used_ = m.used;
  }

 private:
  Device device_;
  std::vector<std::unique_ptr<CudaBuffer>> blocks_;
  size_t block_ = 0, used_ = 0;
};

class CudaExec final : public Exec {
 public:
  CudaExec(Device device, bool bf16) : device_(std::move(device)), bf16_(bf16), scratch_(device_) {
    device_->need_alive();
    CudaDevice::call([&](gpu_error* e) { return device_->f.exec(device_->handle, &exec_, e); });
  }
  ~CudaExec() override {
    if (device_->alive()) device_->f.free_exec(exec_);
  }
  CudaExec(const CudaExec&) = delete;
  CudaExec& operator=(const CudaExec&) = delete;

  void begin() override { device_->need_alive(); }
  void end() override {
    gpu_error ignored;
    if (in_pass_) device_->f.pass_end(exec_, 0, &ignored);
    in_pass_ = false;
  }
  bool pass_begin(const Rows& rows) override {
    const Mark m = scratch_.mark();
    if (m.block != 0 || m.used != 0) return false;
    int32_t done = 0;
    const gpu_rows r = flat(rows);
    CudaDevice::call([&](gpu_error* e) { return device_->f.pass_begin(exec_, &r, &done, e); });
    in_pass_ = done == 0;
    return done != 0;
  }
  void pass_end() override {
    if (!in_pass_) return;
    in_pass_ = false;
    CudaDevice::call([&](gpu_error* e) { return device_->f.pass_end(exec_, 1, e); });
  }
  Tensor scratch(int64_t rows, int64_t cols) override {
    return {scratch_.take(static_cast<size_t>(rows * cols)), rows, cols, cols};
  }
  Mark mark() override { return scratch_.mark(); }
  void release(Mark m) override { scratch_.release(m); }

  void embed(Tensor y, const Rows& rows, const Matrix& table) override {
    run(device_->f.embed, gpu_embed{of(y), of(table)}, rows);
  }
  void norm(Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps, int64_t groups) override {
    run(device_->f.norm, gpu_norm{of(y), of(x), values(w), values(b), groups, eps, number(kind), nullptr});
  }
  void norm_for(const Matrix& reader, Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps,
                int64_t groups) override {
    run(device_->f.norm, gpu_norm{of(y), of(x), values(w), values(b), groups, eps, number(kind), of(reader)});
  }
  void linears(Span<const Product> products, const Rows& rows) override {
    products_.clear();
    bool block = rows.block;
    for (const Product& p : products) {
      products_.push_back({of(p.y), of(p.x), of(*p.w), values(p.epilogue.bias), number(p.epilogue.act),
                           p.epilogue.add ? 1 : 0, of(p.epilogue.reader)});
      block = block && p.x.rows == rows.count;
    }
    run(device_->f.linears, gpu_linears{products_.data(), static_cast<int32_t>(products_.size()), block ? 1 : 0});
  }
  void copy(Tensor y, Tensor x) override { elements({gpu_copy, 0, of(y), of(x), {}, nullptr, 0, 0, 0}); }
  void shift_lerp(Span<const Tensor> y, Tensor x, const Vector& mu, const Rows& rows, size_t shift) override {
    gpu_shift_lerp io{};
    if (y.size() > sizeof io.y / sizeof *io.y) fail(Code::internal, "%zu lerps of one row", y.size());
    for (size_t i = 0; i < y.size(); ++i) io.y[i] = of(y[i]);
    io.count = static_cast<int32_t>(y.size());
    io.x = of(x);
    io.mu = mu.data();
    io.shift = shift;
    run(device_->f.shift_lerp, io, rows);
  }
  void norm_shift_lerp(const NormLerp& n, const Rows& rows) override {
    constexpr int64_t kMostCols = 4096;  // where a segment has several rows
    if (n.x.cols % (single(rows) ? 2 : 4) != 0 || n.x.stride % 2 != 0) return Exec::norm_shift_lerp(n, rows);
    if (!single(rows) && n.x.cols > kMostCols) return Exec::norm_shift_lerp(n, rows);
    if (n.kind != Norm::layer && n.kind != Norm::rms) return Exec::norm_shift_lerp(n, rows);
    gpu_norm_lerp io{};
    if (n.y.size() > sizeof io.y / sizeof *io.y) fail(Code::internal, "%zu lerps of one row", n.y.size());
    for (size_t i = 0; i < n.y.size(); ++i) io.y[i] = of(n.y[i]);
    for (size_t i = 0; i < n.readers.size(); ++i) io.reader[i] = of(n.readers[i]);
    io.count = static_cast<int32_t>(n.y.size());
    io.kind = number(n.kind);
    io.x = of(n.x);
    io.w = values(n.w);
    io.b = values(n.b);
    io.mu = n.mu->data();
    io.eps = n.eps;
    io.shift = n.shift;
    run(device_->f.norm_lerp, io, rows);
  }
  void head_mix(const HeadMix& m, const Rows& rows) override {
    if ((!single(rows) && !bf16_) || m.head != 64) return Exec::head_mix(m, rows);
    run(device_->f.head_mix,
        gpu_head_mix{of(m.o),       of(m.r),        of(m.w),        of(m.k),       of(m.v),
                     of(m.a),       of(m.b),        of(m.g),        of(m.v_first), m.k_k->data(),
                     m.k_a->data(), m.ln_w->data(), m.ln_b->data(), m.r_k->data(), m.heads,
                     m.key_eps,     m.group_eps,    m.state,        of(m.reader),  is_half(m.memory)},
        rows);
  }
  void ssd_mix(const SsdMix& m, const Rows& rows) override {
    const int64_t inner = m.o.cols, taps = m.conv->size() / m.x_bc.cols;
    int64_t longest = 0;
    for (const Segment& s : rows.segments) longest = std::max<int64_t>(longest, s.count);
    const auto aligned = [](const Tensor& t) {
      return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && t.stride % 4 == 0;
    };
    constexpr int64_t kLeastChunk = 40;  // tokens: below, the recurrence one by one is faster
    const bool chunks = bf16_ && longest >= kLeastChunk && aligned(m.z) && aligned(m.x_bc) && m.x_bc.cols % 4 == 0;
    const bool has = inner == m.heads * 64 && taps >= 1 && taps <= 4 && m.norm_groups <= 128 &&
                     m.heads % m.norm_groups == 0 && !(m.w != nullptr && m.norm_before_gate) && aligned(m.o) &&
                     (m.states == 64 || m.states == 128 || (m.states == 16 && single(rows)));
    if (!has || (!single(rows) && !chunks)) return Exec::ssd_mix(m, rows);
    const Frame frame(*this);
    const Tensor work = single(rows) ? scratch(rows.count, inner + 2 * m.heads) : Tensor{};
    run(device_->f.ssd_mix,
        gpu_ssd_mix{
            of(m.o),      of(m.z),           of(m.x_bc),  of(m.dt),    of(work), m.conv->data(), values(m.conv_bias),
            m.a->data(),  m.dt_bias->data(), m.d->data(), values(m.w), m.heads,  m.groups,       m.states,
            taps,         m.norm_groups,     m.least,     m.most,      m.eps,    m.conv_state,   m.state,
            of(m.reader), is_half(m.memory)},
        rows);
  }
  void scan(const Scan& s, const Rows& rows) override {
    run(device_->f.scan,
        gpu_scan{number(s.decay), s.erase ? 1 : 0, s.heads, s.key, s.value, of(s.o), of(s.v), of(s.r), of(s.k), of(s.a),
                 of(s.b), of(s.log_w), s.state, is_half(s.memory)},
        rows);
  }
  void selective_scan(const SelectiveScan& io, const Rows& rows) override {
    run(device_->f.selective_scan,
        gpu_selective_scan{of(io.y), of(io.u), of(io.dt), of(io.b), of(io.c), io.a->data(), io.d->data(), io.state},
        rows);
  }
  void short_conv(Tensor y, Tensor x, const Vector& w, const Vector* bias, Act act, const Rows& rows,
                  size_t state) override {
    run(device_->f.short_conv,
        gpu_short_conv{of(y), of(x), w.data(), values(bias), w.size() / x.cols, number(act), state}, rows);
  }
  void rotary(const Rotary& io, const Rows& rows) override {
    run(device_->f.rotary,
        gpu_rotary{of(io.x), io.heads, io.rotated, io.base, io.interleaved ? 1 : 0, values(io.factors)}, rows);
  }
  void attention(const Attention& io, const Rows& rows) override {
    run(device_->f.attention,
        gpu_attention{of(io.o), of(io.q), of(io.k), of(io.v), io.heads, io.kv_heads, io.layer, io.window}, rows);
  }
  void activate(Tensor y, Tensor x, Act act) override {
    elements({gpu_activate, number(act), of(y), of(x), {}, nullptr, 0, 0, 0});
  }
  void gate(Tensor y, Tensor x, Tensor g, Act act) override {
    elements({gpu_gate, number(act), of(y), of(x), of(g), nullptr, 0, 0, 0});
  }
  void add_scaled(Tensor y, Tensor x, const Vector& d) override {
    elements({gpu_add_scaled, 0, of(y), of(x), {}, d.data(), 0, 0, 0});
  }
  void delta_rule(const DeltaRule& io) override {
    run(device_->f.delta_rule, gpu_delta_rule{of(io.q), of(io.k), of(io.g), of(io.beta), of(io.r), of(io.a), of(io.b),
                                              of(io.v), of(io.log_w), values(io.rate), values(io.bias), io.heads,
                                              io.key_heads, io.scale, io.beta_scale, io.tiled ? 1 : 0});
  }
  void ssd(const Ssd& io) override {
    run(device_->f.ssd, gpu_ssd{of(io.x), of(io.dt), of(io.b), of(io.c), of(io.v), of(io.log_w), of(io.k), of(io.r),
                                values(io.a), values(io.bias), io.heads, io.groups, io.least, io.most});
  }
  void scale(Tensor y, Tensor x, float factor) override {
    elements({gpu_scale, 0, of(y), of(x), {}, nullptr, 0, 0, factor});
  }
  void repeat_heads(Tensor y, Tensor x, int64_t heads, int64_t kv_heads) override {
    elements({gpu_repeat_heads, 0, of(y), of(x), {}, nullptr, heads, kv_heads, 0});
  }
  void split_heads(Tensor a, Tensor b, Tensor x, int64_t heads) override {
    elements({gpu_split_heads, 0, of(a), of(x), of(b), nullptr, heads, 0, 0});
  }
  void append_ones(Tensor y, Tensor v, int64_t heads) override {
    elements({gpu_append_ones, 0, of(y), of(v), {}, nullptr, heads, 0, 0});
  }
  void divide_by_last(Tensor o, Tensor y, int64_t heads, float eps) override {
    elements({gpu_divide_by_last, 0, of(o), of(y), {}, nullptr, heads, 0, eps});
  }
  void value_residual(Tensor v, Tensor v_first, Tensor gate) override {
    elements({gpu_value_residual, 0, of(v), of(v_first), of(gate), nullptr, 0, 0, 0});
  }
  void delta_inputs(const DeltaInputs& io) override {
    run(device_->f.delta_inputs, gpu_delta_inputs{of(io.w), of(io.a), of(io.k), of(io.kk), of(io.b), values(io.k_k),
                                                  values(io.k_a), io.heads, io.eps});
  }
  void bonus_gate(const BonusGate& io) override {
    run(device_->f.bonus_gate,
        gpu_bonus_gate{of(io.y), of(io.o), of(io.r), of(io.k), of(io.v), of(io.g), values(io.r_k), io.heads});
  }
  void keep_last(Tensor x, const Rows& rows, size_t at) override {
    run(device_->f.keep_last, gpu_keep_last{of(x), at}, rows);
  }
  void take_last(Tensor x, const Rows& rows, size_t at) override {
    run(device_->f.take_last, gpu_take_last{of(x), at}, rows);
  }
  bool pick(int32_t* out, Span<const Pick> picks, Tensor logits) override {
    if (out == nullptr) return true;
    const gpu_tensor from = of(logits);
    picks_.clear();
    bool greedy = true;
    for (const Pick& p : picks) {
      picks_.push_back({p.uniform, p.temperature, p.top_p, p.min_p, p.repeat_penalty, p.top_k,
                        static_cast<int32_t>(p.recent.size()), p.recent.data()});
      greedy = greedy && p.is_greedy();
    }
    const gpu_pick* rows = greedy ? nullptr : picks_.data();
    CudaDevice::call([&](gpu_error* e) { return device_->f.pick(exec_, out, rows, &from, e); });
    return true;
  }
  void download(float* out, Tensor x) override {
    const gpu_tensor from = of(x);
    CudaDevice::call([&](gpu_error* e) { return device_->f.read(exec_, out, &from, e); });
  }

 private:
  static int32_t is_half(DType memory) { return memory == DType::f16 ? 1 : 0; }
  // Every segment is one row.
  static bool single(const Rows& rows) { return rows.segments.size() == static_cast<size_t>(rows.count); }
  void elements(const gpu_elements& io) { run(device_->f.elements, io); }

  template <class Io>
  void run(int32_t (*op)(gpu_exec*, const Io*, gpu_error*), const Io& io) {
    CudaDevice::call([&](gpu_error* e) { return op(exec_, &io, e); });
  }
  template <class Io>
  void run(int32_t (*op)(gpu_exec*, const Io*, const gpu_rows*, gpu_error*), const Io& io, const Rows& rows) {
    const gpu_rows r = flat(rows);
    CudaDevice::call([&](gpu_error* e) { return op(exec_, &io, &r, e); });
  }

  gpu_rows flat(const Rows& rows) {
    segments_.clear();
    for (const Segment& s : rows.segments) {
      gpu_segment g{s.first, s.count, reinterpret_cast<uint64_t>(s.state), s.position, nullptr, 0, 0};
      if (s.cache != nullptr) {
        g.pages = s.cache->pages.data();
        g.n_pages = static_cast<int64_t>(s.cache->pages.size());
        g.page_stride = s.cache->page_stride;
      }
      segments_.push_back(g);
    }
    return {rows.count, static_cast<int32_t>(segments_.size()), segments_.data(), rows.tokens, rows.block ? 1 : 0};
  }

  Device device_;
  const bool bf16_;
  CudaScratch scratch_;
  gpu_exec* exec_ = nullptr;
  bool in_pass_ = false;
  std::vector<gpu_segment> segments_;
  std::vector<gpu_product> products_;
  std::vector<gpu_pick> picks_;
};

class CudaBackend final : public Backend {
 public:
  CudaBackend(Device device, bool bf16, DType memories)
      : device_(std::move(device)), bf16_(bf16), memories_(memories) {}

  const char* name() const override { return "cuda"; }
  const char* level() const override { return device_->info.level; }
  const char* dtype() const override { return bf16_ ? "bf16" : "f32"; }
  int threads() const override { return 1; }
  DType memories() const override { return memories_; }
  PassRows pass_rows() const override { return {4096, 512, 1}; }

  std::unique_ptr<Matrix> matrix(const TensorView& view, Inputs inputs) override {
    if (!can_dequantize(view.type))
      fail(Code::unsupported, "tensor '%s' has type %s, which the cuda backend cannot compute with yet",
           printable(view.name).c_str(), recurra::info(view.type).name);
    return std::make_unique<CudaMatrix>(device_, view, inputs);
  }
  Vector vector(const TensorView& view) override {
    const std::vector<float> floats = to_floats(view);
    return vector(floats.data(), view.shape.elements());
  }
  Vector vector(const float* floats, int64_t n) override {
    auto buffer = allocate(static_cast<size_t>(n) * sizeof(float));
    upload(buffer->data(), floats, static_cast<size_t>(n) * sizeof(float));
    return {buffer, n};
  }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return std::make_shared<CudaBuffer>(device_, bytes); }
  void copy(std::byte* to, const std::byte* from, size_t bytes) override {
    alive([&](gpu_error* e) { return device_->f.copy(device_->handle, to, from, bytes, e); });
  }
  void clear(std::byte* at, size_t bytes) override {
    alive([&](gpu_error* e) { return device_->f.clear(device_->handle, at, bytes, e); });
  }
  void upload(std::byte* to, const void* from, size_t bytes) override {
    alive([&](gpu_error* e) { return device_->f.upload(device_->handle, to, from, bytes, e); });
  }
  void download(void* to, const std::byte* from, size_t bytes) const override {
    alive([&](gpu_error* e) { return device_->f.download(device_->handle, to, from, bytes, e); });
  }
  void read_state(float* out, const std::byte* slot, const StateSlice& s) const override {
    const auto n = static_cast<size_t>(s.shape.elements());
    if (s.shape.rank != 3) return download(out, slot + s.offset, n * sizeof(float));
    std::vector<float> kept(n);
    if (s.type == DType::f16) {
      std::vector<uint16_t> halves(n);
      download(halves.data(), slot + s.offset, n * sizeof(uint16_t));
      std::transform(halves.begin(), halves.end(), kept.begin(), f16_to_float);
    } else {
      download(kept.data(), slot + s.offset, n * sizeof(float));
    }
    transpose_heads(out, kept.data(), s.shape.dim[0], s.shape.dim[2], s.shape.dim[1]);
  }
  void write_state(std::byte* slot, const StateSlice& s, const float* in) const override {
    const auto n = static_cast<size_t>(s.shape.elements());
    std::vector<float> kept;
    if (s.shape.rank == 3) {
      kept.resize(n);
      transpose_heads(kept.data(), in, s.shape.dim[0], s.shape.dim[1], s.shape.dim[2]);
      in = kept.data();
    }
    const void* from = in;
    size_t bytes = n * sizeof(float);
    std::vector<uint16_t> halves;
    if (s.type == DType::f16) {
      halves.resize(n);
      for (size_t i = 0; i < n; ++i) halves[i] = float_to_f16(std::min(std::max(in[i], -65504.0f), 65504.0f));
      from = halves.data();
      bytes = n * sizeof(uint16_t);
    }
    alive([&](gpu_error* e) { return device_->f.upload(device_->handle, slot + s.offset, from, bytes, e); });
  }
  DeviceMemory device_memory() const override {
    DeviceMemory m;
    alive([&](gpu_error* e) { return device_->f.memory(device_->handle, &m.taken, &m.free, e); });
    return m;
  }
  std::unique_ptr<Exec> exec() override { return std::make_unique<CudaExec>(device_, bf16_); }

 private:
  template <class F>
  void alive(const F& function) const {
    device_->need_alive();
    CudaDevice::call(function);
  }

  Device device_;
  bool bf16_;
  DType memories_;
};

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options) {
  const bool bf16 = options.dtype != "f32";
  return std::make_unique<CudaBackend>(std::make_shared<CudaDevice>(cuda_plugin(), bf16), bf16,
                                       options.state == "f16" ? DType::f16 : DType::f32);
}

}  // namespace recurra
