#include "catalogue_reclaim.hpp"

namespace {

using namespace catalogue;
using A = checked;

// A reader against a writer that replaces what it reads, `Times` times.
template <class Cell, int Times = 1>
void read_against_replace() {
  Cell cell(0);
  int seen = -1;
  model::threads([&] { seen = cell.read(); },
                 [&] {
                   for (int i = 1; i <= Times; ++i) cell.replace(i);
                 });
  model::require(seen >= 0 && seen <= Times, "the reader sees a value that was written");
}

// Nodes 0 and 1 in the stack, 0 on top. One thread pops once; the other one pops both and puts the first back.
template <stack_bug B>
void pop_against_return() {
  index_stack<A, B, 2> stack;
  stack.push(1);
  stack.push(0);
  std::array<int, 4> held{-1, -1, -1, -1};
  model::threads([&] { held[0] = stack.pop(); },
                 [&] {
                   const int first = stack.pop();
                   held[1] = stack.pop();
                   if (first >= 0) stack.push(first);
                 });
  held[2] = stack.pop();
  held[3] = stack.pop();
  for (int node = 0; node < 2; ++node) {
    int times = 0;
    for (const int h : held) times += h == node ? 1 : 0;
    model::require(times == 1, "each node has one owner");
  }
}

// The payload of a node is plain memory.
template <stack_bug B>
void hand_over() {
  index_stack<A, B, 1> stack;
  typename A::template var<int> payload;
  model::threads(
      [&] {
        payload.ref() = 7;
        stack.push(0);
      },
      [&] {
        if (stack.pop() == 0) model::require(payload.get() == 7, "the popper sees what the pusher wrote");
      });
}

void free_against_pop() {
  freeing_stack<A> stack;
  stack.push(1);
  model::threads([&] { (void)stack.pop(); }, [&] { (void)stack.pop(); });
}

// pop_against_return with pointers.
void reuse_against_pop() {
  using stack_type = reusing_stack<A>;
  stack_type stack;
  stack_type::node nodes[2];
  stack.push(nodes[1]);
  stack.push(nodes[0]);
  std::array<stack_type::node*, 4> held{};
  model::threads([&] { held[0] = stack.pop(); },
                 [&] {
                   stack_type::node* first = stack.pop();
                   held[1] = stack.pop();
                   if (first != nullptr) stack.push(*first);
                 });
  held[2] = stack.pop();
  held[3] = stack.pop();
  for (const stack_type::node& n : nodes) {
    int times = 0;
    for (const stack_type::node* h : held) times += h == &n ? 1 : 0;
    model::require(times == 1, "each node has one owner");
  }
}

TEST_CASE("catalogue: epochs are sound") {
  sound(model::check(model::exhaustive{}, &read_against_replace<epoch_cell<A, epoch_bug::none>>));
}
TEST_CASE("catalogue: an epoch's pin without its fence is a use after free") {
  found(model::check(model::exhaustive{}, &read_against_replace<epoch_cell<A, epoch_bug::pin_without_fence>>),
        {fault::use_after_free, fault::race});
}
TEST_CASE("catalogue: an epoch's pin with a seq_cst load in place of the fence is a use after free") {
  found(model::check(model::exhaustive{}, &read_against_replace<epoch_cell<A, epoch_bug::pin_with_seq_cst_load>>),
        {fault::use_after_free, fault::race});
}
TEST_CASE("catalogue: an epoch advanced without its fence is a use after free") {
  found(model::check(model::exhaustive{}, &read_against_replace<epoch_cell<A, epoch_bug::advance_without_fence>>),
        {fault::use_after_free, fault::race});
}
TEST_CASE("catalogue: freeing after one advance of the epoch is a use after free") {
  found(model::check(model::exhaustive{}, &read_against_replace<epoch_cell<A, epoch_bug::one_advance_is_enough>>),
        {fault::use_after_free, fault::race});
}
TEST_CASE("catalogue: a relaxed unpin is a race with the free") {
  found(model::check(model::exhaustive{}, &read_against_replace<epoch_cell<A, epoch_bug::relaxed_unpin>>),
        {fault::use_after_free, fault::race});
}

TEST_CASE("catalogue: hazard pointers are sound, also where an address comes again") {
  sound(model::check(model::exhaustive{}, &read_against_replace<hazard_cell<A, hazard_bug::none>>));
  sound(model::check(model::exhaustive{}, &read_against_replace<hazard_cell<A, hazard_bug::none>, 2>));
}
TEST_CASE("catalogue: a hazard pointer without the second look is a use after free") {
  found(model::check(model::random{.executions = 20000},
                     &read_against_replace<hazard_cell<A, hazard_bug::without_recheck>>),
        {fault::use_after_free, fault::race});
}
TEST_CASE("catalogue: a hazard pointer without its fence is a use after free") {
  found(model::check(model::exhaustive{}, &read_against_replace<hazard_cell<A, hazard_bug::without_fence>>),
        {fault::use_after_free, fault::race});
  found(model::check(model::exhaustive{}, &read_against_replace<hazard_cell<A, hazard_bug::scan_without_fence>>),
        {fault::use_after_free, fault::race});
}
TEST_CASE("catalogue: a relaxed end of a hazard is a race with the free") {
  found(model::check(model::exhaustive{}, &read_against_replace<hazard_cell<A, hazard_bug::relaxed_clear>>),
        {fault::use_after_free, fault::race});
}

TEST_CASE("catalogue: Treiber's stack with a tagged index is sound") {
  sound(model::check(model::exhaustive{}, &pop_against_return<stack_bug::none>));
  sound(model::check(model::exhaustive{}, &hand_over<stack_bug::none>));
}
TEST_CASE("catalogue: Treiber's stack without the tag gives a node to two owners") {
  found(model::check(model::exhaustive{}, &pop_against_return<stack_bug::untagged>), {fault::requirement}, "one owner");
  found(model::check(model::exhaustive{}, &reuse_against_pop), {fault::requirement}, "one owner");
}
TEST_CASE("catalogue: Treiber's stack that frees its nodes is a use after free") {
  found(model::check(model::random{.executions = 20000}, &free_against_pop), {fault::use_after_free, fault::race});
}
TEST_CASE("catalogue: Treiber's stack with relaxed hand-over is a race") {
  found(model::check(model::exhaustive{}, &hand_over<stack_bug::relaxed_push>), {fault::race});
  found(model::check(model::exhaustive{}, &hand_over<stack_bug::relaxed_pop>), {fault::race});
}

}  // namespace
