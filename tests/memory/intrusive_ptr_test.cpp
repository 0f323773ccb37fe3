#include <frys/memory/intrusive_ptr.hpp>
#include <frys/memory/object_pool.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#if FRYS_EXCEPTIONS
#include <stdexcept>
#endif

using frys::intrusive_ptr;
using frys::make_intrusive;
using frys::ref_counted;

namespace {

struct plain : ref_counted<plain> {
  explicit plain(int* count = nullptr, int n = 0) noexcept : died(count), number(n) {}
  ~plain() {
    if (died != nullptr) ++*died;
  }
  intrusive_ptr<plain> self() { return intrusive_ptr<plain>::share(this); }
  int* died;
  int number;
};

struct on_one_thread : ref_counted<on_one_thread, frys::policy::count<frys::counts::local>> {
  explicit on_one_thread(int* count) : died(count) {}
  ~on_one_thread() { ++*died; }
  int* died;
};

struct shape : ref_counted<shape> {
  virtual ~shape() = default;
  virtual int corners() const { return 0; }
};
struct other_face {
  virtual ~other_face() = default;
  int before = 7;
};
struct square : other_face, shape {
  explicit square(int* count) : died(count) {}
  ~square() override { ++*died; }
  int corners() const override { return 4; }
  int* died;
};

// A list whose nodes own each other: the pointer's type is complete where its target is not.
struct node : ref_counted<node> {
  intrusive_ptr<node> next;
};

struct not_counted {};
struct derived_of_plain : plain {};  // no virtual destructor: delete would not find the whole

template <class P>
concept can_be_shared = frys::ref_countable<P>;
static_assert(can_be_shared<plain> && can_be_shared<const plain> && can_be_shared<square>);
static_assert(!can_be_shared<not_counted> && !can_be_shared<derived_of_plain> && !can_be_shared<other_face>);
static_assert(sizeof(intrusive_ptr<plain>) == sizeof(void*));
static_assert(sizeof(node) == 2 * sizeof(void*));
static_assert(std::is_nothrow_copy_constructible_v<intrusive_ptr<plain>> &&
              std::is_nothrow_move_constructible_v<intrusive_ptr<plain>> &&
              std::is_nothrow_move_assignable_v<intrusive_ptr<plain>>);
static_assert(std::is_convertible_v<intrusive_ptr<square>, intrusive_ptr<shape>> &&
              std::is_convertible_v<intrusive_ptr<plain>, intrusive_ptr<const plain>> &&
              !std::is_convertible_v<intrusive_ptr<shape>, intrusive_ptr<square>> &&
              !std::is_convertible_v<intrusive_ptr<const plain>, intrusive_ptr<plain>> &&
              !std::is_convertible_v<plain*, intrusive_ptr<plain>>);

template <class T, class... Args>
intrusive_ptr<T> made(Args&&... args) {
  auto out = make_intrusive<T>(std::forward<Args>(args)...);
  REQUIRE(out);
  return *std::move(out);
}

}  // namespace

TEST_CASE("intrusive_ptr: an empty one owns nothing") {
  const intrusive_ptr<plain> p;
  CHECK(p.get() == nullptr);
  CHECK_FALSE(p);
  CHECK(p == nullptr);
  const intrusive_ptr<plain> copy = p;  // NOLINT: the copy is the test
  CHECK(copy == p);
  CHECK(intrusive_ptr<plain>::share(static_cast<plain*>(nullptr)) == nullptr);
  CHECK(intrusive_ptr<plain>::adopt(static_cast<plain*>(nullptr)) == nullptr);
}

TEST_CASE("intrusive_ptr: the last owner ends the object, once") {
  int died = 0;
  {
    intrusive_ptr<plain> a = made<plain>(&died, 3);
    CHECK(a->number == 3);
    CHECK((*a).number == 3);
    CHECK(a->is_unique());
    intrusive_ptr<plain> b = a;
    CHECK(a->use_count() == 2);
    CHECK_FALSE(b->is_unique());
    a.reset();
    a.reset();
    CHECK(died == 0);
    CHECK(b->is_unique());
  }
  CHECK(died == 1);
}

