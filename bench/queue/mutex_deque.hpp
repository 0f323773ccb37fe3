// mutex_deque: a std::deque behind a std::mutex, as a deque that can be stolen from.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>

class mutex_deque {
 public:
  void push(std::uint64_t value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(value);
  }
  bool pop(std::uint64_t& value) {
    const std::lock_guard lock(mutex_);
    if (values_.empty()) return false;
    value = values_.back();
    values_.pop_back();
    return true;
  }
  bool steal(std::uint64_t& value) {
    const std::lock_guard lock(mutex_);
    if (values_.empty()) return false;
    value = values_.front();
    values_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<std::uint64_t> values_;
};
