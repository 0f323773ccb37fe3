#include <frys/core/hash.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

using frys::hash;

std::uint64_t next_random(std::uint64_t& state) {  // splitmix64: not the hash under test
  state += 0x9e3779b97f4a7c15u;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Largest distance from 1/2 of the chance that flipping one input bit flips one output bit, over all pairs of bits.
template <class Hash>
double worst_bias(std::size_t bytes, int samples, Hash&& of) {
  std::uint64_t state = 1;
  std::vector<int> flips(bytes * 8 * 64);
  std::vector<std::byte> input(bytes);
  for (int s = 0; s < samples; ++s) {
    for (auto& b : input) b = static_cast<std::byte>(next_random(state));
    const std::uint64_t before = of(input);
    for (std::size_t bit = 0; bit < bytes * 8; ++bit) {
      input[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      std::uint64_t changed = before ^ of(input);
      input[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      for (; changed != 0; changed &= changed - 1) ++flips[bit * 64 + static_cast<unsigned>(std::countr_zero(changed))];
    }
  }
  double worst = 0;
  for (const int n : flips) worst = (std::max)(worst, std::fabs(static_cast<double>(n) / samples - 0.5));
  return worst;
}

enum class colour { red, green };

}  // namespace

TEST_CASE("hash: a flipped bit of an integer flips every bit of the hash with chance near one half") {
  // 2000 samples: chance has a deviation of 0.011; the worst of 4096 pairs stays below 6 of it.
  CHECK(worst_bias(8, 2000, [](const std::vector<std::byte>& in) {
          return frys::hash_integer(frys::load_le<std::uint64_t>(in.data()));
        }) < 0.067);
  CHECK(worst_bias(8, 2000, [](const std::vector<std::byte>& in) {
          return frys::hash_integer(7, frys::load_le<std::uint64_t>(in.data()));
        }) < 0.067);
}

TEST_CASE("hash: a flipped bit of a text flips every bit of the hash with chance near one half") {
  // One byte has 128 pairs of inputs a bit, all of them taken: a deviation of 0.044.
  CHECK(worst_bias(1, 2000, [](const std::vector<std::byte>& in) { return frys::hash_bytes(in); }) < 0.265);
  for (const std::size_t size : {2u, 3u, 4u, 7u, 8u, 11u, 16u, 17u, 31u, 48u, 65u, 130u})
    CHECK_MESSAGE(worst_bias(size, 2000, [](const std::vector<std::byte>& in) { return frys::hash_bytes(in); }) < 0.067,
                  "size " << size);
}

TEST_CASE("hash: consecutive integers spread evenly over power-of-two tables and over few owners") {
  for (const unsigned shift : {0u, 52u}) {  // the low bits, and the high ones
    std::vector<int> table(4096);
    for (std::uint64_t i = 0; i < 4096 * 16; ++i) ++table[(hash{}(i) >> shift) & 4095];
    double chi2 = 0;
    for (const int n : table) chi2 += (n - 16.0) * (n - 16.0) / 16.0;
    CHECK(chi2 < 4095 + 6 * std::sqrt(2 * 4095.0));  // 6 deviations of the chi-squared distribution
    CHECK(chi2 > 4095 - 6 * std::sqrt(2 * 4095.0));
  }
}

TEST_CASE("hash: texts that differ little, or only in length, differ in hash") {
  std::set<std::uint64_t> seen;
  std::size_t made = 0;
  const std::string zeros(100, '\0');
  for (std::size_t n = 0; n <= zeros.size(); ++n, ++made) seen.insert(hash{}(std::string_view(zeros).substr(0, n)));
  for (int i = 0; i < 100000; ++i, ++made) seen.insert(hash{}("key:" + std::to_string(i)));
  CHECK(seen.size() == made);
}

TEST_CASE("hash: every byte of an input counts, at every length") {
  for (std::size_t size = 1; size <= 200; ++size) {
    std::string text(size, 'x');
    const std::uint64_t before = hash{}(text);
    for (std::size_t i = 0; i < size; ++i) {
      text[i] = 'y';
      CHECK(hash{}(text) != before);
      text[i] = 'x';
    }
  }
}

TEST_CASE("hash: the numbers are part of 0.1's promise") {
  CHECK(frys::hash_integer(0) == 0xa5506ff52926ac13u);
  CHECK(frys::hash_integer(1, 2) == 0x25ac81b3c03cabd2u);
  CHECK(hash{}("") == 0x1fb533238b1f2874u);
  CHECK(hash{}("frys") == 0xa8b685071c909fadu);
  CHECK(hash{}("the quick brown fox jumps over the lazy dog") == 0x29702ac6f5e0951du);
  CHECK(hash{42}("frys") == 0xc5447ac7ed2ec6c4u);
  CHECK(hash{}(std::string(100, 'x')) == 0x62789c790fca598eu);
  CHECK(frys::hash_combine(1, 2) == 0x29e7bb89a55cd516u);
}

TEST_CASE("hash: another seed is another hash") {
  CHECK(hash{1}("text") != hash{2}("text"));
  CHECK(hash{1}(5) != hash{2}(5));
  CHECK(hash{1}(std::variant<int>(5)) != hash{2}(std::variant<int>(5)));
  CHECK(hash{1}(std::pair(5, 6)) != hash{2}(std::pair(5, 6)));
}

TEST_CASE("hash: equal texts hash equally in whatever form they come") {
  const std::string text = "one and the same text";
  char array[32];
  std::strcpy(array, text.c_str());
  CHECK(hash{}(text) == hash{}(std::string_view(text)));
  CHECK(hash{}(text) == hash{}(text.c_str()));
  CHECK(hash{}(text) == hash{}(array));
  CHECK(hash{}(text) == hash{}(frys::as_bytes(text)));
  CHECK(hash{}(text) == hash{}("one and the same text"));
}

TEST_CASE("hash: an integer hashes by its value, not by its width") {
  CHECK(hash{}(5) == hash{}(std::uint64_t{5}));
  CHECK(hash{}(-1) == hash{}(std::int64_t{-1}));
  CHECK(hash{}(colour::green) == hash{}(1));
}

TEST_CASE("hash: equal values of two alternatives of a variant differ") {
  using v = std::variant<int, long, std::string, std::monostate>;
  CHECK(hash{}(v(5)) == hash{}(v(5)));
  CHECK(hash{}(v(5)) != hash{}(v(5L)));
  CHECK(hash{}(v(5)) != hash{}(v(6)));
  CHECK(hash{}(v(std::string("5"))) != hash{}(v(5)));
  CHECK(hash{}(v(std::monostate())) != hash{}(v(0)));
  using twice = std::variant<int, int>;
  CHECK(hash{}(twice(std::in_place_index<0>, 1)) != hash{}(twice(std::in_place_index<1>, 1)));
}

TEST_CASE("hash: products, optionals and variants nest") {
  using deep =
      std::variant<int, std::pair<std::string, std::optional<std::tuple<int, std::variant<bool, std::string>>>>>;
  const deep a = std::pair(std::string("k"), std::optional(std::tuple(1, std::variant<bool, std::string>("x"))));
  deep b = a;
  CHECK(hash{}(a) == hash{}(b));
  std::get<1>(std::get<1>(*std::get<1>(b).second)) = "y";
  CHECK(hash{}(a) != hash{}(b));
  std::get<1>(b).second.reset();
  CHECK(hash{}(a) != hash{}(b));

  CHECK(hash{}(std::pair(1, 2)) != hash{}(std::pair(2, 1)));
  CHECK(hash{}(std::array{1, 2, 3}) == hash{}(std::tuple(1, 2, 3)));
  CHECK(hash{}(std::array{1, 2}) != hash{}(std::array{1, 2, 0}));
  CHECK(hash{}(std::optional<int>()) != hash{}(std::optional<int>(0)));
  int x = 0, y = 0;
  CHECK(hash{}(&x) != hash{}(&y));
}

TEST_CASE("hash: serves std containers, with lookup by view") {
  std::unordered_map<std::string, int, hash, std::equal_to<>> map;
  map["a"] = 1;
  CHECK(map.find(std::string_view("a"))->second == 1);
  CHECK(map.find("b") == map.end());
  std::unordered_map<std::variant<int, std::string>, int, hash> by_variant;
  by_variant[7] = 1;
  by_variant["7"] = 2;
  CHECK(by_variant.size() == 2);
}

TEST_CASE("hash: a long text's pieces do not change places unseen") {
  std::string text(320, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i / 16);
  const std::uint64_t before = hash{}(text);
  for (std::size_t a = 0; a < 20; ++a)
    for (std::size_t b = a + 1; b < 20; ++b) {
      std::string other = text;
      std::swap_ranges(other.begin() + static_cast<std::ptrdiff_t>(a * 16),
                       other.begin() + static_cast<std::ptrdiff_t>(a * 16 + 16),
                       other.begin() + static_cast<std::ptrdiff_t>(b * 16));
      CHECK(hash{}(other) != before);
    }
}

TEST_CASE("hash: equal floating-point numbers hash equally, and their neighbours do not") {
  CHECK(hash{}(0.0) == hash{}(-0.0));
  CHECK(hash{}(1.5f) == hash{}(1.5));
  CHECK(hash{}(0.1f) != hash{}(0.1));  // which are not equal
  CHECK(hash{1}(0.25) != hash{2}(0.25));
  std::set<std::uint64_t> seen;
  double d = 1;
  for (int i = 0; i < 10'000; ++i) {
    seen.insert(hash{}(d));
    d = std::nextafter(d, 2.0);
  }
  CHECK(seen.size() == 10'000);
}

TEST_CASE("hash: a set of variants as of a value of a script: quality as of its parts, in the table's low bits too") {
  using value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;
  // A flipped bit of the number in a variant flips each bit of the hash with chance near one half.
  CHECK(worst_bias(8, 2000, [](const std::vector<std::byte>& in) {
          std::int64_t n = 0;
          std::memcpy(&n, in.data(), sizeof n);
          return hash{}(value(n));
        }) < 0.07);
  // Numbers that count up, as integers, doubles and texts at once: the low 16 bits as even as by chance. 65536 places,
  // 65536 values: 1 - 1/e of the places are taken, 41427 with a deviation of some 100.
  std::set<std::uint64_t> low, all;
  std::size_t count = 0;
  for (int i = 0; i < 65'536; ++i) {
    const value v = i % 3 == 0   ? value(std::int64_t{i / 3})
                    : i % 3 == 1 ? value(static_cast<double>(i / 3))
                                 : value(std::to_string(i / 3));
    low.insert(hash{}(v)&0xffff);
    all.insert(hash{}(v));
    ++count;
  }
  CHECK(all.size() == count);
  CHECK(low.size() > 41'427 - 600);
  CHECK(low.size() < 41'427 + 600);
  std::unordered_map<value, int, hash> table;
  table[value(std::int64_t{1})] = 1;
  table[value(1.0)] = 2;
  table[value(true)] = 3;
  table[value("1")] = 4;
  table[value()] = 5;
  CHECK(table.size() == 5);
  CHECK(table.at(value(1.0)) == 2);
}
