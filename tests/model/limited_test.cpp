#include <frys/memory/limited.hpp>
#include <frys/memory/synchronized.hpp>

#include <cstddef>

#include "blocks.hpp"

namespace {

using namespace blocks;

// Memory without limit that nobody uses.
struct endless {
  std::byte memory[1];
  frys::result<void*> allocate(std::size_t, std::size_t) noexcept { return static_cast<void*>(memory); }
  void deallocate(void*, std::size_t, std::size_t) noexcept {}
};

// Two of three fit.
void never_beyond() {
  frys::limited<endless, 2, with_model> a;
  int got[3] = {};
  const auto take = [&a](int& n) {
    auto p = a.allocate(1);
    model::require(a.used() <= 2, "never more is out than the bound");
    if (p) n = 1;
  };
  model::threads([&] { take(got[0]); }, [&] { take(got[1]); }, [&] { take(got[2]); });
  model::require(got[0] + got[1] + got[2] == 2, "what fits is served, and no more");
  model::require(a.used() == 2 && a.peak() == 2, "what is out counts");
}

// What one gives back the other may take.
void given_back() {
  frys::limited<endless, 1, with_model> a;
  const auto round = [&a] {
    auto p = a.allocate(1);
    if (p) a.deallocate(*p, 1, 1);
  };
  model::threads(round, round);
  model::require(a.used() == 0 && a.peak() == 1, "all is back");
}

// An allocator for one thread: its number is checked for races.
struct lonely {
  A::var<int> out{0};
  std::byte memory[1];
  frys::result<void*> allocate(std::size_t, std::size_t) noexcept {
    out.ref() += 1;
    return static_cast<void*>(memory);
  }
  void deallocate(void*, std::size_t, std::size_t) noexcept { out.ref() -= 1; }
};

void one_at_a_time() {
  frys::synchronized<lonely, with_model> a;
  const auto round = [&a] {
    auto p = a.allocate(1, 1);
    a.deallocate(*p, 1, 1);
  };
  model::threads(round, round);
  model::require(a.inner().out.get() == 0, "each was alone with it");
}

TEST_CASE("limited under the model: never more is out than the bound, and what fits is served") {
  holds(&never_beyond);
}
TEST_CASE("limited under the model: what comes back may be taken again") { holds(&given_back); }
TEST_CASE("synchronized under the model: each is alone with the allocator") { holds(&one_at_a_time); }

}  // namespace
