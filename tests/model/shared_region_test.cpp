#include <frys/memory/shared_region.hpp>

#include <cstring>
#include <new>

#include "blocks.hpp"

namespace {

using namespace blocks;
using frys::byte_span;
using frys::errc;
using region_type = frys::shared_region<with_model>;

// One memory for all executions, zeroed for each.
byte_span fresh_memory() {
  alignas(4096) static std::byte memory[2 * 4096];
  std::memset(memory, 0, sizeof(memory));
  return memory;
}
region_type fresh() {
  auto made = region_type::create(fresh_memory());
  model::require(static_cast<bool>(made), "the memory takes a region");
  return *std::move(made);
}

// A block of 32 bytes: the link lies in its first half, what its owner uses in the other.
struct block {
  void* at = nullptr;
  static block take(region_type& r) {
    auto got = r.allocate(32);
    model::require(static_cast<bool>(got), "there is a block");
    return {*got};
  }
  void* used() const { return static_cast<std::byte*>(at) + 16; }
  void use(int v) const {
    auto* e = ::new (used()) element(v);
    model::require(e->get() == v, "the block is its owner's alone");
    e->~element();
  }
  void give(region_type& r) const { r.deallocate(at, 32); }
};

// Each takes a block, uses it, and gives it back; there is one already.
void take_and_give() {
  region_type region = fresh();
  block::take(region).give(region);
  const auto life = [&](int v) {
    const block b = block::take(region);
    b.use(v);
    b.give(region);
  };
  model::threads([&] { life(1); }, [&] { life(2); });
}

// The first block is taken and comes back while another is about to take it: what stands behind it is in use by then.
void comes_back() {
  region_type region = fresh();
  const block first = block::take(region), second = block::take(region);
  second.give(region);
  first.give(region);
  block kept, one;
  model::threads(
      [&] {
        const block b = block::take(region);
        kept = block::take(region);
        b.give(region);
      },
      [&] { one = block::take(region); });
  model::require(kept.at != one.at, "a block has one owner");
  const block next = block::take(region);
  model::require(next.at != kept.at && next.at != one.at, "a block has one owner");
}

// Nothing is free: both take what nobody has had.
void fresh_blocks() {
  region_type region = fresh();
  block first, second;
  const std::size_t before = region.untouched();
  model::threads([&] { first = block::take(region); }, [&] { second = block::take(region); });
  model::require(first.at != second.at, "a block has one owner");
  model::require(before - region.untouched() == 64, "nothing is lost");
}

// Who finds a name finds what was written before it was put.
void look(region_type& region, const char* name) {
  const auto found = region.find(name);
  if (!found) return model::require(found.error() == errc::not_found, "the name is not there yet");
  model::require(reinterpret_cast<element*>(found->data())->get() == 7, "what was put is there");
}
void place(region_type& region, const char* name) {
  auto memory = region.allocate(16);
  model::require(static_cast<bool>(memory), "there is a block");
  ::new (*memory) element(7);
  model::require(static_cast<bool>(region.put(name, *memory, 16)), "the name is new");
}
void put_and_find() {
  region_type region = fresh();
  model::threads([&] { place(region, "a"); }, [&] { look(region, "a"); });
  look(region, "a");
}
// The same with a name that was there before: its record is used again.
void put_again_and_find() {
  region_type region = fresh();
  auto memory = region.allocate(16);
  model::require(region.put("a", *memory, 16) && region.remove("a"), "a name comes and goes");
  model::threads([&] { place(region, "a"); }, [&] { look(region, "a"); });
}
void put_again_and_remove() {
  region_type region = fresh();
  auto memory = region.allocate(16);
  model::require(region.put("a", *memory, 16) && region.remove("a"), "a name comes and goes");
  model::threads([&] { place(region, "a"); },
                 [&] {
                   const auto found = region.remove("a");
                   if (found) reinterpret_cast<element*>(found->data())->~element();
                 });
}
// Two put at once: of one name one, of two names both.
void put_the_same() {
  region_type region = fresh();
  auto memory = region.allocate(16);
  bool first = false, second = false;
  model::threads([&] { first = static_cast<bool>(region.put("a", *memory, 1)); },
                 [&] { second = static_cast<bool>(region.put("a", *memory, 2)); });
  model::require(first != second, "a name is put once");
  model::require(region.find("a")->size() == (first ? 1u : 2u), "it finds what was put");
}
void put_two() {
  region_type region = fresh();
  auto memory = region.allocate(16);
  model::threads([&] { model::require(static_cast<bool>(region.put("a", *memory, 1)), "the name is new"); },
                 [&] {
                   model::require(static_cast<bool>(region.put("b", *memory, 2)), "the name is new");
                   const auto a = region.find("a");
                   model::require(!a || a->size() == 1, "a name is whole or not there");
                 });
  model::require(region.find("a")->size() == 1 && region.find("b")->size() == 2, "no name is lost");
}

// Who attaches finds nothing, or a region that is whole.
void create_and_attach() {
  const byte_span memory = fresh_memory();
  model::threads([&] { model::require(static_cast<bool>(region_type::create(memory)), "the memory takes a region"); },
                 [&] {
                   const auto region = region_type::attach(memory);
                   if (!region) return model::require(region.error() == errc::not_found, "it is not there yet");
                   model::require(region->bytes().size() == memory.size(), "it is whole");
                   model::require(region->untouched() != 0, "it is whole");
                 });
}

// One joins what is free, to use it in one piece, while the other gives its block back and takes another.
void join_and_take() {
  region_type region = fresh();
  const block first = block::take(region), second = block::take(region);
  first.give(region);
  void* large = nullptr;
  model::threads(
      [&] {
        model::require(static_cast<bool>(region.join()), "there is memory for its notes");
        if (auto got = region.allocate(64)) {
          large = *got;
          ::new (static_cast<std::byte*>(large) + 16) element(1);
          ::new (static_cast<std::byte*>(large) + 48) element(1);
        }
      },
      [&] {
        second.use(2);
        second.give(region);
        block::take(region).use(3);
      });
  model::require(large != nullptr, "there is a block");
}
TEST_CASE("shared_region under the model: what is joined is free, and done with") { holds(&join_and_take); }
TEST_CASE("shared_region under the model: a block has one owner at a time, who is done with it before the next") {
  holds(&take_and_give);
}
TEST_CASE("shared_region under the model: a block that comes back while another takes it is taken once") {
  holds(&comes_back);
}
TEST_CASE("shared_region under the model: new blocks are apart") { holds(&fresh_blocks); }
TEST_CASE("shared_region under the model: what a name finds is written") {
  holds(&put_and_find);
  holds(&put_again_and_find);
  holds(&put_again_and_remove);
}
TEST_CASE("shared_region under the model: a name is put once, and none is lost") {
  holds(&put_the_same);
  holds(&put_two);
}
TEST_CASE("shared_region under the model: a region is there whole, or not yet") { holds(&create_and_attach); }

}  // namespace
