#include <doctest/doctest.h>
#include <frys/simd/target.hpp>

#include <string>

TEST_CASE("target: the baseline is always compiled in and runs everywhere") {
  const auto all = frys::simd::targets();
  REQUIRE(!all.empty());
  CHECK(all.front().level == frys::simd::isa::baseline);
  CHECK(frys::simd::runnable(all.front()));
  CHECK(frys::simd::kernels_for(frys::simd::isa::baseline) == &all.front());
  for (const auto& each : all) {
    INFO(std::string(each.name));
    CHECK(each.vector_bytes >= 16);
    CHECK((each.dot != nullptr && each.find_either != nullptr));
  }
}

TEST_CASE("target: the best target that runs is chosen, and named") {
  CHECK(frys::simd::target() == frys::simd::kernels().name);
  bool after = false;
  for (const auto& each : frys::simd::targets()) {
    if (after) CHECK_FALSE(frys::simd::runnable(each));
    if (&each == &frys::simd::kernels()) after = true;
  }
  CHECK(after);
  MESSAGE("chosen: " << std::string(frys::simd::target()));
}

TEST_CASE("target: the name tells the back end") {
#if defined(FRYS_WITH_HIGHWAY) && FRYS_WITH_HIGHWAY
  CHECK(frys::simd::target().substr(0, 8) == "highway-");
#else
  CHECK(frys::simd::target().substr(0, 6) == "plain-");
#endif
}

// The one failure that nobody notices otherwise: a build that quietly runs one lane at a time.
TEST_CASE("target: a machine with AVX2 runs at least 32 bytes at a time") {
#if (defined(__x86_64__) || defined(__i386__)) && !defined(_WIN32)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    CHECK(frys::simd::kernels().vector_bytes >= 32);
#if !defined(__AVX2__)
    CHECK(frys::simd::kernels().level >= frys::simd::isa::avx2);
#endif
  }
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    CHECK(frys::simd::kernels().vector_bytes >= 64);
#elif defined(__aarch64__)
  CHECK(frys::simd::kernels().vector_bytes >= 16);
#endif
}

TEST_CASE("target: a level that this machine cannot run is not handed out") {
  for (const auto level :
       {frys::simd::isa::baseline, frys::simd::isa::avx2, frys::simd::isa::avx512, frys::simd::isa::avx512_zen4}) {
    const auto* set = frys::simd::kernels_for(level);
    if (set == nullptr) continue;
    CHECK(set->level == level);
    CHECK(frys::simd::runnable(*set));
  }
}
