#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

#include <frys/io/socket.hpp>

TEST_CASE("socket_address: reads and writes numbers, and nothing else") {
  char out[frys::socket_address::max_text];
  auto four = frys::socket_address::parse("127.0.0.1", 8080);
  REQUIRE(four.has_value());
  CHECK(four->to_text(out) == "127.0.0.1:8080");
  CHECK(four->port() == 8080);
  auto six = frys::socket_address::parse("::1", 0);
  REQUIRE(six.has_value());
  CHECK(six->to_text(out) == "[::1]:0");
  CHECK(frys::socket_address::parse("", 65535)->to_text(out) == "0.0.0.0:65535");
  CHECK(frys::socket_address::parse("localhost", 1)->to_text(out) == "127.0.0.1:1");
  for (const char* wrong :
       {"example.org", "1.2.3", "1.2.3.4.5", "::g", "this text is far longer than any address is......."})
    CHECK(frys::socket_address::parse(wrong, 1).error() == frys::errc::invalid_argument);
}

TEST_CASE("listener: takes a free port, knows it, and refuses one that is taken") {
  auto l = frys::listener::bind({});
  REQUIRE(l.has_value());
  CHECK(l->port() != 0);
  auto second = frys::listener::bind({.port = l->port()});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error() == frys::errc::address_in_use);
  const std::uint16_t port = l->port();
  l->close();
  CHECK_FALSE(l->is_open());
  CHECK(frys::listener::bind({.port = port}).has_value());
}

TEST_CASE("listener: several share a port where all ask for it") {
  auto a = frys::listener::bind({.reuse_port = true});
  REQUIRE(a.has_value());
  CHECK(frys::listener::bind({.port = a->port(), .reuse_port = true}).has_value());
}

TEST_CASE("stream_socket: moves, and closes once") {
  frys::stream_socket none;
  CHECK_FALSE(none.is_open());
  none.close();
  CHECK_FALSE(none.shutdown_send().has_value());
  frys::stream_socket a = frys::stream_socket::adopt(::socket(AF_INET, SOCK_STREAM, 0));
  const int fd = a.native_handle();
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  frys::stream_socket b = std::move(a);
  CHECK_FALSE(a.is_open());
  CHECK(b.native_handle() == fd);
  b = frys::stream_socket();
  CHECK(::fcntl(fd, F_GETFL) == -1);
}
