#include <frys/memory/buffer.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;
using buffer = frys::basic_buffer<with_model>;

// A block in the model's memory whose bytes are two elements, so that each use of them is checked.
struct block : buffer::block_type {
  element bytes[2] = {0, 0};

  static buffer make() {
    block* b = ::new (A::alloc(sizeof(block))) block;
    b->data = reinterpret_cast<std::byte*>(b->bytes);
    b->size = sizeof(b->bytes);
    b->release = [](buffer::block_type& dead) noexcept {
      auto* whole = static_cast<block*>(&dead);
      whole->~block();
      A::free(whole);
    };
    return buffer::adopt(*b, sizeof(b->bytes));
  }
};
element& at(const buffer& b, std::size_t i) { return reinterpret_cast<element*>(b.block()->data)[i]; }

// Two owners use their bytes and leave; the last one frees what both have used.
void two_owners() {
  buffer first = block::make();
  buffer second = first;
  model::threads(
      [&] {
        at(first, 0) = 1;
        first.reset();
      },
      [&] {
        at(second, 1) = 2;
        second.reset();
      });
}

// One owner shares again while the other one leaves.
void copy_against_reset() {
  buffer first = block::make();
  buffer second = first;
  model::threads(
      [&] {
        (void)first.is_unique();
        buffer third = first;
        first.reset();
        (void)at(third, 0).get();
      },
      [&] {
        (void)at(second, 0).get();
        second.reset();
      });
}

// Who finds itself the only owner may write where the others have read.
void write_when_unique() {
  buffer first = block::make();
  buffer second = first;
  model::threads(
      [&] {
        if (first.is_unique()) at(first, 0) = 7;
      },
      [&] {
        (void)at(second, 0).get();
        second.reset();
      });
}

// Blocks of the model's memory, the link to them as plain bytes behind the head.
struct model_memory {
  frys::result<void*> allocate(std::size_t size, std::size_t) { return A::alloc(size); }
  void deallocate(void* memory, std::size_t, std::size_t) noexcept { A::free(memory); }
};

// One owner unshares while the other one leaves: it keeps the block, or copies what the other has not changed.
void unshare_against_reset() {
  model_memory from;
  buffer first = block::make();
  buffer second = first;
  first.truncate(0);  // elements are not bytes: what is copied is the models', what is written the block's
  model::threads(
      [&] {
        const bool moved = static_cast<bool>(first.unshare(from)) && first.capacity() == 0;
        model::require(first.is_unique(), "nobody shares it any more");
        if (!moved) at(first, 1) = 7;  // the block is ours: the other is done with it
      },
      [&] {
        (void)at(second, 1).get();
        second.reset();
      });
}
// Both unshare: one keeps the block or both leave it, and it is released once.
void unshare_both() {
  model_memory from;
  buffer first = block::make();
  buffer second = first;
  first.truncate(0);
  second.truncate(0);
  const auto own = [&](buffer& b, std::size_t i) {
    (void)at(b, i).get();
    model::require(static_cast<bool>(b.unshare(from)), "there is memory");
    model::require(b.is_unique(), "nobody shares it any more");
    if (b.capacity() != 0) at(b, 1 - i) = 7;
  };
  model::threads([&] { own(first, 0); }, [&] { own(second, 1); });
  model::require(first.block() != second.block(), "each has a block of its own");
}

TEST_CASE("buffer under the model: who unshares has the block alone, or a copy") {
  holds(&unshare_against_reset);
  holds(&unshare_both);
}
TEST_CASE("buffer under the model: the last of two owners releases, after both are done with the bytes") {
  holds(&two_owners);
}
TEST_CASE("buffer under the model: a block that is shared again is not released") { holds(&copy_against_reset); }
TEST_CASE("buffer under the model: the only owner may write") { holds(&write_when_unique); }

}  // namespace
