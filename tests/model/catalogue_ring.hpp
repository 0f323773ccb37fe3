// A ring whose slots carry turns: who holds ticket t waits until his slot shows turn 2 * lap (push) or 2 * lap + 1
// (pop). The turns are 8 bits wide, so that they wrap within a test.
#ifndef FRYS_TESTS_MODEL_CATALOGUE_RING_HPP
#define FRYS_TESTS_MODEL_CATALOGUE_RING_HPP

#include <atomic>
#include <cstdint>

#include "catalogue.hpp"

namespace catalogue {

enum class ring_bug {
  none,
  turns_by_size,      // waits for "my turn or later": wrong where turns wrap
  relaxed_publish,    // the value is not ordered before the turn that tells of it
  relaxed_vacate,     // nor the reading of it before the turn that frees the slot
  turn_before_value,  // tells of the value, then writes it
  tickets_by_load     // takes a ticket by a load and a store
};

template <class A, ring_bug B, std::size_t Capacity>
class ticket_ring {
 public:
  static constexpr std::uint64_t last_lap = 127;  // the next one has the turn 0 again

  explicit ticket_ring(std::uint64_t first_lap) : tail_(first_lap * Capacity), head_(first_lap * Capacity) {
    for (cell& c : cells_) c.turn.store(turn_of(first_lap * Capacity), std::memory_order_relaxed);
  }

  // Waits until there is room.
  void push(int value) {
    const std::uint64_t ticket = take(tail_);
    cell& c = cells_[ticket % Capacity];
    const std::uint8_t mine = turn_of(ticket);
    while (!is_turn(c.turn.load(std::memory_order_acquire), mine)) A::pause();
    const auto next = static_cast<std::uint8_t>(mine + 1);
    if constexpr (B == ring_bug::turn_before_value) c.turn.store(next, std::memory_order_release);
    c.value.ref() = value;
    if constexpr (B != ring_bug::turn_before_value)
      c.turn.store(next, B == ring_bug::relaxed_publish ? std::memory_order_relaxed : std::memory_order_release);
  }

  // Waits until there is a value.
  int pop() {
    const std::uint64_t ticket = take(head_);
    cell& c = cells_[ticket % Capacity];
    const auto mine = static_cast<std::uint8_t>(turn_of(ticket) + 1);
    while (!is_turn(c.turn.load(std::memory_order_acquire), mine)) A::pause();
    const int value = c.value.get();
    c.turn.store(static_cast<std::uint8_t>(mine + 1),
                 B == ring_bug::relaxed_vacate ? std::memory_order_relaxed : std::memory_order_release);
    return value;
  }

 private:
  using counter = typename A::template atomic<std::uint64_t>;

  struct cell {
    typename A::template atomic<std::uint8_t> turn{0};
    typename A::template var<int> value;
  };

  static constexpr std::uint8_t turn_of(std::uint64_t ticket) {
    return static_cast<std::uint8_t>(ticket / Capacity * 2);
  }
  static bool is_turn(std::uint8_t seen, std::uint8_t mine) {
    return B == ring_bug::turns_by_size ? seen >= mine : seen == mine;
  }
  static std::uint64_t take(counter& c) {
    if constexpr (B != ring_bug::tickets_by_load) return c.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t ticket = c.load(std::memory_order_relaxed);
    c.store(ticket + 1, std::memory_order_relaxed);
    return ticket;
  }

  counter tail_;
  counter head_;
  cell cells_[Capacity];
};

}  // namespace catalogue

#endif  // FRYS_TESTS_MODEL_CATALOGUE_RING_HPP
