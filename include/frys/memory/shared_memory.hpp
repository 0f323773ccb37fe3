// os_shared_memory: memory that several processes map: anonymous (memfd), handed over as a descriptor, or under a name.
// A model of shared_memory_source, for policy::mapping.
//
// Use when  a shared_region or a shared_ring is to lie between processes.
// Not when  the memory is one process's own (os_pages).
// Threads   any; a mapping: one at a time.
// Cost      system calls; a page is there when somebody first touches it. Memory under a name is taken at once, since
//           its file system may be small, and a page that is missing later would end the process that touches it.
// Trust     anonymous memory is sealed: nobody can make it shorter under us, which would end the process that touches
//           what is gone. open(descriptor) seals what it is given, and refuses what cannot be sealed. Memory under a
//           name cannot be sealed (mapping::is_sealed): open it only where those who may write it are trusted not to
//           cut it.
// Errors    errno in `number`: already_exists, not_found, permission_denied (also: it cannot be sealed), no_space,
//           too_many_files, out_of_memory; invalid_argument: a name or size that nothing can have, no memory of
//           this kind; io_failed for the rest; unsupported: this system has no memfd (all but Linux).
// Lifetime  a mapping unmaps its memory and closes its descriptor. Anonymous memory goes with its last descriptor and
//           mapping; a name stays until remove(), whoever dies.
// frys: real model
#ifndef FRYS_MEMORY_SHARED_MEMORY_HPP
#define FRYS_MEMORY_SHARED_MEMORY_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "pages.hpp"

#if FRYS_OS_LINUX
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace frys::inline FRYS_ABI {

// Where memory that processes share comes from. Names are the model's own kind: no '/' in them, at most 200 bytes.
template <class M>
concept shared_memory_source = std::movable<typename M::mapping> &&
    requires(std::size_t size, std::string_view name, typename M::handle other, const typename M::mapping& m) {
  { M::create(size) } -> std::same_as<result<typename M::mapping>>;        // zeroed, reached by its handle alone
  { M::create(name, size) } -> std::same_as<result<typename M::mapping>>;  // zeroed; the name must be new
  { M::open(name) } -> std::same_as<result<typename M::mapping>>;
  { M::open(other) } -> std::same_as<result<typename M::mapping>>;  // the caller keeps `other`
  { M::remove(name) } -> std::same_as<result<void>>;                // the name; who has it mapped keeps the memory
  { m.bytes() } -> std::same_as<byte_span>;
  { m.shared_handle() } -> std::same_as<typename M::handle>;
  { m.is_sealed() } -> std::same_as<bool>;  // nobody can make it shorter
};

namespace policy {
struct mapping_key {};  // shared_memory_source (memory/shared_memory.hpp)

// Where memory that processes share comes from.
template <class M>
struct mapping {
  using key = mapping_key;
  using type = M;
};
template <class W>
requires requires { typename W::mapping; }
struct offer<mapping_key, W> {
  using type = mapping<typename W::mapping>;
};
}  // namespace policy

struct os_shared_memory {
  using handle = int;  // a descriptor

  class mapping {
   public:
    mapping() noexcept = default;
    mapping(mapping&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})), fd_(std::exchange(other.fd_, -1)), sealed_(other.sealed_) {}
    mapping& operator=(mapping&& other) noexcept {
      mapping taken(std::move(other));
      std::swap(bytes_, taken.bytes_);
      std::swap(fd_, taken.fd_);
      std::swap(sealed_, taken.sealed_);
      return *this;
    }
    ~mapping() {
#if FRYS_OS_LINUX
      if (bytes_.data() != nullptr) ::munmap(bytes_.data(), bytes_.size());
      if (fd_ >= 0) ::close(fd_);
#endif
    }

    [[nodiscard]] byte_span bytes() const noexcept { return bytes_; }
    // To be handed to another process: inherited, or by send_descriptor. Closed with the mapping.
    [[nodiscard]] handle shared_handle() const noexcept { return fd_; }
    [[nodiscard]] bool is_sealed() const noexcept { return sealed_; }

   private:
    friend os_shared_memory;
    byte_span bytes_;
    int fd_ = -1;
    bool sealed_ = false;
  };

