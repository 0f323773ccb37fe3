#include <frys/net/resp_decoder.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using command = std::vector<std::string>;

struct reading {
  std::vector<command> commands;
  std::string error;  // empty: none
  bool cut = false;   // ended within a command
};

// Feeds `input` in pieces that end at the given positions, always from fresh memory, as a connection would.
reading read_in_pieces(std::string_view input, const std::vector<std::size_t>& ends, frys::resp_limits limits = {}) {
  reading out;
  frys::resp_decoder decoder(limits);
  std::string held;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    held.append(input.substr(begin, end - begin));
    begin = end;
    for (;;) {
      const std::string fresh = held;  // another address each time: no view may survive a call
      const frys::resp_event event = decoder.decode(frys::as_bytes(fresh));
      if (event.status == frys::resp_status::error) {
        out.error = std::string(event.message);
        CHECK(decoder.decode(frys::as_bytes(fresh)).message == event.message);
        return out;
      }
      if (event.status == frys::resp_status::command) {
        REQUIRE(!event.args.empty());
        out.commands.emplace_back(event.args.begin(), event.args.end());
      } else {
        CHECK(event.needed > fresh.size() - event.consumed);
      }
      held.erase(0, event.consumed);
      if (event.status == frys::resp_status::need_more) break;
    }
  }
  out.cut = decoder.in_command();
  return out;
}

reading read_whole(std::string_view input, frys::resp_limits limits = {}) {
  return read_in_pieces(input, {input.size()}, limits);
}

std::string frame(const command& args) {
  std::string out = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string& a : args) out += "$" + std::to_string(a.size()) + "\r\n" + a + "\r\n";
  return out;
}

}  // namespace

TEST_CASE("resp_decoder: a pipelined stream gives its commands in order") {
  const reading r = read_whole("*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\nGET k\r\n");
  REQUIRE(r.commands.size() == 3);
  CHECK(r.commands[0] == command{"PING"});
  CHECK(r.commands[1] == command{"SET", "k", ""});
  CHECK(r.commands[2] == command{"GET", "k"});
  CHECK_FALSE(r.cut);
}

TEST_CASE("resp_decoder: arguments view the input, nothing is copied") {
  const std::string input = frame({"SET", "key", "value"});
  frys::resp_decoder decoder;
  const frys::resp_event event = decoder.decode(frys::as_bytes(input));
  REQUIRE(event.args.size() == 3);
  for (const std::string_view arg : event.args) {
    CHECK(arg.data() >= input.data());
    CHECK(arg.data() + arg.size() <= input.data() + input.size());
  }
  CHECK(event.consumed == input.size());
}

