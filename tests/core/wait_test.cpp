#include <frys/core/wait.hpp>

#include <doctest/doctest.h>

#include <thread>

namespace {

using namespace std::chrono_literals;
using model = frys::atomics::standard;
using word_type = model::atomic<std::uint32_t>;

// A clock with an epoch of its own, a long way from the machine's.
struct shifted {
  static frys::nanoseconds now() noexcept { return frys::clocks::steady::now() - 1000h; }
};

template <class W>
void keeps_its_promise() {
  static_assert(frys::wait_policy<W>);
  word_type word{0};
  // The word differs already.
  CHECK(W::template wait<model>(word, 1, frys::deadline::never()));
  CHECK(W::template wait<model>(word, 1, frys::deadline::now()));
  // The deadline has passed already.
  CHECK_FALSE(W::template wait<model>(word, 0, frys::deadline::now()));
  CHECK_FALSE(W::template wait<model>(word, 0, frys::deadline{0ns}));
  // It passes while we wait.
  const auto until = frys::deadline::after<frys::clocks::steady>(2ms);
  while (W::template wait<model>(word, 0, until)) {
  }
  CHECK(until.has_passed<frys::clocks::steady>());
  // Deadlines are of the clock that the caller names.
  const auto other = frys::deadline::after<shifted>(2ms);
  while (W::template wait<model, shifted>(word, 0, other)) {
  }
  CHECK(other.has_passed<shifted>());
  CHECK_FALSE(W::template wait<model, shifted>(word, 0, frys::deadline::now()));
  // Another thread changes the word; what it wrote before is visible.
  int published = 0;
  std::thread writer([&] {
    published = 42;
    word.store(1, std::memory_order_release);
    if constexpr (W::sleeps) model::notify_all(word);
  });
  while (word.load(std::memory_order_acquire) == 0) (void)W::template wait<model>(word, 0, frys::deadline::never());
  CHECK(published == 42);
  writer.join();
}

}  // namespace

TEST_CASE("wait: spin ends by word or deadline") { keeps_its_promise<frys::wait::spin>(); }
TEST_CASE("wait: yield ends by word or deadline") { keeps_its_promise<frys::wait::yield>(); }
TEST_CASE("wait: park ends by word or deadline") { keeps_its_promise<frys::wait::park>(); }
TEST_CASE("wait: spin_then_park ends by word or deadline") { keeps_its_promise<frys::wait::spin_then_park>(); }

TEST_CASE("wait: only the policies that sleep ask for a notify") {
  static_assert(!frys::wait::spin::sleeps && !frys::wait::yield::sleeps);
  static_assert(frys::wait::park::sleeps && frys::wait::spin_then_park::sleeps);
  static_assert(!frys::wait_policy<int>);
}
