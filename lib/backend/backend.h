// What a backend offers: memory, weights prepared for it, and coarse operations on rows of activations.
// Mixers are written on this file alone; reference/, cpu/ and later cuda/ implement it; registry.cpp names them.
//
// Letters: B sequences, T tokens of a call (the rows, all sequences' end to end), D model width, H heads, K key width
// of a head, V value width of a head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/sampling.h"
#include "core/span.h"
#include "core/tensor.h"

namespace recurra {

// Activations [rows, cols] in float32 in the backend's memory; `stride` floats from row to row.
struct Tensor {
  float* data = nullptr;
  int64_t rows = 0, cols = 0, stride = 0;
};

// A weight matrix [out, in] as the backend wants it, made by Backend::matrix.
class Matrix {
 public:
  virtual ~Matrix() = default;
  int64_t out() const { return out_; }
  int64_t in() const { return in_; }

 protected:
  Matrix(int64_t out, int64_t in) : out_(out), in_(in) {}

 private:
  int64_t out_, in_;
};

// Memory of the backend, 64-byte aligned, zeroed when made.
class Buffer {
 public:
  virtual ~Buffer() = default;
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 protected:
  Buffer(std::byte* data, size_t size) : data_(data), size_(size) {}
  std::byte* data_;
  size_t size_;
};

// A float32 parameter vector in the backend's memory.
class Vector {
 public:
  Vector() = default;
  Vector(std::shared_ptr<Buffer> buffer, int64_t size) : buffer_(std::move(buffer)), size_(size) {}
  const float* data() const { return buffer_ ? reinterpret_cast<const float*>(buffer_->data()) : nullptr; }
  int64_t size() const { return size_; }

 private:
  std::shared_ptr<Buffer> buffer_;
  int64_t size_ = 0;
};

// One tensor of a state at `offset` bytes of its slot. Its shape is the backend-neutral one of the state file: [D] for
// a shift, [H, V, K] for a matrix memory. Backends may keep matrices transposed inside a slot, and as what memories()
// says.
struct StateSlice {
  std::string name;
  Shape shape;
  size_t offset = 0;
  DType type = DType::f32;  // or f16
};

// Keys and values of a sequence's past tokens, for softmax attention: pages of kPage tokens, each
// [layer][k, v][kPage][width] in float32. Pages may be shared with copies of the state; the one being written is not.
struct KvCache {
  static constexpr int64_t kPage = 256;
  std::vector<float*> pages;
  int64_t page_stride =
      0;  // floats from one layer's keys to its values, and on to the next layer's keys: kPage * width
  float* keys(int64_t layer, int64_t token) const {
    return pages[static_cast<size_t>(token / kPage)] + 2 * layer * page_stride + token % kPage * (page_stride / kPage);
  }
  float* values(int64_t layer, int64_t token) const { return keys(layer, token) + page_stride; }
};

// The rows of one call. Rows first .. first+count-1 are the next tokens of one sequence, whose slot is `state`.
struct Segment {
  int32_t first = 0, count = 0;
  std::byte* state = nullptr;
  uint64_t position = 0;     // tokens the sequence has read before
  KvCache* cache = nullptr;  // of a model with softmax attention, with room for this call's tokens
};
struct Rows {
  int32_t count = 0;
  Span<const Segment> segments;
  const int32_t* tokens = nullptr;  // [count], host memory
  // Every segment is whole blocks of kBlock tokens that start at a multiple of kBlock of the state's position: matrix
  // products may then work block by block. Otherwise each row is computed as if it were alone; on a
  // GPU so for rows of a segment each, with dtype f32.
  bool block = false;
};
constexpr int32_t kBlock = 64;

// relu2: max(x, 0)^2; elu1: x + 1 where x >= 0, else e^x; softplus: ln(1 + e^x)
enum class Act { none, relu2, sigmoid, tanh, silu, relu, elu1, softplus };

// y = act(W x + bias), or y += act(W x + bias).
//
// A reader, here and below: a matrix whose product reads what is written, in the next call of linears. Nothing but
// products of that call does, so that a backend may leave it in the form that they take. Null: anybody may read it.
struct Epilogue {
  Act act = Act::none;
  const Vector* bias = nullptr;
  bool add = false;
  const Matrix* reader = nullptr;
};

// One of several matrix products over the same rows. None reads what another writes.
struct Product {
  Tensor y, x;
  const Matrix* w;
  Epilogue epilogue;
};

// y = B act(A x) + bias: a matrix product of low rank.
struct LowRank {
  std::unique_ptr<Matrix> a, b;
  Act act = Act::none;
  Vector bias;  // [out], or empty
};

// Each of a row's `groups` parts by itself, n values each:
//   layer, group   (x - mean) / sqrt(mean((x - mean)^2) + eps)
//   rms            x / sqrt(mean(x^2) + eps)
//   l2             x / sqrt(sum(x^2) + eps)
//   l1             x / max(sum(|x|), eps)
//   sum            x / (sum(x) + eps)
enum class Norm { layer, rms, group, l2, l1, sum };

// [cols] columns of x from `first` on.
inline Tensor columns(Tensor x, int64_t first, int64_t cols) { return {x.data + first, x.rows, cols, x.stride}; }

enum class Decay { none, scalar, vector };

// The recurrence of every constant-memory mixer, per head:
//     S_t = S_{t-1} (diag(w_t) - a_t b_t^T) + v_t k_t^T        o_t = S_t r_t         S in R^{V x K}
struct Scan {
  Decay decay = Decay::none;
  bool erase = false;
  int64_t heads = 0, key = 0, value = 0;
  Tensor o, v;       // [T, H*V]
  Tensor r, k;       // [T, H*K]
  Tensor a, b;       // [T, H*K], with erase
  Tensor log_w;      // ln w: [T, H*K] (vector), [T, H] (scalar); at most 0
  size_t state = 0;  // offset of S [H, V, K] in the slot
  DType memory = DType::f32;  // what S is kept as
};

// Runs one call's operations, in order, with scratch memory of its own. Not for two threads at once; a backend makes
// as many as there are callers. Operands do not overlap unless they are the same tensor where `in place` is said.
class Exec {
 public:
  virtual ~Exec() = default;

