// fork_join: plain functions in parallel: join(a, b), parallel_for, parallel_reduce. No coroutine, no future, no heap.
//
// Use when  work splits into pieces that end before the function that split it: recursion, loops, sums, sorting.
// Not when  a piece waits for I/O or for another piece (coroutines, fibers), or nobody waits for it (submit).
// Threads   any. On a thread that works for a scheduler (its workers, and who is inside its run) the pieces may run in
//           parallel; on any other they run one after the other, in their order.
// How       a fork is announced in an array of the worker and runs at once, unless another worker is hungry: who is
//           hungry asks, and the next fork, tick or loop step then hands over the oldest announced fork, the largest.
//           So a fork costs two stores and a compare, and a step of a loop one load; parallelism appears where
//           somebody has nothing to do, and nowhere else. A piece that runs long without forking answers nobody: let
//           it call tick(). policy::promotion<promotion::eager> offers each fork at once instead.
// Cost      join: 1 to 2 ns where nothing is handed over; a hand-over some 100 ns. No allocation. The stack grows as in
//           the serial program; a worker that waits for a stolen piece runs pieces of that piece first, and others to
//           a bounded depth.
// Ordering  what was done before a fork happens-before both its halves, and they before what follows the join.
// Errors    an exception of a piece leaves the join when all its pieces have ended; that of the first one, in their
//           order, wins. Where a throws before b has begun, b does not run.
// Source    heartbeat scheduling: U. Acar et al., PLDI 2018; M. Rainey et al., "Task parallel assembly language",
//           PLDI 2021. Asking instead of beating: U. Acar, A. Chargueraud, M. Rainey, PPoPP 2013. Loops: A. Tzannes et
//           al., "Lazy binary splitting", PPoPP 2010.
#ifndef FRYS_SCHED_FORK_JOIN_HPP
#define FRYS_SCHED_FORK_JOIN_HPP

#include <concepts>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/thread.hpp"
#include "detail/fork_seat.hpp"

namespace frys::inline FRYS_ABI {

// What join answers for a function that answers void.
struct unit {
  friend constexpr bool operator==(unit, unit) noexcept = default;
};

namespace detail {

struct fork_seat_tag;

template <class F>
using piece_result =
    std::conditional_t<std::is_void_v<std::invoke_result_t<F&>>, unit, std::remove_cv_t<std::invoke_result_t<F&>>>;

template <class F>
FRYS_ALWAYS_INLINE piece_result<F> run_piece(F& f) {
  static_assert(!std::is_reference_v<std::invoke_result_t<F&>>,
                "frys::join: a piece answers a value or void; answer a pointer instead of a reference");
  if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
    f();
    return {};
  } else {
    return f();
  }
}

// What another worker answers for a join or a loop, in the frame of who waits for it.
template <class Atomics, class T>
struct fork_answer : fork_place<Atomics> {
  fork_answer() noexcept {}
  fork_answer(const fork_answer&) = delete;
  fork_answer& operator=(const fork_answer&) = delete;
  ~fork_answer() {}

  // The other worker's: keeps what f() answers, or throws.
  template <class F>
  void fill(fork_job<Atomics>& job, F&& f) noexcept {
#if FRYS_EXCEPTIONS
    try {
      std::construct_at(std::addressof(out), f());
    } catch (...) {
      job.failure = std::current_exception();
    }
#else
    (void)job;
    std::construct_at(std::addressof(out), f());
#endif
  }
  // Who waits: it has been filled.
  T take() {
    fork_seat<Atomics>::end_job(*this);
    struct ends {
      T& r;
      ~ends() { std::destroy_at(std::addressof(r)); }
    } const end{out};
    return std::move(out);
  }
  void drop() noexcept {
    const bool failed = this->job().failure != nullptr;
    fork_seat<Atomics>::drop_job(*this);
    if (!failed) std::destroy_at(std::addressof(out));
  }

  union {
    T out;
  };
};

// The second half of a join, where others may find it.
template <class Atomics, class F>
struct fork_frame : fork_answer<Atomics, piece_result<F>> {
  explicit fork_frame(F& f) noexcept : piece(&f) {}

