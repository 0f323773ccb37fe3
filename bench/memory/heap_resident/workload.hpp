// Resident bytes per live byte, each contender in a process of its own: a million objects of 64 bytes; then a random
// half of them is freed; then all but one in a hundred, and the heap is asked to give back what it can.
#pragma once
#include <cstdint>
#include <utility>

#include "../adapters/heaps.hpp"
#include "../adapters/resident.hpp"

struct resident_answer {
  double full = 0, half = 0, hundredth = 0;
  bool kept = false;  // the objects that were not freed are as they were
};

inline resident_answer fill_and_free(heap_functions heap, std::uint32_t count, std::uint64_t** blocks,
                                     std::uint32_t* order) {
  resident_answer a;
  random_numbers random;
  for (std::uint32_t i = 0; i < count; ++i) order[i] = i, blocks[i] = nullptr;
  for (std::uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  const double before = resident_bytes();
  const auto per_live_byte = [&](std::uint32_t live) { return (resident_bytes() - before) / (64.0 * live); };
  for (std::uint32_t i = 0; i < count; ++i) {
    blocks[i] = static_cast<std::uint64_t*>(heap.allocate(64));
    for (int word = 0; word < 8; ++word) blocks[i][word] = i;
  }
  a.full = per_live_byte(count);
  for (std::uint32_t i = 0; i < count / 2; ++i) heap.release(blocks[order[i]]);
  a.half = per_live_byte(count - count / 2);
  const std::uint32_t end = count - count / 100;
  for (std::uint32_t i = count / 2; i < end; ++i) heap.release(blocks[order[i]]);
  heap.collect();
  a.hundredth = per_live_byte(count - end);
  a.kept = true;
  for (std::uint32_t i = end; i < count; ++i)
    for (int word = 0; word < 8; ++word) a.kept = a.kept && blocks[order[i]][word] == order[i];
  return a;
}

inline bench::outcome measure(const bench::settings& settings, heap_functions heap) {
  const auto count = static_cast<std::uint32_t>(settings.scaled(1'000'000));
  shared_array<std::uint64_t*> blocks(count);
  shared_array<std::uint32_t> order(count);
  const resident_answer a = in_child([&] { return fill_and_free(heap, count, blocks.data(), order.data()); });
  bench::check(a.kept, "the objects that were kept");
  return {0,
          {{"full", "x", bench::better::lower, a.full},
           {"half_freed", "x", bench::better::lower, a.half},
           {"all_but_1_percent_freed", "x", bench::better::lower, a.hundredth}}};
}
