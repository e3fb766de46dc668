// Faults of the system that cannot be provoked: this program has its own write, fsync, ... in front of the C library's,
// which fail on demand. Every call a save makes fails once.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>

#include "core/file_io.h"
#include "unit/state_samples.h"

namespace {

struct Fault {
  int countdown = -1;  // calls until one fails; negative: none does
  int error = 0;
  bool fired = false;
  const char* where = "";
  size_t most = SIZE_MAX;  // bytes that a read or a write moves
  bool interrupt = false;  // every second call is interrupted by a signal
  int calls = 0;
} fault;

bool fails(const char* where) {
  if (fault.interrupt && ++fault.calls % 2 == 1) {
    errno = EINTR;
    return true;
  }
  if (fault.countdown < 0 || fault.countdown-- > 0) return false;
  fault.fired = true;
  fault.where = where;
  errno = fault.error;
  return true;
}

}  // namespace

extern "C" {
ssize_t write(int fd, const void* data, size_t size) {
  return fails("write") ? -1 : ::syscall(SYS_write, fd, data, std::min(size, fault.most));
}
ssize_t read(int fd, void* data, size_t size) {
  return fails("read") ? -1 : ::syscall(SYS_read, fd, data, std::min(size, fault.most));
}
int fsync(int fd) {
  struct stat st {};
  const bool folder = ::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
  return fails(folder ? "fsync of the folder" : "fsync") ? -1 : static_cast<int>(::syscall(SYS_fsync, fd));
}
int fchmod(int fd, mode_t mode) {
  if (fault.interrupt) return static_cast<int>(::syscall(SYS_fchmod, fd, mode));  // is never interrupted
  return fails("fchmod") ? -1 : static_cast<int>(::syscall(SYS_fchmod, fd, mode));
}
int renameat(int from, const char* old_name, int to, const char* new_name) {
  if (!fault.interrupt && fails("renameat")) return -1;
  return static_cast<int>(::syscall(SYS_renameat2, from, old_name, to, new_name, 0));
}
int openat(int folder, const char* name, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const mode_t mode = va_arg(args, mode_t);
  va_end(args);
  return fails("openat") ? -1 : static_cast<int>(::syscall(SYS_openat, folder, name, flags, mode));
}
int close(int fd) {
  const int result = static_cast<int>(::syscall(SYS_close, fd));  // the descriptor is gone either way, as on Linux
  return !fault.interrupt && fails("close") ? -1 : result;
}
}

namespace recurra {
namespace {

using namespace testing_state;

TEST(StateFaults, EveryCallThatFailsLeavesTheOldFile) {
  const Sample old(4, 1), sample(40);
  const Bytes old_bytes = old.bytes(), new_bytes = sample.bytes();
  for (const bool replace : {true, false}) {
    for (const int error : {EIO, ENOSPC, EDQUOT}) {
      std::vector<std::string> places;
      for (int k = 0;; ++k) {
        const Folder folder;
        const std::string path = folder / "a.state";
        if (replace) state_save_file(path, old.header, old.tensors, StateType::f32);
        fault = {};
        fault.countdown = k;
        fault.error = error;
        std::string what;
        const Code code = code_of([&] { state_save_file(path, sample.header, sample.tensors, StateType::f32); }, &what);
        const Fault seen = fault;
        fault = {};
        if (!seen.fired) {
          EXPECT_EQ(code, Code::ok);
          break;
        }
        places.push_back(seen.where);
        if (code == Code::ok) {
          EXPECT_STREQ(seen.where, "close") << "the folder's, after all was done";
          EXPECT_EQ(file_bytes(path), new_bytes);
        } else {
          EXPECT_EQ(code, Code::io);
          EXPECT_EQ(what.rfind(path + ": cannot ", 0), 0u) << what;
          EXPECT_NE(what.find(std::strerror(error)), std::string::npos) << what;
          const bool last = std::string(seen.where) == "fsync of the folder";
          if (replace || last) {
            EXPECT_EQ(file_bytes(path), last ? new_bytes : old_bytes) << seen.where;
          } else {
            EXPECT_FALSE(std::filesystem::exists(path)) << seen.where;
          }
        }
        EXPECT_EQ(folder.names(), replace || std::filesystem::exists(path) ? std::vector<std::string>{"a.state"}
                                                                           : std::vector<std::string>{});
      }
      // The faults were really there, in the order in which a save goes.
      const std::vector<std::string> order =
          replace ? std::vector<std::string>{"openat",
                                             "write",
                                             "fchmod",
                                             "fsync",
                                             "close",
                                             "renameat",
                                             "fsync of the folder"}
                  : std::vector<std::string>{"openat", "write", "fsync", "close", "renameat", "fsync of the folder"};
      places.erase(std::unique(places.begin(), places.end()), places.end());
      ASSERT_GE(places.size(), order.size());
      EXPECT_TRUE(std::equal(order.begin(), order.end(), places.begin()));
    }
  }
}

TEST(StateFaults, ShortAndInterruptedCallsAreGoneOnWith) {
  const Sample sample(40);
  for (const size_t most : {size_t{1}, size_t{7}, size_t{4096}}) {
    const Folder folder;
    const std::string path = folder / "a.state";
    fault = {};
    fault.most = most;
    fault.interrupt = true;
    const Code code = code_of([&] { state_save_file(path, sample.header, sample.tensors, StateType::f32); });
    const int save_calls = fault.calls;
    Bytes read;
    const Code read_code = code_of([&] { read = state_read_file(path); });
    fault = {};
    EXPECT_EQ(code, Code::ok);
    EXPECT_EQ(read_code, Code::ok);
    EXPECT_GT(static_cast<size_t>(save_calls), sample.bytes().size() / most);
    EXPECT_EQ(file_bytes(path), sample.bytes());
    EXPECT_EQ(read, sample.bytes());
  }
}

TEST(StateFaults, AFolderThatKnowsNoSyncIsNoError) {
  const Sample sample;
  const Folder folder;
  for (int k = 0; k < 10; ++k) {
    fault = {};
    fault.countdown = k;
    fault.error = EINVAL;
    const Code code =
        code_of([&] { state_save_file(folder / "a.state", sample.header, sample.tensors, StateType::f32); });
    const Fault seen = fault;
    fault = {};
    if (seen.fired && std::string(seen.where) == "fsync of the folder") {
      EXPECT_EQ(code, Code::ok);
      return;
    }
  }
  FAIL() << "the folder was never synced";
}

TEST(StateFaults, AReadThatFailsIsTyped) {
  const Sample sample;
  const Folder folder;
  const std::string path = folder / "a.state";
  put_bytes(path, sample.bytes());
  for (int k = 0; k < 3; ++k) {
    fault = {};
    fault.countdown = k;
    fault.error = EIO;
    std::string what;
    const Code code = code_of([&] { state_read_file(path); }, &what);
    fault = {};
    EXPECT_EQ(code, Code::io);
    EXPECT_EQ(what, path + ": cannot read: " + std::strerror(EIO));
  }
}

TEST(StateFaults, AFileThatShrinksWhileItIsReadIsTyped) {
  const Folder folder;
  put_bytes(folder / "x", Bytes(100));
  InputFile file(folder / "x");
  std::filesystem::resize_file(folder / "x", 10);
  std::vector<unsigned char> bytes;
  EXPECT_EQ(code_of([&] { file.read(bytes, file.size()); }), Code::io);
}

}  // namespace
}  // namespace recurra
