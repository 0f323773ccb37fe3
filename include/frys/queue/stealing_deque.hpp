// stealing_deque: a stack of one thread, from whose far end other threads may steal.
//
// Use when  each worker keeps its own work, newest first, and workers that have none take from others, oldest first.
// Not when  the work belongs to nobody (mpmc_ring), or goes one way (spsc_ring, mpsc_queue).
// Roles     owner(): a handle for the one thread that pushes and pops. thief(): a handle for anybody. An operation of
//           the other role does not compile. The owner's role may move to another thread if something orders the
//           hand-over.
// Progress  push and pop are wait-free: they try again once per value stolen meanwhile, at most. (A push that grows
//           moves all values.) Stealing is lock-free: who loses a race tries again, and somebody has won it. A thief
//           stopped in the middle of a steal keeps what it has claimed, and its eighth of the slots: a fixed deque may
//           then answer full a lap later, a growing one grows.
// Cost      push and pop: O(1); no read-modify-write, no fence, one load of a line that hardly ever changes; at the
//           slots' end and beginning a step more. When the owner's own part is used up, a compare-exchange for half of
//           the rest. A steal, of one value or of many: one compare-exchange and a fetch_add for each eighth of the
//           slots that it touches.
// Two parts the older values are shared, the newer ones the owner's own: a deque whose last value can be stolen at any
//           time needs a fence or a read-modify-write in each pop (H. Attiya et al., POPL 2011). When nothing is
//           shared, the owner's next push shares half of what was its own before, and its next pop half of what is
//           left, a value at least. So a value alone stays the owner's until a push or pop behind it. share() gives all
//           away at once: call it before a long piece of work.
// Ordering  linearizable as a deque: pop takes the newest value and answers empty only when there is none; a steal
//           takes the oldest. Relaxed in one place: a steal that answers empty says that nothing was shared. What the
//           owner did before a push, and before close(), happens-before what a thief does that has the value, or
//           closed.
// Close     close(): the owner pushes no more; all that is left is shared; pops and steals hand it out, then answer
//           closed. Closed is told when nothing is left to take.
// Lifetime  destroy it when no other thread can call it; values left in it are destroyed. No handle may outlive it.
//
// Policies, in any order, each at most once:
//   policy::capacity<N>    N slots in the object, a power of two; a full deque answers full.      default: it grows
//                          After steals up to an eighth of the slots may wait for the rest of their block.
//   policy::pages<P>       where a growing one has its memory from                                default heap_pages
//   policy::chunk_size<N>  bytes of a growing one's first memory; it doubles from there           default 4096
//   policy::stats<S>       stats::counted: stats() answers how often it was full, empty, stolen from,
//                          contended, and how often it grew, see queue/stats.hpp; a steal then has
//                          one more read-modify-write                                            default stats::none
//   policy::atomics<A>     the atomics model                                                      default standard
// Source    the split: T. van Dijk, J. van de Pol, "Lace", Euro-Par 2014 workshops; U. Acar, A. Chargueraud, M. Rainey,
//           "Scheduling parallel programs by work stealing with private deques", PPoPP 2013. Blocks that count what was
//           carried away: J. Wang et al., "BWoS", OSDI 2023. Here both borders stand in one word, so that a claim needs
//           no fence; and a value is read after its claim: no tag against ABA, and any element type.
#ifndef FRYS_QUEUE_STEALING_DEQUE_HPP
#define FRYS_QUEUE_STEALING_DEQUE_HPP

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/cache_line.hpp"
#include "../core/concepts.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "detail/deque_slots.hpp"
#include "result.hpp"
#include "stats.hpp"

namespace frys::inline FRYS_ABI {

template <class T, class... Policies>
class stealing_deque {
  using accepted = policy::keys<policy::capacity_key, policy::pages_key, policy::chunk_size_key, policy::stats_key,
                                policy::atomics_key>;
  static_assert(accepted::template known<Policies...>,
                "frys::stealing_deque: unknown policy; it takes policy::capacity, policy::pages, policy::chunk_size, "
                "policy::stats, policy::atomics and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::stealing_deque: a policy is given twice; name each at most once");
  static_assert(queue_element<T>,
                "frys::stealing_deque<T>: T must be an object type that moves and dies without throwing");
  static_assert(alignof(T) <= page_size, "frys::stealing_deque<T>: T must not be aligned beyond a page (4096 bytes)");