  static void run(void* frame, fork_job<Atomics>& job) noexcept {
    auto& self = *static_cast<fork_frame*>(static_cast<fork_place<Atomics>*>(frame));
    self.fill(job, [&] { return run_piece(*self.piece); });
  }
  F* piece;
};

// When the first half throws, the second one is taken back, or waited for.
template <class Seat, class Frame>
struct fork_guard {
  Seat& seat;
  typename Seat::entry* at;
  Frame& frame;
  bool open = true;
  // Out of line the guard would have to lie in memory: five stores a fork.
  FRYS_ALWAYS_INLINE ~fork_guard() {
    if (open && !seat.take_back(at)) frame.drop();
  }
};

// The calling thread's seat; nullptr where it works for no scheduler.
template <class Atomics, class Threads>
struct fork_here {
  using atomics_type = Atomics;
  FRYS_ALWAYS_INLINE static fork_seat<Atomics>* seat() noexcept {
    return static_cast<fork_seat<Atomics>*>(Threads::template local<fork_seat_tag>());
  }
};

template <class Here, class A, class B>
FRYS_ALWAYS_INLINE std::pair<piece_result<A>, piece_result<B>> join_here(A& a, B& b) {
  static_assert(!std::is_reference_v<std::invoke_result_t<B&>>,
                "frys::join: a piece answers a value or void; answer a pointer instead of a reference");
  using pair = std::pair<piece_result<A>, piece_result<B>>;
  using seat_type = fork_seat<typename Here::atomics_type>;
  using frame_type = fork_frame<typename Here::atomics_type, B>;
  seat_type* const seat = Here::seat();
  frame_type frame(b);
  typename seat_type::entry* at = nullptr;
  if (seat == nullptr || !seat->fork(at, &frame_type::run, frame)) [[unlikely]] {
    piece_result<A> first = run_piece(a);
    return pair(std::move(first), run_piece(b));
  }
#if FRYS_EXCEPTIONS
  fork_guard<seat_type, frame_type> guard{*seat, at, frame};
  piece_result<A> first = run_piece(a);
  guard.open = false;
#else
  piece_result<A> first = run_piece(a);
#endif
  if (!seat->take_back(at)) [[unlikely]]
    return pair(std::move(first), frame.take());
  return pair(std::move(first), run_piece(b));
}

// Loops run over integers and over random-access iterators.
template <class I>
concept loop_index = std::integral<I> || std::random_access_iterator<I>;

template <class I>
constexpr std::size_t loop_length(I first, I last) noexcept {
  if constexpr (std::integral<I>)
    return first < last ? static_cast<std::size_t>(last) - static_cast<std::size_t>(first) : 0;
  else
    return first < last ? static_cast<std::size_t>(last - first) : 0;
}
template <class I>
constexpr I loop_advance(I first, std::size_t by) noexcept {
  if constexpr (std::integral<I>)
    return static_cast<I>(first + static_cast<I>(by));
  else
    return first + static_cast<std::iter_difference_t<I>>(by);
}
template <class I>
constexpr decltype(auto) loop_element(I at) noexcept {
  if constexpr (std::integral<I>)
    return I(at);
  else
    return *at;
}

// A loop that folds: fold.step(value, from, to) answers the value behind the steps from .. to, fold.join(a, b) that of
// two neighbours, fold.identity() one of nothing. What is cut off are farther halves, so the newest piece is the
// nearest.
template <class Here, class I, class Fold>
class fold_loop : fork_seat<typename Here::atomics_type>::loop {
  using seat_type = fork_seat<typename Here::atomics_type>;
  using job_type = typename seat_type::job_type;
  using place = typename seat_type::place;
  using value_type = typename Fold::value_type;

 public:
  fold_loop(I first, std::size_t count, std::size_t grain, Fold& fold) noexcept
      : seat_type::loop{&split}, first_(first), left_(count), grain_(grain), fold_(fold) {}
  fold_loop(const fold_loop&) = delete;
  fold_loop& operator=(const fold_loop&) = delete;

