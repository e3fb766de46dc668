#include "process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "interrupt.h"
#include "terminal.h"

extern char** environ;

namespace cli {
namespace {

// "VmRSS:     12345 kB"
std::uint64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.compare(0, key.size() + 1, key + ":") == 0) {
      return std::strtoull(line.c_str() + key.size() + 1, nullptr, 10) * 1024;
    }
  }
  return 0;
}

[[noreturn]] void fail(int code, const std::string& what) {
  throw std::system_error(code, std::generic_category(), what);
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&value); }
  ~FileActions() { posix_spawn_file_actions_destroy(&value); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t value;
};

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail(errno, "cannot wait for the second process");
  }
  return status;
}

}  // namespace

std::uint64_t resident_bytes() { return status_bytes("VmRSS"); }
std::uint64_t resident_peak_bytes() { return status_bytes("VmHWM"); }

std::string run_self(const std::vector<std::string>& arguments) {
  return run_program("/proc/self/exe", arguments, "the second process");
}

std::string run_program(const std::string& program, const std::vector<std::string>& arguments, const std::string& name) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail(errno, "cannot make a pipe");
  Descriptor read_end(ends[0]), write_end(ends[1]);

  // stdout and stderr are one pipe: a run that succeeds writes only the one, a run that fails only the other.
  FileActions actions;
  posix_spawn_file_actions_adddup2(&actions.value, write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions.value, write_end.get(), STDERR_FILENO);
  posix_spawn_file_actions_addopen(&actions.value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  std::vector<std::string> owned = {program};
  owned.insert(owned.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : owned) argv.push_back(&argument[0]);
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, program.c_str(), &actions.value, nullptr, argv.data(), environ);
  if (error != 0) fail(error, "cannot start " + name);
  write_end.close();

  std::string output;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(read_end.get(), buffer, sizeof buffer);
    if (n > 0) output.append(buffer, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  const int status = wait_for(child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  check_interrupt();
  if (WIFSIGNALED(status)) {
    throw std::runtime_error(name + " was ended by signal " + std::to_string(WTERMSIG(status)));
  }
  const std::string prefix = "recurra: ";
  std::string said = trim(output);
  said = said.substr(said.rfind('\n') + 1);  // a Python program's last line says what was wrong
  if (said.compare(0, prefix.size(), prefix) == 0) said.erase(0, prefix.size());
  throw std::runtime_error(name + " failed: " + said);
}

TemporaryFile::TemporaryFile(const std::string& name) : name_(name) {
  std::string pattern = (std::filesystem::temp_directory_path() / "recurra-XXXXXX").string();
  if (mkdtemp(&pattern[0]) == nullptr) fail(errno, "cannot make a folder " + pattern);
  folder_ = pattern;
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace cli
