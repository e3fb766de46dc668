/* recurra: constant-memory language models behind a small C ABI.
 *
 * A model is opened from a file and is immutable; a state is one conversation with it, of a size that never grows.
 *
 *     recurra_model *model; recurra_state *state; char reply[256]; size_t n;
 *     recurra_model_open(&model, NULL, NULL);                   NULL: the default model that is installed along
 *     recurra_state_create(&state, model, NULL);
 *     recurra_feed_text(state, "User: My name is Dave.\n\nAssistant:", (size_t)-1, NULL);
 *     recurra_generate_text(reply, sizeof reply, &n, state, NULL);
 *     recurra_save_file(state, "dave.state", NULL);
 *     recurra_state_free(state); recurra_model_release(model);
 *
 * Rules that hold everywhere
 * - Calls return a recurra_status: 0, or a negative code. recurra_last_error() then gives one line that says what was
 *   wrong, with the value found and what was expected. Nothing here aborts, exits, prints, or throws.
 * - A call that fails leaves every object as it was. The exceptions: a feed or generate that was cancelled leaves the
 *   state valid, with what it had read until then (n_done says how much), and out-parameters of a failed call may be set.
 * - Out-parameters come first; the caller owns them. A pointer that is returned is borrowed, and says for how long.
 * - Structs that callers fill begin with struct_size and are made by their *_options_init, which writes every default.
 *   A newer library accepts an older program's smaller struct; an older library refuses a newer one's unknown fields
 *   unless they are zero.
 * - Buffers: where a call fills `out` of `capacity`, *n_out is what is there in full; if that is more than the capacity
 *   the call fails with RECURRA_E_TOO_SMALL and can be made again. NULL with capacity 0 asks for the size.
 * - Text is UTF-8, or any bytes; a length of (size_t)-1 means "up to the terminating zero".
 * - Objects may be freed in any order: a state keeps its model alive. Freeing NULL is fine.
 * - Threads: a model may be used from any number of threads. A state takes one writer or many readers at a time; a call
 *   that would break this fails with RECURRA_E_BUSY and does nothing. Callbacks run on the calling thread, with no
 *   lock held; from a callback, the state that is being fed is busy.
 */
#ifndef RECURRA_H
#define RECURRA_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define RECURRA_API __declspec(dllimport)
#elif defined(__GNUC__)
#define RECURRA_API __attribute__((visibility("default")))
#else
#define RECURRA_API
#endif

#define RECURRA_VERSION_MAJOR 0
#define RECURRA_VERSION_MINOR 1
#define RECURRA_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* ---- library ------------------------------------------------------------------------------------------------- */

typedef int32_t recurra_status;
typedef int32_t recurra_token;

#define RECURRA_OK 0
#define RECURRA_E_INVALID (-1)      /* an argument is wrong: NULL, out of range, of another model */
#define RECURRA_E_MEMORY (-2)       /* out of memory */
#define RECURRA_E_IO (-3)           /* the operating system refused a read or a write (full disk, permissions) */
#define RECURRA_E_NOT_FOUND (-4)    /* no such file, key or note */
#define RECURRA_E_FORMAT (-5)       /* a model file is damaged or not what it claims to be */
#define RECURRA_E_UNSUPPORTED (-6)  /* valid, but this version has no code for it */
#define RECURRA_E_CORRUPT (-7)      /* a state file is damaged: cut, bits flipped, values not finite */
#define RECURRA_E_MISMATCH (-8)     /* a state belongs to another model or tokenizer */
#define RECURRA_E_VERSION (-9)      /* a state file of a newer format */
#define RECURRA_E_TOKEN (-10)       /* a token outside the vocabulary */
#define RECURRA_E_BUSY (-11)        /* the state is in use by another thread, or by the call this callback came from */
#define RECURRA_E_CANCELLED (-12)   /* stopped by recurra_cancel_trigger or by a progress callback */
#define RECURRA_E_BACKEND (-13)     /* the backend or CPU level asked for is not available on this machine */
#define RECURRA_E_CALLBACK (-14)    /* a read or write callback reported a failure */
#define RECURRA_E_TOO_SMALL (-15)   /* the buffer is too small; *n_out is the size needed */
#define RECURRA_E_INTERNAL (-16)    /* a defect of the library: please report it */

/* "0.1.0"; lives for ever. */
RECURRA_API const char *recurra_version(void);

