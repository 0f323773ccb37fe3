// fwd: the names of sim without their bodies.
#ifndef FRYS_SIM_FWD_HPP
#define FRYS_SIM_FWD_HPP

#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI::atomics {
struct counting;
}

namespace frys::inline FRYS_ABI::sim {

enum class aftermath : std::uint8_t;
class disk;
class random;
template <class Tag>
class basic_clock;
struct world;

enum class verdict : std::uint8_t;
enum class strategy : std::uint8_t;
struct atomics;
struct threads;
class thread;
class run_random;
struct run_world;
struct run_options;
struct run_report;
struct exploration;

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_FWD_HPP
