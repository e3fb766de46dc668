// Saving to a file: atomic whatever happens. Refusals of the system are provoked for real here; those that cannot be
// are injected in state_faults_test.cpp.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <random>
#include <thread>

#include "core/file_io.h"
#include "core/hash.h"
#include "format/state_file.h"
#include "unit/state_samples.h"

namespace recurra {
namespace {

using namespace testing_state;
namespace fs = std::filesystem;

void save(const std::string& path, const Sample& sample, StateType type = StateType::f32) {
  state_save_file(path, sample.header, sample.tensors, type);
}

Code save_code(const std::string& path, const Sample& sample, std::string* what = nullptr) {
  return code_of([&] { save(path, sample); }, what);
}

unsigned permissions(const std::string& path) {
  struct stat st {};
  EXPECT_EQ(::stat(path.c_str(), &st), 0) << path;
  return st.st_mode & 07777;
}

// Runs `work` in a child process; its result is the exit status (128 + the signal for a killed one).
template <class Work>
int in_child(const Work& work) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(work());
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// In a child: the save must fail with Code::io and a line that has `part`. 0 if so.
int expect_io_in_child(const std::string& path, const Sample& sample, const std::string& part) {
  std::string what;
  if (save_code(path, sample, &what) == Code::io && what.find(part) != std::string::npos &&
      what.find(path) != std::string::npos)
    return 0;
  std::fprintf(stderr, "found '%s', expected '%s'\n", what.c_str(), part.c_str());
  return 1;
}

TEST(StateSave, MakesAndReplacesAFile) {
  const Folder folder;
  const std::string path = folder / "a.state";
  for (const int variant : {0, 1}) {
    const Sample sample(40, variant);
    save(path, sample);
    EXPECT_EQ(file_bytes(path), sample.bytes());
    EXPECT_EQ(state_read_file(path), sample.bytes());
    EXPECT_EQ(read_file(path), sample.bytes());
    EXPECT_EQ(folder.names(), std::vector<std::string>{"a.state"});
  }
}

TEST(StateSave, WorksInTheWorkingFolderAndOnTheLongestName) {
  const Folder folder;
  const Sample sample;
  EXPECT_EQ(in_child([&] { return ::chdir(folder.path().c_str()) != 0 || save_code("plain", sample) != Code::ok; }), 0);
  EXPECT_EQ(file_bytes(folder / "plain"), sample.bytes());
  const std::string longest(255, 'n');
  save(folder / longest, sample);
  EXPECT_EQ(file_bytes(folder / longest), sample.bytes());
  EXPECT_EQ(save_code(folder / (longest + "n"), sample), Code::io);
  EXPECT_EQ(folder.names().size(), 2u);
}

TEST(StateSave, PermissionsOfAnOldFileStayAndANewOneHasTheUmasks) {
  const Folder folder;
  const Sample sample;
  const std::string path = folder / "a.state";
  for (const mode_t mask : {0022, 0077, 0000}) {
    const mode_t before = ::umask(mask);
    save(path, sample);
    ::umask(before);
    EXPECT_EQ(permissions(path), 0666 & ~mask);
    fs::remove(path);
  }
  save(path, sample);
  for (const mode_t mode : {0600, 0640, 0777, 0666}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    save(path, sample);
    EXPECT_EQ(permissions(path), mode);
  }
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 12345, 23456), 0);
    save(path, sample);
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_uid, 12345u);
    EXPECT_EQ(st.st_gid, 23456u);
    EXPECT_EQ(permissions(path), 0666u);
  }
}

TEST(StateSave, FollowsSymbolicLinks) {
  const Folder folder;
  const Sample sample;
  fs::create_directory(folder / "real");
  fs::create_directory(folder / "links");
  put_bytes(folder / "real/a.state", {1});
  fs::create_symlink("../real/a.state", folder / "links/relative");
  fs::create_symlink(folder / "links/relative", folder / "links/absolute");  // a link to a link
  fs::create_symlink("../real/new.state", folder / "links/dangling");
  for (const auto& [link, target] :
       {std::pair{"links/absolute", "real/a.state"}, {"links/dangling", "real/new.state"}}) {
    save(folder / link, sample);
    EXPECT_TRUE(fs::is_symlink(folder / link));
    EXPECT_FALSE(fs::is_symlink(folder / target));
    EXPECT_EQ(file_bytes(folder / target), sample.bytes());
  }
  fs::create_symlink("circle", folder / "circle");
  std::string what;
  EXPECT_EQ(save_code(folder / "circle", sample, &what), Code::io);
  EXPECT_NE(what.find(std::strerror(ELOOP)), std::string::npos) << what;
  EXPECT_EQ(folder.names().size(), 3u);
}