 public:
  using value_type = T;
  using atomics_type = typename policy::pick<policy::atomics<atomics::standard>, Policies...>::type;
  using pages_type = typename policy::pick<policy::pages<heap_pages>, Policies...>::type;
  static_assert(atomics_model<atomics_type>,
                "frys::stealing_deque: policy::atomics wants an atomics model, see core/atomics.hpp");
  static_assert(page_source<pages_type>,
                "frys::stealing_deque: policy::pages wants a page source, see core/concepts.hpp");
  using stats_type = typename policy::pick<policy::stats<frys::stats::none>, Policies...>::type;
  static_assert(queue_stats<stats_type, atomics_type>,
                "frys::stealing_deque: policy::stats wants stats::none, stats::counted or a model of its own, see "
                "queue/stats.hpp");
  // 0: it grows.
  static constexpr std::size_t capacity = policy::pick<policy::capacity<0>, Policies...>::value;
  static_assert(capacity == 0 || std::has_single_bit(capacity),
                "frys::stealing_deque: policy::capacity must be a power of two");
  static_assert(
      capacity == 0 || (std::is_void_v<typename policy::detail::find<policy::pages_key, Policies...>::type> &&
                        std::is_void_v<typename policy::detail::find<policy::chunk_size_key, Policies...>::type>),
      "frys::stealing_deque: policy::capacity puts the slots into the object; it goes without policy::pages and "
      "policy::chunk_size");
  static_assert(capacity <= std::size_t{1} << 30, "frys::stealing_deque: policy::capacity is 2^30 at most");

 private:
  using owner_side = typename stats_type::template side<atomics_type, true>;
  using thief_side = typename stats_type::template side<atomics_type, false>;
  static constexpr bool shows = detail::counting_side<owner_side> && detail::counting_side<thief_side>;

 public:
  class owner_type;
  class thief_type;

  stealing_deque() noexcept {
    cursor_ = slots_.first();
    post(false, 0);
  }
  stealing_deque(const stealing_deque&) = delete;
  stealing_deque& operator=(const stealing_deque&) = delete;
  ~stealing_deque() {
    if constexpr (!std::is_trivially_destructible_v<T>)
      while (pop()) {
      }
  }

  // The one owner's handle; the next only after the last has died, ordered by the caller.
  [[nodiscard]] owner_type owner() noexcept { return owner_type(*this); }
  // Any thread. As many as you like; they may be copied.
  [[nodiscard]] thief_type thief() noexcept { return thief_type(*this); }
  // Any thread. With a policy::stats that counts, see stats.hpp.
  [[nodiscard]] deque_statistics stats() const noexcept requires shows {
    deque_statistics out;
    out.full = pushes_.refusals(), out.empty = pops_.refusals(), out.growths = growths_.get();
    out.stolen = stolen_.get(), out.empty_steals = steals_.refusals(), out.lost_steal_races = steals_.lost_races();
    return out;
  }

  // What the owner may do. Moves, does not copy; one thread at a time.
  class owner_type {
   public:
    owner_type(owner_type&& other) noexcept : deque_(std::exchange(other.deque_, nullptr)) {}
    owner_type& operator=(owner_type&& other) noexcept {
      std::swap(deque_, other.deque_);
      return *this;
    }
    ~owner_type() {
      if (deque_ != nullptr) deque_->end_owner();
    }

