// All 724 ways to put ten queens on a board of ten by ten: each safe place of a row is a child, some 35,000 in all,
// each with a copy of the board so far.
#pragma once
#include <array>

#include "sched/crew.hpp"

constexpr int queens = 10;
using board = std::array<signed char, queens>;

// The safe places of row `row`; answers how many. Not inlined: the same code for all contenders.
[[gnu::noinline]] inline std::size_t safe_places(const board& so_far, int row, board& places) {
  std::size_t count = 0;
  for (int y = 0; y < queens; ++y) {
    bool safe = true;
    for (int x = 0; x < row && safe; ++x) {
      const int p = so_far[static_cast<std::size_t>(x)];
      safe = y != p && y != p - (row - x) && y != p + (row - x);
    }
    if (safe) places[count++] = static_cast<signed char>(y);
  }
  return count;
}

template <class Crew>
int solutions(int row, const board& so_far) {
  if (row == queens) return 1;
  board places;
  std::array<int, queens> answers{};
  const std::size_t count = safe_places(so_far, row, places);
  Crew::each(count, [&](std::size_t i) {
    board next = so_far;
    next[static_cast<std::size_t>(row)] = places[i];
    answers[i] = solutions<Crew>(row + 1, next);
  });
  int sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += answers[i];
  return sum;
}

struct nqueens_work {
  int result = 0;
  void prepare() { result = 0; }
  template <class Crew>
  void run(Crew& crew) {
    if constexpr (requires { crew.nqueens(); })
      result = crew.nqueens();
    else
      crew.run([this] { result = solutions<Crew>(0, board{}); });
  }
  bool fine() const { return result == 724; }
};

template <class Crew>
bench::outcome measure(const bench::settings& s) {
  return on_crews<Crew>(s, nqueens_work{});
}
