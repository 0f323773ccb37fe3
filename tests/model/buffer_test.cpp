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

TEST_CASE("buffer under the model: the last of two owners releases, after both are done with the bytes") {
  holds(&two_owners);
}
TEST_CASE("buffer under the model: a block that is shared again is not released") { holds(&copy_against_reset); }
TEST_CASE("buffer under the model: the only owner may write") { holds(&write_when_unique); }

}  // namespace