    // At the newest end. On full (a fixed deque has no room, or the memory source refused) and closed the value is
    // untouched.
    push_result try_push(T&& value) noexcept { return deque_->emplace(std::move(value)); }
    push_result try_push(const T& value) noexcept requires std::is_nothrow_copy_constructible_v<T> {
      return deque_->emplace(value);
    }
    // Builds T(args...) in its slot.
    template <class... Args>
    requires std::is_nothrow_constructible_v<T, Args...> push_result try_emplace(Args&&... args)
    noexcept { return deque_->emplace(std::forward<Args>(args)...); }
    // Moves in as many of `values` as there is room for, the last one becoming the newest, and answers how many.
    [[nodiscard]] std::size_t push_some(std::span<T> values) noexcept { return deque_->push_some(values); }

    // The newest value.
    pop_result<T> try_pop() noexcept { return deque_->pop(); }

    // From now until the next pop, thieves can have all that is in the deque.
    void share() noexcept { deque_->share(); }
    // No more pushes; shares all. Again is harmless.
    void close() noexcept { deque_->close(); }

    // Values in the deque; a thief may be taking one.
    [[nodiscard]] std::size_t size() const noexcept { return deque_->size(); }

   private:
    friend class stealing_deque;
    explicit owner_type(stealing_deque& d) noexcept : deque_(&d) { d.begin_owner(); }
    stealing_deque* deque_;
  };

  // What anybody may do, the owner too. A pointer; the same one may be used by several threads.
  class thief_type {
   public:
    // The oldest value. Empty: nothing is shared, or all has been claimed.
    pop_result<T> try_steal() const noexcept { return deque_->steal(); }
    // Moves the older half (rounded up) of what is shared, out.size() values at most, to `out`, oldest first, and
    // answers how many; all of them by one claim.
    [[nodiscard]] std::size_t steal_batch(
        std::span<T> out) const noexcept requires std::is_nothrow_move_assignable_v<T> {
      return deque_->steal_to(out);
    }
    // The same, to the newest end of another deque by its owner: `most` values, as far as there is room.
    [[nodiscard]] std::size_t steal_batch(owner_type& to, std::size_t most = 32) const noexcept {
      return deque_->steal_to(*to.deque_, most);
    }

    // True once it is closed and nothing is left to take.
    [[nodiscard]] bool is_drained() const noexcept { return deque_->is_drained(); }
    // How many values are shared; may be stale on return.
    [[nodiscard]] std::size_t size_hint() const noexcept { return deque_->shared_now(); }

   private:
    friend class stealing_deque;
    explicit thief_type(stealing_deque& d) noexcept : deque_(&d) {}
    stealing_deque* deque_;
  };

 private:
  template <class U>
  using atomic = typename atomics_type::template atomic<U>;
  using slots_type =
      std::conditional_t<capacity != 0, detail::fixed_deque_slots<T, atomics_type, capacity>,
                         detail::growing_deque_slots<T, atomics_type, pages_type,
                                                     policy::pick<policy::chunk_size<4096>, Policies...>::value>>;
  using round = typename slots_type::round;
  using place = detail::slot<T>;
  using index = std::uint64_t;

  // Both borders of the shared part, top (the oldest value) below and split above it, modulo twice the most values; the
  // number of the round; known_bit: nothing is shared and the owner knows; closed_bit. Thieves move top, the owner the
  // rest. That a word may come back is harmless: it says all there is to say, and slots are read after the claim.
  static constexpr unsigned bits = slots_type::index_bits;
  using word = std::conditional_t<(2 * bits + slots_type::round_bits + 2 <= 32), std::uint32_t, std::uint64_t>;
  static_assert(2 * bits + slots_type::round_bits + 2 <= 8 * sizeof(word));
  static constexpr word closed_bit = word{1} << (8 * sizeof(word) - 1);
  static constexpr word known_bit = closed_bit >> 1;
  static constexpr word index_mask = (word{1} << bits) - 1;
  static constexpr word round_mask = (word{1} << slots_type::round_bits) - 1;

