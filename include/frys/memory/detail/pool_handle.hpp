// pool_handle: owns one object of a pool and gives it back: the handle of object_pool and shared_object_pool.
#ifndef FRYS_MEMORY_DETAIL_POOL_HANDLE_HPP
#define FRYS_MEMORY_DETAIL_POOL_HANDLE_HPP

#include <utility>

#include "../../config.hpp"

namespace frys::inline FRYS_ABI::detail {

// Moves; must not outlive the pool.
template <class T, class Pool>
class pool_handle {
 public:
  pool_handle() noexcept = default;
  pool_handle(pool_handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)), pool_(other.pool_) {}
  pool_handle& operator=(pool_handle&& other) noexcept {
    pool_handle taken(std::move(other));
    std::swap(object_, taken.object_);
    std::swap(pool_, taken.pool_);
    return *this;
  }
  ~pool_handle() { reset(); }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  // Destroys the object now.
  void reset() noexcept {
    if (object_ != nullptr) pool_->destroy(*std::exchange(object_, nullptr));
  }
  // Gives up ownership: somebody calls the pool's destroy later.
  [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }

 private:
  friend Pool;
  pool_handle(T* object, Pool* pool) noexcept : object_(object), pool_(pool) {}
  T* object_ = nullptr;
  Pool* pool_ = nullptr;
};

}  // namespace frys::inline FRYS_ABI::detail

#endif  // FRYS_MEMORY_DETAIL_POOL_HANDLE_HPP
