// uring_reactor: one thread's event loop on io_uring: sockets and files in one ring.
//
// Use when  the loop must go on while files are written and synced, and the machine allows io_uring (with_reactor
//           asks).
// Not when  a container forbids it (epoll_reactor).
// Roles     post, stop: any thread. All else: the thread that runs the loop. Another one may destroy it after that
//           thread has ended.
// Cost      what can be done at once is done by a plain system call; what would block waits in the ring, and all of a
//           turn's requests travel in the one call that waits. A receive that waits holds no buffer: the kernel picks
//           one of ring_buffers when data are there. No allocation per operation after the first ones.
// Stop      every wait but yield listens to its coroutine's stop_token (sched/cancel.hpp): asked from any thread, the
//           operation is cancelled in the loop, and its coroutine goes on with its last completion: errc::cancelled,
//           or what it brought. A file operation that a thread of the kernel has begun may end as if nobody had asked.
// Buffers   what the kernel may write into belongs to the operation: a task that is dropped leaves the operation to the
//           ring, and its buffer comes back with the last completion. Data that nobody waits for any more stay with
//           the socket for its next receive.
// Needs     liburing >= 2.3, Linux >= 5.19; uses SINGLE_ISSUER and DEFER_TASKRUN (6.0, 6.1) where they are.
// Shutdown  the destructor cancels all operations and waits for their last completions; a file write or sync that is
//           under way ends first.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model              default atomics::standard
//   policy::clock<C>    the clock of the deadlines     default clocks::steady
//   policy::pages<P>    where receive buffers live     default os_pages
// frys: real model
#ifndef FRYS_IO_URING_REACTOR_HPP
#define FRYS_IO_URING_REACTOR_HPP

#include "detail/liburing.hpp"

#if FRYS_WITH_URING
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
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
#include "../core/intrusive_list.hpp"
#include "../core/result.hpp"
#include "../core/stop_token.hpp"
#include "../memory/buffer.hpp"
#include "../memory/buffer_pool.hpp"
#include "../policy.hpp"
#include "detail/ring.hpp"
#include "detail/socket_reactor.hpp"
#include "options.hpp"
#include "os_error.hpp"
#include "posix_files.hpp"

namespace frys::inline FRYS_ABI {

namespace detail {

// A coroutine that waits for a file operation.
struct uring_waiter : stoppable_waiter {
  std::uint64_t number = 0;  // of the operation, while it is under way
  std::int32_t outcome = 0;  // negative: -errno
  std::size_t bytes = 0;
  buffer data;  // comes back with the outcome
};

// What the kernel works on. It, not the coroutine, owns the memory.
struct uring_operation : slot_fields {
  enum class kind : std::uint8_t { receive, readable, writable, read, write, sync, wake };

  kind what = kind::sync;
  bool queued = false;     // waits for room in the ring
  bool cancelled = false;  // nobody wants it any more
  int fd = -1;
  uring_operation* next = nullptr;  // among those that wait for room, or for a receive buffer
  std::uint64_t socket = 0;         // the slot that it belongs to
  uring_waiter* waiter = nullptr;   // or nullptr: an orphan
  buffer data;
  std::size_t done = 0;  // bytes so far
  std::uint64_t offset = 0;

