#include <frys/core/backoff.hpp>

#include <doctest/doctest.h>

namespace {

// Counts what the backoff asks of the machine.
struct counting : frys::atomics::real {
  static inline int pauses = 0;
  static void pause() noexcept { ++pauses; }
};

}  // namespace

TEST_CASE("backoff: pauses double up to the limit, then it yields") {
  counting::pauses = 0;
  frys::backoff<counting, 8> wait;
  int expected = 0;
  for (const int step : {1, 2, 4, 8}) {
    CHECK_FALSE(wait.is_exhausted());
    wait.pause();
    expected += step;
    CHECK(counting::pauses == expected);
  }
  CHECK(wait.is_exhausted());
  for (int i = 0; i < 5; ++i) wait.pause();
  CHECK(counting::pauses == expected);
}

TEST_CASE("backoff: reset starts over") {
  counting::pauses = 0;
  frys::backoff<counting, 1> wait;
  wait.pause();
  CHECK(wait.is_exhausted());
  wait.reset();
  CHECK_FALSE(wait.is_exhausted());
  wait.pause();
  CHECK(counting::pauses == 2);
}
