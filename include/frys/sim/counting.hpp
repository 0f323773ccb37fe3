// counting: atomics that count what they do, and which lines of memory travel between cores for it. A noise-free
// measure: the same figures on every machine and every run, so that a test may pin them.
//
// Use when  a test or a bench asks what an operation costs, not how long it took here and now.
// Not when  several threads really contend: the figures are then right, but not the same on each run.
// Roles     all: any thread. reset: when no other thread counts.
// Lines     a directory as cores keep it: who holds each 64-byte line. A read of a line that only others hold, and a
//           write to a line that others hold too, is one transfer. The first touch of a line by anybody is none. Seen
//           are atomics and var; a block's other plain memory is not.
// Cores     each thread is a core of its own, or plays the one that a counting::core object names: one thread can so
//           play a producer and a consumer, in an order that is always the same.
// Cost      a mutex per access: for tests.
// frys: real model
#ifndef FRYS_SIM_COUNTING_HPP
#define FRYS_SIM_COUNTING_HPP

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/deadline.hpp"

namespace frys::inline FRYS_ABI::atomics {

// A model for policy::atomics.
struct counting : machine_services {
  struct counts {
    std::uint64_t loads = 0;
    std::uint64_t stores = 0;
    std::uint64_t rmws = 0;  // read-modify-writes, also a compare-exchange that failed
    std::uint64_t fences = 0;
    std::uint64_t pauses = 0;
    std::uint64_t waits = 0;  // calls of wait and notify: system calls, as a rule
    std::uint64_t wakes = 0;
    std::uint64_t transfers = 0;  // lines that came from another core

    friend bool operator==(const counts&, const counts&) = default;
    friend counts operator+(counts a, const counts& b) noexcept {
      each(a, b, [](std::uint64_t& x, std::uint64_t y) { x += y; });
      return a;
    }
    friend counts operator-(counts a, const counts& b) noexcept {
      each(a, b, [](std::uint64_t& x, std::uint64_t y) { x -= y; });
      return a;
    }
    // "1 load, 2 stores", without what is 0; "nothing".
    [[nodiscard]] std::string text() const {
      std::string out;
      const auto say = [&](std::uint64_t n, const char* one, const char* many) {
        if (n == 0) return;
        if (!out.empty()) out += ", ";
        out += std::to_string(n);
        out += ' ';
        out += n == 1 ? one : many;
      };
      say(loads, "load", "loads");
      say(stores, "store", "stores");
      say(rmws, "rmw", "rmws");
      say(fences, "fence", "fences");
      say(pauses, "pause", "pauses");
      say(waits, "wait", "waits");
      say(wakes, "wake", "wakes");
      say(transfers, "transfer", "transfers");
      return out.empty() ? "nothing" : out;
    }

   private:
    template <class F>
    static void each(counts& a, const counts& b, F f) noexcept {
      f(a.loads, b.loads), f(a.stores, b.stores), f(a.rmws, b.rmws), f(a.fences, b.fences);
      f(a.pauses, b.pauses), f(a.waits, b.waits), f(a.wakes, b.wakes), f(a.transfers, b.transfers);
    }
  };

  // What the calling thread has done since it began.
  [[nodiscard]] static counts snapshot() noexcept { return mine().done; }
  // What `f` does on the calling thread.
  template <class F>
  [[nodiscard]] static counts of(F&& f) {
    const counts before = snapshot();
    std::forward<F>(f)();
    return snapshot() - before;
  }

  // Counts what the calling thread does, until the object dies, under a name; threads may share one. Of two that are
  // nested both count.
  class operation {
   public:
    explicit operation(std::string_view name) : name_(name), before_(snapshot()) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    ~operation() {
      const counts did = snapshot() - before_;
      const std::lock_guard lock(table().mutex);
      named& n = table().operations[std::string(name_)];
      ++n.calls;
      n.sum = n.sum + did;
    }

