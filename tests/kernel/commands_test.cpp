#include <doctest/doctest.h>

#include <set>
#include <string>

#include "fake_server.hpp"

using kernel_test::fake_server;
using kernel_test::fake_session;

TEST_CASE("commands: strings answer as Redis does") {
  fake_server s;
  CHECK(s("GET k") == "$-1\r\n");
  CHECK(s("SET k v") == "+OK\r\n");
  CHECK(s("get k") == "$1\r\nv\r\n");
  CHECK(s("SET k w NX") == "$-1\r\n");
  CHECK(s("SET k w XX GET") == "$1\r\nv\r\n");
  CHECK(s("SET new w NX GET") == "$-1\r\n");
  CHECK(s("SET new x NX GET") == "$1\r\nw\r\n");
  CHECK(s("APPEND k 23456789012345678901234567890") == ":30\r\n");
  CHECK(s("GET k") == "$30\r\nw23456789012345678901234567890\r\n");
  CHECK(s("STRLEN k") == ":30\r\n");
  CHECK(s("GETSET k z") == "$30\r\nw23456789012345678901234567890\r\n");
  CHECK(s("GETDEL k") == "$1\r\nz\r\n");
  CHECK(s("EXISTS k") == ":0\r\n");
  CHECK(s("SETNX k 1") == ":1\r\n");
  CHECK(s("SETNX k 2") == ":0\r\n");
  CHECK(s("MSET a 1 b 2 c") == "-ERR wrong number of arguments for 'mset' command\r\n");
  CHECK(s("MSET a 1 b 2") == "+OK\r\n");
  CHECK(s("MGET a nosuch b") == "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n2\r\n");
}

TEST_CASE("commands: counting, and where it ends") {
  fake_server s;
  CHECK(s("INCR n") == ":1\r\n");
  CHECK(s("DECRBY n 11") == ":-10\r\n");
  CHECK(s("GET n") == "$3\r\n-10\r\n");
  CHECK(s("SET n 9223372036854775807") == "+OK\r\n");
  CHECK(s("INCR n") == "-ERR increment or decrement would overflow\r\n");
  CHECK(s("INCRBY n -9223372036854775808") == ":-1\r\n");
  CHECK(s("DECRBY n -9223372036854775808") == "-ERR decrement would overflow\r\n");
  CHECK(s("INCRBY n 1x") == "-ERR value is not an integer or out of range\r\n");
  CHECK(s("SET n 01") == "+OK\r\n");
  CHECK(s("INCR n") == "-ERR value is not an integer or out of range\r\n");
}

TEST_CASE("commands: expiry by the clock that the server passes") {
  fake_server s;
  CHECK(s("SET k v EX 10") == "+OK\r\n");
  CHECK(s("TTL k") == ":10\r\n");
  CHECK(s("PTTL k") == ":10000\r\n");
  CHECK(s("TTL nosuch") == ":-2\r\n");
  s.now_ms += 9'999;
  CHECK(s("GET k") == "$1\r\nv\r\n");
  s.now_ms += 1;
  CHECK(s("GET k") == "$-1\r\n");
  CHECK(s("SET k v") == "+OK\r\n");
  CHECK(s("TTL k") == ":-1\r\n");
  CHECK(s("EXPIRE k 100 XX") == ":0\r\n");
  CHECK(s("EXPIRE k 100 GT") == ":0\r\n");
  CHECK(s("EXPIRE k 100 LT") == ":1\r\n");
  CHECK(s("EXPIRE k 100 NX") == ":0\r\n");
  CHECK(s("EXPIRE k 50 GT") == ":0\r\n");
  CHECK(s("EXPIRE k 50 LT") == ":1\r\n");
  CHECK(s("SET k w KEEPTTL") == "+OK\r\n");
  CHECK(s("TTL k") == ":50\r\n");
  CHECK(s("PERSIST k") == ":1\r\n");
  CHECK(s("PERSIST k") == ":0\r\n");
  CHECK(s("EXPIRE k -1") == ":1\r\n");
  CHECK(s("EXISTS k") == ":0\r\n");
  CHECK(s("EXPIRE k 1 NX XX") == "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n");
  CHECK(s("EXPIRE k 1 FOO") == "-ERR Unsupported option FOO\r\n");
  CHECK(s("SET k v EX 0") == "-ERR invalid expire time in 'set' command\r\n");
  CHECK(s("SET k v EX 1 PX 1") == "-ERR syntax error\r\n");
  CHECK(s("EXPIRE k 9223372036854775807") == "-ERR invalid expire time in 'expire' command\r\n");
}

