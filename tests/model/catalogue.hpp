// What the seeded bugs have in common. Each catalogue_<family>.hpp holds small textbook structures, written as
// templates over the atomics and over one bug of an enum; `none` is the twin without it.
#ifndef FRYS_TESTS_MODEL_CATALOGUE_HPP
#define FRYS_TESTS_MODEL_CATALOGUE_HPP

#include <doctest/doctest.h>
#include <frys/sim/model.hpp>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <new>
#include <string_view>
#include <utility>

namespace catalogue {

namespace model = frys::sim::model;
using checked = frys::atomics::model;

// An object in checked memory: leaks, double frees and uses after free are seen, and an address may come again.
template <class A, class T, class... Args>
T* make(Args&&... args) {
  return ::new (A::alloc(sizeof(T))) T(std::forward<Args>(args)...);
}
template <class A, class T>
void drop(T* object) {
  object->~T();
  A::free(object);
}

using model::fault;

// The bug was found, it is of the right kind, and the sentence holds `words`.
inline void found(const model::report& report, std::initializer_list<fault> kinds, std::string_view words = {}) {
  INFO(report.text());
  CHECK_FALSE(report.passed());
  bool named = false;
  for (const fault kind : kinds) named = named || report.what == kind;
  CHECK(named);
  CHECK(std::string_view(report.failure).find(words) != std::string_view::npos);
}

// No failure; an exhaustive run has also covered everything.
inline void sound(const model::report& report, bool whole = true) {
  INFO(report.text());
  CHECK(report.passed());
  if (whole) CHECK(report.complete);
}

}  // namespace catalogue

#endif  // FRYS_TESTS_MODEL_CATALOGUE_HPP