  // Around the operations of one call: takes and gives back what is shared, such as threads.
  virtual void begin() {}
  virtual void end() {}

  // A pass: the operations on all layers for the rows of one call, between these two, when none of its activations is
  // read outside. Where the first returns true it has run all of them, as recorded from an earlier pass of the same
  // shape: they are not to be asked for again.
  virtual bool pass_begin(const Rows&) { return false; }
  virtual void pass_end() {}

  // Scratch for activations, valid until the enclosing Frame ends.
  virtual Tensor scratch(int64_t rows, int64_t cols) = 0;
  struct Mark {
    size_t block, used;
  };
  virtual Mark mark() = 0;
  virtual void release(Mark mark) = 0;

  // y[i] = table[tokens[i]]
  virtual void embed(Tensor y, const Rows& rows, const Matrix& table) = 0;
  // In place is fine. w, b may be null. eps as each definition has it, inside the root.
  virtual void norm(Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps, int64_t groups) = 0;
  // norm of whole rows, or of groups, for products with `reader` alone to read.
  virtual void norm_for(const Matrix&, Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps,
                        int64_t groups) {
    norm(y, x, kind, w, b, eps, groups);
  }
  // Together: the fewer calls, the fewer times threads wait for each other.
  virtual void linears(Span<const Product> products, const Rows& rows) = 0;
  void linear(Tensor y, Tensor x, const Matrix& w, const Rows& rows, const Epilogue& epilogue) {
    const Product product{y, x, &w, epilogue};
    linears({&product, 1}, rows);
  }
  virtual void copy(Tensor y, Tensor x) = 0;

  // Token shift: y_j = x + (x_prev - x) * mu[j*D ..], where x_prev is the sequence's row before, from the slot's vector
  // [D] at `shift` for a segment's first row; the segment's last row goes there.
  virtual void shift_lerp(Span<const Tensor> y, Tensor x, const Vector& mu, const Rows& rows, size_t shift) = 0;

  virtual void scan(const Scan& scan, const Rows& rows) = 0;

