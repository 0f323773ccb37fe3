#include <frys/queue/shared_ring.hpp>

#include <doctest/doctest.h>
#include <frys/memory/pages.hpp>
#include <frys/queue/mpmc_ring.hpp>
#include <frys/queue/spsc_ring.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <type_traits>
#include <utility>

#if FRYS_OS_POSIX
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

namespace policy = frys::policy;
using frys::byte_span;
using frys::errc;

struct message {
  std::uint64_t number = 0;
  std::uint64_t check = 0;
};
using plain = frys::shared_ring<frys::spsc_ring<message, policy::capacity<64>>>;
using lazy = frys::shared_ring<frys::spsc_ring<message, policy::capacity<64>, policy::publish<frys::publish::lazy>>>;
using marked = frys::shared_ring<frys::spsc_ring<std::uint64_t, policy::capacity<64>, policy::niche<0>>>;
using lossy =
    frys::shared_ring<frys::spsc_ring<message, policy::capacity<64>, policy::overflow<frys::overflow::overwrite>>>;
using many = frys::shared_ring<frys::mpmc_ring<message, policy::capacity<64>>>;

// Zeroed and aligned, for one process.
template <class Shared>
struct own_memory {
  alignas(Shared::alignment) std::array<std::byte, Shared::bytes> of{};
  byte_span span() { return of; }
};

template <class Shared>
errc refusal(frys::result<Shared> r) {
  REQUIRE_FALSE(r);
  return r.error().code;
}

}  // namespace

TEST_CASE("shared_ring: what one creates, the other attaches to") {
  own_memory<plain> memory;
  CHECK(refusal(plain::attach(memory.span())) == errc::not_found);
  auto here = plain::create(memory.span());
  REQUIRE(here);
  auto there = plain::attach(memory.span());
  REQUIRE(there);
  CHECK((*here)->try_push(message{1, 2}));
  CHECK((**there).size_hint() == 1);
  CHECK((*there)->try_pop()->check == 2);
  (*here)->close();
  CHECK((*there)->try_pop().is_closed());
}

TEST_CASE("shared_ring: a process that comes later goes on where the last one was") {
  own_memory<plain> memory;
  { (void)(*plain::create(memory.span()))->try_push(message{1, 1}); }
  for (std::uint64_t i = 2; i < 300; ++i) {
    REQUIRE((*plain::attach(memory.span()))->try_push(message{i, i}));
    REQUIRE((*plain::attach(memory.span()))->try_pop()->number == i - 1);
  }
}

TEST_CASE("shared_ring: memory that does not fit is refused") {
  own_memory<plain> memory;
  const byte_span all = memory.span();
  for (auto make : {&plain::create, &plain::attach}) {
    const auto small = make(all.first(plain::bytes - 1));
    CHECK(small.error() == errc::invalid_argument);
    CHECK(small.error().number == static_cast<std::int64_t>(plain::bytes));
    const auto crooked = make(all.subspan(8));
    CHECK(crooked.error() == errc::invalid_argument);
    CHECK(crooked.error().number == static_cast<std::int64_t>(plain::alignment));
    CHECK(refusal(make(byte_span())) == errc::invalid_argument);
  }
}

TEST_CASE("shared_ring: another ring, another element, another capacity, and what is no ring are refused") {
  using larger = frys::shared_ring<frys::spsc_ring<message, policy::capacity<128>>>;
  using other = frys::shared_ring<frys::spsc_ring<std::array<char, 8>, policy::capacity<64>>>;
  own_memory<larger> memory;
  REQUIRE(plain::create(memory.span()));
  CHECK(refusal(larger::attach(memory.span())) == errc::version_mismatch);
  CHECK(refusal(other::attach(memory.span())) == errc::version_mismatch);
  CHECK(refusal(lazy::attach(memory.span())) == errc::version_mismatch);
  CHECK(refusal(many::attach(memory.span())) == errc::version_mismatch);
  CHECK(refusal(plain::create(memory.span())) == errc::already_exists);
  CHECK(refusal(many::create(memory.span())) == errc::already_exists);
  CHECK(plain::attach(memory.span()));

  memory.of[0] = std::byte{'x'};
  CHECK(refusal(plain::attach(memory.span())) == errc::corrupt);
  CHECK(many::create(memory.span()));  // no ring: the memory may be used
  CHECK(many::attach(memory.span()));
}

