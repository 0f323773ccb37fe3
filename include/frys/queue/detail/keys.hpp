// keys: how maps and caches hash keys and compare them with what is looked for.
#ifndef FRYS_QUEUE_DETAIL_KEYS_HPP
#define FRYS_QUEUE_DETAIL_KEYS_HPP

#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "../../config.hpp"
#include "../../core/bytes.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct hash_key {};  // key_hash (queue/detail/keys.hpp): a function object of a key to an unsigned number
template <class H>
struct hash {
  using key = hash_key;
  using type = H;
};
}  // namespace policy

// A model for policy::hash of K.
template <class H, class K>
concept key_hash = std::default_initializable<H> && requires(const H& h, const K& key) {
  { h(key) } -> std::unsigned_integral;
};

namespace detail {

template <class K>
concept byte_string = std::convertible_to<const K&, std::string_view> || std::convertible_to<const K&, byte_view>;
template <byte_string K>
byte_view bytes_of(const K& key) noexcept {
  if constexpr (std::convertible_to<const K&, std::string_view>)
    return as_bytes(static_cast<std::string_view>(key));
  else
    return static_cast<byte_view>(key);
}

// A stored key and one that is looked for. Texts and bytes compare with each other, byte by byte.
template <class Stored, class K>
concept comparable_key = (byte_string<Stored> && byte_string<K>) || requires(const Stored& a, const K& b) {
  { a == b } -> std::convertible_to<bool>;
};
template <class Stored, class K>
requires comparable_key<Stored, K>
[[nodiscard]] FRYS_ALWAYS_INLINE bool same_key(const Stored& a, const K& b) noexcept {
  if constexpr (byte_string<Stored> && byte_string<K>) {
    const byte_view x = bytes_of(a), y = bytes_of(b);
    return x.size() == y.size() && (x.empty() || std::memcmp(x.data(), y.data(), x.size()) == 0);
  } else {
    return static_cast<bool>(a == b);
  }
}

}  // namespace detail

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_DETAIL_KEYS_HPP
