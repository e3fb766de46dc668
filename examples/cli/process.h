// This process and another one of the same program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cli {

std::uint64_t resident_bytes();       // VmRSS of /proc/self/status; 0 where there is none
std::uint64_t resident_peak_bytes();  // VmHWM

// Runs this very program with other arguments in a new process, and returns what it printed. If it fails, throws what
// it said; if Ctrl-C came meanwhile, recurra::Error(RECURRA_E_CANCELLED).
std::string run_self(const std::vector<std::string>& arguments);

// The same with another program, found as a shell does. Of what it said, the last line counts.
std::string run_program(const std::string& program, const std::vector<std::string>& arguments, const std::string& name);

// A path for a temporary file, which goes when this object does. The file itself is made by whoever writes it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path() const { return folder_ + "/" + name_; }

 private:
  std::string folder_, name_;  // a folder of its own, readable by its owner alone
};

}  // namespace cli
