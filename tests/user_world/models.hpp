// models: a user's own world: atomics, clock, wait, pages, files, network, randomness. Written against the public
// concepts alone: it names nothing that is private to frys. Each model counts its uses, so that a test sees that a
// block asked it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <frys/core/atomics.hpp>
#include <frys/core/clock.hpp>
#include <frys/core/concepts.hpp>
#include <frys/core/thread.hpp>
#include <frys/core/wait.hpp>
#include <frys/memory/buffer.hpp>

namespace user {

struct uses {
  inline static std::atomic<long> atomics{0}, clock{0}, wait{0}, pages{0}, files{0}, network{0}, random{0}, threads{0};
};

// --- time that passes only when it is looked at.
struct clock {
  static frys::nanoseconds now() noexcept {
    uses::clock.fetch_add(1, std::memory_order_relaxed);                         // relaxed: a test's number
    return frys::nanoseconds(ticks.fetch_add(1000, std::memory_order_relaxed));  // relaxed: a number that grows
  }
  inline static std::atomic<std::int64_t> ticks{0};
};

// --- atomics: what frys asks of an atomic, on top of whatever the user has.
template <class T>
class atomic {
 public:
  atomic() noexcept : value_(T{}) {}
  atomic(T value) noexcept : value_(value) {}
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(std::memory_order order = std::memory_order_seq_cst) const noexcept { return count(), value_.load(order); }
  void store(T to, std::memory_order order = std::memory_order_seq_cst) noexcept { count(), value_.store(to, order); }
  T exchange(T to, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return count(), value_.exchange(to, order);
  }
  bool compare_exchange_strong(T& old, T to, std::memory_order ok, std::memory_order failed) noexcept {
    return count(), value_.compare_exchange_strong(old, to, ok, failed);
  }
  bool compare_exchange_weak(T& old, T to, std::memory_order ok, std::memory_order failed) noexcept {
    return count(), value_.compare_exchange_weak(old, to, ok, failed);
  }
  T fetch_add(T by, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return count(), value_.fetch_add(by, order);
  }
  T fetch_sub(T by, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return count(), value_.fetch_sub(by, order);
  }
  T fetch_or(T bits, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return count(), value_.fetch_or(bits, order);
  }
  T fetch_and(T bits, std::memory_order order = std::memory_order_seq_cst) noexcept {
    return count(), value_.fetch_and(bits, order);
  }

 private:
  static void count() noexcept { uses::atomics.fetch_add(1, std::memory_order_relaxed); }  // relaxed: a test's number
  std::atomic<T> value_;
};

// An atomic view of a plain object: the link in a user's node, the words of a shared region.
template <class T>
class atomic_ref {
 public:
  explicit atomic_ref(T& object) noexcept : value_(object) {}
  T load(std::memory_order order) const noexcept { return uses::atomics.fetch_add(1), value_.load(order); }
  void store(T to, std::memory_order order) const noexcept { uses::atomics.fetch_add(1), value_.store(to, order); }
  T exchange(T to, std::memory_order order) const noexcept {
    return uses::atomics.fetch_add(1), value_.exchange(to, order);
  }
  bool compare_exchange_strong(T& old, T to, std::memory_order ok, std::memory_order failed) const noexcept {
    return uses::atomics.fetch_add(1), value_.compare_exchange_strong(old, to, ok, failed);
  }
  bool compare_exchange_weak(T& old, T to, std::memory_order ok, std::memory_order failed) const noexcept {
    return uses::atomics.fetch_add(1), value_.compare_exchange_weak(old, to, ok, failed);
  }
  static constexpr bool is_always_lock_free = std::atomic_ref<T>::is_always_lock_free;

 private:
  std::atomic_ref<T> value_;
};

template <class T>
class var {
 public:
  var() = default;
  explicit var(T value) : value_(std::move(value)) {}
  const T& get() const noexcept { return value_; }
  T& ref() noexcept { return value_; }