   private:
    std::string_view name_;
    counts before_;
  };
  struct named {
    std::uint64_t calls = 0;
    counts sum;
  };
  // All that was counted under the name so far.
  [[nodiscard]] static named counted(std::string_view name) {
    const std::lock_guard lock(table().mutex);
    const auto found = table().operations.find(name);
    return found == table().operations.end() ? named{} : found->second;
  }
  // Forgets the named operations and who holds which line. Threads' own sums go on.
  static void reset() {
    const std::lock_guard lock(table().mutex);
    table().operations.clear();
    table().lines.clear();
  }

  // While it lives the calling thread plays this core, 0 to 62.
  class core {
   public:
    explicit core(unsigned number) noexcept : before_(mine().core) {
      FRYS_ASSERT(number < most_cores, "counting::core: the number is beyond 62");
      mine().core = number;
    }
    core(const core&) = delete;
    core& operator=(const core&) = delete;
    ~core() { mine().core = before_; }

   private:
    unsigned before_;
  };

  template <class T>
  class atomic {
    using step = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;
    static constexpr bool steps = requires(std::atomic<T> & a, step by) { a.fetch_add(by); };

   public:
    using value_type = T;
    constexpr atomic() noexcept(std::is_nothrow_default_constructible_v<T>) : value_(T()) {}
    constexpr atomic(T value) noexcept : value_(value) {}  // NOLINT: as std::atomic
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
      read(this);
      return value_.load(order);
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
      write(this, &counts::stores);
      value_.store(value, order);
    }
    T exchange(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
      return change().exchange(value, order);
    }
    bool compare_exchange_strong(T& old, T wanted, std::memory_order order = std::memory_order_seq_cst) noexcept {
      return change().compare_exchange_strong(old, wanted, order);
    }
    bool compare_exchange_strong(T& old, T wanted, std::memory_order yes, std::memory_order no) noexcept {
      return change().compare_exchange_strong(old, wanted, yes, no);
    }
    // Never fails for no reason: the figures are to be the same everywhere.
    bool compare_exchange_weak(T& old, T wanted, std::memory_order order = std::memory_order_seq_cst) noexcept {
      return change().compare_exchange_strong(old, wanted, order);
    }
    bool compare_exchange_weak(T& old, T wanted, std::memory_order yes, std::memory_order no) noexcept {
      return change().compare_exchange_strong(old, wanted, yes, no);
    }
    T fetch_add(step by, std::memory_order order = std::memory_order_seq_cst) noexcept requires steps {
      return change().fetch_add(by, order);
    }
    T fetch_sub(step by, std::memory_order order = std::memory_order_seq_cst) noexcept requires steps {
      return change().fetch_sub(by, order);
    }
    T fetch_and(T with, std::memory_order order = std::memory_order_seq_cst) noexcept requires std::integral<T> {
      return change().fetch_and(with, order);
    }
    T fetch_or(T with, std::memory_order order = std::memory_order_seq_cst) noexcept requires std::integral<T> {
      return change().fetch_or(with, order);
    }
    T fetch_xor(T with, std::memory_order order = std::memory_order_seq_cst) noexcept requires std::integral<T> {
      return change().fetch_xor(with, order);
    }
    bool is_lock_free() const noexcept { return value_.is_lock_free(); }
    static constexpr bool is_always_lock_free = std::atomic<T>::is_always_lock_free;

   private:
    friend struct counting;
    std::atomic<T>& change() noexcept {
      write(this, &counts::rmws);
      return value_;
    }
    std::atomic<T> value_;
  };

