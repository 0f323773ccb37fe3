// The example of docs/memory.md for compacting_pool, run.
#include <frys/memory/compacting_pool.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace {

// [region compacting]
// Sessions of a server: a crowd in the evening, a few in the night. The night's few shall not keep the evening's
// memory.
struct visitor {
  std::string name;
};
using visitors = frys::compacting_pool<visitor>;

// From the loop, when there is nothing else to do: a thousand values at most, some tens of microseconds.
bool tidy(visitors& all) {
  if (all.fragmentation() < 0.3) return true;
  const auto step = all.compact(1000);
  return step && step->finished;  // or out of memory: a chunk is wanted to move values to
}
// [endregion compacting]

TEST_CASE("docs: a compacting pool gives back what the crowd needed") {
  visitors all;
  std::vector<visitors::handle> handles;
  for (int i = 0; i < 50'000; ++i) handles.push_back(*all.insert(visitor{std::to_string(i)}));
  const std::size_t evening = all.reserved();
  for (std::size_t i = 0; i < handles.size(); ++i)
    if (i % 10 != 0) all.erase(handles[i]);
  while (!tidy(all)) {
  }
  CHECK(all.reserved() * 4 < evening);
  CHECK(all.get(handles[777]) == nullptr);
  CHECK(all.get(handles[770])->name == "770");
}

}  // namespace