TEST(StateSave, RefusesWhatIsNoPlaceForAFile) {
  const Folder folder;
  const Sample sample;
  fs::create_directory(folder / "folder");
  put_bytes(folder / "file", {1, 2, 3});
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const std::pair<std::string, int> cases[] = {
      {folder / "missing/a.state", ENOENT},
      {folder / "file/a.state", ENOTDIR},
      {folder / "folder", EISDIR},
      {folder / "folder/", EISDIR},
      {folder / "new/", EISDIR},
      {folder / "folder/.", EISDIR},
      {"", ENOENT},
      {"/", EISDIR},
  };
  for (const auto& [path, error] : cases) {
    std::string what;
    EXPECT_EQ(save_code(path, sample, &what), Code::io) << path;
    EXPECT_EQ(what.rfind(path + ": ", 0), 0u) << what;
    EXPECT_NE(what.find(std::strerror(error)), std::string::npos) << what;
  }
  for (const std::string& path : {folder / "pipe", std::string("/dev/null")}) {
    std::string what;
    EXPECT_EQ(save_code(path, sample, &what), Code::io);
    EXPECT_NE(what.find("is not a regular file"), std::string::npos) << what;
  }
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(file_bytes(folder / "file"), (Bytes{1, 2, 3}));
  EXPECT_EQ(folder.names().size(), 3u);
}

TEST(StateSave, RefusesAReadOnlyFolderAndAWriteProtectedFile) {
  const Folder folder;
  const Sample sample, old(4, 1);
  fs::create_directory(folder / "ro");
  save(folder / "ro/a.state", old);
  save(folder / "protected", old);
  ASSERT_EQ(::chmod((folder / "ro").c_str(), 0555), 0);
  ASSERT_EQ(::chmod((folder / "ro/a.state").c_str(), 0666), 0);
  ASSERT_EQ(::chmod((folder / "protected").c_str(), 0444), 0);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
  EXPECT_EQ(in_child([&] {
              if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0))
                return 2;  // root may write anywhere
              return expect_io_in_child(folder / "ro/a.state", sample, std::strerror(EACCES)) +
                     expect_io_in_child(folder / "ro/new.state", sample, std::strerror(EACCES)) +
                     expect_io_in_child(folder / "protected", sample, std::strerror(EACCES));
            }),
            0);
  ASSERT_EQ(::chmod((folder / "ro").c_str(), 0755), 0);  // or only root could remove it
  EXPECT_EQ(file_bytes(folder / "ro/a.state"), old.bytes());
  EXPECT_EQ(file_bytes(folder / "protected"), old.bytes());
  EXPECT_EQ(folder.names().size(), 2u);
}

TEST(StateSave, ARefusedStateLeavesTheFile) {
  const Folder folder;
  const std::string path = folder / "a.state";
  const Sample old;
  save(path, old);
  Sample bad(4, 1);
  bad.values[3][5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(save_code(path, bad), Code::corrupt);
  EXPECT_EQ(file_bytes(path), old.bytes());
  EXPECT_EQ(folder.names().size(), 1u);
}

TEST(StateSave, AFileSizeLimitLeavesTheFile) {
  const Folder folder;
  const std::string path = folder / "a.state";
  const Sample old, large(128);
  save(path, old);
  for (const rlim_t limit : {rlim_t{0}, rlim_t{1}, rlim_t{4096}, rlim_t{100000}}) {
    EXPECT_EQ(in_child([&] {
                ::signal(SIGXFSZ, SIG_IGN);
                const struct rlimit at { limit, limit };
                if (::setrlimit(RLIMIT_FSIZE, &at) != 0) return 2;
                return expect_io_in_child(path, large, std::strerror(EFBIG));
              }),
              0);
    EXPECT_EQ(file_bytes(path), old.bytes());
    EXPECT_EQ(folder.names().size(), 1u);
  }
}

TEST(StateSave, AFullOrReadOnlyDiskLeavesTheFile) {
  const Folder folder;
  const std::string path = folder / "a.state";
  const Sample old, large(128);
  const int result = in_child([&] {
    // The mount lives and dies with the child's own namespace.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
    if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=128k") != 0) return 77;
    save(path, old);
    int bad = expect_io_in_child(path, large, std::strerror(ENOSPC)) +
              expect_io_in_child(folder / "b.state", large, std::strerror(ENOSPC));
    if (::mount("tmpfs", folder.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) != 0) return 3;
    bad += expect_io_in_child(path, old, std::strerror(EROFS)) +
           expect_io_in_child(folder / "b.state", old, std::strerror(EROFS));
    return bad + (file_bytes(path) != old.bytes()) + (folder.names().size() != 1);
  });
  if (result == 77) GTEST_SKIP() << "mounting a small tmpfs needs root with CAP_SYS_ADMIN";
  EXPECT_EQ(result, 0);
}

// A child saves two states in turn, without an end, and is killed at a random moment, again and again.
TEST(StateSave, AKillAtAnyMomentLeavesAWholeFile) {
  const Folder folder;
  const std::string path = folder / "a.state";
  const Sample a(128, 0), b(128, 1);
  const Bytes bytes_a = a.bytes(), bytes_b = b.bytes();
  save(path, a);
  // A range of delays in which several saves fit, on whatever disk this is.
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) save(path, a);
  const auto longest =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count() + 1000;
  std::mt19937 random(3);
  int cut_short = 0, in_a = 0, in_b = 0;
  for (int round = 0; round < 150; ++round) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      for (int i = 0;; ++i) save(path, i % 2 ? a : b);
    }
    char byte;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % static_cast<unsigned long>(longest)));
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const Bytes found = state_read_file(path);
    Room room(a);
    StateFile(found.data(), found.size(), path).read(room.targets);
    ASSERT_TRUE(found == bytes_a || found == bytes_b);
    ++(found == bytes_a ? in_a : in_b);
    for (const std::string& name : folder.names()) {
      if (name == "a.state") continue;
      EXPECT_EQ(name.rfind(".recurra-" + std::to_string(pid) + "-", 0), 0u) << name;
      fs::remove(folder / name);
      ++cut_short;
    }
  }
  std::printf("150 kills: %d within a save; the file held one state %d times, the other %d times\n", cut_short, in_a,
              in_b);
  EXPECT_GT(cut_short, 0);
}

