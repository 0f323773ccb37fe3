// Is my lock-free structure right, on every schedule and with every order that the memory model allows?
//
// A stack whose nodes the caller owns takes its atomics as a parameter. The model checker runs two threads on it
// through every execution that can be told apart: with the right order it is a proof, with a weaker one it draws the
// execution that goes wrong. A program gives the same text frys::atomics::standard.
#include <frys/core/atomics.hpp>
#include <frys/sim/model.hpp>

#include <atomic>
#include <cstdio>

// [region stack]
template <class A, std::memory_order Publish = std::memory_order_release>
class stack {
 public:
  struct node {
    typename A::template var<int> value{0};  // plain memory: the model sees races on it
    node* next = nullptr;
  };
  void push(node& n) {
    n.next = top_.load(std::memory_order_relaxed);
    while (!top_.compare_exchange_weak(n.next, &n, Publish, std::memory_order_relaxed)) A::pause();
  }
  node* take_all() { return top_.exchange(nullptr, std::memory_order_acquire); }

 private:
  typename A::template atomic<node*> top_{nullptr};
};
// [endregion stack]

namespace {

// [region body]
namespace model = frys::sim::model;

template <std::memory_order Publish>
void two_push_one_takes() {
  using tested = stack<frys::atomics::model, Publish>;
  tested s;
  typename tested::node a, b;
  int sum = 0;
  const auto take = [&] {
    for (auto* n = s.take_all(); n != nullptr; n = n->next) sum += n->value.get();
  };
  model::threads([&] { a.value.ref() = 1, s.push(a); }, [&] { b.value.ref() = 2, s.push(b); }, take);
  take();
  model::require(sum == 3, "both values come out, once each");
}
// [endregion body]

}  // namespace

int main() {
  // [region check]
  const model::report right = model::check(model::exhaustive{}, two_push_one_takes<std::memory_order_release>);
  const model::report wrong = model::check(model::exhaustive{}, two_push_one_takes<std::memory_order_relaxed>);
  std::printf("release: %s\nrelaxed: %s", right.text().c_str(), wrong.text().c_str());
  // [endregion check]

  // The same structure in a program.
  using shipped = stack<frys::atomics::standard>;
  shipped s;
  shipped::node n;
  n.value.ref() = 42;
  s.push(n);
  const bool works = s.take_all()->value.get() == 42;
  return right.passed() && right.complete && wrong.what == model::fault::race && works ? 0 : 1;
}
