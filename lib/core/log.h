// Log lines go to the callback the program set with recurra_log_set, or nowhere: the library never prints.
#pragma once

#include <cstdint>

namespace recurra {

enum class LogLevel : int32_t { debug = 0, info = 1, warning = 2, error = 3 };

using LogCallback = void (*)(void* user, int32_t level, const char* message);

void log_set(LogCallback callback, void* user, LogLevel least);
void log(LogLevel level, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace recurra
