// flat_index: the exact nearest vectors to a query, by comparing it with every vector.
//
// Use when  there are up to some 100,000 vectors, or the answer must be exact, or vectors come and go all the time.
// Not when  a scan takes too long: it reads all vectors, some 10 GB/s a core.
// Threads   const functions: any number of threads at once. Others: one thread, and no const function meanwhile.
// Cost      top_k: O(size * dimension), no allocation. add, update, remove: O(dimension), except where add grows the
//           index and copies it; reserve moves that to a time of your choice.
// Memory    rows stand together, each on its own cache lines, padded with zeros; 16 to 24 more bytes for each.
// Order     nearest first; equal scores by the smaller id. Scores are rounded as the SIMD target rounds.
//
// Policies, in any order, each at most once:
//   policy::pages<P>    where the memory comes from    default os_pages
//   policy::limit<N>    the most bytes it may hold     default no limit
#ifndef FRYS_SEARCH_FLAT_INDEX_HPP
#define FRYS_SEARCH_FLAT_INDEX_HPP

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "../config.hpp"
#include "../core/bytes.hpp"
#include "../core/concepts.hpp"
#include "../core/hash.hpp"
#include "../core/result.hpp"
#include "../memory/pages.hpp"
#include "../policy.hpp"
#include "metric.hpp"

namespace frys::inline FRYS_ABI {

// One answer of a search. What the score means is the metric's to say.
struct neighbour {
  std::uint64_t id = 0;
  float score = 0;
  friend bool operator==(const neighbour&, const neighbour&) = default;
};

template <class Metric, class... Policies>
class flat_index {
  using accepted = policy::keys<policy::pages_key, policy::limit_key>;
  static_assert(search_metric<Metric>,
                "frys::flat_index: the first argument wants a metric such as metrics::cosine, see search/metric.hpp");
  static_assert(accepted::template known<Policies...>,
                "frys::flat_index: unknown policy; it takes policy::pages, policy::limit and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::flat_index: a policy is given twice; name each at most once");

 public:
  using metric_type = Metric;
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::flat_index: policy::pages wants a page source with allocate and release, see core/concepts.hpp");
  static constexpr std::size_t limit =
      policy::pick<policy::limit<static_cast<std::size_t>((std::numeric_limits<std::ptrdiff_t>::max)())>,
                   Policies...>::value;
  static constexpr std::size_t max_dimension = 65536;
  static constexpr std::size_t max_size = std::size_t{1} << 30;

  // Allocates nothing. The dimension is from 1 to max_dimension; create checks it for you.
  explicit flat_index(std::size_t dimension) noexcept
      : dimension_(dimension), stride_((dimension + row_unit - 1) / row_unit * row_unit) {
    FRYS_ASSERT(dimension >= 1 && dimension <= max_dimension, "flat_index: the dimension is 0 or above max_dimension");
  }
  // errc::invalid_argument (the number: the dimension) if the dimension is 0 or above max_dimension.
  static result<flat_index> create(std::size_t dimension) noexcept {
    if (dimension < 1 || dimension > max_dimension)
      return error{errc::invalid_argument, domain::search, "the dimension is 0 or above the maximum",
                   static_cast<std::int64_t>(dimension)};
    return flat_index(dimension);
  }
  flat_index(flat_index&& other) noexcept { take(other); }
  flat_index& operator=(flat_index&& other) noexcept {
    if (this != &other) {
      if (!memory_.empty()) pages_type::release(memory_);
      take(other);
    }
    return *this;
  }
  ~flat_index() {
    if (!memory_.empty()) pages_type::release(memory_);
  }

  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  // The memory that the index holds.
  [[nodiscard]] std::size_t bytes() const noexcept { return memory_.size(); }
  [[nodiscard]] bool contains(std::uint64_t id) const noexcept { return find(id) != none; }

  // The vector as it is stored (of length 1 if the metric wants that), until the next change; empty if there is none.
  [[nodiscard]] std::span<const float> vector(std::uint64_t id) const noexcept {
    const std::size_t row = find(id);
    if (row == none) return {};
    return {row_at(row), dimension_};
  }

