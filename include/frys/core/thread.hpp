// thread: a thread of the system, and what it shall be: its name, its stack, its processors, its scheduling.
//
// thread_options  what is asked for; everything has a default that leaves it to the system
// thread          starts it, and joins it in its destructor
// this_thread     the same asked of the thread that calls
// os_threads      the model of policy::threads that blocks take by default
//
// Use when  a thread needs a name, a bounded stack, a place or a class; or a block starts threads by policy::threads.
// Not when  many pieces of work want a few threads (sched/scheduler.hpp), or work blocks (sched/blocking_pool.hpp).
// Threads   a thread object is one thread's at a time; this_thread: the caller itself.
// Cost      start: the system's, one allocation, and, where processors or a class are asked for, the wait until the new
//           thread has taken them (two wakes).
// Errors    start: errc::limit_exceeded (EAGAIN: too many threads, or no address space for the stack),
//           errc::out_of_memory, errc::invalid_argument (a stack smaller than the system wants). `number` is errno.
//           What the system does not permit (a class without the right, a processor that is not ours) is told() and the
//           thread runs without it; with `insist`, start answers that error and nothing has run.
//           An exception that leaves the function of a thread ends the program.
// Lifetime  the destructor joins: it waits for as long as the function runs.
// Systems   POSIX; FRYS_HAS_THREAD is 0 elsewhere, and only the options and the concept are there. Processors,
//           nice values, and the classes batch, idle and deadline are Linux's; elsewhere errc::unsupported.
// frys: real model
#ifndef FRYS_CORE_THREAD_HPP
#define FRYS_CORE_THREAD_HPP

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "atomics.hpp"
#include "deadline.hpp"
#include "error.hpp"
#include "result.hpp"

#define FRYS_HAS_THREAD FRYS_OS_POSIX

#if FRYS_HAS_THREAD
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#endif
#if FRYS_OS_LINUX
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#endif

namespace frys::inline FRYS_ABI {

// How the system shares its processors out to a thread.
enum class scheduling : std::uint8_t {
  inherit,      // as the thread that starts it
  normal,       // fair shares; priority is the nice value, -20 (more) to 19
  batch,        // the same, for work that nobody waits for: fewer preemptions
  idle,         // only what nobody else wants
  fifo,         // before all of the above, priority 1 to 99, until it waits; needs a right
  round_robin,  // fifo, in turns among equals; needs a right
  deadline,     // `runtime` of each `period`, done `deadline` after its begin; needs a right
};

struct thread_options {
  const char* name = nullptr;        // what tools show; Linux keeps 15 bytes. Read before start returns
  std::size_t stack_bytes = 0;       // 0: the system's own, often 8 MiB
  std::span<const unsigned> cpus{};  // where it may run; empty: where its starter may
  frys::scheduling scheduling = frys::scheduling::inherit;
  int priority = 0;        // its meaning is the class's
  nanoseconds runtime{0};  // these three: scheduling::deadline only
  nanoseconds deadline{0};
  nanoseconds period{0};
  bool insist = false;  // a thread that is not as asked for shall not run at all
};

// What blocks ask of policy::threads. A thread is joinable from start until join, and its destructor joins. local<Tag>
// is the calling thread's own pointer for Tag, null at first: the same one for each call of that thread.
template <class T>
concept thread_source = requires(typename T::thread& t, const thread_options& options, void (*run)(void*) noexcept,
                                 void* argument) {
  requires std::movable<typename T::thread>;
  { t.joinable() } -> std::same_as<bool>;
  t.join();
  { T::start(options, run, argument) } -> std::same_as<result<typename T::thread>>;
  { T::template local<int>() } -> std::same_as<void*&>;
};

#if FRYS_HAS_THREAD

namespace detail {

inline error thread_refused(int number, const char* message) noexcept {
  errc code = errc::io_failed;
  switch (number) {
    case EAGAIN:
      code = errc::limit_exceeded;
      break;
    case EBUSY:  // scheduling::deadline: the processors have promised all that they have
      code = errc::busy;
      break;
    case ENOMEM:
      code = errc::out_of_memory;
      break;
    case EPERM:
    case EACCES:
      code = errc::permission_denied;
      break;
    case EINVAL:
    case ESRCH:
      code = errc::invalid_argument;
      break;
    case ENOSYS:
    case E2BIG:
      code = errc::unsupported;
      break;
    default:
      break;
  }
  return {code, domain::core, message, number};
}

#if FRYS_OS_LINUX
// A set of processors, as the kernel takes it: as many as one can be built for.
struct cpu_bits {
  static constexpr unsigned most = 8192;
  static constexpr unsigned bits = sizeof(unsigned long) * 8;
  std::array<unsigned long, most / bits> words{};

