// type_id: a number and a name for a type, without RTTI.
//
// The number is a hash of the compiler's spelling of the type, so it is the same in every translation unit, shared
// object and run of one compiler; two compilers may spell a type differently, so never store it in a file. Types of one
// spelling are one id: two unnamed namespaces that each hold an `x`, for example.
#ifndef FRYS_CORE_TYPE_ID_HPP
#define FRYS_CORE_TYPE_ID_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {
// The compiler's spelling of this function holds T's; the text around it is the same for every T.
template <class T>
constexpr std::string_view spelling() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  return __FUNCSIG__;
#else
  return __PRETTY_FUNCTION__;
#endif
}
inline constexpr std::size_t spelling_prefix = spelling<double>().find("double");
inline constexpr std::size_t spelling_suffix = spelling<double>().size() - spelling_prefix - 6;
}  // namespace detail

// T as the compiler writes it, for example "std::vector<int>".
template <class T>
constexpr std::string_view type_name() noexcept {
  constexpr std::string_view all = detail::spelling<T>();
  return all.substr(detail::spelling_prefix, all.size() - detail::spelling_prefix - detail::spelling_suffix);
}

using type_id_t = std::uint64_t;

// FNV-1a of the name.
template <class T>
constexpr type_id_t type_id() noexcept {
  type_id_t hash = 0xcbf29ce484222325u;
  for (const char c : type_name<T>()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_TYPE_ID_HPP
