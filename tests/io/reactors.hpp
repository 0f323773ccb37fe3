// What the tests of every reactor have in common: which reactors there are, one of them, sockets for it.
#ifndef FRYS_TESTS_IO_REACTORS_HPP
#define FRYS_TESTS_IO_REACTORS_HPP

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <frys/io/epoll_reactor.hpp>
#if FRYS_WITH_URING
#include <frys/io/uring_reactor.hpp>
#define REACTORS frys::epoll_reactor<>, frys::uring_reactor<>
#else
#define REACTORS frys::epoll_reactor<>
#endif

namespace io_tests {

template <class R>
std::unique_ptr<R> make(const frys::reactor_options& o = {}) {
  auto made = R::create(o);
  if (!made) {
    MESSAGE("no " << std::string(R::name()) << " here: " << made.error().message);
    return nullptr;
  }
  return *std::move(made);
}
// R& name, a reactor; ends the test where the machine has none of the kind.
#define MAKE(name, ...)                               \
  auto name##_owner = io_tests::make<R>(__VA_ARGS__); \
  if (name##_owner == nullptr) return;                \
  R& name = *name##_owner

inline frys::listener listen_somewhere(int backlog = 1024) {
  auto l = frys::listener::bind({.backlog = backlog});
  REQUIRE(l.has_value());
  return *std::move(l);
}

inline frys::buffer bytes_of(std::string_view s) { return *frys::buffer::copy_of(frys::as_bytes(s)); }

// Two connected sockets.
struct pair {
  frys::stream_socket a, b;
  pair() {
    int fds[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    a = frys::stream_socket::adopt(fds[0]);
    b = frys::stream_socket::adopt(fds[1]);
  }
};

}  // namespace io_tests

#endif  // FRYS_TESTS_IO_REACTORS_HPP
