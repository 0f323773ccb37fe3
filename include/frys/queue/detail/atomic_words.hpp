// atomic_words: the bytes of one T as atomic words, copied without a data race while somebody else writes them.
//
// A copy made during a write is a mixture of two values; who copies must find that out (a sequence before and after)
// and throw it away unlooked at. All orders here are relaxed: the sequence carries them.
// Source  H.-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
#ifndef FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP
#define FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "slot.hpp"

namespace frys::inline FRYS_ABI::detail {

template <class T, class Atomics>
class atomic_words {
  static_assert(std::is_trivially_copyable_v<T>);
  using word = std::size_t;
  static constexpr std::size_t count = (sizeof(T) + sizeof(word) - 1) / sizeof(word);
  static constexpr std::size_t few = 8;
  static constexpr std::size_t bytes_of(std::size_t i) noexcept {
    return (std::min)(sizeof(word), sizeof(T) - i * sizeof(word));
  }

 public:
  // What was read; a T only if no store has run meanwhile. Few words stay in registers until it is known to be one: a
  // value that is written word by word and then copied by wider loads would wait for the store buffer.
  struct copy {
    word at[count];
  };

  // One thread at a time.
  void store(const T& value) noexcept {
    const auto* from = reinterpret_cast<const unsigned char*>(std::addressof(value));
    each([&](auto i) {
      word w = 0;
      std::memcpy(&w, from + i * sizeof(word), bytes_of(i));
      words_[i].store(w, std::memory_order_relaxed);  // relaxed: the owner's sequence orders it
    });
  }
  // Any thread.
  void load(copy& into) const noexcept {
    // relaxed: the owner's sequence orders it
    each([&](auto i) { into.at[i] = words_[i].load(std::memory_order_relaxed); });
  }
  static T value(const copy& c) noexcept {
    if constexpr (count <= few && std::is_nothrow_default_constructible_v<T>) {
      T out;
      put(c, std::addressof(out));
      return out;
    } else {
      slot<T> out;
      put(c, std::addressof(out.value));
      return std::move(out.value);
    }
  }

 private:
  static void put(const copy& c, T* out) noexcept {
    auto* to = reinterpret_cast<unsigned char*>(out);
    each([&](auto i) { std::memcpy(to + i * sizeof(word), &c.at[i], bytes_of(i)); });
  }
  // f(i) for each word; unrolled where they are few.
  template <class F>
  static void each(F&& f) noexcept {
    if constexpr (count <= few) [&]<std::size_t... I>(std::index_sequence<I...>) {
        (f(std::integral_constant<std::size_t, I>{}), ...);
      }
    (std::make_index_sequence<count>{});
    else for (std::size_t i = 0; i < count; ++i) f(i);
  }

  typename Atomics::template atomic<word> words_[count];
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_QUEUE_DETAIL_ATOMIC_WORDS_HPP
