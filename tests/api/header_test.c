/* The header by itself, as C99, C11 and C++17 with every warning an error, -Wpadded too: a hole in a struct could be filled by a
   new field without its sizeof changing, and then struct_size would not tell the versions apart. */
#include <recurra/recurra.h>
#include <recurra/recurra.h> /* twice is as good as once */

#define CHECK(name, condition) typedef char check_##name[(condition) ? 1 : -1]

/* Every struct of the header begins with a 32-bit struct_size. EACH_STRUCT is made by CMake from the header's text, so that none
   is forgotten. */
#define BEGINS_WITH_SIZE(type)                                                                                            \
  CHECK(type##_first, offsetof(type, struct_size) == 0);                                                                  \
  CHECK(type##_size, sizeof(((type *)NULL)->struct_size) == sizeof(uint32_t));
EACH_STRUCT(BEGINS_WITH_SIZE)

CHECK(status_is_32_bits, sizeof(recurra_status) == 4);
CHECK(token_is_32_bits, sizeof(recurra_token) == 4);
