#include <frys/core/bytes.hpp>
#include <frys/memory/buffer.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using frys::buffer;
using frys::buffer_chain;

namespace {

buffer text_buffer(std::string_view text) {
  auto b = buffer::copy_of(frys::as_bytes(text));
  REQUIRE(b);
  return *std::move(b);
}
std::string text_of(const buffer_chain& chain) {
  std::string out(chain.size(), '\0');
  chain.copy_to(reinterpret_cast<std::byte*>(out.data()));
  return out;
}

struct counted_block : frys::buffer_block {
  int* released = nullptr;
  std::byte bytes[16] = {};
  explicit counted_block(int& r) : released(&r) {
    data = bytes;
    size = sizeof bytes;
    release = [](frys::buffer_block& b) noexcept { ++*static_cast<counted_block&>(b).released; };
  }
};

}  // namespace

TEST_CASE("buffer: an empty one owns nothing and is unique") {
  const buffer b;
  CHECK(b.empty());
  CHECK(b.data() == nullptr);
  CHECK(b.capacity() == 0);
  CHECK(b.is_unique());
  CHECK(b.text().empty());
  const buffer copy = b;  // NOLINT: the copy is the test
  CHECK(copy.empty());
}

TEST_CASE("buffer: copy_of copies, copies share, moves move") {
  buffer a = text_buffer("hello");
  CHECK(a.text() == "hello");
  CHECK(a.is_unique());
  buffer b = a;
  CHECK(b.data() == a.data());
  CHECK_FALSE(a.is_unique());
  CHECK_FALSE(b.is_unique());
  const buffer c = std::move(b);
  CHECK(b.empty());  // NOLINT: a moved-from buffer is empty
  CHECK(c.text() == "hello");
  a.reset();
  CHECK(c.is_unique());
  buffer d;
  d = c;
  CHECK(d.text() == "hello");
  d = *&d;
  CHECK(d.text() == "hello");
  d = buffer();
  CHECK(c.is_unique());
}

TEST_CASE("buffer: slice, remove_prefix and truncate change the view, not the bytes") {
  buffer a = text_buffer("hello world");
  buffer world = a.slice(6);
  const buffer clipped = a.slice(9, 100);
  CHECK(world.text() == "world");
  CHECK(clipped.text() == "ld");
  CHECK(a.slice(11).empty());
  world.remove_prefix(1);
  world.truncate(2);
  CHECK(world.text() == "or");
  CHECK(a.text() == "hello world");
}

TEST_CASE("buffer: extend grows a unique buffer into its block, and refuses beyond it or when shared") {
  buffer a = text_buffer("abcdef");
  a.truncate(2);
  CHECK(a.capacity() == 6);
  {
    const buffer shared = a;
    CHECK_FALSE(a.extend(1));
    CHECK(a.size() == 2);
  }
  CHECK_FALSE(a.extend(5));
  CHECK(a.extend(4));
  CHECK(a.text() == "abcdef");
  CHECK_FALSE(a.extend((std::numeric_limits<std::size_t>::max)()));
  CHECK(a.extend(0));
}

TEST_CASE("buffer: an absurd size is refused by out_of_memory") {
  auto b = buffer::allocate((std::numeric_limits<std::size_t>::max)());
  REQUIRE_FALSE(b);
  CHECK(b.error() == frys::errc::out_of_memory);
}

TEST_CASE("buffer: size zero has a block and no bytes") {
  auto b = buffer::allocate(0);
  REQUIRE(b);
  CHECK(b->empty());
  CHECK(b->block() != nullptr);
}

TEST_CASE("buffer: an adopted block is released once, by its last buffer") {
  int released = 0;
  counted_block block(released);
  {
    buffer a = buffer::adopt(block, 3);
    CHECK(a.size() == 3);
    CHECK(a.capacity() == 16);
    CHECK(a.block() == &block);
    const buffer b = a.slice(1);
    a.reset();
    CHECK(released == 0);
  }
  CHECK(released == 1);
  buffer again = buffer::adopt(block, 16);  // the source may lease it again
  again = buffer();
  CHECK(released == 2);
}

TEST_CASE("buffer: wrap gives foreign memory back with its context and its whole extent") {
  struct record {
    std::byte bytes[8] = {};
    frys::byte_span given_back;
  } r;
  {
    auto b = buffer::wrap(
        r.bytes, sizeof r.bytes,
        [](void* context, frys::byte_span memory) noexcept { static_cast<record*>(context)->given_back = memory; }, &r);
    REQUIRE(b);
    b->remove_prefix(3);
    const buffer kept = b->slice(1, 1);
    *b = buffer();
    CHECK(r.given_back.data() == nullptr);
  }
  CHECK(r.given_back.data() == r.bytes);
  CHECK(r.given_back.size() == 8);
}

