// State files that are wrong, and places that cannot be written, through the C ABI: a typed error in one line, the
// state and the old file as they were, nothing left behind.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <functional>

#include "support/api.h"
#include "support/child.h"
#include "support/files.h"
#include "support/tiny_model.h"

namespace recurra::test {
namespace {

class StateErrors : public ::testing::Test {
 protected:
  void SetUp() override {
    recurra_model* raw = nullptr;
    ASSERT_OK(recurra_model_open_memory(&raw, gguf.data(), gguf.size(), nullptr));
    model.reset(raw);
    state = make_state(raw);
    feed(state.get(), some_tokens(100, 1, 260));
    ASSERT_OK(recurra_state_set_note(state.get(), "title", "of another"));
    saved = bytes_of(state.get());
    target = make_state(raw);
    feed(target.get(), some_tokens(10, 2, 260));
    ASSERT_OK(recurra_state_set_note(target.get(), "title", "kept"));
    before = bytes_of(target.get());
  }
  void TearDown() override {
    EXPECT_EQ(bytes_of(target.get()), before);
    EXPECT_OK(recurra_load_memory(target.get(), saved.data(), saved.size()));  // and it works
    EXPECT_EQ(bytes_of(target.get()), saved);
  }

  // Loads from memory that ends where the bytes do, for the address sanitizer.
  recurra_status load(const std::string& bytes) {
    const std::unique_ptr<char[]> exact(new char[bytes.size()]);
    std::memcpy(exact.get(), bytes.data(), bytes.size());
    return recurra_load_memory(target.get(), exact.get(), bytes.size());
  }
  recurra_status load_path(const std::string& path) { return recurra_load_file(target.get(), path.c_str()); }
  recurra_status save_path(const std::string& path) { return recurra_save_file(state.get(), path.c_str(), nullptr); }

  // A state of this other model, as a file.
  static std::string saved_with(const TinyModel& tiny) {
    const std::string file = tiny.build();
    recurra_model* raw = nullptr;
    EXPECT_OK(recurra_model_open_memory(&raw, file.data(), file.size(), nullptr));
    const ModelPtr owner(raw);
    const StatePtr other = make_state(raw);
    feed(other.get(), {1, 2, 3});
    return bytes_of(other.get());
  }

