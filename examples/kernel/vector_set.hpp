// vector_set: named vectors of one dimension, and the nearest of them by cosine: a flat_index with names.
//
// Threads  one owner.
// Cost     nearest: one pass over all vectors; the rest O(1).
#ifndef FRYS_KERNEL_VECTOR_SET_HPP
#define FRYS_KERNEL_VECTOR_SET_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <frys/search/flat_index.hpp>
#include <frys/storage/memtable.hpp>

namespace kernel {

class vector_set {
 public:
  explicit vector_set(std::uint32_t dimension);
  vector_set(const vector_set&) = delete;
  vector_set& operator=(const vector_set&) = delete;

  [[nodiscard]] std::uint32_t dimension() const noexcept { return dimension_; }
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept;

  // `vector` has dimension() finite elements, not all zero. 1: added, 0: the element was there and has this vector now,
  // -1: out of memory, or no such vector; nothing changed.
  int add(std::string_view element, std::span<const float> vector);
  bool remove(std::string_view element);
  // The element's vector, scaled to length 1; empty if there is none.
  [[nodiscard]] std::span<const float> find(std::string_view element) const;
  // As many of the nearest of `query` by cosine (the score, -1 to 1) as `out` has room for, nearest first; answers how
  // many. None for a query without direction.
  [[nodiscard]] std::size_t nearest(std::span<const float> query, std::span<frys::neighbour> out) const;
  // Vectors from which on nearest is worth several workers: it forks (frys::parallel_for).
  static constexpr std::size_t worth_forking = 4096;
  [[nodiscard]] std::string_view name(std::uint64_t id) const noexcept { return names_[static_cast<std::size_t>(id)]; }

 private:
  std::uint32_t dimension_;
  frys::flat_index<frys::metrics::cosine> index_;
  frys::memtable<std::uint32_t> ids_;
  std::vector<std::string> names_;   // by id
  std::vector<std::uint32_t> free_;  // ids of removed elements
  std::size_t name_bytes_ = 0;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_VECTOR_SET_HPP
