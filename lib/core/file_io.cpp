#include "core/file_io.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/error.h"

namespace recurra {
namespace {

constexpr size_t kBuffer = 64 << 10;       // small writes are gathered up to here
constexpr size_t kMostPerCall = 1u << 30;  // Linux moves at most 2 GiB per read or write
constexpr size_t kShownPath = 300;         // bytes of a path in an error line
constexpr int kMostLinks = 40;             // as Linux does
constexpr int kMostNames = 1000;           // temporary names tried: killed processes may have left some behind

// Length of the folder's part of a path, with its last slash; 0 where there is none.
size_t folder_length(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? 0 : slash + 1;
}

// Unlike realpath(), works where the file that a link names is yet to be made. Returns false, with errno, where links
// go in circles.
bool follow_links(std::string& path) {
  for (int i = 0; i < kMostLinks; ++i) {
    char link[PATH_MAX];
    const ssize_t n = ::readlink(path.c_str(), link, sizeof link);
    if (n < 0) return true;  // no link; what else may be wrong with the path, its use will tell
    if (static_cast<size_t>(n) == sizeof link) {
      errno = ENAMETOOLONG;
      return false;
    }
    const std::string target(link, static_cast<size_t>(n));
    path = !target.empty() && target[0] == '/' ? target : path.substr(0, folder_length(path)) + target;
  }
  errno = ELOOP;
  return false;
}

int sync(int fd) {
  int result;
  do result = ::fsync(fd);
  while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

int Descriptor::close() {
  const int fd = fd_;
  fd_ = -1;
  return fd < 0 ? 0 : ::close(fd);  // never again on EINTR: on Linux the descriptor is gone all the same
}

InputFile::InputFile(const std::string& path) : name_(printable(path, kShownPath)) {
  // O_NONBLOCK: opening a pipe must not wait for its writer. It changes nothing for regular files.
  file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file_.get() < 0) {
    fail(errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::io, "%s: %s", name_.c_str(),
         std::strerror(errno));
  }
  struct stat st {};
  if (::fstat(file_.get(), &st) != 0) fail(Code::io, "%s: %s", name_.c_str(), std::strerror(errno));
  if (S_ISDIR(st.st_mode)) fail(Code::io, "%s: is a directory, expected a file", name_.c_str());
  if (!S_ISREG(st.st_mode)) fail(Code::io, "%s: is not a regular file", name_.c_str());
  size_ = static_cast<uint64_t>(st.st_size);
}

void InputFile::read(std::vector<unsigned char>& to, uint64_t n) {
  const size_t before = to.size();
  to.resize(before + n);
  uint64_t done = 0;
  while (done < n) {
    const ssize_t got = ::read(file_.get(), to.data() + before + done, std::min<uint64_t>(n - done, kMostPerCall));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(Code::io, "%s: cannot read: %s", name_.c_str(), std::strerror(errno));
    if (got == 0) fail(Code::io, "%s: became shorter while it was read", name_.c_str());
    done += static_cast<uint64_t>(got);
  }
}

std::vector<unsigned char> read_file(const std::string& path) {
  InputFile file(path);
  std::vector<unsigned char> bytes;
  file.read(bytes, file.size());
  return bytes;
}

AtomicFile::AtomicFile(const std::string& path) : name_(printable(path, kShownPath)) {
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0) {
    if (S_ISDIR(st.st_mode)) refuse("write", EISDIR);
    if (!S_ISREG(st.st_mode)) fail(Code::io, "%s: cannot write: is not a regular file", name_.c_str());
    // The rename would replace a write-protected file without a word.
    if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) refuse("write", errno);
    replaces_ = true;
    mode_ = st.st_mode & 0777;
    owner_ = st.st_uid;
    group_ = st.st_gid;
  }
  std::string real = path;
  if (!follow_links(real)) refuse("follow the link", errno);
  const size_t cut = folder_length(real);
  target_ = real.substr(cut);
  if (target_.empty()) refuse("write", real.empty() ? ENOENT : EISDIR);

  // Opened before anything is written: a folder that cannot be synced is found out while there is nothing to undo.
  folder_.reset(::open(cut == 0 ? "." : real.substr(0, cut).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder_.get() < 0) refuse("open the folder", errno);

  // A new file is made with 0666, from which the kernel takes the umask and the folder's default ACL: there is no way
  // to ask for the umask that is safe with threads. One that replaces another is private until commit() gives it the
  // permissions of the old one.
  static std::atomic<uint32_t> counter{0};
  buffer_.reserve(kBuffer);
  for (int i = 0; file_.get() < 0; ++i) {
    char name[64];
    std::snprintf(name, sizeof name, ".recurra-%ld-%u.tmp", static_cast<long>(::getpid()), counter.fetch_add(1));
    temporary_ = name;
    const int fd =
        ::openat(folder_.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, replaces_ ? 0600 : 0666);
    if (fd < 0 && errno != EINTR && (errno != EEXIST || i >= kMostNames)) {
      temporary_.clear();
      refuse("make a file beside it", errno);
    }
    file_.reset(fd);
  }
}

AtomicFile::~AtomicFile() {
  file_.close();
  if (!temporary_.empty()) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

void AtomicFile::refuse(const char* step, int error) const {
  fail(Code::io, "%s: cannot %s: %s", name_.c_str(), step, std::strerror(error));
}

void AtomicFile::write(const void* data, size_t size) {
  const unsigned char* bytes = static_cast<const unsigned char*>(data);
  if (buffer_.size() + size > kBuffer) flush();
  if (size >= kBuffer) {
    write_through(bytes, size);
  } else {
    buffer_.insert(buffer_.end(), bytes, bytes + size);
  }
}

void AtomicFile::flush() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::write_through(const unsigned char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(file_.get(), data, std::min(size, kMostPerCall));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse("write", errno);
    if (n == 0) refuse("write", EIO);  // POSIX leaves this open for regular files; without it, an endless loop
    data += n;
    size -= static_cast<size_t>(n);
  }
}

void AtomicFile::commit() {
  flush();
  if (replaces_) {
    // The owner first, because a change of owner may clear mode bits. Only root may give files away: as far as it goes.
    if (::fchown(file_.get(), owner_, group_) != 0 && ::fchown(file_.get(), static_cast<uid_t>(-1), group_) != 0) {
      // neither is ours to give; the file stays the caller's
    }
    if (::fchmod(file_.get(), mode_) != 0) refuse("set the permissions", errno);
  }
  if (sync(file_.get()) != 0) refuse("sync", errno);
  if (file_.close() != 0) refuse("close", errno);
  if (::renameat(folder_.get(), temporary_.c_str(), folder_.get(), target_.c_str()) != 0) refuse("rename", errno);
  temporary_.clear();
  // Some file systems have no sync of folders; there, nothing more can be done.
  if (sync(folder_.get()) != 0 && errno != EINVAL && errno != ENOTSUP && errno != ENOSYS)
    refuse("sync the folder", errno);
}

}  // namespace recurra