  // Room for `count` vectors, so that adding up to there allocates nothing.
  // errc::limit_exceeded (the number: the limit), errc::out_of_memory; then nothing has changed.
  result<void> reserve(std::size_t count) noexcept { return count <= capacity_ ? result<void>() : grow(count); }

  // A new vector, copied. errc::already_exists if the id is taken; errc::invalid_argument for another dimension (the
  // number: the vector's), for an element that is not a finite number (its index), and for a vector of length zero
  // where the metric needs a direction; errors of reserve. After an error nothing has changed.
  result<void> add(std::uint64_t id, std::span<const float> vector) noexcept {
    if (find(id) != none)
      return error{errc::already_exists, domain::search, "the id is in the index already", as_number(id)};
    return append(id, vector);
  }

  // Replaces the vector of an id. errc::not_found if there is none; else as add.
  result<void> update(std::uint64_t id, std::span<const float> vector) noexcept {
    const std::size_t row = find(id);
    if (row == none) return error{errc::not_found, domain::search, "the id is not in the index", as_number(id)};
    return write(row, vector);
  }

  // add or update, whichever fits. Answers true if the id is new.
  result<bool> put(std::uint64_t id, std::span<const float> vector) noexcept {
    const std::size_t row = find(id);
    const result<void> done = row == none ? append(id, vector) : write(row, vector);
    if (!done) return done.error();
    return row == none;
  }

  // False if the id is not there. The last row moves into the gap.
  bool remove(std::uint64_t id) noexcept {
    const std::size_t row = find(id);
    if (row == none) return false;
    erase_slot(slot_of(id));
    --size_;
    if (row != size_) {
      std::memcpy(row_at(row), row_at(size_), stride_ * sizeof(float));
      ids()[row] = ids()[size_];
      slot_words()[slot_of(ids()[row])] = static_cast<std::uint32_t>(row + 1);
    }
    return true;
  }

  // Forgets all vectors and keeps the memory.
  void clear() noexcept {
    size_ = 0;
    if (capacity_ != 0) std::memset(slot_words(), 0, slot_count(capacity_) * sizeof(std::uint32_t));
  }

  // The `k` nearest vectors, or all if there are fewer, nearest first, into `out`; answers how many.
  // errc::invalid_argument for a query of another dimension, with an element that is not a finite number, of length
  // zero where the metric needs a direction, and if `out` has no room for k.
  result<std::size_t> top_k(std::span<const float> query, std::size_t k, std::span<neighbour> out) const noexcept {
    return top_k_of(query, k, out, 0, size_);
  }
  // The same among the rows [first, last), as far as there are such: for several threads that search a part each. Rows
  // are numbered from 0 to size(), in no order that means anything.
  result<std::size_t> top_k_of(std::span<const float> query, std::size_t k, std::span<neighbour> out, std::size_t first,
                               std::size_t last) const noexcept;

 private:
  static constexpr std::size_t row_unit = 64 / sizeof(float);  // rows start and end with a cache line
  static constexpr std::size_t block = 256;                    // rows scored at a time
  static constexpr std::size_t none = (std::numeric_limits<std::size_t>::max)();

  static constexpr std::int64_t as_number(std::uint64_t id) noexcept { return static_cast<std::int64_t>(id); }
  static constexpr std::size_t slot_count(std::size_t capacity) noexcept { return std::bit_ceil(2 * capacity); }

  // One piece of memory: the rows, their ids, and an open hash table from id to row + 1.
  std::uint64_t bytes_for(std::size_t capacity) const noexcept {
    return std::uint64_t{capacity} * (stride_ * sizeof(float) + sizeof(std::uint64_t)) +
           std::uint64_t{slot_count(capacity)} * sizeof(std::uint32_t);
  }
  float* row_at(std::size_t row) const noexcept { return reinterpret_cast<float*>(memory_.data()) + row * stride_; }
  std::uint64_t* ids() const noexcept {
    return reinterpret_cast<std::uint64_t*>(memory_.data() + capacity_ * stride_ * sizeof(float));
  }
  std::uint32_t* slot_words() const noexcept { return reinterpret_cast<std::uint32_t*>(ids() + capacity_); }