TEST(StateSave, TemporaryFilesOfTheDeadAreNoObstacle) {
  const Folder folder;
  const Sample sample;
  // A process that died before with this one's id: its files have the very names that come next.
  for (int i = 0; i < 300; ++i)
    put_bytes(folder / (".recurra-" + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp"), {1});
  save(folder / "a.state", sample);
  EXPECT_EQ(file_bytes(folder / "a.state"), sample.bytes());
  EXPECT_EQ(folder.names().size(), 301u);
}

TEST(StateSave, ThreadsMaySaveToOnePath) {
  const Folder folder;
  const std::string path = folder / "a.state";
  const Sample a(16, 0), b(16, 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) save(path, t % 2 ? a : b);
    });
  }
  for (std::thread& t : threads) t.join();
  const Bytes found = file_bytes(path);
  EXPECT_TRUE(found == a.bytes() || found == b.bytes());
  EXPECT_EQ(folder.names().size(), 1u);
}

TEST(StateRead, RefusesWhatIsNoFile) {
  const Folder folder;
  fs::create_directory(folder / "folder");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  put_bytes(folder / "file", {1});
  for (const auto& read :
       {+[](const std::string& p) { return read_file(p); }, +[](const std::string& p) { return state_read_file(p); }}) {
    EXPECT_EQ(code_of([&] { read(folder / "missing"); }), Code::not_found);
    EXPECT_EQ(code_of([&] { read(folder / "file/x"); }), Code::not_found);
    EXPECT_EQ(code_of([&] { read(folder / "folder"); }), Code::io);
    EXPECT_EQ(code_of([&] { read(folder / "pipe"); }), Code::io);  // and does not wait for a writer
    EXPECT_EQ(code_of([&] { read("/dev/zero"); }), Code::io);
  }
}

TEST(StateRead, ReadsNoMoreOfAnotherFileThanItsHeader) {
  const Folder folder;
  const std::string path = folder / "huge";
  // Sparse files of 1 TB, which no memory holds: an all-zero one, and one with a safetensors header.
  for (const std::string& begin : {std::string(), std::string("\x02\0\0\0\0\0\0\0{}", 10)}) {
    put_bytes(path, Bytes(begin.begin(), begin.end()));
    fs::resize_file(path, 1ull << 40);
    std::string what;
    EXPECT_EQ(code_of([&] { state_read_file(path); }, &what), Code::corrupt);
    EXPECT_NE(what.find("is no state file"), std::string::npos) << what;
  }
  put_bytes(path, {});
  EXPECT_TRUE(read_file(path).empty());
  EXPECT_EQ(code_of([&] { state_read_file(path); }), Code::corrupt);
  const Bytes good = Sample().bytes();
  for (size_t n = 0; n < good.size(); n += 13) {
    put_bytes(path, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)));
    EXPECT_EQ(code_of([&] {
                const Bytes bytes = state_read_file(path);
                StateFile(bytes.data(), bytes.size(), path);
              }),
              Code::corrupt);
  }
}

}  // namespace
}  // namespace recurra
