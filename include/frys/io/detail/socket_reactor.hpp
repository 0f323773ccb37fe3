// socket_reactor: the socket operations as coroutines, for every backend that can say when a socket is worth a try.
//
// Each operation first makes its system call at once and waits only if that would block; then it is tried again when
// the backend reports the socket as ready. So no operation of this file leaves memory with the kernel while it waits.
//
// Derived gives watch(slot, place, waiter, want): lets `waiter` wait at `place` until the socket is worth a try;
// withdraw(slot, waiter): its wait shall end, because a stop was asked for; and forget(slot): ends whatever the kernel
// does for a socket that is about to be closed.
// frys: real model
#ifndef FRYS_IO_DETAIL_SOCKET_REACTOR_HPP
#define FRYS_IO_DETAIL_SOCKET_REACTOR_HPP

#include <cerrno>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "../../config.hpp"
#include "../../core/result.hpp"
#include "../../core/stop_token.hpp"
#include "../../memory/buffer.hpp"
#include "../../memory/buffer_pool.hpp"
#include "../options.hpp"
#include "../os_error.hpp"
#include "../posix_files.hpp"
#include "../socket.hpp"
#include "event_loop.hpp"
#include "slot_table.hpp"
#include "socket_calls.hpp"

#if FRYS_OS_LINUX

namespace frys::inline FRYS_ABI::detail {

// An operation that waits for a socket. `attempt` tries it and answers whether it is complete.
struct socket_waiter : stoppable_waiter {
  bool (*attempt)(socket_waiter&) noexcept = nullptr;
  void (*cancel)(socket_waiter&, const error& why) noexcept = nullptr;
  socket_waiter** place = nullptr;  // where the socket points to us, while we wait

  socket_waiter() = default;
  socket_waiter(socket_waiter&& other) noexcept
      : stoppable_waiter(std::move(other)), attempt(other.attempt), cancel(other.cancel) {}
  void leave() noexcept {
    if (place != nullptr) *std::exchange(place, nullptr) = nullptr;
  }
  ~socket_waiter() { leave(); }
};

// What a waiter waits for.
enum class want : std::uint8_t { data, readable, writable };

// How far a wait that was asked to stop has come.
enum class withdrawal : std::uint8_t {
  done,   // nothing is under way any more
  begun,  // the kernel was told, and will answer
  later,  // it could not be told now
};

// What a reactor knows of a socket.
struct socket_slot : slot_fields, socket_state {
  socket_waiter* reader = nullptr;
  socket_waiter* writer = nullptr;
  std::uint32_t registered = 0;  // the backend's: what it watches already
  bool readable = true;          // a receive may bring something at once
  bool finished = false;         // the peer's end or an error is queued behind the data: no edge will tell again
  bool arrived = false;          // `inbox` or `failure` holds what the backend has received
  int failure = 0;               // errno, or 0
  buffer inbox;                  // empty: the peer's end
  std::uint64_t reading = 0;     // the backend's operations on the socket
  std::uint64_t writing = 0;

  void reset() noexcept {
    self = nullptr;
    owner = nullptr;
    on_close = nullptr;
    reader = writer = nullptr;
    registered = 0;
    readable = true;
    finished = arrived = false;
    failure = 0;
    inbox.reset();
    reading = writing = 0;
  }
};

template <class Derived, class Atomics, class Clock, class Pages>
class socket_reactor : public event_loop<Derived, Atomics, Clock> {
  using loop = event_loop<Derived, Atomics, Clock>;

 public:
  using socket = stream_socket;
  using listener = frys::listener;
  using buffer = frys::buffer;
  using buffer_chain = frys::buffer_chain;

  // Awaitable result<stream_socket>: the next connection. When no descriptor is left, it takes the connection off the
  // queue, closes it and answers errc::too_many_files: the queue gets shorter, and the peer learns.
  auto accept(listener& l) noexcept { return accept_awaiter(*this, l); }
  // Awaitable result<stream_socket>. Address: see socket_address::parse.
  auto connect(std::string_view address, std::uint16_t port) noexcept { return connect_awaiter(*this, address, port); }
  // Awaitable result<buffer>: what has arrived, at most buffer_bytes; empty when the peer has finished. One receiver at
  // a time (errc::busy).
  auto recv(socket& s) noexcept { return recv_awaiter(*this, s); }
  // Awaitable result<std::size_t>: sends all and answers how much that was. One sender at a time (errc::busy). Stopped
  // on the way, it leaves the stream with part of the message: close the socket then.
  auto send(socket& s, buffer data) noexcept { return send_awaiter<buffer>(*this, s, std::move(data)); }
  auto send(socket& s, buffer_chain data) noexcept { return send_awaiter<buffer_chain>(*this, s, std::move(data)); }
  // Sends what the socket takes at once, off the front of `data`, and never waits. True: that was all; false: the
  // socket is full, and send() would wait. Errors: busy while a send() waits; what send() answers.
  result<bool> try_send(socket& s, buffer_chain& data) noexcept {
    result<state*> at = attach(s);
    if (!at) return at.error();
    if ((*at)->writer != nullptr) return socket_busy;
    if (send_some((*at)->self->native_handle(), data)) return true;
    if (errno == EAGAIN) return false;
    return os_error(errno, "the connection broke while sending");
  }

