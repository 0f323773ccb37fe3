// epoll_reactor: one thread's event loop on epoll: the reactor that works on every Linux.
//
// Use when  one thread serves many sockets and io_uring is not there or not allowed.
// Not when  file writes and syncs must not block the loop (uring_reactor); its files() are posix_files.
// Roles     post, stop: any thread. All else: the thread that runs the loop.
// Cost      an operation first tries the system call at once and waits only if that would block; a receive that brought
//           less than it could hold waits without asking again. Edge-triggered: one epoll_ctl per socket and direction
//           in its life. An idle connection holds a 64-byte slot and no buffer. No allocation per operation.
// Fairness  a coroutine whose operations are all complete at once lets the others run after 64 of them.
// Stop      every wait but yield listens to its coroutine's stop_token (sched/cancel.hpp): asked from any thread, it is
//           ended in the loop with errc::cancelled, unless the operation had completed.
// Shutdown  destroying the reactor leaves what waits on it suspended for ever; destroy or join the tasks first.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model              default atomics::standard
//   policy::clock<C>    the clock of the deadlines     default clocks::steady
//   policy::pages<P>    where receive buffers live     default os_pages
// frys: real model
#ifndef FRYS_IO_EPOLL_REACTOR_HPP
#define FRYS_IO_EPOLL_REACTOR_HPP

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/clock.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "detail/socket_reactor.hpp"
#include "options.hpp"
#include "os_error.hpp"
#include "posix_files.hpp"

#if FRYS_OS_LINUX
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace frys::inline FRYS_ABI {

template <class... Policies>
class epoll_reactor
    : public detail::socket_reactor<epoll_reactor<Policies...>,
                                    typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type,
                                    typename policy::pick<policy::clock<clocks::steady>, Policies...>::type,
                                    typename policy::pick<policy::pages<os_pages>, Policies...>::type> {
  using accepted = policy::keys<policy::atomics_key, policy::clock_key, policy::pages_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::epoll_reactor: unknown policy; it takes policy::atomics, policy::clock, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::epoll_reactor: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::epoll_reactor: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(clock_model<clock_type>,
                "frys::epoll_reactor: policy::clock wants a type with a static now() in nanoseconds");
  static_assert(page_source<pages_type>,
                "frys::epoll_reactor: policy::pages wants a page source, see core/concepts.hpp");

  using files_type = posix_files;

  static constexpr std::string_view name() noexcept { return "epoll"; }

  // Errors: too_many_files, out_of_memory; not_found if options.root is none.
  static result<std::unique_ptr<epoll_reactor>> create(const reactor_options& options = {}) {
    std::unique_ptr<epoll_reactor> out(new (std::nothrow) epoll_reactor(options));
    if (out == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
    if (result<void> opened = out->open(); !opened) return opened.error();
    return out;
  }
  // The file system to use on this loop.
  files_type& files() noexcept { return files_; }

 private:
  using base = detail::socket_reactor<epoll_reactor, atomics_type, clock_type, pages_type>;
  friend base;
  friend detail::event_loop<epoll_reactor, atomics_type, clock_type>;
  using state = detail::socket_slot;
  using waiter = detail::socket_waiter;

  explicit epoll_reactor(const reactor_options& o) noexcept : base(o), files_(o.root) {}

  result<void> open() noexcept {
    if (result<void> rooted = files_.status(); !rooted) return rooted;
    epoll_ = posix_file(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_.is_open()) return os_error(errno, "no epoll descriptor");
    alarm_ = posix_file(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!alarm_.is_open()) return os_error(errno, "no event descriptor");
    ::epoll_event e{};
    e.events = EPOLLIN | EPOLLET;
    e.data.u64 = alarm_number;
    if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, alarm_.native_handle(), &e) != 0)
      return os_error(errno, "the event descriptor cannot be watched");
    most_events_ = (std::min)((std::max)(this->options_.events, 16u), 4096u);
    events_.reset(new (std::nothrow)::epoll_event[most_events_]);
    if (events_ == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
    return {};
  }

  // Edge-triggered: a write is an edge also while the counter stands above zero, so nobody needs to read it.
  void wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(alarm_.native_handle(), &one, sizeof one));
  }

  void wait(nanoseconds timeout) noexcept {
    int ms = timeout.count() < 0 ? -1 : 0;
    // Whole milliseconds, rounded up: the timers of the loop have no finer resolution.
    if (timeout.count() > 0)
      ms = static_cast<int>((std::min)((timeout.count() + 999'999) / 1'000'000, std::int64_t{3'600'000}));
    const int count = ::epoll_wait(epoll_.native_handle(), events_.get(), static_cast<int>(most_events_), ms);
    happened_ = count > 0 ? static_cast<unsigned>(count) : 0;
  }
  std::size_t handle() {
    std::size_t handled = 0;
    for (unsigned i = 0; i < happened_; ++i) {
      const ::epoll_event& e = events_[i];
      if (e.data.u64 == alarm_number)
        drain_alarm();
      else
        handled += happened(e.data.u64, e.events);
    }
    return handled;
  }

  // So that the counter never fills up.
  void drain_alarm() noexcept {
    std::uint64_t count;
    static_cast<void>(!::read(alarm_.native_handle(), &count, sizeof count));
  }

  std::size_t happened(std::uint64_t number, std::uint32_t events) {
    state* s = this->sockets_.find(number);
    if (s == nullptr) return 0;  // closed since
    const bool over = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    std::size_t handled = 0;
    if (over) s->finished = true;
    if (over || (events & EPOLLIN) != 0) {
      s->readable = true;
      handled += this->go_on(s->reader);
    }
    if (over || (events & EPOLLOUT) != 0) {
      if (handled != 0) s = this->sockets_.find(number);  // what went on may have closed it
      if (s != nullptr) handled += this->go_on(s->writer);
    }
    return handled;
  }
  // close takes it off epoll, unless another process has inherited it; the number of a slot that is gone is recognised,
  // so a late event does no harm.
  void forget(state&, int) noexcept {}

  // Lets `w` wait at `place` of `s`, with epoll watching for `events`. An error if the kernel cannot watch it.
  result<void> watch(state& s, waiter*& place, waiter& w, detail::want what) noexcept {
    const std::uint32_t events = what == detail::want::writable ? EPOLLIN | EPOLLOUT : EPOLLIN;
    if ((s.registered & events) != events) {
      ::epoll_event e{};
      e.events = s.registered | events | EPOLLRDHUP | EPOLLET;
      e.data.u64 = detail::slot_table<state>::number_of(s);
      if (::epoll_ctl(epoll_.native_handle(), s.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
                      s.self->native_handle(), &e) != 0)
        return os_error(errno, "the socket cannot be watched");
      s.registered |= events;
    }
    place = &w;
    w.place = &place;
    return {};
  }

  // Nothing is under way but the watching, and that serves the next one.
  static detail::withdrawal withdraw(state&, waiter&) noexcept { return detail::withdrawal::done; }

  static constexpr std::uint64_t alarm_number = ~std::uint64_t{0};

  posix_files files_;
  posix_file epoll_;
  posix_file alarm_;
  unsigned most_events_ = 0;
  unsigned happened_ = 0;  // of events_, since the last wait
  std::unique_ptr<::epoll_event[]> events_;
};

static_assert(reactor<epoll_reactor<>>);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_EPOLL_REACTOR_HPP
