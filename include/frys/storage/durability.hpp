// durability: what an acknowledgement of a write promises. Named, so that a reply can say which.
#ifndef FRYS_STORAGE_DURABILITY_HPP
#define FRYS_STORAGE_DURABILITY_HPP

#include <cstdint>
#include <optional>
#include <string_view>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

enum class durability : std::uint8_t {
  machine,  // survives power loss: written and synced before it counts
  process,  // survives the end of the process, kill -9 too: the kernel has it before it counts
  none,     // counts at once and is written soon: complete after an orderly stop, may be lost after kill -9
};

constexpr std::string_view name_of(durability level) noexcept {
  switch (level) {
    case durability::machine:
      return "machine";
    case durability::process:
      return "process";
    case durability::none:
      return "none";
  }
  return "unknown";
}

// The level of a name as an operator writes it; nothing for any other text.
constexpr std::optional<durability> durability_of(std::string_view name) noexcept {
  for (durability level : {durability::machine, durability::process, durability::none})
    if (name == name_of(level)) return level;
  return std::nullopt;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_DURABILITY_HPP
