#include <frys/core/context.hpp>

#include <doctest/doctest.h>

#if FRYS_HAS_CONTEXT
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cfenv>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using frys::stack_memory;

#if FRYS_HAS_MACHINE_SWITCH && FRYS_HAS_UCONTEXT_SWITCH
#define EVERY_CONTEXT frys::context, frys::quick_context, frys::basic_context<frys::ucontext_switch>
#define KEEPS_FLOAT_CONTROL frys::basic_context<frys::machine_switch>
#elif FRYS_HAS_MACHINE_SWITCH
#define EVERY_CONTEXT frys::context, frys::quick_context
#define KEEPS_FLOAT_CONTROL frys::basic_context<frys::machine_switch>
#else
#define EVERY_CONTEXT frys::context
#endif

stack_memory stack(std::size_t bytes = 256 * 1024) {
  auto made = stack_memory::allocate(bytes);
  REQUIRE(made);
  return std::move(made).value();
}

// A fiber as a test wants it: runs a callable, gives way, ends.
template <class C, class F>
struct fiber {
  explicit fiber(F f) : body(std::move(f)), memory(stack()), self(memory.span(), &run, this) {}
  void enter() { C::switch_to(home, self); }
  void give_way() { C::switch_to(self, home); }
  static void run(void* argument) {
    auto* f = static_cast<fiber*>(argument);
    f->body(*f);
    f->ended = true;
    C::leave_to(f->home);
  }
  F body;
  stack_memory memory;
  C home;
  C self;
  bool ended = false;
};
template <class C, class F>
fiber<C, F> make_fiber(F f) {
  return fiber<C, F>(std::move(f));
}

// Eight whole numbers and eight floating ones that the compiler likes to keep in registers over the calls.
template <class Step>
std::uint64_t mixes(std::uint64_t seed, int rounds, Step step) {
  std::uint64_t a = seed, b = seed * 3, c = seed * 5, d = seed * 7, e = seed * 11, f = seed * 13;
  double x = static_cast<double>(seed), y = x * 2, z = x * 3, w = x * 4;
  long double l = static_cast<long double>(seed) / 3;
  for (int i = 0; i < rounds; ++i) {
    a += b ^ c, b += c ^ d, c += d ^ e, d += e ^ f, e += f ^ a, f += a ^ b;
    x += y / 2, y += z / 4, z += w / 8, w += x / 16, l += x / 32;
    step();
  }
  return a ^ b ^ c ^ d ^ e ^ f ^ std::bit_cast<std::uint64_t>(x + y + z + w) ^
         std::bit_cast<std::uint64_t>(static_cast<double>(l));
}

// What a function that returns leaves behind.
template <class C>
struct left_by_return {
  C home, self;
  int runs = 0, waits = 0;
  static C& run(void* argument) {
    auto& f = *static_cast<left_by_return*>(argument);
    ++f.runs;
    C::switch_to(f.self, f.home);
    ++f.waits;
    return f.home;
  }
};