  void reset() noexcept {
    queued = cancelled = false;
    fd = -1;
    next = nullptr;
    waiter = nullptr;
    data.reset();
    done = 0;
  }
};

}  // namespace detail

template <class... Policies>
class uring_reactor
    : public detail::socket_reactor<uring_reactor<Policies...>,
                                    typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type,
                                    typename policy::pick<policy::clock<clocks::steady>, Policies...>::type,
                                    typename policy::pick<policy::pages<os_pages>, Policies...>::type> {
  using accepted = policy::keys<policy::atomics_key, policy::clock_key, policy::pages_key>;
  static_assert(
      accepted::template known<Policies...>,
      "frys::uring_reactor: unknown policy; it takes policy::atomics, policy::clock, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::uring_reactor: a policy is given twice; name each at most once");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::uring_reactor: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(clock_model<clock_type>,
                "frys::uring_reactor: policy::clock wants a type with a static now() in nanoseconds");
  static_assert(page_source<pages_type>,
                "frys::uring_reactor: policy::pages wants a page source, see core/concepts.hpp");

  using buffer = frys::buffer;
  class files_type;

  static constexpr std::string_view name() noexcept { return "io_uring"; }

  // Errors: permission_denied, unsupported, out_of_memory, too_many_files, with a sentence that says what stands in the
  // way of io_uring; not_found if options.root is none. The thread that first runs the loop owns the ring.
  static result<std::unique_ptr<uring_reactor>> create(const reactor_options& options = {}) {
    std::unique_ptr<uring_reactor> out(new (std::nothrow) uring_reactor(options));
    if (out == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
    if (result<void> opened = out->open(); !opened) return opened.error();
    return out;
  }
  ~uring_reactor() { shut_down(); }

  // The file system to use on this loop: writes, reads and syncs go through the ring.
  files_type& files() noexcept { return files_; }

  // Operations that the kernel has not ended yet.
  [[nodiscard]] std::size_t operations() const noexcept { return operations_.live(); }

 private:
  using base = detail::socket_reactor<uring_reactor, atomics_type, clock_type, pages_type>;
  friend base;
  friend detail::event_loop<uring_reactor, atomics_type, clock_type>;
  using state = detail::socket_slot;
  using waiter = detail::socket_waiter;
  using operation = detail::uring_operation;
  using kind = operation::kind;
  using table = detail::slot_table<operation>;
  using pool_type = buffer_pool<policy::pages<pages_type>>;

  explicit uring_reactor(const reactor_options& o) noexcept : base(o), files_(*this, o.root) {}

  result<void> open() noexcept;
  void shut_down() noexcept;
  void wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(alarm_.native_handle(), &one, sizeof one));
  }

  void wait(nanoseconds timeout);
  std::size_t handle();
  std::size_t complete(const detail::ring::completion& c);
  std::size_t received(operation& op, const detail::ring::completion& c);
  std::size_t arrive(operation& op, state& s, int failure, buffer data);
  std::size_t feed();
  std::size_t end_stopped(operation& op, std::uint64_t& under_way, waiter& w);
  std::size_t ready_for(operation& op, std::int32_t outcome);
  std::size_t file_done(operation& op, std::int32_t outcome);
  // One request moves at most this much; file_done asks for the rest.
  static unsigned chunk_of(const operation& op) noexcept {
    return static_cast<unsigned>((std::min)(op.data.size() - op.done, std::size_t{1} << 30));
  }
  result<void> watch(state& s, waiter*& place, waiter& w, detail::want what) noexcept;
  detail::withdrawal withdraw(state& s, waiter& w) noexcept;
  detail::withdrawal withdraw(operation& op) noexcept;
  void forget(state& s, int fd) noexcept;

  // Gives `op` to the kernel, now or when there is room.
  void start(operation& op) noexcept {
    if (queue_.empty())
      if (::io_uring_sqe* e = ring_.entry()) return prepare(op, *e);
    op.queued = true;
    queue_.push(op);
  }
  void start_queued() noexcept {
    while (!queue_.empty()) {
      ::io_uring_sqe* e = ring_.entry();
      if (e == nullptr) return;
      operation& op = *queue_.pop();
      op.queued = false;
      if (op.cancelled) {
        // An entry is an entry: let it do nothing.
        ::io_uring_prep_nop(e);
        ::io_uring_sqe_set_data64(e, ignored);
        operations_.release(op);
      } else {
        prepare(op, *e);
      }
    }
  }
  void prepare(operation& op, ::io_uring_sqe& e) noexcept;
  // Nobody wants `op` any more: the kernel ends it soon; its completion comes in any case.
  void cancel(operation& op) noexcept {
    op.cancelled = true;
    if (!op.queued && !request_end(op) && op.fd >= 0 && op.what <= kind::writable) ::shutdown(op.fd, SHUT_RDWR);
  }
  // Asks the kernel to end `op` soon; false if there is no room to ask.
  bool request_end(operation& op) noexcept {
    ::io_uring_sqe* e = ring_.entry();
    if (e == nullptr) return false;
    ::io_uring_prep_cancel64(e, table::number_of(op), 0);
    ::io_uring_sqe_set_data64(e, ignored);
    return true;
  }
  // Whether `w` was asked to stop and this outcome of its operation brings nothing.
  static bool stopped_by(const detail::stoppable_waiter* w, std::int32_t outcome) noexcept {
    return w != nullptr && was_asked(*w) && gave_way(outcome);
  }
  static bool was_asked(const detail::stoppable_waiter& w) noexcept {
    return w.hears == detail::stoppable_waiter::hearing::asked;
  }
  static bool gave_way(std::int32_t outcome) noexcept {
    return outcome == -ECANCELED || outcome == -EINTR || outcome == -EAGAIN || outcome == -ENOBUFS;
  }

