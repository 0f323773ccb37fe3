#include "vector_set.hpp"

#include <algorithm>
#include <cmath>

namespace kernel {

// TEMPORARY stand-in for frys::flat_index until search/ is there: same shape.
struct vector_set::index {
  std::vector<float> rows;
  std::vector<float> norms;  // 0 and used_ false: no row
  std::vector<bool> used;
};

vector_set::vector_set(std::uint32_t dimension) : dimension_(dimension), index_(new index) {}
vector_set::~vector_set() { delete index_; }

std::size_t vector_set::bytes() const noexcept {
  return sizeof *this + ids_.held_bytes() + names_.capacity() * sizeof(std::string) + name_bytes_ +
         index_->rows.capacity() * sizeof(float);
}

int vector_set::add(std::string_view element, std::span<const float> vector) {
  const std::uint32_t* known = ids_.find(element);
  std::uint32_t id = 0;
  if (known != nullptr) {
    id = *known;
  } else {
    id = free_.empty() ? static_cast<std::uint32_t>(names_.size()) : free_.back();
    if (!ids_.try_insert(element, id)) return -1;
    if (free_.empty())
      names_.emplace_back(element);
    else {
      names_[id] = element;
      free_.pop_back();
    }
    name_bytes_ += element.size();
  }
  if (index_->norms.size() <= id) {
    index_->norms.resize(id + 1);
    index_->used.resize(id + 1);
    index_->rows.resize((id + 1) * std::size_t{dimension_});
  }
  float sum = 0;
  for (const float x : vector) sum += x * x;
  index_->norms[id] = std::sqrt(sum);
  index_->used[id] = true;
  std::copy(vector.begin(), vector.end(),
            index_->rows.begin() + static_cast<std::ptrdiff_t>(id * std::size_t{dimension_}));
  return known != nullptr ? 0 : 1;
}

bool vector_set::remove(std::string_view element) {
  const std::uint32_t* known = ids_.find(element);
  if (known == nullptr) return false;
  const std::uint32_t id = *known;
  ids_.erase(element);
  index_->used[id] = false;
  name_bytes_ -= element.size();
  names_[id] = std::string();
  free_.push_back(id);
  return true;
}

std::span<const float> vector_set::find(std::string_view element) const {
  const std::uint32_t* known = ids_.find(element);
  if (known == nullptr) return {};
  return {index_->rows.data() + *known * std::size_t{dimension_}, dimension_};
}

void vector_set::nearest(std::span<const float> query, std::size_t count, std::vector<hit>& out) const {
  out.clear();
  float sum = 0;
  for (const float x : query) sum += x * x;
  const float norm = std::sqrt(sum);
  for (std::uint32_t id = 0; id < index_->norms.size(); ++id) {
    if (!index_->used[id]) continue;
    float dot = 0;
    const float* row = index_->rows.data() + id * std::size_t{dimension_};
    for (std::size_t i = 0; i < dimension_; ++i) dot += row[i] * query[i];
    const float scale = norm * index_->norms[id];
    out.push_back({id, scale > 0 ? dot / scale : 0.0f});
  }
  const std::size_t kept = (std::min)(count, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(kept), out.end(),
                    [](const hit& a, const hit& b) { return a.similarity > b.similarity; });
  out.resize(kept);
}

}  // namespace kernel
