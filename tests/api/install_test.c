/* A program of someone who installed recurra: it prints the version of the library that it runs with, which must be the
   header's, and opens the default model, which the library finds from where it lies itself. */
#include <recurra/recurra.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  char want[32];
  recurra_model *model = NULL;
  recurra_status status;
  sprintf(want, "%d.%d.%d", RECURRA_VERSION_MAJOR, RECURRA_VERSION_MINOR, RECURRA_VERSION_PATCH);
  if (strcmp(recurra_version(), want) != 0) {
    fprintf(stderr, "the library says it is %s, its header %s\n", recurra_version(), want);
    return 1;
  }
  status = recurra_model_open(&model, NULL, NULL);
  if (status != RECURRA_OK) {
    fprintf(stderr, "opening the default model: %s\n", recurra_last_error());
    return 1;
  }
  recurra_model_release(model);
  puts(want);
  return 0;
}
