// The example of docs/memory.md for small_vector and stable_vector, run.
#include <frys/memory/small_vector.hpp>
#include <frys/memory/stable_vector.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

// [region vectors]
// The words of a command: nearly always few.
using words = frys::small_vector<std::string_view, 8>;

bool split(std::string_view line, words& out) {
  while (!line.empty()) {
    const std::size_t end = line.find(' ');
    if (!out.push_back(line.substr(0, end))) return false;  // out of memory; the words so far are there
    line.remove_prefix(end == line.npos ? line.size() : end + 1);
  }
  return true;
}

// Names by number: the texts never move, so that the index may point into them.
class names {
 public:
  frys::result<std::size_t> number_of(std::string_view name) {
    if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
    auto kept = texts_.emplace_back(name);
    if (!kept) return kept.error();
    return by_name_.emplace(**kept, texts_.size() - 1).first->second;
  }
  const std::string& operator[](std::size_t number) const { return texts_[number]; }

 private:
  frys::stable_vector<std::string> texts_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};
// [endregion vectors]

TEST_CASE("docs: small_vector for words, stable_vector for names") {
  words w;
  CHECK(split("SET key value EX 10", w));
  CHECK(w.size() == 5);
  CHECK(w.is_inside());
  CHECK(w[3] == "EX");
  names all;
  for (int i = 0; i < 1000; ++i) CHECK(*all.number_of(std::to_string(i)) == static_cast<std::size_t>(i));
  CHECK(*all.number_of("7") == 7);
  CHECK(all[999] == "999");
}

}  // namespace
