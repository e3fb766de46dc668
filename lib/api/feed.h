// Feed options of the ABI, checked and translated; shared by the calls that read tokens.
#pragma once

#include "api/handles.h"
#include "recurra/recurra.h"

namespace recurra {

recurra_feed_options feed_defaults();
// The caller's over the defaults; writes 0 to n_done.
recurra_feed_options checked_feed(const recurra_feed_options* options);
// `o` outlives the result.
FeedOptions feed_options(const recurra_feed_options& o);
void need_tokens(size_t n_tokens, const void* tokens, const char* name);

}  // namespace recurra