  static constexpr word top_of(word w) noexcept { return w & index_mask; }
  static constexpr word shared_in(word w) noexcept { return ((w >> bits) - w) & index_mask; }
  static constexpr unsigned round_of(word w) noexcept { return static_cast<unsigned>((w >> (2 * bits)) & round_mask); }
  static constexpr word with_top_moved(word w, word by) noexcept { return (w & ~index_mask) | ((w + by) & index_mask); }
  // Owner.
  static constexpr word with_split(word w, index split) noexcept {
    w = (w & ~(known_bit | index_mask << bits)) | ((static_cast<word>(split) & index_mask) << bits);
    return shared_in(w) == 0 ? w | known_bit : w;
  }

  // ---- the owner

  void begin_owner() noexcept {
#if FRYS_HARDENED
    // relaxed: a check of the caller, not an order
    FRYS_ASSERT(!owned_.exchange(true, std::memory_order_relaxed), "stealing_deque::owner: there is an owner already");
#endif
  }
  void end_owner() noexcept {
#if FRYS_HARDENED
    owned_.store(false, std::memory_order_relaxed);  // relaxed: as above
#endif
  }

  template <class... Args>
  push_result emplace(Args&&... args) noexcept {
    place* at = cursor_;
    // relaxed: a post, not an order; what is shared is published by the word
    if (address(at) >= limit_.load(std::memory_order_relaxed)) [[unlikely]] {
      if (const push_result got = before_push(); !got) return got;
      at = cursor_;
    }
    std::construct_at(&at->value, std::forward<Args>(args)...);
    cursor_ = at + 1;
    return push_result::ok;
  }

  pop_result<T> pop() noexcept {
    place* const at = cursor_;
    if (address(at) <= floor_.load(std::memory_order_relaxed)) [[unlikely]]  // relaxed: as in emplace
      return slow_pop();
    return take(at - 1);
  }

  // at: cursor_ - 1, read before the atomic, since compilers read it again behind one.
  pop_result<T> take(place* at) noexcept {
    pop_result<T> out(std::in_place, std::move(at->value));
    std::destroy_at(&at->value);
    cursor_ = at;
    return out;
  }

  // One above the newest value.
  [[nodiscard]] index bottom() noexcept { return lap_ + static_cast<index>(cursor_ - slots_.first()); }
  // False: that is another lap, and limit_ and floor_ must be posted again.
  bool set_bottom(index to) noexcept {
    const bool same = to - lap_ <= slots_.count();
    if (!same) lap_ = to & ~(slots_.count() - 1);
    cursor_ = slots_.first() + (to - lap_);
    return same;
  }
  // Where the cursor would stand with that bottom, as far as it can in this lap.
  [[nodiscard]] std::uintptr_t in_this_lap(index to) noexcept {
    const index most = slots_.count();
    return address(slots_.first() + (to < lap_ ? 0 : (std::min)(to - lap_, most)));
  }
  static std::uintptr_t address(const place* at) noexcept { return reinterpret_cast<std::uintptr_t>(at); }

  std::size_t push_some(std::span<T> values) noexcept {
    std::size_t done = 0;
    bool posted = true;
    while (done < values.size()) {
      if (bottom() >= room_) {
        const push_result got = make_room();
        if (done == 0 && got.is_full()) pushes_.refused();
        if (!got) break;
      }
      const index b = bottom();
      const index count = (std::min)(static_cast<index>(values.size() - done), room_ - b);
      for (index i = 0; i < count; ++i)
        std::construct_at(&slots_.own(b + i), std::move(values[done + static_cast<std::size_t>(i)]));
      posted &= set_bottom(b + count);
      done += static_cast<std::size_t>(count);
    }
    if (done != 0) settle_after_more(posted);
    return done;
  }
  void settle_after_more(bool posted) noexcept {
    // relaxed: as in emplace
    if (!posted || address(cursor_) > limit_.load(std::memory_order_relaxed)) settle(bottom() - 1);
  }

