// How much memory a process that opens MODEL and reads with it holds at its peak, its mapped pages of the file counted:
//
//     peak_memory MODEL decode|batch|prefill
//
// Fails where that is more than the file's size and 64 MB, with a batch of 16 conversations their states, and with
// prefill one copy of the layers' matrices packed for products over many tokens.
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <recurra/recurra.hpp>
#include <vector>

namespace {

double peak_mb() {
  FILE* f = std::fopen("/proc/self/status", "re");
  char line[256];
  unsigned long long kb = 0;
  while (f != nullptr && std::fgets(line, sizeof line, f) != nullptr)
    if (std::sscanf(line, "VmHWM: %llu", &kb) == 1) break;
  if (f != nullptr) std::fclose(f);
  return static_cast<double>(kb) * 1024 / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const bool prefill = std::strcmp(argv[2], "prefill") == 0, batch = std::strcmp(argv[2], "batch") == 0;
  struct stat file {};
  if (::stat(argv[1], &file) != 0) return 2;
  const recurra::Model model = recurra::Model::open(argv[1]);
  std::vector<recurra::State> states;
  for (int i = 0; i < (batch ? 16 : 1); ++i) states.emplace_back(model);
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < (prefill ? 512 : 64); ++i) tokens.push_back(i * 31 % model.info().n_vocab);
  if (prefill) {
    states[0].feed(tokens);
  } else {
    std::vector<recurra::State*> all;
    for (recurra::State& state : states) all.push_back(&state);
    for (const int32_t token : tokens) recurra::feed_batch(all, std::vector<std::vector<int32_t>>(all.size(), {token}));
  }
  if (states[0].logits().empty()) return 1;

  const recurra::ModelInfo info = model.info();
  const double outside = 2.0 * info.n_vocab * info.n_embd;  // the embedding table and the head are not packed
  const double packed = (static_cast<double>(info.n_params) - outside) * (info.dtype == "bf16" ? 2 : 4);
  const double limit = static_cast<double>(file.st_size) / 1e6 + 64 + (prefill ? packed / 1e6 : 0) +
                       (batch ? 16 * static_cast<double>(info.state_bytes) / 1e6 : 0);
  std::printf("%-8s file %.0f MB, peak %.0f MB, limit %.0f MB\n", argv[2], static_cast<double>(file.st_size) / 1e6,
              peak_mb(), limit);
  return peak_mb() <= limit ? 0 : 1;
}
