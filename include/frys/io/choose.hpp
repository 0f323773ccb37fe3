// with_reactor: the best reactor that this machine allows, chosen at run time, and why.
//
// Use when  one program shall run on a bare machine (io_uring) and in a container that forbids io_uring (epoll).
// Not when  the build decides: name epoll_reactor or uring_reactor.
// Cost      the function is instantiated once per backend; after the choice nothing is indirect.
#ifndef FRYS_IO_CHOOSE_HPP
#define FRYS_IO_CHOOSE_HPP

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/result.hpp"
#include "detail/liburing.hpp"
#include "epoll_reactor.hpp"
#include "options.hpp"
#include "uring_reactor.hpp"

#if FRYS_OS_LINUX

namespace frys::inline FRYS_ABI {

enum class backend : std::uint8_t {
  best,   // io_uring if it can be had, else epoll
  uring,  // io_uring or an error
  epoll,
};

namespace detail {

// Calls f(reactor, reason), or f(reactor) if it does not ask for the reason.
template <class F, class Reactor>
auto call_with(F& f, Reactor& r, std::string_view reason) {
  if constexpr (std::is_invocable_v<F&, Reactor&, std::string_view>)
    return f(r, reason);
  else
    return f(r);
}

template <class F, class Reactor>
using called_with_t = decltype(call_with(std::declval<F&>(), std::declval<Reactor&>(), std::string_view()));

template <class Reactor, class F>
result<called_with_t<F, Reactor>> run_with(Reactor& r, F& f, std::string_view reason) {
  if constexpr (std::is_void_v<called_with_t<F, Reactor>>) {
    call_with(f, r, reason);
    return {};
  } else {
    return call_with(f, r, reason);
  }
}

// `Uring` is whether this translation unit has liburing; in the name, so that units which disagree can be linked.
template <bool Uring, class... Policies, class F>
auto with_reactor_impl(const reactor_options& options, backend wanted, F& f)
    -> result<called_with_t<F, epoll_reactor<Policies...>>> {
  std::string_view reason = "epoll was asked for";
  if (wanted != backend::epoll) {
    if constexpr (Uring) {
#if FRYS_WITH_URING
      auto made = uring_reactor<Policies...>::create(options);
      if (made) return run_with(**made, f, "io_uring works here");
      if (wanted == backend::uring) return made.error();
      reason = made.error().message;
#endif
    } else {
      reason = "this program was built without liburing (FRYS_WITH_URING)";
      if (wanted == backend::uring) return error{errc::unsupported, domain::io, reason.data(), 0};
    }
  }
  auto made = epoll_reactor<Policies...>::create(options);
  if (!made) return made.error();
  return run_with(**made, f, reason);
}

}  // namespace detail

// Makes a reactor and calls f(reactor) or f(reactor, reason) with it; the reactor lives during the call. `reason` is
// one sentence on why it is this one and lives for ever; reactor.name() is the backend's name. Answers what f answers
// (the same type for every reactor), or why no reactor could be made.
template <class... Policies, class F>
auto with_reactor(const reactor_options& options, backend wanted, F&& f) {
  return detail::with_reactor_impl<FRYS_WITH_URING != 0, Policies...>(options, wanted, f);
}
template <class... Policies, class F>
auto with_reactor(const reactor_options& options, F&& f) {
  return with_reactor<Policies...>(options, backend::best, std::forward<F>(f));
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_CHOOSE_HPP
