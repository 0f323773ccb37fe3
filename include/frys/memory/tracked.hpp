// tracked: an allocator that counts: bytes and blocks that are out, their peak, totals, sizes; by tag; and a profile by
// samples, as folded stacks or for pprof.
//
// Use when  it must be known who holds how much memory, in a running program.
// Not when  one number is enough (limited), or each lost block must be found (leak_checked).
// Threads   one at a time; with policy::atomics<A> any, if the inner allocator takes any. A profile may be written at
//           any time; the sink must not allocate from this allocator.
// Cost      counts: some adds; with policy::atomics three read-modify-writes to allocate and two to free. policy::tags:
//           a header before each block (the larger of 8 bytes and its alignment) and a search among the tags.
//           policy::sample_every<N>: a subtraction, and once in N bytes a walk of the stack and an entry in a table.
// Errors    the inner allocator's. Where its own tables get no pages a sample counts for a place without a name.
// Source    Poisson sampling by bytes, as tcmalloc and pprof have it: each byte is chosen with the same probability, so
//           what is told is right on average for any mix of sizes; a block is weighed by its chance to be seen.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>       the counts are shared by threads              default none: one thread
//   policy::tags<N>          count by tag too, up to N of them             default none
//   policy::sample_every<N>  one sample in N bytes, on average             default none
//   policy::stacks<S>        what a sample knows beside tag, file and line default stacks::none
//   policy::random<R>        the dice of the samples                       default its own
//   policy::pages<P>         where the tables of samples lie               default os_pages
#ifndef FRYS_MEMORY_TRACKED_HPP
#define FRYS_MEMORY_TRACKED_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/hash.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "allocator_ref.hpp"
#include "detail/block_table.hpp"
#include "detail/sharing.hpp"
#include "detail/site_table.hpp"
#include "detail/text_line.hpp"
#include "detail/wrapped.hpp"
#include "diagnostics.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

namespace policy {
struct tags_key {};          // a number of tags
struct sample_every_key {};  // a number of bytes

template <std::size_t N>
struct tags {
  using key = tags_key;
  static constexpr std::size_t value = N;
};
template <std::size_t Bytes>
struct sample_every {
  using key = sample_every_key;
  static constexpr std::size_t value = Bytes;
};
}  // namespace policy

struct memory_counts {
  std::uint64_t live_bytes = 0;   // asked for and not given back
  std::uint64_t peak_bytes = 0;   // the most that live_bytes ever was
  std::uint64_t live_count = 0;   // blocks
  std::uint64_t total_bytes = 0;  // asked for so far
  std::uint64_t total_count = 0;
  std::uint64_t refused = 0;  // by the inner allocator
};

namespace detail {

// The dice of the samples: splitmix64.
class sampling_dice {
 public:
  constexpr explicit sampling_dice(std::uint64_t seed) noexcept : state_(seed) {}
  constexpr std::uint64_t operator()() noexcept { return hash_integer(state_ += 0x9e3779b97f4a7c15u); }

 private:
  std::uint64_t state_;
};

// -ln(u / 2^64) for u > 0, to nine digits: ln by the series of atanh, so that no mathematics library is needed.
constexpr double minus_log(std::uint64_t u) noexcept {
  const int log2 = 63 - std::countl_zero(u);
  const double m = static_cast<double>(u) / static_cast<double>(std::uint64_t{1} << log2);  // 1 <= m <= 2
  const double z = (m - 1) / (m + 1), zz = z * z;
  double sum = 0, power = z;
  for (int k = 1; k < 24; k += 2, power *= zz) sum += power / k;
  return (64 - log2) * 0.69314718055994530942 - 2 * sum;
}
// 1 - e^-x for x >= 0.
constexpr double chance_within(double x) noexcept {
  if (x > 40) return 1;
  if (x < 0.5) {  // the series itself, because the difference would lose all digits
    double sum = 0, term = x;
    for (int k = 2; k < 16; ++k, term *= -x / (k - 1)) sum += term;
    return sum;
  }
  double y = 1, term = 1;
  const double small_x = x / 64;
  for (int k = 1; k < 12; ++k) y += term *= -small_x / k;
  for (int k = 0; k < 6; ++k) y *= y;
  return 1 - y;
}

}  // namespace detail

