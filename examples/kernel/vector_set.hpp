// vector_set: named vectors of one dimension, and the nearest of them: a flat_index with names.
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

#include <frys/storage/memtable.hpp>

namespace kernel {

class vector_set {
 public:
  struct hit {
    std::uint32_t id;
    float similarity;  // cosine, from -1 to 1
  };

  explicit vector_set(std::uint32_t dimension);
  ~vector_set();
  vector_set(const vector_set&) = delete;
  vector_set& operator=(const vector_set&) = delete;

  [[nodiscard]] std::uint32_t dimension() const noexcept { return dimension_; }
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept;

  // `vector` has dimension() elements. 1: added, 0: the element was there and has this vector now, -1: out of memory.
  int add(std::string_view element, std::span<const float> vector);
  bool remove(std::string_view element);
  // The element's vector as it was added; empty if there is none.
  [[nodiscard]] std::span<const float> find(std::string_view element) const;
  // Up to `count` nearest of `query` by cosine, nearest first.
  void nearest(std::span<const float> query, std::size_t count, std::vector<hit>& out) const;
  [[nodiscard]] std::string_view name(std::uint32_t id) const noexcept { return names_[id]; }

 private:
  struct index;  // the flat_index; keeps its header out of everybody's

  std::uint32_t dimension_;
  frys::memtable<std::uint32_t> ids_;
  std::vector<std::string> names_;   // by id
  std::vector<std::uint32_t> free_;  // ids of removed elements
  std::size_t name_bytes_ = 0;
  index* index_;
};

}  // namespace kernel

#endif  // FRYS_KERNEL_VECTOR_SET_HPP
