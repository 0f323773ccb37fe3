// sequential: what an object does when one thread has it to itself: the specifications that histories are judged by.
//
// Ready     queue_spec, stack_spec, relaxed_queue_spec, set_spec, register_spec, counter_spec; over() makes one of any
//           container and a function. Each names its `operation` and `result`, and makes its operations:
//
//   using Q = model::queue_spec<int>;
//   model::history_of<Q> h;
//   auto c = h.begin(0, Q::push(7));
//   h.end(c, Q::pushed());
//   h.record(1, Q::pop(), [&] { auto v = queue.try_pop(); return v ? Q::got(*v) : Q::empty(); });
//   model::linearizable(h, Q{});
//
// Yours     see the concept `specification`.
#ifndef FRYS_SIM_MODEL_SEQUENTIAL_HPP
#define FRYS_SIM_MODEL_SEQUENTIAL_HPP

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::sim::model {

// A sequential specification: a copyable state with ==, and either
//   Result apply(const Op&)                           does the operation, answers its only right result; or
//   void each(const Op&, const Result* result, take)  calls take(next state) for every state that the operation may
//                                                     leave with this result, or with any if it is null (pending).
// It may also have
//   key(const Op&)      operations of different keys have nothing to do with each other: each key is judged alone;
//   std::size_t hash()  of the state: equal states, equal hashes. Makes the search faster.
template <class Spec, class Op, class Result>
concept specification = std::copy_constructible<Spec> && std::equality_comparable<Spec> &&(
    requires(Spec s, const Op& op, const Result& r) {
      { s.apply(op) == r } -> std::convertible_to<bool>;
    } ||
    requires(Spec s, const Op& op, const Result* r) { s.each(op, r, [](Spec) {}); });

namespace detail {

// Text for an operation, a result or a key: its own text(), or the number, or the string.
template <class T>
std::string text_of(const T& value) {
  if constexpr (requires {
                  { value.text() } -> std::convertible_to<std::string>;
                }) {
    return value.text();
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    return std::string(std::string_view(value));
  } else if constexpr (requires {
                         { *value } -> std::convertible_to<typename T::value_type>;
                         value.has_value();
                       }) {
    return value.has_value() ? text_of(static_cast<typename T::value_type>(*value)) : std::string("none");
  } else {
    return "?";
  }
}

inline std::size_t mix(std::size_t h, std::uint64_t v) noexcept {
  std::uint64_t z = (h ^ v) * 0x9e3779b97f4a7c15u;
  return static_cast<std::size_t>(z ^ (z >> 29));
}
template <class T>
std::size_t hash_of(const T& value) noexcept {
  if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) return static_cast<std::size_t>(value);
  return 0;
}

template <class T>
std::size_t hash_all(const std::vector<T>& values) noexcept {
  std::size_t h = values.size();
  for (const T& v : values) h = mix(h, hash_of(v));
  return h;
}

}  // namespace detail

// --- queues and stacks ---

// push(value) or pop().
template <class T>
struct container_operation {
  bool is_push = false;
  T value{};

  [[nodiscard]] std::string text() const {
    return is_push ? "push(" + detail::text_of(value) + ")" : std::string("pop()");
  }
};
// push: {true}, or {} if the container was full. pop: {true, value}, or {} if it was empty.
template <class T>
struct container_result {
  bool ok = false;
  T value{};

  friend bool operator==(const container_result&, const container_result&) = default;
  [[nodiscard]] std::string text() const { return ok ? "ok " + detail::text_of(value) : std::string("no"); }
};

namespace detail {
// How operations and results of queues and stacks are made.
template <class T>
struct container_words {
  using operation = container_operation<T>;
  using result = container_result<T>;

  static operation push(T value) { return {true, std::move(value)}; }
  static operation pop() { return {}; }
  static result pushed() { return {true, T{}}; }
  static result full() { return {}; }
  static result got(T value) { return {true, std::move(value)}; }
  static result empty() { return {}; }
};

// `Newest`: pop takes what came last.
template <class T, bool Newest>
class container_spec : public container_words<T> {
 public:
  using typename container_words<T>::operation;
  using typename container_words<T>::result;

