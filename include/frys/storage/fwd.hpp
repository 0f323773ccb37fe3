// fwd: the names of storage without their bodies.
#ifndef FRYS_STORAGE_FWD_HPP
#define FRYS_STORAGE_FWD_HPP

#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

enum class durability : std::uint8_t;
enum class wal_gap : std::uint8_t;
struct wal_options;
struct wal_recovery;
struct wal_stats;
template <class... Policies>
class wal;
struct memtable_options;
template <class Value, class... Policies>
class memtable;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_STORAGE_FWD_HPP
