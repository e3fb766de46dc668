// A file's bytes, read-only and memory-mapped. Throws Code::not_found, Code::io or, for what is no regular file
// (a directory, a pipe), Code::format.
#pragma once

#include <cstdint>
#include <string>

namespace recurra {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const unsigned char* data() const { return data_; }
  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const unsigned char* data_ = nullptr;
  uint64_t size_ = 0;
};

// The whole pages of a mapped file that lie in [data, data + bytes) leave memory until they are read again.
void drop_pages(const void* data, uint64_t bytes);

}  // namespace recurra
