// UTF-8, byte by byte (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF).
#pragma once

#include <cstddef>

namespace recurra {

// Length in bytes (1..4) of the valid UTF-8 character that starts at p, or 0 if the first `size` bytes do not
// start with one.
size_t utf8_sequence(const char* p, size_t size);

// How many of the first `size` bytes can be shown now: all but a character whose last bytes are still to come.
// Bytes that can never become valid are not held back.
size_t utf8_complete(const char* p, size_t size);

}  // namespace recurra
