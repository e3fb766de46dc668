// The boundary between librecurra.so and librecurra_cuda.so: plain structs, and one C function that returns a table of
// functions. No C++ type and no exception crosses it. Whoever changes anything here raises kPluginVersion: the two
// files of an installation belong together, and a mismatch is an error at load.
//
// Functions return 0, or a negative code of core/error.h with a line of text in `error`. All work of a device is done
// in the order of the calls, on one stream; a call waits for it only where it says so. Every thread may call; one
// `gpu_exec` is used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct gpu_error {
  char text[512];
};

// float32 in device memory; `stride` floats from row to row.
struct gpu_tensor {
  float* data;
  int64_t rows, cols, stride;
};

// As Segment in backend.h; `pages` [n_pages] of its cache, or null.
struct gpu_segment {
  int32_t first, count;
  uint64_t state;
  uint64_t position;
  float* const* pages;
  int64_t n_pages, page_stride;
};

struct gpu_rows {
  int32_t count, segments;
  const gpu_segment* segment;
  const int32_t* tokens;  // [count] in host memory, or null
  int32_t block;
};

typedef struct gpu_device gpu_device;
typedef struct gpu_exec gpu_exec;
typedef struct gpu_matrix gpu_matrix;

struct gpu_options {
  int32_t bf16;  // products over blocks of rows with operands rounded to bf16
};

struct gpu_info {
  char name[256];  // "NVIDIA H100 80GB HBM3"
  char level[32];  // "sm_90"
  uint64_t memory;
  char without[256];  // what it does without and why, or empty: products of blocks are slow without cuBLASLt
};

// act, kind, decay, type: the enums of backend.h and core/dtype.h as numbers. half: S is kept in float16, else float32.
struct gpu_embed {
  gpu_tensor y;
  const gpu_matrix* table;
};
struct gpu_norm {
  gpu_tensor y, x;
  const float *w, *b;  // or null
  int64_t groups;
  float eps;
  int32_t kind;
  const gpu_matrix* reader;  // of y, which is not x then; or null
};
struct gpu_product {
  gpu_tensor y, x;
  const gpu_matrix* w;
  const float* bias;  // or null
  int32_t act, add;
  const gpu_matrix* reader;  // of y, as backend.h says, or null
};
struct gpu_linears {
  const gpu_product* products;
  int32_t count;
  int32_t block;  // of the rows
};
// Element by element: y from x and, by kind, g, z, d and the numbers.
enum gpu_element_kind {
  gpu_copy,
  gpu_activate,
  gpu_gate,
  gpu_add_scaled,
  gpu_scale,
  gpu_repeat_heads,
  gpu_split_heads,
  gpu_append_ones,
  gpu_divide_by_last,
  gpu_value_residual
};
struct gpu_elements {
  int32_t kind, act;
  gpu_tensor y, x, g;
  const float* d;
  int64_t heads, kv_heads;
  float factor;
};
struct gpu_shift_lerp {
  gpu_tensor y[8];
  int32_t count;
  gpu_tensor x;
  const float* mu;
  uint64_t shift;
};
struct gpu_scan {
  int32_t decay, erase;
  int64_t heads, key, value;
  gpu_tensor o, v, r, k, a, b, log_w;
  uint64_t state;
  int32_t half;
};
struct gpu_selective_scan {
  gpu_tensor y, u, dt, b, c;
  const float *a, *d;
  uint64_t state;
};
struct gpu_short_conv {
  gpu_tensor y, x;
  const float *w, *bias;
  int64_t taps;
  int32_t act;
  uint64_t state;
};
struct gpu_rotary {
  gpu_tensor x;
  int64_t heads, rotated;
  float base;
  int32_t interleaved;
  const float* factors;
};
struct gpu_attention {
  gpu_tensor o, q, k, v;
  int64_t heads, kv_heads, layer, window;
};
struct gpu_delta_rule {
  gpu_tensor q, k, g, beta, r, a, b, v, log_w;
  const float *rate, *bias;
  int64_t heads, key_heads;
  float scale, beta_scale;
  int32_t tiled;
};
struct gpu_ssd {
  gpu_tensor x, dt, b, c, v, log_w, k, r;
  const float *a, *bias;
  int64_t heads, groups;
  float least, most;
};
struct gpu_delta_inputs {
  gpu_tensor w, a, k, kk, b;
  const float *k_k, *k_a;
  int64_t heads;
  float eps;
};
struct gpu_bonus_gate {
  gpu_tensor y, o, r, k, v, g;
  const float* r_k;
  int64_t heads;
};
struct gpu_norm_lerp {
  gpu_tensor y[8];
  const gpu_matrix* reader[8];  // of the y, or null
  int32_t count, kind;
  gpu_tensor x;
  const float *w, *b, *mu;
  float eps;
  uint64_t shift;
};
// Heads of 64. Rows of a segment each, or operands rounded to bf16.
struct gpu_head_mix {
  gpu_tensor o, r, w, k, v, a, b, g, v_first;
  const float *k_k, *k_a, *ln_w, *ln_b, *r_k;
  int64_t heads;
  float key_eps, group_eps;
  uint64_t state;
  const gpu_matrix* reader;  // of o, or null
  int32_t half;
};
// Heads of 64 values; 64 or 128 states, or 16 in rows of a segment each; up to 4 taps; at most 128 norm_groups, of
// whole heads. Rows of a segment each, or operands rounded to bf16. work: T (I + 2 H) floats for rows of a segment
// each.
struct gpu_ssd_mix {
  gpu_tensor o, z, x_bc, dt, work;
  const float *conv, *conv_bias, *a, *dt_bias, *d, *w;  // conv_bias, w: or null
  int64_t heads, groups, states, taps, norm_groups;
  float least, most, eps;
  uint64_t conv_state, state;
  const gpu_matrix* reader;  // of o, or null
  int32_t half;
};
struct gpu_keep_last {
  gpu_tensor x;
  uint64_t at;
};
typedef struct gpu_keep_last gpu_take_last;