  // Full when it holds `capacity`; without one, never.
  explicit container_spec(std::size_t capacity = ~std::size_t{0}) : capacity_(capacity) {}

  result apply(const operation& op) {
    if (op.is_push) {
      if (values_.size() >= capacity_) return {};
      values_.push_back(op.value);
      return {true, T{}};
    }
    if (values_.empty()) return {};
    const auto at = Newest ? values_.end() - 1 : values_.begin();
    result r{true, std::move(*at)};
    values_.erase(at);
    return r;
  }
  friend bool operator==(const container_spec& a, const container_spec& b) { return a.values_ == b.values_; }
  [[nodiscard]] std::size_t hash() const noexcept { return hash_all(values_); }

 private:
  std::size_t capacity_;
  std::vector<T> values_;
};
}  // namespace detail

// First in, first out; first in, last out. T: default-constructible, copyable, ==.
template <class T>
using queue_spec = detail::container_spec<T, false>;
template <class T>
using stack_spec = detail::container_spec<T, true>;

// A queue out of order by at most k: pop takes one of the k + 1 oldest. k = 0 is a FIFO. It says empty only when it is,
// or, if `may_miss`, whenever it holds no more than k.
template <class T>
class relaxed_queue_spec : public detail::container_words<T> {
 public:
  using typename detail::container_words<T>::operation;
  using typename detail::container_words<T>::result;

  explicit relaxed_queue_spec(std::size_t k, bool may_miss = false, std::size_t capacity = ~std::size_t{0})
      : k_(k), capacity_(capacity), may_miss_(may_miss) {}

  template <class Take>
  void each(const operation& op, const result* r, Take take) const {
    if (op.is_push) {
      const bool fits = values_.size() < capacity_;
      if (r && !(*r == result{fits, T{}})) return;
      relaxed_queue_spec next = *this;
      if (fits) next.values_.push_back(op.value);
      take(std::move(next));
      return;
    }
    if ((!r || *r == result{}) && (values_.empty() || (may_miss_ && values_.size() <= k_))) take(*this);
    for (std::size_t i = 0; i < values_.size() && i <= k_; ++i) {
      if (r && !(*r == result{true, values_[i]})) continue;
      relaxed_queue_spec next = *this;
      next.values_.erase(next.values_.begin() + static_cast<std::ptrdiff_t>(i));
      take(std::move(next));
    }
  }
  friend bool operator==(const relaxed_queue_spec& a, const relaxed_queue_spec& b) { return a.values_ == b.values_; }
  [[nodiscard]] std::size_t hash() const noexcept { return detail::hash_all(values_); }

 private:
  std::size_t k_, capacity_;
  bool may_miss_;
  std::vector<T> values_;
};

// --- set ---

// insert and erase answer whether they changed something, contains whether it is there. Each key is judged alone.
template <class K>
class set_spec {
 public:
  enum class kind : std::uint8_t { insert, erase, contains };
  struct operation {
    kind what = kind::contains;
    K key{};

    [[nodiscard]] std::string text() const {
      return (what == kind::insert  ? "insert("
              : what == kind::erase ? "erase("
                                    : "contains(") +
             detail::text_of(key) + ")";
    }
  };
  using result = bool;

  static operation insert(K key) { return {kind::insert, std::move(key)}; }
  static operation erase(K key) { return {kind::erase, std::move(key)}; }
  static operation contains(K key) { return {kind::contains, std::move(key)}; }

  set_spec() = default;
  // A set that begins with these keys.
  explicit set_spec(std::vector<K> keys) : keys_(std::move(keys)) {}

