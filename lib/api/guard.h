// The boundary: exceptions become status codes, and nothing else crosses.
#pragma once

#include <new>

#include "core/error.h"
#include "recurra/recurra.h"

namespace recurra {

// Keeps `message` for recurra_last_error of this thread; never throws.
void set_last_error(const char* message) noexcept;
const char* last_error() noexcept;

template <class F>
recurra_status guard(const F& call) noexcept {
  try {
    call();
    return RECURRA_OK;
  } catch (const Error& e) {
    set_last_error(e.what());
    return static_cast<recurra_status>(e.code());
  } catch (const std::bad_alloc&) {
    set_last_error("out of memory");
    return RECURRA_E_MEMORY;
  } catch (const std::exception& e) {
    set_last_error(e.what());
    return RECURRA_E_INTERNAL;
  } catch (...) {
    set_last_error("an unknown exception");
    return RECURRA_E_INTERNAL;
  }
}

// Throws Code::invalid where a pointer that must be there is NULL.
inline void need(const void* pointer, const char* name) {
  if (pointer == nullptr) fail(Code::invalid, "%s is NULL", name);
}

}  // namespace recurra
