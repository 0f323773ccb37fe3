#include <frys/net/resp_reply.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace {

// One reply as a line of text, so that whole trees can be compared.
std::string show(std::span<const frys::resp_node> nodes, std::size_t& at) {
  const frys::resp_node& node = nodes[at++];
  std::string out(1, static_cast<char>(node.kind));
  if (!node.is_aggregate())
    return out + (node.kind == frys::resp_kind::boolean ? std::to_string(node.number) : std::string(node.text));
  out += "[";
  for (std::int64_t i = 0; i < node.number; ++i) out += (i != 0 ? " " : "") + show(nodes, at);
  out += "]";
  if (node.kind == frys::resp_kind::attribute) out += show(nodes, at);
  return out;
}

struct reading {
  std::vector<std::string> replies;
  std::string error;
};

reading read_in_pieces(std::string_view input, std::size_t piece, frys::resp_reply_limits limits = {}) {
  reading out;
  frys::resp_reply_decoder decoder(limits);
  std::string held;
  for (std::size_t begin = 0; begin < input.size(); begin += piece) {
    held.append(input.substr(begin, piece));
    for (;;) {
      const std::string fresh = held;
      const frys::resp_reply_event event = decoder.decode(frys::as_bytes(fresh));
      if (event.status == frys::resp_status::error) {
        out.error = event.message;
        return out;
      }
      if (event.is_reply()) {
        std::size_t at = 0;
        out.replies.push_back(show(event.nodes, at));
        CHECK(at == event.nodes.size());
        CHECK(frys::resp_skip(event.nodes, 0) == event.nodes.size());
      } else {
        CHECK(event.needed > fresh.size() - event.consumed);
      }
      held.erase(0, event.consumed);
      if (!event.is_reply()) break;
    }
  }
  return out;
}

reading read_whole(std::string_view input, frys::resp_reply_limits limits = {}) {
  return read_in_pieces(input, input.size(), limits);
}

}  // namespace

TEST_CASE("resp_reply_decoder: RESP2 and RESP3 replies, at any split") {
  const std::string stream =
      "+OK\r\n-ERR no\r\n:-42\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n"
      "_\r\n#t\r\n#f\r\n,1.5\r\n,inf\r\n(12345678901234567890123\r\n!5\r\nERR x\r\n=8\r\ntxt:abcd\r\n%1\r\n+k\r\n:1\r\n"
      "~2\r\n+a\r\n+b\r\n>2\r\n+message\r\n+m\r\n|1\r\n+ttl\r\n:9\r\n:5\r\n*3\r\n|1\r\n+a\r\n+b\r\n:1\r\n*0\r\n:2\r\n%"
      "0\r\n";
  const std::vector<std::string> expected{"+OK",
                                          "-ERR no",
                                          ":-42",
                                          "$a\r\n",
                                          "$",
                                          "_",
                                          "_",
                                          "*[]",
                                          "*[:1 *[$x]]",
                                          "_",
                                          "#1",
                                          "#0",
                                          ",1.5",
                                          ",inf",
                                          "(12345678901234567890123",
                                          "!ERR x",
                                          "=abcd",
                                          "%[+k :1]",
                                          "~[+a +b]",
                                          ">[+message +m]",
                                          "|[+ttl :9]:5",
                                          "*[|[+a +b]:1 *[] :2]",
                                          "%[]"};

  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    const reading r = read_in_pieces(stream, piece);
    REQUIRE_MESSAGE(r.replies == expected, "pieces of ", piece, " ", r.error);
  }
}

TEST_CASE("resp_reply_decoder: numbers") {
  frys::resp_reply_decoder decoder;
  const auto real = [&](std::string_view text) {
    const frys::resp_reply_event e = decoder.decode(frys::as_bytes(text));
    REQUIRE(e.is_reply());
    return e.nodes[0].as_real();
  };
  CHECK(real(",1.25\r\n").value() == 1.25);
  CHECK(real(",-inf\r\n").value() < 0);
  CHECK(std::isnan(real(",nan\r\n").value()));
  CHECK(real(":7\r\n").value() == 7);
  CHECK(real("$4\r\n1e-3\r\n").value() == 1e-3);
  CHECK(real("$4\r\n1e-x\r\n").error() == frys::errc::invalid_argument);
}

TEST_CASE("resp_reply_decoder: what is not RESP is refused in one sentence") {
  for (const char* bad : {"hello\r\n", ":1x\r\n", ":\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n", "#x\r\n", "_x\r\n", "+a\rb",
                          "$1\r\nabc\r\n", "=2\r\nab\r\n", "=5\r\ntxt-a\r\n", "$?\r\n", "%-1\r\n"})
    CHECK_MESSAGE(!read_whole(bad).error.empty(), bad);
}

TEST_CASE("resp_reply_decoder: depth, nodes and lengths are bounded") {
  const frys::resp_reply_limits small{.max_bulk = 4, .max_line = 8, .max_nodes = 5, .max_depth = 3};
  CHECK(read_whole("$4\r\nabcd\r\n", small).replies.size() == 1);
  CHECK_FALSE(read_whole("$5\r\nabcde\r\n", small).error.empty());
  CHECK_FALSE(read_whole("+123456789\r\n", small).error.empty());
  CHECK_FALSE(read_whole("*6\r\n", small).error.empty());
  CHECK_FALSE(read_whole("%3\r\n", small).error.empty());
  CHECK(read_whole("*1\r\n*1\r\n*0\r\n", small).replies.size() == 1);
  CHECK_FALSE(read_whole("*1\r\n*1\r\n*1\r\n*1\r\n", small).error.empty());
  CHECK_FALSE(read_whole("*2\r\n*2\r\n:1\r\n:1\r\n*2\r\n:1\r\n:1\r\n", small).error.empty());
}