TEST_CASE("intrusive_ptr: assignments share, move, and bear themselves") {
  int died_a = 0, died_b = 0;
  intrusive_ptr<plain> a = made<plain>(&died_a), b = made<plain>(&died_b);
  a = b;
  CHECK(died_a == 1);
  CHECK(b->use_count() == 2);
  a = *&a;
  CHECK(b->use_count() == 2);
  intrusive_ptr<plain>& same = a;
  a = std::move(same);
  CHECK(a->use_count() == 2);
  b = std::move(a);
  CHECK(a == nullptr);  // NOLINT: a moved-from pointer is empty
  CHECK(b->use_count() == 1);
  b = nullptr;
  CHECK(died_b == 1);
}

TEST_CASE("intrusive_ptr: detach gives up the pointer and leaves the owner counted; adopt takes it over") {
  int died = 0;
  intrusive_ptr<plain> a = made<plain>(&died);
  plain* const raw = a.detach();
  CHECK(a == nullptr);
  CHECK(died == 0);
  CHECK(raw->use_count() == 1);
  const auto again = intrusive_ptr<plain>::adopt(raw);
  CHECK(raw->use_count() == 1);
  CHECK(again == raw);
}

TEST_CASE("intrusive_ptr: an object may hand itself on") {
  int died = 0;
  intrusive_ptr<plain> a = made<plain>(&died);
  const intrusive_ptr<plain> b = a->self();
  CHECK(a == b);
  a.reset();
  CHECK(died == 0);
  CHECK(b->use_count() == 1);
}

TEST_CASE("intrusive_ptr: swap, comparison by address, hash") {
  intrusive_ptr<plain> a = made<plain>(), b = made<plain>();
  plain* const at_a = a.get();
  plain* const at_b = b.get();
  swap(a, b);
  CHECK(a == at_b);
  CHECK(b == at_a);
  CHECK(a != b);
  CHECK(((a <=> b) == std::compare_three_way{}(at_b, at_a)));
  CHECK((a < b) != (b < a));
  CHECK(intrusive_ptr<const plain>(a) == a);
  std::unordered_set<intrusive_ptr<plain>> all{a, b, a};
  CHECK(all.size() == 2);
  CHECK(all.contains(b));
  CHECK(a->use_count() == 2);
}

TEST_CASE("intrusive_ptr: a derived object is shared by its base, wherever that lies, and ends whole") {
  int died = 0;
  {
    intrusive_ptr<square> whole = made<square>(&died);
    intrusive_ptr<shape> base = whole;
    CHECK(base->corners() == 4);
    CHECK(base->use_count() == 2);
    CHECK(static_cast<void*>(base.get()) != static_cast<void*>(whole.get()));
    CHECK(base == whole);
    base = std::move(whole);
    CHECK(whole == nullptr);  // NOLINT: moved away
    CHECK(base->use_count() == 1);
    const intrusive_ptr<const shape> look = base;
    base.reset();
    CHECK(died == 0);
  }
  CHECK(died == 1);
}

TEST_CASE("intrusive_ptr: nodes may own nodes of their own type") {
  intrusive_ptr<node> head = made<node>();
  head->next = made<node>();
  head->next->next = made<node>();
  head = head->next;  // the first node dies; what it owned is owned elsewhere
  CHECK(head->use_count() == 1);
  CHECK(head->next->next == nullptr);
}

TEST_CASE("intrusive_ptr: a copy of an object has owners of its own, an assignment leaves them alone") {
  int died = 0;
  const intrusive_ptr<plain> a = made<plain>(&died, 1), b = a;
  plain copy = *a;
  CHECK(copy.is_unique());
  copy.number = 5;
  *a = copy;
  CHECK(a->use_count() == 2);
  CHECK(a->number == 5);
}

namespace {
struct clings : ref_counted<clings> {
  explicit clings(int* count) : ended(count) {}
  ~clings() {
    const auto self = intrusive_ptr<clings>::share(this);  // as a callback that is called from here may do
    const auto more = self;
    ++*ended;
  }
  int* ended;
};
}  // namespace

TEST_CASE("intrusive_ptr: a destructor may make pointers to its object that end there") {
  int ended = 0;
  made<clings>(&ended).reset();
  CHECK(ended == 1);
}

