// tsc_clock: the time of CLOCK_MONOTONIC, read from the processor's cycle counter.
//
// Use when  time is asked for by the million (stamps of events, latencies, deadlines of every request).
// Not when  a call in a microsecond is enough (clocks::steady), or a tick of the kernel is (clocks::coarse).
// A model   of policy::clock: what it answers may be compared with deadlines of clocks::steady and waited for.
// Ordering  now() does not wait for what stands before it, so the counter may be read some ten nanoseconds ahead of
//           loads before it; in one thread it does not go back. now_ordered() reads it after all loads before it: a
//           time that another thread has handed over is not later. ticks() is the counter as it is, for measuring.
// Threads   any; lock-free. While one thread draws the next piece of the line, the others ask the kernel.
// Cost      now: the counter, six loads of one line, one multiplication; no division, no write. Some hundred times a
//           second one call takes some hundred nanoseconds more, for the comparison with the kernel's clock. The first
//           20 ms of use answer the kernel's time while the counter is measured.
// Error     against CLOCK_MONOTONIC: what both reads cost (some ten nanoseconds), and 30 ms times the change of the
//           kernel's rate in the last half second: nothing to speak of, or 15 us when it begins to be slewed by 500
//           ppm. The line bends by at most 1/512 to come back, so it neither stands still nor leaps. Only a counter
//           that has stood (more than a millisecond is missing) goes forward at once, and one that has run while the
//           clock stood (a machine that slept) at half its rate until it is right, 40 ms at most.
// Fallback  clocks::steady, where the counter does not count evenly or the kernel keeps time by another one;
//           is_hardware() tells.
// Lifetime  the program's: nothing is made or freed.
// frys: real model
#ifndef FRYS_CORE_TSC_CLOCK_HPP
#define FRYS_CORE_TSC_CLOCK_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>

#include "../config.hpp"
#include "../policy.hpp"
#include "atomics.hpp"
#include "cache_line.hpp"
#include "clock.hpp"
#include "deadline.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if FRYS_OS_LINUX
#include <fcntl.h>
#include <unistd.h>
#endif

namespace frys::inline FRYS_ABI {

// A counter that counts at one rate: ticks(), ordered_ticks() (not before the loads that precede it), is_usable():
// whether that is true here, and is_present: whether there is one at all.
template <class C>
concept tick_counter = requires {
  { C::is_present } -> std::convertible_to<bool>;
  { C::ticks() } -> std::same_as<std::uint64_t>;
  { C::ordered_ticks() } -> std::same_as<std::uint64_t>;
  { C::is_usable() } -> std::convertible_to<bool>;
};

// The processor's: rdtsc, or cntvct_el0.
struct cycle_counter {
#if defined(__x86_64__)
  static constexpr bool is_present = true;
  static std::uint64_t ticks() noexcept { return __builtin_ia32_rdtsc(); }
  static std::uint64_t ordered_ticks() noexcept {
    __builtin_ia32_lfence();  // waits for the loads before it; also keeps the compiler from moving them
    return __builtin_ia32_rdtsc();
  }
  // It counts at one rate in all states of power, by the processor's word and the kernel's.
  static bool is_usable() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    const bool invariant = __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
    return invariant && is_trusted();
  }
#elif defined(__aarch64__)
  static constexpr bool is_present = true;
  static std::uint64_t ticks() noexcept {
    std::uint64_t t;
    asm volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
  }
  static std::uint64_t ordered_ticks() noexcept {
    std::uint64_t t;
    asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(t) : : "memory");
    return t;
  }
  static bool is_usable() noexcept {
    std::uint64_t hertz;  // what the firmware has written there; the rate itself is measured
    asm volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
    return hertz >= 1'000'000 && is_trusted();
  }
#else
  static constexpr bool is_present = false;
  static std::uint64_t ticks() noexcept { return 0; }
  static std::uint64_t ordered_ticks() noexcept { return 0; }
  static bool is_usable() noexcept { return false; }
