#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <frys/queue/spsc_ring.hpp>

#include "../../examples/kernel/reply_queue.hpp"
#include "../../examples/kernel/sync_queue.hpp"

namespace {

using sync_ring = frys::spsc_ring<kernel::sync_entry, frys::policy::capacity<frys::policy::dynamic>>;

struct client : kernel::sync_waiter {
  std::vector<char>* calls;
  char name;
  client(std::vector<char>& to, char n) : calls(&to), name(n) {
    synced = [](kernel::sync_waiter& w, bool failed) noexcept {
      auto& self = static_cast<client&>(w);
      self.calls->push_back(failed ? '!' : self.name);
    };
  }
};

std::string text_of(const std::vector<char>& calls) { return {calls.begin(), calls.end()}; }

struct fixture {
  std::vector<char> calls;
  kernel::sync_queue<sync_ring> queue;
  client a{calls, 'a'}, b{calls, 'b'}, c{calls, 'c'};
  explicit fixture(std::size_t n) : queue(*sync_ring::make(n)) {}
};

// What leaves a reply queue when the log is durable up to `durable`.
std::string taken(kernel::reply_queue& q, std::uint64_t durable) {
  frys::buffer_chain out;
  (void)q.take(durable, out);
  std::string text;
  for (const frys::buffer& b : out.segments()) text += b.text();
  return text;
}
void write(kernel::reply_queue& q, std::string_view text) {
  q.tail().append(*frys::buffer::copy_of(frys::as_bytes(text)));
}

}  // namespace

TEST_CASE("sync_queue: who waits is called in the order of the log, when its record is durable and not before") {
  fixture f(4);
  CHECK(f.queue.push(f.a, 1));
  CHECK(f.queue.push(f.b, 2));
  CHECK(f.queue.push(f.c, 3));
  f.queue.release(0, false);
  CHECK(f.calls.empty());
  f.queue.release(2, false);
  CHECK(text_of(f.calls) == "ab");
  CHECK(f.queue.size() == 1);
  f.queue.release(2, false);
  f.queue.release(3, false);
  CHECK(text_of(f.calls) == "abc");
  CHECK(f.queue.size() == 0);
}

TEST_CASE("sync_queue: a client's commands in a row share an entry, but not over the end of a group") {
  fixture f(4);
  CHECK(f.queue.push(f.a, 1));
  CHECK_FALSE(f.queue.push(f.a, 2));
  CHECK_FALSE(f.queue.push(f.a, 3));
  CHECK(f.queue.size() == 1);
  f.queue.release(2, false);
  CHECK(f.calls.empty());  // its last one is not durable
  CHECK(f.queue.push(f.a, 4));
  f.queue.begin_group();
  CHECK(f.queue.push(f.a, 5));
  CHECK(f.queue.push(f.b, 6));
  CHECK(f.queue.is_full());
  CHECK_FALSE(f.queue.push(f.b, 7));  // needs no place
  f.queue.release(4, false);
  CHECK(text_of(f.calls) == "aa");
  f.queue.release(7, false);
  CHECK(text_of(f.calls) == "aaab");
}

TEST_CASE("sync_queue: a log that failed calls all, and says so") {
  fixture f(2);
  CHECK(f.queue.push(f.a, 10));
  CHECK(f.queue.push(f.b, 20));
  CHECK(f.queue.is_full());
  f.queue.release(0, true);
  CHECK(text_of(f.calls) == "!!");
  CHECK_FALSE(f.queue.is_full());
}

TEST_CASE("sync_queue: holds exactly as many as it was made for, through many laps") {
  for (const std::size_t capacity : {std::size_t{1}, std::size_t{2}, std::size_t{8}}) {
    CAPTURE(capacity);
    fixture f(capacity);
    std::mt19937 random(7);
    std::uint64_t pushed = 0, durable = 0;
    std::string expected;
    std::vector<std::pair<std::uint64_t, char>> waiting;
    for (int step = 0; step < 3000; ++step) {
      if (random() % 3 != 0 && !f.queue.is_full()) {
        client& who = pushed % 2 == 0 ? f.a : f.b;  // never twice in a row
        REQUIRE(f.queue.push(who, ++pushed));
        waiting.emplace_back(pushed, who.name);
      } else if (durable != pushed) {
        durable += 1 + random() % (pushed - durable);
        f.queue.release(durable, false);
        while (!waiting.empty() && waiting.front().first <= durable) {
          expected += waiting.front().second;
          waiting.erase(waiting.begin());
        }
      }
      REQUIRE(f.queue.size() == waiting.size());
      REQUIRE(f.queue.is_full() == (waiting.size() == capacity));
      REQUIRE(text_of(f.calls) == expected);
    }
    CHECK(pushed > 500);
  }
}

TEST_CASE("reply_queue: a reply leaves with its own sync, not with a later one") {
  kernel::buffer_memory memory;
  kernel::reply_queue::place_pool places;
  kernel::reply_queue q(memory, places);
  write(q, "r0 ");
  const auto held = [&](std::string_view text, std::uint64_t sequence, std::uint64_t grouped) {
    const std::size_t mark = q.tail().size();
    write(q, text);
    q.hold(mark, sequence, grouped);
  };
  held("w1 ", 1, 0);
  CHECK(taken(q, 0) == "r0 ");
  held("w2 ", 2, 0);  // the same group
  CHECK(taken(q, 1).empty());
  held("w3 ", 3, 2);  // the group of 2 is on its way to the disk
  write(q, "r3 ");
  CHECK(q.size() == 12);
  CHECK_FALSE(q.can_leave(1));
  CHECK(taken(q, 2) == "w1 w2 ");
  CHECK(taken(q, 2).empty());
  CHECK(taken(q, 3) == "w3 r3 ");
  CHECK(q.empty());
}

TEST_CASE("reply_queue: long bodies go in by pointer, short ones are copied") {
  kernel::buffer_memory memory;
  kernel::reply_queue::place_pool places;
  kernel::reply_queue q(memory, places);
  const auto body = *frys::buffer::copy_of(frys::as_bytes(std::string(100'000, 'x')));
  for (int i = 0; i < 3; ++i) {
    write(q, "head");
    q.tail().append(body);
  }
  CHECK(q.size() == 3 * 100'004);
  std::size_t shared = 0;
  for (const frys::buffer& b : q.tail().chain().segments()) shared += b.data() == body.data();
  CHECK(shared == 3);
  CHECK(taken(q, 0).substr(100'000, 8) == "xxxxhead");
  write(q, "short");
  CHECK(q.tail().chain().segments().size() == 1);
}
