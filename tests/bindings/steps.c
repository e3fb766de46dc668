/* What a token step costs a C program, in microseconds of one CPU: the best of several rounds over N single-token
   calls. Bindings, which make the same calls, are measured against it.

       steps MODEL.gguf N        prints {"feed": x, "generate": x} */
#include <recurra/recurra.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check(recurra_status status) {
  if (status == RECURRA_OK) return;
  fprintf(stderr, "steps: %s\n", recurra_last_error());
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void feed(recurra_state* state, int n) {
  for (int i = 0; i < n; ++i) {
    const recurra_token token = 5 + i % 50;
    check(recurra_feed(state, &token, 1, NULL));
  }
}

static void generate(recurra_state* state, int n) {
  recurra_generate_options options;
  size_t written = 0;
  check(recurra_generate_options_init(&options, sizeof options));
  options.max_tokens = (uint64_t)n;
  check(recurra_generate(NULL, 0, &written, state, &options));
  if (written != (size_t)n) exit(1);
}

static double best(recurra_model* model, int n, void (*steps)(recurra_state*, int)) {
  double least = 1e300;
  for (int round = 0; round < 9; ++round) {
    recurra_state* state = NULL;
    const recurra_token first = 5;
    check(recurra_state_create(&state, model, NULL));
    check(recurra_feed(state, &first, 1, NULL));
    const double start = now();
    steps(state, n);
    const double took = (now() - start) / n;
    if (took < least) least = took;
    recurra_state_free(state);
  }
  return least;
}

int main(int argc, char** argv) {
  recurra_model* model = NULL;
  recurra_model_options options;
  if (argc != 3) return 2;
  const int n = atoi(argv[2]);
  check(recurra_model_options_init(&options, sizeof options));
  options.threads = 1;
  check(recurra_model_open(&model, argv[1], &options));
  const double fed = best(model, n, feed);
  printf("{\"feed\": %.3f, \"generate\": %.3f}\n", fed, best(model, n, generate));
  recurra_model_release(model);
  return 0;
}