/* One line: version, compiler, oneDNN's version, the CPU levels built in and the one in use. Lives for ever. */
RECURRA_API const char *recurra_build_info(void);

/* "RECURRA_E_BUSY" for RECURRA_E_BUSY; "unknown status" for what is none. Lives for ever. */
RECURRA_API const char *recurra_status_name(recurra_status status);

/* Why the last call of this thread that failed did fail, in one line; "" before the first failure. Lives until this
   thread's next failing call. */
RECURRA_API const char *recurra_last_error(void);

#define RECURRA_LOG_DEBUG 0
#define RECURRA_LOG_INFO 1
#define RECURRA_LOG_WARNING 2
#define RECURRA_LOG_ERROR 3

typedef void (*recurra_log_callback)(void *user, int32_t level, const char *message);

/* Sends log lines of at least `least_level` to `callback`, process-wide; NULL, the default, drops them. The callback may
   be called from any thread that is inside a call of this library. */
RECURRA_API recurra_status recurra_log_set(recurra_log_callback callback, void *user, int32_t least_level);

/* The backends this build knows, the best first ("cpu", "reference"); NULL outside 0..count-1. */
RECURRA_API int32_t recurra_backend_count(void);
RECURRA_API const char *recurra_backend_name(int32_t index);

/* ---- cancel and progress ------------------------------------------------------------------------------------- */

typedef struct recurra_cancel recurra_cancel;

RECURRA_API recurra_status recurra_cancel_create(recurra_cancel **out);
/* Makes calls that were given this object stop soon with RECURRA_E_CANCELLED. Safe from any thread and any signal
   handler, so NULL, though RECURRA_E_INVALID, leaves no line behind. Stays triggered until the reset. */
RECURRA_API recurra_status recurra_cancel_trigger(recurra_cancel *cancel);
RECURRA_API recurra_status recurra_cancel_reset(recurra_cancel *cancel);
RECURRA_API void recurra_cancel_free(recurra_cancel *cancel);

/* done and total in tokens (feed, score), or bytes (open). Return 0 to go on, anything else to cancel. */
typedef int32_t (*recurra_progress_callback)(void *user, uint64_t done, uint64_t total);

/* ---- model --------------------------------------------------------------------------------------------------- */

typedef struct recurra_model recurra_model;

typedef struct recurra_model_options {
  uint32_t struct_size;
  uint32_t threads;                   /* threads that compute; 0 (default): the physical cores this process may use */
  const char *backend;                /* "auto" (default): the best there is; or a name of recurra_backend_name */
  const char *dtype;                  /* of matrix products over many tokens: "auto" (default), "f32", "bf16". Single tokens
                                         meet quantised weights with activations rounded to 8 bits, but with "f32" */
  recurra_progress_callback progress; /* NULL (default): none */
  void *user;                         /* for progress */
  recurra_cancel *cancel;             /* NULL (default): none */
  uint32_t exact;                     /* 0 (default): blocks of 64 tokens are products of matrices. 1: every token is computed as
                                         generation does, so that any cut of a text into calls gives the same bits */
  uint32_t reserved;                  /* 0 */
  const char *state_dtype;            /* of a state's matrix memories while it lives: "f32" (default), or "f16" (backend "cuda"
                                         alone): half the bytes, rounded after every call of feed, on average right. State files
                                         are the same */
} recurra_model_options;

RECURRA_API recurra_status recurra_model_options_init(recurra_model_options *options, size_t struct_size);

/* Opens a GGUF file, or a Hugging Face folder: config.json beside model.safetensors, in one file or several (either file
   may stand for its folder). path NULL: the default model that is installed along (RECURRA_DEFAULT_MODEL in the
   environment names another). Files are memory-mapped and must not change while the model lives. A folder whose
   config.json has an option that this version doesn't know is RECURRA_E_UNSUPPORTED. options NULL: the defaults. */
RECURRA_API recurra_status recurra_model_open(recurra_model **out, const char *path, const recurra_model_options *options);

/* The same from a GGUF file in memory, which stays the caller's and must live, unchanged, until the model is gone. */
RECURRA_API recurra_status recurra_model_open_memory(recurra_model **out, const void *data, size_t size,
                                                     const recurra_model_options *options);

/* One more owner, and one owner less; the last one frees it. */
RECURRA_API recurra_status recurra_model_retain(recurra_model *model);
RECURRA_API void recurra_model_release(recurra_model *model);

typedef struct recurra_model_info {
  uint32_t struct_size;
  int32_t n_vocab;             /* tokens 0 .. n_vocab-1 */
  int32_t n_layer;
  int32_t n_embd;              /* width of the hidden vector */
  uint64_t n_params;           /* elements of all tensors */
  uint64_t model_bytes;        /* bytes of all tensors in the file */
  uint64_t state_bytes;        /* bytes of one state in memory; see state_bytes_per_token */
  uint32_t threads;
  int32_t bos_token;           /* -1: the file names none */
  int32_t eos_token;           /* -1: the file names none; else generation stops there */
  int32_t has_text;            /* 1: it has a tokenizer; 0: tokens only */
  const char *architecture;    /* "rwkv7"; "fla.rwkv7" from a folder; these pointers live as long as the model */
  const char *name;            /* the file's general.name, or "" */
  const char *path;            /* as it was opened, or "" for memory */
  const char *file_type;       /* the type most weight bytes have: "F16" */
  const char *tokenizer;       /* "rwkv", "bpe", "byte", or "none" */
  const char *backend;         /* "cpu" */
  const char *cpu_level;       /* "plain", "avx2", "avx512" or "amx" */
  const char *dtype;           /* "f32" or "bf16": what was chosen */
  const char *fingerprint;     /* 32 hexadecimal digits that name the weights and hyperparameters */
  const char *chat_template;   /* the file's own, or "" */
  uint64_t state_bytes_per_token; /* what a state grows by with each token: 0, but for models with softmax attention */
  uint32_t exact;              /* 1: opened with that option */
  uint32_t tied_embedding;     /* 1: the head is the embedding table, which every token then reads */
} recurra_model_info;

/* info->struct_size is set by the caller: sizeof(recurra_model_info). */
RECURRA_API recurra_status recurra_model_get_info(recurra_model_info *info, const recurra_model *model);

/* A metadata value of the file as text ("24", "0.5", "[1, 2, 3]"; long arrays are cut); RECURRA_E_NOT_FOUND without it. *out lives as
   long as the model. */
RECURRA_API recurra_status recurra_model_metadata(const char **out, const recurra_model *model, const char *key);
/* The keys there are, in the file's order; RECURRA_E_NOT_FOUND from the first index on that has none. */
RECURRA_API recurra_status recurra_model_metadata_key(const char **out, const recurra_model *model, size_t index);

/* ---- text ---------------------------------------------------------------------------------------------------- */

/* Text to tokens. No token is added at the start or the end. Any bytes have tokens, valid UTF-8 or not. */
RECURRA_API recurra_status recurra_tokenize(recurra_token *out, size_t capacity, size_t *n_out, const recurra_model *model,
                                            const char *text, size_t length);

/* Tokens to bytes, exactly; not zero-terminated. Special tokens have no bytes. */
RECURRA_API recurra_status recurra_detokenize(char *out, size_t capacity, size_t *n_out, const recurra_model *model,
                                              const recurra_token *tokens, size_t n_tokens);

/* ---- state --------------------------------------------------------------------------------------------------- */

typedef struct recurra_state recurra_state;

typedef struct recurra_state_options {
  uint32_t struct_size;
  uint32_t rewind_tokens; /* how far recurra_state_rewind can go back, at most 1048576; 0 (default): not at all, at no cost */
} recurra_state_options;

RECURRA_API recurra_status recurra_state_options_init(recurra_state_options *options, size_t struct_size);

/* An empty state: nothing read yet. options NULL: the defaults. */
RECURRA_API recurra_status recurra_state_create(recurra_state **out, recurra_model *model, const recurra_state_options *options);
/* A new state that has read what `source` has, and can go back as it can. */
RECURRA_API recurra_status recurra_state_clone(recurra_state **out, const recurra_state *source);
/* Makes `target` what `source` is; both of the same model. It can go back as far as both of them could. */
RECURRA_API recurra_status recurra_state_copy(recurra_state *target, const recurra_state *source);
/* Back to empty: nothing read, no notes, and nothing to go back to. */
RECURRA_API recurra_status recurra_state_reset(recurra_state *state);
/* Makes the state what it was before it read its last n_tokens tokens; notes stay. It can go back to any place within rewind_tokens of
   the farthest it has been to since it was created, reset, loaded or written to with recurra_memory_write: as many
   tokens as recurra_state_info's rewind_tokens says; more are RECURRA_E_INVALID.
   The state has the very bits that it would have if the call that read past this place had ended there. For that it keeps
   the tokens and, about every max(64, rewind_tokens / 8) of them, a copy of itself: at most 10 between calls, which copies of the state
   share; it goes back to one of them and reads at most that many tokens again, or what a long call reads at once (512 on the CPU). Keys and values
   of softmax attention are not copied. */
