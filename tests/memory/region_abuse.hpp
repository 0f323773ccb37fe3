// Operations on a region whose every byte may be wrong: each answers an error, or memory inside the region.
#ifndef FRYS_TESTS_MEMORY_REGION_ABUSE_HPP
#define FRYS_TESTS_MEMORY_REGION_ABUSE_HPP

#include <frys/memory/shared_region.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace region_abuse {

struct node {
  frys::region_ptr<node> next;
  frys::region_span<std::uint32_t> numbers;
};

// True if all answers are what they may be. `steps` operations, chosen by `seed`.
inline bool survives(frys::shared_region<>& region, std::uint64_t seed, int steps) {
  const frys::byte_span all = region.bytes();
  const auto inside = [&](const void* p, std::size_t size) {
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(all.data());
    return offset < all.size() && size <= all.size() - offset;
  };
  const auto bad = [](const frys::error& e) {
    return e == frys::errc::corrupt || e == frys::errc::out_of_memory || e == frys::errc::not_found ||
           e == frys::errc::already_exists || e == frys::errc::limit_exceeded || e == frys::errc::busy ||
           e == frys::errc::version_mismatch;
  };
  std::uint64_t state = seed | 1;
  const auto dice = [&](std::uint64_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % n;
  };
  struct held {
    void* at = nullptr;
    std::size_t size = 0;
    std::size_t alignment = 16;
  } hand[16];
  for (int i = 0; i < steps; ++i) {
    held& h = hand[dice(16)];
    const std::string name = "name" + std::to_string(dice(4));
    switch (dice(9)) {
      case 0:
      case 1:
      case 2: {
        if (h.at != nullptr) break;
        h.size = static_cast<std::size_t>(dice(std::uint64_t{1} << dice(17)));
        h.alignment = std::size_t{1} << dice(13);
        const auto got = region.allocate(h.size, h.alignment);
        if (!got) {
          if (!bad(got.error())) return false;
          break;
        }
        if (!inside(*got, h.size) || reinterpret_cast<std::uintptr_t>(*got) % h.alignment != 0) return false;
        h.at = *got;
        std::memset(h.at, static_cast<int>(dice(256)), h.size);
        break;
      }
      case 3:
        if (h.at != nullptr) region.deallocate(h.at, h.size, h.alignment);
        h.at = nullptr;
        break;
      case 4: {
        const auto found = region.find(name);
        if (found ? !inside(found->data(), found->size()) : !bad(found.error())) return false;
        break;
      }
      case 5: {
        const auto made = region.make<node>(name);
        if (made ? !inside(*made, sizeof(node)) : !bad(made.error())) return false;
        break;
      }
      case 6: {
        const auto gone = region.remove(name);
        if (gone ? !inside(gone->data(), gone->size()) : !bad(gone.error())) return false;
        break;
      }
      case 7:
        if (dice(8) == 0) {
          const auto joined = region.join();
          if (joined ? *joined > all.size() : !bad(joined.error())) return false;
          break;
        }
        [[fallthrough]];
      default: {
        auto at = region.find<node>(name);
        for (int hops = 0; hops < 50; ++hops) {
          if (!at) {
            if (!bad(at.error())) return false;
            break;
          }
          if (!inside(*at, sizeof(node))) return false;
          const auto numbers = region.get((*at)->numbers);
          if (numbers ? numbers->size() != 0 && !inside(numbers->data(), numbers->size_bytes()) : !bad(numbers.error()))
            return false;
          at = region.get((*at)->next);
        }
        break;
      }
    }
    if (region.untouched() > all.size()) return false;
  }
  return true;
}

}  // namespace region_abuse

#endif  // FRYS_TESTS_MEMORY_REGION_ABUSE_HPP