  const K& key(const operation& op) const noexcept { return op.key; }
  bool apply(const operation& op) {
    const auto at = std::find(keys_.begin(), keys_.end(), op.key);
    const bool is_there = at != keys_.end();
    if (op.what == kind::contains) return is_there;
    if (op.what == kind::insert && !is_there) keys_.push_back(op.key);
    if (op.what == kind::erase && is_there) keys_.erase(at);
    return is_there == (op.what == kind::erase);
  }
  // Within one key's operations the other keys stand still, so their order tells nothing.
  friend bool operator==(const set_spec& a, const set_spec& b) {
    return a.keys_.size() == b.keys_.size() && std::is_permutation(a.keys_.begin(), a.keys_.end(), b.keys_.begin());
  }
  [[nodiscard]] std::size_t hash() const noexcept { return keys_.size(); }

 private:
  std::vector<K> keys_;
};

// --- register and counter ---

// read: {true, value}; write: {true}; exchange: {true, the value before}; compare_exchange: {whether it did, the value
// before}.
template <class T>
class register_spec {
 public:
  enum class kind : std::uint8_t { read, write, exchange, compare_exchange };
  struct operation {
    kind what = kind::read;
    T value{};
    T expected{};

    [[nodiscard]] std::string text() const {
      switch (what) {
        case kind::read:
          return "read()";
        case kind::write:
          return "write(" + detail::text_of(value) + ")";
        case kind::exchange:
          return "exchange(" + detail::text_of(value) + ")";
        default:
          return "compare_exchange(" + detail::text_of(expected) + ", " + detail::text_of(value) + ")";
      }
    }
  };
  using result = container_result<T>;

  static operation read() { return {}; }
  static operation write(T value) { return {kind::write, std::move(value), T{}}; }
  static operation exchange(T value) { return {kind::exchange, std::move(value), T{}}; }
  static operation compare_exchange(T expected, T desired) {
    return {kind::compare_exchange, std::move(desired), std::move(expected)};
  }

  explicit register_spec(T first = T{}) : value_(std::move(first)) {}

  result apply(const operation& op) {
    if (op.what == kind::read) return {true, value_};
    if (op.what == kind::compare_exchange && !(value_ == op.expected)) return {false, value_};
    T before = std::exchange(value_, op.value);
    if (op.what == kind::write) return {true, T{}};
    return {true, std::move(before)};
  }
  friend bool operator==(const register_spec&, const register_spec&) = default;
  [[nodiscard]] std::size_t hash() const noexcept { return detail::hash_of(value_); }

 private:
  T value_;
};

// add answers the value before; read is add(0).
template <class T>
class counter_spec {
 public:
  struct operation {
    T amount{};

    [[nodiscard]] std::string text() const { return "add(" + detail::text_of(amount) + ")"; }
  };
  using result = T;

  static operation add(T amount) { return {std::move(amount)}; }
  static operation read() { return {}; }

  explicit counter_spec(T first = T{}) : value_(std::move(first)) {}

  T apply(const operation& op) {
    T before = value_;
    value_ = static_cast<T>(value_ + op.amount);
    return before;
  }
  friend bool operator==(const counter_spec&, const counter_spec&) = default;
  [[nodiscard]] std::size_t hash() const noexcept { return detail::hash_of(value_); }

 private:
  T value_;
};

// --- any container ---

// A container (or any copyable type with ==) and a function `Result step(Container&, const Op&)`.
template <class Container, class Step>
struct over {
  Container container;
  Step step;

  over(Container c, Step s) : container(std::move(c)), step(std::move(s)) {}
  template <class Op>
  requires std::invocable<const Step&, Container&, const Op&>
  auto apply(const Op& op) { return std::as_const(step)(container, op); }
  friend bool operator==(const over& a, const over& b) { return a.container == b.container; }
};

// The same, where `key(op)` tells operations apart that have nothing to do with each other.
template <class Container, class Step, class Key>
struct over_keyed : over<Container, Step> {
  Key key;

  over_keyed(Container c, Step s, Key k) : over<Container, Step>(std::move(c), std::move(s)), key(std::move(k)) {}
};

}  // namespace frys::inline FRYS_ABI::sim::model

#endif  // FRYS_SIM_MODEL_SEQUENTIAL_HPP