  // Mamba-1, per channel i of I, with a state h_i [N]:
  //     d = softplus(dt_i);  h_i = exp(d A_i) h_i + d u_i B;  y_i = h_i . C + D_i u_i
  struct SelectiveScan {
    Tensor y, u, dt;      // [T, I]
    Tensor b, c;          // [T, N]
    const Vector *a, *d;  // [N, I], negative; [I]
    size_t state = 0;     // [N, I] in the slot
  };
  virtual void selective_scan(const SelectiveScan& io, const Rows& rows) = 0;

  // Depthwise causal convolution over J tokens:  y_t[c] = act(bias[c] + sum_j w[j, c] x_{t-J+1+j}[c]), w [J, C].  The
  // J-1 rows before a segment's first lie in the slot's [J-1, C] at `state`, where its last ones go.
  virtual void short_conv(Tensor y, Tensor x, const Vector& w, const Vector* bias, Act act, const Rows& rows,
                          size_t state) = 0;

  // Rotary positions, in place, on the first `rotated` of each head's values: of pairs (2i, 2i+1) where interleaved,
  // else (i, i + rotated/2), turned by position * base^(-2i/rotated) / factor_i.
  struct Rotary {
    Tensor x;  // [T, heads * width]
    int64_t heads, rotated;
    float base;
    bool interleaved;
    const Vector* factors = nullptr;  // [rotated / 2]; null or empty: 1
  };
  virtual void rotary(const Rotary& io, const Rows& rows) = 0;

  // Softmax attention over a sequence's past and its rows so far: k, v of the rows go to the cache's `layer`; head h of
  // q reads key head h / (heads / kv_heads); scores times width^-1/2; only the last `window` tokens where that is not
  // 0.
  struct Attention {
    Tensor o, q;  // [T, heads * width]
    Tensor k, v;  // [T, kv_heads * width]
    int64_t heads, kv_heads, layer;
    int64_t window = 0;
  };
  virtual void attention(const Attention& io, const Rows& rows) = 0;

  // y = act(x); y may be x.
  virtual void activate(Tensor y, Tensor x, Act act) = 0;
  // y = x * act(g); y may be x.
  virtual void gate(Tensor y, Tensor x, Tensor g, Act act) = 0;
  // y += x * d, d [cols]
  virtual void add_scaled(Tensor y, Tensor x, const Vector& d) = 0;

  // What a delta rule's scan reads, per value head h of H, from key heads of HK:
  //     alpha = exp(rate_h softplus(g + bias_h)), beta = beta_scale * sigmoid(beta)
  //     r = scale * q, a = k, b = alpha beta k, log_w = ln alpha, v = beta v
  // without g: alpha = 1; without beta: beta = 1. Head h reads key head h / (H/HK), or h % HK where `tiled`.
  struct DeltaRule {
    Tensor q, k;                // in [T, HK * K]
    Tensor g, beta;             // in [T, H], or data null
    const Vector *rate, *bias;  // [H], with g; rate = -exp(A_log)
    Tensor r, a, b;             // out [T, H * K]
    Tensor v;                   // in place [T, H * V]
    Tensor log_w;               // out [T, H], with g
    int64_t heads, key_heads;
    float scale, beta_scale;
    bool tiled;
  };
  virtual void delta_rule(const DeltaRule& io) = 0;

  // What Mamba-2's scan reads: d = clamp(softplus(dt + bias_h), least, most); log_w = d A_h; v = d x; k = B, r = C of
  // head h's group h / (H/G).
  struct Ssd {
    Tensor x, dt, b, c;      // in [T, H*P], [T, H], [T, G*N], [T, G*N]
    const Vector *a, *bias;  // [H], a negative
    Tensor v, log_w, k, r;   // out [T, H*P], [T, H], [T, H*N], [T, H*N]
    int64_t heads, groups;
    float least, most;
  };
  virtual void ssd(const Ssd& io) = 0;