TEST_CASE("intrusive_ptr: a pointer within what it ends is empty already") {
  struct ring : ref_counted<ring> {
    intrusive_ptr<ring>* outside = nullptr;
    ~ring() { CHECK(outside->get() == nullptr); }
  };
  intrusive_ptr<ring> p = made<ring>();
  p->outside = &p;
  p.reset();
}

TEST_CASE("intrusive_ptr: counts::local counts the same, without an atomic") {
  int died = 0;
  intrusive_ptr<on_one_thread> a = made<on_one_thread>(&died);
  auto b = a;
  const auto c = b;
  CHECK(a->use_count() == 3);
  b.reset();
  a.reset();
  CHECK(c->is_unique());
  CHECK(died == 0);
  // The only owner may go to another thread, which may share and end it there.
  intrusive_ptr<on_one_thread> moved = made<on_one_thread>(&died);
  std::thread([p = std::move(moved)]() mutable {
    const auto q = p;
    p.reset();
  }).join();
  CHECK(died == 1);
}

TEST_CASE("intrusive_ptr: threads share and drop; the last one ends the object after all uses of it") {
  constexpr int threads = 3, rounds = 2000;
  struct tally : ref_counted<tally> {
    explicit tally(std::atomic<int>* to) : sum(to) {}
    ~tally() { sum->fetch_add(uses[0] + uses[1] + uses[2]); }
    int uses[threads] = {};
    std::atomic<int>* sum;
  };
  std::atomic<int> sum{0};
  std::vector<intrusive_ptr<tally>> first;
  for (int i = 0; i < rounds; ++i) first.push_back(made<tally>(&sum));
  {
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t)
      all.emplace_back([t, mine = first]() mutable {
        for (auto& p : mine) {
          const auto again = p;
          p.reset();
          ++again->uses[t];  // plain: ordered by the count alone
        }
      });
    first.clear();
    for (auto& t : all) t.join();
  }
  CHECK(sum.load() == threads * rounds);
}

namespace {

struct session;
using session_pool = frys::object_pool<session>;
struct session : ref_counted<session, frys::policy::count<frys::counts::local>,
                             frys::policy::release<frys::reclaim_to_pool<session_pool>>> {
  explicit session(int n) : number(n) {}
  int number;
};

}  // namespace

TEST_CASE("intrusive_ptr: an object of a pool goes back to its pool") {
  session_pool here, there;
  auto a = frys::make_intrusive_from<session>(frys::reclaim_to_pool(here), 1);
  auto b = frys::make_intrusive_from<session>(frys::reclaim_to_pool(there), 2);
  REQUIRE((a && b));
  CHECK(here.size() == 1);
  CHECK(there.size() == 1);
  intrusive_ptr<session> p = *std::move(a);
  p = *b;
  CHECK(here.size() == 0);
  CHECK(there.size() == 1);
  CHECK(p->number == 2);
  b->reset();
  p.reset();
  CHECK(there.size() == 0);
}

TEST_CASE("intrusive_ptr: a pool that refuses refuses the pointer") {
  struct counted;
  using tight = frys::object_pool<counted, frys::policy::limit<8>>;
  struct counted : ref_counted<counted, frys::policy::release<frys::reclaim_to_pool<tight>>> {};
  tight pool;
  const auto p = frys::make_intrusive_from<counted>(frys::reclaim_to_pool(pool));
  REQUIRE_FALSE(p);
  CHECK(p.error().code == frys::errc::limit_exceeded);
}

