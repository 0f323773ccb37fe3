#include "workload.hpp"

#include <ucontext.h>

#include <vector>

namespace {
ucontext_t home, flow;
std::size_t counted = 0;
void enter() {
  for (;;) {
    ++counted;
    ::swapcontext(&flow, &home);
  }
}
}  // namespace

BENCH_CONTENDER("ucontext") {
  return switches(settings, [](std::size_t n) {
    std::vector<char> stack(64 * 1024);
    counted = 0;
    ::getcontext(&flow);
    flow.uc_stack.ss_sp = stack.data();
    flow.uc_stack.ss_size = stack.size();
    flow.uc_link = nullptr;
    ::makecontext(&flow, &enter, 0);
    for (std::size_t i = 0; i < n; ++i) ::swapcontext(&home, &flow);
    return counted;
  });
}