RECURRA_API recurra_status recurra_state_rewind(recurra_state *state, uint64_t n_tokens);
/* No call may be using the state. */
RECURRA_API void recurra_state_free(recurra_state *state);

typedef struct recurra_state_info {
  uint32_t struct_size;
  uint32_t n_notes;
  uint64_t n_tokens;    /* read so far */
  uint64_t state_bytes; /* in memory; the same for ever, but for softmax attention layers, which keep every token. With the option
                           rewind_tokens, what it keeps for that too, which stops growing once so many tokens were read */
  uint64_t file_bytes;  /* of a save with default options and the present notes */
  uint64_t rewind_tokens; /* how far it can go back now: 0 without that option */
} recurra_state_info;

/* info->struct_size is set by the caller. */
RECURRA_API recurra_status recurra_state_get_info(recurra_state_info *info, const recurra_state *state);

/* Notes are short texts that travel with the state: a title, a user's id. Keys are 1 to 128 bytes of [A-Za-z0-9_.-];
   values valid UTF-8 of at most 64 KiB; at most 256 notes. value NULL removes the note. */
RECURRA_API recurra_status recurra_state_set_note(recurra_state *state, const char *key, const char *value);
RECURRA_API recurra_status recurra_state_get_note(char *out, size_t capacity, size_t *n_out, const recurra_state *state,
                                                  const char *key);

/* ---- feed: moves the state ----------------------------------------------------------------------------------- */

typedef struct recurra_feed_options {
  uint32_t struct_size;
  uint32_t step;                      /* 1: every token by itself, as generation does; 0 (default): as fast as can be */
  recurra_progress_callback progress; /* NULL (default): none */
  void *user;                         /* for progress */
  recurra_cancel *cancel;             /* NULL (default): none */
  uint64_t *n_done;                   /* NULL (default), or where the number of tokens read is written, success or not */
  float *logits;                      /* NULL (default), or [n_tokens, n_vocab]: the logits after each token */
  float *logprobs;                    /* NULL (default), or [n_tokens]: ln p(token | all before it); NaN for the very
                                         first token of an empty state */
} recurra_feed_options;

RECURRA_API recurra_status recurra_feed_options_init(recurra_feed_options *options, size_t struct_size);

/* Reads tokens. All are checked before the first is read. options NULL: the defaults. */
RECURRA_API recurra_status recurra_feed(recurra_state *state, const recurra_token *tokens, size_t n_tokens,
                                        const recurra_feed_options *options);

/* Reads a text. `logits` and `logprobs` of the options, whose sizes would be unknown, must be NULL here. */
RECURRA_API recurra_status recurra_feed_text(recurra_state *state, const char *text, size_t length,
                                             const recurra_feed_options *options);

/* Reads tokens[i][0 .. n_tokens[i]-1] into states[i], for all n_states states of one model, together: the weights are
   read once for all. The states are different ones; each ends with the very bits it would have alone. `logits`
   and `logprobs` must be NULL; n_done counts the tokens of all states; a cancel may leave the states at different places. */
RECURRA_API recurra_status recurra_feed_batch(recurra_state *const *states, const recurra_token *const *tokens,
                                              const size_t *n_tokens, size_t n_states, const recurra_feed_options *options);

/* ---- sampler ------------------------------------------------------------------------------------------------- */

/* One thread at a time: a sampler remembers what it picked. */
typedef struct recurra_sampler recurra_sampler;

typedef struct recurra_sampler_options {
  uint32_t struct_size;
  float temperature;     /* 0 (default): always the best token, the lowest id on a tie; else logits are divided by it */
  uint64_t seed;         /* default 0; the same seed, options and logits give the same tokens everywhere */
  int32_t top_k;         /* only the k best tokens; 0 (default): all */
  float top_p;           /* only the fewest best tokens whose probabilities reach p; 1 (default): all */
  float min_p;           /* only tokens of at least min_p times the best one's probability; 0 (default): all */
  float repeat_penalty;  /* logits of recent tokens are divided (if positive) or multiplied by it; 1 (default): off */
  int32_t repeat_last_n; /* how many of the last picked tokens are "recent"; default 64 */
  uint32_t reserved;     /* 0 */
} recurra_sampler_options;

