// waiting_line: the coroutines that wait for one mutex, semaphore, event or latch, in the order in which they came, and
// the word that says whether there are any.
//
// The word's two low bits are the line's: `busy` while somebody looks at the line, `crowd` while it is not empty. The
// rest is the block's. Who changes the word without the line does it by a compare-exchange from a value in which
// neither bit is set; so while `busy` is set the word is its holder's alone, who ends that by a store.
#ifndef FRYS_SCHED_DETAIL_WAITING_LINE_HPP
#define FRYS_SCHED_DETAIL_WAITING_LINE_HPP

#include <atomic>
#include <concepts>
#include <coroutine>
#include <utility>

#include "../../config.hpp"
#include "../../core/atomics.hpp"
#include "../../core/backoff.hpp"
#include "../../core/concepts.hpp"
#include "../../core/intrusive_list.hpp"
#include "../../core/result.hpp"
#include "../../core/work.hpp"
#include "../cancel.hpp"

namespace frys::inline FRYS_ABI::detail {

enum class wait_end : unsigned char {
  pending,  // nobody has decided
  called,   // it has what it waited for
  stopped,  // a stop came first
};

// One who waits.
struct line_waiter : list_hook<>, work {
  std::coroutine_handle<> waiting;
  void* home = nullptr;                                // the executor
  void (*post)(void* home, work&) noexcept = nullptr;  // null: it goes on where it is called
  wait_end end = wait_end::pending;                    // as the links: the line's, under `busy`, until it is decided

  line_waiter() = default;
  template <executor E>
  explicit line_waiter(E& on) noexcept
      : work([](work& w) noexcept { static_cast<line_waiter&>(w).waiting.resume(); }),
        home(&on),
        post([](void* to, work& w) noexcept { static_cast<E*>(to)->post(w); }) {}
};

// Goes on with a coroutine on this thread. Who goes on may call the next one, from within: a crowd would need a stack
// as deep as it is long. So from some depth on they stand in a list, and go on when those before have come back.
struct resume_nest {
  static constexpr unsigned deepest = 8;
  unsigned depth = 0;
  intrusive_list<line_waiter>* later = nullptr;  // where depth == deepest

  static FRYS_NOINLINE void resume(line_waiter& w) noexcept {
    const unsigned depth = here.depth;
    if (depth == deepest) return here.later->push_back(w);
    here.depth = depth + 1;
    if (depth + 1 < deepest) {
      w.waiting.resume();
    } else {
      intrusive_list<line_waiter> waiting;
      here.later = &waiting;
      w.waiting.resume();
      while (line_waiter* const next = waiting.pop_front()) next->waiting.resume();
    }
    here.depth = depth;
  }

 private:
  static thread_local constinit resume_nest here;
};
inline thread_local constinit resume_nest resume_nest::here{};

// Lets `w` go on; it has been taken out of its line, and may be gone when this returns.
template <class A>
void call(line_waiter& w) noexcept {
  if (w.post != nullptr) return w.post(w.home, w);
  // A checker's threads may share one of the system's: there they nest as they come.
  if constexpr (std::derived_from<A, atomics::machine_services>)
    resume_nest::resume(w);
  else
    w.waiting.resume();
}

template <class A, class Word>
class waiting_line {
  using list = intrusive_list<line_waiter>;

 public:
  static constexpr Word busy = 1, crowd = 2, unit = 4;  // unit: the first bit that is the block's

  explicit waiting_line(Word first) noexcept : word(first) {}
  waiting_line(const waiting_line&) = delete;
  waiting_line& operator=(const waiting_line&) = delete;

  typename A::template atomic<Word> word;

  // Makes the line this thread's until leave. Answers the word without `busy`.
  Word enter() noexcept {
    backoff<A> patience;
    Word seen = word.load(std::memory_order_relaxed);  // relaxed: a look; the exchange below acquires
    for (;;) {
      if ((seen & busy) != 0) {
        patience.pause();
        seen = word.load(std::memory_order_relaxed);  // relaxed: as above
      } else if (word.compare_exchange_weak(seen, seen | busy,
                                            // sync(waiting_line.busy): acquire; what the last holder did is done, and
                                            // what was done before the word became what it is.
                                            std::memory_order_acquire, std::memory_order_relaxed)) {
        return seen;
      }
    }
  }
  // `next`: the block's part.
  void leave(Word next) noexcept {
    // sync(waiting_line.busy): release; what we did comes before the next holder's turn.
    word.store((next & ~(busy | crowd)) | (line_.get().empty() ? Word{0} : crowd), std::memory_order_release);
  }

