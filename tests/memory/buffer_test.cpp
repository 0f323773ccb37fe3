#include <frys/core/bytes.hpp>
#include <frys/memory/arena.hpp>
#include <frys/memory/buffer.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
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

// Counts, and refuses on demand.
struct counting_allocator {
  std::size_t held = 0;  // bytes
  std::size_t allocations = 0;
  bool refuses = false;
  frys::result<void*> allocate(std::size_t size, std::size_t alignment) {
    if (refuses) return frys::error{frys::errc::limit_exceeded, frys::domain::user, "refused by the test", 0};
    held += size;
    ++allocations;
    return ::operator new (size, std::align_val_t{alignment});
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    held -= size;
    ::operator delete (memory, std::align_val_t{alignment});
  }
};
// One that has nothing to remember: its blocks may outlive it.
struct empty_allocator {
  inline static std::size_t held = 0;
  static frys::result<void*> allocate(std::size_t size, std::size_t alignment) {
    held += size;
    return ::operator new (size, std::align_val_t{alignment});
  }
  static void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    held -= size;
    ::operator delete (memory, std::align_val_t{alignment});
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

TEST_CASE("buffer: comes out of any allocator, and goes back there with the size and alignment it had") {
  counting_allocator from;
  {
    auto a = buffer::allocate_from(from, 100);
    REQUIRE(a);
    CHECK(a->size() == 100);
    CHECK(a->capacity() == 100);
    CHECK(reinterpret_cast<std::uintptr_t>(a->data()) % alignof(std::max_align_t) == 0);
    CHECK(from.held > 100);
    const buffer part = a->slice(10, 5);
    a->reset();
    CHECK(from.held > 100);
    auto b = buffer::copy_from(from, frys::as_bytes(std::string_view("hello")));
    REQUIRE(b);
    CHECK(b->text() == "hello");
    CHECK(buffer::allocate_from(from, 0)->empty());
    CHECK(from.allocations == 3);
  }
  CHECK(from.held == 0);
  from.refuses = true;
  CHECK(buffer::allocate_from(from, 1).error() == frys::errc::limit_exceeded);
  CHECK(buffer::copy_from(from, frys::as_bytes(std::string_view("x"))).error() == frys::errc::limit_exceeded);
  CHECK(buffer::allocate_from(from, (std::numeric_limits<std::size_t>::max)()).error() == frys::errc::out_of_memory);

  frys::arena<> scratch;
  {
    auto c = buffer::allocate_from(scratch, 50);
    REQUIRE(c);
    CHECK(scratch.owns(c->data()));
  }
  buffer left;
  {
    empty_allocator gone;
    left = *buffer::copy_from(gone, frys::as_bytes(std::string_view("stays")));
  }
  CHECK(empty_allocator::held > 5);
  CHECK(left.text() == "stays");
  left.reset();
  CHECK(empty_allocator::held == 0);
}

TEST_CASE("buffer: unshare copies only what others have, and then its bytes are its own") {
  buffer a = text_buffer("hello world");
  const std::byte* const before = a.data();
  CHECK(a.unshare());
  CHECK(a.data() == before);  // nobody shares it
  CHECK(buffer().unshare());

  const buffer other = a.slice(6);
  CHECK(a.unshare());
  CHECK(a.data() != before);
  CHECK(a.is_unique());
  CHECK(other.is_unique());
  a.data()[6] = std::byte{'W'};
  CHECK(a.text() == "hello World");
  CHECK(other.text() == "world");

  counting_allocator from;
  buffer b = a;
  from.refuses = true;
  CHECK(b.unshare(from).error() == frys::errc::limit_exceeded);
  CHECK(b.data() == a.data());  // as before
  CHECK(b.text() == "hello World");
  from.refuses = false;
  CHECK(b.unshare(from));
  CHECK(b.unshare(from));
  CHECK(from.allocations == 1);
  CHECK(b.text() == a.text());
}

TEST_CASE("buffer: compact_if lets a large block go for a few bytes, and only then") {
  int released = 0;
  counted_block block(released);  // 16 bytes
  buffer all = buffer::adopt(block, 16);
  std::memcpy(all.data(), "0123456789abcdef", 16);
  buffer few = all.slice(3, 4);
  all.reset();
  auto moved = few.compact_if(0.25);
  REQUIRE(moved);
  CHECK_FALSE(*moved);  // a quarter is not less than a quarter
  CHECK(released == 0);
  counting_allocator from;
  from.refuses = true;
  CHECK(few.compact_if(0.5, from).error() == frys::errc::limit_exceeded);
  CHECK(released == 0);
  CHECK(few.text() == "3456");
  moved = few.compact_if(0.26);
  REQUIRE(moved);
  CHECK(*moved);
  CHECK(released == 1);
  CHECK(few.text() == "3456");
  CHECK(few.capacity() == 4);
  CHECK_FALSE(*few.compact_if(1.0));  // it shows all of its own block
  CHECK_FALSE(*buffer().compact_if(1.0));
  from.refuses = false;
  few.truncate(1);
  CHECK(*few.compact_if(0.5, from));
  CHECK(from.allocations == 1);
  CHECK(few.text() == "3");
  few.reset();
  CHECK(from.held == 0);
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

TEST_CASE("buffer_chain: coalesce makes one piece of all, and copies nothing that is one") {
  buffer_chain chain;
  CHECK(chain.coalesce()->empty());
  REQUIRE(chain.append_copy("one "));
  const std::byte* const first = chain.segments()[0].data();
  CHECK(chain.coalesce()->data() == first);
  std::string expected = "one ";
  for (int i = 0; i < 20; ++i) {
    const std::string piece = "piece" + std::to_string(i);
    REQUIRE(chain.append(text_buffer(piece)));
    expected += piece;
  }
  chain.consume(1);
  expected.erase(0, 1);
  auto whole = chain.coalesce();
  REQUIRE(whole);
  CHECK(frys::as_text(*whole) == expected);
  CHECK(chain.segments().size() == 1);
  CHECK(chain.size() == expected.size());
  CHECK(text_of(chain) == expected);
  REQUIRE(chain.append_copy("!"));
  CHECK(text_of(chain) == expected + "!");
  chain.consume(expected.size());
  CHECK(text_of(chain) == "!");
}

TEST_CASE("buffer_chain: compact_if moves small pieces of large blocks, neighbours together, and leaves the rest") {
  int released = 0;
  counted_block a(released), b(released), c(released), d(released);
  const auto part = [](counted_block& of, std::size_t size) {
    buffer whole = buffer::adopt(of, 16);
    std::memcpy(whole.data(), "0123456789abcdef", 16);
    return whole.slice(0, size);
  };
  buffer_chain chain;
  REQUIRE(chain.append(part(a, 1)));
  REQUIRE(chain.append(part(b, 2)));
  REQUIRE(chain.append(part(c, 12)));
  REQUIRE(chain.append(part(d, 3)));
  REQUIRE(chain.append_copy("tail"));  // four bytes of a block of the chain's own, which is not done with it
  const std::string expected = "0010123456789ab012tail";
  auto moved = chain.compact_if(0.5);
  REQUIRE(moved);
  CHECK(*moved == 3);
  CHECK(released == 3);
  CHECK(chain.segments().size() == 4);
  CHECK(chain.segments()[0].text() == "001");
  CHECK(text_of(chain) == expected);
  CHECK(*chain.compact_if(0.5) == 0);
  REQUIRE(chain.append_copy("!"));
  CHECK(chain.segments().size() == 4);  // still in the same tail
  CHECK(text_of(chain) == expected + "!");
  CHECK(chain.size() == expected.size() + 1);
  chain.clear();
  CHECK(released == 4);
}

TEST_CASE("buffer_chain: tails come from an allocator where one is given, and from the heap where it refuses") {
  counting_allocator from;
  {
    buffer_chain chain;
    chain.allocate_from(from);
    REQUIRE(chain.append_copy("small"));
    CHECK(from.allocations == 1);
    REQUIRE(chain.append_copy(std::string(10'000, 'x')));
    CHECK(from.allocations == 2);
    from.refuses = true;
    REQUIRE(chain.append_copy(std::string(10'000, 'y')));
    CHECK(from.allocations == 2);
    CHECK(chain.size() == 20'005);
  }
  CHECK(from.held == 0);
}