  std::size_t home(std::uint64_t id) const noexcept {
    return static_cast<std::size_t>(hash_integer(id)) & (slot_count(capacity_) - 1);
  }
  // The slot that holds the id, or the empty one where it would go. Half of the slots are empty at least.
  std::size_t slot_of(std::uint64_t id) const noexcept {
    const std::size_t mask = slot_count(capacity_) - 1;
    std::size_t slot = home(id);
    while (slot_words()[slot] != 0 && ids()[slot_words()[slot] - 1] != id) slot = (slot + 1) & mask;
    return slot;
  }
  std::size_t find(std::uint64_t id) const noexcept {
    if (size_ == 0) return none;
    const std::uint32_t entry = slot_words()[slot_of(id)];
    return entry == 0 ? none : entry - 1;
  }
  // Pulls back what probed past the gap, so that no tombstones are needed.
  void erase_slot(std::size_t gap) noexcept {
    const std::size_t mask = slot_count(capacity_) - 1;
    for (std::size_t next = (gap + 1) & mask; slot_words()[next] != 0; next = (next + 1) & mask) {
      const std::size_t wanted = home(ids()[slot_words()[next] - 1]);
      if (((next - wanted) & mask) < ((next - gap) & mask)) continue;
      slot_words()[gap] = slot_words()[next];
      gap = next;
    }
    slot_words()[gap] = 0;
  }

  void take(flat_index& other) noexcept {
    dimension_ = other.dimension_;
    stride_ = other.stride_;
    memory_ = std::exchange(other.memory_, {});
    capacity_ = std::exchange(other.capacity_, 0);
    size_ = std::exchange(other.size_, 0);
  }

  result<void> grow(std::size_t count) noexcept {
    if (count > max_size || bytes_for(count) > limit)
      return error{errc::limit_exceeded, domain::search, "the index would pass its limit",
                   static_cast<std::int64_t>(limit)};
    result<byte_span> fresh = pages_type::allocate(static_cast<std::size_t>(bytes_for(count)));
    if (!fresh) return fresh.error();
    const byte_span old = memory_;
    const std::uint64_t* old_ids = capacity_ == 0 ? nullptr : ids();
    memory_ = *fresh;
    capacity_ = count;
    if (size_ != 0) {
      std::memcpy(memory_.data(), old.data(), size_ * stride_ * sizeof(float));
      std::memcpy(ids(), old_ids, size_ * sizeof(std::uint64_t));
    }
    for (std::size_t row = 0; row < size_; ++row)
      slot_words()[slot_of(ids()[row])] = static_cast<std::uint32_t>(row + 1);
    if (!old.empty()) pages_type::release(old);
    return {};
  }

  // 1 / length where vectors are stored with length 1, else 1; or what is wrong with the vector.
  result<double> factor_of(std::span<const float> vector) const noexcept {
    if (vector.size() != dimension_)
      return error{errc::invalid_argument, domain::search, "the vector has another dimension than the index",
                   static_cast<std::int64_t>(vector.size())};
    double square = 0;
    bool finite = true;
    for (const float each : vector) {
      square += static_cast<double>(each) * static_cast<double>(each);  // cannot overflow in double
      finite = finite && std::abs(each) <= (std::numeric_limits<float>::max)();
    }
    if (!finite) {
      std::size_t at = 0;
      while (std::abs(vector[at]) <= (std::numeric_limits<float>::max)()) ++at;
      return error{errc::invalid_argument, domain::search, "an element of the vector is not a finite number",
                   static_cast<std::int64_t>(at)};
    }
    if constexpr (!Metric::unit_length) return 1.0;
    if (square == 0)
      return error{errc::invalid_argument, domain::search, "a vector of length zero has no direction", 0};
    return 1.0 / std::sqrt(square);
  }

