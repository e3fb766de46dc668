/* A program as others write it: C99, every warning an error, nothing included but recurra.h and the C library.

       abi_client save MODEL STATE        feeds A and saves
       abi_client continue MODEL STATE    loads, feeds B, goes on
       abi_client whole MODEL             feeds A, then B, goes on: prints what `continue` prints, bit for bit
       abi_client rest MODEL STATE        calls what the others do not

   MODEL "-" is the default model. tests/data/abi keeps it as it was compiled against the first version: what it knows
   of the structs and calls holds for ever, so it never changes; what a later version adds, a later client tests. */
#include <recurra/recurra.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char* const kA =
    "User: My name is Dave, and I live in Oslo.\n\nAssistant: Noted.\n\nUser: My cat is called Tom; she is "
    "7 years old, grey, and sleeps all day on the window sill above the heater.\n\nAssistant: Noted.\n\n";
static const char* const kB = "User: What is my name?\n\nAssistant:";

static void fail(const char* what) {
  fprintf(stderr, "abi_client: %s: %s\n", what, recurra_last_error());
  exit(1);
}

#define CALL(call)                         \
  do {                                     \
    if ((call) != RECURRA_OK) fail(#call); \
  } while (0)
#define NEED(condition)                 \
  do {                                  \
    if (!(condition)) fail(#condition); \
  } while (0)

static uint64_t hash(const void* data, size_t size) { /* FNV-1a */
  const unsigned char* p = (const unsigned char*)data;
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  size_t i;
  for (i = 0; i < size; ++i) h = (h ^ p[i]) * UINT64_C(0x100000001b3);
  return h;
}

static void print_hex(const char* name, const void* data, size_t size) {
  const unsigned char* p = (const unsigned char*)data;
  size_t i;
  printf("%s ", name);
  for (i = 0; i < size; ++i) printf("%02x", (unsigned)p[i]);
  printf("\n");
}

static recurra_model* open_model(const char* path) {
  recurra_model* model = NULL;
  recurra_model_options options;
  CALL(recurra_model_options_init(&options, sizeof options));
  options.threads = 2;
  options.backend = "cpu";
  options.dtype = "f32";
  CALL(recurra_model_open(&model, strcmp(path, "-") == 0 ? NULL : path, &options));
  return model;
}

static recurra_model_info info_of(const recurra_model* model) {
  recurra_model_info info;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CALL(recurra_model_get_info(&info, model));
  return info;
}

static uint64_t tokens_of(const recurra_state* state) {
  recurra_state_info info;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CALL(recurra_state_get_info(&info, state));
  return info.n_tokens;
}

/* The logits' bits, and a text that is drawn, with its bits. */
static void go_on(recurra_model* model, recurra_state* state) {
  const char* const stops[] = {"\n\nUser:", "never"};
  const recurra_model_info info = info_of(model);
  const size_t n_vocab = (size_t)info.n_vocab;
  float* logits = (float*)malloc(n_vocab * sizeof *logits);
  char text[4096], note[32];
  size_t n = 0;
  recurra_sampler* sampler = NULL;
  recurra_sampler_options draw;
  recurra_generate_options options;
  NEED(logits != NULL);
  CALL(recurra_feed_text(state, kB, (size_t)-1, NULL));
  CALL(recurra_logits(logits, n_vocab, state));
  printf("tokens %lu\n", (unsigned long)tokens_of(state));
  print_hex("logits", logits, 4 * sizeof *logits);
  printf("hash %08lx%08lx\n", (unsigned long)(hash(logits, n_vocab * sizeof *logits) >> 32),
         (unsigned long)(hash(logits, n_vocab * sizeof *logits) & 0xffffffffu));
  CALL(recurra_sampler_options_init(&draw, sizeof draw));
  draw.temperature = 0.8f;
  draw.seed = 42;
  draw.top_k = 40;
  draw.top_p = 0.95f;
  draw.min_p = 0.01f;
  draw.repeat_penalty = 1.1f;
  draw.repeat_last_n = 32;
  CALL(recurra_sampler_create(&sampler, &draw));
  CALL(recurra_generate_options_init(&options, sizeof options));
  options.max_tokens = 24;
  options.stop_texts = stops;
  options.n_stop_texts = 2;
  options.sampler = sampler;
  CALL(recurra_generate_text(text, sizeof text, &n, state, &options));
  print_hex("text", text, n);
  CALL(recurra_logits(logits, n_vocab, state));
  print_hex("logits", logits, 4 * sizeof *logits);
  CALL(recurra_state_get_note(note, sizeof note, &n, state, "title"));
  printf("note %.*s\n", (int)n, note);
  recurra_sampler_free(sampler);
  free(logits);
}

static void tell(recurra_state* state) {
  CALL(recurra_feed_text(state, kA, strlen(kA), NULL));
  CALL(recurra_state_set_note(state, "title", "a cat"));
}

/* ---- rest ------------------------------------------------------------------------------------------------------- */

typedef struct buffer {
  unsigned char bytes[4 << 20];
  size_t size, at;
} buffer;
static buffer g_buffer;

static size_t write_bytes(void* user, const void* data, size_t size) {
  buffer* b = (buffer*)user;
  if (b->size + size > sizeof b->bytes) return 0;
  memcpy(b->bytes + b->size, data, size);
  b->size += size;
  return size;
}
static size_t read_bytes(void* user, void* data, size_t size) {
  buffer* b = (buffer*)user;
  if (size > b->size - b->at) size = b->size - b->at;
  memcpy(data, b->bytes + b->at, size);
  b->at += size;
  return size;
}
static int32_t on_progress(void* user, uint64_t done, uint64_t total) {
  NEED(done <= total);
  *(uint64_t*)user = done;
  return 0;
}
static int32_t on_token(void* user, recurra_token token, const char* text, size_t length) {
  if (token >= 0) ++*(size_t*)user;
  NEED(text != NULL || length == 0);
  return 0;
}
static void on_log(void* user, int32_t level, const char* message) {
  NEED(user != NULL && level >= RECURRA_LOG_DEBUG && message != NULL);
}

static void rest_of_feeding(recurra_model* model, recurra_state* state, recurra_cancel* cancel) {
  const recurra_model_info info = info_of(model);
  const size_t n_vocab = (size_t)info.n_vocab, width = (size_t)info.n_embd;
  recurra_token tokens[256];
  float logprobs[256], scores[256], *logits, *hidden;
  char text[1024];
  size_t n = 0, n_text = 0;
  uint64_t done = 0, seen = 0;
  recurra_feed_options options;
  CALL(recurra_tokenize(tokens, 256, &n, model, kA, (size_t)-1));
  CALL(recurra_detokenize(text, sizeof text, &n_text, model, tokens, n));
  NEED(n_text == strlen(kA) && memcmp(text, kA, n_text) == 0);
  logits = (float*)malloc(n * n_vocab * sizeof *logits);
  hidden = (float*)malloc(width * sizeof *hidden);
  NEED(logits != NULL && hidden != NULL);
  CALL(recurra_score(scores, state, tokens, n, NULL));
  CALL(recurra_feed_options_init(&options, sizeof options));
  options.step = 0;
  options.progress = on_progress;
  options.user = &seen;
  options.cancel = cancel;
  options.n_done = &done;
  options.logits = logits;
  options.logprobs = logprobs;
  CALL(recurra_feed(state, tokens, n, &options));
  NEED(done == n && seen == n);
  NEED(memcmp(scores + 1, logprobs + 1, (n - 1) * sizeof *scores) == 0);
  CALL(recurra_hidden(hidden, width, state));
  CALL(recurra_cancel_trigger(cancel));
  NEED(recurra_feed(state, tokens, n, &options) == RECURRA_E_CANCELLED && done == 0);
  CALL(recurra_cancel_reset(cancel));
  options.logits = NULL;
  options.logprobs = NULL;
  {
    recurra_state *other = NULL, *states[2];
    const recurra_token* lists[2];
    size_t sizes[2];
    CALL(recurra_state_clone(&other, state));
    states[0] = state;
    states[1] = other;
    lists[0] = lists[1] = tokens;
    sizes[0] = n;
    sizes[1] = 1;
    CALL(recurra_feed_batch(states, lists, sizes, 2, &options));
    NEED(done == n + 1);
    CALL(recurra_state_copy(other, state));
    NEED(tokens_of(other) == tokens_of(state));
    recurra_state_free(other);
  }
  free(hidden);
  free(logits);
}

static void rest_of_generating(recurra_state* state, recurra_cancel* cancel) {
  const recurra_token never[] = {0};
  recurra_token out[16], token = -1;
  const float logits[3] = {0.5f, 2.0f, -1.0f};
  char text[4096];
  size_t n = 0, count = 0;
  recurra_sampler* sampler = NULL;
  recurra_generate_options options;
  CALL(recurra_generate_options_init(&options, sizeof options));
  NEED(options.max_tokens == 256);
  options.max_tokens = 5;
  options.stop_tokens = never;
  options.n_stop_tokens = 1;
  options.on_token = on_token;
  options.user = &count;
  options.cancel = cancel;
  CALL(recurra_query(out, 16, &n, state, out, 0, &options));
  NEED(n == count && n <= 5);
  CALL(recurra_query_text(text, sizeof text, &n, state, kB, (size_t)-1, &options));
  CALL(recurra_generate(out, 16, &n, state, &options));
  NEED(n <= 5);
  CALL(recurra_sampler_create(&sampler, NULL));
  CALL(recurra_sampler_pick(&token, sampler, logits, 3));
  NEED(token == 1);
  recurra_sampler_free(sampler);
}

static void rest_of_saving(recurra_model* model, recurra_state* state, const char* path) {
  recurra_save_options options;
  recurra_state_options state_options;
  recurra_state* other = NULL;
  recurra_peek peek;
  char metadata[8192];
  size_t n = 0, n_metadata = 0;
  void* bytes;
  CALL(recurra_state_options_init(&state_options, sizeof state_options));
  CALL(recurra_state_create(&other, model, &state_options));
  CALL(recurra_save_options_init(&options, sizeof options));
  NEED(strcmp(options.dtype, "f32") == 0);
  NEED(recurra_save_memory(NULL, 0, &n, state, &options) == RECURRA_E_TOO_SMALL);
  bytes = malloc(n);
  NEED(bytes != NULL);
  CALL(recurra_save_memory(bytes, n, &n, state, &options));
  CALL(recurra_load_memory(other, bytes, n));
  CALL(recurra_save_stream(state, write_bytes, &g_buffer, &options));
  NEED(g_buffer.size == n && memcmp(g_buffer.bytes, bytes, n) == 0);
  CALL(recurra_state_reset(other));
  CALL(recurra_load_stream(other, read_bytes, &g_buffer));
  options.dtype = "f16";
  CALL(recurra_save_file(other, path, &options));
  memset(&peek, 0, sizeof peek);
  peek.struct_size = sizeof peek;
  CALL(recurra_peek_file(&peek, metadata, sizeof metadata, &n_metadata, path));
  NEED(peek.format_version >= 1 && peek.n_tokens == tokens_of(state) && peek.n_notes == 1 && peek.file_bytes < n);
  NEED(strcmp(peek.architecture, "rwkv7") == 0 && strcmp(peek.dtype, "f16") == 0 && strcmp(peek.backend, "cpu") == 0);
  NEED(strlen(peek.model_fingerprint) == 32 && strlen(peek.checksum) == 32 && strcmp(peek.compute_dtype, "f32") == 0);
  NEED(n_metadata > 2 && metadata[0] == '{');
  CALL(recurra_load_file(other, path));
  recurra_state_free(other);
  free(bytes);
}

static void rest(const char* path, const char* state_path) {
  recurra_model *model = open_model(path), *none = NULL;
  recurra_state* state = NULL;
  recurra_cancel* cancel = NULL;
  const char* value = NULL;
  const recurra_model_info info = info_of(model);
  NEED(info.n_vocab > 1 && info.n_layer > 0 && info.n_embd > 0 && info.n_params > 0 && info.model_bytes > 0);
  NEED(info.state_bytes > 0 && info.threads == 2 && info.has_text == 1 && strlen(info.fingerprint) == 32);
  NEED(strcmp(info.architecture, "rwkv7") == 0 && strcmp(info.backend, "cpu") == 0 && strcmp(info.dtype, "f32") == 0);
  NEED(info.name != NULL && info.path != NULL && info.file_type != NULL && info.tokenizer != NULL);
  NEED(info.cpu_level != NULL && info.chat_template != NULL && info.bos_token >= -1 && info.eos_token >= -1);
  NEED(recurra_version() != NULL && recurra_build_info() != NULL && recurra_backend_count() >= 2);
  NEED(strcmp(recurra_backend_name(0), "cpu") == 0 || recurra_backend_name(0) != NULL);
  NEED(strcmp(recurra_status_name(RECURRA_E_BUSY), "RECURRA_E_BUSY") == 0);
  CALL(recurra_log_set(on_log, &none, RECURRA_LOG_DEBUG));
  CALL(recurra_model_metadata(&value, model, "general.architecture"));
  NEED(strcmp(value, "rwkv7") == 0);
  CALL(recurra_model_metadata_key(&value, model, 0));
  NEED(recurra_model_open(&none, "/no/such/file", NULL) == RECURRA_E_NOT_FOUND && none == NULL);
  NEED(strstr(recurra_last_error(), "/no/such/file") != NULL);
  NEED(recurra_model_open_memory(&none, "GGUFxxxx", 0, NULL) < 0);
  CALL(recurra_model_retain(model));
  recurra_model_release(model);
  CALL(recurra_cancel_create(&cancel));
  CALL(recurra_state_create(&state, model, NULL));
  tell(state);
  rest_of_feeding(model, state, cancel);
  rest_of_generating(state, cancel);
  rest_of_saving(model, state, state_path);
  recurra_model_release(model); /* the state keeps what it needs */
  CALL(recurra_feed_text(state, kB, (size_t)-1, NULL));
  recurra_state_free(state);
  recurra_cancel_free(cancel);
  CALL(recurra_log_set(NULL, NULL, RECURRA_LOG_WARNING));
  printf("all of it\n");
}

int main(int argc, char** argv) {
  const char* const mode = argc > 2 ? argv[1] : "";
  const int needs_state = strcmp(mode, "whole") != 0;
  recurra_model* model;
  recurra_state* state = NULL;
  if (argc != 3 + needs_state) {
    fprintf(stderr, "usage: abi_client save|continue|rest MODEL STATE, abi_client whole MODEL\n");
    return 2;
  }
  if (strcmp(mode, "rest") == 0) {
    rest(argv[2], argv[3]);
    return 0;
  }
  model = open_model(argv[2]);
  CALL(recurra_state_create(&state, model, NULL));
  if (strcmp(mode, "continue") == 0) {
    CALL(recurra_load_file(state, argv[3]));
  } else {
    tell(state);
  }
  if (strcmp(mode, "save") == 0) {
    CALL(recurra_save_file(state, argv[3], NULL));
  } else {
    go_on(model, state);
  }
  recurra_state_free(state);
  recurra_model_release(model);
  return 0;
}
