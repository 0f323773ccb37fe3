// poison: tells AddressSanitizer which bytes of a block's memory nobody may use now.
//
// Use when  a block hands out pieces of memory that it keeps itself, as arena and the pools do: then a use of a piece
//           that was given back, or never handed out, ends the program with a report, as it does with the heap's.
// Roles     any thread, for memory that is its own at that time.
// Cost      without -fsanitize=address nothing at all; with it a write of a shadow byte per eight bytes.
// Errors    bytes are told in eights: where a piece does not end at a multiple of eight, the rest of the eight may pass
//           as usable, never the other way round.
// Lifetime  what is poisoned must be unpoisoned before its memory goes back to where it came from.
#ifndef FRYS_CORE_POISON_HPP
#define FRYS_CORE_POISON_HPP

#include <cstddef>

#include "../config.hpp"

#if FRYS_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace frys::inline FRYS_ABI {

// From here on whoever touches one of these bytes is reported.
inline void poison([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if FRYS_ASAN
  __asan_poison_memory_region(memory, size);
#endif
}
// They may be used.
inline void unpoison([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if FRYS_ASAN
  __asan_unpoison_memory_region(memory, size);
#endif
}
// Whether that byte may not be used; false where nobody looks.
[[nodiscard]] inline bool is_poisoned([[maybe_unused]] const void* byte) noexcept {
#if FRYS_ASAN
  return __asan_address_is_poisoned(byte) != 0;
#else
  return false;
#endif
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_POISON_HPP
