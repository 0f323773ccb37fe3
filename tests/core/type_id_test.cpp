#include <frys/core/type_id.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace sample {
struct thing {};
template <class T>
struct box {};
}  // namespace sample

TEST_CASE("type_id: a type has a name and a number at compile time") {
  static_assert(frys::type_name<int>() == "int");
  static_assert(frys::type_name<double>() == "double");
  static_assert(frys::type_name<sample::thing>() == "sample::thing");
  static_assert(frys::type_id<int>() == frys::type_id<int>());
  static_assert(frys::type_id<int>() != frys::type_id<unsigned>());
  CHECK(frys::type_name<sample::box<int>>() == "sample::box<int>");
}

TEST_CASE("type_id: types that differ at all have different numbers") {
  const std::set<frys::type_id_t> ids{frys::type_id<int>(),
                                      frys::type_id<const int>(),
                                      frys::type_id<int&>(),
                                      frys::type_id<int&&>(),
                                      frys::type_id<int*>(),
                                      frys::type_id<const int*>(),
                                      frys::type_id<int[3]>(),
                                      frys::type_id<int (*)(int)>(),
                                      frys::type_id<sample::thing>(),
                                      frys::type_id<std::string>(),
                                      frys::type_id<std::vector<int>>(),
                                      frys::type_id<sample::box<sample::thing>>()};
  CHECK(ids.size() == 12);
}
