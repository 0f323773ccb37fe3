// How do I take frys as one file? Put frys.hpp beside your source, under any name; there is nothing else to build:
//   g++ -std=c++20 main.cpp
#define FRYS_WITH_SIMD 1  // a room that is not always in it; a gate adds names and never changes a type
#include "frys.hpp"

#include <array>
#include <cstdio>

int main() {
  frys::mpsc_queue<int> queue;
  for (int i = 1; i <= 4; ++i) {
    if (!queue.try_push(i)) return 1;
  }
  int sum = 0;
  while (auto value = queue.try_pop()) sum += *value;

  const std::array<float, 4> a{1, 2, 3, 4};
  std::printf("frys %s: %d, dot %.0f by %s\n", FRYS_VERSION, sum, static_cast<double>(frys::simd::dot(a, a)),
              std::string(frys::simd::target()).c_str());
  return sum == 10 ? 0 : 1;
}
