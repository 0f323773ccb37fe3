// epoll_reactor: one thread's event loop on epoll: the reactor that works on every Linux.
//
// Use when  one thread serves many sockets and io_uring is not there or not allowed.
// Not when  file writes and syncs must not block the loop (uring_reactor); its files() are posix_files.
// Roles     post, stop: any thread. All else: the thread that runs the loop.
// Cost      an operation first tries the system call at once and waits only if that would block; a receive that brought
//           less than it could hold waits without asking again. Edge-triggered: one epoll_ctl per socket and direction
//           in its life. An idle connection holds a 64-byte slot and no buffer. No allocation per operation.
// Fairness  a coroutine whose operations are all complete at once lets the others run after 64 of them.
// Shutdown  destroying the reactor leaves what waits on it suspended for ever; destroy or join the tasks first.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model              default atomics::standard
//   policy::clock<C>    the clock of the deadlines     default clocks::steady
//   policy::pages<P>    where receive buffers live     default os_pages
// frys: real model
#ifndef FRYS_IO_EPOLL_REACTOR_HPP
#define FRYS_IO_EPOLL_REACTOR_HPP

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/clock.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../memory/buffer.hpp"
#include "../memory/buffer_pool.hpp"
#include "../policy.hpp"
#include "detail/event_loop.hpp"
#include "detail/slot_table.hpp"
#include "detail/socket_calls.hpp"
#include "options.hpp"
#include "os_error.hpp"
#include "posix_files.hpp"
#include "socket.hpp"

