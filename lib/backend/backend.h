// What a backend offers: memory, weights prepared for it, and coarse operations on rows of activations.
// Mixers are written on this file alone; reference/, cpu/ and later cuda/ implement it; registry.cpp names them.
//
// Letters: B sequences, T tokens of a call (the rows, all sequences' end to end), D model width, H heads, K key width of a
// head, V value width of a head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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

// One tensor of a state, float32, at `offset` bytes of its slot. Its shape is the backend-neutral one of the state file:
// [D] for a shift, [H, V, K] for a matrix memory. Backends may keep matrices transposed inside a slot.
struct StateSlice {
  std::string name;
  Shape shape;
  size_t offset = 0;
};

// The rows of one call. Rows first .. first+count-1 are the next tokens of one sequence, whose slot is `state`.
struct Segment {
  int32_t first = 0, count = 0;
  std::byte* state = nullptr;
};
struct Rows {
  int32_t count = 0;
  Span<const Segment> segments;
  const int32_t* tokens = nullptr;  // [count], host memory
  // Every segment is whole blocks of kBlock tokens that start at a multiple of kBlock of the state's position: matrix
  // products may then work block by block. Otherwise each row is computed as if it were alone.
  bool block = false;
};
constexpr int32_t kBlock = 64;

enum class Act { none, relu2, sigmoid, tanh, silu };  // relu2: max(x, 0)^2

// y = act(W x + bias), or y += act(W x + bias).
struct Epilogue {
  Act act = Act::none;
  const Vector* bias = nullptr;
  bool add = false;
};

// y = B act(A x) + bias: a matrix product of low rank.
struct LowRank {
  std::unique_ptr<Matrix> a, b;
  Act act = Act::none;
  Vector bias;  // [out], or empty
};

enum class Norm { layer, rms, group };  // group: layer norm of each of `groups` parts of a row

enum class Decay { none, scalar, vector };

// The recurrence of every constant-memory mixer, per head:
//     S_t = S_{t-1} (diag(w_t) - a_t b_t^T) + v_t k_t^T        o_t = S_t r_t         S in R^{V x K}
struct Scan {
  Decay decay = Decay::none;
  bool erase = false;
  int64_t heads = 0, key = 0, value = 0;
  Tensor o, v;     // [T, H*V]
  Tensor r, k;     // [T, H*K]
  Tensor a, b;     // [T, H*K], with erase
  Tensor log_w;    // ln w: [T, H*K] (vector), [T, H] (scalar); at most 0
  size_t state = 0;  // offset of S [H, V, K] in the slot
};

// Runs one call's operations, in order, with scratch memory of its own. Not for two threads at once; a backend makes
// as many as there are callers. Operands do not overlap unless they are the same tensor where `in place` is said.
class Exec {
 public:
  virtual ~Exec() = default;

  // Around the operations of one call: takes and gives back what is shared, such as threads.
  virtual void begin() {}
  virtual void end() {}

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
  virtual void linear(Tensor y, Tensor x, const Matrix& w, const Rows& rows, const Epilogue& epilogue) = 0;
  virtual void low_rank(Tensor y, Tensor x, const LowRank& w, const Rows& rows) = 0;
  virtual void copy(Tensor y, Tensor x) = 0;

  // Token shift: y_j = x + (x_prev - x) * mu[j*D ..], where x_prev is the sequence's row before, from the slot's vector [D]
  // at `shift` for a segment's first row; the segment's last row goes there.
  virtual void shift_lerp(Span<const Tensor> y, Tensor x, const Vector& mu, const Rows& rows, size_t shift) = 0;

  virtual void scan(const Scan& scan, const Rows& rows) = 0;

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

  // Every segment's last row goes to the vector at byte `at` of its slot.
  virtual void keep_last(Tensor x, const Rows& rows, size_t at) = 0;
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

struct BackendOptions {
  int threads = 0;             // 0: the physical cores this process may use
  std::string dtype = "auto";  // "auto", "f32", "bf16"
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const char* name() const = 0;   // "cpu"
  virtual const char* level() const = 0;  // "avx512"; "plain" where there are no levels
  virtual const char* dtype() const = 0;  // "f32" or "bf16": of matrix products over blocks
  virtual int threads() const = 0;

  // The view's data outlives the matrix. Throws Code::unsupported for a type it has no kernel for.
  virtual std::unique_ptr<Matrix> matrix(const TensorView& view) = 0;
  virtual Vector vector(const TensorView& view) = 0;
  virtual Vector vector(const float* values, int64_t n) = 0;

  virtual std::shared_ptr<Buffer> allocate(size_t bytes) = 0;
  virtual void copy(std::byte* to, const std::byte* from, size_t bytes) = 0;  // inside the backend's memory
  virtual void clear(std::byte* at, size_t bytes) = 0;
  // A state tensor to and from its neutral order in host memory.
  virtual void read_state(float* out, const std::byte* slot, const StateSlice& slice) const = 0;
  virtual void write_state(std::byte* slot, const StateSlice& slice, const float* in) const = 0;

  virtual std::unique_ptr<Exec> exec() = 0;
};

}  // namespace recurra
