// hash: 64-bit hashes of values for tables and for placement: bytes, texts, integers, floating-point numbers, enums,
// pointers, pairs, tuples, arrays, optionals and variants, nested as deep as you like.
//
// Quality  every input bit moves every output bit with chance near 1/2 (tests/core/hash_test.cpp measures it).
// Cost     integers: two multiplications. Bytes: 16 per multiplication.
// Limits   not for secrets: with the seed known, collisions can be made. The numbers are the same on every machine and
//          run, so they may decide which owner holds a key; they are part of 0.1's promise, not of later versions'.
// Source   the multiply-and-fold step is wyhash's (Wang Yi, public domain); the layout of the reads is our own.
#ifndef FRYS_CORE_HASH_HPP
#define FRYS_CORE_HASH_HPP

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "../config.hpp"
#include "bytes.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {
inline constexpr std::uint64_t hash_a = 0xa0761d6478bd642fu;
inline constexpr std::uint64_t hash_b = 0xe7037ed1a0b428dbu;
inline constexpr std::uint64_t hash_c = 0x8ebc6af09c88c6e3u;
inline constexpr std::uint64_t hash_d = 0x589965cc75374cc3u;

// The two halves of a 128-bit product, folded: a non-linear step that spreads every bit.
constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
#if defined(__SIZEOF_INT128__)
  __extension__ using wide = unsigned __int128;
  const wide product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
  const std::uint64_t al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32;
  const std::uint64_t ll = al * bl, hl = ah * bl, lh = al * bh, hh = ah * bh;
  const std::uint64_t middle = (ll >> 32) + (hl & 0xffffffffu) + lh;
  const std::uint64_t low = (middle << 32) | (ll & 0xffffffffu);
  const std::uint64_t high = hh + (hl >> 32) + (middle >> 32);
  return low ^ high;
#endif
}
}  // namespace detail

// One number into another, well mixed. Not a bijection: two of n values collide with chance about n * n / 2^65.
constexpr std::uint64_t hash_integer(std::uint64_t value, std::uint64_t seed = 0) noexcept {
  return detail::fold(detail::fold(value ^ detail::hash_a, seed ^ detail::hash_b) ^ value, detail::hash_c);
}

// Joins a hash to what was hashed before; order matters.
constexpr std::uint64_t hash_combine(std::uint64_t before, std::uint64_t next) noexcept {
  return detail::fold(before ^ detail::hash_b, next ^ detail::hash_c) ^ detail::hash_a;
}

// Bytes of any length.
inline std::uint64_t hash_bytes(byte_view bytes, std::uint64_t seed = 0) noexcept {
  const std::byte* p = bytes.data();
  const std::size_t size = bytes.size();
  std::uint64_t h = seed ^ detail::hash_c;
  std::uint64_t a = 0, b = 0;
  if (size >= 16) {
    std::size_t left = size;
    if (left > 64) {
      // Four chains that do not wait for each other: a multiplication takes three to four cycles, and one can start in
      // each.
      std::uint64_t h1 = h, h2 = h, h3 = h;
      for (; left > 64; left -= 64, p += 64) {
        h = detail::fold(load_le<std::uint64_t>(p) ^ detail::hash_a, load_le<std::uint64_t>(p + 8) ^ h);
        h1 = detail::fold(load_le<std::uint64_t>(p + 16) ^ detail::hash_b, load_le<std::uint64_t>(p + 24) ^ h1);
        h2 = detail::fold(load_le<std::uint64_t>(p + 32) ^ detail::hash_c, load_le<std::uint64_t>(p + 40) ^ h2);
        h3 = detail::fold(load_le<std::uint64_t>(p + 48) ^ detail::hash_d, load_le<std::uint64_t>(p + 56) ^ h3);
      }
      h ^= h1 ^ h2 ^ h3;
    }
    for (; left > 16; left -= 16, p += 16)
      h = detail::fold(load_le<std::uint64_t>(p) ^ detail::hash_a, load_le<std::uint64_t>(p + 8) ^ h);
    // The last 16 bytes, which may overlap what was read already.
    a = load_le<std::uint64_t>(p + left - 16);
    b = load_le<std::uint64_t>(p + left - 8);
  } else if (size >= 8) {
    a = load_le<std::uint64_t>(p);
    b = load_le<std::uint64_t>(p + size - 8);
  } else if (size >= 4) {
    a = load_le<std::uint32_t>(p);
    b = load_le<std::uint32_t>(p + size - 4);
  } else if (size > 0) {
    a = std::to_integer<std::uint64_t>(p[0]) << 16 | std::to_integer<std::uint64_t>(p[size / 2]) << 8 |
        std::to_integer<std::uint64_t>(p[size - 1]);
  }
  return detail::fold(detail::hash_a ^ size, detail::fold(a ^ detail::hash_b, b ^ h));
}

// A transparent functor for std containers and ours: hash{}(x), hash{seed}(x).
struct hash {
  using is_transparent = void;
  std::uint64_t seed = 0;

  std::uint64_t operator()(std::string_view text) const noexcept { return hash_bytes(as_bytes(text), seed); }
  std::uint64_t operator()(const char* text) const noexcept { return (*this)(std::string_view(text)); }
  std::uint64_t operator()(byte_view bytes) const noexcept { return hash_bytes(bytes, seed); }
  template <class T>
  requires(std::integral<T> || std::is_enum_v<T>) std::uint64_t operator()(T value) const noexcept {
    return hash_integer(static_cast<std::uint64_t>(value), seed);
  }
  // Equal numbers hash equally: 0.0 and -0.0, a float and the double that it is.
  template <class T>
  requires(std::same_as<T, float> || std::same_as<T, double>) std::uint64_t operator()(T value) const noexcept {
    return hash_integer(std::bit_cast<std::uint64_t>(static_cast<double>(value) + 0.0), seed);
  }
  template <class T>
  requires(!std::same_as<std::remove_cv_t<T>, char>) std::uint64_t operator()(T* pointer) const noexcept {
    return hash_integer(reinterpret_cast<std::uintptr_t>(pointer), seed);
  }
  // A variant's hash joins the index of its alternative, so that equal values of two alternatives differ.
  template <class... Ts>
  std::uint64_t operator()(const std::variant<Ts...>& v) const noexcept {
    if (v.valueless_by_exception()) return hash_integer(~std::uint64_t{0}, seed);
    return hash_combine(hash_integer(v.index(), seed), alternative(v, std::index_sequence_for<Ts...>{}));
  }
  std::uint64_t operator()(std::monostate) const noexcept { return hash_integer(0, seed); }
  // pair, tuple and array.
  template <class T>
  requires requires { std::tuple_size<T>::value; }
  std::uint64_t operator()(const T& product) const noexcept {
    std::uint64_t h = hash_integer(std::tuple_size<T>::value, seed);
    std::apply([&](const auto&... each) { ((h = hash_combine(h, (*this)(each))), ...); }, product);
    return h;
  }
  // optional-like: nothing differs from a default value.
  template <class T>
  requires requires(const T& o) {
    o.has_value();
    *o;
  }
  std::uint64_t operator()(const T& optional) const noexcept {
    return optional.has_value() ? hash_combine(1, (*this)(*optional)) : hash_integer(0, seed);
  }

 private:
  template <class V, std::size_t... I>
  std::uint64_t alternative(const V& v, std::index_sequence<I...>) const noexcept {
    std::uint64_t h = 0;
    (void)((v.index() == I && (h = (*this)(*std::get_if<I>(&v)), true)) || ...);
    return h;
  }
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_HASH_HPP