  result<void> write(std::size_t row, std::span<const float> vector) noexcept {
    const result<double> factor = factor_of(vector);
    if (!factor) return factor.error();
    copy(row, vector, *factor);
    return {};
  }
  void copy(std::size_t row, std::span<const float> vector, double factor) noexcept {
    float* to = row_at(row);
    for (std::size_t i = 0; i < dimension_; ++i) {
      if constexpr (Metric::unit_length)
        to[i] = static_cast<float>(static_cast<double>(vector[i]) * factor);
      else
        to[i] = vector[i];
    }
    for (std::size_t i = dimension_; i < stride_; ++i) to[i] = 0;
  }
  result<void> append(std::uint64_t id, std::span<const float> vector) noexcept {
    const result<double> factor = factor_of(vector);
    if (!factor) return factor.error();
    if (size_ == capacity_) {
      // Doubles; near the limit takes half of the step until it fits, down to one row.
      std::size_t step = capacity_ < 32 ? 64 : capacity_;
      result<void> grown = grow(size_ + step);
      while (!grown && (step /= 2) != 0) grown = grow(size_ + step);
      if (!grown) return grown.error();
    }
    const std::size_t slot = slot_of(id);
    copy(size_, vector, *factor);
    ids()[size_] = id;
    slot_words()[slot] = static_cast<std::uint32_t>(++size_);
    return {};
  }

  static bool nearer(const neighbour& a, const neighbour& b) noexcept {
    if (a.score != b.score) return Metric::larger_is_nearer ? a.score > b.score : a.score < b.score;
    return a.id < b.id;
  }
  // `out` is a heap with the farthest on top; puts `item` below `at` where it belongs.
  static void sift_down(std::span<neighbour> heap, std::size_t at, neighbour item) noexcept {
    for (;;) {
      std::size_t child = 2 * at + 1;
      if (child >= heap.size()) break;
      if (child + 1 < heap.size() && nearer(heap[child], heap[child + 1])) ++child;
      if (!nearer(item, heap[child])) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = item;
  }

  std::size_t dimension_ = 1;
  std::size_t stride_ = row_unit;
  byte_span memory_{};
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

template <class Metric, class... Policies>
result<std::size_t> flat_index<Metric, Policies...>::top_k_of(std::span<const float> query, std::size_t k,
                                                              std::span<neighbour> out, std::size_t first,
                                                              std::size_t last) const noexcept {
  const result<double> factor = factor_of(query);
  if (!factor) return factor.error();
  if (k > out.size())
    return error{errc::invalid_argument, domain::search, "the output has no room for k neighbours",
                 static_cast<std::int64_t>(k)};
  if (last > size_) last = size_;
  if (first >= last) return std::size_t{0};
  k = k < last - first ? k : last - first;
  if (k == 0) return std::size_t{0};

  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float farthest = Metric::larger_is_nearer ? -infinity : infinity;
  const std::span<neighbour> heap = out.first(k);
  const std::uint64_t* const id = ids();
  std::size_t filled = 0;
  float scores[block];
  for (std::size_t row = first; row < last; row += block) {
    const std::size_t count = last - row < block ? last - row : block;
    Metric::scores(query.data(), row_at(row), stride_, count, dimension_, scores);
    for (std::size_t i = 0; i < count; ++i) {
      // Huge elements may overflow to infinity minus infinity; such a row counts as farthest.
      float score = scores[i] == scores[i] ? scores[i] : farthest;
      if constexpr (Metric::unit_length) score = static_cast<float>(static_cast<double>(score) * *factor);
      if (filled < k) {
        heap[filled++] = {id[row + i], score};
        if (filled == k)
          for (std::size_t at = k / 2; at-- > 0;) sift_down(heap, at, heap[at]);
      } else if (nearer({id[row + i], score}, heap[0])) {
        sift_down(heap, 0, {id[row + i], score});
      }
    }
  }
  for (std::size_t left = k - 1; left > 0; --left) {  // the farthest goes to the end
    const neighbour farthest_left = heap[left];
    heap[left] = heap[0];
    sift_down(heap.first(left), 0, farthest_left);
  }
  return k;
}

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SEARCH_FLAT_INDEX_HPP