template <class A, class... Policies>
class tracked : public detail::wrapped<A> {
  using accepted = policy::keys<policy::atomics_key, policy::tags_key, policy::sample_every_key, policy::stacks_key,
                                policy::random_key, policy::pages_key>;
  static_assert(raw_allocator<A>, "frys::tracked<A>: A must be a raw_allocator, see core/concepts.hpp");
  static_assert(accepted::template known<Policies...>,
                "frys::tracked: unknown policy; it takes policy::atomics, policy::tags, policy::sample_every, "
                "policy::stacks, policy::random, policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::tracked: a policy is given twice; name each at most once");
  using base = detail::wrapped<A>;
  using base::inner_;

 public:
  using atomics_type = detail::sharing<Policies...>;
  static_assert(atomics_model<atomics_type>,
                "frys::tracked: policy::atomics wants an atomics model, see core/atomics.hpp");
  using stacks_type = typename policy::pick<policy::stacks<stacks::none>, Policies...>::type;
  static_assert(stack_walker<stacks_type>,
                "frys::tracked: policy::stacks wants a stack walker, see memory/diagnostics.hpp");
  using random_type = typename policy::pick<policy::random<detail::sampling_dice>, Policies...>::type;
  static_assert(random_source<random_type> &&
                    (std::constructible_from<random_type, std::uint64_t> || std::default_initializable<random_type>),
                "frys::tracked: policy::random wants a random source that is made of a seed or of nothing");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>, "frys::tracked: policy::pages wants a page source, see core/concepts.hpp");
  static constexpr std::size_t tag_count = policy::pick<policy::tags<0>, Policies...>::value;
  static constexpr std::size_t sample_every = policy::pick<policy::sample_every<0>, Policies...>::value;
  static_assert(tag_count <= 4096, "frys::tracked: policy::tags counts at most 4096 tags");
  static constexpr bool is_sampled = sample_every != 0;
  static_assert(is_sampled || stacks_type::depth == 0,
                "frys::tracked: policy::stacks wants policy::sample_every<bytes>; only samples know their stacks");

  // The arguments make the inner allocator.
  template <class... Args>
  requires detail::wraps_from<tracked, A, Args...>
  explicit(sizeof...(Args) == 1) tracked(Args&&... args) : base(std::in_place, std::forward<Args>(args)...) {}

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                                       const allocation_site& site = {}) noexcept {
    result<void*> memory = take(size, alignment, site);
    if (!memory) [[unlikely]] {
      all_.refused.fetch_add(1, relaxed);
      return memory;
    }
    all_.took(size);
    sizes_[size_class(size)].fetch_add(1, relaxed);
    if constexpr (is_sampled) {
      const auto step = static_cast<std::int64_t>(size);
      if (sampling_.left.fetch_sub(step, relaxed) <= step) [[unlikely]]
        sample(*memory, size, site);
    }
    return memory;
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    all_.gave(size);
    if constexpr (is_sampled)
      // relaxed: who gives a block back was handed it after its sample was counted here.
      if (sampling_.filter[filter_of(memory)].load(relaxed) != 0) [[unlikely]]
        forget(memory);
    if constexpr (tag_count != 0) {
      std::uint32_t number = 0;
      std::memcpy(&number, static_cast<std::byte*>(memory) - sizeof number, sizeof number);
      tags_.of[number].gave(size);
      const std::size_t front = front_of(alignment);
      inner_.deallocate(static_cast<std::byte*>(memory) - front, front + usable(size), aligned(alignment));
    } else {
      inner_.deallocate(memory, size, alignment);
    }
  }
  [[nodiscard]] bool owns(const void* memory) const noexcept requires owning_allocator<A> {
    return inner_.owns(memory);
  }

  [[nodiscard]] memory_counts counts() const noexcept {
    memory_counts c = all_.read();
    c.total_count = 0;
    for (const auto& n : sizes_) c.total_count += n.load(relaxed);
    c.live_count = c.total_count - (std::min)(c.total_count, static_cast<std::uint64_t>(all_.freed.load(relaxed)));
    return c;
  }
  // Blocks so far of sizes in [2^(bits - 1), 2^bits); of size 0 for bits 0.
  [[nodiscard]] std::uint64_t count_of_size(unsigned bits) const noexcept {
    return bits < size_classes ? sizes_[bits].load(relaxed) : 0;
  }
  static constexpr unsigned size_classes = 49;  // the last one counts what is larger too

  // What carries a tag; all zeros for one that was never used. Without a tag, or beyond policy::tags: "".
  [[nodiscard]] memory_counts counts_of(std::string_view tag) const noexcept requires(tag_count != 0) {
    const std::size_t number = find_tag(tag);
    if (number == not_there) return {};
    memory_counts c = tags_.of[number].read();
    c.total_count = tags_.of[number].taken.load(relaxed);
    c.live_count =
        c.total_count - (std::min)(c.total_count, static_cast<std::uint64_t>(tags_.of[number].freed.load(relaxed)));
    return c;
  }
  // f(tag, counts) for each tag that was used, the untagged as "".
  template <class F>
  requires(tag_count != 0) void for_each_tag(F&& f) const {
    f(std::string_view(), counts_of({}));
    // sync(tracked.tag): acquire; the names below are written.
    const std::uint32_t used = tags_.used.load(std::memory_order_acquire);
    for (std::uint32_t i = 1; i <= used; ++i) f(tags_.name[i].get(), counts_of(tags_.name[i].get()));
  }
  // An allocator whose blocks carry `tag`.
  [[nodiscard]] tagged_ref<tracked> tagged(std::string_view tag) noexcept { return {*this, tag}; }

  // The profile of what is out, by folded stacks: "outer;inner 123\n" with bytes, for flame graphs. write(string_view)
  // takes it in pieces. name(address, write) writes a name for a return address; without it they are numbers.
  template <class F>
  requires is_sampled void write_folded(F&& write) {
    write_folded(std::forward<F>(write), [](const void* at, auto&& text) {
      detail::text_line(text).hex(reinterpret_cast<std::uintptr_t>(at));
    });
  }
  template <class F, class Name>
  requires is_sampled void write_folded(F&& write, Name&& name) {
    held_lock hold(sampling_.lock);
    sampling_.sites.for_each([&](const auto& s) {
      if (s.live_bytes < one) return;
      for (std::size_t i = s.depth; i-- > 0;) {
        name(static_cast<const void*>(s.frames[i]), write);
        write(std::string_view(";"));
      }
      detail::text_line line(write);
      if (!s.site.tag.empty()) line << s.site.tag << ";";
      if (s.site.line != 0)
        line << s.site.file << ":" << s.site.line;
      else
        line << "(unknown)";
      line << " " << s.live_bytes / one << "\n";
    });
  }
  // The profile of what is out, and of all so far, in pprof's legacy text form, with the process's mappings.
  template <class F>
  requires is_sampled void write_pprof(F&& write) {
    held_lock hold(sampling_.lock);
    std::uint64_t sum[4] = {};
    sampling_.sites.for_each([&](const auto& s) {
      sum[0] += s.live_count, sum[1] += s.live_bytes, sum[2] += s.total_count, sum[3] += s.total_bytes;
    });
    detail::text_line line(write);
    line << "heap profile: ";
    numbers(line, sum[0], sum[1], sum[2], sum[3]) << " @ heapprofile\n";
    sampling_.sites.for_each([&](const auto& s) {
      numbers(line, s.live_count, s.live_bytes, s.total_count, s.total_bytes) << " @";
      for (std::size_t i = 0; i < s.depth; ++i) {
        line << " ";
        line.hex(reinterpret_cast<std::uintptr_t>(s.frames[i]));
      }
      if (s.depth == 0) {  // a place without a stack: its line's number stands for it
        line << " ";
        line.hex(s.hash);
      }
      line << "\n";
    });
    line << "\nMAPPED_LIBRARIES:\n";
    line.flush();
    if constexpr (requires { stacks_type::mappings(write); }) stacks_type::mappings(write);
  }
  // Samples of blocks that are out.
  [[nodiscard]] std::size_t sampled() const noexcept requires is_sampled {
    held_lock hold(sampling_.lock);
    return sampling_.blocks.size();
  }

 private:
  template <class T>
  using atomic = typename atomics_type::template atomic<T>;
  // relaxed, wherever it stands: numbers, which carry no data.
  static constexpr std::memory_order relaxed = std::memory_order_relaxed;
  static constexpr std::uint64_t one =
      256;  // weights are counted in parts of this, so that what goes cancels what came
  static constexpr std::size_t not_there = ~std::size_t{0};

  struct tally {
    atomic<std::size_t> live{0}, peak{0}, bytes{0}, taken{0}, freed{0}, refused{0};
    void took(std::size_t size) noexcept {
      detail::raise(peak, live.fetch_add(size, relaxed) + size);
      bytes.fetch_add(size, relaxed);
    }
    void gave(std::size_t size) noexcept {
      live.fetch_sub(size, relaxed);
      freed.fetch_add(1, relaxed);
    }
    memory_counts read() const noexcept {
      memory_counts c;
      c.live_bytes = live.load(relaxed);
      c.peak_bytes = peak.load(relaxed);
      c.total_bytes = bytes.load(relaxed);
      c.refused = refused.load(relaxed);
      return c;
    }
  };
  struct tag_tables {
    std::array<tally, tag_count + 1> of;  // 0: no tag
    std::array<typename atomics_type::template var<std::string_view>, tag_count + 1> name;
    atomic<std::uint32_t> used{0};
    detail::table_lock<atomics_type> lock;
  };
  struct block_sample {
    std::uint32_t site;
    std::size_t size;
  };
  struct sampler {
    atomic<std::int64_t> left{0};  // bytes to the next sample
    std::array<atomic<std::uint32_t>, 1024> filter{};
    mutable detail::table_lock<atomics_type> lock;
    detail::site_table<stacks_type::depth, pages_type> sites;
    detail::block_table<block_sample, pages_type> blocks;
    random_type dice = made_of(reinterpret_cast<std::uintptr_t>(this));
    static random_type made_of([[maybe_unused]] std::uint64_t seed) {
      if constexpr (std::constructible_from<random_type, std::uint64_t>)
        return random_type(seed);
      else
        return random_type();
    }
    sampler() { left.store(gap(), relaxed); }
    // Bytes between two samples: exponentially distributed.
    std::int64_t gap() noexcept {
      const double bytes = static_cast<double>(sample_every) * detail::minus_log(dice() | 1);
      return static_cast<std::int64_t>(bytes) + 1;
    }
  };
  struct nothing {};

  static constexpr unsigned size_class(std::size_t size) noexcept {
    return (std::min)(static_cast<unsigned>(std::bit_width(size)), size_classes - 1);
  }
  static constexpr std::size_t aligned(std::size_t alignment) noexcept {
    return (std::max)(alignment, sizeof(std::uint64_t));
  }
  static constexpr std::size_t front_of(std::size_t alignment) noexcept { return aligned(alignment); }
  // A byte at least, so that what is handed out lies in what the inner allocator owns.
  static constexpr std::size_t usable(std::size_t size) noexcept { return size == 0 ? 1 : size; }

  result<void*> take(std::size_t size, std::size_t alignment, const allocation_site& site) noexcept {
    if constexpr (tag_count == 0) {
      return detail::allocate_from(inner_, size, alignment, site);
    } else {
      const std::size_t front = front_of(alignment);
      if (size > detail::most_bytes || front > detail::most_bytes) return detail::allocator_refused(size);
      const auto number = static_cast<std::uint32_t>(tag_of(site.tag));
      result<void*> memory = detail::allocate_from(inner_, front + usable(size), aligned(alignment), site);
      if (!memory) {
        tags_.of[number].refused.fetch_add(1, relaxed);
        return memory;
      }
      std::byte* const block = static_cast<std::byte*>(*memory) + front;
      std::memcpy(block - sizeof number, &number, sizeof number);
      tags_.of[number].took(size);
      tags_.of[number].taken.fetch_add(1, relaxed);
      return static_cast<void*>(block);
    }
  }
  std::size_t find_tag(std::string_view tag) const noexcept {
    if (tag.empty()) return 0;
    // sync(tracked.tag): acquire; the names below are written.
    const std::uint32_t used = tags_.used.load(std::memory_order_acquire);
    for (std::uint32_t i = 1; i <= used; ++i)
      if (tags_.name[i].get() == tag) return i;
    return not_there;
  }
  std::size_t tag_of(std::string_view tag) noexcept {
    const std::size_t found = find_tag(tag);
    if (found != not_there) [[likely]]
      return found;
    held_lock hold(tags_.lock);
    const std::size_t again = find_tag(tag);
    if (again != not_there) return again;
    const std::uint32_t used = tags_.used.load(relaxed);  // only who holds the lock writes it
    if (used == tag_count) return 0;
    tags_.name[used + 1].ref() = tag;
    // sync(tracked.tag): release; who sees the number sees the name.
    tags_.used.store(used + 1, std::memory_order_release);
    return used + 1;
  }

  static std::size_t filter_of(const void* memory) noexcept {
    return static_cast<std::size_t>(hash_integer(reinterpret_cast<std::uintptr_t>(memory)) % 1024);
  }
  // A block's weight: what stands for it and for those of its size that were not seen.
  static std::pair<std::uint64_t, std::uint64_t> weight(std::size_t size) noexcept {
    const double bytes = static_cast<double>(size == 0 ? 1 : size);
    const double count = 1 / detail::chance_within(bytes / static_cast<double>(sample_every));
    return {static_cast<std::uint64_t>(count * one + 0.5),
            static_cast<std::uint64_t>(count * one * static_cast<double>(size) + 0.5)};
  }
  FRYS_NOINLINE void sample(void* memory, std::size_t size, const allocation_site& site) noexcept {
    std::array<void*, (std::max)(stacks_type::depth, std::size_t{1})> frames{};
    const std::size_t depth = stacks_type::walk(frames.data());
    held_lock hold(sampling_.lock);
    const std::int64_t left = sampling_.left.load(relaxed);
    // The first who came here is the sample, and sets the next one. Who comes while it does throws dice of his own: the
    // distance to a sample has no memory.
    if (left > 0 && sampling_.gap() > static_cast<std::int64_t>(size)) return;
    if (left <= 0) sampling_.left.store(sampling_.gap(), relaxed);
    const std::uint32_t number = sampling_.sites.number_of(site, frames.data(), depth);
    if (!sampling_.blocks.insert(memory, block_sample{number, size})) return;
    const auto [count, bytes] = weight(size);
    sampling_.sites.took(number, count, bytes);
    sampling_.filter[filter_of(memory)].fetch_add(1, relaxed);
  }
  FRYS_NOINLINE void forget(void* memory) noexcept {
    held_lock hold(sampling_.lock);
    const block_sample* found = sampling_.blocks.find(memory);
    if (found == nullptr) return;
    const auto [count, bytes] = weight(found->size);
    sampling_.sites.gave(found->site, count, bytes);
    sampling_.blocks.erase(memory);
    sampling_.filter[filter_of(memory)].fetch_sub(1, relaxed);
  }
  template <class Line>
  static Line& numbers(Line& line, std::uint64_t live, std::uint64_t live_bytes, std::uint64_t all,
                       std::uint64_t all_bytes) {
    const auto whole = [](std::uint64_t n) { return (n + one / 2) / one; };
    return line << whole(live) << ": " << whole(live_bytes) << " [" << whole(all) << ": " << whole(all_bytes) << "]";
  }

  tally all_;
  std::array<atomic<std::uint64_t>, size_classes> sizes_{};
  [[no_unique_address]] std::conditional_t<tag_count != 0, tag_tables, nothing> tags_;
  [[no_unique_address]] std::conditional_t<is_sampled, sampler, nothing> sampling_;
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_TRACKED_HPP