  template <class T>
  class atomic_ref {
   public:
    static constexpr std::size_t required_alignment = std::atomic_ref<T>::required_alignment;
    explicit atomic_ref(T& value) noexcept : value_(&value) {}
    T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
      read(value_);
      return std::atomic_ref<T>(*value_).load(order);
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst) const noexcept {
      write(value_, &counts::stores);
      std::atomic_ref<T>(*value_).store(value, order);
    }
    T exchange(T value, std::memory_order order = std::memory_order_seq_cst) const noexcept {
      write(value_, &counts::rmws);
      return std::atomic_ref<T>(*value_).exchange(value, order);
    }
    bool compare_exchange_strong(T& old, T wanted, std::memory_order yes, std::memory_order no) const noexcept {
      write(value_, &counts::rmws);
      return std::atomic_ref<T>(*value_).compare_exchange_strong(old, wanted, yes, no);
    }
    bool compare_exchange_weak(T& old, T wanted, std::memory_order yes, std::memory_order no) const noexcept {
      return compare_exchange_strong(old, wanted, yes, no);
    }
    T fetch_add(T by, std::memory_order order = std::memory_order_seq_cst) const noexcept requires std::integral<T> {
      write(value_, &counts::rmws);
      return std::atomic_ref<T>(*value_).fetch_add(by, order);
    }
    T fetch_sub(T by, std::memory_order order = std::memory_order_seq_cst) const noexcept requires std::integral<T> {
      write(value_, &counts::rmws);
      return std::atomic_ref<T>(*value_).fetch_sub(by, order);
    }

   private:
    T* value_;
  };

  // Plain data: no load or store is counted, but its line travels.
  template <class T>
  class var {
   public:
    var() = default;
    template <class U>
    requires std::constructible_from<T, U>
    explicit var(U&& value) : value_(std::forward<U>(value)) {}
    const T& get() const noexcept {
      touch(this, false);
      return value_;
    }
    T& ref() noexcept {
      touch(this, true);
      return value_;
    }

   private:
    T value_{};
  };

  static void fence(std::memory_order order) noexcept {
    ++mine().done.fences;
    standard::fence(order);
  }
  static void pause() noexcept {
    ++mine().done.pauses;
    standard::pause();
  }
  static bool wait(const atomic<std::uint32_t>& word, std::uint32_t old, deadline until) noexcept {
    ++mine().done.waits;
    return standard::wait(word.value_, old, until);
  }
  static void notify_one(atomic<std::uint32_t>& word) noexcept {
    ++mine().done.wakes;
    standard::notify_one(word.value_);
  }
  static void notify_all(atomic<std::uint32_t>& word) noexcept {
    ++mine().done.wakes;
    standard::notify_all(word.value_);
  }

 private:
  static constexpr unsigned most_cores = 63;
  static constexpr std::uintptr_t line_bytes = 64;

  struct per_thread {
    counts done;
    unsigned core = most_cores;  // not known yet
  };
  struct shared {
    std::mutex mutex;
    std::map<std::uintptr_t, std::uint64_t> lines;  // who holds it, a bit a core
    std::map<std::string, named, std::less<>> operations;
    unsigned next_core = 0;
  };
  static per_thread& mine() noexcept {
    static thread_local per_thread t;
    return t;
  }
  static shared& table() noexcept {
    static shared s;
    return s;
  }

  static void touch(const void* at, bool writes) noexcept {
    per_thread& t = mine();
    shared& s = table();
    const std::lock_guard lock(s.mutex);
    // Threads count down from the top, so that they do not meet the cores that tests name from 0 up.
    if (t.core == most_cores) t.core = most_cores - 1 - s.next_core++ % most_cores;
    const std::uint64_t me = std::uint64_t{1} << t.core;
    std::uint64_t& holders = s.lines[reinterpret_cast<std::uintptr_t>(at) / line_bytes];
    const bool mine_alone = (holders & ~me) == 0;
    if (!mine_alone && (writes || (holders & me) == 0)) ++t.done.transfers;
    holders = writes ? me : holders | me;
  }
  static void read(const void* at) noexcept {
    ++mine().done.loads;
    touch(at, false);
  }
  static void write(const void* at, std::uint64_t counts::*kind) noexcept {
    ++(mine().done.*kind);
    touch(at, true);
  }
};

}  // namespace frys::inline FRYS_ABI::atomics

#endif  // FRYS_SIM_COUNTING_HPP