  // y = factor * x
  virtual void scale(Tensor y, Tensor x, float factor) = 0;
  // y [T, heads * n] from x [T, kv_heads * n]: head h is head h / (heads / kv_heads).
  virtual void repeat_heads(Tensor y, Tensor x, int64_t heads, int64_t kv_heads) = 0;
  // x [T, heads * (n + m)], per head [a | b], to a [T, heads * n] and b [T, heads * m].
  virtual void split_heads(Tensor a, Tensor b, Tensor x, int64_t heads) = 0;
  // Linear attention's normaliser is one more value of each head, 1: y [T, H * (V+1)] from v [T, H * V]; and back, o =
  // y / (last + eps).
  virtual void append_ones(Tensor y, Tensor v, int64_t heads) = 0;
  virtual void divide_by_last(Tensor o, Tensor y, int64_t heads, float eps) = 0;

  // RWKV-7's element-wise parts (mixers/rwkv7_time_mix.cpp has the equations around them).
  // v += (v_first - v) * sigmoid(gate)
  virtual void value_residual(Tensor v, Tensor v_first, Tensor gate) = 0;
  // In: w, a before their activations, k. Out, per head: kk = l2(k * k_k); a = sigmoid(a); b = kk * a;
  // k *= 1 + (a - 1) * k_a; w = -exp(-1/2) * sigmoid(w), the log decay.
  // l2 divides by max(|x|, 1e-12) where eps is 0, else by sqrt(|x|^2 + eps).
  struct DeltaInputs {
    Tensor w, a, k, kk, b;
    const Vector *k_k, *k_a;
    int64_t heads;
    float eps;
  };
  virtual void delta_inputs(const DeltaInputs& io) = 0;
  // y = (o + (r . (k * r_k)) v) * g per head; y may be o.
  struct BonusGate {
    Tensor y, o, r, k, v, g;
    const Vector* r_k;
    int64_t heads;
  };
  virtual void bonus_gate(const BonusGate& io) = 0;

  // Steps that follow each other in RWKV-7. A backend may run them as one; these run them one by one (fused.cpp).
  //
  // shift_lerp of norm(x).
  struct NormLerp {
    Span<const Tensor> y;
    Tensor x;
    Norm kind;
    const Vector *w, *b;
    float eps;
    const Vector* mu;
    size_t shift;
    Span<const Matrix* const> readers = {};  // of the y, or none
  };
  virtual void norm_shift_lerp(const NormLerp& io, const Rows& rows);
  // From a time mix's products to what its last matrix reads: value_residual (with v_first.data), delta_inputs, the
  // scan of K = V = head, the group norm, bonus_gate. w, a, k, v, kk, b are overwritten; b holds the residual's gate.
  struct HeadMix {
    Tensor o, r, w, k, v, a, kk, b, g, v_first;
    const Vector *k_k, *k_a, *ln_w, *ln_b, *r_k;
    int64_t heads, head;
    float key_eps, group_eps;
    size_t state;
    DType memory = DType::f32;       // what S is kept as
    const Matrix* reader = nullptr;  // of o
    // The parts of it.
    DeltaInputs inputs() const { return {w, a, k, kk, b, k_k, k_a, heads, key_eps}; }
    Scan scan() const {
      Scan s;
      s.decay = Decay::vector;
      s.erase = true;
      s.heads = heads;
      s.key = s.value = head;
      s.o = o;
      s.r = r;
      s.log_w = w;
      s.k = k;
      s.v = v;
      s.a = kk;
      s.b = b;
      s.state = state;
      s.memory = memory;
      return s;
    }
    BonusGate gated() const { return {o, o, r, k, v, g, r_k, heads}; }
  };
  virtual void head_mix(const HeadMix& io, const Rows& rows);

  // Steps that follow each other in Mamba-2: from the product in to what the product out reads. short_conv with silu on
  // x_bc = [x, B, C], ssd, the scan, add_scaled of x, gate with z, and the norm where there is one. All of it but the
  // norm needs of the convolution only a head's own values and its group's B and C.
  struct SsdMix {
    Tensor o;                           // out [T, I]
    Tensor z, x_bc, dt;                 // in [T, I], [T, I + 2GN], [T, H]
    const Vector *conv, *conv_bias;     // [J, I + 2GN], [I + 2GN] or empty
    const Vector *a, *dt_bias, *d, *w;  // [H], [H], [I]; w [I] of the norm, null: none
    int64_t heads, groups, states;      // states: N
    int64_t norm_groups;
    float least, most, eps;
    bool norm_before_gate;
    size_t conv_state, state;        // [J-1, I + 2GN] and [H, I/H, N] in the slot
    DType memory = DType::f32;       // what the second is kept as
    const Matrix* reader = nullptr;  // of o
  };
  virtual void ssd_mix(const SsdMix& io, const Rows& rows);

