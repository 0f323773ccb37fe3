#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "../../examples/kernel/command.hpp"
#include "../../examples/kernel/memory.hpp"
#include "../../examples/kernel/reply_queue.hpp"
#include "../../examples/kernel/store.hpp"

namespace {

std::string all_of(kernel::reply_output& out) {
  std::string text(out.size(), '\0');
  out.chain().copy_to(reinterpret_cast<std::byte*>(text.data()));
  return text;
}

TEST_CASE("buffer_memory: a buffer is empty and has the room it was asked for, of any size") {
  kernel::buffer_memory memory;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{2048}, std::size_t{2049}, std::size_t{4096}, std::size_t{16'384},
        std::size_t{65'536}, std::size_t{65'537}, std::size_t{5'000'000}}) {
    auto b = memory.acquire(size);
    REQUIRE(b.has_value());
    CHECK(b->empty());
    CHECK(b->capacity() >= size);
    CHECK(b->extend(size));
  }
}

TEST_CASE("reply_output: replies of all sizes stand in their order") {
  kernel::buffer_memory memory;
  kernel::reply_output out;
  out.use(memory);
  kernel::reply_writer reply(out);
  std::string expected;
  constexpr std::size_t sizes[] = {3, 5000, 10, 100'000, 20'000, 1, 4096};
  for (const std::size_t size : sizes) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    reply.bulk(text);
    expected += "$" + std::to_string(size) + "\r\n" + text + "\r\n";
    CHECK(out.size() == expected.size());
  }
  CHECK_FALSE(out.failed());
  CHECK(all_of(out) == expected);
}

TEST_CASE("cut_command: gathers what comes, drops what was used, and holds nothing when it is empty") {
  kernel::buffer_memory memory;
  kernel::cut_command cut(memory);
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 97), static_cast<char>('a' + i % 26));
    REQUIRE(cut.append(frys::as_bytes(piece)));
    expected += piece;
    if (i % 13 == 0) {
      const std::size_t used = expected.size() / 3;
      cut.consume(used);
      expected.erase(0, used);
    }
    REQUIRE(frys::as_text(cut.view()) == expected);
  }
  cut.consume(expected.size());
  CHECK(cut.empty());
  CHECK(cut.view().data() == nullptr);
}

TEST_CASE("request_memory: an arena that came back is handed out again, empty") {
  kernel::request_memory requests;
  const void* first = nullptr;
  {
    auto lease = requests.take();
    REQUIRE(lease.has_value());
    first = *(**lease).allocate(100);
    auto other = requests.take();
    REQUIRE(other.has_value());
    CHECK(&**other != &**lease);
  }
  // The one that was given back last comes first.
  auto again = requests.take();
  REQUIRE(again.has_value());
  CHECK((**again).used() == 0);
  CHECK(*(**again).allocate(100) == first);
}

TEST_CASE("store: with its last key all memory goes back") {
  kernel::store s;
  for (const int size : {8, 200}) {
    const auto key = [&](int i) {
      std::string k = std::to_string(i);
      return std::string(static_cast<std::size_t>(size) - k.size(), '0') + k;
    };
    for (int i = 0; i < 30'000; ++i) REQUIRE(s.set(key(i), "v", 0));
    CHECK(s.held_bytes() > 1 << 20);
    CHECK(s.used_bytes() <= s.held_bytes());
    for (int i = 0; i < 30'000; ++i) REQUIRE(s.erase(key(i)));
    CHECK(s.held_bytes() == 0);
    CHECK(s.set("again", "v", 0));
    CHECK(s.erase("again"));
  }
}

}  // namespace
