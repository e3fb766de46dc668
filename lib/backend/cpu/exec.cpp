#include <algorithm>
#include <cstring>

#include "backend/cpu/exec-inl.h"

namespace recurra {
namespace {

const CpuMatrix& of(const Matrix& m) { return static_cast<const CpuMatrix&>(m); }

// Weight rows of a task, whose products are in a buffer: as many as give the kernels several pages to read at once,
// half of them where that left too few tasks for the threads. The pool hands out many at once while there are many,
// since kernels ask for memory ahead and what lies behind the last row is another thread's. A single row's tasks are
// longer where there are a great many, as of a head: 1.01 times as fast.
constexpr int64_t kTogether = 64, kAlone = 256;
// Conversations in a batch, at least, for which a matrix with as many inputs is laid out anew: one prompt of as many
// tokens would not be worth it.
constexpr size_t kLeastBatch = 8;
constexpr int64_t kLeastInputs = 256;
// Panels whose weights in the file are dropped at once: a system call a panel would take longer than making it.
constexpr int64_t kDropped = 64;
// Products that share a round of tasks.
constexpr int64_t kMostProducts = 8;

// Head h of a segment.
ScanHead head_of(const Scan& c, const Segment& seg, int64_t h, float* work) {
  const auto at = [&](Tensor t, int64_t width) { return t.data == nullptr ? nullptr : row(t, seg.first) + h * width; };
  ScanHead head{};
  head.decay = c.decay;
  head.erase = c.erase;
  head.tokens = seg.count;
  head.key = c.key;
  head.value = c.value;
  head.state = reinterpret_cast<float*>(seg.state + c.state) + h * c.key * c.value;
  head.r = at(c.r, c.key);
  head.k = at(c.k, c.key);
  head.v = at(c.v, c.value);
  head.a = at(c.a, c.key);
  head.b = at(c.b, c.key);
  head.log_w = at(c.log_w, c.decay == Decay::vector ? c.key : 1);
  head.o = at(c.o, c.value);
  head.r_stride = c.r.stride;
  head.k_stride = c.k.stride;
  head.v_stride = c.v.stride;
  head.a_stride = c.a.stride;
  head.b_stride = c.b.stride;
  head.w_stride = c.log_w.stride;
  head.o_stride = c.o.stride;
  head.work = work;
  return head;
}

}  // namespace

Threads::~Threads() {
  if (pool_ != nullptr && forks_ == Pool::forks()) delete pool_;  // a child has no threads to join: it leaks the pool
}

Pool* Threads::lease() {
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return nullptr;
  if (pool_ == nullptr || forks_ != Pool::forks()) {
    forks_ = Pool::forks();
    pool_ = new (std::nothrow) Pool(count_);
    if (pool_ == nullptr) return nullptr;
  }
  return pool_->try_lease() ? pool_ : nullptr;
}

void CpuExec::begin() {
  if (s_.threads.count() > 1) pool_ = s_.threads.lease();
  one_thread_.emplace();
}

void CpuExec::end() {
  if (pool_ != nullptr) pool_->end_lease();
  pool_ = nullptr;
  one_thread_.reset();
}

Tensor CpuExec::scratch(int64_t rows, int64_t cols) {
  return {scratch_.take(static_cast<size_t>(rows * cols)), rows, cols, cols};
}

void CpuExec::embed(Tensor y, const Rows& rows, const Matrix& table) {
  const WeightRows& w = of(table).rows;
  const int64_t width = w.row_bytes();
  each_row(y.rows, y.cols, [&](int64_t i) {
    s_.k.to_float(row(y, i), w.type, static_cast<const char*>(w.data) + rows.tokens[i] * width, w.in);
  });
}

void CpuExec::norm(Tensor y, Tensor x, Norm kind, const Vector* w, const Vector* b, float eps, int64_t groups) {
  const int64_t n = x.cols / groups;
  const float *scale = values(w), *bias = values(b);
  each_row(x.rows, 3 * x.cols, [&](int64_t i) {
    for (int64_t g = 0; g < x.cols; g += n)
      s_.k.norm(row(y, i) + g, row(x, i) + g, scale != nullptr ? scale + g : nullptr,
                bias != nullptr ? bias + g : nullptr, eps, kind, n);
  });
}

void CpuExec::linears(Span<const Product> products, const Rows& rows) {
  for (const Product* p = products.begin(); p < products.end(); p += kMostProducts) {
    const auto n = static_cast<size_t>(std::min<int64_t>(kMostProducts, products.end() - p));
    if (!rows.block || p->x.rows != rows.count) {
      linear_rows({p, n}, rows.segments.size() >= kLeastBatch || rows.count >= kBlock);
      continue;
    }
    for (size_t i = 0; i < n; ++i) linear_blocks(p[i].y, p[i].x, of(*p[i].w), p[i].epilogue);
  }
}

// A product in the step path: every row by itself, the weights as the file has them or by input.
struct CpuExec::Part {
  const Product* p;
  const CpuMatrix* w;
  int64_t begin;               // the first of its tasks
  int64_t outputs;             // of a task
  Tensor rounded;              // x for the integer kernels; data null: none
  const ActiveInputs* active;  // of x's rows in groups, with weights by input; else null
  const ActiveFours* fours;    // the same for the integer kernels, kMostInt8Rows rows each
  Tensor ordered;              // x for the batch kernels; data null: not in their panels
};

int64_t CpuExec::outputs_of_task(const CpuMatrix& w, int64_t rows, bool batch_panels) const {
  if (w.by_input()) return layout_of(w.form).outputs;
  const auto tasks_a_thread = [&](int64_t outputs) { return w.out() / (outputs * s_.threads.count()); };
  if (rows == 1 && tasks_a_thread(kAlone) >= 16) return kAlone;
  return tasks_a_thread(kTogether) >= 2 || batch_panels ? kTogether : kTogether / 2;
}

void CpuExec::linear_rows(Span<const Product> products, bool batch) {
  const Frame frame(*this);
  Part parts[kMostProducts];
  int64_t tasks = 0, floats = 0;
  for (size_t i = 0; i < products.size(); ++i) {
    const Product& p = products[i];
    const CpuMatrix& w = of(*p.w);
    const bool batch_panels = batch && takes_batch(p);
    const int64_t outputs = outputs_of_task(w, p.x.rows, batch_panels);
    parts[i] = {&p, &w, tasks, outputs, {}, nullptr, nullptr, {}};
    if (w.form != WeightForm::file) make_panels(w);
    if (w.form == WeightForm::by_input)
      parts[i].active = active(p.x, w.rows.type);
    else if (s_.int8 != nullptr && s_.int8->takes(w.rows.type))
      parts[i].rounded = rounded(parts, i);
    if (batch_panels) {
      make_batch_panels(w);
      parts[i].ordered = ordered(parts, i);
    }
    if (w.form == WeightForm::int8_by_input) parts[i].fours = active_fours(parts[i]);
    tasks += (w.out() + outputs - 1) / outputs;
    floats += w.out() * w.in() * p.x.rows;
  }
  // A quarter: a multiply-add with its load of a weight is more work than a float of an element-wise operation.
  each_piece(tasks, floats / tasks / 4, [&](int64_t task, int) {
    size_t i = products.size() - 1;
    while (task < parts[i].begin) --i;
    const int64_t first = (task - parts[i].begin) * parts[i].outputs;
    if (parts[i].w->by_input())
      product_panel(parts[i], first);
    else if (parts[i].ordered.data != nullptr)
      product_batch(parts[i], first);
    else
      product_rows(parts[i], first);
  });
}

// Takes the place of the file's pages: what has been read leaves memory on the way, and at last what lies on the
// borders.
Panels CpuExec::laid_out(const CpuMatrix& w, const PanelLayout& layout) {
  Panels p;
  p.outputs = layout.outputs;
  p.bytes = layout.bytes(w.rows);
  const int64_t count = (w.out() + p.outputs - 1) / p.outputs;
  p.memory = s_.weights.take(static_cast<size_t>(count * p.bytes));
  each(count, [&](int64_t i, int) {
    layout.make(p.memory->data() + i * p.bytes, w.rows, i * p.outputs, w.out());
    if (i % kDropped == kDropped - 1) w.drop_rows((i + 1 - kDropped) * p.outputs, kDropped * p.outputs);
  });
  w.drop_rows(0, w.out());
  return p;
}

void CpuExec::make_panels(const CpuMatrix& w) {
  std::call_once(w.in_panels, [&] { w.panels = laid_out(w, layout_of(w.form)); });
}

bool CpuExec::takes_batch(const Product& p) const {
  const CpuMatrix& w = of(*p.w);
  const BatchKernels& k = s_.k.batch;
  return k.layout.outputs != 0 && w.form == WeightForm::file && k.takes(w.rows.type) && w.in() >= kLeastInputs &&
         p.x.rows >= static_cast<int64_t>(kLeastBatch);
}

void CpuExec::make_batch_panels(const CpuMatrix& w) {
  std::call_once(w.in_batch_panels, [&] { w.batch_panels = laid_out(w, s_.k.batch.layout); });
}

// What an earlier part than the i-th has made of the same activations; data null: nothing.
template <class Made>
Tensor CpuExec::made_before(const Part* parts, size_t i, const Made& made) {
  const Tensor x = parts[i].p->x;
  for (size_t j = 0; j < i; ++j) {
    const Tensor other = parts[j].p->x, found = made(parts[j]);
    if (found.data != nullptr && other.data == x.data && other.cols == x.cols) return found;
  }
  return {};
}

// The activations of part i as the batch kernels read them.
Tensor CpuExec::ordered(const Part* parts, size_t i) {
  const Tensor found = made_before(parts, i, [](const Part& p) { return p.ordered; });
  if (found.data != nullptr) return found;
  const Tensor x = parts[i].p->x;
  const Tensor to = scratch(x.rows, s_.k.batch.row_floats(x.cols));
  each_row(x.rows, x.cols, [&](int64_t r) { s_.k.batch.order(row(to, r), row(x, r), x.cols); });
  return to;
}

// A task's outputs from `first` on, of all rows, with batch panels.
void CpuExec::product_batch(const Part& part, int64_t first) {
  const BatchKernels& k = s_.k.batch;
  const CpuMatrix& w = *part.w;
  const Tensor y = part.p->y, x = part.ordered;
  const int64_t last = std::min(w.out(), first + part.outputs);
  float product[kBlock * kTogether];
  for (int64_t i = 0; i < x.rows; i += kBlock) {
    const int64_t count = std::min<int64_t>(kBlock, x.rows - i);
    for (int64_t o = first; o < last; o += k.layout.outputs)
      k.dot(w.rows.type, w.batch_panels.at(o), w.in(), row(x, i), x.stride, count, product + o - first, kTogether);
    finish(y, i, count, first, last - first, product, kTogether, part.p->epilogue);
  }
}

const ActiveInputs* CpuExec::active(Tensor x, DType type) {
  const int64_t together = s_.k.panel_rows(type), groups = (x.rows + together - 1) / together;
  const Tensor lists = scratch(groups, sizeof(ActiveInputs) / sizeof(float));
  const Tensor indices = scratch(groups, x.cols + ActiveInputs::kSpare);
  auto* found = reinterpret_cast<ActiveInputs*>(lists.data);
  each_row(groups, together * x.cols, [&](int64_t g) {
    auto* index = reinterpret_cast<int32_t*>(row(indices, g));
    const float* first = row(x, g * together);
    const int64_t rows = std::min(together, x.rows - g * together);
    found[g] = {first, x.stride, index, s_.k.active(index, first, x.stride, rows, x.cols)};
  });
  return found;
}

const ActiveFours* CpuExec::active_fours(const Part& part) {
  constexpr int64_t kRows = kMostInt8Rows;
  const Tensor x = part.p->x;
  const int64_t chunks = (x.rows + kRows - 1) / kRows;
  const auto room = [&](int64_t rows, int64_t bytes) { return scratch(rows, (bytes + 63) / 64 * 16); };
  const Tensor lists = room(chunks, sizeof(ActiveFours));
  const Tensor groups = room(chunks, x.cols / 32 * sizeof(ActiveFours::Group));
  const Tensor lines = scratch(chunks, x.cols + ActiveFours::kSpare), q = scratch(x.rows, x.cols);
  auto* fours = reinterpret_cast<ActiveFours*>(lists.data);
  each_row(chunks, kRows * x.cols / 8, [&](int64_t c) {
    const int64_t first = c * kRows, count = std::min(kRows, x.rows - first);
    const auto at = [&](Tensor t, int64_t i) { return reinterpret_cast<int32_t*>(row(t, i)); };
    fours[c] = {reinterpret_cast<ActiveFours::Group*>(row(groups, c)), 0, at(lines, c), at(q, first), q.stride};
    s_.int8->list(&fours[c], part.w->rows.type, int8_rows(part, first, count).at, static_cast<int>(count), x.cols);
  });
  return fours;
}

// n outputs from `first` on, of `count` rows of y from row i on, out of their products [count, stride].
void CpuExec::finish(Tensor y, int64_t i, int64_t count, int64_t first, int64_t n, const float* product, int64_t stride,
                     const Epilogue& e) {
  const float* bias = values(e.bias);
  if (bias != nullptr) bias += first;
  for (int64_t r = 0; r < count; ++r) s_.k.epilogue(row(y, i + r) + first, product + r * stride, bias, e.act, e.add, n);
}

// The outputs of a panel from `first` on, of all rows.
void CpuExec::product_panel(const Part& part, int64_t first) {
  constexpr int64_t kFloatRows = 24;  // whole groups, whose rows share what a panel takes to read
  const auto& [y, x, matrix, e] = *part.p;
  const DType type = part.w->rows.type;
  const int64_t group = part.fours != nullptr ? kMostInt8Rows : s_.k.panel_rows(type);
  const int64_t rows = part.fours != nullptr ? kMostInt8Rows : kFloatRows / group * group;
  const int64_t outputs = part.outputs, n = std::min(part.w->out() - first, outputs);
  const std::byte* panel = part.w->panels.at(first);
  float product[std::max(kFloatRows * kPanel, kMostInt8Rows * kInt8Inputs)];
  for (int64_t i = 0; i < x.rows; i += rows) {
    const int64_t count = std::min(rows, x.rows - i);
    if (part.fours != nullptr)
      s_.int8->by_input(type, panel, part.fours[i / group], int8_rows(part, i, count).at, static_cast<int>(count),
                        product);
    else
      s_.k.panel(type, panel, part.active + i / group, count, product);
    finish(y, i, count, first, n, product, outputs, e);
  }
}

// Rows i .. i + count - 1 of a part's activations in 8 bits.
CpuExec::Int8Rows CpuExec::int8_rows(const Part& part, int64_t i, int64_t count) {
  Int8Rows rows;
  for (int64_t r = 0; r < count; ++r) rows.at[r] = Int8Row(row(part.rounded, i + r), part.w->in());
  return rows;
}

// The activations of part i in 8 bits.
Tensor CpuExec::rounded(const Part* parts, size_t i) {
  const Tensor x = parts[i].p->x;
  const DType type = parts[i].w->rows.type;
  const Tensor found =
      made_before(parts, i, [&](const Part& p) { return p.w->rows.type == type ? p.rounded : Tensor{}; });
  if (found.data != nullptr) return found;
  const Tensor to = scratch(x.rows, Int8Row::floats(x.cols));
  each_row(x.rows, x.cols, [&](int64_t r) { s_.int8->round(Int8Row(row(to, r), x.cols), row(x, r), x.cols, type); });
  return to;
}

// A task's outputs from `first` on, of all rows.
void CpuExec::product_rows(const Part& part, int64_t first) {
  const auto& [y, x, matrix, e] = *part.p;
  const WeightRows& w = part.w->rows;
  const int64_t last = std::min(part.w->out(), first + part.outputs), n = last - first;
  const int64_t most = part.rounded.data == nullptr ? kBlock : kMostInt8Rows;
  float product[kBlock * kTogether];  // kAlone for a single row, whose distance to the next is of no importance
  static_assert(kAlone <= kBlock * kTogether, "no room for a task of one row");
  for (int64_t i = 0; i < x.rows; i += most) {
    const int64_t count = std::min(most, x.rows - i);
    if (part.rounded.data == nullptr) {
      s_.k.dot(w, first, last, row(x, i), x.stride, count, product, kTogether);
    } else {
      const Int8Rows rows = int8_rows(part, i, count);
      const bool panels = part.w->form == WeightForm::int8_panels;
      const int64_t stride = panels ? part.w->panels.bytes : w.row_bytes();
      const void* weights = panels ? static_cast<const void*>(part.w->panels.at(first))
                                   : static_cast<const char*>(w.data) + first * stride;
      s_.int8->dot(w.type, weights, n, w.in, stride, rows.at, static_cast<int>(count), product, kTogether);
    }
    finish(y, i, count, first, n, product, kTogether, e);
  }
}

ProductRunner& CpuExec::runner(int thread) {
  std::unique_ptr<ProductRunner>& r = runners_[static_cast<size_t>(thread)];
  if (!r) r = std::make_unique<ProductRunner>(s_.dnn.engine());
  return *r;
}

void CpuExec::pack(const CpuMatrix& w) {
  std::call_once(w.packed, [&] {
    const int64_t count = (w.out() + kSlice - 1) / kSlice;
    const bool read_in_place = w.form == WeightForm::file;  // by single rows
    std::vector<PackedSlice> slices(static_cast<size_t>(count));
    each(count, [&](int64_t i, int) {
      const int64_t first = i * kSlice, columns = std::min(kSlice, w.out() - first);
      std::vector<float> buffer(static_cast<size_t>(columns * w.in()));
      slices[static_cast<size_t>(i)] = pack_slice(s_.dnn, s_.weights, s_.k, w.rows, first, columns, buffer.data());
      if (!read_in_place) w.drop_rows(first, columns);
    });
    w.slices = std::move(slices);
    if (!read_in_place) w.drop_rows(0, w.out());
  });
}

// Blocks of kBlock rows through oneDNN.
void CpuExec::linear_blocks(Tensor y, Tensor x, const CpuMatrix& w, const Epilogue& e) {
  pack(w);
  const Frame frame(*this);
  const bool bf16 = s_.dnn.bf16();
  const char* in = reinterpret_cast<const char*>(x.data);
  size_t row_bytes = static_cast<size_t>(x.stride) * sizeof(float);
  if (bf16 || x.stride != x.cols) {
    const Tensor copied = scratch(x.rows, x.cols);
    row_bytes = static_cast<size_t>(x.cols) * (bf16 ? sizeof(uint16_t) : sizeof(float));
    char* to = reinterpret_cast<char*>(copied.data);
    each_row(x.rows, x.cols, [&](int64_t i) {
      char* out = to + static_cast<size_t>(i) * row_bytes;
      if (bf16)
        s_.k.to_bf16(reinterpret_cast<uint16_t*>(out), row(x, i), x.cols);
      else
        std::memcpy(out, row(x, i), row_bytes);
    });
    in = to;
  }
  const int64_t blocks = x.rows / kBlock, count = static_cast<int64_t>(w.slices.size());
  // A task keeps a slice in the cache for as many blocks as leaves enough tasks for all threads.
  const int64_t wanted = 4 * s_.threads.count();
  const int64_t parts = std::min(blocks, std::max<int64_t>(1, (wanted + count - 1) / count));
  each(count * parts, [&](int64_t task, int thread) {
    const PackedSlice& slice = w.slices[static_cast<size_t>(task / parts)];
    const int64_t part = task % parts, end = blocks * (part + 1) / parts;
    alignas(64) float product[kBlock * kSlice];
    for (int64_t b = blocks * part / parts; b < end; ++b) {
      runner(thread).run(slice, in + static_cast<size_t>(b * kBlock) * row_bytes, product);
      finish(y, b * kBlock, kBlock, slice.first, slice.columns, product, slice.columns, e);
    }
  });
}

void CpuExec::copy(Tensor y, Tensor x) {
  each_row(x.rows, x.cols, [&](int64_t i) { std::copy_n(row(x, i), x.cols, row(y, i)); });
}

void CpuExec::shift_lerp(Span<const Tensor> y, Tensor x, const Vector& mu, const Rows& rows, size_t shift) {
  each_row(x.rows, static_cast<int64_t>(y.size() + 1) * x.cols, [&](int64_t i) {
    const Segment* s = &segment_of(rows, i);
    const float* before = i == s->first ? reinterpret_cast<const float*>(s->state + shift) : row(x, i - 1);
    for (size_t j = 0; j < y.size(); ++j)
      s_.k.lerp(row(y[j], i), row(x, i), before, mu.data() + static_cast<int64_t>(j) * x.cols, x.cols);
  });
  keep_last(x, rows, shift);
}

void CpuExec::scan(const Scan& c, const Rows& rows) {
  const Frame frame(*this);
  // Chosen by kind, shape and level alone: the bits of a block must not depend on its company or on the threads.
  const bool faster =
      s_.scan_form == ScanForm::chunk ||
      (s_.scan_form == ScanForm::fastest && chunk_is_faster(s_.level.level, c.decay, c.erase, c.key, c.value));
  const bool chunk = rows.block && faster;
  const Tensor work = scratch(s_.threads.count(), chunk ? scan_chunk_work(c.key) : c.key);
  const int64_t heads = c.heads;
  const int64_t tokens = rows.count / static_cast<int64_t>(rows.segments.size());
  each_piece(static_cast<int64_t>(rows.segments.size()) * heads, tokens * c.key * c.value,
             [&](int64_t task, int thread) {
               const Segment& seg = rows.segments[static_cast<size_t>(task / heads)];
               (chunk ? s_.k.scan_chunk : s_.k.scan)(head_of(c, seg, task % heads, row(work, thread)));
             });
}

void CpuExec::value_residual(Tensor v, Tensor v_first, Tensor gate) {
  each_row(v.rows, 4 * v.cols,
           [&](int64_t i) { s_.k.value_residual(row(v, i), row(v_first, i), row(gate, i), v.cols); });
}

// Values first .. first + n - 1 of row i, which are one head's.
void CpuExec::delta_inputs_of(const DeltaInputs& io, int64_t i, int64_t first, int64_t n) {
  s_.k.delta_inputs(row(io.w, i) + first, row(io.a, i) + first, row(io.k, i) + first, row(io.kk, i) + first,
                    row(io.b, i) + first, io.k_k->data() + first, io.k_a->data() + first, io.eps, n);
}

void CpuExec::bonus_gate_of(const BonusGate& io, int64_t i, int64_t first, int64_t n) {
  s_.k.bonus_gate(row(io.y, i) + first, row(io.o, i) + first, row(io.r, i) + first, row(io.k, i) + first,
                  row(io.v, i) + first, row(io.g, i) + first, io.r_k->data() + first, n);
}

void CpuExec::delta_inputs(const DeltaInputs& io) {
  const int64_t n = io.k.cols / io.heads;
  each_row(io.k.rows, 8 * io.k.cols, [&](int64_t i) {
    for (int64_t first = 0; first < io.k.cols; first += n) delta_inputs_of(io, i, first, n);
  });
}

void CpuExec::bonus_gate(const BonusGate& io) {
  const int64_t n = io.o.cols / io.heads;
  each_row(io.o.rows, 4 * io.o.cols, [&](int64_t i) {
    for (int64_t first = 0; first < io.o.cols; first += n) bonus_gate_of(io, i, first, n);
  });
}

// Rows of a segment each: a head is one task from its products to what the last matrix reads, with the bits of the
// steps by themselves.
void CpuExec::head_mix(const HeadMix& io, const Rows& rows) {
  if (static_cast<int32_t>(rows.segments.size()) != rows.count) return Exec::head_mix(io, rows);
  const Frame frame(*this);
  const int64_t n = io.head, bytes = n * n * static_cast<int64_t>(sizeof(float));
  const Tensor work = scratch(s_.threads.count(), n);
  const Scan scan = io.scan();
  const DeltaInputs inputs = io.inputs();
  const BonusGate gated = io.gated();
  const float *scale = values(io.ln_w), *bias = values(io.ln_b);
  each_piece(rows.count * io.heads, n * (n + 16), [&](int64_t task, int thread) {
    const int64_t i = task / io.heads, first = task % io.heads * n;
    const Segment& seg = rows.segments[static_cast<size_t>(i)];
    // The state has not been seen for a whole token: it is on its way while its inputs are made.
    const std::byte* state = seg.state + io.state + task % io.heads * bytes;
    for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(state + at, 1, 2);
    if (io.v_first.data != nullptr)
      s_.k.value_residual(row(io.v, i) + first, row(io.v_first, i) + first, row(io.b, i) + first, n);
    delta_inputs_of(inputs, i, first, n);
    s_.k.scan(head_of(scan, seg, task % io.heads, row(work, thread)));
    float* o = row(io.o, i) + first;
    s_.k.norm(o, o, scale != nullptr ? scale + first : nullptr, bias != nullptr ? bias + first : nullptr, io.group_eps,
              Norm::group, n);
    bonus_gate_of(gated, i, first, n);
  });
}

void CpuExec::keep_last(Tensor x, const Rows& rows, size_t at) {
  for (const Segment& s : rows.segments)
    std::copy_n(row(x, s.first + s.count - 1), x.cols, reinterpret_cast<float*>(s.state + at));
}

void CpuExec::download(float* out, Tensor x) {
  for (int64_t i = 0; i < x.rows; ++i) std::copy_n(row(x, i), x.cols, out + i * x.cols);
}

}  // namespace recurra
