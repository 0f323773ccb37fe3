// threads: the threads of sim::run, as policy::threads and by hand.
//
// Threads   those of a run; a thread object is used in the run that started it.
// Lifetime  the destructor joins. What was not joined when the body returns is verdict::leaked_threads.
#ifndef FRYS_SIM_RUN_THREADS_HPP
#define FRYS_SIM_RUN_THREADS_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "../../config.hpp"
#include "../../core/deadline.hpp"
#include "../../core/result.hpp"
#include "../../core/thread.hpp"
#include "machine.hpp"
#include "virtual_thread.hpp"

#define FRYS_SIM_PLACE ::frys::sim::code_place at = {__builtin_FILE(), __builtin_LINE()}

namespace frys::inline FRYS_ABI::sim {

class thread {
 public:
  thread() noexcept = default;  // of nothing
  thread(thread&& other) noexcept
      : thread_(std::exchange(other.thread_, nullptr)), run_(other.run_), held_(std::exchange(other.held_, nullptr)) {}
  // Joins the one that stood here.
  thread& operator=(thread&& other) noexcept {
    if (this != &other) {
      if (joinable()) join(code_place{});
      thread_ = std::exchange(other.thread_, nullptr);
      run_ = other.run_;
      held_ = std::exchange(other.held_, nullptr);
    }
    return *this;
  }
  ~thread() {
    if (joinable()) join(code_place{});
  }

  // Calls run(argument) on a new thread of the run. Of the options the name and a stack larger than the run's count.
  // errc::unsupported outside of a run; errc::limit_exceeded at run_options::most_threads.
  static result<thread> start(const thread_options& options, void (*run)(void*) noexcept, void* argument,
                              FRYS_SIM_PLACE) noexcept {
    return started(options, run, argument, at);
  }
  // The same with anything that can be called. An exception that leaves it ends the run: verdict::exception.
  template <class F>
  requires std::invocable<std::decay_t<F>> && std::constructible_from<std::decay_t<F>, F>
  static result<thread> start(const thread_options& options, F&& f, FRYS_SIM_PLACE) {
    using function = std::decay_t<F>;
    struct holder final : held {
      explicit holder(F&& g) : function_(std::in_place, std::forward<F>(g)) {}
      static void call(void* self) {
        auto& h = *static_cast<holder*>(self);
#if FRYS_EXCEPTIONS
        std::exception_ptr thrown;
        try {
          static_cast<function&&> (*h.function_)();
        } catch (...) {
          thrown = std::current_exception();
        }
        if (thrown) detail::machine::current()->fail_by_exception(verdict::exception, std::move(thrown));
#else
        static_cast<function&&> (*h.function_)();
#endif
        h.function_.reset();  // here, not where it is joined
      }
      std::optional<function> function_;
    };
    auto* h = new (std::nothrow) holder(std::forward<F>(f));
    if (h == nullptr)
      return error{errc::out_of_memory, domain::sim, "no memory for a thread's function", sizeof(holder)};
    result<thread> t = started(options, &holder::call, h, at);
    if (t) {
      t->held_ = h;
      t->thread_->holds = h;
    } else {
      delete h;
    }
    return t;
  }
  // The same in short, with a name for reports. A run that can start no more threads is over.
  template <class F>
  requires std::invocable<std::decay_t<F>> && std::constructible_from<std::decay_t<F>, F>
  explicit thread(const char* name, F&& f, FRYS_SIM_PLACE) {
    thread_options options;
    options.name = name;
    result<thread> t = start(options, std::forward<F>(f), at);
    if (t)
      *this = *std::move(t);
    else if (detail::machine* m = detail::machine::current())
      m->fail(verdict::requirement, t.error().message, at);
    else
      FRYS_ASSERT(false, "sim::thread: started outside of a sim::run");
  }

  [[nodiscard]] bool joinable() const noexcept { return thread_ != nullptr; }
  void join(FRYS_SIM_PLACE) noexcept {
    FRYS_ASSERT(joinable(), "sim::thread::join: there is no thread to wait for");
    detail::machine* m = detail::machine::current();
    auto* t = std::exchange(thread_, nullptr);
    if (m != nullptr && m->number() == run_) m->join(*t, at);  // else its run is over, and it with it
    delete std::exchange(held_, nullptr);
  }

 private:
  struct held {
    held() = default;
    held(const held&) = delete;
    held& operator=(const held&) = delete;
    virtual ~held() = default;
  };

  static result<thread> started(const thread_options& options, void (*run)(void*), void* argument,
                                code_place at) noexcept {
    detail::machine* m = detail::machine::current();
    if (m == nullptr) return error{errc::unsupported, domain::sim, "sim::threads start in a sim::run only", 0};
    thread t;
    t.thread_ = m->start(options.name, options.stack_bytes, run, argument, at);
    if (t.thread_ == nullptr)
      return error{errc::limit_exceeded, domain::sim, "the run has as many threads as it may have", 0};
    t.run_ = m->number();
    return t;
  }

  detail::virtual_thread* thread_ = nullptr;
  std::uint64_t run_ = 0;
  held* held_ = nullptr;
};

// policy::threads of a run.
struct threads {
  using thread = sim::thread;

  static result<thread> start(const thread_options& options, void (*run)(void*) noexcept, void* argument,
                              FRYS_SIM_PLACE) noexcept {
    return thread::start(options, run, argument, at);
  }
  // One for each thread of the run; outside of a run one for each thread of the system.
  template <class Tag>
  static void*& local() {
    static constinit thread_local void* outside = nullptr;
    static constexpr char name = 0;
    detail::machine* m = detail::machine::current();
    return m == nullptr ? outside : m->local(&name);
  }
};
static_assert(thread_source<threads>);

// The seed of the run that the calling thread is in. For handlers of your own: a signal's, a sanitizer's at the death
// of the program. Safe in those.
inline std::optional<std::uint64_t> current_seed() noexcept {
  detail::machine* m = detail::machine::current();
  return m == nullptr ? std::nullopt : std::optional(m->seed());
}

// ---- what a body may ask for

// A sentence that holds here; the run is over where it does not.
inline void require(bool good, const char* what, FRYS_SIM_PLACE) noexcept {
  if (good) return;
  if (detail::machine* m = detail::machine::current()) m->fail(verdict::requirement, what, at);
  FRYS_ASSERT(good, "sim::require: false, outside of a sim::run");
}
// Another thread goes on, if one can.
inline void yield(FRYS_SIM_PLACE) noexcept {
  if (detail::machine* m = detail::machine::current()) m->pause(at);
}
// Until the run's clock shows it.
inline void sleep_until(deadline until, FRYS_SIM_PLACE) noexcept {
  if (detail::machine* m = detail::machine::current()) m->sleep(until, at);
}
inline void sleep_for(nanoseconds time, FRYS_SIM_PLACE) noexcept {
  detail::machine* m = detail::machine::current();
  if (m == nullptr) return;
  m->sleep(deadline{m->time_after(time)}, at);
}
// One of 0 .. count - 1, as the seed says.
inline std::uint32_t choose(std::uint32_t count, FRYS_SIM_PLACE) noexcept {
  detail::machine* m = detail::machine::current();
  return m == nullptr ? 0 : m->choose(count, at);
}
// The number of the thread that calls, in the order of their starts; the body's is 0.
inline std::uint32_t thread_number() noexcept {
  detail::machine* m = detail::machine::current();
  return m == nullptr ? 0 : m->active_number();
}

}  // namespace frys::inline FRYS_ABI::sim

#undef FRYS_SIM_PLACE

#endif  // FRYS_SIM_RUN_THREADS_HPP
