// Inside the CPU backend: its matrices, what its callers share, and the operations.
#pragma once

#include <algorithm>
#include <mutex>
#include <optional>

#include "backend/cpu/int8.h"
#include "backend/cpu/int8_panels.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/onednn.h"
#include "backend/cpu/panels.h"
#include "backend/cpu/pool.h"
#include "backend/host_memory.h"
#include "core/mapped_file.h"

namespace recurra {

// How the products of single rows read a matrix: where the file has it; by input (panels.h), which is for inputs that
// are mostly 0; in panels of integers (int8_panels.h); or in both ways. All but the first are made when a first row
// comes by.
enum class WeightForm { file, by_input, int8_panels, int8_by_input };

inline WeightForm form_of(DType type, Inputs inputs, const Int8Kernels* int8) {
  if (inputs == Inputs::mostly_zero) {
    if (int8 != nullptr && int8->by_input != nullptr && has_int8_inputs(type)) return WeightForm::int8_by_input;
    if (has_panels(type)) return WeightForm::by_input;
  }
  return int8 != nullptr && int8->panels && int8->takes(type) ? WeightForm::int8_panels : WeightForm::file;
}

inline PanelLayout layout_of(WeightForm form) {
  switch (form) {
    case WeightForm::by_input:
      return {kPanel, panel_bytes, make_panel};
    case WeightForm::int8_panels:
      return {kInt8Panel, int8_panel_bytes, make_int8_panel};
    case WeightForm::int8_by_input:
      return {kInt8Inputs, int8_inputs_bytes, make_int8_inputs};
    default:
      return {};
  }
}

// All outputs of a matrix in panels.
struct Panels {
  std::shared_ptr<Buffer> memory;
  int64_t outputs = 0, bytes = 0;  // of one
  const std::byte* at(int64_t first) const { return memory->data() + first / outputs * bytes; }
};

// A weight matrix; once a block of rows came by, packed for oneDNN as well.
class CpuMatrix final : public Matrix {
 public:
  CpuMatrix(const TensorView& view, Inputs inputs, const Int8Kernels* int8)
      : Matrix(view.shape.dim[0], view.shape.dim[1]),
        rows{view.type, view.data, view.shape.dim[1]},
        form(form_of(view.type, inputs, int8)),
        mapped(view.mapped) {}

  // The file's own weights of these outputs leave memory: what was made of them will be used.
  void drop_rows(int64_t first, int64_t count) const {
    if (!mapped) return;
    const int64_t bytes = rows.row_bytes();
    drop_pages(static_cast<const char*>(rows.data) + first * bytes,
               static_cast<uint64_t>(std::min(count, out() - first) * bytes));
  }

  bool by_input() const { return form == WeightForm::by_input || form == WeightForm::int8_by_input; }

  WeightRows rows;
  WeightForm form;
  bool mapped;
  mutable std::once_flag packed, in_panels, in_batch_panels;
  mutable std::vector<PackedSlice> slices;  // after `packed`
  mutable Panels panels;                    // after `in_panels`, as layout_of(form) says
  mutable Panels batch_panels;              // after `in_batch_panels`: for BatchKernels
};

// The pool and who may use it: made anew in a child process.
class Threads {
 public:
  explicit Threads(int count) : count_(count) {}
  ~Threads();
  Pool* lease();  // null: busy, compute alone
  int count() const { return count_; }

 private:
  const int count_;
  std::mutex mutex_;
  Pool* pool_ = nullptr;
  uint32_t forks_ = 0;
};

struct CpuShared {
  const Kernels& k;
  CpuLevel level;
  ScanForm scan_form;
  const Int8Kernels* int8;  // null: products with quantised weights stay in floats
  OneDnn dnn;
  Threads threads;
  WeightMemory weights{};
};

class CpuExec final : public Exec {
 public:
  explicit CpuExec(CpuShared& shared) : s_(shared), runners_(static_cast<size_t>(shared.threads.count())) {}

  void begin() override;
  void end() override;
  Tensor scratch(int64_t rows, int64_t cols) override;
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
  void ssd_mix(const SsdMix& io, const Rows& rows) override;
  void scale(Tensor y, Tensor x, float factor) override;
  void repeat_heads(Tensor y, Tensor x, int64_t heads, int64_t kv_heads) override;
  void split_heads(Tensor a, Tensor b, Tensor x, int64_t heads) override;
  void append_ones(Tensor y, Tensor v, int64_t heads) override;
  void divide_by_last(Tensor o, Tensor y, int64_t heads, float eps) override;
  void value_residual(Tensor v, Tensor v_first, Tensor gate) override;
  void delta_inputs(const DeltaInputs& io) override;
  void bonus_gate(const BonusGate& io) override;
  void head_mix(const HeadMix& io, const Rows& rows) override;
  void keep_last(Tensor x, const Rows& rows, size_t at) override;
  void download(float* out, Tensor x) override;

 private:
  // task(i, thread) for i < count on all threads; what a task throws is thrown here, once.
  template <class F>
  void each(int64_t count, const F& task);
  template <class F>
  void each_piece(int64_t count, int64_t cost, const F& piece);
  template <class F>
  void each_row(int64_t rows, int64_t cost, const F& task);
  struct Part;
  int64_t outputs_of_task(const CpuMatrix& w, int64_t rows, bool batch_panels) const;
  void linear_rows(Span<const Product> products, bool batch);
  void product_rows(const Part& part, int64_t first);
  void product_panel(const Part& part, int64_t first);
  void finish(Tensor y, int64_t i, int64_t count, int64_t first, int64_t n, const float* product, int64_t stride,
              const Epilogue& e);
  template <class Made>
  static Tensor made_before(const Part* parts, size_t i, const Made& made);
  Tensor rounded(const Part* parts, size_t i);
  const ActiveInputs* active(Tensor x, DType type);
  const ActiveFours* active_fours(const Part& part);
  struct Int8Rows {
    Int8Row at[kMostInt8Rows];
  };
  static Int8Rows int8_rows(const Part& part, int64_t i, int64_t count);
  Panels laid_out(const CpuMatrix& w, const PanelLayout& layout);
  void make_panels(const CpuMatrix& w);
  bool takes_batch(const Product& p) const;
  void make_batch_panels(const CpuMatrix& w);
  Tensor ordered(const Part* parts, size_t i);
  void product_batch(const Part& part, int64_t first);
  void delta_inputs_of(const DeltaInputs& io, int64_t i, int64_t first, int64_t n);
  void bonus_gate_of(const BonusGate& io, int64_t i, int64_t first, int64_t n);
  void linear_blocks(Tensor y, Tensor x, const CpuMatrix& w, const Epilogue& e);
  void pack(const CpuMatrix& w);
  ProductRunner& runner(int thread);

  CpuShared& s_;
  Scratch scratch_;
  Pool* pool_ = nullptr;  // while leased
  std::vector<std::unique_ptr<ProductRunner>> runners_;
  std::optional<OneThread> one_thread_;
};

}  // namespace recurra