namespace {

// Counts what is allocated and freed; two of one are equal, two that were made apart are not.
class watching : public std::pmr::memory_resource {
 public:
  std::ptrdiff_t live = 0;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    live += static_cast<std::ptrdiff_t>(bytes);
    return ::operator new (bytes, std::align_val_t{alignment});
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    live -= static_cast<std::ptrdiff_t>(bytes);
    ::operator delete (p, std::align_val_t{alignment});
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

using pmr = std::pmr::polymorphic_allocator<std::byte>;
struct component : ref_counted<component, frys::policy::release<frys::reclaim_by_allocator<pmr>>> {
  explicit component(int n, bool refuses = false) : number(n) {
#if FRYS_EXCEPTIONS
    if (refuses) throw std::runtime_error("no");
#endif
    (void)refuses;
  }
  int number;
};
struct by_std : ref_counted<by_std, frys::policy::release<frys::reclaim_by_allocator<std::allocator<by_std>>>> {};

}  // namespace

TEST_CASE("intrusive_ptr: an object carries its allocator, and goes back to that one") {
  watching one, other;
  {
    auto a = frys::make_intrusive_from<component>(frys::reclaim_by_allocator<pmr>(&one), 1);
    auto b = frys::make_intrusive_from<component>(frys::reclaim_by_allocator<pmr>(&other), 2);
    REQUIRE((a && b));
    CHECK(one.live == sizeof(component));
    CHECK(other.live == sizeof(component));
    swap(*a, *b);
    a->reset();
    CHECK(one.live == sizeof(component));
    CHECK(other.live == 0);
    CHECK((*b)->number == 1);
    const component copy = **b;  // is nobody's memory
  }
  CHECK(one.live == 0);
#if FRYS_EXCEPTIONS
  CHECK_THROWS((void)frys::make_intrusive_from<component>(frys::reclaim_by_allocator<pmr>(&one), 1, /*refuses=*/true));
  CHECK(one.live == 0);
#endif
  CHECK(make_intrusive<by_std>());
}

namespace {

// A user's own function, which finds in the object what it needs.
struct into_list {
  static void reclaim(struct recycled* object) noexcept;
};
struct recycled : ref_counted<recycled, frys::policy::release<into_list>> {
  std::vector<recycled*>* spares = nullptr;
};
void into_list::reclaim(recycled* object) noexcept {
  auto& spares = *object->spares;
  object->~recycled();
  spares.push_back(object);
}

// A count of one's own: no object of it ever ends.
struct immortal {
  template <class Atomics>
  struct word {
    void add() noexcept {}
    bool drop() noexcept { return false; }
    std::uint32_t owners() const noexcept { return 1; }
    bool is_unique() const noexcept { return false; }
  };
};
struct constant : ref_counted<constant, frys::policy::count<immortal>> {};

}  // namespace

TEST_CASE("intrusive_ptr: a user's function has the object last") {
  alignas(recycled) std::byte memory[sizeof(recycled)];
  std::vector<recycled*> spares;
  auto* const object = ::new (static_cast<void*>(memory)) recycled;
  object->spares = &spares;
  auto p = intrusive_ptr<recycled>::adopt(object);
  auto q = p;
  p.reset();
  CHECK(spares.empty());
  q.reset();
  CHECK(spares == std::vector<recycled*>{object});
}

TEST_CASE("intrusive_ptr: a user's count decides when") {
  constant c;
  auto p = intrusive_ptr<constant>::adopt(&c);
  p = nullptr;
  CHECK_FALSE(c.is_unique());
}

namespace {
struct boosted {  // as boost::intrusive_ptr's users write them
  int owners = 0;
  bool ended = false;
  friend void intrusive_ptr_add_ref(boosted* b) noexcept { ++b->owners; }
  friend void intrusive_ptr_release(boosted* b) noexcept { b->ended = --b->owners == 0; }
};
}  // namespace

TEST_CASE("intrusive_ptr: objects that count by boost's two functions serve") {
  static_assert(frys::ref_countable<boosted>);
  boosted b;
  auto p = intrusive_ptr<boosted>::share(&b);
  {
    const auto q = p;
    CHECK(b.owners == 2);
  }
  p.reset();
  CHECK(b.ended);
  // And ours by boost's ways.
  int died = 0;
  plain* const ours = made<plain>(&died).detach();
  intrusive_ptr_add_ref(ours);
  intrusive_ptr_release(ours);
  CHECK(died == 0);
  intrusive_ptr_release(ours);
  CHECK(died == 1);
}

namespace {
struct huge : ref_counted<huge> {
  static void* operator new(std::size_t, const std::nothrow_t&) noexcept { return nullptr; }
  static void operator delete(void*) noexcept {}
};
}  // namespace

TEST_CASE("intrusive_ptr: no memory is an error, not an exception") {
  static_assert(noexcept(make_intrusive<plain>()));
  const auto p = make_intrusive<huge>();
  REQUIRE_FALSE(p);
  CHECK(p.error().code == frys::errc::out_of_memory);
  CHECK(p.error().where == frys::domain::memory);
}
