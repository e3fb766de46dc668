// recurra.h, "library", "cancel and progress", "sampler".
#include <cstdio>
#include <memory>
#include <string>

#include "api/handles.h"
#include "api/structs.h"
#include "backend/cpu/level.h"
#include "core/log.h"
#include "mixers/mixer.h"

#include <oneapi/dnnl/dnnl.h>

namespace recurra {
namespace {

// One buffer per thread that never allocates: an out-of-memory error must be reportable too.
struct LastError {
  char text[1024] = "";
};

LastError& last() {
  static thread_local LastError error;
  return error;
}

SamplerOptions sampler_options(const recurra_sampler_options& o) {
  SamplerOptions s;
  s.temperature = o.temperature;
  s.seed = o.seed;
  s.top_k = o.top_k;
  s.top_p = o.top_p;
  s.min_p = o.min_p;
  s.repeat_penalty = o.repeat_penalty;
  s.repeat_last_n = o.repeat_last_n;
  return s;
}

recurra_sampler_options default_sampler() {
  const SamplerOptions s;
  recurra_sampler_options o{};
  o.temperature = s.temperature;
  o.seed = s.seed;
  o.top_k = s.top_k;
  o.top_p = s.top_p;
  o.min_p = s.min_p;
  o.repeat_penalty = s.repeat_penalty;
  o.repeat_last_n = s.repeat_last_n;
  return o;
}

std::string describe_build() {
  const dnnl_version_t* dnn = dnnl_version();
  std::string levels;
  for (int i = 0; i <= static_cast<int>(Level::amx); ++i)
    levels += std::string(i != 0 ? "," : "") + level_name(static_cast<Level>(i));
  char line[256];
  std::snprintf(line, sizeof line, "recurra %s, gcc %s, oneDNN %d.%d.%d, cpu levels %s, this cpu %s", recurra_version(),
                __VERSION__, dnn->major, dnn->minor, dnn->patch, levels.c_str(), level_name(best_level()));
  return line;
}

}  // namespace

void set_last_error(const char* message) noexcept { std::snprintf(last().text, sizeof last().text, "%s", message); }
const char* last_error() noexcept { return last().text; }

}  // namespace recurra

using namespace recurra;

#define RECURRA_TEXT(x) #x
#define RECURRA_JOIN(a, b, c) RECURRA_TEXT(a) "." RECURRA_TEXT(b) "." RECURRA_TEXT(c)

const char* recurra_version(void) {
  return RECURRA_JOIN(RECURRA_VERSION_MAJOR, RECURRA_VERSION_MINOR, RECURRA_VERSION_PATCH);
}

const char* recurra_build_info(void) {
  try {
    static const std::string info = describe_build();
    return info.c_str();
  } catch (...) {
    return recurra_version();
  }
}

const char* recurra_status_name(recurra_status status) {
  static const char* const names[] = {
      "RECURRA_OK",         "RECURRA_E_INVALID",  "RECURRA_E_MEMORY",      "RECURRA_E_IO",       "RECURRA_E_NOT_FOUND",
      "RECURRA_E_FORMAT",   "RECURRA_E_UNSUPPORTED", "RECURRA_E_CORRUPT",  "RECURRA_E_MISMATCH", "RECURRA_E_VERSION",
      "RECURRA_E_TOKEN",    "RECURRA_E_BUSY",     "RECURRA_E_CANCELLED",   "RECURRA_E_BACKEND",  "RECURRA_E_CALLBACK",
      "RECURRA_E_TOO_SMALL", "RECURRA_E_INTERNAL"};
  return status <= 0 && status >= RECURRA_E_INTERNAL ? names[-status] : "unknown status";
}

const char* recurra_last_error(void) { return last_error(); }

recurra_status recurra_log_set(recurra_log_callback callback, void* user, int32_t least_level) {
  return guard([&] {
    if (least_level < RECURRA_LOG_DEBUG || least_level > RECURRA_LOG_ERROR)
      fail(Code::invalid, "least_level is %d, expected 0 to 3", least_level);
    log_set(callback, user, static_cast<LogLevel>(least_level));
  });
}

int32_t recurra_backend_count(void) { return static_cast<int32_t>(backends().size()); }

const char* recurra_backend_name(int32_t index) {
  return index >= 0 && index < recurra_backend_count() ? backends()[static_cast<size_t>(index)].name : nullptr;
}

recurra_status recurra_cancel_create(recurra_cancel** out) {
  return guard([&] {
    need(out, "out");
    *out = new recurra_cancel;
  });
}

// No guard here: a signal handler may call this.
recurra_status recurra_cancel_trigger(recurra_cancel* cancel) {
  if (cancel == nullptr) return RECURRA_E_INVALID;
  cancel->flag.trigger();
  return RECURRA_OK;
}

recurra_status recurra_cancel_reset(recurra_cancel* cancel) {
  return guard([&] {
    need(cancel, "cancel");
    cancel->flag.reset();
  });
}

void recurra_cancel_free(recurra_cancel* cancel) { delete cancel; }

recurra_status recurra_sampler_options_init(recurra_sampler_options* options, size_t struct_size) {
  return guard([&] { init_options(options, struct_size, default_sampler(), "recurra_sampler_options"); });
}

recurra_status recurra_sampler_create(recurra_sampler** out, const recurra_sampler_options* options) {
  return guard([&] {
    need(out, "out");
    recurra_sampler_options o = default_sampler();
    copy_in(o, options, "recurra_sampler_options");
    if (o.reserved != 0) fail(Code::invalid, "recurra_sampler_options: reserved is %u, expected 0", o.reserved);
    *out = std::make_unique<recurra_sampler>(sampler_options(o)).release();
  });
}

recurra_status recurra_sampler_pick(recurra_token* out, recurra_sampler* sampler, const float* logits, size_t n_logits) {
  return guard([&] {
    need(out, "out");
    need(sampler, "sampler");
    need(logits, "logits");
    if (n_logits == 0 || n_logits > INT32_MAX)
      fail(Code::invalid, "n_logits is %zu, expected 1 to %d", n_logits, INT32_MAX);
    *out = sampler->sampler.pick(logits, n_logits);
  });
}

void recurra_sampler_free(recurra_sampler* sampler) { delete sampler; }
