#include <frys/net/resp.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace {

template <class F>
std::string written(int protocol, F&& f) {
  frys::resp_output out;
  frys::resp_writer<frys::resp_output> writer(out, protocol);
  f(writer);
  return std::string(out.text());
}

}  // namespace

TEST_CASE("resp_writer: the forms of RESP2 and RESP3") {
  const auto all = [](auto& w) {
    w.ok();
    w.simple("PONG");
    w.error("ERR two\r\nlines");
    w.integer(-5);
    w.bulk("a\0b");
    w.bulk("");
    w.bulk_integer(123);
    w.null();
    w.null_array();
    w.array(2);
    w.map(2);
    w.set(1);
    w.push(3);
    w.boolean(true);
    w.boolean(false);
    w.real(0.5);
    w.big_number("123");
    w.verbatim("txt", "hi");
  };
  const std::string common = "+OK\r\n+PONG\r\n-ERR two  lines\r\n:-5\r\n$1\r\na\r\n$0\r\n\r\n$3\r\n123\r\n";
  CHECK(written(2, all) ==
        common + "$-1\r\n*-1\r\n*2\r\n*4\r\n*1\r\n*3\r\n:1\r\n:0\r\n$3\r\n0.5\r\n$3\r\n123\r\n$2\r\nhi\r\n");
  CHECK(written(3, all) == common + "_\r\n_\r\n*2\r\n%2\r\n~1\r\n>3\r\n#t\r\n#f\r\n,0.5\r\n(123\r\n=6\r\ntxt:hi\r\n");
}

TEST_CASE("resp_writer: extreme numbers") {
  const auto integer = [](std::int64_t v) { return written(2, [&](auto& w) { w.integer(v); }); };
  CHECK(integer(0) == ":0\r\n");
  CHECK(integer((std::numeric_limits<std::int64_t>::min)()) == ":-9223372036854775808\r\n");
  CHECK(integer((std::numeric_limits<std::int64_t>::max)()) == ":9223372036854775807\r\n");
  const auto real = [](double v) { return written(3, [&](auto& w) { w.real(v); }); };
  CHECK(real(1) == ",1\r\n");
  CHECK(real(0.1) == ",0.1\r\n");
  CHECK(real(1e-9) == ",1e-9\r\n");
  CHECK(real(1e100) == ",1e+100\r\n");
  CHECK(real(std::numeric_limits<double>::infinity()) == ",inf\r\n");
  CHECK(real(-std::numeric_limits<double>::infinity()) == ",-inf\r\n");
  CHECK(real(std::numeric_limits<double>::quiet_NaN()) == ",nan\r\n");
}

TEST_CASE("resp_writer: what it writes, resp_decoder and resp_reply_decoder read") {
  frys::resp_output out;
  frys::resp_writer<frys::resp_output> writer(out);
  writer.array(2);
  writer.bulk("GET");
  writer.bulk(std::string(100000, 'k'));
  frys::resp_decoder commands;
  const frys::resp_event event = commands.decode(out.view());
  REQUIRE(event.args.size() == 2);
  CHECK(event.args[1].size() == 100000);
  frys::resp_reply_decoder replies;
  CHECK(replies.decode(out.view()).nodes.size() == 3);
}

TEST_CASE("resp_output: grows, moves, truncates and starts over") {
  frys::resp_output out;
  CHECK(out.empty());
  for (int i = 0; i < 10000; ++i) out.append("0123456789");
  CHECK(out.size() == 100000);
  CHECK(out.text().substr(99990) == "0123456789");
  out.truncate(15);
  CHECK(out.text() == "012345678901234");
  frys::resp_output other(std::move(out));
  CHECK(other.size() == 15);
  other.clear();
  CHECK(other.empty());
  other.append("x");
  CHECK(other.text() == "x");
}

TEST_CASE("resp_output: what was written leaves as a buffer, without a copy") {
  frys::resp_output out;
  out.append("hello");
  const char* const where = out.text().data();
  const frys::buffer taken = out.take();
  CHECK(taken.text() == "hello");
  CHECK(taken.text().data() == where);
  CHECK(out.empty());
  out.append("next");
  CHECK(out.text() == "next");
  CHECK(taken.text() == "hello");
  frys::resp_output nothing;
  CHECK(nothing.take().empty());
}

TEST_CASE("resp_output: no memory is an answer, and clear begins anew") {
  frys::resp_output out;
  out.append("kept");
  CHECK(out.grow((std::numeric_limits<std::size_t>::max)() - 8) == nullptr);
  CHECK(out.failed());
  CHECK(out.text() == "kept");
  out.clear();
  CHECK_FALSE(out.failed());
  CHECK(out.grow(8) != nullptr);
}
