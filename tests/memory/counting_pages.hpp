// A page source of the tests: counts, and refuses on demand.
#ifndef FRYS_TESTS_MEMORY_COUNTING_PAGES_HPP
#define FRYS_TESTS_MEMORY_COUNTING_PAGES_HPP

#include <frys/memory/pages.hpp>

#include <atomic>
#include <cstddef>

template <int Instance>
struct counting_pages {
  inline static std::atomic<std::size_t> allocations{0};
  inline static std::atomic<std::size_t> held{0};       // bytes
  inline static std::atomic<std::size_t> discarded{0};  // bytes
  inline static std::atomic<bool> refuses{false};

  static frys::result<frys::byte_span> allocate(std::size_t size) { return allocate(size, frys::page_size); }
  static frys::result<frys::byte_span> allocate(std::size_t size, std::size_t alignment) {
    if (refuses) return frys::error{frys::errc::out_of_memory, frys::domain::user, "refused by the test", 0};
    auto memory = frys::heap_pages::allocate(size, alignment);
    if (memory) {
      ++allocations;
      held += memory->size();
    }
    return memory;
  }
  static void release(frys::byte_span memory) noexcept {
    held -= memory.size();
    frys::heap_pages::release(memory);
  }
  static void discard(frys::byte_span memory) noexcept {
    discarded += memory.size();
    frys::heap_pages::discard(memory);
  }
};

#endif  // FRYS_TESTS_MEMORY_COUNTING_PAGES_HPP