  // The cursor has reached limit_: no room, or nothing is shared, or the lap ends.
  FRYS_NOINLINE push_result before_push() noexcept {
    if (bottom() >= room_) {
      if (const push_result got = make_room(); !got) {
        if (got.is_full()) pushes_.refused();
        // relaxed: as in emplace. Who pushes again until there is room must let thieves make it.
        if (got.is_full() && limit_.load(std::memory_order_relaxed) != in_this_lap(room_)) settle(bottom());
        return got;
      }
    }
    if (cursor_ == slots_.first() + slots_.count()) {
      lap_ += slots_.count();
      cursor_ = slots_.first();
    }
    settle(bottom());
    return push_result::ok;
  }

  // The cursor is at floor_ or below: the owner's part is used up, or nothing is shared, or the lap begins.
  FRYS_NOINLINE pop_result<T> slow_pop() noexcept {
    if (bottom() == split_) {
      if (const pop_status got = take_back(); got != pop_status::value) {
        pops_.refused();
        return got;
      }
      return take(cursor_ - 1);
    }
    to_earlier_lap();
    pop_result<T> out = take(cursor_ - 1);
    settle(bottom());
    return out;
  }
  void to_earlier_lap() noexcept {
    if (cursor_ != slots_.first()) return;
    lap_ -= slots_.count();
    cursor_ = slots_.first() + slots_.count();
  }

  // Where the owner's fast path ends. Always before the word is written: a thief that empties a part which we shared
  // has acquired our word, so that its hint stands and not this. relaxed, both: that is the order.
  void post(bool some_shared, index split) noexcept {
    limit_.store(in_this_lap(some_shared ? room_ : (std::min)(split + 1, room_)), std::memory_order_relaxed);
    floor_.store(in_this_lap(split), std::memory_order_relaxed);
  }
  // Any thread: nothing is shared, the owner should think of it.
  void hint() noexcept {
    limit_.store(0, std::memory_order_relaxed);  // relaxed, both: see post
    floor_.store(~std::uintptr_t{0}, std::memory_order_relaxed);
  }

  // The owner thinks: shares half of its own part up to `end`, if there is one. Most often nothing is shared now; where
  // a hint came late something is, and then it is written all the same, so that no other hint is lost.
  void settle(index end) noexcept {
    const index more = (end - split_ + 1) / 2;
    word w = word_.load(std::memory_order_relaxed);  // relaxed: if it says empty, then it is the last: ours
    while (shared_in(w) != 0) {
      post(true, split_ + more);
      // sync(stealing_deque.share): release; the values are whole before a thief can claim them, and the round is
      // there. relaxed: on failure another guess
      if (word_.compare_exchange_weak(w, with_split(w, split_ + more), std::memory_order_release,
                                      std::memory_order_relaxed)) {
        split_ += more;
        return;
      }
    }
    post(more != 0, split_ + more);
    split_ += more;
    write_over_empty(w);
  }

  // Nothing is shared, says w. A plain store: nobody else moves a border of an empty part.
  void write_over_empty(word w) noexcept {
    // sync(stealing_deque.share): release, as in settle.
    if (const word next = with_split(w, split_); next != w) word_.store(next, std::memory_order_release);
  }

  // The owner's part is empty: takes back half of what is shared. (After close: the one to be popped.)
  pop_status take_back() noexcept {
    word w = word_.load(std::memory_order_relaxed);  // relaxed: a guess
    for (;;) {
      const index shared = shared_in(w);
      if (shared == 0) {
        post(false, split_);  // also where thieves took what we had posted for
        write_over_empty(w);
        return closing_ ? pop_status::closed : pop_status::empty;
      }
      to_earlier_lap();
      const index back = closing_ ? 1 : (shared + 1) / 2;
      post(back != shared, split_ - back);
      // These values are our own, no thief has touched them; and a read-modify-write keeps published what stays shared.
      // sync(stealing_deque.share): release for the posts, lest they overwrite a hint. relaxed: another guess.
      if (word_.compare_exchange_weak(w, with_split(w, split_ - back), std::memory_order_release,
                                      std::memory_order_relaxed)) {
        split_ -= back;
        return pop_status::value;
      }
    }
  }

