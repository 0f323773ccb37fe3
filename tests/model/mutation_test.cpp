// Order mutation: the library's part, and the switch that tests/model/mutate.py turns from outside.
//   FRYS_MUTANT=<file>:<line>:<access>:<order>:<weaker>   this order is weakened in all tests of this run
//   FRYS_RECORD_ORDERS=<path>                             the order sites that the run has used are written there
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <frys/queue/spsc_ring.hpp>
#include <frys/sim/model.hpp>

namespace {

namespace model = frys::sim::model;
using A = frys::atomics::model;

struct from_outside {
  from_outside() {
    if (const char* mutant = std::getenv("FRYS_MUTANT")) {
      const std::string text = mutant;
      std::vector<std::string> part(1);
      for (const char c : text)
        if (c == ':')
          part.emplace_back();
        else
          part.back() += c;
      if (part.size() != 5) std::abort();
      static const std::string file = part[0];
      model::order_site which;
      which.where = {file.c_str(), static_cast<unsigned>(std::stoul(part[1]))};
      which.what = static_cast<model::access>(std::stoi(part[2]));
      which.order = static_cast<std::memory_order>(std::stoi(part[3]));
      model::mutation::weaken(which, static_cast<std::memory_order>(std::stoi(part[4])));
    }
    if (path != nullptr) model::mutation::record();
  }
  ~from_outside() {
    if (path == nullptr) return;
    std::FILE* out = std::fopen(path, "w");
    if (out == nullptr) return;
    for (const model::order_site& s : model::mutation::recorded()) {
      std::memory_order weaker[2] = {};
      const unsigned n = model::mutation::weaker_than(s, weaker);
      std::fprintf(out, "%s:%u:%d:%d:", s.where.file, s.where.line, static_cast<int>(s.what),
                   static_cast<int>(s.order));
      for (unsigned i = 0; i < n; ++i) std::fprintf(out, "%s%d", i == 0 ? "" : ",", static_cast<int>(weaker[i]));
      std::fprintf(out, "\n");
    }
    std::fclose(out);
  }
  const char* path = std::getenv("FRYS_RECORD_ORDERS");
} switched;

bool is_mutation_run() { return std::getenv("FRYS_MUTANT") != nullptr || switched.path != nullptr; }

// A flag that hands a value over.
bool handed_over() {
  return model::check(model::exhaustive{},
                      [] {
                        A::atomic<int> flag{0};
                        A::var<int> data{0};
                        model::threads(
                            [&] {
                              data.ref() = 1;
                              flag.store(1, std::memory_order_release);
                            },
                            [&] {
                              if (flag.load(std::memory_order_acquire) == 1) (void)data.get();
                            });
                      })
      .passed();
}

}  // namespace

TEST_CASE("mutation: every order that a test needs is noticed when it is weaker") {
  if (is_mutation_run()) return;  // the switch is in use
  model::mutation::record();
  CHECK(handed_over());
  const std::vector<model::order_site> sites = model::mutation::recorded();
  CHECK(sites.size() == 2);
  for (const model::order_site& s : sites) {
    std::memory_order weaker[2];
    REQUIRE(model::mutation::weaker_than(s, weaker) == 1);
    CHECK(weaker[0] == std::memory_order_relaxed);
    model::mutation::weaken(s, weaker[0]);
    CHECK_FALSE(handed_over());
  }
  model::mutation::stop();
  CHECK(handed_over());
}

TEST_CASE("mutation: an order has the weaker neighbours that its operation can have") {
  using model::access;
  std::memory_order out[2];
  const auto of = [&](access what, std::memory_order order) {
    return model::mutation::weaker_than({{}, what, order}, out);
  };
  CHECK(of(access::load, std::memory_order_seq_cst) == 1);
  CHECK(out[0] == std::memory_order_acquire);
  CHECK(of(access::store, std::memory_order_seq_cst) == 1);
  CHECK(out[0] == std::memory_order_release);
  CHECK(of(access::update, std::memory_order_seq_cst) == 1);
  CHECK(out[0] == std::memory_order_acq_rel);
  CHECK(of(access::fence, std::memory_order_acq_rel) == 2);
  CHECK(of(access::failure, std::memory_order_acquire) == 1);
  CHECK(out[0] == std::memory_order_relaxed);
  CHECK(of(access::update, std::memory_order_relaxed) == 0);
}