#if FRYS_OS_LINUX
  // The descriptor is closed in programs that this one turns into (exec), unless the caller clears FD_CLOEXEC.
  static result<mapping> create(std::size_t size) noexcept {
    if (auto fine = check(size); !fine) return fine.error();
    // By number: older C libraries lack the function.
    const int fd = static_cast<int>(::syscall(SYS_memfd_create, "frys", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0) return failed(errno, "no descriptor for shared memory");
    mapping out = owner_of(fd);
    if (::ftruncate(fd, static_cast<::off_t>(detail::round_up(size, page_size))) != 0)
      return failed(errno, "the shared memory cannot have that size");
    return map(std::move(out));
  }
  static result<mapping> create(std::string_view name, std::size_t size) noexcept {
    if (auto fine = check(size); !fine) return fine.error();
    const path_of path(name);
    if (!path.is_good) return bad_name();
    const int fd = ::shm_open(path.text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return failed(errno, "the name of the shared memory cannot be made");
    mapping out = owner_of(fd);
    // The pages now: /dev/shm may be small, and what is missing at a touch is a SIGBUS.
    const int refused = ::posix_fallocate(fd, 0, static_cast<::off_t>(detail::round_up(size, page_size)));
    if (refused != 0) {
      ::shm_unlink(path.text);
      return failed(refused, "there is no room for the shared memory");
    }
    return map(std::move(out));
  }
  static result<mapping> open(std::string_view name) noexcept {
    const path_of path(name);
    if (!path.is_good) return bad_name();
    const int fd = ::shm_open(path.text, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) return failed(errno, "the shared memory cannot be opened");
    return map(owner_of(fd));
  }
  static result<mapping> open(handle other) noexcept {
    const int fd = ::fcntl(other, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return failed(errno, "that is no descriptor of shared memory");
    return map(owner_of(fd), true);
  }
  static result<void> remove(std::string_view name) noexcept {
    const path_of path(name);
    if (!path.is_good) return bad_name();
    if (::shm_unlink(path.text) != 0) return failed(errno, "the name of the shared memory cannot be removed");
    return {};
  }
#else
  static result<mapping> create(std::size_t) noexcept { return not_here(); }
  static result<mapping> create(std::string_view, std::size_t) noexcept { return not_here(); }
  static result<mapping> open(std::string_view) noexcept { return not_here(); }
  static result<mapping> open(handle) noexcept { return not_here(); }
  static result<void> remove(std::string_view) noexcept { return not_here(); }
#endif

 private:
#if FRYS_OS_LINUX
  // "/name", as shm_open wants it.
  struct path_of {
    explicit path_of(std::string_view name) noexcept {
      is_good = !name.empty() && name.size() <= 200 && name.find('/') == name.npos && name.find('\0') == name.npos;
      if (!is_good) return;
      text[0] = '/';
      std::memcpy(text + 1, name.data(), name.size());
    }
    char text[202] = {};
    bool is_good = false;
  };
  static error bad_name() noexcept {
    return {errc::invalid_argument, domain::memory, "a name of shared memory is 1 to 200 bytes without a slash", 0};
  }
  static result<void> check(std::size_t size) noexcept {
    if (size == 0 || size > detail::most_bytes - page_size)
      return error{errc::invalid_argument, domain::memory, "shared memory cannot have that size", 0};
    return {};
  }
  static error failed(int number, const char* message) noexcept {
    errc code = errc::io_failed;
    switch (number) {
      case EEXIST:
        code = errc::already_exists;
        break;
      case ENOENT:
        code = errc::not_found;
        break;
      case EACCES:
      case EPERM:
        code = errc::permission_denied;
        break;
      case EMFILE:
      case ENFILE:
        code = errc::too_many_files;
        break;
      case ENOMEM:
        code = errc::out_of_memory;
        break;
      case ENOSPC:
      case EFBIG:
        code = errc::no_space;
        break;
      case EBADF:
      case EINVAL:
        code = errc::invalid_argument;
        break;
      case ENOSYS:
        code = errc::unsupported;
        break;
      default:
        break;
    }
    return {code, domain::memory, message, number};
  }
  static mapping owner_of(int fd) noexcept {
    mapping out;
    out.fd_ = fd;
    return out;
  }
  static result<mapping> map(mapping out, bool must_seal = false) noexcept {
    constexpr int cannot_shrink = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    // What is sealed already may refuse a second seal: what counts is what stands there after. Only the answer after
    // the seal says something about the size.
    static_cast<void>(::fcntl(out.fd_, F_ADD_SEALS, cannot_shrink));
    const int seals = ::fcntl(out.fd_, F_GET_SEALS);
    out.sealed_ = seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
    if (must_seal && !out.sealed_)
      return error{seals < 0 ? errc::invalid_argument : errc::permission_denied, domain::memory,
                   "the memory behind the descriptor cannot be sealed against shrinking", 0};
    struct ::stat what {};
    if (::fstat(out.fd_, &what) != 0) return failed(errno, "the shared memory has no size");
    if (!S_ISREG(what.st_mode) || what.st_size < 0 || static_cast<std::uint64_t>(what.st_size) > detail::most_bytes)
      return error{errc::invalid_argument, domain::memory, "that is no shared memory", 0};
    if (what.st_size == 0)  // its maker is not done with it, or never will be
      return error{errc::not_found, domain::memory, "the shared memory is empty", 0};
    const auto size = static_cast<std::size_t>(what.st_size);
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, out.fd_, 0);
    if (at == reinterpret_cast<void*>(std::intptr_t{-1}))  // MAP_FAILED, uncast
      return failed(errno, "the shared memory cannot be mapped");
    out.bytes_ = byte_span(static_cast<std::byte*>(at), size);
    return out;
  }
#else
  static error not_here() noexcept {
    return {errc::unsupported, domain::memory, "this system has no shared memory that frys knows", 0};
  }
#endif
};
static_assert(shared_memory_source<os_shared_memory>);

#if FRYS_OS_LINUX
// Hands a descriptor to the process at the other end of a Unix socket, with one byte. io_failed: errno in `number`.
inline result<void> send_descriptor(int socket, int descriptor) noexcept {
  char byte = 'd';
  ::iovec data{&byte, 1};
  alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  ::msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ::cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(head), &descriptor, sizeof(int));
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) == 1) return {};
    if (errno != EINTR) return error{errc::io_failed, domain::memory, "the descriptor cannot be sent", errno};
  }
}
// The descriptor that the other end has sent, the caller's to close. closed: the other end is gone; protocol_error: it
// has sent something else; io_failed: errno in `number`.
inline result<int> receive_descriptor(int socket) noexcept {
  char byte = 0;
  ::iovec data{&byte, 1};
  constexpr std::size_t most = 8;  // what a hostile end sends besides is closed; what does not fit, the kernel closes
  alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(int) * most)] = {};
  ::msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ::ssize_t got = 0;
  do got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0) return error{errc::io_failed, domain::memory, "the descriptor cannot be received", errno};
  int found = -1;
  std::size_t count = 0;
  for (::cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t here = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < here; ++i, ++count) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
      if (count == 0)
        found = fd;
      else
        ::close(fd);
    }
  }
  if (got == 0 && count == 0) return error{errc::closed, domain::memory, "the other end of the socket is gone", 0};
  if (count != 1) {
    if (found >= 0) ::close(found);
    return error{errc::protocol_error, domain::memory, "one descriptor was expected", static_cast<std::int64_t>(count)};
  }
  return found;
}
#endif

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_SHARED_MEMORY_HPP