  value_type run(value_type value) {
    seat_type* const seat = Here::seat();
    typename seat_type::entry* at = nullptr;
    if (seat == nullptr || left_ <= grain_ || !seat->enter(at, *this)) {
      while (left_ != 0) value = step(std::move(value));
      return value;
    }
    {
      leaving until{*seat, at, *this};
      while (left_ != 0) {
        value = step(std::move(value));
        if (seat->is_asked()) [[unlikely]]
          (void)seat->answer();
      }
      until.thrown = false;
    }
    if (used_ == 0) [[likely]]
      return value;
    dropping rest{*seat, *this};
    while (used_ != 0) {
      piece& p = pieces_[--used_];
      if (seat->take_piece(p)) {
        fold_loop again(p.first, p.count, grain_, fold_);
        value = fold_.join(std::move(value), again.run(fold_.identity()));
      } else {
        value = fold_.join(std::move(value), p.take());
      }
    }
    return value;
  }

 private:
  struct piece : fork_answer<typename Here::atomics_type, value_type> {
    static void begin(void* at, job_type& job) noexcept {
      auto& self = *static_cast<piece*>(static_cast<place*>(at));
      self.fill(job, [&] {
        return fold_loop(self.first, self.count, self.of->grain_, self.of->fold_).run(self.of->fold_.identity());
      });
    }
    fold_loop* of;
    I first;
    std::size_t count;
  };
  struct leaving {
    seat_type& seat;
    typename seat_type::entry* at;
    fold_loop& loop;
    bool thrown = true;
    ~leaving() {
      seat.leave(at);
      if (thrown) loop.drop_pieces(seat);
    }
  };
  struct dropping {
    seat_type& seat;
    fold_loop& loop;
    ~dropping() { loop.drop_pieces(seat); }
  };

  value_type step(value_type value) {
    const I from = first_;
    const std::size_t now = left_ > grain_ ? grain_ : left_;
    const I to = loop_advance(from, now);
    first_ = to, left_ -= now;  // before: what is inside may cut off more
    return fold_.step(std::move(value), from, to);
  }
  void drop_pieces(seat_type& seat) noexcept {
    while (used_ != 0)
      if (piece& p = pieces_[--used_]; !seat.take_piece(p)) p.drop();
  }
  static typename job_type::body split(typename seat_type::loop& l, place*& where, bool undo) noexcept {
    auto& self = static_cast<fold_loop&>(l);
    if (undo) {
      self.left_ += self.pieces_[--self.used_].count;
      return nullptr;
    }
    if (self.left_ <= self.grain_ || self.used_ == most_pieces) return nullptr;
    piece& p = self.pieces_[self.used_++];
    p.of = &self;
    p.count = (self.left_ + 1) / 2;
    self.left_ -= p.count;
    p.first = loop_advance(self.first_, self.left_);
    where = &p;
    return &piece::begin;
  }

  static constexpr unsigned most_pieces = 6;
  I first_;           // behind the step that runs
  std::size_t left_;  // from there on
  const std::size_t grain_;
  Fold& fold_;
  unsigned used_ = 0;
  piece pieces_[most_pieces];
};

template <class Body>
struct for_fold {
  using value_type = unit;
  Body& body;
  template <class I>
  unit step(unit, I from, I to) {
    for (; from != to; ++from) static_cast<void>(body(loop_element(from)));
    return {};
  }
  static unit join(unit, unit) noexcept { return {}; }
  static unit identity() noexcept { return {}; }
};

template <class T, class Map, class Combine>
struct reduce_fold {
  using value_type = T;
  const T& neutral;
  Map& map;
  Combine& combine;
  template <class I>
  T step(T sum, I from, I to) {
    for (; from != to; ++from) sum = combine(std::move(sum), map(loop_element(from)));
    return sum;
  }
  T join(T a, T b) { return combine(std::move(a), std::move(b)); }
  T identity() const { return neutral; }
};

template <class Here>
struct fork_join_functions {
  // Runs a() and b() and answers both results as a pair; `unit` stands for void.
  template <std::invocable A, std::invocable B>
  FRYS_ALWAYS_INLINE static auto join(A&& a, B&& b) {
    return join_here<Here>(a, b);
  }
  // Three and more: a(), and the rest, likewise.
  template <std::invocable A, std::invocable B, std::invocable... More>
  requires(sizeof...(More) > 0) static auto join(A&& a, B&& b, More&&... more) {
    auto rest = [&] { return join(b, more...); };
    return join_here<Here>(a, rest);
  }

