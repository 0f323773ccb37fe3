// stream_socket, listener: TCP sockets as values; what waits on them is a reactor's business.
//
// Use when  a reactor shall accept, receive and send.
// Threads   one at a time. A socket belongs to the reactor that first used it, and to that reactor's thread; before its
//           first use (fresh from accept or connect on another one) it may move to another thread.
// Lifetime  move-only; the destructor closes. close() completes what waits on the socket with errc::cancelled, in the
//           reactor's next turn. A socket may outlive its reactor, but then it can only be closed.
// Errors    with errno in error::number.
// frys: real model
#ifndef FRYS_IO_SOCKET_HPP
#define FRYS_IO_SOCKET_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "../config.hpp"
#include "../core/result.hpp"
#include "os_error.hpp"

#if FRYS_OS_LINUX
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace frys::inline FRYS_ABI {

class socket_handle;

namespace detail {

// What a reactor keeps of a socket; it derives its own from it.
struct socket_state {
  socket_handle* self = nullptr;                               // follows the socket when that moves
  void* owner = nullptr;                                       // the reactor
  void (*on_close)(socket_state&, int fd) noexcept = nullptr;  // closes fd, completes the waiters, frees the state
};

struct socket_access;

}  // namespace detail

// The address of one end: IPv4 or IPv6.
class socket_address {
 public:
  socket_address() noexcept = default;

  // `host` is a number ("127.0.0.1", "::1"), "localhost", or empty for every address of the machine.
  static result<socket_address> parse(std::string_view host, std::uint16_t port) noexcept {
    socket_address out;
    char text[INET6_ADDRSTRLEN] = {};
    if (host.empty() || host == "*") host = "0.0.0.0";
    if (host == "localhost") host = "127.0.0.1";
    if (host.size() >= sizeof text) return refused();
    std::memcpy(text, host.data(), host.size());
    if (::inet_pton(AF_INET, text, &out.v4().sin_addr) == 1) {
      out.v4().sin_family = AF_INET;
      out.v4().sin_port = htons(port);
      out.size_ = sizeof(::sockaddr_in);
    } else if (::inet_pton(AF_INET6, text, &out.v6().sin6_addr) == 1) {
      out.v6().sin6_family = AF_INET6;
      out.v6().sin6_port = htons(port);
      out.size_ = sizeof(::sockaddr_in6);
    } else {
      return refused();
    }
    return out;
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    const socket_address copy = *this;
    return ntohs(copy.storage_.any.sa_family == AF_INET6 ? copy.storage_.six.sin6_port : copy.storage_.four.sin_port);
  }
  // "127.0.0.1:80" or "[::1]:80", written into `out`, which has room for max_text; a view of it.
  static constexpr std::size_t max_text = INET6_ADDRSTRLEN + 8;
  std::string_view to_text(std::span<char, max_text> out) const noexcept {
    const bool six = storage_.any.sa_family == AF_INET6;
    std::size_t n = 0;
    if (six) out[n++] = '[';
    const void* bits = six ? static_cast<const void*>(&storage_.six.sin6_addr) : &storage_.four.sin_addr;
    if (::inet_ntop(six ? AF_INET6 : AF_INET, bits, &out[n], INET6_ADDRSTRLEN) == nullptr) return {};
    n += std::strlen(&out[n]);
    if (six) out[n++] = ']';
    out[n++] = ':';
    char digits[5];
    std::size_t count = 0;
    for (unsigned p = port(); p != 0 || count == 0; p /= 10) digits[count++] = static_cast<char>('0' + p % 10);
    while (count != 0) out[n++] = digits[--count];
    return {out.data(), n};
  }

  // For the system's calls.
  [[nodiscard]] int family() const noexcept { return storage_.any.sa_family; }
  [[nodiscard]] const ::sockaddr* data() const noexcept { return &storage_.any; }
  [[nodiscard]] ::sockaddr* data() noexcept { return &storage_.any; }
  [[nodiscard]] ::socklen_t size() const noexcept { return size_; }
  // Of the local or the remote end of `fd`.
  static result<socket_address> local_of(int fd) noexcept { return ask(&::getsockname, fd); }
  static result<socket_address> peer_of(int fd) noexcept { return ask(&::getpeername, fd); }

 private:
  static error refused() noexcept {
    return {errc::invalid_argument, domain::io, "an address is a number such as 127.0.0.1 or ::1, localhost, or empty",
            0};
  }
  template <class F>
  static result<socket_address> ask(F call, int fd) noexcept {
    socket_address out;
    out.size_ = sizeof out.storage_;
    if (call(fd, &out.storage_.any, &out.size_) != 0) return os_error(errno, "the socket has no such address");
    return out;
  }
  ::sockaddr_in& v4() noexcept { return storage_.four; }
  ::sockaddr_in6& v6() noexcept { return storage_.six; }

  union {
    ::sockaddr_in6 six{};
    ::sockaddr_in four;
    ::sockaddr any;
  } storage_;
  ::socklen_t size_ = 0;
};

// What stream_socket and listener have in common: a descriptor, and the reactor's knowledge of it.
class socket_handle {
 public:
  socket_handle() noexcept = default;
  socket_handle(socket_handle&& other) noexcept { take(other); }
  socket_handle& operator=(socket_handle&& other) noexcept {
    if (this != &other) {
      close();
      take(other);
    }
    return *this;
  }
  ~socket_handle() { close(); }

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  // -1 when closed.
  [[nodiscard]] int native_handle() const noexcept { return fd_; }
  // What waits on it is completed with errc::cancelled. No effect on a closed one.
  void close() noexcept {
    if (fd_ < 0) return;
    const int fd = std::exchange(fd_, -1);
    if (detail::socket_state* state = std::exchange(state_, nullptr))
      state->on_close(*state, fd);
    else
      ::close(fd);
  }

 protected:
  explicit socket_handle(int fd) noexcept : fd_(fd) {}

 private:
  friend struct detail::socket_access;
  void take(socket_handle& other) noexcept {
    fd_ = std::exchange(other.fd_, -1);
    state_ = std::exchange(other.state_, nullptr);
    if (state_ != nullptr) state_->self = this;
  }

  int fd_ = -1;
  detail::socket_state* state_ = nullptr;
};

class stream_socket : public socket_handle {
 public:
  stream_socket() noexcept = default;
  // Takes a connected socket over and makes it non-blocking.
  static stream_socket adopt(int fd) noexcept {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0) static_cast<void>(::fcntl(fd, F_SETFL, flags | O_NONBLOCK));
    return stream_socket(fd);
  }
  // Says to the peer that nothing more will be sent; receiving goes on.
  result<void> shutdown_send() noexcept {
    if (::shutdown(native_handle(), SHUT_WR) != 0) return os_error(errno, "the socket cannot be shut down");
    return {};
  }
  // Sends small pieces at once (TCP_NODELAY). Reactors do it for what they accept and connect.
  void set_no_delay() noexcept {
    const int on = 1;
    static_cast<void>(::setsockopt(native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  }
  [[nodiscard]] result<socket_address> peer() const noexcept { return socket_address::peer_of(native_handle()); }
  [[nodiscard]] result<socket_address> local() const noexcept { return socket_address::local_of(native_handle()); }

 private:
  friend struct detail::socket_access;
  explicit stream_socket(int fd) noexcept : socket_handle(fd) {}
};

struct listener_options {
  std::string_view address = "127.0.0.1";  // see socket_address::parse
  std::uint16_t port = 0;                  // 0: any free one, see listener::port
  bool reuse_port = false;                 // several listeners, one per thread, share the port
  int backlog = 1024;
};

class listener : public socket_handle {
 public:
  using options = listener_options;

  listener() noexcept = default;
  // Errors: invalid_argument, address_in_use, permission_denied, too_many_files.
  static result<listener> bind(const options& o) noexcept {
    result<socket_address> at = socket_address::parse(o.address, o.port);
    if (!at) return at.error();
    listener out(::socket(at->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!out.is_open()) return os_error(errno, "no socket to listen on");
    const int fd = out.native_handle();
    const int on = 1;
    static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    if (o.reuse_port && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
      return os_error(errno, "the port cannot be shared between listeners");
    if (::bind(fd, at->data(), at->size()) != 0) return os_error(errno, "the address cannot be bound");
    if (::listen(fd, o.backlog) != 0) return os_error(errno, "the socket cannot listen");
    result<socket_address> local = socket_address::local_of(fd);
    if (!local) return local.error();
    out.port_ = local->port();
    return out;
  }
  // The port that it listens on.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  explicit listener(int fd) noexcept : socket_handle(fd) {}
  std::uint16_t port_ = 0;
};

namespace detail {

struct socket_access {
  static socket_state* state(const socket_handle& s) noexcept { return s.state_; }
  static void attach(socket_handle& s, socket_state& state) noexcept {
    s.state_ = &state;
    state.self = &s;
  }
  static void detach(socket_state& state) noexcept {
    if (state.self != nullptr) state.self->state_ = nullptr;
  }
  static stream_socket make(int fd) noexcept { return stream_socket(fd); }  // non-blocking already
};

inline constexpr error socket_closed{errc::closed, domain::io, "the socket is closed", 0};
inline constexpr error socket_busy{errc::busy, domain::io, "another operation of this kind waits on the socket", 0};
inline constexpr error socket_foreign{errc::invalid_argument, domain::io, "the socket belongs to another reactor", 0};
inline constexpr error operation_cancelled{errc::cancelled, domain::io, "the socket was closed during the operation",
                                           0};

}  // namespace detail

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_SOCKET_HPP
