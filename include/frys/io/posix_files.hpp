// posix_files: the machine's files, by plain system calls. A model of file_system whose operations do not suspend.
//
// Use when  blocking a thread for a write or a sync is all right: one-thread tools, loops without io_uring, tests.
// Not when  the loop must go on serving while a sync runs (uring_reactor::files).
// Threads   any; one file: one thread at a time.
// Cost      one system call per operation, two where the kernel writes or reads less than asked.
// Paths     relative to the root directory given at construction, or to the working directory; absolute ones as they
//           are.
// Errors    with errno in error::number.
// frys: real model
#ifndef FRYS_IO_POSIX_FILES_HPP
#define FRYS_IO_POSIX_FILES_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "../config.hpp"
#include "../core/awaitable.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../memory/buffer.hpp"
#include "os_error.hpp"

#if FRYS_OS_LINUX
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

namespace frys::inline FRYS_ABI {

// An open file; closes itself.
class posix_file {
 public:
  posix_file() noexcept = default;
  explicit posix_file(int fd) noexcept : fd_(fd) {}
  posix_file(posix_file&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  posix_file& operator=(posix_file&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~posix_file() { close(); }

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int native_handle() const noexcept { return fd_; }
  // Gives the descriptor up without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

class posix_files {
 public:
  using file = posix_file;
  using buffer = frys::buffer;

  // Paths are relative to the working directory.
  posix_files() noexcept = default;
  // Paths are relative to `root`, which must exist; status() says so, and every operation fails if it does not.
  explicit posix_files(std::string_view root) noexcept {
    if (root.empty()) return;
    const c_path path(root);
    root_ = posix_file(::open(path.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root_.is_open()) status_ = os_error(errno, "the root directory cannot be opened");
  }
  [[nodiscard]] result<void> status() const noexcept { return status_; }

  result<file> open(std::string_view path, open_mode mode) noexcept {
    if (!status_) return status_.error();
    int flags = O_CLOEXEC;
    switch (mode) {
      case open_mode::read:
        flags |= O_RDONLY;
        break;
      case open_mode::read_write:
        flags |= O_RDWR;
        break;
      case open_mode::create:
        flags |= O_RDWR | O_CREAT;
        break;
      case open_mode::create_new:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
    }
    const c_path at(path);
    const int fd = retry([&] { return ::openat(root(), at.text, flags, 0644); });
    if (fd < 0) return os_error(errno, "the file cannot be opened");
    return file(fd);
  }
  result<void> remove(std::string_view path) noexcept {
    if (!status_) return status_;
    const c_path at(path);
    return answer(::unlinkat(root(), at.text, 0), "the file cannot be removed");
  }
  result<void> rename(std::string_view from, std::string_view to) noexcept {
    if (!status_) return status_;
    const c_path a(from), b(to);
    return answer(::renameat(root(), a.text, root(), b.text), "the file cannot be renamed");
  }
  // Also its parents; ok if it exists.
  result<void> make_directory(std::string_view path) noexcept {
    if (!status_) return status_;
    c_path at(path);
    for (char* c = at.text; *c != '\0'; ++c) {
      if (*c != '/' || c == at.text) continue;
      *c = '\0';
      static_cast<void>(::mkdirat(root(), at.text, 0755));  // the last one's answer counts
      *c = '/';
    }
    if (::mkdirat(root(), at.text, 0755) == 0) return {};
    const int failed = errno;
    struct ::stat what {};
    if (failed == EEXIST && ::fstatat(root(), at.text, &what, 0) == 0 && S_ISDIR(what.st_mode)) return {};
    return os_error(failed, "the directory cannot be made");
  }
  result<void> sync_directory(std::string_view path) noexcept {
    if (!status_) return status_;
    const posix_file directory = open_directory(path);
    if (!directory.is_open()) return os_error(errno, "the directory cannot be opened");
    return answer(retry([&] { return ::fsync(directory.native_handle()); }), "the directory cannot be synced");
  }
  // In no order.
  result<void> list(std::string_view path, void (*name)(void*, std::string_view), void* argument) {
    if (!status_) return status_;
    posix_file directory = open_directory(path);
    if (!directory.is_open()) return os_error(errno, "the directory cannot be opened");
    ::DIR* stream = ::fdopendir(directory.native_handle());
    if (stream == nullptr) return os_error(errno, "the directory cannot be listed");
    static_cast<void>(directory.release());  // the stream's from here on
    struct closer {
      ::DIR* stream;
      ~closer() { ::closedir(stream); }
    } guard{stream};
    for (;;) {
      errno = 0;
      const ::dirent* entry = ::readdir(stream);
      if (entry == nullptr) return errno == 0 ? result<void>() : os_error(errno, "the directory cannot be listed");
      bool plain = entry->d_type == DT_REG;
      if (entry->d_type == DT_UNKNOWN) {
        struct ::stat what {};
        plain = ::fstatat(::dirfd(stream), entry->d_name, &what, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(what.st_mode);
      }
      if (plain) name(argument, entry->d_name);
    }
  }

  result<std::uint64_t> size(file& f) noexcept {
    struct ::stat what {};
    if (::fstat(f.native_handle(), &what) != 0) return os_error(errno, "the file's size cannot be read");
    return static_cast<std::uint64_t>(what.st_size);
  }
  result<void> truncate(file& f, std::uint64_t bytes) noexcept {
    return answer(retry([&] { return ::ftruncate(f.native_handle(), static_cast<::off_t>(bytes)); }),
                  "the file cannot be truncated");
  }

  // Bytes written: all of them.
  ready<result<std::size_t>> write(file& f, buffer data, std::uint64_t offset) noexcept {
    std::size_t done = 0;
    while (done != data.size()) {
      const ::ssize_t n =
          ::pwrite(f.native_handle(), data.data() + done, data.size() - done, static_cast<::off_t>(offset + done));
      if (n > 0)
        done += static_cast<std::size_t>(n);
      else if (n == 0)
        return result<std::size_t>(os_error(ENOSPC, "the file takes no more bytes"));
      else if (errno != EINTR)
        return result<std::size_t>(os_error(errno, "the file cannot be written"));
    }
    return result<std::size_t>(done);
  }
  // Fills `into` (its size, not its capacity) as far as the file goes.
  ready<result<buffer>> read(file& f, buffer into, std::uint64_t offset) noexcept {
    std::size_t done = 0;
    while (done != into.size()) {
      const ::ssize_t n =
          ::pread(f.native_handle(), into.data() + done, into.size() - done, static_cast<::off_t>(offset + done));
      if (n > 0)
        done += static_cast<std::size_t>(n);
      else if (n == 0)
        break;
      else if (errno != EINTR)
        return result<buffer>(os_error(errno, "the file cannot be read"));
    }
    into.truncate(done);
    return result<buffer>(std::move(into));
  }
  // Data, and what is needed to find them again (fdatasync).
  ready<result<void>> sync(file& f) noexcept {
    return answer(retry([&] { return ::fdatasync(f.native_handle()); }), "the file cannot be synced");
  }

 private:
  // A path with its end mark. One that is too long or holds a NUL becomes a name that no file can have.
  struct c_path {
    explicit c_path(std::string_view path) noexcept {
      if (path.empty()) path = ".";
      if (path.size() >= sizeof text || path.find('\0') != std::string_view::npos) {
        text[0] = '\0';  // the kernel answers ENOENT
        return;
      }
      std::memcpy(text, path.data(), path.size());
      text[path.size()] = '\0';
    }
    char text[PATH_MAX];
  };

  template <class F>
  static int retry(F call) noexcept {
    int rc;
    do rc = call();
    while (rc < 0 && errno == EINTR);
    return rc;
  }
  static result<void> answer(int rc, const char* message) noexcept {
    if (rc < 0) return os_error(errno, message);
    return {};
  }
  int root() const noexcept { return root_.is_open() ? root_.native_handle() : AT_FDCWD; }
  posix_file open_directory(std::string_view path) noexcept {
    const c_path at(path);
    return posix_file(::openat(root(), at.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  posix_file root_;
  result<void> status_;
};

static_assert(file_system<posix_files>);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_POSIX_FILES_HPP