#endif

 private:
  // False where the kernel has found the counters of the processors apart and keeps time by another one. Where it does
  // not tell, yes.
  static bool is_trusted() noexcept {
#if FRYS_OS_LINUX
    const int file = ::open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (file < 0) return true;
    char text[32];
    const auto size = ::read(file, text, sizeof(text));
    ::close(file);
    const std::string_view source(text, size < 0 ? 0 : static_cast<std::size_t>(size));
    for (const std::string_view other : {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"})
      if (source.substr(0, other.size()) == other) return false;
#endif
    return true;
  }
};

// The line through a counter's readings that follows a clock: the machinery of tsc_clock, for a counter of your own.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>  the atomics model                    default atomics::standard
//   policy::clock<C>    the clock that it follows            default clocks::steady
//
// Time is drawn in pieces: a piece says base + (ticks - origin) * rate for the next 2^shift ticks, and the next one
// begins where it ends. One word, the gate, says whether a piece stands: 2 * number + 1, or, between two pieces,
// 2 * floor, the latest time that anybody has been told. A time is told only from a piece that stood before and after
// its fields were read, or by raising the floor; a piece can be put up only by exchanging the very floor that it begins
// above. So time never goes back, whoever is stopped where.
template <class Counter, class... Policies>
class counter_clock {
  using accepted = policy::keys<policy::atomics_key, policy::clock_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::counter_clock: unknown policy; it takes policy::atomics, policy::clock and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::counter_clock: a policy is given twice; name each at most once");
  static_assert(tick_counter<Counter>,
                "frys::counter_clock<Counter>: Counter wants is_present, ticks(), ordered_ticks() and is_usable()");

 public:
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using clock_type = typename policy::pick<policy::clock<clocks::steady>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::counter_clock: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(clock_model<clock_type>,
                "frys::counter_clock: policy::clock wants a type with a static now() in nanoseconds");

  // How long the clock answers while the counter is measured.
  static constexpr nanoseconds warm_up{20'000'000};

  counter_clock() = default;
  counter_clock(const counter_clock&) = delete;
  counter_clock& operator=(const counter_clock&) = delete;

  [[nodiscard]] nanoseconds now() noexcept {
    if constexpr (Counter::is_present) {
      nanoseconds time;
      if (told(Counter::ticks(), time)) [[likely]]
        return time;
      return drawn();
    } else {
      return clock_type::now();
    }
  }
  [[nodiscard]] nanoseconds now_ordered() noexcept {
    if constexpr (Counter::is_present) {
      nanoseconds time;
      if (told(Counter::ordered_ticks(), time)) [[likely]]
        return time;
      return drawn();
    } else {
      return clock_type::now();
    }
  }

  // False where it answers the clock's own time for good.
  [[nodiscard]] bool is_hardware() noexcept {
    if constexpr (!Counter::is_present) return false;
    return source() == counting;
  }
  // True once now() comes from the counter: after warm_up of use.
  [[nodiscard]] bool is_calibrated() const noexcept {
    // relaxed: a look
    return (gate_.load(std::memory_order_relaxed) & 1) != 0;
  }

 private:
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;
  template <class T>
  using var = typename atomics_type::template var<T>;
  enum : std::uint32_t { unknown, counting, unusable };

  static constexpr std::uint64_t to_floor(std::int64_t ns) noexcept {
    return ns <= 0 ? 0 : static_cast<std::uint64_t>(ns) * 2;
  }

  // What the piece says, if one stands and reaches that far. One that begins later says when it begins.
  bool told(std::uint64_t ticks, nanoseconds& time) const noexcept {
    // sync(counter_clock.piece): acquire; the fields are at least as new as the gate.
    const std::uint64_t gate = gate_.load(std::memory_order_acquire);
    if ((gate & 1) == 0) return false;
    // sync(counter_clock.begin): acquire, all three; if a field was of a later piece, the look below finds the gate
    // changed. With relaxed we could mix two pieces.
    const std::uint64_t origin = origin_.load(std::memory_order_acquire);
    const std::uint64_t base = base_.load(std::memory_order_acquire);
    const std::uint64_t rate = rate_.load(std::memory_order_acquire);
    const std::uint32_t shift = shift_.load(std::memory_order_relaxed);  // relaxed: written before the first piece only
    if (gate_.load(std::memory_order_relaxed) != gate) return false;     // relaxed: the acquires above order it
    std::uint64_t since = ticks - origin;
    if (since >> shift != 0) [[unlikely]] {
      // It is over; or far ahead, and then either the ticks are old or the counter has gone back: it is read again.
      if (static_cast<std::int64_t>(since) >= 0 || (std::uint64_t{0} - since) >> shift != 0) return false;
      since = 0;
    }
    time = nanoseconds{static_cast<std::int64_t>(base + ((since * rate) >> 32))};
    return true;
  }

  std::uint32_t source() noexcept {
    // relaxed: whoever decides decides the same
    std::uint32_t s = source_.load(std::memory_order_relaxed);
    if (s == unknown) {
      const std::uint32_t found = Counter::is_usable() ? counting : unusable;
      // relaxed: as above; a counter that was given up meanwhile stays given up
      if (source_.compare_exchange_strong(s, found, std::memory_order_relaxed, std::memory_order_relaxed)) s = found;
    }
    return s;
  }

  // No piece reaches this far.
  FRYS_NOINLINE nanoseconds drawn() noexcept {
    if (source() == counting) {
      // sync(counter_clock.drawing): acquire; what the last one who drew has measured is ours.
      if (drawing_.exchange(1, std::memory_order_acquire) == 0) {
        draw();
        // sync(counter_clock.drawing): release; the other end.
        drawing_.store(0, std::memory_order_release);
      }
      nanoseconds time;
      if (told(Counter::ordered_ticks(), time)) return time;
    }
    return asked();
  }

  // The clock's own time, not before anything that was told. Leaves word of it, for the next piece to begin above.
  nanoseconds asked() noexcept {
    const std::int64_t now = clock_type::now().count();
    for (;;) {
      // sync(counter_clock.piece): acquire; as in told. A floor needs no order: it is one word, and only grows.
      std::uint64_t gate = gate_.load(std::memory_order_acquire);
      std::uint64_t answer = to_floor(now);
      if ((gate & 1) != 0) {
        nanoseconds time;
        if (told(Counter::ordered_ticks(), time)) return time;
        answer = (std::max)(answer, end_of_piece() * 2);
      } else {
        answer = (std::max)(answer, gate);
        // relaxed: given up for good, and nobody draws after that: no word needs to be left.
        if (answer == gate || source_.load(std::memory_order_relaxed) == unusable) return time_of(answer);
      }
      // relaxed, both: it finds the piece whose end was read, or the floor, or fails; what follows is in the word
      // itself.
      if (gate_.compare_exchange_strong(gate, answer, std::memory_order_relaxed, std::memory_order_relaxed))
        return time_of(answer);
    }
  }
  static nanoseconds time_of(std::uint64_t floor) noexcept { return nanoseconds{static_cast<std::int64_t>(floor / 2)}; }

  std::uint64_t end_of_piece() const noexcept {
    // sync(counter_clock.begin): acquire, both; the caller exchanges the gate, which fails if it has changed.
    const std::uint64_t base = base_.load(std::memory_order_acquire);
    const std::uint64_t rate = rate_.load(std::memory_order_acquire);
    const std::uint32_t shift = shift_.load(std::memory_order_relaxed);  // relaxed: as in told
    return base + ((rate << shift) >> 32);
  }

  struct reading {
    std::uint64_t ticks = 0;
    std::int64_t ns = 0;
  };
  // The counter beside the clock: of three, the one that was least disturbed.
  static reading compare() noexcept {
    reading best;
    std::uint64_t width = ~std::uint64_t{0};
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t before = Counter::ordered_ticks();
      const std::int64_t ns = clock_type::now().count();
      const std::uint64_t after = Counter::ordered_ticks();
      if (after - before >= width) continue;
      width = after - before;
      best = {before + width / 2, ns};
    }
    return best;
  }

  // Nanoseconds per tick, times 2^32. Both are positive.
  static std::uint64_t rate_of(std::uint64_t ns, std::uint64_t ticks) noexcept {
    const int spare = std::countl_zero(ns) - 33;  // ns << 32 has to fit, and to stay positive
    if (spare < 0) {
      ns >>= -spare;
      ticks >>= -spare;
    }
    return ticks == 0 ? 0 : (ns << 32) / ticks;
  }

  struct measured {
    reading last;
    reading from;              // where the rate is measured from
    std::uint64_t rate = 0;    // 0: not known yet
    std::uint64_t number = 0;  // of the last piece
    std::uint32_t odd = 0;     // how many rates in turn were not to be believed
  };

  // Of the thread that holds drawing_. Puts up the next piece if there is enough to go by.
  void draw() noexcept {
    if (source_.load(std::memory_order_relaxed) != counting) return;  // relaxed: written under the lock that we hold
    measured& m = measured_.ref();
    const reading here = compare();
    if (m.last.ns == 0) {
      m.last = m.from = here;
      return;
    }
    if (here.ticks < m.last.ticks) return give_up();
    m.last = here;
    const std::uint64_t ticks = here.ticks - m.from.ticks;
    const auto ns = static_cast<std::uint64_t>(here.ns - m.from.ns);
    // relaxed: written by who draws alone
    std::uint32_t shift = shift_.load(std::memory_order_relaxed);
    if (m.rate == 0) {
      if (ns < static_cast<std::uint64_t>(warm_up.count())) return;
      m.rate = rate_of(ns, ticks);
      if (m.rate == 0 || m.rate >> 54 != 0) return give_up();
      // The last power of two of ticks that lasts less than 2^24 ns, 17 ms. The product stays below 2^57.
      shift = static_cast<std::uint32_t>(56 - std::bit_width(m.rate));
      m.from = here;
    } else if (ns >= std::uint64_t{1} << 27) {  // 0.13 s: read costs are a ten millionth of it
      const std::uint64_t rate = rate_of(ns, ticks);
      const std::uint64_t apart = rate > m.rate ? rate - m.rate : m.rate - rate;
      if (apart <= m.rate / 1024) {
        m.rate = (m.rate + rate) / 2;
        m.odd = 0;
      } else if (++m.odd >= 3 && std::bit_width(rate) == std::bit_width(m.rate)) {
        m.rate = rate;  // the counter has another rate now (a machine that has moved)
      }
      m.from = here;
    }
    put_up(m, here, shift);
  }

  void put_up(measured& m, reading here, std::uint32_t shift) noexcept {
    std::uint64_t gate = gate_.load(std::memory_order_relaxed);  // relaxed: only who draws writes what it leads to
    const std::uint64_t length = std::uint64_t{1} << shift;
    std::uint64_t origin = here.ticks;
    auto base = static_cast<std::uint64_t>(here.ns);
    if ((gate & 1) != 0) {
      const std::uint64_t end = end_of_piece();
      // relaxed: written by who draws alone
      const std::uint64_t next = origin_.load(std::memory_order_relaxed) + length;
      if (static_cast<std::int64_t>(here.ticks - next) < 0) return;  // it is not over yet
      // relaxed, both: the fields' own release takes the closed gate along
      if (gate_.compare_exchange_strong(gate, end * 2, std::memory_order_relaxed, std::memory_order_relaxed)) {
        gate = end * 2;
        // Goes on where the last piece ended, if that was just now and not too far from the truth.
        const std::uint64_t since = here.ticks - next;
        if (since < length && end + ((since * m.rate) >> 32) + leap > base) {
          origin = next;
          base = end;
        }
      }
    }
    for (;;) {
      if (base < gate / 2) {
        origin = here.ticks;
        base = (std::max)(gate / 2, static_cast<std::uint64_t>(here.ns));
      }
      // Such that the piece ends where the clock will be.
      const std::uint64_t there =
          static_cast<std::uint64_t>(here.ns) + (((length - (here.ticks - origin)) * m.rate) >> 32);
      const std::uint64_t most = m.rate + m.rate / 512;
      const bool far_ahead = base > static_cast<std::uint64_t>(here.ns) + leap;
      const std::uint64_t least = m.rate - m.rate / (far_ahead ? 2 : 512);
      std::uint64_t rate = there > base ? rate_of(there - base, length) : 0;
      rate = rate > most ? most : rate < least ? least : rate;
      // sync(counter_clock.begin): release, all; who reads one finds the gate that closed before. With relaxed somebody
      // could mix two pieces and not see it.
      origin_.store(origin, std::memory_order_release);
      base_.store(base, std::memory_order_release);
      rate_.store(rate, std::memory_order_release);
      shift_.store(shift, std::memory_order_relaxed);  // relaxed: the same number, but for the first piece
      // sync(counter_clock.piece): release; the fields are there before the gate says so. relaxed when it fails:
      // somebody was told a later time, which is in the word.
      if (gate_.compare_exchange_strong(gate, 2 * (m.number + 1) + 1, std::memory_order_release,
                                        std::memory_order_relaxed)) {
        ++m.number;
        return;
      }
    }
  }

  // The counter has gone back, or is too slow to measure by: it is no clock.
  void give_up() noexcept {
    source_.store(unusable, std::memory_order_relaxed);          // relaxed: nothing hangs on when it is seen
    std::uint64_t gate = gate_.load(std::memory_order_relaxed);  // relaxed: as in put_up
    // relaxed, both: as in asked
    while ((gate & 1) != 0 && !gate_.compare_exchange_strong(gate, end_of_piece() * 2, std::memory_order_relaxed,
                                                             std::memory_order_relaxed)) {
    }
  }

  static constexpr std::uint64_t leap = 1'000'000;  // ns; more than that is not bent to, but made good at once

  // What now() reads, in one line; written some times a second.
  alignas(cache_line) atomic<std::uint64_t> gate_{0};
  atomic<std::uint64_t> origin_{0};
  atomic<std::uint64_t> base_{0};   // ns
  atomic<std::uint64_t> rate_{0};   // ns per tick, times 2^32
  atomic<std::uint32_t> shift_{0};  // the piece has 2^shift ticks
  atomic<std::uint32_t> source_{unknown};
  alignas(cache_line) atomic<std::uint32_t> drawing_{0};
  var<measured> measured_{};
};

struct tsc_clock {
  static nanoseconds now() noexcept { return line.now(); }
  static nanoseconds now_ordered() noexcept { return line.now_ordered(); }
  static std::uint64_t ticks() noexcept { return cycle_counter::ticks(); }
  // False where this is clocks::steady.
  static bool is_hardware() noexcept { return line.is_hardware(); }
  // True once now() comes from the counter: after 20 ms of use.
  static bool is_calibrated() noexcept { return line.is_calibrated(); }

 private:
  inline static constinit counter_clock<cycle_counter> line{};
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_CORE_TSC_CLOCK_HPP