TEST_CASE_TEMPLATE("context: a function that answers a context may return, and the thread goes on there", C,
                   EVERY_CONTEXT) {
  const stack_memory memory = stack();
  left_by_return<C> f;
  for (int round = 1; round <= 100; ++round) {
    f.self.make(memory.span(), &left_by_return<C>::run, &f);
    C::switch_to(f.home, f.self);
    CHECK(f.runs == round);
    CHECK(f.waits == round - 1);
    C::switch_to(f.home, f.self);
    CHECK(f.waits == round);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("context: control goes back and forth, and the argument arrives", C, EVERY_CONTEXT) {
  std::string said;
  auto f = make_fiber<C>([&](auto& self) {
    for (char letter : {'b', 'd', 'f'}) {
      said += letter;
      self.give_way();
    }
  });
  for (char letter : {'a', 'c', 'e'}) {
    said += letter;
    f.enter();
  }
  CHECK(said == "abcdef");
  CHECK_FALSE(f.ended);
  f.enter();
  CHECK(f.ended);
}

TEST_CASE_TEMPLATE("context: what the two sides keep in registers stays theirs", C, EVERY_CONTEXT) {
  const auto nothing = [] {};
  const std::uint64_t ours = mixes(12345, 1000, nothing);
  const std::uint64_t theirs = mixes(987654321, 1000, nothing);
  std::uint64_t got = 0;
  auto f = make_fiber<C>([&](auto& self) { got = mixes(987654321, 1000, [&] { self.give_way(); }); });
  CHECK(mixes(12345, 1000, [&] { f.enter(); }) == ours);
  f.enter();
  CHECK(f.ended);
  CHECK(got == theirs);
}

TEST_CASE_TEMPLATE("context: a stack is used to its depth, aligned, and locals stay on it", C, EVERY_CONTEXT) {
  struct deep {
    static std::size_t sums(std::size_t depth, void (*step)(void*), void* argument) {
      alignas(32) std::array<std::size_t, 64> local{};
      std::fill(local.begin(), local.end(), depth);
      CHECK(reinterpret_cast<std::uintptr_t>(&local) % 32 == 0);
      if (depth == 0)
        step(argument);
      else
        local[depth % 64] += sums(depth - 1, step, argument);
      return local[depth % 64];
    }
  };
  auto f = make_fiber<C>([&](auto& self) {
    using self_type = std::remove_reference_t<decltype(self)>;
    CHECK(deep::sums(
              200, [](void* at) { static_cast<self_type*>(at)->give_way(); }, &self) == 200 * 201 / 2);
  });
  f.enter();
  CHECK(deep::sums(
            100, [](void*) {}, nullptr) == 100 * 101 / 2);
  f.enter();
  CHECK(f.ended);
}

TEST_CASE_TEMPLATE("context: fibers enter fibers", C, EVERY_CONTEXT) {
  std::string said;
  auto inner = make_fiber<C>([&](auto& self) {
    said += "3";
    self.give_way();
    said += "5";
  });
  auto outer = make_fiber<C>([&](auto& self) {
    said += "2";
    inner.enter();
    said += "4";
    self.give_way();
    inner.enter();
    said += "6";
  });
  said += "1";
  outer.enter();
  outer.enter();
  said += "7";
  CHECK(said == "1234567");
  CHECK((inner.ended && outer.ended));
}

TEST_CASE_TEMPLATE("context: thousands of fibers in a ring, each hands on to the next", C, EVERY_CONTEXT) {
#if FRYS_TSAN
  constexpr std::size_t count = 100;  // ThreadSanitizer counts fibers as threads
#else
  constexpr std::size_t count = 3000;
#endif
  struct ring {
    std::deque<C> members;
    C home;
    std::size_t at = 0;
    std::size_t visits = 0;
    void hand_on() {
      const std::size_t from = at;
      at = (at + 1) % members.size();
      C::switch_to(members[from], members[at]);
    }
    static void run(void* argument) {
      auto* r = static_cast<ring*>(argument);
      for (int round = 0; round < 3; ++round) {
        ++r->visits;
        if (round < 2 || r->at + 1 < r->members.size()) r->hand_on();
      }
      C::leave_to(r->home);  // the last one, of the last round
    }
  } r;
  std::vector<stack_memory> stacks;
  for (std::size_t i = 0; i < count; ++i) {
    stacks.push_back(stack(16 * 1024));
    r.members.emplace_back(stacks.back().span(), &ring::run, &r);
  }
  C::switch_to(r.home, r.members[0]);
  CHECK(r.visits == 3 * count);
}

TEST_CASE_TEMPLATE("context: a suspended flow may be given up and its stack used again", C, EVERY_CONTEXT) {
  struct shared {
    C home, self;
    int begun = 0;
    static void run(void* argument) {
      auto* s = static_cast<shared*>(argument);
      std::array<char, 2000> local{};  // a sanitizer marks the bytes around it
      local[static_cast<std::size_t>(s->begun % 7)] = 1;
      const int depth = s->begun++ % 5;
      dive(*s, depth, local.data());
    }
    static void dive(shared& s, int depth, char* above) {
      std::array<char, 300> local{};
      local[0] = above[0];
      if (depth > 0) dive(s, depth - 1, local.data());
      C::switch_to(s.self, s.home);
    }
  } s;
  const auto memory = stack(64 * 1024);
  for (int i = 0; i < 500; ++i) {
    s.self.make(memory.span(), &shared::run, &s);
    C::switch_to(s.home, s.self);
  }
  CHECK(s.begun == 500);
}

TEST_CASE_TEMPLATE("context: any stack will do, of any alignment", C, EVERY_CONTEXT) {
  std::vector<std::byte> memory(64 * 1024 + 64);
  for (std::size_t shift : {0u, 1u, 7u, 8u, 33u, 63u}) {
    struct pair {
      C home, self;
      bool came = false;
      static void run(void* argument) {
        auto* p = static_cast<pair*>(argument);
        alignas(16) volatile double local[2] = {1, 2};
        p->came = reinterpret_cast<std::uintptr_t>(&local) % 16 == 0 && local[1] > local[0];
        C::leave_to(p->home);
      }
    } p;
    p.self.make(frys::byte_span(memory).subspan(shift, 64 * 1024), &pair::run, &p);
    C::switch_to(p.home, p.self);
    CHECK(p.came);
  }
}

#if FRYS_HAS_MACHINE_SWITCH && !FRYS_CONTEXT_UCONTEXT
TEST_CASE_TEMPLATE("context: each flow has its own floating-point control", C, KEEPS_FLOAT_CONTROL) {
  const auto third = [] {
    volatile double one = 1, three = 3;
    volatile double quotient = one / three;  // volatile: here, not where the compiler likes it
    return quotient;
  };
  const auto rounded = [&](int mode) {
    const int before = std::fegetround();
    std::fesetround(mode);
    const double value = third();
    std::fesetround(before);
    return value;
  };
  const double down = rounded(FE_DOWNWARD), up = rounded(FE_UPWARD);
  REQUIRE(down < up);
  double seen[2] = {};
  auto f = make_fiber<C>([&](auto& self) {
    seen[0] = third();  // upward: what make() found
    std::fesetround(FE_DOWNWARD);
    self.give_way();
    CHECK(std::fegetround() == FE_DOWNWARD);
    seen[1] = third();
  });
  std::fesetround(FE_UPWARD);
  f.self.make(f.memory.span(), &decltype(f)::run, &f);
  f.enter();
  const int here = std::fegetround();
  const double ours = third();
  std::fesetround(FE_TONEAREST);
  f.enter();
  const int after = std::fegetround();
  std::fesetround(FE_TONEAREST);
  CHECK(f.ended);
  CHECK(here == FE_UPWARD);
  CHECK(ours == up);
  CHECK(after == FE_TONEAREST);
  CHECK(seen[0] == up);
  CHECK(seen[1] == down);
}
#endif

TEST_CASE_TEMPLATE("context: another thread may go on with a fiber", C, EVERY_CONTEXT) {
  std::vector<std::thread::id> ids;
  // A pointer that the compiler cannot look through, or it would ask once and keep the answer over the switches.
  std::thread::id (*volatile who)() noexcept = &std::this_thread::get_id;
  auto f = make_fiber<C>([&](auto& self) {
    for (int i = 0; i < 3; ++i) {
      ids.push_back(who());
      self.give_way();
    }
  });
  f.enter();
  std::thread([&] { f.enter(); }).join();
  f.enter();
  f.enter();
  CHECK(f.ended);
  REQUIRE(ids.size() == 3);
  CHECK(ids[0] == ids[2]);
  CHECK(ids[0] != ids[1]);
}

#if FRYS_EXCEPTIONS
TEST_CASE_TEMPLATE("context: exceptions are thrown and caught within a flow", C, EVERY_CONTEXT) {
  std::string caught;
  auto f = make_fiber<C>([&](auto& self) {
    for (int i = 0; i < 3; ++i) {
      try {
        self.give_way();
        throw std::string("boo");
      } catch (const std::string& what) {
        caught += what;
      }
    }
  });
  for (int i = 0; i < 3; ++i) {
    f.enter();
    try {
      throw 1;
    } catch (int) {
      caught += ".";
    }
  }
  f.enter();
  CHECK(f.ended);
  CHECK(caught == ".boo.boo.boo");
}
#endif

// [region context]
// Counts on a stack of its own, and gives way between two numbers.
struct counting_flow {
  explicit counting_flow(frys::byte_span memory) : self(memory, &counting_flow::run, this) {}
  int next() {
    frys::context::switch_to(caller, self);
    return number;
  }
  static void run(void* argument) {
    auto& flow = *static_cast<counting_flow*>(argument);
    for (;; ++flow.number) frys::context::switch_to(flow.self, flow.caller);
  }
  int number = 1;
  frys::context caller, self;
};

TEST_CASE("context: a loop that stops in the middle") {
  auto memory = frys::stack_memory::allocate(64 * 1024);
  REQUIRE(memory);
  counting_flow flow(memory->span());
  CHECK(flow.next() == 1);
  CHECK(flow.next() == 2);
  CHECK(flow.next() == 3);
}
// [endregion context]

TEST_CASE("context: it is four words, the same in every build") {
  CHECK(sizeof(frys::quick_context) <= (FRYS_HAS_MACHINE_SWITCH && !FRYS_CONTEXT_UCONTEXT ? 4 * sizeof(void*) : 4096));
}

TEST_CASE("stack_memory: at least what was asked for, writable to both ends, moved not copied") {
  auto a = stack(10000);
  CHECK(a.span().size() >= 10000);
  a.span().front() = std::byte{1};
  a.span().back() = std::byte{2};
  const auto* where = a.span().data();
  stack_memory b = std::move(a);
  CHECK(a.span().empty());
  CHECK(b.span().data() == where);
  b = stack(4096);
  CHECK(b.span().size() >= 4096);
  b = stack_memory();
  CHECK(b.span().empty());
}

TEST_CASE("stack_memory: the byte below it cannot be touched") {
  const auto memory = stack();
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  CHECK(::write(ends[1], memory.span().data(), 1) == 1);
  const std::byte* below = memory.span().data() - 1;
  CHECK(::write(ends[1], below, 1) == -1);  // the kernel answers EFAULT where we would fault
  CHECK(errno == EFAULT);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("stack_memory: nothing and too much are refused") {
  const auto nothing = stack_memory::allocate(0);
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().code == frys::errc::invalid_argument);
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4}) {
    const auto huge = stack_memory::allocate(size);
    REQUIRE_FALSE(huge);
    CHECK(huge.error().code == frys::errc::out_of_memory);
  }
}

#endif  // FRYS_HAS_CONTEXT
