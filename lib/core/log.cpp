#include "core/log.h"

#include <cstdarg>
#include <cstdio>
#include <mutex>

namespace recurra {
namespace {

// The one process-wide setting: a log sink belongs to the program, not to a model.
struct Sink {
  LogCallback callback = nullptr;
  void* user = nullptr;
  LogLevel least = LogLevel::warning;
};

std::mutex& sink_mutex() {
  static std::mutex m;
  return m;
}

Sink& sink() {
  static Sink s;
  return s;
}

}  // namespace

void log_set(LogCallback callback, void* user, LogLevel least) {
  const std::lock_guard<std::mutex> lock(sink_mutex());
  sink() = {callback, user, least};
}

void log(LogLevel level, const char* format, ...) {
  Sink s;
  {
    const std::lock_guard<std::mutex> lock(sink_mutex());
    s = sink();
  }
  if (s.callback == nullptr || level < s.least) return;
  char line[1024];
  va_list args;
  va_start(args, format);
  std::vsnprintf(line, sizeof line, format, args);
  va_end(args);
  s.callback(s.user, static_cast<int32_t>(level), line);  // no lock held
}

}  // namespace recurra