  bool has(unsigned cpu) const noexcept { return cpu < most && (words[cpu / bits] >> (cpu % bits) & 1) != 0; }
  void add(unsigned cpu) noexcept { words[cpu / bits] |= 1ul << (cpu % bits); }
  // errno, or 0.
  int read() noexcept {
    words = {};
    return ::syscall(SYS_sched_getaffinity, 0, sizeof words, words.data()) < 0 ? errno : 0;
  }
  int apply() const noexcept { return ::syscall(SYS_sched_setaffinity, 0, sizeof words, words.data()) < 0 ? errno : 0; }
};

// What sched_setattr reads; not every C library names it.
struct kernel_scheduling {
  std::uint32_t size = 48;
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};
static_assert(sizeof(kernel_scheduling) == 48);
#endif

}  // namespace detail

namespace this_thread {

// The system's number of this thread, as tools show it; elsewhere than on Linux some number that no other thread has.
inline std::uint64_t id() noexcept {
#if FRYS_OS_LINUX
  return static_cast<std::uint64_t>(::syscall(SYS_gettid));
#elif defined(__APPLE__)
  std::uint64_t number = 0;
  ::pthread_threadid_np(nullptr, &number);
  return number;
#else
  static_assert(sizeof(::pthread_t) <= sizeof(std::uint64_t));
  std::uint64_t number = 0;
  const ::pthread_t self = ::pthread_self();
  __builtin_memcpy(&number, &self, sizeof self);
  return number;
#endif
}

inline constexpr unsigned no_cpu = ~0u;

// The processor that runs this thread; it may be another one by the time that you look. no_cpu: nobody can say.
inline unsigned current_cpu() noexcept {
#if FRYS_OS_LINUX
  const int cpu = ::sched_getcpu();
  return cpu < 0 ? no_cpu : static_cast<unsigned>(cpu);
#else
  return no_cpu;
#endif
}

// What debuggers and top show. Linux keeps the first 15 bytes; a system without names does nothing.
inline void set_name(const char* name) noexcept {
#if FRYS_OS_LINUX
  ::prctl(PR_SET_NAME, name, 0, 0, 0);
#elif defined(__APPLE__)
  ::pthread_setname_np(name);
#else
  (void)name;
#endif
}

// Where this thread may run. errc::invalid_argument where none of `cpus` is one that it may have; permission_denied
// where it got only some of them, and keeps those; unsupported elsewhere than on Linux.
inline result<void> set_affinity(std::span<const unsigned> cpus) noexcept {
#if FRYS_OS_LINUX
  detail::cpu_bits wanted;
  for (const unsigned cpu : cpus) {
    if (cpu >= detail::cpu_bits::most)
      return error{errc::invalid_argument, domain::core, "no processor has so high a number", cpu};
    wanted.add(cpu);
  }
  if (const int number = wanted.apply())
    return detail::thread_refused(number, "the system does not let the thread run on these processors");
  detail::cpu_bits got;
  if (got.read() == 0 && got.words != wanted.words)  // the kernel leaves out what a cpuset forbids and does not say so
    return error{errc::permission_denied, domain::core, "the thread may not run on some of these processors", 0};
  return {};
#else
  (void)cpus;
  return error{errc::unsupported, domain::core, "this system does not place threads on processors", 0};
#endif
}

// This thread's class, priority and times, from the fields of `o`; what else is in it is left alone.
inline result<void> set_scheduling(const thread_options& o) noexcept {
  if (o.scheduling == scheduling::inherit) return {};
  constexpr const char* refused = "the system does not let the thread have this class and priority";
#if FRYS_OS_LINUX
  // The kernel's numbers: SCHED_NORMAL 0, FIFO 1, RR 2, BATCH 3, IDLE 5, DEADLINE 6.
  constexpr std::array<std::uint32_t, 7> numbers{0, 0, 3, 5, 1, 2, 6};
  const auto which = static_cast<std::size_t>(o.scheduling);
  if (which >= numbers.size()) return detail::thread_refused(EINVAL, refused);
  detail::kernel_scheduling wanted;
  wanted.policy = numbers[which];
  switch (o.scheduling) {
    case scheduling::fifo:
    case scheduling::round_robin:
      if (o.priority < 0) return detail::thread_refused(EINVAL, refused);
      wanted.priority = static_cast<std::uint32_t>(o.priority);
      break;
    case scheduling::deadline:
      if (o.runtime.count() < 0 || o.deadline.count() < 0 || o.period.count() < 0)
        return detail::thread_refused(EINVAL, refused);
      wanted.runtime = static_cast<std::uint64_t>(o.runtime.count());
      wanted.deadline = static_cast<std::uint64_t>(o.deadline.count());
      wanted.period = static_cast<std::uint64_t>(o.period.count());
      break;
    case scheduling::idle:
      break;
    default:
      if (o.priority < -20 || o.priority > 19) return detail::thread_refused(EINVAL, refused);
      wanted.nice = o.priority;
      break;
  }
#if defined(SYS_sched_setattr)
  if (::syscall(SYS_sched_setattr, 0, &wanted, 0u) == 0) return {};
  return detail::thread_refused(errno, refused);
#else
  return detail::thread_refused(ENOSYS, refused);
#endif
#else
  int policy = SCHED_OTHER;
  if (o.scheduling == scheduling::fifo) policy = SCHED_FIFO;
  if (o.scheduling == scheduling::round_robin) policy = SCHED_RR;
  if (policy == SCHED_OTHER && (o.scheduling != scheduling::normal || o.priority != 0))
    return detail::thread_refused(ENOSYS, "this system has no such class of threads");
  ::sched_param wanted{};
  wanted.sched_priority = policy == SCHED_OTHER ? 0 : o.priority;
  if (const int number = ::pthread_setschedparam(::pthread_self(), policy, &wanted))
    return detail::thread_refused(number, refused);
  return {};
#endif
}

}  // namespace this_thread

class thread {
 public:
  thread() noexcept = default;  // of nothing
  thread(thread&& other) noexcept : handle_(other.handle_), body_(std::exchange(other.body_, nullptr)) {}
  // Joins the one that stood here.
  thread& operator=(thread&& other) noexcept {
    if (this != &other) {
      if (joinable()) join();
      handle_ = other.handle_;
      body_ = std::exchange(other.body_, nullptr);
    }
    return *this;
  }
  ~thread() {
    if (joinable()) join();
  }

