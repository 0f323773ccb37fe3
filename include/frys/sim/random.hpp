// sim::random: random numbers from a seed: the same seed, the same run, on every machine.
//
// Threads  one at a time; own it.
// Limits   not for secrets.
// Source   splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
#ifndef FRYS_SIM_RANDOM_HPP
#define FRYS_SIM_RANDOM_HPP

#include <cstdint>

#include "../config.hpp"

namespace frys::inline FRYS_ABI::sim {

// A model of random_source (core/concepts.hpp).
class random {
 public:
  constexpr explicit random(std::uint64_t seed = 0) noexcept : state_(seed) {}

  constexpr std::uint64_t operator()() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // A number in [0, n); 0 if n is 0. Its bias is below n / 2^64.
  constexpr std::uint64_t below(std::uint64_t n) noexcept { return n == 0 ? 0 : (*this)() % n; }
  // True once in `n` times on average; never if n is 0.
  constexpr bool one_in(std::uint64_t n) noexcept { return n != 0 && below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace frys::inline FRYS_ABI::sim

#endif  // FRYS_SIM_RANDOM_HPP