TEST_CASE("buffer: copies may be made and dropped on many threads; the last one releases") {
  std::atomic<int> released{0};
  struct block_type : frys::buffer_block {
    std::atomic<int>* count;
    unsigned char bytes[64] = {};
  } block;
  block.count = &released;
  block.data = reinterpret_cast<std::byte*>(block.bytes);
  block.size = sizeof block.bytes;
  block.release = [](frys::buffer_block& b) noexcept {
    auto& whole = static_cast<block_type&>(b);
    // Every thread wrote its byte before it let go; all must be visible here without further order.
    int sum = 0;
    for (const unsigned char c : whole.bytes) sum += c;
    whole.count->store(sum);
  };
  constexpr unsigned threads = 4;
  {
    std::vector<std::thread> all;
    buffer first = buffer::adopt(block, sizeof block.bytes);
    for (unsigned t = 0; t < threads; ++t)
      all.emplace_back([t, mine = first]() mutable {
        for (int i = 0; i < 2000; ++i) {
          buffer copy = mine;
          buffer part = copy.slice(t);
          copy = std::move(part);
        }
        mine.data()[t] = std::byte{7};
      });
    first.reset();
    for (auto& t : all) t.join();
  }
  CHECK(released == 7 * static_cast<int>(threads));
}

TEST_CASE("buffer_chain: append_copy gathers small pieces in one tail, append takes buffers as they are") {
  buffer_chain chain;
  CHECK(chain.empty());
  CHECK(chain.segments().empty());
  for (const char* piece : {"one ", "two ", "three "}) CHECK(chain.append_copy(piece));
  CHECK(chain.segments().size() == 1);
  const buffer big = text_buffer("BIG ");
  CHECK(chain.append(big));
  CHECK(chain.segments()[1].data() == big.data());
  CHECK(chain.append_copy("end"));
  CHECK(chain.segments().size() == 3);
  CHECK(chain.size() == 21);
  CHECK(text_of(chain) == "one two three BIG end");
  CHECK(chain.append(buffer()));  // nothing to append
  CHECK(chain.append_copy(""));
  CHECK(chain.segments().size() == 3);
}

TEST_CASE("buffer_chain: a copy that somebody keeps of the tail never changes under him") {
  buffer_chain chain;
  REQUIRE(chain.append_copy("first"));
  const buffer kept = chain.segments()[0];
  REQUIRE(chain.append_copy("second"));
  CHECK(kept.text() == "first");
  CHECK(text_of(chain) == "firstsecond");
  CHECK(chain.segments().size() == 2);
}

TEST_CASE("buffer_chain: consume drops bytes and buffers from the front, across segments") {
  buffer_chain chain;
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    const std::string piece = std::to_string(i) + ",";
    expected += piece;
    REQUIRE(chain.append(text_buffer(piece)));
  }
  for (std::size_t step = 1; !expected.empty(); step = step % 7 + 1) {
    const std::size_t n = (std::min)(step, expected.size());
    chain.consume(n);
    expected.erase(0, n);
    REQUIRE(text_of(chain) == expected);
  }
  CHECK(chain.empty());
  CHECK(chain.segments().empty());
  chain.consume(0);
  CHECK(chain.append_copy("again"));
  CHECK(text_of(chain) == "again");
}

TEST_CASE("buffer_chain: appending and consuming for ever keeps a short list") {
  buffer_chain chain;
  const buffer piece = text_buffer("0123456789");
  for (int i = 0; i < 5; ++i) REQUIRE(chain.append(piece));
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(chain.append(piece));
    chain.consume(10);
    REQUIRE(chain.segments().size() == 5);
  }
  CHECK(chain.size() == 50);
}

TEST_CASE("buffer_chain: prepare and commit fill in place; what is not committed is not there") {
  buffer_chain chain;
  auto room = chain.prepare(10);
  REQUIRE(room);
  CHECK(room->size() >= 10);
  std::memcpy(room->data(), "0123456789", 10);
  chain.commit(4);
  CHECK(text_of(chain) == "0123");
  auto more = chain.prepare(2);
  REQUIRE(more);
  CHECK(more->data() == room->data() + 4);  // the same tail
  chain.commit(0);
  CHECK(text_of(chain) == "0123");
  auto large = chain.prepare(100'000);
  REQUIRE(large);
  CHECK(large->size() >= 100'000);
  std::memset(large->data(), 'x', 100'000);
  chain.commit(100'000);
  CHECK(chain.size() == 100'004);
}

TEST_CASE("buffer_chain: take and moves carry everything and leave an empty chain that works") {
  for (const int count : {1, 8, 9, 100}) {
    CAPTURE(count);
    buffer_chain a;
    std::string expected;
    for (int i = 0; i < count; ++i) {
      REQUIRE(a.append(text_buffer("piece" + std::to_string(i))));
      expected += "piece" + std::to_string(i);
    }
    a.consume(1);
    expected.erase(0, 1);
    buffer_chain b = a.take();
    CHECK(a.empty());
    CHECK(text_of(b) == expected);
    REQUIRE(a.append_copy("next"));
    CHECK(text_of(a) == "next");
    buffer_chain c;
    REQUIRE(c.append_copy("old"));
    c = std::move(b);
    CHECK(text_of(c) == expected);
    CHECK(b.empty());  // NOLINT: a moved-from chain is empty
    REQUIRE(c.append(std::move(a)));
    CHECK(text_of(c) == expected + "next");
    CHECK(a.empty());  // NOLINT
    REQUIRE(c.append(buffer_chain()));
    REQUIRE(c.append_copy("!"));
    CHECK(text_of(c) == expected + "next!");
    c.clear();
    CHECK(c.empty());
  }
}