TEST_CASE("resp_decoder: any split of the bytes gives the same commands") {
  std::string stream;
  std::vector<command> expected;
  const auto add = [&](const command& c) {
    expected.push_back(c);
    stream += frame(c);
  };
  add({"SET", "k", std::string("binary\0\r\n$5\r\n", 12)});
  stream += "*0\r\n\r\n*-1\r\n";
  add({"MGET", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"});
  stream += "  set \"a\\x41\\n\" 'b c' \r\n";
  expected.push_back({"set", "aA\n", "b c"});
  stream += "PING\n";
  expected.push_back({"PING"});
  add({""});
  add({"SET", std::string(300, 'k'), std::string(1000, 'v')});
  for (std::size_t i = 0; i <= stream.size(); ++i) {
    const reading r = read_in_pieces(stream, {i, stream.size()});
    REQUIRE_MESSAGE(r.commands == expected, "split at ", i);
    REQUIRE(r.error.empty());
  }
  for (std::size_t step = 1; step < 40; ++step) {
    std::vector<std::size_t> ends;
    for (std::size_t at = step; at < stream.size(); at += step) ends.push_back(at);
    ends.push_back(stream.size());
    REQUIRE_MESSAGE(read_in_pieces(stream, ends).commands == expected, "pieces of ", step);
  }
}

TEST_CASE("resp_decoder: every cut of a command is need_more and known as cut") {
  const std::string whole = frame({"SET", "key", "value"});
  for (std::size_t i = 1; i < whole.size(); ++i) {
    const reading r = read_whole(std::string_view(whole).substr(0, i));
    CHECK(r.commands.empty());
    CHECK(r.error.empty());
    CHECK_MESSAGE(r.cut, "cut at ", i);
  }
}

TEST_CASE("resp_decoder: a waiting bulk says how many bytes it needs, and less is not looked at") {
  frys::resp_decoder decoder;
  std::string input = "*2\r\n$3\r\nSET\r\n$1000000\r\n";
  const frys::resp_event event = decoder.decode(frys::as_bytes(input));
  CHECK(event.status == frys::resp_status::need_more);
  CHECK(event.needed == input.size() + 1000002);
  // With fewer bytes than needed the input is not even read: these bytes would be an error.
  const std::string rubbish(input.size() + 10, 'x');
  CHECK(decoder.decode(frys::as_bytes(rubbish)).status == frys::resp_status::need_more);
  input += std::string(1000000, 'v') + "\r\n";
  const frys::resp_event done = decoder.decode(frys::as_bytes(input));
  REQUIRE(done.status == frys::resp_status::command);
  CHECK(done.args[0] == "SET");
  CHECK(done.args[1].size() == 1000000);
}

TEST_CASE("resp_decoder: errors are Redis' own sentences") {
  CHECK(read_whole("*x\r\n").error == "Protocol error: invalid multibulk length");
  CHECK(read_whole("*\r\n").error == "Protocol error: invalid multibulk length");
  CHECK(read_whole("*01\r\n").error == "Protocol error: invalid multibulk length");
  CHECK(read_whole("*+1\r\n").error == "Protocol error: invalid multibulk length");
  CHECK(read_whole("*99999999999999999999\r\n").error == "Protocol error: invalid multibulk length");
  CHECK(read_whole("*1048577\r\n").error == "Protocol error: invalid multibulk length");
  CHECK(read_whole("*1\r\nPING\r\n").error == "Protocol error: expected '$', got 'P'");
  CHECK(read_whole("*1\r\n\r\nPING").error == "Protocol error: expected '$', got ' '");
  CHECK(read_whole("*1\r\n$-1\r\n").error == "Protocol error: invalid bulk length");
  CHECK(read_whole("*1\r\n$\r\n").error == "Protocol error: invalid bulk length");
  CHECK(read_whole("*1\r\n$00\r\n").error == "Protocol error: invalid bulk length");
  CHECK(read_whole("*1\r\n$4x\r\n").error == "Protocol error: invalid bulk length");
  CHECK(read_whole("*1\r\n$536870913\r\n").error == "Protocol error: invalid bulk length");
  CHECK(read_whole("PING \"x\r\n").error == "Protocol error: unbalanced quotes in request");
  CHECK(read_whole("PING \"x\"y\r\n").error == "Protocol error: unbalanced quotes in request");
  CHECK(read_whole("PING 'x\r\n").error == "Protocol error: unbalanced quotes in request");
  CHECK(read_whole(std::string(65537, 'a')).error == "Protocol error: too big inline request");
  CHECK(read_whole("*" + std::string(65537, '1')).error == "Protocol error: too big mbulk count string");
  CHECK(read_whole("*1\r\n$" + std::string(65537, '1')).error == "Protocol error: too big bulk count string");
}

TEST_CASE("resp_decoder: commands before an error still come out, and reset makes it new") {
  frys::resp_decoder decoder;
  std::string input = "PING\r\n*1\r\n!bad\r\n";
  frys::resp_event event = decoder.decode(frys::as_bytes(input));
  REQUIRE(event.status == frys::resp_status::command);
  input.erase(0, event.consumed);
  CHECK(decoder.decode(frys::as_bytes(input)).status == frys::resp_status::error);
  CHECK(decoder.decode(frys::as_bytes("PING\r\n")).status == frys::resp_status::error);
  decoder.reset();
  CHECK(decoder.decode(frys::as_bytes("PING\r\n")).status == frys::resp_status::command);
}

TEST_CASE("resp_decoder: limits are the caller's") {
  const frys::resp_limits small{.max_bulk = 4, .max_args = 2, .max_inline = 8, .max_command = 20};
  CHECK(read_whole("*1\r\n$4\r\nPING\r\n", small).commands.size() == 1);
  CHECK(read_whole("*1\r\n$5\r\nPINGS\r\n", small).error == "Protocol error: invalid bulk length");
  CHECK(read_whole("*3\r\n", small).error == "Protocol error: invalid multibulk length");
  CHECK(read_whole("*2\r\n$4\r\nPING\r\n$4\r\nPING\r\n", small).error == "Protocol error: too big command");
  CHECK(read_whole("abcdefgh\r\n", small).error == "Protocol error: too big inline request");
  CHECK(read_whole("abcdefg\r\n", small).commands.size() == 1);
  CHECK(read_whole("a b c\r\n", small).error == "Protocol error: too big inline request");
}

TEST_CASE("resp_decoder: inline commands follow Redis' quoting") {
  const auto one = [](std::string_view line) {
    const reading r = read_whole(line);
    REQUIRE(r.error.empty());
    REQUIRE(r.commands.size() == 1);
    return r.commands[0];
  };
  CHECK(one("set k v\r\n") == command{"set", "k", "v"});
  CHECK(one("\tset\vx  v \n") == command{"set\vx", "v"});
  CHECK(one("echo \"a b\"\n") == command{"echo", "a b"});
  CHECK(one("echo \"\\\"\\\\\\n\\r\\t\\b\\a\\q\\x4a\\x4\"\n") == command{"echo", "\"\\\n\r\t\b\aqJx4"});
  CHECK(one("echo 'a\\'b\\n'\n") == command{"echo", "a'b\\n"});
  CHECK(one("echo \"\" ''\n") == command{"echo", "", ""});
  CHECK(one("echo ab\"cd ef\"\n") == command{"echo", "abcd ef"});
  CHECK(one("echo \"two\" \"words\" plain\n") == command{"echo", "two", "words", "plain"});
  CHECK(read_whole("\r\n\n   \r\n").commands.empty());
}

TEST_CASE("resp_decoder: a command with many arguments comes whole, piece by piece") {
  command many{"DEL"};
  for (int i = 0; i < 5000; ++i) many.push_back("key:" + std::to_string(i));
  const std::string stream = frame(many) + frame({"PING"});
  std::vector<std::size_t> ends;
  for (std::size_t at = 4096; at < stream.size(); at += 4096) ends.push_back(at);
  ends.push_back(stream.size());
  const reading r = read_in_pieces(stream, ends);
  REQUIRE(r.commands.size() == 2);
  CHECK(r.commands[0] == many);
}

TEST_CASE("resp_decoder: can be moved in the middle of a command") {
  const std::string stream = frame({"SET", "key", "value"});
  frys::resp_decoder first;
  CHECK(first.decode(frys::as_bytes(std::string_view(stream).substr(0, 20))).status == frys::resp_status::need_more);
  frys::resp_decoder second(std::move(first));
  const frys::resp_event event = second.decode(frys::as_bytes(stream));
  REQUIRE(event.status == frys::resp_status::command);
  CHECK(event.args[0] == "SET");
  CHECK(event.args[2] == "value");
}
