// fan_out: what one core publishes, on its way to all others.
//
// A message is encoded once. Its pointer goes into a broadcast ring (main.cpp names it) that every other core reads;
// the last core that has given it to its listeners sends it home with their number, which is PUBLISH's answer. Bells
// are rung at the end of a turn, one for each core, so that a pipeline of messages wakes a core once.
//
// A full ring means that a core is a whole ring behind. Then the clients that publish wait, in turn, for a message to
// come home; nothing is lost, and no thread waits.
// Threads  send, tell, room and the end of a message: the home core. The rest of a message's way: the others.
#ifndef FRYS_KERNEL_FAN_OUT_HPP
#define FRYS_KERNEL_FAN_OUT_HPP

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <frys/core/cache_line.hpp>
#include <frys/core/intrusive_list.hpp>
#include <frys/core/work.hpp>
#include <frys/memory/object_pool.hpp>

#include "options.hpp"
#include "reply_queue.hpp"
#include "subscriptions.hpp"

namespace kernel {

template <class Core>
class connection;

// A message that other cores hear too. Its reply has a place kept in the client's queue.
template <class Core>
struct publication : frys::work, frys::list_hook<> {
  published message;
  Core* home = nullptr;
  connection<Core>* client = nullptr;  // waits for us before it dies; touched at home only
  reply_queue::place* reserved = nullptr;
  std::size_t command_bytes = 0;
  int protocol = 2;
  std::int64_t heard_at_home = 0;
  std::atomic<std::int64_t> heard{0};  // elsewhere
  std::atomic<unsigned> left{0};       // cores that have not given it to their listeners
};

// `Ring` is a broadcast_ring of publication<Core>*, with an independent reader for each core there may be.
template <class Core, class Ring>
class fan_out {
 public:
  using message = publication<Core>;

  // For the core `home`, number `index` of `cores`.
  fan_out(Core& home, unsigned index, unsigned cores) : home_(home), index_(index), cores_(cores) {
    bells_ = std::make_unique<bell[]>(cores);
    // Who is not there, and the home itself, is not waited for.
    for (unsigned i = 0; i < most_cores; ++i)
      if (i == index || i >= cores) ring_.reader(i).leave();
  }
  fan_out(const fan_out&) = delete;
  fan_out& operator=(const fan_out&) = delete;
  ~fan_out() {
    while (message* m = under_way_.pop_front()) memory_.destroy(*m);
    while (message* m = spare_.pop_front()) memory_.destroy(*m);
  }

  // `what` is on its way to all other cores, which hear of it when tell() is called; nullptr: a core is a ring behind,
  // or there is no memory, and `what` is untouched. `come_home` runs here when all have had it, and calls end().
  message* send(published& what, void (*come_home)(frys::work&) noexcept) {
    message* m = spare_.pop_front();
    if (m == nullptr) m = memory_.create().value_or(nullptr);
    if (m == nullptr) return nullptr;
    m->run = come_home;
    m->home = &home_;
    m->message.swap(what);
    // relaxed, both: the push publishes them.
    m->heard.store(0, std::memory_order_relaxed);
    m->left.store(cores_ - 1, std::memory_order_relaxed);
    if (!ring_.try_push(m)) {
      m->message.swap(what);
      keep(*m);
      return nullptr;
    }
    under_way_.push_back(*m);
    to_tell_ = true;
    return m;
  }
  // No message is on its way.
  [[nodiscard]] bool is_idle() const noexcept { return under_way_.empty(); }
  // The message has done its work. Whoever has waited longest for room goes on.
  void end(message& m) noexcept {
    m.unlink();
    m.message = {};
    keep(m);
    if (waiter* first = waiting_.pop_front()) first->handle.resume();
  }

  // Before the first message: the core with that number.
  void meet(unsigned number, Core& core) noexcept {
    bell& b = bells_[number];
    b.from = this;
    b.to = &core;
    b.number = number;
    b.run = &answer;
  }
  // Calls the others, if there is something to hear.
  void tell() noexcept {
    if (!std::exchange(to_tell_, false)) return;
    for (unsigned i = 0; i < cores_; ++i)
      if (i != index_) ring_bell(bells_[i]);
  }

  // Others wait already: whoever publishes now waits behind them.
  [[nodiscard]] bool is_waited_for() const noexcept { return !waiting_.empty(); }
  // co_await: until it is one's turn to send again. A message that did not find room waits here, so there is one that
  // will come home; each that does has been passed by all cores and lets one go on, and that one must send.
  auto room() noexcept {
    struct awaiter : waiter {
      fan_out& self;
      explicit awaiter(fan_out& f) noexcept : self(f) {}
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> h) noexcept {
        this->handle = h;
        self.waiting_.push_back(*this);
      }
      void await_resume() const noexcept {}
    };
    return awaiter(*this);
  }

 private:
  struct waiter : frys::list_hook<> {
    waiter() = default;
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    ~waiter() { this->unlink(); }
    std::coroutine_handle<> handle;
  };
  // Calls one core. On a line of its own: both cores write `rung`.
  struct alignas(frys::cache_line) bell : frys::work {
    fan_out* from = nullptr;
    Core* to = nullptr;
    unsigned number = 0;
    std::atomic<bool> rung{false};  // on its way to the core, or about to be
  };

  static void ring_bell(bell& b) noexcept {
    // acq_rel: what was pushed before is seen by the answer that takes this mark away, or by a later one. Only who sets
    // the mark may post the node.
    if (!b.rung.exchange(true, std::memory_order_acq_rel)) b.to->post(b);
  }
  // On the other core.
  static void answer(frys::work& w) noexcept {
    bell& b = static_cast<bell&>(w);
    fan_out& self = *b.from;
    const auto reader = self.ring_.reader(b.number);
    b.rung.exchange(false, std::memory_order_acq_rel);  // acq_rel: see ring_bell
    for (std::size_t i = 0; i < Ring::capacity; ++i) {
      const auto next = reader.try_pop();
      if (!next) return;
      message& m = **next;
      const std::int64_t heard = b.to->channels().publish(m.message);
      if (heard != 0) m.heard.fetch_add(heard, std::memory_order_relaxed);  // relaxed: `left` below publishes it
      // acq_rel: the last one sends home what all have added, and is done with the message before the home uses it
      // again.
      if (m.left.fetch_sub(1, std::memory_order_acq_rel) == 1) self.home_.post(m);
    }
    ring_bell(b);  // more came meanwhile; others on this core have their turn first
  }

  void keep(message& m) noexcept { spare_.push_front(m); }

  Core& home_;
  const unsigned index_;
  const unsigned cores_;
  bool to_tell_ = false;
  frys::object_pool<message> memory_;
  frys::intrusive_list<message> under_way_;
  frys::intrusive_list<message> spare_;
  frys::intrusive_list<waiter> waiting_;
  std::unique_ptr<bell[]> bells_;
  Ring ring_;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_FAN_OUT_HPP
