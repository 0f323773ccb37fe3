// frys' general heap, as the peers are called (heaps.hpp).
#pragma once
#include <frys/memory/process_heap.hpp>

#include "heaps.hpp"

struct frys_heap {
  static constexpr const char* package = "";
  static heap_functions load() {
    return {[](std::size_t size) { return frys::process_heap::try_allocate(size); },
            [](void* block) { frys::process_heap::deallocate(block); }, [] { frys::process_heap::collect(); }};
  }
};
