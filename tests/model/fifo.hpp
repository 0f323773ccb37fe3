// fifo: a queue's pushes and pops written down, and whether some order of them is that of a FIFO. A pop may answer
// empty, and a push to a queue with a bound full, while another thread is half way: those say nothing.
#ifndef FRYS_TESTS_MODEL_FIFO_HPP
#define FRYS_TESTS_MODEL_FIFO_HPP

#include <cstddef>
#include <deque>
#include <utility>

#include "blocks.hpp"

namespace blocks {

// Values are above 0.
template <class Queue>
class fifo_history {
 public:
  // capacity 0: no bound, so that no push may be refused.
  explicit fifo_history(Queue& queue, std::size_t capacity = 0) : queue_(queue), spec_{{}, capacity} {}

  void push(std::size_t thread, int v) {
    const auto call = past_.begin(thread, {true, v}, model::moment::now());
    const bool pushed = static_cast<bool>(queue_.try_push(v));
    past_.end(call, {pushed ? v : 0}, model::moment::now());
  }
  void pop(std::size_t thread) {
    const auto call = past_.begin(thread, {false, 0}, model::moment::now());
    auto v = queue_.try_pop();
    past_.end(call, {v ? static_cast<int>(*v) : 0}, model::moment::now());
  }
  void must_be_linearizable() {
    const auto verdict = model::linearizable(past_, spec_);
    model::require(verdict.passed(), verdict.text.c_str());
  }

 private:
  struct operation {
    bool push;
    int value;
  };
  struct outcome {
    int value;  // 0: refused, or nothing
  };
  struct fifo {
    std::deque<int> values;
    std::size_t capacity;
    friend bool operator==(const fifo&, const fifo&) = default;

    template <class F>
    void each(const operation& op, const outcome* got, F take) const {
      fifo next = *this;
      const bool did = got == nullptr || got->value != 0;
      if (op.push) {
        if (did ? capacity != 0 && values.size() == capacity : capacity == 0) return;
        if (did) next.values.push_back(op.value);
      } else if (did) {
        if (values.empty() || (got != nullptr && got->value != values.front())) return;
        next.values.pop_front();
      }
      take(std::move(next));
    }
  };

  Queue& queue_;
  fifo spec_;
  model::history<operation, outcome, model::moment> past_;
};

}  // namespace blocks

#endif  // FRYS_TESTS_MODEL_FIFO_HPP
