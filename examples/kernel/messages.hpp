// messages: what cores send each other. Each is a work node that travels to the other core and back; none is copied.
#ifndef FRYS_KERNEL_MESSAGES_HPP
#define FRYS_KERNEL_MESSAGES_HPP

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include <frys/core/work.hpp>

#include "command.hpp"
#include "sync_queue.hpp"

namespace kernel {

template <class Core>
class connection;

// A command whose one key lives on another core. Its reply has a place kept in the client's queue.
template <class Core>
struct remote_command : frys::work, sync_waiter {
  Core* from = nullptr;
  Core* to = nullptr;
  connection<Core>* client = nullptr;  // waits for us before it dies; touched on `from` only
  reply_queue::place* reserved = nullptr;
  const command* what = nullptr;
  int protocol = 2;
  arguments args;  // in `inside`, or in `outside` if they are large
  std::size_t bytes = 0;
  reply_output reply;

  // On `to`: the reply may go back.
  remote_command() noexcept {
    synced = [](sync_waiter& w, bool failed) noexcept {
      auto& m = static_cast<remote_command&>(w);
      if (failed) {
        m.reply = {};
        reply_writer(m.reply, m.protocol).error("MISCONF Errors writing to the log; the server takes no more writes");
      }
      m.from->post(m);
    };
  }

  // False: out of memory.
  [[nodiscard]] bool keep_arguments(arguments from_args, buffer_memory& memory) noexcept {
    bytes = 0;
    for (const std::string_view a : from_args) bytes += a.size();
    const std::size_t views = from_args.size() * sizeof(std::string_view);
    std::byte* at = inside;
    if (views + bytes > sizeof inside) {
      auto room = memory.acquire(views + bytes);
      if (!room) return false;
      outside = *std::move(room);
      at = outside.data();
    }
    auto* const kept = reinterpret_cast<std::string_view*>(at);
    char* text = reinterpret_cast<char*>(at + views);
    for (std::size_t i = 0; i < from_args.size(); ++i) {
      const std::string_view a = from_args[i];
      if (!a.empty()) std::memcpy(text, a.data(), a.size());
      ::new (static_cast<void*>(kept + i)) std::string_view(text, a.size());
      text += a.size();
    }
    args = {kept, from_args.size()};
    return true;
  }

 private:
  alignas(std::string_view) std::byte inside[256];
  frys::buffer outside;

 public:
  void forget_arguments() noexcept { outside.reset(); }
};

// co_await visit(from, to, f): f(to) on to's thread, then on with the caller on its own.
// `holds_lock`: the caller holds the owner's lock; otherwise the visit waits for it.
template <class Core, class F>
class visit : frys::work {
 public:
  visit(Core& from, Core& to, F f, bool holds_lock) noexcept
      : from_(from), to_(to), f_(std::move(f)), holds_lock_(holds_lock) {}
  visit(const visit&) = delete;
  visit& operator=(const visit&) = delete;

  bool await_ready() {
    if (&from_ != &to_ || (!holds_lock_ && to_.own().is_locked())) return false;
    f_(to_);
    return true;
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    run = &arrive;
    to_.post(*this);
  }
  void await_resume() const noexcept {}

 private:
  static void arrive(frys::work& w) noexcept {
    visit& self = static_cast<visit&>(w);
    if (!self.holds_lock_ && self.to_.own().is_locked()) {
      self.run = &act;
      self.to_.own().defer(self);
    } else {
      act(w);
    }
  }
  static void act(frys::work& w) noexcept {
    visit& self = static_cast<visit&>(w);
    self.f_(self.to_);
    self.run = &back;
    self.from_.post(self);
  }
  static void back(frys::work& w) noexcept { static_cast<visit&>(w).waiting_.resume(); }

  Core& from_;
  Core& to_;
  F f_;
  bool holds_lock_;
  std::coroutine_handle<> waiting_;
};

// co_await lock_owner(from, to): takes the lock of to's owner and answers its clock. Whoever needs several takes them
// in ascending order, so two of them never wait for each other.
template <class Core>
class lock_owner : frys::work {
 public:
  lock_owner(Core& from, Core& to) noexcept : from_(from), to_(to) {}
  lock_owner(const lock_owner&) = delete;
  lock_owner& operator=(const lock_owner&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    run = &arrive;
    to_.post(*this);
  }
  std::uint64_t await_resume() const noexcept { return clock_; }

 private:
  static void arrive(frys::work& w) noexcept {
    lock_owner& self = static_cast<lock_owner&>(w);
    if (self.to_.own().is_locked()) {
      self.run = &grant;
      self.to_.own().defer(self);
    } else {
      grant(w);
    }
  }
  static void grant(frys::work& w) noexcept {
    lock_owner& self = static_cast<lock_owner&>(w);
    self.to_.own().lock();
    self.clock_ = self.to_.own().clock();
    self.run = &back;
    self.from_.post(self);
  }
  static void back(frys::work& w) noexcept { static_cast<lock_owner&>(w).waiting_.resume(); }

  Core& from_;
  Core& to_;
  std::uint64_t clock_ = 0;
  std::coroutine_handle<> waiting_;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_MESSAGES_HPP