  static constexpr std::uint64_t ignored = ~std::uint64_t{0};  // no slot has this number

  posix_file alarm_;
  detail::lent_buffers<pool_type, pages_type> lent_;
  table operations_;
  intrusive_queue<operation> queue_;    // wait for room in the ring
  intrusive_queue<operation> starved_;  // receives that found no buffer
  std::size_t starving_ = 0;
  files_type files_;
  detail::ring ring_;  // last: dies first, so that the kernel is done before the rest goes
};

// The files of an io_uring loop. Names and sizes are asked at once; write, read and sync wait in the ring.
template <class... Policies>
class uring_reactor<Policies...>::files_type {
 public:
  using file = posix_file;
  using buffer = frys::buffer;

  [[nodiscard]] result<void> status() const noexcept { return names_.status(); }
  result<file> open(std::string_view path, open_mode mode) noexcept { return names_.open(path, mode); }
  result<void> remove(std::string_view path) noexcept { return names_.remove(path); }
  result<void> rename(std::string_view from, std::string_view to) noexcept { return names_.rename(from, to); }
  result<void> make_directory(std::string_view path) noexcept { return names_.make_directory(path); }
  result<void> sync_directory(std::string_view path) noexcept { return names_.sync_directory(path); }
  result<void> list(std::string_view path, void (*name)(void*, std::string_view), void* argument) {
    return names_.list(path, name, argument);
  }
  result<std::uint64_t> size(file& f) noexcept { return names_.size(f); }
  result<void> truncate(file& f, std::uint64_t bytes) noexcept { return names_.truncate(f, bytes); }

  // Writes of up to this many bytes are one call: into the page cache they take a microsecond or two, while the ring
  // hands buffered writes of most file systems to a thread of the kernel, which costs more than the write (2.8 us per
  // request of the reference kernel). Longer ones, reads and syncs wait in the ring, so that the loop goes on.
  static constexpr std::size_t direct_write = std::size_t{64} << 10;

  // The file must stay open until the operation has ended, also when its task is dropped.
  auto write(file& f, buffer data, std::uint64_t offset) noexcept {
    return awaiter<std::size_t>(reactor_, kind::write, f, std::move(data), offset);
  }
  auto read(file& f, buffer into, std::uint64_t offset) noexcept {
    return awaiter<buffer>(reactor_, kind::read, f, std::move(into), offset);
  }
  auto sync(file& f) noexcept { return awaiter<void>(reactor_, kind::sync, f, buffer(), 0); }

 private:
  friend uring_reactor;
  files_type(uring_reactor& r, std::string_view root) noexcept : reactor_(r), names_(root) {}

  template <class T>
  struct awaiter : detail::uring_waiter {
    awaiter(uring_reactor& r, kind k, file& f, buffer b, std::uint64_t o) noexcept
        : reactor(r), what(k), fd(f.native_handle()), offset(o) {
      this->data = std::move(b);
    }
    awaiter(awaiter&&) = default;
    // Dropped: the operation goes on without us and keeps its memory.
    ~awaiter() {
      base::drop(reactor, *this);
      if (this->number != 0)
        if (operation* op = reactor.operations_.find(this->number)) op->waiter = nullptr;
    }
    bool await_ready() noexcept { return what == kind::write && this->data.size() <= direct_write && write_now(); }
    // False: the rest goes through the ring.
    bool write_now() noexcept {
      while (!this->data.empty()) {
        const ::ssize_t n = ::pwrite(fd, this->data.data(), this->data.size(), static_cast<::off_t>(offset));
        if (n <= 0) return false;  // the ring tells what is wrong
        this->bytes += static_cast<std::size_t>(n);
        offset += static_cast<std::uint64_t>(n);
        this->data.remove_prefix(static_cast<std::size_t>(n));
      }
      return true;
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
      this->handle = h;
      return begin(stop_token_of(h));
    }
    bool begin(stop_token token) noexcept {
      if (!reactor.listen(*this, token)) return fail(-ECANCELED);
      operation* op = reactor.operations_.acquire();
      if (op == nullptr) {
        fail(-ENOMEM);
        return !reactor.settle(*this);
      }
      this->number = table::number_of(*op);
      op->what = what;
      op->fd = fd;
      op->waiter = this;
      op->data = std::move(this->data);
      op->offset = offset;
      reactor.start(*op);
      return true;
    }
    bool fail(std::int32_t how) noexcept {
      this->outcome = how;
      return false;
    }
    void withdraw() noexcept {
      operation& op = *reactor.operations_.find(this->number);
      switch (reactor.withdraw(op)) {
        case detail::withdrawal::done:
          op.waiter = nullptr;
          this->number = 0;
          fail(-ECANCELED);
          return reactor.go_on_stopped(*this);
        case detail::withdrawal::begun:
          this->hears = detail::stoppable_waiter::hearing::asked;
          return;
        case detail::withdrawal::later:
          return reactor.ask_again(*this);
      }
    }
    result<T> await_resume() noexcept {
      if (this->outcome == -ECANCELED) return detail::wait_stopped;
      if (this->outcome < 0) {
        return os_error(-this->outcome, what == kind::write  ? "the file cannot be written"
                                        : what == kind::read ? "the file cannot be read"
                                                             : "the file cannot be synced");
      }
      if constexpr (std::is_same_v<T, buffer>)
        return std::move(this->data);
      else if constexpr (std::is_void_v<T>)
        return {};
      else
        return this->bytes;
    }
    uring_reactor& reactor;
    kind what;
    int fd;
    std::uint64_t offset;
  };

