// concepts: what code that takes any queue may ask of it. The queues of frys are models; so are those of with/, and a
// user's own with the same four members.
#ifndef FRYS_QUEUE_CONCEPTS_HPP
#define FRYS_QUEUE_CONCEPTS_HPP

#include <concepts>
#include <utility>

#include "../config.hpp"
#include "result.hpp"

namespace frys::inline FRYS_ABI {

// Takes values and gives them back, never waits, and can be closed: after close() nothing goes in, what was accepted
// comes out, and only then a pop answers closed. Who may call what, and in which order values come, is the queue's.
template <class Q>
concept closable_queue = requires(Q& q, typename Q::value_type& value) {
  requires queue_element<typename Q::value_type>;
  { q.try_push(std::move(value)) } -> std::same_as<push_result>;
  { q.try_pop() } -> std::same_as<pop_result<typename Q::value_type>>;
  q.close();
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_CONCEPTS_HPP