RECURRA_API recurra_status recurra_sampler_options_init(recurra_sampler_options *options, size_t struct_size);
RECURRA_API recurra_status recurra_sampler_create(recurra_sampler **out, const recurra_sampler_options *options);
/* Picks a token: penalties, top-k, top-p, min-p, temperature, draw, in that order. A logit of -inf is never picked; NaN, +inf
   or nothing but -inf is an error. */
RECURRA_API recurra_status recurra_sampler_pick(recurra_token *out, recurra_sampler *sampler, const float *logits, size_t n_logits);
RECURRA_API void recurra_sampler_free(recurra_sampler *sampler);

/* ---- generate: moves the state ------------------------------------------------------------------------------- */

/* One call per token picked. `text` has the characters that became certain with it (only whole UTF-8 characters, and no
   part of what may still become a stop text), not zero-terminated; its length may be 0. At the end, text that was held
   back comes with token -1. Return 0 to go on, anything else to stop after this token, which is no error. */
typedef int32_t (*recurra_token_callback)(void *user, recurra_token token, const char *text, size_t length);

typedef struct recurra_generate_options {
  uint32_t struct_size;
  uint32_t n_stop_texts;
  uint64_t max_tokens;              /* default 256 */
  const char *const *stop_texts;    /* stop when one of these was written; it is read by the state, but not returned */
  const recurra_token *stop_tokens; /* stop when one of these is picked; it is neither read nor returned. The model's
                                       eos_token stops too */
  uint64_t n_stop_tokens;
  recurra_sampler *sampler;         /* NULL (default): greedy */
  recurra_token_callback on_token;  /* NULL (default): none */
  void *user;                       /* for on_token */
  recurra_cancel *cancel;           /* NULL (default): none */
} recurra_generate_options;

RECURRA_API recurra_status recurra_generate_options_init(recurra_generate_options *options, size_t struct_size);

/* Goes on from the state, which must have read at least one token. Every token that is written to `out` was also read by the state.
   Ends at max_tokens, a stop, or a full buffer (n_out = capacity; no error). out may be NULL with capacity 0:
   then only the callback sees the tokens and max_tokens ends it. */
RECURRA_API recurra_status recurra_generate(recurra_token *out, size_t capacity, size_t *n_out, recurra_state *state,
                                            const recurra_generate_options *options);
/* The same, as bytes without a terminating zero. If the text is longer than the capacity, what fits is written and *n_out is
   its full length, with RECURRA_E_TOO_SMALL: the state has moved all the same. */
RECURRA_API recurra_status recurra_generate_text(char *out, size_t capacity, size_t *n_out, recurra_state *state,
                                                 const recurra_generate_options *options);

/* ---- query: leaves the state as it was ----------------------------------------------------------------------- */

/* The logits [n_vocab] after the last token read; n must be n_vocab. */
RECURRA_API recurra_status recurra_logits(float *out, size_t n, const recurra_state *state);
/* The logits [n_states, n_vocab] of states of one model, together: the head's weights are read once for up to 64. Row i has the
   bits that recurra_logits gives for states[i]; n must be n_states * n_vocab. */
RECURRA_API recurra_status recurra_logits_batch(float *out, size_t n, const recurra_state *const *states, size_t n_states);
/* The last hidden vector [n_embd], normed: what the head sees; n must be n_embd. */
RECURRA_API recurra_status recurra_hidden(float *out, size_t n, const recurra_state *state);
/* ln p(token | all before it) of each token [n_tokens] if they came next. options' logprobs must be NULL. */
RECURRA_API recurra_status recurra_score(float *out, const recurra_state *state, const recurra_token *tokens, size_t n_tokens,
                                         const recurra_feed_options *options);
/* Feeds the prompt and generates, on a copy of the state. */
RECURRA_API recurra_status recurra_query(recurra_token *out, size_t capacity, size_t *n_out, const recurra_state *state,
                                         const recurra_token *prompt, size_t n_prompt, const recurra_generate_options *options);
