#include <frys/queue/rcu_cell.hpp>

#include <cstddef>
#include <memory>
#include <new>

#include <frys/memory/hazard_domain.hpp>
#include <frys/memory/qsbr_domain.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;
namespace policy = frys::policy;

// Memory of the model's, so that it finds leaks and uses after the end.
struct box {
  explicit box(int v) noexcept : value(v) {}
  box(const box& other) noexcept : value(other.value.get()) {}
  element value;
  static void* operator new(std::size_t bytes) { return A::alloc(bytes); }
  static void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return A::alloc(bytes); }
  static void operator delete(void* p) noexcept { A::free(p); }
};
using symmetric = policy::fence<frys::fences::symmetric>;
using epochs = frys::epoch_domain<policy::capacity<3>, policy::batch<1>, policy::garbage<8>, symmetric,
                                  policy::pages<model::pages>, with_model>;
using hazards = frys::hazard_domain<policy::capacity<3>, policy::batch<1>, policy::hazards<1>, symmetric,
                                    policy::pages<model::pages>, with_model>;
// For cells that only writers use: what is retired goes at once, without any fence that could stand in for the cell's.
struct writers_only {
  using atomics_type = A;
  static constexpr bool has_pin = false;
  template <class T>
  struct guard {
    T* object;
    T* get() const noexcept { return object; }
  };
  struct participant {
    template <class T>
    guard<T> protect(const A::atomic<T*>& source) noexcept {
      return {source.load(std::memory_order_acquire)};
    }
    bool retire(void* object, frys::destroy_function destroy) noexcept { return destroy(object), true; }
    template <class T>
    bool retire(T* object) noexcept {
      delete object;
      return true;
    }
    std::size_t room() const noexcept { return 1; }
    void quiesce() noexcept {}
  };
  frys::result<participant> join() noexcept { return participant{}; }
  std::size_t garbage() const noexcept { return 0; }
};
template <class D>
using cell_of = frys::rcu_cell<box, policy::reclaimer<D>>;

std::unique_ptr<box> make(int v) { return std::make_unique<box>(v); }

// A reader against one that replaces: what is read is whole and alive; writes are seen in order.
template <class D>
void read_against_replace() {
  D domain;
  cell_of<D> cell(make(0));
  auto reader = *domain.join();
  auto writer = *domain.join();
  model::threads(
      [&] {
        int last = 0;
        for (int i = 0; i < 2; ++i) {
          const auto now = cell.read(reader);
          const int v = now->value.get();
          model::require(v >= last && v <= 1, "values come in order");
          last = v;
        }
      },
      [&] { model::require(static_cast<bool>(cell.replace(writer, make(1))), "there is room"); });
  model::require(cell.read(reader)->value.get() == 1, "the last value stays");
}
// Two that replace: each destroys what the other made.
template <class D>
void two_replace() {
  D domain;
  cell_of<D> cell(make(0));
  auto a = *domain.join();
  auto b = *domain.join();
  model::threads([&] { (void)cell.replace(a, make(1)); }, [&] { (void)cell.replace(b, make(2)); });
  const int v = cell.read(a)->value.get();
  model::require(v == 1 || v == 2, "one of them stands");
}
// Two that update: nothing is lost.
template <class D>
void two_update() {
  D domain;
  cell_of<D> cell(make(0));
  auto a = *domain.join();
  auto b = *domain.join();
  const auto add = [&](auto& seat) {
    model::require(static_cast<bool>(cell.update(seat, [](box& x) { x.value = x.value.get() + 1; })), "there is room");
  };
  model::threads([&] { add(a); }, [&] { add(b); });
  model::require(cell.read(a)->value.get() == 2, "no change is lost");
}
// An update that is read: the release of its compare-exchange.
template <class D>
void read_against_update() {
  D domain;
  cell_of<D> cell(make(0));
  A::var<int> before{0};
  auto reader = *domain.join();
  auto writer = *domain.join();
  model::threads(
      [&] {
        const auto now = cell.read(reader);
        if (now->value.get() == 1) model::require(before.get() == 7, "what came before the update is there");
      },
      [&] {
        before.ref() = 7;
        (void)cell.update(writer, [](box& x) { x.value = 1; });
      });
}

TEST_CASE("rcu_cell under the model: a reader finds whole values that live") {
  holds(&read_against_replace<epochs>);
  holds(&read_against_replace<hazards>);
}
TEST_CASE("rcu_cell under the model: two that replace destroy each value once") {
  holds(&two_replace<epochs>);
  holds(&two_replace<hazards>);
  holds(&two_replace<writers_only>);
}
TEST_CASE("rcu_cell under the model: two that update lose nothing") { holds_mostly(&two_update<epochs>); }
TEST_CASE("rcu_cell under the model: an update publishes") {
  holds(&read_against_update<epochs>);
  holds(&read_against_update<hazards>);
}

}  // namespace