  const std::string gguf = TinyModel().build();
  ModelPtr model;
  StatePtr state, target;
  std::string saved, before;
  Folder folder;
};

// ---- what is read ---------------------------------------------------------------------------------------------------

TEST_F(StateErrors, NoFile) {
  EXPECT_ERROR(load_path(folder / "absent"), RECURRA_E_NOT_FOUND, folder / "absent");
  EXPECT_ERROR(load_path(folder.path()), RECURRA_E_IO, "is a directory");
  EXPECT_ERROR(load_path("/dev/null"), RECURRA_E_IO, "not a regular file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_ERROR(load_path(folder / "pipe"), RECURRA_E_IO, "not a regular file");
  write_whole(folder / "empty", "");
  EXPECT_ERROR(load_path(folder / "empty"), RECURRA_E_CORRUPT, "empty");
  EXPECT_ERROR(load(""), RECURRA_E_CORRUPT, "memory");
  recurra_peek peek{};
  peek.struct_size = sizeof peek;
  EXPECT_ERROR(recurra_peek_file(&peek, nullptr, 0, nullptr, (folder / "absent").c_str()), RECURRA_E_NOT_FOUND,
               "absent");
  EXPECT_ERROR(recurra_peek_file(&peek, nullptr, 0, nullptr, folder.path().c_str()), RECURRA_E_IO, "is a directory");
}

TEST_F(StateErrors, FilesOfAnotherKind) {
  EXPECT_ERROR(load_path(small_model()), RECURRA_E_CORRUPT, "no state file");
  EXPECT_ERROR(load(gguf), RECURRA_E_CORRUPT, "memory");
  EXPECT_ERROR(load(std::string(10000, '\0')), RECURRA_E_CORRUPT, "memory");
  EXPECT_ERROR(load(std::string(10000, '\xff')), RECURRA_E_CORRUPT, "memory");
  recurra_model* raw = nullptr;
  EXPECT_ERROR(recurra_model_open_memory(&raw, saved.data(), saved.size(), nullptr), RECURRA_E_FORMAT, "no GGUF");
}

TEST_F(StateErrors, OfAnotherModel) {
  TinyModel tiny;
  tiny.seed = 2;
  EXPECT_ERROR(load(saved_with(tiny)), RECURRA_E_MISMATCH, info_of(model.get()).fingerprint);
  tiny = {};
  tiny.tokenizer = "";  // the same weights, but its tokens mean other texts
  EXPECT_ERROR(load(saved_with(tiny)), RECURRA_E_MISMATCH, "tokenizer");
  const ModelPtr small = open_model();
  const StatePtr other = make_state(small.get());
  feed(other.get(), {1});
  const std::string bytes = bytes_of(other.get());
  EXPECT_ERROR(load(bytes), RECURRA_E_MISMATCH, info_of(small.get()).fingerprint);
  write_whole(folder / "other", bytes);
  EXPECT_ERROR(load_path(folder / "other"), RECURRA_E_MISMATCH, folder / "other");
}

TEST_F(StateErrors, CutAnywhere) {
  for (size_t size = 0; size < saved.size(); ++size)
    EXPECT_ERROR(load(saved.substr(0, size)), RECURRA_E_CORRUPT, "memory");
  EXPECT_ERROR(load(saved + '\0'), RECURRA_E_CORRUPT, "memory");
  for (size_t percent = 0; percent < 100; percent += 9) {
    write_whole(folder / "cut", saved.substr(0, saved.size() * percent / 100));
    EXPECT_ERROR(load_path(folder / "cut"), RECURRA_E_CORRUPT, folder / "cut");
    recurra_peek peek{};
    peek.struct_size = sizeof peek;
    EXPECT_ERROR(recurra_peek_file(&peek, nullptr, 0, nullptr, (folder / "cut").c_str()), RECURRA_E_CORRUPT, "cut");
  }
}

TEST_F(StateErrors, AnyFlippedBit) {
  const std::string version = "\"recurra.format\":\"1";
  const size_t digit = saved.find(version) + version.size() - 1;
  ASSERT_LT(digit, saved.size());
  size_t newer = 0;
  for (size_t i = 0; i < saved.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      if (kSanitized && i != digit && bit != static_cast<int>(i % 8)) continue;  // one of each byte will do
      std::string bytes = saved;
      bytes[i] = static_cast<char>(bytes[i] ^ 1 << bit);
      const recurra_status status = load(bytes);
      // A larger version number is what a newer library would write.
      if (i == digit && status == RECURRA_E_VERSION) {
        ++newer;
      } else {
        ASSERT_TRUE(is_status(status, RECURRA_E_CORRUPT, "memory")) << "bit " << bit << " of byte " << i;
      }
    }
  }
  EXPECT_EQ(newer, 3u);  // '1' to '3', '5' and '9'
}

TEST_F(StateErrors, OfANewerFormat) {
  std::string bytes = saved;
  const std::string version = "\"recurra.format\":\"1";
  bytes[bytes.find(version) + version.size() - 1] = '2';
  EXPECT_ERROR(load(bytes), RECURRA_E_VERSION, "version 2");
  write_whole(folder / "newer", bytes);
  EXPECT_ERROR(load_path(folder / "newer"), RECURRA_E_VERSION, folder / "newer");
}

// ---- streams --------------------------------------------------------------------------------------------------------

struct Source {
  std::string bytes;
  size_t at = 0, most_per_call = 1 << 30;
};

size_t read_source(void* user, void* data, size_t size) {
  auto& s = *static_cast<Source*>(user);
  const size_t n = std::min({size, s.bytes.size() - s.at, s.most_per_call});
  std::memcpy(data, s.bytes.data() + s.at, n);
  s.at += n;
  return n;
}

TEST_F(StateErrors, StreamsThatFail) {
  Source source{saved};
  source.most_per_call = saved.size() / 2;  // less than was asked for: the end
  EXPECT_ERROR(recurra_load_stream(target.get(), read_source, &source), RECURRA_E_CORRUPT, "stream");
  const auto lie = [](void*, void*, size_t size) -> size_t { return size + 1; };
  EXPECT_ERROR(recurra_load_stream(target.get(), lie, nullptr), RECURRA_E_CALLBACK, "read callback");
  const auto failed = [](void*, void*, size_t) -> size_t { return static_cast<size_t>(-1); };
  EXPECT_ERROR(recurra_load_stream(target.get(), failed, nullptr), RECURRA_E_CALLBACK, "read callback");
  const auto refuse = [](void*, const void*, size_t) -> size_t { return 0; };
  EXPECT_ERROR(recurra_save_stream(state.get(), refuse, nullptr, nullptr), RECURRA_E_CALLBACK,
               "write callback took 0 of");
  const auto short_write = [](void*, const void*, size_t size) -> size_t { return size - 1; };
  EXPECT_ERROR(recurra_save_stream(state.get(), short_write, nullptr, nullptr), RECURRA_E_CALLBACK, "write callback");
}

TEST_F(StateErrors, StreamsWithoutAnEnd) {
  const auto zeros = [](void* user, void* data, size_t size) -> size_t {
    std::memset(data, 0, size);
    *static_cast<uint64_t*>(user) += size;
    return size;
  };
  uint64_t given = 0;
  EXPECT_ERROR(recurra_load_stream(target.get(), zeros, &given), RECURRA_E_CORRUPT, "stream");
  EXPECT_LT(given, 300u << 20);
}

TEST_F(StateErrors, StreamToAFullDevice) {
  FILE* full = std::fopen("/dev/full", "wb");
  if (full == nullptr) GTEST_SKIP() << "/dev/full is not there";
  std::setvbuf(full, nullptr, _IONBF, 0);
  const auto write = [](void* user, const void* data, size_t size) -> size_t {
    return std::fwrite(data, 1, size, static_cast<FILE*>(user));
  };
  EXPECT_ERROR(recurra_save_stream(state.get(), write, full, nullptr), RECURRA_E_CALLBACK, "write callback");
  std::fclose(full);
}

// ---- what is written ------------------------------------------------------------------------------------------------

TEST_F(StateErrors, PathsThatCannotBeWritten) {
  EXPECT_ERROR(save_path(folder / "no/such/folder"), RECURRA_E_IO, "no/such/folder");
  EXPECT_ERROR(save_path(folder.path()), RECURRA_E_IO, folder.path());
  EXPECT_ERROR(save_path(folder.path() + "/"), RECURRA_E_IO, folder.path());
  EXPECT_ERROR(save_path(""), RECURRA_E_IO, "");
  EXPECT_ERROR(save_path("/dev/full"), RECURRA_E_IO, "/dev/full");
  EXPECT_ERROR(save_path(folder / std::string(300, 'x')), RECURRA_E_IO, "xxx");
  write_whole(folder / "file", "old");
  EXPECT_ERROR(save_path(folder / "file/below"), RECURRA_E_IO, "file/below");
  EXPECT_EQ(folder.listing(), std::vector<std::string>{"file"});
  EXPECT_EQ(read_whole(folder / "file"), "old");
}

// A full disk at any byte: the limit on a file's size acts like one, wherever it is wanted.
TEST_F(StateErrors, FullAtAnyByte) {
  const std::string path = folder / "state";
  write_whole(path, "old");
  EXPECT_EQ(in_child([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              for (rlim_t most = 0; most < saved.size(); most += 97) {
                const rlimit limit{most, RLIM_INFINITY};
                if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(kSkipped);
                EXPECT_ERROR(save_path(path), RECURRA_E_IO, path);
              }
              const rlimit enough{saved.size(), RLIM_INFINITY};
              if (::setrlimit(RLIMIT_FSIZE, &enough) != 0) ::_exit(kSkipped);
              EXPECT_EQ(read_whole(path), "old");
              EXPECT_EQ(folder.listing(), std::vector<std::string>{"state"});
              EXPECT_OK(save_path(path));
            }),
            0);
  EXPECT_EQ(read_whole(path), saved);
  EXPECT_EQ(folder.listing(), std::vector<std::string>{"state"});
}

// A file system of one's own in a child: as root, or where users may have name spaces.
bool mount_own(const std::string& where, const char* options) {
  if (::unshare(::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", where.c_str(), "tmpfs", 0, options) == 0;
}

TEST_F(StateErrors, FullDisk) {
  const std::string path = folder / "state", filler = folder / "filler";
  const int result = in_child([&] {
    if (!mount_own(folder.path(), "size=64k")) ::_exit(kSkipped);
    EXPECT_OK(save_path(path));
    // Fill it to the last page.
    FILE* f = std::fopen(filler.c_str(), "wb");
    const std::string page(4096, 'x');
    while (std::fwrite(page.data(), page.size(), 1, f) == 1 && std::fflush(f) == 0) continue;
    std::fclose(f);
    feed(state.get(), {1});
    EXPECT_ERROR(save_path(path), RECURRA_E_IO, "No space left");
    EXPECT_EQ(read_whole(path), saved);
    EXPECT_EQ(folder.listing(), (std::vector<std::string>{"filler", "state"}));
    std::remove(filler.c_str());
    EXPECT_OK(save_path(path));
    EXPECT_EQ(read_whole(path), bytes_of(state.get()));
  });
  if (result == kSkipped) GTEST_SKIP() << "no file system may be mounted here";
  EXPECT_EQ(result, 0);
}

TEST_F(StateErrors, ReadOnlyFileSystem) {
  const std::string path = folder / "state";
  const int result = in_child([&] {
    if (!mount_own(folder.path(), "size=64k")) ::_exit(kSkipped);
    EXPECT_OK(save_path(path));
    if (::mount("none", folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) ::_exit(kSkipped);
    EXPECT_ERROR(save_path(path), RECURRA_E_IO, "Read-only file system");
    EXPECT_ERROR(save_path(folder / "new"), RECURRA_E_IO, "Read-only file system");
    EXPECT_OK(recurra_load_file(state.get(), path.c_str()));
    EXPECT_EQ(folder.listing(), std::vector<std::string>{"state"});
  });
  if (result == kSkipped) GTEST_SKIP() << "no file system may be mounted here";
  EXPECT_EQ(result, 0);
}

TEST_F(StateErrors, ReadOnlyFolder) {
  const std::string path = folder / "state";
  ASSERT_OK(save_path(path));
  const int result = in_child([&] {
    // Permissions do not bind root: somebody else tries.
    if (::chmod(path.c_str(), 0644) != 0 || ::chmod(folder.path().c_str(), 0555) != 0) ::_exit(kSkipped);
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::seteuid(kNobody) != 0) ::_exit(kSkipped);
    EXPECT_ERROR(save_path(path), RECURRA_E_IO, path);
    EXPECT_ERROR(save_path(folder / "new"), RECURRA_E_IO, folder / "new");
    EXPECT_OK(recurra_load_file(state.get(), path.c_str()));
    EXPECT_EQ(folder.listing(), std::vector<std::string>{"state"});
    EXPECT_EQ(read_whole(path), saved);
  });
  ::chmod(folder.path().c_str(), 0755);
  if (result == kSkipped) GTEST_SKIP() << "this process can be nobody else";
  EXPECT_EQ(result, 0);
}

TEST_F(StateErrors, FilesThatMayNotBeRead) {
  write_whole(folder / "secret", saved);
  const int result = in_child([&] {
    if (::chmod((folder / "secret").c_str(), 0) != 0 || ::chmod(folder.path().c_str(), 0755) != 0) ::_exit(kSkipped);
    if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(kSkipped);
    EXPECT_ERROR(load_path(folder / "secret"), RECURRA_E_IO, "Permission denied");
    recurra_model* raw = nullptr;
    EXPECT_ERROR(recurra_model_open(&raw, (folder / "secret").c_str(), nullptr), RECURRA_E_IO, "Permission denied");
  });
  if (result == kSkipped) GTEST_SKIP() << "this process can be nobody else";
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace recurra::test