#if FRYS_OS_LINUX
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace frys::inline FRYS_ABI {

namespace detail {

struct epoll_socket;

// An operation that waits for a socket. `attempt` tries it and answers whether it is complete.
struct epoll_waiter : loop_waiter {
  bool (*attempt)(epoll_waiter&) noexcept = nullptr;
  void (*cancel)(epoll_waiter&) noexcept = nullptr;
  epoll_waiter** place = nullptr;  // where the socket points to us, while we wait

  void leave() noexcept {
    if (place != nullptr) *std::exchange(place, nullptr) = nullptr;
  }
  ~epoll_waiter() { leave(); }
};

struct epoll_socket : slot_fields, socket_state {
  epoll_waiter* reader = nullptr;
  epoll_waiter* writer = nullptr;
  std::uint32_t registered = 0;  // the events that epoll watches
  bool readable = true;          // a receive may bring something at once
  bool finished = false;         // the peer's end or an error is queued behind the data: no edge will tell again

  void reset() noexcept {
    self = nullptr;
    owner = nullptr;
    on_close = nullptr;
    reader = writer = nullptr;
    registered = 0;
    readable = true;
    finished = false;
  }
};

}  // namespace detail

template <class... Policies>
class epoll_reactor
    : public detail::event_loop<epoll_reactor<Policies...>,
                                typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type,
                                typename policy::pick<policy::clock<clocks::steady>, Policies...>::type> {
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

  using socket = stream_socket;
  using listener = frys::listener;
  using buffer = frys::buffer;
  using buffer_chain = frys::buffer_chain;
  using files_type = posix_files;

  static constexpr std::string_view name() noexcept { return "epoll"; }

  // Errors: too_many_files, out_of_memory; not_found if options.root is none.
  static result<std::unique_ptr<epoll_reactor>> create(const reactor_options& options = {}) {
    std::unique_ptr<epoll_reactor> out(new (std::nothrow) epoll_reactor(options));
    if (out == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
    if (result<void> opened = out->open(); !opened) return opened.error();
    return out;
  }
  ~epoll_reactor() {
    sockets_.for_each_live([](detail::epoll_socket& s) {
      if (s.reader != nullptr) s.reader->leave();
      if (s.writer != nullptr) s.writer->leave();
      detail::socket_access::detach(s);
    });
  }

  // The file system to use on this loop.
  files_type& files() noexcept { return files_; }

  // Awaitable result<stream_socket>: the next connection. When no descriptor is left, it takes the connection off the
  // queue, closes it and answers errc::too_many_files: the queue gets shorter, and the peer learns.
  auto accept(listener& l) noexcept { return accept_awaiter(*this, l); }
  // Awaitable result<stream_socket>. Address: see socket_address::parse.
  auto connect(std::string_view address, std::uint16_t port) noexcept { return connect_awaiter(*this, address, port); }
  // Awaitable result<buffer>: what has arrived, at most buffer_bytes; empty when the peer has finished. One receiver at
  // a time (errc::busy).
  auto recv(socket& s) noexcept { return recv_awaiter(*this, s); }
  // Awaitable result<std::size_t>: sends all and answers how much that was. One sender at a time (errc::busy).
  auto send(socket& s, buffer data) noexcept { return send_awaiter<buffer>(*this, s, std::move(data)); }
  auto send(socket& s, buffer_chain data) noexcept { return send_awaiter<buffer_chain>(*this, s, std::move(data)); }

  // Receive buffers that are out, and the like.
  [[nodiscard]] buffer_pool_stats buffers() noexcept { return pool_.stats(); }

 private:
  using loop = detail::event_loop<epoll_reactor, atomics_type, clock_type>;
  friend loop;
  using state = detail::epoll_socket;
  using waiter = detail::epoll_waiter;

  explicit epoll_reactor(const reactor_options& o) noexcept
      : loop(o.spin), options_(o), files_(o.root), pool_(o.buffer_bytes, o.max_buffers) {}

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
    most_events_ = (std::min)((std::max)(options_.events, 16u), 4096u);
    events_.reset(new (std::nothrow)::epoll_event[most_events_]);
    if (events_ == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
    return {};
  }

  // Edge-triggered: a write is an edge also while the counter stands above zero, so nobody needs to read it.
  void wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(alarm_.native_handle(), &one, sizeof one));
  }

  std::size_t poll(nanoseconds timeout) {
    const int count = wait(timeout);
    std::size_t handled = 0;
    for (int i = 0; i < count; ++i) {
      const ::epoll_event& e = events_[static_cast<std::size_t>(i)];
      if (e.data.u64 == alarm_number) {
        drain_alarm();
        continue;
      }
      handled += happened(e.data.u64, e.events);
    }
    return handled;
  }

  int wait(nanoseconds timeout) noexcept {
    if (timeout.count() <= 0)
      return ::epoll_wait(epoll_.native_handle(), events_.get(), static_cast<int>(most_events_),
                          timeout.count() < 0 ? -1 : 0);
    // Whole milliseconds, rounded up: the timers of the loop have no finer resolution.
    const std::int64_t ms = (std::min)((timeout.count() + 999'999) / 1'000'000, std::int64_t{3'600'000});
    return ::epoll_wait(epoll_.native_handle(), events_.get(), static_cast<int>(most_events_), static_cast<int>(ms));
  }

  // So that the counter never fills up.
  void drain_alarm() noexcept {
    std::uint64_t count;
    static_cast<void>(!::read(alarm_.native_handle(), &count, sizeof count));
  }

  std::size_t happened(std::uint64_t number, std::uint32_t events) {
    state* s = sockets_.find(number);
    if (s == nullptr) return 0;  // closed since
    const bool over = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    std::size_t handled = 0;
    if (over) s->finished = true;
    if (over || (events & EPOLLIN) != 0) {
      s->readable = true;
      handled += go_on(s->reader);
    }
    if (over || (events & EPOLLOUT) != 0) {
      if (handled != 0) s = sockets_.find(number);  // what went on may have closed it
      if (s != nullptr) handled += go_on(s->writer);
    }
    return handled;
  }
  std::size_t go_on(waiter* w) {
    if (w == nullptr || !w->attempt(*w)) return 0;
    w->leave();
    this->resume(w->handle);
    return 1;
  }

  // The reactor's knowledge of a socket, made at its first use.
  result<state*> attach(socket_handle& s) noexcept {
    if (detail::socket_state* known = detail::socket_access::state(s)) {
      if (known->owner != this) return detail::socket_foreign;
      return static_cast<state*>(known);
    }
    if (!s.is_open()) return detail::socket_closed;
    state* fresh = sockets_.acquire();
    if (fresh == nullptr) return error{errc::out_of_memory, domain::io, "no memory for another socket", 0};
    fresh->owner = this;
    fresh->on_close = &closed;
    detail::socket_access::attach(s, *fresh);
    return fresh;
  }

  static void closed(detail::socket_state& base, int fd) noexcept {
    state& s = static_cast<state&>(base);
    auto& self = *static_cast<epoll_reactor*>(s.owner);
    for (waiter* w : {s.reader, s.writer}) {
      if (w == nullptr) continue;
      w->leave();
      w->cancel(*w);
      self.make_ready(*w);
    }
    // close alone takes it off epoll only if no other process has inherited it; the number of a slot that is gone is
    // recognised, so a late event does no harm.
    ::close(fd);
    self.sockets_.release(s);
  }

  // Lets `w` wait at `place` of `s`, with epoll watching for `events`. An error if the kernel cannot watch it.
  result<void> watch(state& s, waiter*& place, waiter& w, std::uint32_t events) noexcept {
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

  // What all awaiters do: try at once, wait if that would block, share the thread if it never does.
  template <class Derived, class T>
  struct operation : waiter {
    operation(epoll_reactor& r, const error& unset) noexcept : reactor(r), answer(unset) {
      this->attempt = [](waiter& w) noexcept { return static_cast<Derived&>(w).try_now(); };
      this->cancel = [](waiter& w) noexcept { static_cast<Derived&>(w).answer = detail::operation_cancelled; };
    }
    // In await_ready: finds the socket and the place to wait at; false leaves an error in `answer`.
    bool begin(socket_handle& s, waiter* state::*at) noexcept {
      result<state*> found = reactor.attach(s);
      if (!found) return fail(found.error());
      if ((*found)->*at != nullptr) return fail(detail::socket_busy);
      where = *found;
      return true;
    }
    bool fail(const error& e) noexcept {
      answer = e;
      return false;
    }
    bool wait_at(waiter* state::*at, std::uint32_t events, std::coroutine_handle<> h) noexcept {
      this->handle = h;
      if (complete) {
        reactor.make_ready(*this);
        return true;
      }
      result<void> watched = reactor.watch(*where, where->*at, *this, events);
      if (!watched) answer = watched.error();
      return watched.has_value();
    }
    // After the first try: true if the coroutine need not suspend.
    bool at_once(bool done) noexcept {
      complete = done;
      return done && !reactor.had_its_share();
    }
    result<T> await_resume() noexcept { return std::move(answer); }

    epoll_reactor& reactor;
    state* where = nullptr;
    result<T> answer;
    bool complete = false;
  };

  struct recv_awaiter : operation<recv_awaiter, buffer> {
    using base = operation<recv_awaiter, buffer>;
    recv_awaiter(epoll_reactor& r, socket_handle& s) noexcept : base(r, detail::operation_cancelled), socket_(s) {}
    bool await_ready() noexcept {
      if (!this->begin(socket_, &state::reader)) return true;
      return this->where->readable && this->at_once(try_now());
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return this->wait_at(&state::reader, EPOLLIN, h); }
    bool try_now() noexcept {
      epoll_reactor& r = this->reactor;
      state& s = *this->where;
      if (r.spare_.block() == nullptr) {
        result<buffer> leased = r.pool_.acquire();
        if (!leased) return this->answer = leased.error(), true;
        r.spare_ = *std::move(leased);
      }
      const std::size_t room = r.spare_.capacity();
      const ::ssize_t n = detail::receive(s.self->native_handle(), r.spare_.data(), room);
      if (n < 0) {
        if (errno == EAGAIN) {
          s.readable = false;
          return false;
        }
        return this->answer = os_error(errno, "the connection broke while receiving"), true;
      }
      const auto count = static_cast<std::size_t>(n);
      if (count == 0) return this->answer = buffer(), true;
      // A short read has emptied the socket: what comes later makes a new edge. But an end that came before does not.
      s.readable = count == room || s.finished;
      static_cast<void>(r.spare_.extend(count));
      return this->answer = std::move(r.spare_), true;
    }
    socket_handle& socket_;
  };

  template <class Data>
  struct send_awaiter : operation<send_awaiter<Data>, std::size_t> {
    using base = operation<send_awaiter, std::size_t>;
    send_awaiter(epoll_reactor& r, socket_handle& s, Data data) noexcept
        : base(r, detail::operation_cancelled), socket_(s), data_(std::move(data)), total_(data_.size()) {}
    bool await_ready() noexcept {
      if (!this->begin(socket_, &state::writer)) return true;
      return this->at_once(try_now());
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept {
      return this->wait_at(&state::writer, EPOLLIN | EPOLLOUT, h);
    }
    bool try_now() noexcept {
      if (detail::send_some(this->where->self->native_handle(), data_)) return this->answer = total_, true;
      if (errno == EAGAIN) return false;
      return this->answer = os_error(errno, "the connection broke while sending"), true;
    }
    socket_handle& socket_;
    Data data_;
    std::size_t total_;
  };

  struct accept_awaiter : operation<accept_awaiter, socket> {
    using base = operation<accept_awaiter, socket>;
    accept_awaiter(epoll_reactor& r, socket_handle& l) noexcept : base(r, detail::operation_cancelled), listener_(l) {}
    bool await_ready() noexcept {
      if (!this->begin(listener_, &state::reader)) return true;
      return this->where->readable && this->at_once(try_now());
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return this->wait_at(&state::reader, EPOLLIN, h); }
    bool try_now() noexcept {
      epoll_reactor& r = this->reactor;
      const int fd = r.reserve_.accept(this->where->self->native_handle());
      if (fd < 0) {
        if (errno == EAGAIN) {
          this->where->readable = false;
          return false;
        }
        return this->answer = os_error(errno, "no connection can be accepted"), true;
      }
      socket out = detail::socket_access::make(fd);
      if (r.options_.no_delay) out.set_no_delay();
      return this->answer = std::move(out), true;
    }
    socket_handle& listener_;
  };

  struct connect_awaiter : operation<connect_awaiter, socket> {
    using base = operation<connect_awaiter, socket>;
    connect_awaiter(epoll_reactor& r, std::string_view address, std::uint16_t port) noexcept
        : base(r, detail::operation_cancelled), at_(socket_address::parse(address, port)) {}
    bool await_ready() noexcept {
      if (!at_) return this->answer = at_.error(), true;
      const int rc = detail::start_connect(*at_, socket_);
      if (rc == 0) return finish();
      if (rc != EINPROGRESS) return this->answer = os_error(rc, "the connection cannot be made"), true;
      return !this->begin(socket_, &state::writer);
    }
    bool await_suspend(std::coroutine_handle<> h) noexcept {
      return this->wait_at(&state::writer, EPOLLIN | EPOLLOUT, h);
    }
    bool try_now() noexcept {
      const int failed = detail::pending_error(socket_.native_handle());
      if (failed != 0) return this->answer = os_error(failed, "the connection cannot be made"), true;
      return finish();
    }
    bool finish() noexcept {
      if (this->reactor.options_.no_delay) socket_.set_no_delay();
      this->leave();  // the socket moves, its state stays
      return this->answer = std::move(socket_), true;
    }
    result<socket_address> at_;
    socket socket_;
  };

  static constexpr std::uint64_t alarm_number = ~std::uint64_t{0};

  reactor_options options_;
  posix_files files_;
  buffer_pool<policy::pages<pages_type>> pool_;
  buffer spare_;  // leased for the next receive
  posix_file epoll_;
  posix_file alarm_;
  detail::reserve_descriptor reserve_;
  unsigned most_events_ = 0;
  std::unique_ptr<::epoll_event[]> events_;
  detail::slot_table<state> sockets_;
};

// The same as reactor.connect(address, port).
template <class Reactor>
auto connect(Reactor& reactor, std::string_view address, std::uint16_t port) noexcept {
  return reactor.connect(address, port);
}

static_assert(reactor<epoll_reactor<>>);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_EPOLL_REACTOR_HPP
