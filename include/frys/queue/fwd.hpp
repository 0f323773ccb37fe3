// fwd: the names of queue without their bodies.
#ifndef FRYS_QUEUE_FWD_HPP
#define FRYS_QUEUE_FWD_HPP

#include <cstddef>
#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

class push_result;
struct queue_statistics;
struct deque_statistics;
enum class pop_status : std::uint8_t;
template <class T>
class pop_result;
template <class T, class... Policies>
class spsc_ring;
template <class Ring>
class shared_ring;
template <class Queue, class... Policies>
class awaiting;
template <class Queue, class... Policies>
class blocking;
template <class T, std::size_t Lanes, class... Policies>
class lanes;
template <class T, class... Policies>
class mpmc_ring;
template <class T, class... Policies>
class mpsc_queue;
template <class Node, class... Policies>
class intrusive_mpsc_queue;
template <class T, class... Policies>
class stealing_deque;
template <class T, class... Policies>
class segment_queue;
template <class T, class... Policies>
class bag;
template <class T, class... Policies>
class broadcast_ring;
template <class T, class... Policies>
class rcu_cell;
template <class T, class... Policies>
class relaxed_priority_queue;
template <class T, class... Policies>
class seqlock;
template <class Key, class Value, class... Policies>
class sharded_map;
template <class Key, class Value, class... Policies>
class lookup_cache;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_FWD_HPP
