// expect: frys::intrusive_mpsc_queue: policy::atomics wants a model that has atomic_ref<T>, for the node's link
#include <frys/core/atomics.hpp>
#include <frys/core/work.hpp>
#include <frys/queue/intrusive_mpsc_queue.hpp>

// A model that satisfies atomics_model and no more.
struct own {
  template <class T>
  using atomic = frys::atomics::real::atomic<T>;
  template <class T>
  using var = frys::atomics::real::var<T>;
  using real = frys::atomics::real;
  static void fence(std::memory_order order) { real::fence(order); }
  static void pause() { real::pause(); }
  static bool wait(const atomic<std::uint32_t>& word, std::uint32_t old, frys::deadline until) {
    return real::wait(word, old, until);
  }
  static void notify_one(atomic<std::uint32_t>& word) { real::notify_one(word); }
  static void notify_all(atomic<std::uint32_t>& word) { real::notify_all(word); }
#ifndef WRONG
  template <class T>
  using atomic_ref = frys::atomics::real::atomic_ref<T>;
#endif
};
static_assert(frys::atomics_model<own>);
frys::intrusive_mpsc_queue<frys::work, frys::policy::atomics<own>> queue;
