#include "core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace recurra {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a pipe must not wait for its writer. It changes nothing for regular files.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  const std::string shown = printable(path, 300);
  if (file.fd < 0) fail(errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::io, "%s: %s", shown.c_str(), std::strerror(errno));
  struct stat st {};
  if (::fstat(file.fd, &st) != 0) fail(Code::io, "%s: %s", shown.c_str(), std::strerror(errno));
  if (S_ISDIR(st.st_mode)) fail(Code::format, "%s: is a directory, expected a file", shown.c_str());
  if (!S_ISREG(st.st_mode)) fail(Code::format, "%s: is not a regular file", shown.c_str());
  size_ = static_cast<uint64_t>(st.st_size);
  if (size_ == 0) fail(Code::format, "%s: the file is empty", shown.c_str());
  void* p = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd, 0);
  if (p == MAP_FAILED) fail(errno == ENOMEM ? Code::memory : Code::io, "%s: cannot map %llu bytes: %s", shown.c_str(), static_cast<unsigned long long>(size_), std::strerror(errno));
  data_ = static_cast<const unsigned char*>(p);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<unsigned char*>(data_), size_);
}

void drop_pages(const void* data, uint64_t bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(data) + page - 1) / page * page;
  const uintptr_t last = (reinterpret_cast<uintptr_t>(data) + bytes) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace recurra