  uring_reactor& reactor_;
  posix_files names_;
};

template <class... Policies>
result<void> uring_reactor<Policies...>::open() noexcept {
  if (result<void> rooted = files_.status(); !rooted) return rooted;
  alarm_ = posix_file(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!alarm_.is_open()) return os_error(errno, "no event descriptor");
  if (result<void> set_up = ring_.open(this->options_.events); !set_up) return set_up;
  if (result<void> lent = lent_.open(ring_, this->pool_, this->options_.ring_buffers); !lent) return lent;
  operation* alarm = operations_.acquire();
  if (alarm == nullptr) return error{errc::out_of_memory, domain::io, "no memory for a reactor", 0};
  alarm->what = kind::wake;
  alarm->fd = alarm_.native_handle();
  start(*alarm);
  return {};
}

template <class... Policies>
void uring_reactor<Policies...>::prepare(operation& op, ::io_uring_sqe& e) noexcept {
  switch (op.what) {
    case kind::receive:
      ::io_uring_prep_recv(&e, op.fd, nullptr, this->options_.buffer_bytes, 0);
      e.flags |= IOSQE_BUFFER_SELECT;
      e.buf_group = detail::lent_buffers<pool_type, pages_type>::group;
      break;
    case kind::readable:
      ::io_uring_prep_poll_add(&e, op.fd, POLLIN);
      break;
    case kind::writable:
      ::io_uring_prep_poll_add(&e, op.fd, POLLOUT);
      break;
    case kind::wake:
      ::io_uring_prep_poll_multishot(&e, op.fd, POLLIN);
      break;
    case kind::read:
      ::io_uring_prep_read(&e, op.fd, op.data.data() + op.done, chunk_of(op), op.offset + op.done);
      break;
    case kind::write:
      ::io_uring_prep_write(&e, op.fd, op.data.data() + op.done, chunk_of(op), op.offset + op.done);
      break;
    case kind::sync:
      ::io_uring_prep_fsync(&e, op.fd, IORING_FSYNC_DATASYNC);
      break;
  }
  ::io_uring_sqe_set_data64(&e, table::number_of(op));
}

template <class... Policies>
result<void> uring_reactor<Policies...>::watch(state& s, waiter*& place, waiter& w, detail::want what) noexcept {
  std::uint64_t& under_way = what == detail::want::writable ? s.writing : s.reading;
  if (under_way == 0) {  // else one that a dropped task has left behind serves us
    operation* op = operations_.acquire();
    if (op == nullptr) return error{errc::out_of_memory, domain::io, "no memory for another operation", 0};
    op->what = what == detail::want::data       ? kind::receive
               : what == detail::want::readable ? kind::readable
                                                : kind::writable;
    op->fd = s.self->native_handle();
    op->socket = detail::slot_table<state>::number_of(s);
    under_way = table::number_of(*op);
    start(*op);
  }
  place = &w;
  w.place = &place;
  return {};
}

