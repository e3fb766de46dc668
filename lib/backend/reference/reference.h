// The reference backend: plain loops in float32, one thread, nothing clever. It is the oracle of the tests and says
// what every operation of backend.h means.
#pragma once

#include "backend/backend.h"

namespace recurra {

std::unique_ptr<Backend> make_reference_backend(const BackendOptions& options);

}  // namespace recurra