  // Every segment's last row goes to the vector at byte `at` of its slot.
  virtual void keep_last(Tensor x, const Rows& rows, size_t at) = 0;
  // And back: row i is the vector at byte `at` of segment i's slot.
  virtual void take_last(Tensor x, const Rows& rows, size_t at);
  // A token for each row of logits: by its own `picks`, or, where there are none, the best, the first of several. The
  // token is Sampler::pick's or -1, undecided: where a logit is NaN or infinite or all are -inf; where sums lie so
  // close to what they are compared with that their order could matter; where more tokens share a place in the order
  // than there is room for. Waits as download does. False: the backend leaves this to the host. Nothing but that is
  // asked where out is null.
  virtual bool pick(int32_t*, Span<const Pick>, Tensor) { return false; }
  // Host copies of activations; waits for all that was asked before.
  virtual void download(float* out, Tensor x) = 0;
};

// Releases scratch taken since it was made.
class Frame {
 public:
  explicit Frame(Exec& exec) : exec_(exec), mark_(exec.mark()) {}
  ~Frame() { exec_.release(mark_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

 private:
  Exec& exec_;
  Exec::Mark mark_;
};

// What a matrix's inputs are like. mostly_zero: where one is exactly 0, its weights need not be read.
enum class Inputs { any, mostly_zero };

struct BackendOptions {
  int threads = 0;             // 0: the physical cores this process may use
  std::string dtype = "auto";  // "auto", "f32", "bf16"
  std::string state = "f32";   // "f32", "f16": of a state's matrix memories
};

// Rows of one pass, of blocks and of single tokens: more of them read the weights fewer times and take more scratch.
// exact: of one sequence, in a model opened as exact; 1 where several tokens of one are not computed as one is.
struct PassRows {
  int64_t block, step, exact;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const char* name() const = 0;   // "cpu"
  virtual const char* level() const = 0;  // "avx512"; "plain" where there are no levels
  virtual const char* dtype() const = 0;  // "f32" or "bf16": of matrix products over blocks
  virtual int threads() const = 0;
  virtual DType memories() const { return DType::f32; }  // what it keeps a state's matrices [H, V, K] as
  virtual PassRows pass_rows() const { return {512, 64, 64}; }

  // The view's data outlives the matrix. Throws Code::unsupported for a type it has no kernel for.
  virtual std::unique_ptr<Matrix> matrix(const TensorView& view, Inputs inputs) = 0;
  std::unique_ptr<Matrix> matrix(const TensorView& view) { return matrix(view, Inputs::any); }
  virtual Vector vector(const TensorView& view) = 0;
  virtual Vector vector(const float* values, int64_t n) = 0;

  virtual std::shared_ptr<Buffer> allocate(size_t bytes) = 0;
  virtual void copy(std::byte* to, const std::byte* from, size_t bytes) = 0;  // inside the backend's memory
  virtual void clear(std::byte* at, size_t bytes) = 0;
  virtual void upload(std::byte* to, const void* from, size_t bytes) = 0;  // from host memory, and back
  virtual void download(void* to, const std::byte* from, size_t bytes) const = 0;
  // A state tensor to and from its neutral order in host memory.
  virtual void read_state(float* out, const std::byte* slot, const StateSlice& slice) const = 0;
  virtual void write_state(std::byte* slot, const StateSlice& slice, const float* in) const = 0;

  virtual std::unique_ptr<Exec> exec() = 0;

  // Bytes of a device's own memory that this backend has taken, and that nobody has; 0 where it is the host's.
  struct DeviceMemory {
    uint64_t taken = 0, free = 0;
  };
  virtual DeviceMemory device_memory() const { return {}; }
};

}  // namespace recurra