RECURRA_API recurra_status recurra_query_text(char *out, size_t capacity, size_t *n_out, const recurra_state *state,
                                              const char *prompt, size_t length, const recurra_generate_options *options);

/* ---- memory: what a state remembers, matrix by matrix ---------------------------------------------------------- */

/* A matrix memory S [V, K] maps a key or query of K values to V values: a layer with H heads has H of them, and each token changes them
   as the mixer's paper says. They are the tensors of the state file whose shape is [H, V, K], head by head, in the file's order. */
typedef struct recurra_memory_info {
  uint32_t struct_size;
  int32_t layer;     /* 0 .. n_layer-1 */
  int32_t head;
  int32_t n_rows;    /* V */
  int32_t n_columns; /* K */
  uint32_t reserved; /* 0 */
  const char *name;  /* of the tensor in the state file: "layers.0.time_mix.state"; lives as long as the model */
} recurra_memory_info;

/* How many there are, the same for all states of a model: one for each layer with such a memory and each of its heads. 0 for softmax
   attention, which keeps keys and values, and for Mamba, which keeps a vector per channel. Linear attention with a
   normaliser has one row more: its last is the sum of the keys. */
RECURRA_API recurra_status recurra_memory_count(size_t *out, const recurra_state *state);
/* index is 0 .. count-1. info->struct_size is set by the caller. */
RECURRA_API recurra_status recurra_memory_describe(recurra_memory_info *info, const recurra_state *state, size_t index);
/* The matrix, float32, row-major; n must be V * K. The bits that recurra_save_file writes. */
RECURRA_API recurra_status recurra_memory_read(float *out, size_t n, const recurra_state *state, size_t index);
/* Puts another in its place; n must be V * K, every value finite. The next token reads it; the logits stay what they are until then. */
RECURRA_API recurra_status recurra_memory_write(recurra_state *state, size_t index, const float *values, size_t n);

/* ---- save and load ------------------------------------------------------------------------------------------- */

typedef struct recurra_save_options {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */
  const char *dtype; /* "f32" (default): going on is bit for bit what it would have been; "f16": half the size */
} recurra_save_options;

RECURRA_API recurra_status recurra_save_options_init(recurra_save_options *options, size_t struct_size);

/* Writes a valid .safetensors file, atomically and durably: at any moment the path holds the old file or the new one. */
RECURRA_API recurra_status recurra_save_file(const recurra_state *state, const char *path, const recurra_save_options *options);
RECURRA_API recurra_status recurra_save_memory(void *out, size_t capacity, size_t *n_out, const recurra_state *state,
                                               const recurra_save_options *options);
/* Return the number of bytes taken or given, less than `size` only at the end of the input or on failure. */
typedef size_t (*recurra_write_callback)(void *user, const void *data, size_t size);
typedef size_t (*recurra_read_callback)(void *user, void *data, size_t size);
RECURRA_API recurra_status recurra_save_stream(const recurra_state *state, recurra_write_callback write, void *user,
                                               const recurra_save_options *options);

/* Makes `state` what was saved, notes too, with nothing to go back to. Everything is checked first: the checksum, the model's fingerprint,
   the tokenizer, every shape, every value finite. */
RECURRA_API recurra_status recurra_load_file(recurra_state *state, const char *path);
RECURRA_API recurra_status recurra_load_memory(recurra_state *state, const void *data, size_t size);
RECURRA_API recurra_status recurra_load_stream(recurra_state *state, recurra_read_callback read, void *user);

typedef struct recurra_peek {
  uint32_t struct_size;
  uint32_t format_version;
  uint64_t n_tokens;
  uint64_t file_bytes;
  uint64_t n_notes;
  char architecture[32];      /* zero-terminated, as all here */
  char model_fingerprint[40];
  char tokenizer_hash[40];
  char dtype[8];              /* "f32" or "f16" */
  char backend[32];           /* what computed it */
  char cpu_level[16];
  char compute_dtype[8];      /* "f32" or "bf16" */
  char checksum[40];
} recurra_peek;

/* What a state file says of itself, without its model; everything but values is checked, and the checksum is. peek->struct_size is set by the
   caller. If n_metadata is not NULL, the whole metadata (a JSON object of strings) goes to `metadata`. */
RECURRA_API recurra_status recurra_peek_file(recurra_peek *peek, char *metadata, size_t capacity, size_t *n_metadata, const char *path);

#ifdef __cplusplus
}
#endif

#endif