// A stop was asked for. What the kernel has, it gives back by a completion, and only then the coroutine goes on: it may
// have completed before, and then that is the answer.
template <class... Policies>
detail::withdrawal uring_reactor<Policies...>::withdraw(operation& op) noexcept {
  if (!op.queued) return request_end(op) ? detail::withdrawal::begun : detail::withdrawal::later;
  op.cancelled = true;  // the kernel has never heard of it
  return detail::withdrawal::done;
}
template <class... Policies>
detail::withdrawal uring_reactor<Policies...>::withdraw(state& s, waiter& w) noexcept {
  std::uint64_t& under_way = w.place == &s.writer ? s.writing : s.reading;
  const detail::withdrawal how = withdraw(*operations_.find(under_way));
  if (how == detail::withdrawal::done) under_way = 0;
  return how;
}

template <class... Policies>
void uring_reactor<Policies...>::forget(state& s, int) noexcept {
  if (s.reading == 0 && s.writing == 0) return;
  // Entries that name the descriptor must reach the kernel before its number can become another file's.
  ring_.submit();
  for (const std::uint64_t number : {s.reading, s.writing})
    if (number != 0)
      if (operation* op = operations_.find(number)) cancel(*op);
}

template <class... Policies>
void uring_reactor<Policies...>::wait(nanoseconds timeout) {
  if (!ring_.is_enabled())
    if (!ring_.enable()) return;
  start_queued();
  ring_.enter(timeout);
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::handle() {
  std::size_t handled = 0;
  detail::ring::completion done[detail::ring::batch];
  for (unsigned rounds = 0; rounds < 64; ++rounds) {
    const unsigned n = ring_.take(done, detail::ring::batch);
    for (unsigned i = 0; i < n; ++i) handled += complete(done[i]);
    if (n != detail::ring::batch) break;
  }
  lent_.publish();
  if (starving_ != 0) handled += feed();
  return handled;
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::complete(const detail::ring::completion& c) {
  operation* op = operations_.find(c.number);
  if (op == nullptr) return 0;  // an answer to a cancellation
  switch (op->what) {
    case kind::receive:
      return received(*op, c);
    case kind::readable:
    case kind::writable:
      return ready_for(*op, c.result);
    case kind::wake:
      if ((c.flags & IORING_CQE_F_MORE) == 0) start(*op);
      return 0;
    default:
      return file_done(*op, c.result);
  }
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::received(operation& op, const detail::ring::completion& c) {
  buffer data;
  if ((c.flags & IORING_CQE_F_BUFFER) != 0)
    data = lent_.take(this->pool_, c.flags, c.result > 0 ? static_cast<std::size_t>(c.result) : 0);
  state* s = this->sockets_.find(op.socket);
  if (op.cancelled || s == nullptr) {
    operations_.release(op);
    return 0;
  }
  if (c.result < 0 && stopped_by(s->reader, c.result)) return end_stopped(op, s->reading, *s->reader);
  if (c.result == -ENOBUFS) {
    op.queued = true;
    starved_.push(op);
    ++starving_;
    return 0;
  }
  if (gave_way(c.result)) {
    if (c.result == -ECANCELED && s->reader == nullptr) {  // who asked for that has been dropped since
      operations_.release(op);
      s->reading = 0;
    } else {
      start(op);
    }
    return 0;
  }
  s->readable = (c.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
  return arrive(op, *s, c.result < 0 ? -c.result : 0, std::move(data));
}

// Ends a receive: what it brought waits at the socket, for the receiver that is there or the next one.
template <class... Policies>
std::size_t uring_reactor<Policies...>::arrive(operation& op, state& s, int failure, buffer data) {
  operations_.release(op);
  s.reading = 0;
  s.arrived = true;
  s.failure = failure;
  s.inbox = std::move(data);
  return this->go_on(s.reader);
}

// Receives that found no buffer try again, as many as there are buffers now. Without any, they fail.
template <class... Policies>
std::size_t uring_reactor<Policies...>::feed() {
  const unsigned buffers = lent_.refill(this->pool_);
  const std::size_t most = buffers == 0 ? starving_ : (std::min)(starving_, std::size_t{buffers});
  std::size_t handled = 0;
  for (std::size_t i = 0; i < most; ++i) {
    operation& op = *starved_.pop();
    --starving_;
    op.queued = false;
    state* s = this->sockets_.find(op.socket);
    if (op.cancelled || s == nullptr)
      operations_.release(op);
    else if (buffers != 0)
      start(op);
    else
      handled += arrive(op, *s, ENOBUFS, {});
  }
  return handled;
}

// `w` goes on without what it waited for: the kernel has given its operation back.
template <class... Policies>
std::size_t uring_reactor<Policies...>::end_stopped(operation& op, std::uint64_t& under_way, waiter& w) {
  operations_.release(op);
  under_way = 0;
  this->give_up(w, detail::wait_stopped);
  return 1;
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::ready_for(operation& op, std::int32_t outcome) {
  const kind what = op.what;
  state* s = this->sockets_.find(op.socket);
  if (s == nullptr) {
    operations_.release(op);
    return 0;
  }
  std::uint64_t& under_way = what == kind::writable ? s->writing : s->reading;
  waiter*& place = what == kind::writable ? s->writer : s->reader;
  waiter* const w = place;
  if (stopped_by(w, outcome)) return end_stopped(op, under_way, *w);
  operations_.release(op);
  under_way = 0;
  if (outcome != -ECANCELED) {  // else who asked for that has been dropped, and somebody else may wait now
    if (what == kind::readable) s->readable = true;
    if (w == nullptr || this->go_on(w) != 0) return w != nullptr ? 1 : 0;
  } else if (w == nullptr) {
    return 0;
  }
  // Not yet: it waits again, unless it was asked to stop.
  if (was_asked(*w)) {
    this->give_up(*w, detail::wait_stopped);
    return 1;
  }
  if (result<void> again =
          watch(*s, place, *w, what == kind::writable ? detail::want::writable : detail::want::readable);
      again)
    return 0;
  this->give_up(*w, detail::operation_cancelled);
  return 0;
}

template <class... Policies>
std::size_t uring_reactor<Policies...>::file_done(operation& op, std::int32_t outcome) {
  detail::uring_waiter* const w = op.waiter;
  if (stopped_by(w, outcome)) {
    outcome = -ECANCELED;
  } else if (outcome == -EINTR || outcome == -EAGAIN) {
    start(op);
    return 0;
  }
  if (op.what != kind::sync && outcome >= 0) {
    op.done += static_cast<std::size_t>(outcome);
    if (outcome != 0 && op.done != op.data.size()) {
      if (w == nullptr || !was_asked(*w)) {
        start(op);
        return 0;
      }
      outcome = -ECANCELED;  // between two parts
    } else if (op.what == kind::read) {
      op.data.truncate(op.done);
    } else if (op.done != op.data.size()) {
      outcome = -ENOSPC;  // the file takes no more bytes
    }
  }
  if (w != nullptr) {
    w->number = 0;
    w->outcome = outcome;
    w->bytes += op.done;  // behind what was written at once
    if (outcome >= 0) w->data = std::move(op.data);
  }
  operations_.release(op);
  if (w == nullptr) return 0;
  if (this->settle(*w)) this->resume(w->handle);
  return 1;
}

template <class... Policies>
void uring_reactor<Policies...>::shut_down() noexcept {
  operations_.for_each_live([](operation& op) {
    if (op.waiter != nullptr) op.waiter->number = 0;
    op.waiter = nullptr;
  });
  // Never enabled: the kernel has seen nothing. Another thread's ring: that thread has ended, and the kernel has ended
  // its operations with it.
  if (!ring_.is_enabled() || !ring_.is_owner()) return;
  while (!queue_.empty()) operations_.release(*queue_.pop());
  while (!starved_.empty()) operations_.release(*starved_.pop());
  operations_.for_each_live([this](operation& op) {
    if (!op.cancelled) cancel(op);
  });
  detail::ring::completion done[detail::ring::batch];
  for (int second = 0; operations_.live() != 0; ++second) {
    if (second == 30) {
      // The kernel does not answer. It may still write: leave it the memory.
      lent_.abandon();
      operations_.for_each_live(
          [](operation& op) { static_cast<void>(new (std::nothrow) buffer(std::move(op.data))); });
      return;
    }
    ring_.enter(nanoseconds{1'000'000'000});
    while (const unsigned n = ring_.take(done, detail::ring::batch)) {
      second = -1;
      for (unsigned i = 0; i < n; ++i) {
        operation* op = operations_.find(done[i].number);
        if (op != nullptr && (done[i].flags & IORING_CQE_F_MORE) == 0) operations_.release(*op);
      }
    }
  }
}

static_assert(reactor<uring_reactor<>>);
static_assert(file_system<uring_reactor<>::files_type>);

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_WITH_URING
#endif  // FRYS_IO_URING_REACTOR_HPP