  // Calls run(argument) on a new thread. options and what it points at are not needed afterwards.
  static result<thread> start(const thread_options& options, void (*run)(void*) noexcept, void* argument) noexcept {
    return started(options, new (std::nothrow) body(run, argument));
  }
  // The same with anything that can be called; it is moved or copied in, and destroyed on the new thread. An exception
  // that leaves it ends the program.
  template <class F>
  requires std::invocable<std::decay_t<F>> && std::constructible_from<std::decay_t<F>, F>
  static result<thread> start(const thread_options& options, F&& f) {
    using function = std::decay_t<F>;
    struct holder final : body {
      explicit holder(F&& function_) : body(&call, this), held(std::in_place, std::forward<F>(function_)) {}
      static void call(void* self) noexcept {
        auto& h = *static_cast<holder*>(self);
        static_cast<function&&> (*h.held)();
        h.held.reset();  // here, not where it is joined
      }
      std::optional<function> held;
    };
    return started(options, new (std::nothrow) holder(std::forward<F>(f)));
  }

  [[nodiscard]] bool joinable() const noexcept { return body_ != nullptr; }
  // Waits for the end of its function; what that did happens-before the return.
  void join() noexcept {
    FRYS_ASSERT(joinable(), "thread::join: there is no thread to wait for");
    FRYS_ASSERT(::pthread_equal(handle_, ::pthread_self()) == 0, "thread::join: a thread cannot wait for itself");
    ::pthread_join(handle_, nullptr);
    delete std::exchange(body_, nullptr);
  }

