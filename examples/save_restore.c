/* One conversation, kept: a part of it is saved under each of the four ways there are, and each way goes on exactly as
   the state that never stopped. In C99.

       cc -std=c99 save_restore.c -lrecurra -o save_restore && ./save_restore

   - a clone, for asking "what if" within a process
   - a buffer in memory, for a database
   - a stream, for anything else that takes bytes
   - a file, written so that a crash at any moment leaves the old one or the new one */
#include <recurra/recurra.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(recurra_status status) {
  if (status == RECURRA_OK) return;
  fprintf(stderr, "save_restore: %s\n", recurra_last_error());
  exit(1);
}

static recurra_state* new_state(recurra_model* model) {
  recurra_state* state = NULL;
  check(recurra_state_create(&state, model, NULL));
  return state;
}

/* Asks, and checks that the answer is the one expected; frees the state. */
static void ask_and_free(const char* who, recurra_state* state, char* expected, size_t capacity) {
  const char* const stop_texts[] = {"\n\n"};
  char reply[1024];
  size_t n = 0;
  recurra_generate_options options;
  check(recurra_generate_options_init(&options, sizeof options));
  options.stop_texts = stop_texts;
  options.n_stop_texts = 1;
  options.max_tokens = 64;
  check(recurra_feed_text(state, "User: What is my name?\n\nAssistant:", (size_t)-1, NULL));
  check(recurra_generate_text(reply, sizeof reply - 1, &n, state, &options));
  reply[n] = '\0';
  printf("%-12s%s\n", who, reply);
  if (expected[0] == '\0' && n < capacity) memcpy(expected, reply, n + 1);
  if (strcmp(reply, expected) != 0) {
    fprintf(stderr, "save_restore: %s says something else\n", who);
    exit(1);
  }
  recurra_state_free(state);
}

static size_t write_to(void* user, const void* data, size_t size) { return fwrite(data, 1, size, (FILE*)user); }
static size_t read_from(void* user, void* data, size_t size) { return fread(data, 1, size, (FILE*)user); }

int main(void) {
  char expected[1024] = "";
  recurra_model* model = NULL;
  recurra_state *state = NULL, *clone = NULL, *other = NULL;
  void* buffer = NULL;
  size_t size = 0;
  FILE* stream = NULL;

  check(recurra_model_open(&model, NULL, NULL));
  state = new_state(model);
  check(recurra_feed_text(state, "User: My name is Dave.\n\nAssistant: Noted.\n\n", (size_t)-1, NULL));
  check(recurra_state_set_note(state, "title", "Dave")); /* travels along */

  check(recurra_state_clone(&clone, state));

  /* The size first, then the bytes. */
  if (recurra_save_memory(NULL, 0, &size, state, NULL) != RECURRA_E_TOO_SMALL) return 1;
  buffer = malloc(size);
  if (buffer == NULL) return 1;
  check(recurra_save_memory(buffer, size, &size, state, NULL));
  printf("%zu bytes hold the conversation; they would be as many after a million tokens\n", size);

  stream = tmpfile();
  if (stream == NULL) return 1;
  check(recurra_save_stream(state, write_to, stream, NULL));
  rewind(stream);

  check(recurra_save_file(state, "save_restore.state", NULL));

  ask_and_free("went on", state, expected, sizeof expected);
  ask_and_free("clone", clone, expected, sizeof expected);
  other = new_state(model);
  check(recurra_load_memory(other, buffer, size));
  ask_and_free("memory", other, expected, sizeof expected);
  other = new_state(model);
  check(recurra_load_stream(other, read_from, stream));
  ask_and_free("stream", other, expected, sizeof expected);
  other = new_state(model);
  check(recurra_load_file(other, "save_restore.state"));
  ask_and_free("file", other, expected, sizeof expected);

  fclose(stream);
  free(buffer);
  recurra_model_release(model);
  return 0;
}
