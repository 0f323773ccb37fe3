// frys' pool.
#pragma once
#include <frys/sched/scheduler.hpp>

#include <memory>
#include <span>

#include "sched/adapters/pools.hpp"

namespace {
struct frys_pool : pool_base<frys_pool> {
  std::unique_ptr<frys::scheduler<>> pool;
  explicit frys_pool(unsigned n) : pool(frys::scheduler<>::create({.workers = n}).value()) {}
  template <class F>
  void post(F f) {
    bench::check(pool->submit(std::move(f)) == frys::push_result::ok, "the submit");
  }
  template <class F>
  void post_all(std::size_t n, F f) {
    std::vector<F> all(n, f);
    bench::check(pool->submit_all(std::span(all)) == n, "the submits");
  }
};
}  // namespace
