// How do I take frys from vcpkg? A feature in vcpkg.json, the component of the same name in CMakeLists.txt.
#include <array>
#include <cstdio>
#include <frys/simd/distance.hpp>
#include <frys/simd/target.hpp>
#include <string>

static_assert(FRYS_WITH_HIGHWAY == 1, "the component defines its gate");

int main() {
  const std::array<float, 4> a{1, 2, 3, 4};
  const float dot = frys::simd::dot(a, a);
  std::printf("frys %s: dot %.0f by %s\n", FRYS_VERSION, static_cast<double>(dot),
              std::string(frys::simd::target()).c_str());
  return dot == 30.0F ? 0 : 1;
}
