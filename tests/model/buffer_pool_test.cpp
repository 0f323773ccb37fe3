#include <frys/memory/buffer_pool.hpp>

#include <memory>
#include <new>
#include <optional>

#include "blocks.hpp"

namespace {

using namespace blocks;
using pool = frys::buffer_pool<with_model, frys::policy::pages<model::pages>>;
using buffer = pool::buffer_type;

buffer lease(pool& p) {
  auto b = p.acquire();
  model::require(static_cast<bool>(b), "there is a block");
  return std::move(*b);
}

// Uses the bytes of a block as an element, from its making to its end.
void use(buffer& b, int v) {
  auto* e = ::new (static_cast<void*>(b.block()->data)) element(v);
  model::require(e->get() == v, "the bytes are the owner's alone");
  e->~element();
}

// Two threads give their blocks back while the owner leases again.
void release_against_acquire() {
  pool p(16, 2);
  buffer first = lease(p), second = lease(p);
  const auto give_back = [](buffer& b, int v) {
    use(b, v);
    b.reset();
  };
  model::threads([&] { give_back(first, 1); }, [&] { give_back(second, 2); },
                 [&] {
                   auto again = p.acquire();
                   if (again) use(*again, 3);
                 });
  model::require(p.stats().leased == 0, "all blocks are back");
  buffer one = lease(p), two = lease(p);
  model::require(one.block() != two.block(), "each block is leased once");
}

// The owner waits for a block to come back.
void acquire_until_there() {
  pool p(16, 1);
  buffer b = lease(p);
  model::threads(
      [&] {
        use(b, 1);
        b.reset();
      },
      [&] {
        for (;;) {
          auto again = p.acquire();
          if (again) return use(*again, 2);
          A::pause();
        }
      });
}

// The pool dies while its blocks are out: the memory goes with the last of them.
void outlive() {
  std::optional<pool> p;
  p.emplace(std::size_t{16}, std::size_t{2});
  buffer first = lease(*p), second = lease(*p);
  const auto give_back = [](buffer& b, int v) {
    use(b, v);
    b.reset();
  };
  model::threads([&] { give_back(first, 1); }, [&] { give_back(second, 2); }, [&] { p.reset(); });
}

TEST_CASE("buffer_pool under the model: blocks come back once each, and done with") { holds(&release_against_acquire); }
TEST_CASE("buffer_pool under the model: the owner sees a block come back") { holds(&acquire_until_there); }
TEST_CASE("buffer_pool under the model: buffers may outlive the pool, and the memory goes with the last") {
  holds(&outlive);
}

}  // namespace