  // The first thing that was asked for and not permitted; no error where the thread is as asked for. While joinable.
  [[nodiscard]] result<void> told() const noexcept {
    FRYS_ASSERT(joinable(), "thread::told: there is no thread");
    return body_->told;
  }

 private:
  // What starter and thread share; the thread object's, which frees it after the join.
  struct body {
    body(void (*r)(void*) noexcept, void* a) noexcept : run(r), argument(a) {}
    body(const body&) = delete;
    body& operator=(const body&) = delete;
    virtual ~body() = default;

    void (*run)(void*) noexcept;
    void* argument;
    const thread_options* options = nullptr;  // not null: the starter waits, so its options live
    bool is_named = false;
    bool may_run = true;
    result<void> told{};
    std::array<char, 64> name{};
    std::atomic<std::uint32_t> ready{0};
  };

  static void* enter(void* argument) noexcept {
    auto& b = *static_cast<body*>(argument);
    if (b.is_named) this_thread::set_name(b.name.data());
    if (b.options != nullptr) {
      const thread_options& o = *b.options;
      // First the processors: who has scheduling::deadline may not choose them any more.
      if (!o.cpus.empty()) b.told = this_thread::set_affinity(o.cpus);
      if (result<void> r = this_thread::set_scheduling(o); !r && b.told) b.told = r;
      b.may_run = b.told.has_value() || !o.insist;
      const bool may_run = b.may_run;
      // sync(thread.ready): release; what this thread was told is whole before its starter reads it.
      b.ready.store(1, std::memory_order_release);
      atomics::standard::notify_one(b.ready);
      if (!may_run) return nullptr;
    }
    b.run(b.argument);
    return nullptr;
  }

  static result<thread> started(const thread_options& options, body* b) noexcept {
    if (b == nullptr)
      return error{errc::out_of_memory, domain::core, "no memory for a thread's arguments", sizeof(body)};
    if (options.name != nullptr) {
      b->is_named = true;
      for (std::size_t i = 0; i + 1 < b->name.size() && options.name[i] != '\0'; ++i) b->name[i] = options.name[i];
    }
    const bool waits = !options.cpus.empty() || options.scheduling != scheduling::inherit;
    if (waits) b->options = &options;
    thread t;
    if (const int number = create(t.handle_, options.stack_bytes, b)) {
      delete b;
      return detail::thread_refused(number, "the system does not start another thread");
    }
    t.body_ = b;
    if (waits) {
      // sync(thread.ready): acquire; pairs with the release in enter.
      while (b->ready.load(std::memory_order_acquire) == 0)
        static_cast<void>(atomics::standard::wait(b->ready, 0, frys::deadline::never()));
      if (!b->may_run) {
        const error why = b->told.error();
        t.join();
        return why;
      }
    }
    return t;
  }

  // errno, or 0.
  static int create(::pthread_t& handle, std::size_t stack_bytes, body* b) noexcept {
    if (stack_bytes == 0) return ::pthread_create(&handle, nullptr, &enter, b);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto least = static_cast<std::size_t>(PTHREAD_STACK_MIN);
    if (stack_bytes > SIZE_MAX - page) return EAGAIN;  // as any stack for which there are no addresses
    if (stack_bytes < least) stack_bytes = least;
    stack_bytes = (stack_bytes + page - 1) & ~(page - 1);
    ::pthread_attr_t attributes;
    if (const int number = ::pthread_attr_init(&attributes)) return number;
    int number = ::pthread_attr_setstacksize(&attributes, stack_bytes);
    if (number == 0) number = ::pthread_create(&handle, &attributes, &enter, b);
    ::pthread_attr_destroy(&attributes);
    return number;
  }

  ::pthread_t handle_{};
  body* body_ = nullptr;
};

// policy::threads of the machine.
struct os_threads {
  using thread = frys::thread;

  static result<thread> start(const thread_options& options, void (*run)(void*) noexcept, void* argument) noexcept {
    return thread::start(options, run, argument);
  }
  // A pointer that needs neither construction nor destruction: a plugin with it can be unloaded.
  template <class Tag>
  static void*& local() noexcept {
    static constinit thread_local void* mine = nullptr;
    return mine;
  }
};
static_assert(thread_source<os_threads>);

#endif  // FRYS_HAS_THREAD

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_THREAD_HPP