 private:
  T value_{};
};

struct atomics {
  template <class T>
  using atomic = user::atomic<T>;
  template <class T>
  using atomic_ref = user::atomic_ref<T>;
  template <class T>
  using var = user::var<T>;
  static void fence(std::memory_order) noexcept {
    static atomic<std::uint32_t> common{0};
    common.fetch_add(1);
  }
  static void pause() noexcept {}
  static bool wait(const atomic<std::uint32_t>& word, std::uint32_t old, frys::deadline until) noexcept {
    for (int i = 0; i < 1000 && word.load() == old; ++i) {
      if (!until.is_never() && until.at <= clock::now()) return false;
      std::this_thread::yield();
    }
    return true;  // a wake-up for no reason is allowed
  }
  static void notify_one(atomic<std::uint32_t>&) noexcept {}
  static void notify_all(atomic<std::uint32_t>&) noexcept {}
};

struct own_wait {
  static constexpr bool sleeps = false;
  template <class A, class C = user::clock, class Word>
  static bool wait(const Word& word, std::uint32_t old, frys::deadline until) noexcept {
    uses::wait.fetch_add(1, std::memory_order_relaxed);    // relaxed: a test's number
    while (word.load(std::memory_order_acquire) == old) {  // acquire: what the notifier wrote is ours after
      if (until.has_passed<C>()) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

// --- pages out of a plain new; `held` is zero when all came back.
struct pages {
  static frys::result<frys::byte_span> allocate(std::size_t size) noexcept {
    uses::pages.fetch_add(1, std::memory_order_relaxed);  // relaxed: a test's number
    const std::size_t whole = (size + 4095) / 4096 * 4096;
    void* memory = ::operator new (whole, std::align_val_t{4096}, std::nothrow);
    if (memory == nullptr) return frys::error{frys::errc::out_of_memory, frys::domain::user, "no more pages", 0};
    std::memset(memory, 0, whole);
    held.fetch_add(static_cast<long>(whole), std::memory_order_relaxed);  // relaxed: a test's number
    return frys::byte_span(static_cast<std::byte*>(memory), whole);
  }
  static void release(frys::byte_span memory) noexcept {
    held.fetch_sub(static_cast<long>(memory.size()), std::memory_order_relaxed);  // relaxed: a test's number
    ::operator delete (memory.data(), std::align_val_t{4096});
  }
  inline static std::atomic<long> held{0};
};

// --- files in memory; their awaitables never suspend.
class files {
 public:
  using buffer = frys::buffer;
  struct file {
    std::shared_ptr<std::vector<std::byte>> bytes;
  };

  frys::result<file> open(std::string_view path, frys::open_mode mode) {
    count();
    const std::string name(path);
    const bool there = names_.count(name) != 0;
    const bool makes = mode == frys::open_mode::create || mode == frys::open_mode::create_new;
    if (there && mode == frys::open_mode::create_new) return fail(frys::errc::already_exists, "the file is there");
    if (!there && !makes) return fail(frys::errc::not_found, "no such file");
    if (!there) names_[name] = std::make_shared<std::vector<std::byte>>();
    return file{names_[name]};
  }
  frys::result<void> remove(std::string_view path) {
    count();
    if (names_.erase(std::string(path)) == 0) return fail(frys::errc::not_found, "no such file");
    return {};
  }
  frys::result<void> rename(std::string_view from, std::string_view to) {
    count();
    auto at = names_.find(std::string(from));
    if (at == names_.end()) return fail(frys::errc::not_found, "no such file");
    auto bytes = at->second;
    names_.erase(at);
    names_[std::string(to)] = std::move(bytes);
    return {};
  }
  frys::result<void> make_directory(std::string_view) { return count(), frys::result<void>(); }
  frys::result<void> sync_directory(std::string_view) { return count(), frys::result<void>(); }
  frys::result<void> list(std::string_view path, void (*name)(void*, std::string_view), void* context) {
    count();
    const std::string prefix = path.empty() || path == "." ? std::string() : std::string(path) + "/";
    std::vector<std::string> found;  // the callback may call us
    for (const auto& [full, bytes] : names_)
      if (full.compare(0, prefix.size(), prefix) == 0 && full.find('/', prefix.size()) == std::string::npos)
        found.push_back(full.substr(prefix.size()));
    for (const std::string& f : found) name(context, f);
    return {};
  }
  frys::result<std::uint64_t> size(file& f) { return count(), static_cast<std::uint64_t>(f.bytes->size()); }
  frys::result<void> truncate(file& f, std::uint64_t n) {
    count();
    f.bytes->resize(static_cast<std::size_t>(n));
    return {};
  }
  frys::ready<frys::result<std::size_t>> write(file& f, buffer data, std::uint64_t offset) {
    count();
    const std::size_t at = static_cast<std::size_t>(offset), n = data.size();
    if (f.bytes->size() < at + n) f.bytes->resize(at + n);
    if (n != 0) std::memcpy(f.bytes->data() + at, data.data(), n);
    return frys::result<std::size_t>(n);
  }
  frys::ready<frys::result<buffer>> read(file& f, buffer into, std::uint64_t offset) {
    count();
    const std::size_t at = (std::min)(static_cast<std::size_t>(offset), f.bytes->size());
    const std::size_t n = (std::min)(into.size(), f.bytes->size() - at);
    if (n != 0) std::memcpy(into.data(), f.bytes->data() + at, n);
    into.truncate(n);
    return frys::result<buffer>(std::move(into));
  }
  frys::ready<frys::result<void>> sync(file&) { return count(), frys::result<void>(); }

 private:
  static void count() noexcept { uses::files.fetch_add(1, std::memory_order_relaxed); }  // relaxed: a test's number
  static frys::error fail(frys::errc code, const char* what) { return {code, frys::domain::user, what, 0}; }
  std::map<std::string, std::shared_ptr<std::vector<std::byte>>, std::less<>> names_;
};

// --- a network that ends at this process: what is sent comes back on the same socket.
class network {
 public:
  using buffer = frys::buffer;
  using buffer_chain = frys::buffer_chain;
  struct socket {
    std::vector<buffer> waiting;
  };
  struct listener {};

  void post(frys::work& w) noexcept {
    uses::network.fetch_add(1, std::memory_order_relaxed);  // relaxed: a test's number
    w.next = nullptr;
    *end_ = &w;
    end_ = &w.next;
  }
  frys::ready<frys::result<socket>> accept(listener&) { return frys::result<socket>(socket{}); }
  frys::ready<frys::result<buffer>> recv(socket& s) {
    if (s.waiting.empty()) return frys::result<buffer>(buffer());
    buffer first = std::move(s.waiting.front());
    s.waiting.erase(s.waiting.begin());
    return frys::result<buffer>(std::move(first));
  }
  frys::ready<frys::result<std::size_t>> send(socket& s, buffer b) {
    const std::size_t n = b.size();
    s.waiting.push_back(std::move(b));
    return frys::result<std::size_t>(n);
  }
  frys::ready<frys::result<std::size_t>> send(socket& s, buffer_chain c) {
    const std::size_t n = c.size();
    for (const buffer& b : c.segments()) s.waiting.push_back(b);
    return frys::result<std::size_t>(n);
  }
  frys::ready<frys::result<void>> sleep_until(frys::deadline) { return frys::result<void>(); }
  std::size_t run_once(frys::deadline) {
    std::size_t n = 0;
    while (frys::work* w = first_) {
      first_ = w->next;
      if (first_ == nullptr) end_ = &first_;
      w->run(*w);
      ++n;
    }
    return n;
  }
  void run() {
    while (!stopped_ && run_once(frys::deadline::now()) != 0) {
    }
  }
  void stop() noexcept { stopped_ = true; }

 private:
  frys::work* first_ = nullptr;
  frys::work** end_ = &first_;
  bool stopped_ = false;
};

struct random {
  std::uint64_t state = 88172645463325252u;
  std::uint64_t operator()() noexcept {
    uses::random.fetch_add(1, std::memory_order_relaxed);  // relaxed: a test's number
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
};

// --- threads: the standard library's.
struct threads {
  class thread {
   public:
    thread() = default;
    explicit thread(std::thread t) noexcept : it_(std::move(t)) {}
    thread(thread&&) = default;
    thread& operator=(thread&&) = default;
    ~thread() {
      if (it_.joinable()) it_.join();
    }
    [[nodiscard]] bool joinable() const noexcept { return it_.joinable(); }
    void join() { it_.join(); }

   private:
    std::thread it_;
  };
  static frys::result<thread> start(const frys::thread_options&, void (*run)(void*) noexcept, void* argument) noexcept {
    uses::threads.fetch_add(1, std::memory_order_relaxed);  // relaxed: a test's number
    return thread(std::thread(run, argument));
  }
  template <class Tag>
  static void*& local() noexcept {
    static thread_local void* mine = nullptr;
    return mine;
  }
};

// --- an allocator without objects, for policy::allocator.
struct blocks {
  inline static std::atomic<long> taken{0}, held{0};
  static frys::result<void*> allocate(std::size_t size, std::size_t alignment) noexcept {
    void* memory = ::operator new (size, std::align_val_t{alignment}, std::nothrow);
    if (memory == nullptr) return frys::error{frys::errc::out_of_memory, frys::domain::user, "no more blocks", 0};
    ++taken, ++held;
    return memory;
  }
  static void deallocate(void* memory, std::size_t, std::size_t alignment) noexcept {
    --held;
    ::operator delete (memory, std::align_val_t{alignment});
  }
};

// All of it in one word: frys::policy::world<user::world>.
struct world {
  using atomics = user::atomics;
  using clock = user::clock;
  using wait = user::own_wait;
  using pages = user::pages;
  using files = user::files;
  using network = user::network;
  using random = user::random;
  using threads = user::threads;
};

static_assert(frys::atomics_model<atomics>);
static_assert(frys::clock_model<clock>);
static_assert(frys::wait_policy<own_wait, atomics>);
static_assert(frys::page_source<pages>);
static_assert(frys::file_system<files>);
static_assert(frys::reactor<network>);
static_assert(frys::random_source<random>);
static_assert(frys::thread_source<threads>);
static_assert(frys::stateless_allocator<blocks>);

}  // namespace user
