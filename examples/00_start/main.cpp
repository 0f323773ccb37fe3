// What does a block of frys look like in a program? Twelve lines: a ring between two threads, and policies that change it.
// [region start]
#include <frys/queue/spsc_ring.hpp>

#include <cstdio>
#include <thread>

int main() {
  frys::spsc_ring<int, frys::policy::capacity<64>> ring;  // bounded, wait-free, no allocation
  std::thread producer([&] {
    for (int i = 1; i <= 1000;) i += ring.try_push(i) ? 1 : 0;  // full: try again
    ring.close();
  });
  int sum = 0;
  for (auto value = ring.try_pop(); !value.is_closed(); value = ring.try_pop())
    if (value) sum += *value;
  producer.join();
  std::printf("the sum is %d\n", sum);
}
// [endregion start]
