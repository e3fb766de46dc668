// Files as wholes: read one into memory, replace one atomically. For files that may change while they are open; weights
// are mapped instead (mapped_file.h). Errors are one line with the path and what the operating system said.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace recurra {

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  void reset(int fd) {
    close();
    fd_ = fd;
  }
  int close();  // what close(2) returned; 0 where nothing was open

 private:
  int fd_ = -1;
};

// A regular file, read from front to back. No such file is Code::not_found, all else Code::io (a directory or a pipe
// too).
class InputFile {
 public:
  explicit InputFile(const std::string& path);

  uint64_t size() const { return size_; }            // when it was opened
  const std::string& name() const { return name_; }  // the path, printable
  void read(std::vector<unsigned char>& to,
            uint64_t n);  // appends the next n bytes; a file that ends before is Code::io

 private:
  std::string name_;
  Descriptor file_;
  uint64_t size_ = 0;
};

std::vector<unsigned char> read_file(const std::string& path);

// Replaces the file at `path` as a whole, or leaves it as it was: what is written goes to a new file in the same
// folder, and commit() syncs that, renames it over the path and syncs the folder. Without a commit that returned, the
// new file is removed; a process that is killed leaves it behind, named ".recurra-PID-N.tmp". A symbolic link at `path`
// is followed, so the link stays. An old file's permissions are kept, and its owner where the system allows; a new file
// has those that the umask gives. Whatever the system refuses is Code::io, and so is a path that holds no regular file
// (a rename would put one in the place of a device) or a file that may not be written.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);
  // If this fails, the path is what it was; only if the very last step fails, the folder's sync, it holds the new file.
  void commit();

 private:
  void flush();
  void write_through(const unsigned char* data, size_t size);
  [[noreturn]] void refuse(const char* step, int error) const;

  std::string name_;    // the path as given, printable
  std::string target_;  // the file's name in the folder
  std::string temporary_;
  Descriptor folder_, file_;
  bool replaces_ = false;  // there was a file at the path, with these permissions
  mode_t mode_ = 0;
  uid_t owner_ = 0;
  gid_t group_ = 0;
  std::vector<unsigned char> buffer_;
};

}  // namespace recurra
