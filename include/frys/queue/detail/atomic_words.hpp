// atomic_words: the bytes of one T as atomic words, copied without a data race while somebody else writes them.
//
// A copy made during a write is a mixture of two values; who copies must find that out (a sequence before and after)
// and throw it away unlooked at. All orders here are relaxed: the sequence carries them.
// Source  H.-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
#ifndef FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP
#define FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP

#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

#include "../../config.hpp"
#include "slot.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T, class Atomics>
class atomic_words {
  static_assert(std::is_trivially_copyable_v<T>);
  using word = std::size_t;
  static constexpr std::size_t whole = sizeof(T) / sizeof(word);
  static constexpr std::size_t rest = sizeof(T) % sizeof(word);
  static constexpr std::size_t count = whole + (rest == 0 ? 0 : 1);

 public:
  // One thread at a time.
  void store(const T& value) noexcept {
    const auto* from = reinterpret_cast<const unsigned char*>(std::addressof(value));
    for (std::size_t i = 0; i < whole; ++i) put(i, from + i * sizeof(word), sizeof(word));
    if constexpr (rest != 0) put(whole, from + whole * sizeof(word), rest);
  }
  // Any thread. What it leaves in `into` is a T only if no store has run meanwhile.
  void load(slot<T>& into) const noexcept {
    auto* to = reinterpret_cast<unsigned char*>(std::addressof(into.value));
    for (std::size_t i = 0; i < whole; ++i) get(i, to + i * sizeof(word), sizeof(word));
    if constexpr (rest != 0) get(whole, to + whole * sizeof(word), rest);
  }

 private:
  void put(std::size_t i, const unsigned char* from, std::size_t bytes) noexcept {
    word w = 0;
    std::memcpy(&w, from, bytes);
    words_[i].store(w, std::memory_order_relaxed);  // relaxed: the owner's sequence orders it
  }
  void get(std::size_t i, unsigned char* to, std::size_t bytes) const noexcept {
    const word w = words_[i].load(std::memory_order_relaxed);  // relaxed: the owner's sequence orders it
    std::memcpy(to, &w, bytes);
  }

  typename Atomics::template atomic<word> words_[count];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP
