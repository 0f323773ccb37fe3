// Any bytes are a program of allocations on every allocator, against a model that only remembers: blocks must be
// aligned, must not overlap, must keep what was written, and must be owned by whom they came from; bounds must hold;
// mistakes that are made on purpose must be told, and no others. The first byte chooses the allocator.
#include <frys/memory/arena.hpp>
#include <frys/memory/block_pool.hpp>
#include <frys/memory/fallback.hpp>
#include <frys/memory/hardened.hpp>
#include <frys/memory/heap.hpp>
#include <frys/memory/leak_checked.hpp>
#include <frys/memory/limited.hpp>
#include <frys/memory/process_heap.hpp>
#include <frys/memory/system_allocator.hpp>
#include <frys/memory/tracked.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>

namespace {

namespace policy = frys::policy;

void require(bool fact) {
  if (!fact) std::abort();
}

struct bytes {
  const std::uint8_t* at;
  std::size_t left;
  std::uint8_t take() {
    if (left == 0) return 0;
    --left;
    return *at++;
  }
};

struct block {
  std::size_t size;
  std::size_t alignment;
  std::uint8_t fill;
};

// Mistakes that hardened told of.
struct recorder {
  inline static int count = 0;
  inline static frys::violation last = frys::violation::foreign;
  static void found(const frys::memory_violation& v) noexcept {
    ++count;
    last = v.kind;
  }
};

template <class A>
class player {
 public:
  explicit player(A& a) : a_(a) {}

  // One step; false: the program is at its end.
  bool step(bytes& in) {
    if (in.left == 0) return false;
    const std::uint8_t what = in.take();
    if (what % 4 < 2) {
      take(what, in);
    } else if (!live_.empty()) {
      const auto chosen = pick(in.take());
      check(chosen);
      if (what % 4 == 2) give(chosen);
    }
    return true;
  }
  void finish() {
    while (!live_.empty()) {
      check(live_.begin());
      give(live_.begin());
    }
  }
  void forget() { live_.clear(), sum_ = 0; }
  [[nodiscard]] std::size_t sum() const { return sum_; }
  [[nodiscard]] std::size_t count() const { return live_.size(); }

  std::map<std::uintptr_t, block> live_;