// As Pick in core/sampling.h.
struct gpu_pick {
  double uniform;
  float temperature, top_p, min_p, repeat_penalty;
  int32_t top_k, n_recent;
  const int32_t* recent;  // [n_recent] in host memory
};

// Operations of an exec: OP(name) has the arguments gpu_name. ROWS says that they read the rows of the call.
#define RECURRA_GPU_OPS(ROWS, PLAIN)                                                                        \
  ROWS(embed)                                                                                               \
  ROWS(shift_lerp)                                                                                          \
  ROWS(scan)                                                                                                \
  ROWS(selective_scan)                                                                                      \
  ROWS(short_conv)                                                                                          \
  ROWS(rotary) ROWS(attention) ROWS(norm_lerp) ROWS(head_mix) ROWS(ssd_mix) ROWS(keep_last) ROWS(take_last) \
      PLAIN(norm) PLAIN(linears) PLAIN(elements) PLAIN(delta_rule) PLAIN(ssd) PLAIN(delta_inputs) PLAIN(bonus_gate)

struct gpu_plugin {
  int32_t version;  // first, in every version
  int32_t (*open)(gpu_device** out, const gpu_options* options, gpu_info* info, gpu_error* error);
  void (*close)(gpu_device* device);

  // Device memory, zeroed; given back in the order of the stream.
  int32_t (*allocate)(gpu_device* device, void** out, uint64_t bytes, gpu_error* error);
  void (*release)(gpu_device* device, void* data);
  int32_t (*copy)(gpu_device* device, void* to, const void* from, uint64_t bytes, gpu_error* error);
  int32_t (*clear)(gpu_device* device, void* at, uint64_t bytes, gpu_error* error);
  // Bytes that allocations of this device have, and that no process has.
  int32_t (*memory)(gpu_device* device, uint64_t* taken, uint64_t* free, gpu_error* error);
  // To and from host memory; these wait.
  int32_t (*upload)(gpu_device* device, void* to, const void* from, uint64_t bytes, gpu_error* error);
  int32_t (*download)(gpu_device* device, void* to, const void* from, uint64_t bytes, gpu_error* error);

  // Weights [out, in] of a file's type, copied from host memory.
  int32_t (*matrix)(gpu_device* device, gpu_matrix** out, int32_t type, int64_t rows, int64_t cols, const void* data,
                    int32_t mostly_zero, gpu_error* error);
  void (*free_matrix)(gpu_matrix* matrix);

  int32_t (*exec)(gpu_device* device, gpu_exec** out, gpu_error* error);
  void (*free_exec)(gpu_exec* exec);
  // A tensor to host memory without gaps; waits.
  int32_t (*read)(gpu_exec* exec, float* out, const gpu_tensor* x, gpu_error* error);
  // A token for each row, as in backend.h; picks [rows], or null: the best. Waits.
  int32_t (*pick)(gpu_exec* exec, int32_t* out, const gpu_pick* picks, const gpu_tensor* logits, gpu_error* error);
  // As in backend.h: where pass_begin sets *done, it has run the whole pass. Scratch lies where it lay in the passes
  // before. `complete` is 0 after a pass that failed in its middle.
  int32_t (*pass_begin)(gpu_exec* exec, const gpu_rows* rows, int32_t* done, gpu_error* error);
  int32_t (*pass_end)(gpu_exec* exec, int32_t complete, gpu_error* error);
#define RECURRA_GPU_ROWS(name) \
  int32_t (*name)(gpu_exec * exec, const gpu_##name* io, const gpu_rows* rows, gpu_error* error);
#define RECURRA_GPU_PLAIN(name) int32_t (*name)(gpu_exec * exec, const gpu_##name* io, gpu_error* error);
  RECURRA_GPU_OPS(RECURRA_GPU_ROWS, RECURRA_GPU_PLAIN)
#undef RECURRA_GPU_ROWS
#undef RECURRA_GPU_PLAIN
};

// The one function that librecurra_cuda.so exports, as "recurra_cuda_plugin".
typedef const gpu_plugin* (*gpu_plugin_function)(void);

}  // extern "C"

namespace recurra {

constexpr int32_t kPluginVersion = 7;
constexpr const char* kPluginFile = "librecurra_cuda.so";
constexpr const char* kPluginFunction = "recurra_cuda_plugin";

}  // namespace recurra
