// Resident bytes per live byte, each contender in a process of its own: a million objects of 64 bytes; then a random
// half of them is freed; then of all but one in a hundred, and the heap is asked to give back what it can.
#pragma once
#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <cstdint>
#include <cstdio>

#include "../adapters/heaps.hpp"

inline double resident_bytes() {
  std::array<char, 256> text{};
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  std::setvbuf(file, nullptr, _IONBF, 0);  // no buffer out of the heap that is measured
  unsigned long all = 0, resident = 0;
  const bool fine = std::fread(text.data(), 1, text.size() - 1, file) > 0 &&
                    std::sscanf(text.data(), "%lu %lu", &all, &resident) == 2;
  std::fclose(file);
  return fine ? static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) : 0;
}

struct resident_answer {
  double full = 0, half = 0, hundredth = 0;
  bool fine = false;
};

inline resident_answer fill_and_free(heap_functions heap, std::size_t count, std::uint64_t** blocks,
                                     std::uint32_t* order) {
  resident_answer a;
  random_numbers random;
  for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::uint32_t>(i), blocks[i] = nullptr;
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  const double before = resident_bytes();
  const auto per_live = [&](std::size_t live) {
    return (resident_bytes() - before) / (64.0 * static_cast<double>(live));
  };
  for (std::size_t i = 0; i < count; ++i) {
    blocks[i] = static_cast<std::uint64_t*>(heap.allocate(64));
    for (std::size_t word = 0; word < 8; ++word) blocks[i][word] = i;
  }
  a.full = per_live(count);
  for (std::size_t i = 0; i < count / 2; ++i) heap.release(blocks[order[i]]);
  a.half = per_live(count - count / 2);
  const std::size_t kept = count / 100;
  for (std::size_t i = count / 2; i < count - kept; ++i) heap.release(blocks[order[i]]);
  heap.collect();
  a.hundredth = per_live(kept);
  a.fine = true;
  for (std::size_t i = count - kept; i < count; ++i) a.fine = a.fine && *blocks[order[i]] == order[i];
  return a;
}

inline bench::outcome measure(const bench::settings& settings, heap_functions heap) {
  const std::size_t count = settings.scaled(1'000'000);
  // The fork comes before anything was allocated from the heap; what it finds of the parent's counts for neither side.
  const std::size_t bytes = count * (sizeof(std::uint64_t*) + sizeof(std::uint32_t)) + sizeof(resident_answer);
  void* shared = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return bench::check(false, "mmap"), bench::outcome{};
  auto* answer = static_cast<resident_answer*>(shared);
  auto* blocks = reinterpret_cast<std::uint64_t**>(answer + 1);
  auto* order = reinterpret_cast<std::uint32_t*>(blocks + count);
  const pid_t child = ::fork();
  if (child == 0) {
    *answer = fill_and_free(heap, count, blocks, order);
    ::_exit(0);
  }
  int status = 0;
  bench::check(child > 0 && ::waitpid(child, &status, 0) == child && status == 0 && answer->fine, "the kept objects");
  const resident_answer a = *answer;
  ::munmap(shared, bytes);
  return {0,
          {{"full", "x", bench::better::lower, a.full},
           {"half_freed", "x", bench::better::lower, a.half},
           {"all_but_1_percent_freed", "x", bench::better::lower, a.hundredth}}};
}
