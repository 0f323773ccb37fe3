// fwd: the names of core without their bodies. Default arguments and short aliases of the room live in its headers.
#ifndef FRYS_CORE_FWD_HPP
#define FRYS_CORE_FWD_HPP

#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

enum class errc : std::uint16_t;
enum class domain : std::uint8_t;
struct error;
template <class T>
class result;
struct deadline;
struct work;
class stop_token;
struct hash;
template <class... Policies>
class parker;
template <class... Policies>
class eventcount;
template <class Counter, class... Policies>
class counter_clock;
struct cycle_counter;
struct tsc_clock;
template <class... Policies>
class basic_counter;
template <class... Policies>
class basic_histogram;
template <class T, class Tag>
class intrusive_list;
template <class T>
class intrusive_queue;
template <class Switch>
class basic_context;
class stack_memory;
template <class Atomics, class Wait>
class word_lock;  // its defaults stand in word_lock.hpp
template <class Lock>
class held_lock;
namespace atomics {
struct real;
struct tsan;
struct local;
}  // namespace atomics

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_FWD_HPP