  // body(i) for each i of [first, last); an iterator's body gets the element. `grain` elements at least are one step,
  // between which it looks whether somebody asks: at a few ns each 1 serves any body, more lets the compiler do better.
  template <loop_index I, class Body>
  static void parallel_for(I first, I last, std::size_t grain, Body&& body) {
    for_fold<std::remove_reference_t<Body>> fold{body};
    (void)fold_loop<Here, I, decltype(fold)>(first, loop_length(first, last), grain == 0 ? 1 : grain, fold).run({});
  }

  // combine(map(first), map(first + 1), ...): in their order, bracketed anyhow, so combine must be associative and
  // identity its neutral value.
  template <loop_index I, class T, class Map, class Combine>
  [[nodiscard]] static T parallel_reduce(I first, I last, std::size_t grain, T identity, Map&& map, Combine&& combine) {
    using fold_type = reduce_fold<T, std::remove_reference_t<Map>, std::remove_reference_t<Combine>>;
    fold_type fold{identity, map, combine};
    return fold_loop<Here, I, fold_type>(first, loop_length(first, last), grain == 0 ? 1 : grain, fold).run(identity);
  }

  // For a piece that runs long without forking: hands over a fork if somebody asked. One load.
  FRYS_ALWAYS_INLINE static void tick() noexcept {
    if (auto* const seat = Here::seat(); seat != nullptr && seat->is_asked()) [[unlikely]]
      (void)seat->answer();
  }
};

#if FRYS_HAS_THREAD
using fork_join_here = fork_here<atomics::standard, os_threads>;
#endif

}  // namespace detail

#if FRYS_HAS_THREAD

// The functions below serve the threads of every scheduler with the default policy::atomics and policy::threads. One
// with others has them as its own static members.

// Runs a(), b() and so on, in parallel where a worker has nothing better to do; answers the results as a pair, `unit`
// for void: join(a, b, c) is join(a, [] { return join(b, c); }).
template <std::invocable A, std::invocable B, std::invocable... More>
FRYS_ALWAYS_INLINE auto join(A&& a, B&& b, More&&... more) {
  return detail::fork_join_functions<detail::fork_join_here>::join(a, b, more...);
}

// body(i) for each i of [first, last); of iterators, body(*i). At least `grain` of them are one step.
template <detail::loop_index I, class Body>
void parallel_for(I first, I last, std::size_t grain, Body&& body) {
  detail::fork_join_functions<detail::fork_join_here>::parallel_for(first, last, grain, body);
}
template <detail::loop_index I, class Body>
requires std::invocable<Body&, decltype(detail::loop_element(std::declval<I>()))>
void parallel_for(I first, I last, Body&& body) {
  detail::fork_join_functions<detail::fork_join_here>::parallel_for(first, last, 1, body);
}

// combine over map(i) of [first, last), in their order; combine is associative, `identity` its neutral value.
template <detail::loop_index I, class T, class Map, class Combine>
[[nodiscard]] T parallel_reduce(I first, I last, std::size_t grain, T identity, Map&& map, Combine&& combine) {
  return detail::fork_join_functions<detail::fork_join_here>::parallel_reduce(first, last, grain, std::move(identity),
                                                                              map, combine);
}

// For a piece that runs long without forking: hands over a fork if somebody asked. One load.
FRYS_ALWAYS_INLINE void tick() noexcept { detail::fork_join_functions<detail::fork_join_here>::tick(); }

#endif  // FRYS_HAS_THREAD

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_FORK_JOIN_HPP
