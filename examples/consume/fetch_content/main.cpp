// How do I build frys with my project? See CMakeLists.txt beside this file.
#include <cstdio>
#include <frys/queue/mpsc_queue.hpp>

int main() {
  frys::mpsc_queue<int> queue;
  if (!queue.try_push(42)) return 1;
  const auto value = queue.try_pop();
  std::printf("frys %s: %d\n", FRYS_VERSION, *value);
  return *value == 42 ? 0 : 1;
}
