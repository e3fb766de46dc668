/* The first program anyone writes with recurra, in C99: tell the default model something, ask, save the conversation,
   load it into another state, and ask that one.

       cc -std=c99 hello.c -lrecurra -o hello && ./hello */
#include <recurra/recurra.h>
#include <stdio.h>
#include <stdlib.h>

/* Every call returns a status; recurra_last_error() says in one line what was wrong. */
static void check(recurra_status status) {
  if (status == RECURRA_OK) return;
  fprintf(stderr, "hello: %s\n", recurra_last_error());
  exit(1);
}

/* A query leaves the state as it was: asking is not talking. */
static void ask(const recurra_state* state, const char* question) {
  const char* const stop_texts[] = {"\n\n"}; /* a turn ends with an empty line */
  char reply[1024];
  size_t n = 0;
  recurra_generate_options options;
  check(recurra_generate_options_init(&options, sizeof options));
  options.stop_texts = stop_texts;
  options.n_stop_texts = 1;
  options.max_tokens = 64;
  check(recurra_query_text(reply, sizeof reply, &n, state, question, (size_t)-1, &options));
  printf("%s%.*s\n", question, (int)n, reply);
}

int main(void) {
  const char* const question = "User: What is my name?\n\nAssistant:";
  recurra_model* model = NULL;
  recurra_state *state = NULL, *other = NULL;

  check(recurra_model_open(&model, NULL, NULL)); /* NULL: the default model, which is installed with the library */
  check(recurra_state_create(&state, model, NULL));
  check(recurra_feed_text(state, "User: My name is Dave.\n\nAssistant: Noted.\n\n", (size_t)-1, NULL));
  ask(state, question);

  check(recurra_save_file(state, "hello.state", NULL));
  check(recurra_state_create(&other, model, NULL));
  check(recurra_load_file(other, "hello.state"));
  ask(other, question);

  recurra_state_free(other);
  recurra_state_free(state);
  recurra_model_release(model);
  return 0;
}