  // Receive buffers that are out, and the like.
  [[nodiscard]] buffer_pool_stats buffers() noexcept { return pool_.stats(); }

 protected:
  explicit socket_reactor(const reactor_options& o) noexcept
      : loop(o.spin), options_(o), pool_(o.buffer_bytes, o.max_buffers) {}
  ~socket_reactor() {
    sockets_.for_each_live([](socket_slot& s) {
      if (s.reader != nullptr) s.reader->leave();
      if (s.writer != nullptr) s.writer->leave();
      socket_access::detach(s);
    });
  }

  using waiter = socket_waiter;

  // The socket is worth a try: tries what waits for it. Answers 1 if that is complete now.
  std::size_t go_on(socket_waiter* w) {
    if (w == nullptr || !w->attempt(*w)) return 0;
    w->leave();
    if (this->settle(*w)) this->resume(w->handle);
    return 1;
  }
  // Its wait ends without what it waited for: it goes on in this turn still, or in the next one.
  void give_up(waiter& w, const error& why) noexcept {
    w.leave();
    w.cancel(w, why);
    if (this->settle(w)) this->make_ready(w);
  }

  reactor_options options_;
  buffer_pool<policy::pages<Pages>> pool_;
  slot_table<socket_slot> sockets_;

 private:
  using state = socket_slot;

  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  // The reactor's knowledge of a socket, made at its first use.
  result<state*> attach(socket_handle& s) noexcept {
    if (socket_state* known = socket_access::state(s)) {
      if (known->owner != this) return socket_foreign;
      return static_cast<state*>(known);
    }
    if (!s.is_open()) return socket_closed;
    state* fresh = sockets_.acquire();
    if (fresh == nullptr) return error{errc::out_of_memory, domain::io, "no memory for another socket", 0};
    fresh->owner = this;
    fresh->on_close = &closed;
    socket_access::attach(s, *fresh);
    return fresh;
  }

  static void closed(socket_state& base, int fd) noexcept {
    state& s = static_cast<state&>(base);
    auto& self = *static_cast<socket_reactor*>(s.owner);
    for (waiter* w : {s.reader, s.writer})
      if (w != nullptr) self.give_up(*w, operation_cancelled);
    self.derived().forget(s, fd);
    ::close(fd);
    self.sockets_.release(s);
  }

  // What all awaiters do: try at once, wait if that would block, share the thread if it never does.
  template <class Self, class T>
  struct operation : waiter {
    operation(socket_reactor& r, const error& unset) noexcept : reactor(r), answer(unset) {
      this->attempt = [](waiter& w) noexcept { return static_cast<Self&>(w).try_now(); };
      this->cancel = [](waiter& w, const error& why) noexcept { static_cast<Self&>(w).answer = why; };
    }
    operation(operation&&) = default;
    ~operation() { loop::drop(reactor, *this); }
    // In await_ready: finds the socket and the place to wait at; false leaves an error in `answer`.
    bool begin(socket_handle& s, waiter* state::*at) noexcept {
      result<state*> found = reactor.attach(s);
      if (!found) return fail(found.error());
      if ((*found)->*at != nullptr) return fail(socket_busy);
      where = *found;
      return true;
    }
    bool fail(const error& e) noexcept {
      answer = e;
      return false;
    }
    bool wait_at(waiter* state::*at, want what, std::coroutine_handle<> h, stop_token token) noexcept {
      this->handle = h;
      if (complete) {
        reactor.make_ready(*this);
        return true;
      }
      if (!reactor.listen(*this, token)) return fail(wait_stopped);
      result<void> watched = reactor.derived().watch(*where, where->*at, *this, what);
      if (watched) return true;
      answer = watched.error();
      return !reactor.settle(*this);
    }
    // After the first try: true if the coroutine need not suspend.
    bool at_once(bool done) noexcept {
      complete = done;
      return done && !reactor.had_its_share();
    }
    result<T> await_resume() noexcept { return std::move(answer); }

    void withdraw() noexcept {
      switch (reactor.derived().withdraw(*where, *this)) {
        case withdrawal::done:
          this->leave();
          answer = wait_stopped;
          return reactor.go_on_stopped(*this);
        case withdrawal::begun:
          this->hears = waiter::hearing::asked;
          return;
        case withdrawal::later:
          return reactor.ask_again(*this);
      }
    }

