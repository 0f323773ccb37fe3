// join: what when_all, when_any and with_timeout have in common: children that run, are asked to stop, and are waited
// for.
#ifndef FRYS_SCHED_DETAIL_JOIN_HPP
#define FRYS_SCHED_DETAIL_JOIN_HPP

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/atomics.hpp"
#include "../../core/awaitable.hpp"
#include "../../policy.hpp"
#include "../cancel.hpp"
#include "../frame_cache.hpp"

namespace frys::inline FRYS_ABI::detail {

// Whose a child is. `ended` is called when the child is through, with its failure, and answers who goes on; the child's
// frame may be destroyed from then on.
struct join_base {
  std::coroutine_handle<> (*ended)(join_base&, std::size_t index, std::exception_ptr) noexcept;
};

// A coroutine that awaits one thing for a join.
class child {
 public:
  class promise_type {
   public:
    static void* operator new(std::size_t size) { return frame_memory::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { frame_memory::release(memory, size); }

    child get_return_object() noexcept { return child(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct end {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> at) const noexcept {
          promise_type& p = at.promise();
          return p.join_->ended(*p.join_, p.index_, std::exchange(p.failure_, nullptr));
        }
        void await_resume() const noexcept {}
      };
      return end{};
    }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { failure_ = std::current_exception(); }
    stop_token get_stop_token() const noexcept { return token_; }

   private:
    friend child;
    join_base* join_ = nullptr;
    std::size_t index_ = 0;
    stop_token token_;
    std::exception_ptr failure_ = nullptr;
  };

  child() = default;
  child(child&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  child& operator=(child&& other) noexcept {
    child taken(std::move(other));
    std::swap(body_, taken.body_);
    return *this;
  }
  ~child() { reset(); }
  // Destroys it where it waits.
  void reset() noexcept {
    if (body_ != nullptr) std::exchange(body_, nullptr).destroy();
  }
  void start(join_base& join, std::size_t index, stop_token token) noexcept {
    promise_type& p = body_.promise();
    p.join_ = &join;
    p.index_ = index;
    p.token_ = token;
    body_.resume();
  }

 private:
  explicit child(std::coroutine_handle<promise_type> body) noexcept : body_(body) {}
  std::coroutine_handle<promise_type> body_ = nullptr;
};

// Where a child's answer lies until it is taken. Moves only while it is empty.
template <class T>
class answer_slot {
 public:
  answer_slot() noexcept {}
  answer_slot(answer_slot&&) noexcept {}
  answer_slot& operator=(answer_slot&&) = delete;
  ~answer_slot() {
    if (full_) std::destroy_at(at());
  }
  template <class U>
  void emplace(U&& value) {
    ::new (static_cast<void*>(room_)) T(std::forward<U>(value));
    full_ = true;
  }
  T& operator*() noexcept {
    FRYS_ASSERT(full_, "join: a child has ended without an answer");
    return *at();
  }

 private:
  T* at() noexcept { return std::launder(reinterpret_cast<T*>(room_)); }
  alignas(T) std::byte room_[sizeof(T)];
  bool full_ = false;
};
struct nothing {};
template <class R>
using slot_of = std::conditional_t<std::is_void_v<R>, nothing, answer_slot<std::remove_cvref_t<R>>>;

// `what` is awaited as the A that it was given as: an A& stays the caller's.
template <class A, class Slot>
child run_child(A& what, [[maybe_unused]] Slot& answer) {
  if constexpr (std::is_void_v<await_result_t<A>>)
    co_await static_cast<A&&>(what);
  else
    answer.emplace(co_await static_cast<A&&>(what));
}

// Counts the children that have not ended, and one more for each call that may bring about the end of what it works on:
// whoever brings the count to nothing resumes who waits.
template <class Atomics>
class join_core : public join_base {
 public:
  // Made to be moved before it is awaited, never after.
  explicit join_core(decltype(join_base::ended) on_end) noexcept : join_base{on_end} {}
  join_core(join_core&& other) noexcept : join_base{other.ended} {}
  ~join_core() = default;

  // For one who waits and `children` children, and one that the caller drops when it has started them.
  template <class Promise>
  void begin(std::coroutine_handle<Promise> waiting, std::size_t children) noexcept {
    open(children + 1);
    listen(waiting);
  }
  // The two parts of it: so many counts;
  void open(std::size_t counts) noexcept {
    // relaxed: nobody else knows of this yet
    left_.store(static_cast<std::uint32_t>(counts), std::memory_order_relaxed);
  }
  // and one who waits, and is resumed by the last of them. By who holds one.
  template <class Promise>
  void listen(std::coroutine_handle<Promise> waiting) noexcept {
    waiting_ = waiting;
    if (!link_.begin(stop_token_of(waiting), *this, &on_stop)) stop_.request_stop();
  }
  // One more, unless it is over.
  [[nodiscard]] bool take() noexcept {
    // relaxed, all: the count is taken to stay, not to see
    std::uint32_t left = left_.load(std::memory_order_relaxed);
    while (left != 0)
      if (left_.compare_exchange_strong(left, left + 1, std::memory_order_relaxed, std::memory_order_relaxed))
        return true;
    return false;
  }
  [[nodiscard]] std::uint32_t counts() const noexcept {
    // sync(join.count): acquire; who sees that children have ended sees what they did, and may end their scope.
    return left_.load(std::memory_order_acquire);
  }
  stop_token token() noexcept { return stop_.token(); }
  // By who holds a count.
  bool request_stop() noexcept { return stop_.request_stop(); }
  // True for the first failure: its details are the caller's to write.
  [[nodiscard]] bool first_failure() noexcept {
    // relaxed: decides who writes; the count carries what was written to who waits
    return !failed_.exchange(true, std::memory_order_relaxed);
  }
  void set_failure(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
  void fail(std::exception_ptr failure) noexcept {
    if (first_failure()) set_failure(std::move(failure));
  }
  // Gives back a count; answers who goes on.
  [[nodiscard]] std::coroutine_handle<> drop() noexcept {
    // sync(join.count): acq_rel; what each child did, its answer above all, happens before what follows the wait.
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return std::noop_coroutine();
    return waiting_;
  }
  // By who waits, when it goes on: nobody else is left.
  void finish() {
    link_.end();
    if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
  }
  // Of what is destroyed while it waits, before the children.
  void abandon() noexcept { link_.end(); }

 private:
  // Who waits is asked to stop: so are the children, unless they have all ended. The count keeps this object while it
  // asks; who waits cannot go on before this function is through.
  static stop_action on_stop(void* p) noexcept {
    if (!static_cast<join_core*>(p)->take()) return {};
    return {&pass_on, p};
  }
  static void pass_on(void* p) noexcept {
    auto& self = *static_cast<join_core*>(p);
    self.request_stop();
    self.drop().resume();
  }

  typename Atomics::template atomic<std::uint32_t> left_{0};
  typename Atomics::template atomic<bool> failed_{false};
  std::coroutine_handle<> waiting_ = nullptr;
  std::exception_ptr failure_ = nullptr;
  basic_stop_source<policy::atomics<Atomics>> stop_;
  stop_wait link_;
};

template <class... Policies>
struct join_policies {
  using accepted = policy::keys<policy::atomics_key>;
  static constexpr bool known = accepted::template known<Policies...>;
  static constexpr bool unique = accepted::template unique<Policies...>;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_SCHED_DETAIL_JOIN_HPP
