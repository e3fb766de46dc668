// Ctrl-C: SIGINT and SIGTERM trigger one cancel, which every long call of this program is given. The first stops the
// work in good order; a second one, while the first is still at work, ends the process at once.
#pragma once

#include <recurra/recurra.hpp>

namespace cli {

void install_interrupt();             // once, before the first command
recurra::Cancel& interrupt_cancel();  // for the options of calls
bool interrupted();                   // has a signal come?
void check_interrupt();               // throws recurra::Error(RECURRA_E_CANCELLED) if one has
void clear_interrupt();               // it has been dealt with: as if none had come

}  // namespace cli