    socket_reactor& reactor;
    state* where = nullptr;
    result<T> answer;
    bool complete = false;
  };

  struct recv_awaiter : operation<recv_awaiter, buffer> {
    using base = operation<recv_awaiter, buffer>;
    recv_awaiter(socket_reactor& r, socket_handle& s) noexcept : base(r, operation_cancelled), socket_(s) {}
    bool await_ready() noexcept {
      if (!this->begin(socket_, &state::reader)) return true;
      return (this->where->readable || this->where->arrived) && this->at_once(try_now());
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return this->wait_at(&state::reader, want::data, h, stop_token_of(h));
    }
    bool try_now() noexcept {
      socket_reactor& r = this->reactor;
      state& s = *this->where;
      if (s.arrived) return take_arrived(s), true;
      if (!s.readable) return false;
      if (r.spare_.block() == nullptr) {
        result<buffer> leased = r.pool_.acquire();
        if (!leased) return this->answer = leased.error(), true;
        r.spare_ = *std::move(leased);
      }
      const std::size_t room = r.spare_.capacity();
      const ::ssize_t n = receive(s.self->native_handle(), r.spare_.data(), room);
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
    // What the backend has received already.
    void take_arrived(state& s) noexcept {
      s.arrived = false;
      if (s.failure == 0)
        this->answer = std::move(s.inbox);
      else
        this->answer = os_error(std::exchange(s.failure, 0), "the connection broke while receiving");
    }
    socket_handle& socket_;
  };

  template <class Data>
  struct send_awaiter : operation<send_awaiter<Data>, std::size_t> {
    using base = operation<send_awaiter, std::size_t>;
    send_awaiter(socket_reactor& r, socket_handle& s, Data data) noexcept
        : base(r, operation_cancelled), socket_(s), data_(std::move(data)), total_(data_.size()) {}
    bool await_ready() noexcept {
      if (!this->begin(socket_, &state::writer)) return true;
      return this->at_once(try_now());
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return this->wait_at(&state::writer, want::writable, h, stop_token_of(h));
    }
    bool try_now() noexcept {
      if (send_some(this->where->self->native_handle(), data_)) return this->answer = total_, true;
      if (errno == EAGAIN) return false;
      return this->answer = os_error(errno, "the connection broke while sending"), true;
    }
    socket_handle& socket_;
    Data data_;
    std::size_t total_;
  };

  struct accept_awaiter : operation<accept_awaiter, socket> {
    using base = operation<accept_awaiter, socket>;
    accept_awaiter(socket_reactor& r, socket_handle& l) noexcept : base(r, operation_cancelled), listener_(l) {}
    bool await_ready() noexcept {
      if (!this->begin(listener_, &state::reader)) return true;
      return this->where->readable && this->at_once(try_now());
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return this->wait_at(&state::reader, want::readable, h, stop_token_of(h));
    }
    bool try_now() noexcept {
      socket_reactor& r = this->reactor;
      const int fd = r.reserve_.accept(this->where->self->native_handle());
      if (fd < 0) {
        if (errno == EAGAIN) {
          this->where->readable = false;
          return false;
        }
        return this->answer = os_error(errno, "no connection can be accepted"), true;
      }
      socket out = socket_access::make(fd);
      if (r.options_.no_delay) out.set_no_delay();
      return this->answer = std::move(out), true;
    }
    socket_handle& listener_;
  };

  struct connect_awaiter : operation<connect_awaiter, socket> {
    using base = operation<connect_awaiter, socket>;
    connect_awaiter(socket_reactor& r, std::string_view address, std::uint16_t port) noexcept
        : base(r, operation_cancelled), at_(socket_address::parse(address, port)) {}
    bool await_ready() noexcept {
      if (!at_) return this->answer = at_.error(), true;
      const int rc = start_connect(*at_, socket_);
      if (rc == 0) return finish();
      if (rc != EINPROGRESS) return this->answer = os_error(rc, "the connection cannot be made"), true;
      return !this->begin(socket_, &state::writer);
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
      return this->wait_at(&state::writer, want::writable, h, stop_token_of(h));
    }
    bool try_now() noexcept {
      const int failed = pending_error(socket_.native_handle());
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

  buffer spare_;  // leased for the next receive
  reserve_descriptor reserve_;
};

}  // namespace frys::inline FRYS_ABI::detail

namespace frys::inline FRYS_ABI {

// The same as reactor.connect(address, port).
template <class Reactor>
auto connect(Reactor& reactor, std::string_view address, std::uint16_t port) noexcept {
  return reactor.connect(address, port);
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_OS_LINUX
#endif  // FRYS_IO_DETAIL_SOCKET_REACTOR_HPP