  // There is no room: the next block, if it is free.
  push_result make_room() noexcept {
    if (closing_) return push_result::closed;
    if constexpr (slots_type::grows) {
      if (!slots_.has_round() || !slots_.current().is_free(room_)) return grow();
    } else {
      if (!slots_.current().is_free(room_)) return push_result::full;
    }
    room_ += slots_.current().block;
    return push_result::ok;
  }

  // Moves all values to a round of twice the size, where they get indices from 0 on.
  push_result grow() noexcept {
    round* const larger = slots_.make_larger();
    if (larger == nullptr) return push_result::full;
    word w = word_.load(std::memory_order_relaxed);  // relaxed: a guess
    // Take all back, so that nobody claims what moves. relaxed, both: these values are our own, nothing stays shared.
    while (shared_in(w) != 0 && !word_.compare_exchange_weak(w, with_split(w, split_ - shared_in(w)),
                                                             std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
    const index shared = shared_in(w);
    const index top = split_ - shared;
    const index count = bottom() - top;
    for (index i = 0; i < count; ++i) {
      T& value = slots_.own(top + i);
      std::construct_at(&larger->at(i), std::move(value));
      std::destroy_at(&value);
    }
    slots_.use(larger);
    growths_.set(slots_.number() + 1);
    lap_ = 0;
    cursor_ = slots_.first() + count;
    split_ = shared;
    room_ = larger->capacity;
    post(shared != 0, split_);
    // sync(stealing_deque.share): release; as in settle. The part is empty, so nobody else moves a border now.
    word_.store(with_split(static_cast<word>(slots_.number()) << (2 * bits), split_), std::memory_order_release);
    return push_result::ok;
  }

  void share() noexcept {
    word w = word_.load(std::memory_order_relaxed);  // relaxed: a guess
    const index all = bottom();
    while (all != split_) {
      post(true, all);
      // sync(stealing_deque.share): release, as in settle. relaxed: on failure another guess
      if (word_.compare_exchange_weak(w, with_split(w, all), std::memory_order_release, std::memory_order_relaxed))
        split_ = all;
    }
  }

  void close() noexcept {
    closing_ = true;
    room_ = 0;  // so that a push asks why
    const index all = bottom();
    post(true, all);
    word w = word_.load(std::memory_order_relaxed);  // relaxed: a guess
    // sync(stealing_deque.share): release, as in settle. sync(stealing_deque.close): release; who is told closed sees
    // what we did before. relaxed: on failure another guess.
    while (!word_.compare_exchange_weak(w, with_split(w, all) | closed_bit, std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
    split_ = all;
  }

  std::size_t size() noexcept { return static_cast<std::size_t>(bottom() - split_) + shared_now(); }

  // ---- thieves

  pop_result<T> steal() noexcept {
    word w = 0;
    if (claim(w, [](word) { return word{1}; }) == 0) return none(w);
    round& r = slots_.of(round_of(w));
    T& value = r.at(top_of(w));
    pop_result<T> out(std::in_place, std::move(value));
    std::destroy_at(&value);
    r.vacate(top_of(w), 1);
    return out;
  }

  std::size_t steal_to(std::span<T> out) noexcept {
    if (out.empty()) return 0;
    word w = 0;
    const word count = claim(w, half_of(out.size()));
    if (count == 0) return (void)none(w), 0;
    round& r = slots_.of(round_of(w));
    for (word i = 0; i < count; ++i) {
      T& value = r.at(index{top_of(w)} + i);
      out[static_cast<std::size_t>(i)] = std::move(value);
      std::destroy_at(&value);
    }
    r.vacate(top_of(w), count);
    return static_cast<std::size_t>(count);
  }

  std::size_t steal_to(stealing_deque& to, std::size_t most) noexcept {
    FRYS_ASSERT(&to != this, "stealing_deque::steal_batch: from a deque to itself");
    if (most == 0 || (to.bottom() >= to.room_ && !to.make_room())) return 0;
    const index at = to.bottom();
    word w = 0;
    const word count = claim(w, half_of((std::min)(static_cast<index>(most), to.room_ - at)));
    if (count == 0) return (void)none(w), 0;
    round& from = slots_.of(round_of(w));
    for (word i = 0; i < count; ++i) {
      T& value = from.at(index{top_of(w)} + i);
      std::construct_at(&to.slots_.own(at + i), std::move(value));
      std::destroy_at(&value);
    }
    from.vacate(top_of(w), count);
    to.settle_after_more(to.set_bottom(at + count));
    return static_cast<std::size_t>(count);
  }

  static auto half_of(index most) noexcept {
    return [most](word shared) { return static_cast<word>((std::min)(most, (index{shared} + 1) / 2)); };
  }

  // Claims how_many(shared) of the oldest values. Answers the number, 0 if there are none, and the word as it was.
  template <class F>
  word claim(word& w, F how_many) noexcept {
    w = word_.load(std::memory_order_relaxed);  // relaxed: a guess, and if empty no more than that
    for (;;) {
      const word shared = shared_in(w);
      if (shared == 0) return 0;
      const word count = how_many(shared);
      // sync(stealing_deque.share): acquire; with relaxed we could read the slots, or miss their round, as they were
      // before. relaxed: on failure another guess.
      if (word_.compare_exchange_weak(w, with_top_moved(w, count), std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        if (count == shared) hint();
        stolen_.add(count);
        return count;
      }
      steals_.lost_race();
    }
  }

  // Nothing is shared: says so to the owner, unless that has been said.
  pop_status none(word w) noexcept {
    steals_.refused();
    if ((w & closed_bit) != 0) {
      (void)word_.load(std::memory_order_acquire);  // sync(stealing_deque.close): acquire; the same word again
      return pop_status::closed;
    }
    // Hints go to the owner from whoever takes the last value. But that thread may have been stopped before it did:
    // we do it too unless the owner knows. relaxed: a hint
    if ((w & known_bit) == 0 && limit_.load(std::memory_order_relaxed) != 0) hint();
    return pop_status::empty;
  }

  bool is_drained() const noexcept {
    const word w = word_.load(std::memory_order_acquire);  // sync(stealing_deque.close): acquire; see close
    return shared_in(w) == 0 && (w & closed_bit) != 0;
  }
  std::size_t shared_now() const noexcept {
    return static_cast<std::size_t>(shared_in(word_.load(std::memory_order_relaxed)));  // relaxed: a number only
  }

  // The owner's own, first in the object, where instructions reach it by a byte: the core then forwards the cursor from
  // store to load by renaming, which halves the time of a push and a pop (AMD Zen 4). The cursor is a slot, or the end
  // of them: bottom() is one above the newest value, and lap_ the index that lies in the first slot. Values: from top
  // to split_ shared, from there to the cursor its own; slots are free up to room_.
  alignas(2 * cache_line) place* cursor_ = nullptr;
  index lap_ = 0;
  index split_ = 0;
  index room_ = slots_type::first_room;
  bool closing_ = false;
  [[no_unique_address]] owner_side pushes_;
  [[no_unique_address]] owner_side pops_;
  [[no_unique_address]] detail::shown_number<atomics_type, shows> growths_;
#if FRYS_HARDENED
  atomic<bool> owned_{false};
#endif
  slots_type slots_;
  // Two lines apart, because cores fetch lines in pairs. Written by thieves, and by the owner where it moves the
  // border.
  alignas(2 * cache_line) atomic<word> word_{known_bit};
  // The owner's fast path is below limit_ and above floor_, addresses of slots: limit_ is where room_ or the lap ends,
  // or where it would share something; floor_ is split_, or where the lap begins. Thieves put both out of reach when
  // they empty the shared part. So the owner reads lines that hardly ever change, and asks one question.
  alignas(2 * cache_line) atomic<std::uintptr_t> limit_{0};
  atomic<std::uintptr_t> floor_{0};
  [[no_unique_address]] thief_side steals_;
  [[no_unique_address]] detail::shown_number<atomics_type, shows> stolen_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_QUEUE_STEALING_DEQUE_HPP
