// arena_face: what an arena offers on top of allocate: values, arrays, copies. For arena and for the seats of a
// concurrent_arena.
#ifndef FRYS_MEMORY_DETAIL_ARENA_FACE_HPP
#define FRYS_MEMORY_DETAIL_ARENA_FACE_HPP

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/bytes.hpp"
#include "../../core/result.hpp"
#include "../pages.hpp"

namespace frys::inline FRYS_ABI::detail {

// Self has result<void*> allocate(size, alignment) noexcept.
template <class Self>
class arena_face {
 public:
  // T(args...). Its destructor is never run, so T must not need one.
  template <class T, class... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] result<T*> make(Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>) {
    static_assert(std::is_trivially_destructible_v<T>,
                  "frys::arena::make<T>: the arena runs no destructors; use object_pool for a T that needs one");
    const result<void*> memory = self().allocate(sizeof(T), alignof(T));
    if (!memory) return memory.error();
    return ::new (*memory) T(std::forward<Args>(args)...);
  }
  // `count` value-initialised elements (zeros, for numbers).
  template <class T>
  [[nodiscard]] result<std::span<T>> make_array(std::size_t count) noexcept {
    static_assert(std::is_trivially_destructible_v<T> && std::is_nothrow_default_constructible_v<T>,
                  "frys::arena::make_array<T>: T must be made without throwing and need no destructor");
    if (count > most_bytes / sizeof(T)) return pages_refused(most_bytes);
    const result<void*> memory = self().allocate(count * sizeof(T), alignof(T));
    if (!memory) return memory.error();
    T* first = static_cast<T*>(*memory);
    std::uninitialized_value_construct_n(first, count);
    return std::span<T>(first, count);
  }
  // A copy that lives as long as the arena's content.
  [[nodiscard]] result<byte_span> copy(byte_view bytes) noexcept {
    const result<void*> memory = self().allocate(bytes.size(), 1);
    if (!memory) return memory.error();
    if (!bytes.empty()) std::memcpy(*memory, bytes.data(), bytes.size());
    return byte_span(static_cast<std::byte*>(*memory), bytes.size());
  }
  [[nodiscard]] result<std::string_view> copy(std::string_view text) noexcept {
    const result<byte_span> bytes = copy(as_bytes(text));
    if (!bytes) return bytes.error();
    return as_text(*bytes);
  }

 private:
  friend Self;
  arena_face() = default;
  Self& self() noexcept { return static_cast<Self&>(*this); }
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_ARENA_FACE_HPP
