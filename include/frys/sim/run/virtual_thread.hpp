// virtual_thread: one thread of a sim::run: its stack, what it does, and what it waits for; the table of all of them,
// and the set of those that can run.
#ifndef FRYS_SIM_RUN_VIRTUAL_THREAD_HPP
#define FRYS_SIM_RUN_VIRTUAL_THREAD_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../core/context.hpp"
#include "../../core/deadline.hpp"
#include "../../core/result.hpp"
#include "report.hpp"

#if FRYS_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace frys::inline FRYS_ABI::sim::detail {

// What the C++ runtime keeps for a thread of the system: the exceptions being handled, and how many are under way. Each
// virtual thread has its own, so that one may be switched away from inside a catch block.
struct exception_state {
  void* caught = nullptr;
  std::uintptr_t uncaught = 0;
#if defined(__ARM_EABI_UNWINDER__)
  void* propagating = nullptr;
#endif
};

struct virtual_thread {
  static constexpr std::size_t no_alarm = ~std::size_t{0};

  quick_context flow;
  stack_memory stack;
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;
  exception_state exceptions;
  std::uint32_t number = 0;    // in the order of starts
  std::uint32_t place = 0;     // in the runnable_set
  std::uint32_t priority = 0;  // strategy::pct
  std::uint64_t since = 0;     // the step at which it was switched to
  enum class state : std::uint8_t { unused, can_run, sleeps, joins, has_ended } is = state::unused;
  bool is_joinable = false;
  bool timed_out = false;
  operation about_to = operation::begin;
  code_place at;
  // asleep
  const void* word = nullptr;  // an atomic of 32 bits, or null
  std::uint32_t slept_while = 0;
  deadline until;
  std::size_t alarm = no_alarm;
  std::uint64_t alarm_number = 0;  // of two with the same deadline, who slept first
  virtual_thread* next_sleeper = nullptr;
  virtual_thread* joins = nullptr;
  virtual_thread* joiner = nullptr;
  const void* holds = nullptr;  // its function, on the heap

  // threads::local
  void*& local(const void* tag) {
    for (const auto& l : locals)
      if (l->tag == tag) return l->value;
    locals.push_back(std::make_unique<local_value>());
    locals.back()->tag = tag;
    return locals.back()->value;
  }
  // For another start, on the same stack.
  void renew(std::uint32_t as_number) noexcept {
    number = as_number;
    is = state::can_run;
    place = 0;
    is_joinable = true;
    exceptions = {};
    about_to = operation::begin;
    at = {};
    word = nullptr;
    alarm = no_alarm;
    next_sleeper = nullptr;
    joins = joiner = nullptr;
    holds = nullptr;
    locals.clear();
  }

 private:
  struct local_value {
    const void* tag = nullptr;
    void* value = nullptr;
  };
  std::vector<std::unique_ptr<local_value>> locals;
};

// Those that can run, each of which knows its place.
class runnable_set {
 public:
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(all_.size()); }
  virtual_thread* operator[](std::size_t i) const noexcept { return all_[i]; }
  [[nodiscard]] auto begin() const noexcept { return all_.begin(); }
  [[nodiscard]] auto end() const noexcept { return all_.end(); }
  void clear() noexcept { all_.clear(); }
  void add(virtual_thread& t) {
    t.is = virtual_thread::state::can_run;
    t.place = size();
    all_.push_back(&t);
  }
  void remove(const virtual_thread& t) noexcept {
    all_.back()->place = t.place;
    all_[t.place] = all_.back();
    all_.pop_back();
  }

 private:
  std::vector<virtual_thread*> all_;
};

// All threads of a run, and the stacks of those before.
class thread_table {
 public:
  // What the run before has left behind is forgotten; its stacks serve again.
  void clear() noexcept {
    free_.clear();
    for (const auto& t : threads_) {
      t->is = virtual_thread::state::unused;
      t->is_joinable = false;
    }
    for (std::size_t i = threads_.size(); i-- > 0;) free_.push_back(threads_[i].get());
    names_.clear();
    alive_ = 0;
  }
  // nullptr: no memory for its stack.
  virtual_thread* make(const char* name, std::size_t stack_bytes) {
    if (free_.empty()) {
      threads_.push_back(std::make_unique<virtual_thread>());
      free_.push_back(threads_.back().get());
    }
    virtual_thread* t = free_.back();
    if (t->stack.span().size() < stack_bytes) {
      result<stack_memory> memory = stack_memory::allocate(stack_bytes);
      if (!memory) return nullptr;
      t->stack = *std::move(memory);
    }
    free_.pop_back();
    t->renew(static_cast<std::uint32_t>(names_.size()));
    names_.push_back(std::to_string(t->number) + " " + (name != nullptr ? name : "thread"));
    ++alive_;
    return t;
  }
  // It was joined.
  void recycle(virtual_thread& t) {
    t.is_joinable = false;
    t.joiner = nullptr;
    t.is = virtual_thread::state::unused;
    --alive_;
    free_.push_back(&t);
  }
  [[nodiscard]] std::uint32_t alive() const noexcept { return alive_; }
  // Of all that were started, by number.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] const std::string& name_of(const virtual_thread& t) const noexcept { return names_[t.number]; }

  // Those that nobody has joined, but for the body's, in words; empty if there are none.
  [[nodiscard]] std::string not_joined() const {
    std::string some;
    std::uint32_t count = 0;
    for (const auto& t : threads_) {
      if (!t->is_joinable || t->number == 0) continue;
      if (count++ < 8) some += (some.empty() ? "" : ", ") + name_of(*t);
    }
    return count > 8 ? some + " and others" : some;
  }
  // Those that nobody has joined so far, by number.
  [[nodiscard]] std::vector<const virtual_thread*> used() const {
    std::vector<const virtual_thread*> out;
    for (const auto& t : threads_)
      if (t->is != virtual_thread::state::unused) out.push_back(t.get());
    std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->number < b->number; });
    return out;
  }
  // The run is over. What was given up lies on the stacks as it was: LeakSanitizer shall count what it knows as known.
  void abandon() {
#if FRYS_ASAN
    for (const auto& t : threads_) {
      if (t->is == virtual_thread::state::unused) continue;
      if (t->holds != nullptr) __lsan_ignore_object(t->holds);
      if (t->is == virtual_thread::state::has_ended) continue;
      __lsan_register_root_region(t->stack.span().data(), t->stack.span().size());
      __lsan_ignore_object(new stack_memory(std::move(t->stack)));
    }
#endif
  }

 private:
  std::vector<std::unique_ptr<virtual_thread>> threads_;
  std::vector<virtual_thread*> free_;
  std::vector<std::string> names_;
  std::uint32_t alive_ = 0;
};

}  // namespace frys::inline FRYS_ABI::sim::detail

#endif  // FRYS_SIM_RUN_VIRTUAL_THREAD_HPP