TEST_CASE("commands: expire_some takes away what nobody asks for") {
  fake_server s;
  for (int i = 0; i < 1000; ++i) (void)s("SET k" + std::to_string(i) + " v PX " + (i % 2 == 0 ? "10" : "100000"));
  CHECK(s("DBSIZE") == ":1000\r\n");
  s.now_ms += 50;
  for (int i = 0; i < 200; ++i) (void)s.stores[0].expire_some(s.now_ms, 20);
  CHECK(s("DBSIZE") == ":500\r\n");
  CHECK(s.stores[0].expiring() == 500);
  CHECK(s.stores[0].expired() == 500);
}

TEST_CASE("commands: unknown names, wrong arity, wrong types") {
  fake_server s;
  CHECK(s("FOO") == "-ERR unknown command 'FOO', with args beginning with: \r\n");
  CHECK(s("FOO a b") == "-ERR unknown command 'FOO', with args beginning with: 'a' 'b' \r\n");
  CHECK(s("GET") == "-ERR wrong number of arguments for 'get' command\r\n");
  CHECK(s("GET a b") == "-ERR wrong number of arguments for 'get' command\r\n");
  CHECK(s("VADD vec VALUES 2 1 0 a") == ":1\r\n");
  CHECK(s("GET vec") == "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  CHECK(s("INCR vec") == "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  CHECK(s("MGET vec") == "*1\r\n$-1\r\n");
  CHECK(s("TYPE vec") == "+vectorset\r\n");
  CHECK(s("SET k v") == "+OK\r\n");
  CHECK(s("VCARD k") == "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  CHECK(s("CLIENT FOO") == "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n");
  CHECK(s("CLIENT SETNAME") == "-ERR wrong number of arguments for 'client|setname' command\r\n");
}

TEST_CASE("commands: vector sets find the nearest, scored from 0 to 1") {
  fake_server s;
  CHECK(s("VADD v VALUES 2 1 0 east") == ":1\r\n");
  CHECK(s("VADD v VALUES 2 0 2 north") == ":1\r\n");
  CHECK(s("VADD v VALUES 2 -3 0 west") == ":1\r\n");
  CHECK(s("VADD v VALUES 2 1 0 east") == ":0\r\n");
  CHECK(s("VCARD v") == ":3\r\n");
  CHECK(s("VDIM v") == ":2\r\n");
  CHECK(s("VSIM v VALUES 2 5 0") == "*3\r\n$4\r\neast\r\n$5\r\nnorth\r\n$4\r\nwest\r\n");
  CHECK(s("VSIM v ELE north COUNT 1 WITHSCORES") == "*2\r\n$5\r\nnorth\r\n$1\r\n1\r\n");
  s.me.protocol = 3;
  CHECK(s("VSIM v VALUES 2 5 0 WITHSCORES") == "%3\r\n$4\r\neast\r\n,1\r\n$5\r\nnorth\r\n,0.5\r\n$4\r\nwest\r\n,0\r\n");
  CHECK(s("VADD v VALUES 2 1 1 ne") == "#t\r\n");
  s.me.protocol = 2;
  CHECK(s.call({"VSIM", "v", "FP32", std::string_view("\0\0\x80?\0\0\0\0", 8), "COUNT", "1"}) ==
        "*1\r\n$4\r\neast\r\n");
  CHECK(s("VSIM v VALUES 3 1 2 3") == "-ERR Vector dimension mismatch - got 3 but set has 2\r\n");
  CHECK(s("VADD v VALUES 3 1 2 3 x") == "-ERR Vector dimension mismatch - got 3 but set has 2\r\n");
  CHECK(s("VADD v VALUES 2 1 x") == "-ERR invalid vector specification\r\n");
  CHECK(s("VADD v VALUES 2 0 0 zero") == "-ERR invalid vector specification\r\n");
  CHECK(s("VADD v VALUES 2 nan 0 nan") == "-ERR invalid vector specification\r\n");
  CHECK(s("VSIM v ELE nosuch") == "-ERR element not found in set\r\n");
  CHECK(s("VSIM nosuch ELE x") == "*0\r\n");
  CHECK(s("VDIM nosuch") == "-ERR key does not exist\r\n");
  CHECK(s("VREM v nosuch") == ":0\r\n");
  for (const char* e : {"east", "north", "west", "ne"}) CHECK(s(std::string("VREM v ") + e) == ":1\r\n");
  CHECK(s("EXISTS v") == ":0\r\n");
  CHECK(s.stores[0].size() == 0);
}

TEST_CASE("commands: the connection's own") {
  fake_server s;
  CHECK(s("PING") == "+PONG\r\n");
  CHECK(s("PING x") == "$1\r\nx\r\n");
  CHECK(s("PING x y") == "-ERR wrong number of arguments for 'ping' command\r\n");
  CHECK(s("ECHO hi") == "$2\r\nhi\r\n");
  CHECK(s("SELECT 0") == "+OK\r\n");
  CHECK(s("SELECT 99") == "-ERR DB index is out of range\r\n");
  CHECK(s("HELLO 4") == "-NOPROTO unsupported protocol version\r\n");
  CHECK(s("HELLO 3").substr(0, 4) == "%7\r\n");
  CHECK(s("GET nosuch") == "_\r\n");
  CHECK(s("CONFIG GET app*") == "%1\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
  CHECK(s("RESET") == "+RESET\r\n");
  CHECK(s("GET nosuch") == "$-1\r\n");
  CHECK(s("CONFIG GET save") == "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  CHECK(s("CLIENT ID") == ":1\r\n");
  CHECK(s("CLIENT GETNAME") == "$-1\r\n");
  CHECK(s("CLIENT SETNAME me") == "+OK\r\n");
  CHECK(s("CLIENT GETNAME") == "$2\r\nme\r\n");
  CHECK(s("CLIENT SETINFO LIB-NAME x") == "+OK\r\n");
  CHECK(s("CLIENT LIST").find(" name=me ") != std::string::npos);
  CHECK(s("INFO").find("redis_version:") != std::string::npos);
  CHECK(s("INFO keyspace") == "$12\r\n# Keyspace\r\n\r\n");
  CHECK(s("COMMAND COUNT")[0] == ':');
  CHECK(s("COMMAND INFO get nosuch").substr(0, 22) == "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n");
  CHECK(s("QUIT") == "+OK\r\n");
  CHECK(s.me.close_after_reply);
}

TEST_CASE("commands: subscribers get what is published, in their own protocol") {
  fake_server s;
  fake_session other;
  other.protocol = 3;
  CHECK(s("SUBSCRIBE a b") == "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n");
  CHECK(s.call_from(other, {"PSUBSCRIBE", "[ab]*"}) == ">3\r\n$10\r\npsubscribe\r\n$5\r\n[ab]*\r\n:1\r\n");
  CHECK(s.call_from(other, {"PUBLISH", "a", "hi"}) == ":2\r\n");
  CHECK(s.me.delivered == "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
  CHECK(other.delivered == ">4\r\n$8\r\npmessage\r\n$5\r\n[ab]*\r\n$1\r\na\r\n$2\r\nhi\r\n");
  REQUIRE((s.me.bodies.size() == 1 && other.bodies.size() == 1));
  CHECK(s.me.bodies[0].data() == other.bodies[0].data());  // encoded once
  CHECK(s("GET k") ==
        "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
        "allowed in this context\r\n");
  CHECK(s("PING") == "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  CHECK(s("UNSUBSCRIBE") ==
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n");
  CHECK(s("UNSUBSCRIBE") == "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
  CHECK(s("GET k") == "$-1\r\n");
  CHECK(s.subscribed.is_heard());
  s.subscribed.remove(other);
  CHECK(s.subscribed.empty());
  CHECK_FALSE(s.subscribed.is_heard());
  CHECK(s("PUBLISH a x") == ":0\r\n");
}

TEST_CASE("commands: memory and log failures refuse writes, and only writes") {
  fake_server s;
  CHECK(s("SET k v") == "+OK\r\n");
  s.memory_full = true;
  CHECK(s("SET k w") == "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  CHECK(s("GET k") == "$1\r\nv\r\n");
  CHECK(s("DEL k") == ":1\r\n");
  s.memory_full = false;
  CHECK(s("SET k v") == "+OK\r\n");
  s.log.broken = true;
  for (const char* write : {"SET k w", "DEL k", "INCR n", "APPEND k x", "EXPIRE k 10", "MSET k 1 l 2", "FLUSHDB",
                            "GETDEL k", "VADD v VALUES 1 1 a", "SET k w GET"})
    CHECK_MESSAGE(s(write).substr(0, 9) == "-MISCONF ", write);
  CHECK(s("GET k") == "$1\r\nv\r\n");
  CHECK(s("DBSIZE") == ":1\r\n");
}

TEST_CASE("commands: over several owners the client sees one server") {
  for (const unsigned owners : {1u, 2u, 3u, 7u}) {
    CAPTURE(owners);
    fake_server s(owners);
    std::vector<std::string> names;
    for (int i = 0; i < 100; ++i) names.push_back("key:" + std::to_string(i));
    std::vector<std::string_view> mset{"MSET"}, mget{"MGET"}, del{"DEL"};
    std::string expected = "*101\r\n";
    for (const std::string& n : names) {
      mset.insert(mset.end(), {n, n});
      mget.push_back(n);
      del.push_back(n);
      expected += "$" + std::to_string(n.size()) + "\r\n" + n + "\r\n";
    }
    CHECK(s.call(mset) == "+OK\r\n");
    mget.push_back("nosuch");
    CHECK(s.call(mget) == expected + "$-1\r\n");
    CHECK(s("DBSIZE") == ":100\r\n");
    CHECK(s("KEYS *").substr(0, 6) == "*100\r\n");
    CHECK(s("KEYS key:1").substr(0, 4) == "*1\r\n");
    CHECK(s("EXISTS key:1 key:2 key:2 nosuch key:3") == ":4\r\n");
    CHECK(s("INFO keyspace").find("keys=100,") != std::string::npos);
    std::set<std::string> seen;
    std::string cursor = "0";
    do {
      const std::string reply = s("SCAN " + cursor + " COUNT 7 MATCH key:*");
      std::size_t at = reply.find("\r\n", 4) + 2;
      cursor = reply.substr(at, reply.find("\r\n", at) - at);
      for (std::size_t k = reply.find("key:"); k != std::string::npos; k = reply.find("key:", k + 1))
        seen.insert(reply.substr(k, reply.find('\r', k) - k));
    } while (cursor != "0");
    CHECK(seen.size() == 100);
    CHECK(s("SCAN x") == "-ERR invalid cursor\r\n");
    CHECK(s.call(del) == ":100\r\n");
    CHECK(s.call(mset) == "+OK\r\n");
    CHECK(s("FLUSHDB NOW") == "-ERR syntax error\r\n");
    CHECK(s("FLUSHDB") == "+OK\r\n");
    CHECK(s("DBSIZE") == ":0\r\n");
  }
}

TEST_CASE("commands: what the log holds makes the same keys again") {
  for (const unsigned owners : {1u, 3u}) {
    CAPTURE(owners);
    fake_server s(owners);
    for (const char* line : {"SET gone 1",
                             "FLUSHDB",
                             "SET a 1",
                             "SET b 2 EX 100",
                             "MSET c 3 d 4 e 5",
                             "APPEND a 234567890123456789012345678",
                             "INCR n",
                             "INCRBY n 41",
                             "DEL c nosuch",
                             "EXPIRE d 50",
                             "PERSIST b",
                             "GETDEL e",
                             "SET f 1 PX 1000",
                             "SET f 2 KEEPTTL",
                             "VADD v VALUES 2 1 2 x",
                             "VADD v VALUES 2 2 1 y",
                             "VREM v x",
                             "GETSET a new",
                             "SETNX a no",
                             "GET a"})
      (void)s(line);
    auto again = s.recovered();
    for (unsigned i = 0; i < owners; ++i) {
      CHECK(again[i].size() == s.stores[i].size());
      CHECK(again[i].expiring() == s.stores[i].expiring());
      s.stores[i].for_each(s.now_ms, [&](std::string_view key, kernel::value& v) {
        kernel::value* other = again[i].find(key, s.now_ms);
        REQUIRE(other != nullptr);
        CHECK(other->expire_at_ms == v.expire_at_ms);
        REQUIRE(other->is_string() == v.is_string());
        if (v.is_string())
          CHECK(other->text() == v.text());
        else
          CHECK(other->vectors()->size() == v.vectors()->size());
      });
    }
    CHECK(s.log.records.size() == 18);
  }
}

TEST_CASE("commands: globs match as Redis' do") {
  using kernel::glob_match;
  CHECK(glob_match("*", ""));
  CHECK(glob_match("h?llo", "hello"));
  CHECK_FALSE(glob_match("h?llo", "hllo"));
  CHECK(glob_match("h*llo", "heeeello"));
  CHECK(glob_match("h[ae]llo", "hallo"));
  CHECK_FALSE(glob_match("h[^e]llo", "hello"));
  CHECK(glob_match("h[a-b]llo", "hbllo"));
  CHECK(glob_match("h[b-a]llo", "hbllo"));
  CHECK(glob_match("a\\*b", "a*b"));
  CHECK_FALSE(glob_match("a\\*b", "axb"));
  CHECK(glob_match("[\\]]", "]"));
  CHECK(glob_match("a[", "a[") == false);
  CHECK(glob_match("*a*b*c*", "xxaxxbxxcxx"));
  CHECK_FALSE(glob_match("", "a"));
  CHECK(glob_match("ABC", "abc", true));
  CHECK_FALSE(glob_match("ABC", "abc"));
  // Time stays polynomial.
  std::string stars;
  for (int i = 0; i < 50; ++i) stars += "a*";
  CHECK_FALSE(glob_match(stars + "b", std::string(5000, 'a')));
}

TEST_CASE("commands: each name is found in any case, and nothing else") {
  for (const kernel::command& c : kernel::all_commands()) {
    std::string upper(c.name);
    for (char& ch : upper) ch = static_cast<char>(ch >= 'a' && ch <= 'z' ? ch - 32 : ch);
    REQUIRE(kernel::find_command(upper) != nullptr);
    CHECK(kernel::find_command(upper)->name == c.name);
    CHECK(kernel::find_command(std::string(c.name) + "x") == nullptr);
  }
  CHECK(kernel::find_command("") == nullptr);
  CHECK(kernel::find_command("a-name-longer-than-any-command") == nullptr);
  CHECK(kernel::find_command(std::string_view("get\0", 4)) == nullptr);
}