 private:
  using place = std::map<std::uintptr_t, block>::iterator;
  place pick(std::uint8_t n) {
    auto it = live_.begin();
    std::advance(it, n % live_.size());
    return it;
  }
  void take(std::uint8_t what, bytes& in) {
    // Small mostly, some of pages, a few of megabytes and a few absurd ones.
    std::size_t size = in.take();
    if (what % 16 >= 12) size = size << 8 | in.take();
    if (what == 0xf0) size <<= 14;
    if (what == 0xf1) size = ~std::size_t{0} - size;
    const std::size_t alignment = std::size_t{1} << (in.take() % (what % 8 == 0 ? 13 : 7));
    auto p = a_.allocate(size, alignment);
    if (what == 0xf1) require(!p || size < 1 << 20);
    if (!p) {
      require(p.error() == frys::errc::out_of_memory || p.error() == frys::errc::limit_exceeded ||
              p.error() == frys::errc::invalid_argument);
      return;
    }
    require(*p != nullptr);
    const auto at = reinterpret_cast<std::uintptr_t>(*p);
    require(at % alignment == 0);
    const auto next = live_.lower_bound(at);
    if (size != 0) {  // a block of no bytes may lie anywhere
      require(next == live_.end() || next->first >= at + size);
      if (next != live_.begin()) {
        const auto before = std::prev(next);
        require(before->first + before->second.size <= at);
      }
      if constexpr (frys::owning_allocator<A>) require(a_.owns(*p) && a_.owns(static_cast<char*>(*p)));
    }
    const block b{size, alignment, static_cast<std::uint8_t>(live_.size() * 37 + what)};
    std::memset(*p, b.fill, size);
    if (live_.count(at) != 0) {  // only one of two at one place can be remembered
      a_.deallocate(*p, size, alignment);
      return;
    }
    live_.emplace(at, b);
    sum_ += size;
  }
  void check(place it) const {
    const auto* p = reinterpret_cast<const std::uint8_t*>(it->first);
    for (std::size_t i = 0; i < it->second.size; ++i) require(p[i] == it->second.fill);
    if constexpr (frys::owning_allocator<A>)
      if (it->second.size != 0) require(a_.owns(p));
  }
  void give(place it) {
    const auto [at, b] = *it;
    live_.erase(it);
    sum_ -= b.size;
    a_.deallocate(reinterpret_cast<void*>(at), b.size, b.alignment);
  }
  A& a_;
  std::size_t sum_ = 0;
};

template <class A>
void play(A& a, bytes in) {
  player<A> p(a);
  while (p.step(in)) {
  }
  p.finish();
}

void on_arena(bytes in) {
  frys::arena<policy::chunk_size<4096>, policy::limit<1 << 20>> a;
  player<decltype(a)> p(a);
  while (p.step(in)) {
    require(a.used() <= a.reserved() && a.reserved() <= 1 << 20);
    if (in.left % 61 == 60) {
      a.reset();
      p.forget();
    }
  }
  for (const auto& [at, b] : p.live_)
    for (std::size_t i = 0; i < b.size; ++i) require(reinterpret_cast<const std::uint8_t*>(at)[i] == b.fill);
}

void on_limited(bytes in) {
  frys::limited<frys::system_allocator> a(20'000);
  player<decltype(a)> p(a);
  std::size_t peak = 0;
  while (p.step(in)) {
    require(a.used() == p.sum() && a.used() <= 20'000);
    peak = peak < a.used() ? a.used() : peak;
  }
  require(a.peak() >= peak);
  p.finish();
  require(a.used() == 0);
}

void on_tracked(bytes in) {
  frys::tracked<frys::system_allocator, policy::tags<4>, policy::sample_every<256>> a;
  player<decltype(a)> p(a);
  while (p.step(in)) require(a.counts().live_bytes == p.sum() && a.counts().live_count == p.count());
  require(a.counts_of("").live_bytes == p.sum());
  p.finish();
  require(a.counts().live_count == 0 && a.sampled() == 0);
}

struct silent {
  static void write(std::string_view) noexcept { std::abort(); }
};
void on_leak_checked(bytes in) {
  frys::leak_checked<frys::system_allocator, policy::report_to<silent>> a;
  player<decltype(a)> p(a);
  while (p.step(in)) require(a.live_count() == p.count() && a.live_bytes() == p.sum());
  p.finish();
}

void on_hardened(bytes in) {
  recorder::count = 0;
  frys::hardened<frys::system_allocator, policy::on_violation<recorder>, policy::quarantine<16, 4096>> a;
  player<decltype(a)> p(a);
  while (p.step(in)) {
    require(recorder::count == 0);
    if (in.left % 29 == 0 && !p.live_.empty()) {  // one mistake, and it alone is told
      const auto [at, b] = *p.live_.begin();
      auto* const memory = reinterpret_cast<std::uint8_t*>(at);
      switch (in.take() % 4) {
        case 0: {
          const std::size_t past = b.size + in.take() % 16;
          frys::unpoison(memory + past, 1);
          memory[past] ^= 0x55;
          require(a.check_all() == 1 && recorder::last == frys::violation::overflow);
          frys::unpoison(memory + past, 1);
          memory[past] ^= 0x55;
          break;
        }
        case 1: {
          std::uint8_t* const before = memory - 1 - in.take() % 16;
          frys::unpoison(before, 1);
          *before ^= 0x55;
          require(!a.check(memory) && recorder::last == frys::violation::underflow);
          frys::unpoison(before, 1);
          *before ^= 0x55;
          break;
        }
        case 2:
          if (b.size < 2) continue;
          a.deallocate(memory + 1, b.size - 1, 1);
          require(recorder::last == frys::violation::interior);
          break;
        default:
          a.deallocate(memory, b.size, b.alignment);
          a.deallocate(memory, b.size, b.alignment);
          // Too large for the quarantine, it has left.
          require(recorder::last == (b.size <= 4096 ? frys::violation::double_free : frys::violation::foreign) ||
                  recorder::last == frys::violation::interior);
          p.live_.erase(at);
          break;
      }
      require(recorder::count == 1);
      recorder::count = 0;
      require(a.check_all() == 0);
    }
  }
  p.finish();
  a.flush();
  require(recorder::count == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 5000) return 0;
  bytes in{data + 1, size - 1};
  switch (data[0] % 10) {
    case 0:
      on_arena(in);
      break;
    case 1: {
      frys::block_pool<96, policy::chunk_size<4096>, policy::limit<1 << 18>> a;
      play(a, in);
      require(a.size() == 0);
      break;
    }
    case 2: {
      using pool = frys::block_pool<64, policy::chunk_size<4096>, policy::limit<16384>>;
      frys::fallback<pool, frys::arena<policy::limit<65536>, policy::chunk_size<4096>>, frys::system_allocator> a;
      play(a, in);
      require(a.inner<0>().size() == 0);
      break;
    }
    case 3:
      on_limited(in);
      break;
    case 4:
      on_tracked(in);
      break;
    case 5:
      on_leak_checked(in);
      break;
    case 6:
      on_hardened(in);
      break;
    case 7: {
      frys::hardened<frys::leak_checked<frys::tracked<frys::limited<frys::arena<>, 1 << 20>, policy::tags<2>>,
                                        policy::report_to<silent>>,
                     policy::on_violation<recorder>>
          a;
      recorder::count = 0;
      play(a, in);
      a.flush();
      require(recorder::count == 0 && a.inner().live_count() == 0 && a.inner().inner().inner().used() == 0);
      break;
    }
    case 8: {
      frys::heap<policy::limit<std::size_t{64} << 20>> heap;
      auto cache = heap.join();
      if (cache) play(*cache, in);
      break;
    }
    default: {
      frys::process_heap a;
      play(a, in);
      break;
    }
  }
  return 0;
}