  // These between enter and leave.
  [[nodiscard]] bool empty() const noexcept { return line_.get().empty(); }
  line_waiter& front() noexcept { return line_.ref().front(); }
  void push(line_waiter& w) noexcept { line_.ref().push_back(w); }
  // Its wait is decided; it must be called after leave.
  line_waiter& take_first() noexcept {
    line_waiter& w = line_.ref().front();
    list::remove(w);
    w.end = wait_end::called;
    return w;
  }
  void take_first_into(list& called) noexcept { called.push_back(take_first()); }
  void remove(line_waiter& w) noexcept {
    static_cast<void>(line_.ref());  // as a write, for a checker
    list::remove(w);
  }

 private:
  typename A::template var<list> line_;
};

// Calls all of them, first come first. One that goes on may destroy others that stand here.
template <class A>
void call_all(intrusive_list<line_waiter>& called) noexcept {
  while (line_waiter* const w = called.pop_front()) call<A>(*w);
}

// What the awaiters of the blocks have in common. Derived has, the first under the line:
//   bool admit(Word& word)   has what it waits for at once, and no one stands before it
//   line()                   the waiting_line
//   void admitted()          without the line, may be missing: admit answered true
//   void left()              without the line: it stood in line and went without what it waited for
//   void give_back()         without the line: it was called, and will never know
template <class Derived, class A>
class line_awaiter : public line_waiter {
 public:
  line_awaiter() = default;
  template <executor E>
  explicit line_awaiter(E& on) noexcept : line_waiter(on) {}
  // Before it is awaited.
  line_awaiter(line_awaiter&& other) noexcept : line_waiter(other) {
    FRYS_ASSERT(!other.stands_, "an awaiter was moved while its coroutine waits");
  }
  line_awaiter& operator=(line_awaiter&&) = delete;
  ~line_awaiter() {
    if (stands_) withdraw();
  }

  // When it answers true, `*this` may be gone.
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> h) noexcept {
    waiting = h;
    if (!stop_.begin(stop_token_of(h), *this, &on_stop)) {
      end = wait_end::stopped;
      return false;
    }
    auto& line = self().line();
    auto word = line.enter();
    if (end == wait_end::pending && self().admit(word)) end = wait_end::called;  // a stop would come too late
    const bool waits = end == wait_end::pending;
    if (waits) {
      stands_ = true;
      line.push(*this);
    }
    line.leave(word);
    if constexpr (requires { self().admitted(); })
      if (!waits && end == wait_end::called) self().admitted();
    return waits;
  }

 protected:
  // For await_resume: false if the wait was stopped.
  [[nodiscard]] bool has_come() noexcept {
    stop_.end();
    const bool stood = std::exchange(stands_, false);
    if (end != wait_end::stopped) return true;
    if (stood) self().left();
    return false;
  }

 private:
  Derived& self() noexcept { return static_cast<Derived&>(*this); }

  static stop_action on_stop(void* p) noexcept {
    auto& w = *static_cast<line_awaiter*>(p);
    auto& line = w.self().line();
    const auto word = line.enter();
    if (w.end != wait_end::pending) {  // too late
      line.leave(word);
      return {};
    }
    w.end = wait_end::stopped;
    if (!w.is_linked()) {  // too early: await_suspend will see it
      line.leave(word);
      return {};
    }
    line.remove(w);
    line.leave(word);
    if (w.post == nullptr) return stop_action::resume(w.waiting);
    w.post(w.home, w);
    return {};
  }
  FRYS_NOINLINE void withdraw() noexcept {
    stop_.end();
    auto& line = self().line();
    const auto word = line.enter();
    const bool waits = end == wait_end::pending;
    if (waits) line.remove(*this);
    line.leave(word);
    if (waits) return self().left();
    FRYS_ASSERT(post == nullptr, "a coroutine that was called by its executor was destroyed before it ran");
    if (end == wait_end::called) {
      unlink();  // of those who are called, by this thread, further up its stack
      self().give_back();
    }
  }

  stop_wait stop_;
  bool stands_ = false;  // the coroutine's own: it was put in line, and has not gone on
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_WAITING_LINE_HPP
