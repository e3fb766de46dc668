#pragma once

#include <stdexcept>

#include "backend/cpu/int8.h"

namespace recurra {

// Throws std::logic_error where AMX would refuse what it is told to do.
extern const Int8Kernels kInt8TilesInMemory;

}  // namespace recurra