namespace {
template <class Shared>
void survives_nonsense() {
  constexpr std::size_t guard = 256;
  alignas(Shared::alignment) static std::array<std::byte, Shared::bytes + guard> memory{};
  const byte_span inside(memory.data(), Shared::bytes);
  for (unsigned nonsense = 1; nonsense < 256; nonsense += 25) {
    std::memset(memory.data(), 0, memory.size());
    auto ring = Shared::create(inside);
    REQUIRE(ring);
    // All but the magic and what was agreed: the indices, the copies of them and the elements.
    const std::size_t head = Shared::bytes - sizeof(typename Shared::ring_type);
    std::memset(memory.data() + head, static_cast<int>(nonsense), Shared::bytes - head);
    for (int i = 0; i < 200; ++i) {
      typename Shared::value_type out[100] = {};
      (void)(*ring)->try_push(typename Shared::value_type{1});
      (void)(*ring)->try_pop();
      CHECK((*ring)->pop_some(out) <= 100);
      if constexpr (requires { (*ring)->readable(); }) CHECK((*ring)->readable().size() <= 64);
      if constexpr (requires { (*ring)->size_hint(); }) CHECK((*ring)->size_hint() <= 64);
    }
    for (std::size_t i = Shared::bytes; i < memory.size(); ++i) REQUIRE(memory[i] == std::byte{0});
  }
}
}  // namespace

TEST_CASE("shared_ring: a peer that writes nonsense does not make us reach outside the memory") {
  survives_nonsense<plain>();
  survives_nonsense<lazy>();
  survives_nonsense<marked>();
  survives_nonsense<lossy>();
  survives_nonsense<many>();
}

#if FRYS_OS_POSIX && !FRYS_TSAN
namespace {

// Memory of two processes; the child maps nothing anew, but runs in an address space of its own.
struct shared_memory {
  explicit shared_memory(std::size_t size)
      : bytes(size), at(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {}
  ~shared_memory() { ::munmap(at, bytes); }
  byte_span span() const { return {static_cast<std::byte*>(at), bytes}; }
  std::size_t bytes;
  void* at;
};

// Runs f in another process, which ends with what f answers.
template <class F>
pid_t in_child(F f) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(f() ? 0 : 1);
  return child;
}
bool went_well(pid_t child) {
  int status = 1;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

constexpr std::uint64_t count = 20'000;
std::uint64_t number_of(const message& m) { return m.check == ~m.number ? m.number : 0; }
std::uint64_t number_of(std::uint64_t n) { return n; }
template <class T>
T made(std::uint64_t n) {
  if constexpr (std::is_same_v<T, message>)
    return {n, ~n};
  else
    return n;
}

// The child pushes 1 .. count and closes; we get all of them in order.
template <class Shared>
void across() {
  shared_memory memory(Shared::bytes);
  auto ring = Shared::create(memory.span());
  REQUIRE(ring);
  const pid_t child = in_child([&] {
    auto mine = Shared::attach(memory.span());
    if (!mine) return false;
    for (std::uint64_t i = 1; i <= count;) {
      if ((*mine)->try_push(made<typename Shared::value_type>(i)))
        ++i;
      else
        std::this_thread::yield();
    }
    (*mine)->close();
    return true;
  });
  std::uint64_t next = 1;
  for (;;) {
    auto v = (*ring)->try_pop();
    if (v) {
      if (number_of(*v) != next) break;
      ++next;
    } else if (v.is_closed()) {
      break;
    } else {
      std::this_thread::yield();
    }
  }
  CHECK(next == count + 1);
  CHECK(went_well(child));
}

}  // namespace

TEST_CASE("shared_ring: values cross from process to process, whole and in order") {
  across<plain>();
  across<lazy>();
  across<marked>();
  across<many>();
}

TEST_CASE("shared_ring: the overwriting form loses values between processes and knows how many") {
  shared_memory memory(lossy::bytes);
  auto ring = lossy::create(memory.span());
  REQUIRE(ring);
  const pid_t child = in_child([&] {
    auto mine = lossy::attach(memory.span());
    for (std::uint64_t i = 1; mine && i <= count; ++i)
      if (!(*mine)->try_push(made<message>(i))) return false;
    (*mine)->close();
    return true;
  });
  std::uint64_t last = 0, got = 0;
  bool fine = true;
  for (;;) {
    auto v = (*ring)->try_pop();
    if (v) {
      fine = fine && number_of(*v) > last;
      last = number_of(*v);
      ++got;
    } else if (v.is_closed()) {
      break;
    }
  }
  CHECK(fine);
  CHECK(last == count);
  CHECK(got + (*ring)->missed() == count);
  CHECK(went_well(child));
}

TEST_CASE("shared_ring: a producer that dies is replaced by another process") {
  shared_memory memory(plain::bytes);
  auto ring = plain::create(memory.span());
  REQUIRE(ring);
  std::uint64_t next = 1;
  for (int life = 0; life < 10; ++life) {
    const pid_t child = in_child([&] {
      auto mine = plain::attach(memory.span());
      for (std::uint64_t i = 0; mine && i < 30; ++i)
        if (!(*mine)->try_push(made<message>(static_cast<std::uint64_t>(life) * 30 + i + 1))) return false;
      return static_cast<bool>(mine);  // without a close
    });
    REQUIRE(went_well(child));
    while (auto v = (*ring)->try_pop()) REQUIRE(number_of(*v) == next++);
  }
  CHECK(next == 301);
}
#endif
