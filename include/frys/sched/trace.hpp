// trace: when each worker of a scheduler ran, stole and slept, as a policy.
//
// trace::none     nothing is kept, nothing is asked                                          the default
// trace::ring<N>  the last N spans of each worker, in memory; a span takes 16 bytes and two readings of the clock.
//                 write_trace tells them in the JSON that Chrome's about:tracing and Perfetto show.
//
// A model T has a template recorder<Atomics, Clock> with begins, ends, stole(from), parks and wakes, which its worker
// calls; and, if it can be written, spans(f), which any thread may call while the worker goes on: it calls f(kind,
// from, to, number) for each span.
// Source  Trace Event Format, Google, 2016.
#ifndef FRYS_SCHED_TRACE_HPP
#define FRYS_SCHED_TRACE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "../config.hpp"
#include "../core/deadline.hpp"
#include "../policy.hpp"

namespace frys::inline FRYS_ABI {

namespace trace {

enum class span : std::uint8_t { run, steal, sleep };

struct none {
  template <class Atomics, class Clock>
  struct recorder {
    static void begins() noexcept {}
    static void ends() noexcept {}
    static void stole(unsigned) noexcept {}
    static void parks() noexcept {}
    static void wakes() noexcept {}
  };
};

// N is a power of two.
template <std::size_t N>
struct ring {
  static_assert(N != 0 && (N & (N - 1)) == 0, "frys::trace::ring<N>: N must be a power of two");

  template <class Atomics, class Clock>
  class recorder {
   public:
    void begins() noexcept {
      if (depth_ < most_depth) begun_[depth_] = Clock::now();
      ++depth_;
    }
    void ends() noexcept {
      --depth_;
      if (depth_ < most_depth) keep(span::run, begun_[depth_], Clock::now(), 0);
    }
    void stole(unsigned from) noexcept {
      const nanoseconds now = Clock::now();
      keep(span::steal, now, now, from);
    }
    void parks() noexcept { slept_ = Clock::now(); }
    void wakes() noexcept { keep(span::sleep, slept_, Clock::now(), 0); }

    // Oldest first; the one that is being written over is left out.
    template <class F>
    void spans(F&& f) const {
      // sync(trace.next): acquire; what stands below is whole.
      const std::uint64_t end = next_.load(std::memory_order_acquire);
      for (std::uint64_t i = end > N ? end - N : 0; i != end; ++i) {
        const entry& e = entries_[i & (N - 1)];
        // relaxed, all: a span that is overwritten meanwhile is told from its number behind the fence
        const std::uint64_t from = e.from.load(std::memory_order_relaxed);
        const std::uint64_t rest = e.rest.load(std::memory_order_relaxed);
        Atomics::fence(std::memory_order_acquire);                           // sync(trace.begun): acquire
        if (begun_spans_.load(std::memory_order_relaxed) > i + N) continue;  // relaxed: behind the fence
        f(static_cast<span>(rest >> 62), nanoseconds{static_cast<std::int64_t>(from)},
          nanoseconds{static_cast<std::int64_t>(from + (rest & length_mask))},
          static_cast<unsigned>((rest >> length_bits) & 0x3fffu));
      }
    }

   private:
    template <class T>
    using atomic = typename Atomics::template atomic<T>;
    static constexpr std::size_t most_depth = 32;  // of tasks that run inside others
    static constexpr unsigned length_bits = 48;    // 78 hours
    static constexpr std::uint64_t length_mask = (std::uint64_t{1} << length_bits) - 1;

    struct entry {
      atomic<std::uint64_t> from{0};
      atomic<std::uint64_t> rest{0};  // kind, number, length
    };

    void keep(span kind, nanoseconds from, nanoseconds to, unsigned number) noexcept {
      const std::uint64_t i = next_.load(std::memory_order_relaxed);  // relaxed: its own
      begun_spans_.store(i + 1, std::memory_order_relaxed);           // relaxed: the fence orders it
      Atomics::fence(
          std::memory_order_release);  // sync(trace.begun): release; the number is out before the words change
      entry& e = entries_[i & (N - 1)];
      const auto length = static_cast<std::uint64_t>((to - from).count()) & length_mask;
      // relaxed, both: next_ publishes them
      e.from.store(static_cast<std::uint64_t>(from.count()), std::memory_order_relaxed);
      e.rest.store(std::uint64_t{static_cast<std::uint8_t>(kind)} << 62 |
                       std::uint64_t{number & 0x3fffu} << length_bits | length,
                   std::memory_order_relaxed);
      // sync(trace.next): release; the span is whole.
      next_.store(i + 1, std::memory_order_release);
    }

    unsigned depth_ = 0;
    nanoseconds begun_[most_depth] = {};
    nanoseconds slept_{0};
    atomic<std::uint64_t> next_{0};
    atomic<std::uint64_t> begun_spans_{0};
    entry entries_[N];
  };
};

}  // namespace trace

// Appends the trace of a pool to `out`, anything with append(const char*, size), a std::string say, as a JSON array of
// trace events, which begins at the time `from`. Any thread; spans that are overwritten meanwhile are left out.
template <class Pool, class Out>
void write_trace(const Pool& pool, Out& out, nanoseconds from = nanoseconds{0}) {
  const auto text = [&out](const char* t) {
    std::size_t n = 0;
    while (t[n] != 0) ++n;
    out.append(t, n);
  };
  const auto number = [&out](std::uint64_t n) {
    char digits[20];
    std::size_t i = sizeof digits;
    do digits[--i] = static_cast<char>('0' + n % 10);
    while ((n /= 10) != 0);
    out.append(digits + i, sizeof digits - i);
  };
  // Microseconds, to the nanosecond.
  const auto time = [&](nanoseconds t) {
    const auto ns = static_cast<std::uint64_t>(t.count());
    number(ns / 1000);
    const char rest[4] = {'.', static_cast<char>('0' + ns / 100 % 10), static_cast<char>('0' + ns / 10 % 10),
                          static_cast<char>('0' + ns % 10)};
    out.append(rest, 4);
  };
  text("[");
  bool first = true;
  pool.spans([&](unsigned worker, trace::span kind, nanoseconds begin, nanoseconds end, unsigned other) {
    if (begin < from) return;
    text(first ? "\n" : ",\n");
    first = false;
    text("{\"name\":\"");
    text(kind == trace::span::run ? "run" : kind == trace::span::steal ? "steal" : "sleep");
    text(kind == trace::span::steal ? "\",\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":"
                                    : "\",\"ph\":\"X\",\"pid\":1,\"tid\":");
    number(worker);
    text(",\"ts\":");
    time(begin - from);
    if (kind == trace::span::steal) {
      text(",\"args\":{\"from\":");
      number(other);
      text("}");
    } else {
      text(",\"dur\":");
      time(end - begin);
    }
    text("}");
  });
  text("\n]\n");
}

namespace policy {
struct trace_key {};  // trace::none, trace::ring<N>, or a model of one's own (sched/trace.hpp)
template <class T>
struct trace {
  using key = trace_key;
  using type = T;
};
}  // namespace policy

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_TRACE_HPP
