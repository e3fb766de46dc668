// The CPU kernels, plain functions over pointers, one table per level. Each computes a row, or an output, in an
// order of operations that depends on the level and the shape alone: not on how many rows or threads there are.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "backend/cpu/level.h"

namespace recurra {

// Weights [out, in] in the file's type; rows are contiguous.
struct WeightRows {
  DType type;
  const void* data;
  int64_t in;
  int64_t row_bytes() const { return in / info(type).block * info(type).block_bytes; }
};

// How weights are laid out anew in panels: outputs of a panel (0: they are not), its bytes, and how it is filled with
// outputs first .. first + outputs - 1 of `out`. Panels are zero before, and 64-byte aligned.
struct PanelLayout {
  int64_t outputs;
  int64_t (*bytes)(const WeightRows& w);
  void (*make)(void* panel, const WeightRows& w, int64_t first, int64_t out);
};

// One head of one sequence over `tokens` tokens (see Scan in backend.h). Pointers are to the head's part of the first
// token; strides in floats from token to token. state is [K, V] here: values in the vector lanes, so no sum crosses
// lanes.
struct ScanHead {
  Decay decay;
  bool erase;
  int64_t tokens, key, value;
  float* state;
  const float *r, *k, *v, *a, *b, *log_w;
  float* o;
  int64_t r_stride, k_stride, v_stride, a_stride, b_stride, w_stride, o_stride;
  float* work;  // [K]; scan_chunk_work(K) floats for scan_chunk
};

// Channels first .. first+count-1 of Mamba-1's scan over a sequence's tokens; pointers to the first token, strides in
// floats. A is [N, I] here and the state [N, I]: channels in the vector lanes.
struct SelectiveHead {
  int64_t tokens, first, count, channels, states;
  float* state;
  const float *a, *d, *u, *dt, *b, *c;
  float* y;
  int64_t u_stride, dt_stride, b_stride, c_stride, y_stride;
};

// One head of softmax attention for `rows` tokens, kAttentionRows at most, that follow each other from `position` on:
// their queries against the keys of all tokens up to each of them, or of the last `window` where that is not 0.
constexpr int64_t kAttentionRows = 16;
struct AttentionHead {
  int64_t rows, width, window;
  uint64_t position;
  const float* q;  // of the first row; strides in floats from row to row
  float* o;
  int64_t q_stride, o_stride;
  const KvCache* cache;
  int64_t layer, key;  // of the cache, and where this head's keys and values begin in its rows
  int64_t kv_stride;
  float* work;  // kAttentionWork floats
};
constexpr int64_t kAttentionWork = kAttentionRows * (KvCache::kPage + 2);

// The inputs that are not 0 in some row of a group: index[i] for i < count, ascending, then the last one kSpare times.
// Row r has its values from values + r * stride on.
struct ActiveInputs {
  static constexpr int64_t kSpare = 48;
  const float* values;
  int64_t stride;
  const int32_t* index;
  int64_t count;
};

// Products of many rows with weights in floats laid out anew in panels of outputs (batch_kernels.cpp): the bits of
// Kernels::dot.
struct BatchKernels {
  PanelLayout layout;  // in the file's type; outputs 0: no such kernels
  bool (*takes)(DType type);
  int64_t (*row_floats)(int64_t in);
  void (*order)(float* to, const float* x, int64_t in);  // a row of activations, as dot reads it
  // y [rows, outputs], ldy floats from row to row, of rows that `order` made.
  void (*dot)(DType type, const void* panel, int64_t in, const float* x, int64_t ldx, int64_t rows, float* y,
              int64_t ldy);
};

struct Kernels {
  // y[i][n - n0] = W[n] . x[i] for i < rows, n0 <= n < n1. x, y: row strides in floats.
  void (*dot)(const WeightRows& w, int64_t n0, int64_t n1, const float* x, int64_t ldx, int64_t rows, float* y,
              int64_t ldy);
  BatchKernels batch;
  // y[i][o] of `rows` rows and the kPanel outputs of a panel (panels.h); y [rows, kPanel]. The rows are in groups of
  // panel_rows(type), the last one of what is left.
  void (*panel)(DType type, const void* w, const ActiveInputs* x, int64_t rows, float* y);
  int64_t (*panel_rows)(DType type);
  // Where one of `rows` rows is not 0, ascending, and how many places there are; index has room for n + kSpare.
  int64_t (*active)(int32_t* index, const float* x, int64_t stride, int64_t rows, int64_t n);
  // out = act(in + bias), or out += that; bias may be null.
  void (*epilogue)(float* out, const float* in, const float* bias, Act act, bool add, int64_t n);
  void (*to_float)(float* out, DType type, const void* in, int64_t n);
  void (*to_bf16)(uint16_t* out, const float* in, int64_t n);
  // One part of n values (see Norm in backend.h); w, b may be null.
  void (*norm)(float* out, const float* in, const float* w, const float* b, float eps, Norm kind, int64_t n);
  void (*activate)(float* y, const float* x, Act act, int64_t n);
  void (*gate)(float* y, const float* x, const float* g, Act act, int64_t n);
  void (*add_scaled)(float* y, const float* x, const float* d, int64_t n);
  // y = act(bias + sum_j w[j*stride ..] * x[j]), j < taps: n of w's channels, x the rows from the oldest on.
  void (*short_conv)(float* y, const float* const* x, const float* w, int64_t stride, const float* bias, Act act,
                     int64_t taps, int64_t n);
  // `n` channels of Mamba-1 over tokens: see SelectiveHead.
  void (*selective_scan)(const struct SelectiveHead& head);
  void (*lerp)(float* out, const float* now, const float* before, const float* mu, int64_t n);
  void (*value_residual)(float* v, const float* v_first, const float* gate, int64_t n);
  // One head of n values; names as in Exec::delta_inputs.
  void (*delta_inputs)(float* w, float* a, float* k, float* kk, float* b, const float* k_k, const float* k_a, float eps,
                       int64_t n);
  void (*bonus_gate)(float* y, const float* o, const float* r, const float* k, const float* v, const float* g,
                     const float* r_k, int64_t n);
  // The recurrence token by token, and in chunks: `tokens` is then a multiple of kBlock.
  void (*scan)(const ScanHead& head);
  void (*scan_chunk)(const ScanHead& head);
  void (*attention)(const AttentionHead& head);
};

const Kernels& kernels(Level level, Reading reading);

// Floats of scratch that scan_chunk needs for a head of `key` keys.
int64_t scan_chunk_work(int64_t key);
// Whether scan_chunk beats scan over whole blocks, as measured (chunk_kernels.cpp has the figures).
bool chunk_is_faster(Level level, Decay decay, bool erase, int64_t key, int64_t value);

// The parts of the table, one source file each.
void fill_linear_kernels(Level level, Reading reading, Kernels& k);
void fill_batch_kernels(Level level, Kernels& k);
void fill_panel_kernels(Level level, Kernels& k);
void fill_row_kernels(Level level, Kernels& k);
void fill_scan_kernels(Level level, Kernels& k);
void fill_chunk_kernels(Level level, Kernels& k);
void fill_attention_kernels(Level level, Kernels& k);

}  // namespace recurra
