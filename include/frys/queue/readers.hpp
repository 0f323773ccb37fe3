// readers: who reads a broadcast_ring, and after whom; a graph as a type.
//
//   struct journal {}; struct replicate {}; struct apply {};       // names, never made
//   policy::readers<reads<journal>, reads<replicate>, reads<apply, journal, replicate>>
//
// Each reader sees every value; `apply` sees one only when `journal` and `replicate` are done with it. A reader comes
// after those it names, so a graph with a circle cannot be written down.
#ifndef FRYS_QUEUE_READERS_HPP
#define FRYS_QUEUE_READERS_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

// The reader `Name`, which follows the readers `After`; without any it follows the producer.
template <class Name, class... After>
struct reads {
  using name = Name;
};

// The name of the i-th reader of policy::independent_readers, counted from 0.
template <std::size_t I>
struct nth_reader {};

namespace detail {

template <class R>
inline constexpr bool is_reads = false;
template <class Name, class... After>
inline constexpr bool is_reads<reads<Name, After...>> = true;

// Readers by number, in the order given. Sets of readers are bits of a word.
template <class... R>
struct reader_graph {
  static constexpr std::size_t count = sizeof...(R);
  using set = std::uint64_t;

  // The number of the reader `Name`; count if there is none.
  template <class Name>
  static constexpr std::size_t find() noexcept {
    std::size_t at = 0;
    static_cast<void>(((std::is_same_v<Name, typename R::name> ? true : (++at, false)) || ...));
    return at;
  }
  static constexpr bool names_differ() noexcept {
    std::size_t at = 0;
    return ((find<typename R::name>() == at++) && ...);
  }
  // Each reader follows only such as stand before it.
  static constexpr bool is_ordered() noexcept {
    std::size_t at = 0;
    return (known_before<R>(at++) && ...);
  }
  // Whom reader i must be behind, without those that these are behind themselves.
  static constexpr set direct(std::size_t i) noexcept {
    const set named = named_by(i);
    set implied = 0;
    for (std::size_t j = 0; j < i; ++j)
      if ((named >> j & 1) != 0) implied |= all_before(j);
    return named & ~implied;
  }
  // The readers that nobody follows: the producer must be no more than a lap ahead of these.
  static constexpr set last() noexcept {
    set followed = 0;
    for (std::size_t i = 0; i < count; ++i) followed |= named_by(i);
    return everybody() & ~followed;
  }
  // Nobody follows another reader.
  static constexpr bool is_independent() noexcept { return last() == everybody(); }

 private:
  static constexpr set everybody() noexcept { return count == 64 ? ~set{0} : (set{1} << count) - 1; }
  template <class Reader>
  struct one;
  template <class Name, class... After>
  struct one<reads<Name, After...>> {
    static constexpr bool known_before([[maybe_unused]] std::size_t at) noexcept {
      return ((find<After>() < at) && ...);
    }
    static constexpr set mask() noexcept { return (set{0} | ... | (set{1} << find<After>())); }
  };
  template <class Reader>
  static constexpr bool known_before(std::size_t at) noexcept {
    return one<Reader>::known_before(at);
  }
  static constexpr set named_by(std::size_t i) noexcept {
    const set masks[] = {one<R>::mask()...};
    return masks[i];
  }
  static constexpr set all_before(std::size_t i) noexcept {
    set all = named_by(i);
    for (std::size_t j = i; j-- > 0;)
      if ((all >> j & 1) != 0) all |= named_by(j);
    return all;
  }
};

template <class Numbers>
struct independent;
template <std::size_t... I>
struct independent<std::index_sequence<I...>> {
  using type = reader_graph<reads<nth_reader<I>>...>;
};

}  // namespace detail

namespace policy {

struct readers_key {};  // a graph of readers

// The readers of a block, see above. 64 at most.
template <class... R>
struct readers {
  static_assert((frys::detail::is_reads<R> && ...),
                "frys::policy::readers: name each reader as reads<Name, After...>, see queue/readers.hpp");
  static_assert(sizeof...(R) >= 1 && sizeof...(R) <= 64, "frys::policy::readers: there are 1 to 64 readers");
  using graph = frys::detail::reader_graph<R...>;
  static_assert(graph::names_differ(), "frys::policy::readers: two readers have the same name");
  static_assert(graph::is_ordered(),
                "frys::policy::readers: a reader follows one that does not stand before it; list those to be followed "
                "first, so that the graph has no circle");
  using key = readers_key;
  using type = graph;
};

// N readers that follow the producer and know nothing of each other: nth_reader<0> to nth_reader<N - 1>.
template <std::size_t N>
struct independent_readers {
  static_assert(N >= 1 && N <= 64, "frys::policy::independent_readers: there are 1 to 64 readers");
  using key = readers_key;
  using type = typename frys::detail::independent<std::make_index_sequence<N>>::type;
};

}  // namespace policy

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_READERS_HPP
