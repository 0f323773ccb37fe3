// socket_calls: the system calls on sockets that every backend makes.
// frys: real model
#ifndef FRYS_IO_DETAIL_SOCKET_CALLS_HPP
#define FRYS_IO_DETAIL_SOCKET_CALLS_HPP

#include <cerrno>
#include <cstddef>

#include "../../config.hpp"
#include "../../memory/buffer.hpp"
#include "../posix_files.hpp"
#include "../socket.hpp"

#if FRYS_OS_LINUX
#include <sys/socket.h>
#include <sys/uio.h>

namespace frys::inline FRYS_ABI::detail {

// -1 and errno, EAGAIN if nothing is there.
inline ::ssize_t receive(int fd, std::byte* into, std::size_t room) noexcept {
  for (;;) {
    const ::ssize_t n = ::recv(fd, into, room, MSG_DONTWAIT);
    if (n >= 0 || errno != EINTR) return n;
  }
}

// How many segments go into one call.
inline constexpr std::size_t most_segments = 64;

// Fills `out` with the first segments of `data` and answers their number.
inline std::size_t gather(const buffer_chain& data, ::iovec* out, std::size_t most) noexcept {
  std::size_t n = 0;
  for (const buffer& b : data.segments()) {
    if (n == most) break;
    out[n++] = {b.data(), b.size()};
  }
  return n;
}

// Sends what the socket takes, and takes it off the front of `data`. True when all is sent; else errno says why,
// EAGAIN if the socket is full.
inline bool send_some(int fd, buffer& data) noexcept {
  while (!data.empty()) {
    const ::ssize_t n = ::send(fd, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0)
      data.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      return false;
  }
  return true;
}
inline bool send_some(int fd, buffer_chain& data) noexcept {
  while (!data.empty()) {
    const auto segments = data.segments();
    ::ssize_t n;
    if (segments.size() == 1) {
      n = ::send(fd, segments[0].data(), segments[0].size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      ::iovec parts[most_segments];
      ::msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = gather(data, parts, most_segments);
      n = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (n >= 0)
      data.consume(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      return false;
  }
  return true;
}

// Starts to connect a new socket `out`; 0, EINPROGRESS, or what went wrong.
inline int start_connect(const socket_address& at, stream_socket& out) noexcept {
  out = socket_access::make(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!out.is_open()) return errno;
  // After EINTR the connection goes on in the background, as after EINPROGRESS.
  if (::connect(out.native_handle(), at.data(), at.size()) == 0) return 0;
  return errno == EINTR ? EINPROGRESS : errno;
}

// The error that waits at a socket, or 0.
inline int pending_error(int fd) noexcept {
  int failed = 0;
  ::socklen_t size = sizeof failed;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 ? failed : errno;
}

// A descriptor kept for bad times: when the table is full, a connection can still be taken off the queue and closed,
// so that a full table does not turn accept into a busy loop.
class reserve_descriptor {
 public:
  reserve_descriptor() noexcept { open(); }

  // A connection, or -1 and errno: EAGAIN when none waits, EMFILE or ENFILE after one had to be turned away.
  int accept(int listener) noexcept {
    for (;;) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) return fd;
      if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
      if (errno == EMFILE || errno == ENFILE) turn_away(listener);
      return -1;
    }
  }
  // Takes one connection off the queue and closes it. Leaves errno as it was.
  void turn_away(int listener) noexcept {
    const int reason = errno;
    kept_.close();
    posix_file(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)).close();
    open();
    errno = reason;
  }

 private:
  void open() noexcept { kept_ = posix_file(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
  posix_file kept_;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_DETAIL_SOCKET_CALLS_HPP
