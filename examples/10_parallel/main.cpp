// How do plain functions use all cores, and who ran what? A picture of the Mandelbrot set by tasks, its histogram by a
// reduction, a quicksort by halves; with an argument, the trace of it all for about:tracing or ui.perfetto.dev.
#include <algorithm>
#include <array>
#include <complex>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include <frys/sched/scheduler.hpp>
#include <frys/sched/trace.hpp>

namespace {

constexpr int width = 72, height = 28, most = 255;

int steps_at(int x, int y) {
  const std::complex<double> c(-2.2 + 3.2 * x / width, -1.2 + 2.4 * y / height);
  std::complex<double> z;
  int n = 0;
  while (n < most && std::norm(z) < 4) z = z * z + c, ++n;
  return n;
}

template <class It>
void quicksort(It first, It last) {
  if (last - first < 256) return std::sort(first, last);
  const It middle = first + (last - first) / 2;
  std::nth_element(first, middle, last);
  frys::join([=] { quicksort(first, middle); }, [=] { quicksort(middle, last); });
}

}  // namespace

int main(int argc, char** argv) {
  using pool_type = frys::scheduler<frys::policy::trace<frys::trace::ring<4096>>>;
  auto made = pool_type::create();  // as many workers as can run here
  if (!made) return std::fprintf(stderr, "no workers: %s\n", made.error().message), 1;
  pool_type& pool = **made;

  std::vector<int> steps(width * height);
  std::array<int, 4> quarters{};
  for (int y = 0; y < height; ++y)  // a task for each row, from outside
    if (!pool.submit([&steps, y] {
          for (int x = 0; x < width; ++x) steps[static_cast<std::size_t>(y * width + x)] = steps_at(x, y);
        }))
      return std::fputs("no memory for a task\n", stderr), 1;
  if (!pool.drain()) return 1;  // until all have run

  pool.run([&] {  // this thread works too, and what it forks is everybody's
    quarters = frys::parallel_reduce(
        steps.begin(), steps.end(), 64, std::array<int, 4>{},
        [](int n) {
          std::array<int, 4> one{};
          one[static_cast<std::size_t>(n / 64)] = 1;
          return one;
        },
        [](std::array<int, 4> a, const std::array<int, 4>& b) {
          for (std::size_t i = 0; i < 4; ++i) a[i] += b[i];
          return a;
        });
  });
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x)
      std::putchar(" .:-=+*#%@"[steps[static_cast<std::size_t>(y * width + x)] * 9 / most]);
    std::putchar('\n');
  }
  pool.run([&] { quicksort(steps.begin(), steps.end()); });
  std::printf("%d points in the set, median %d steps, quarters %d %d %d %d\n", quarters[3], steps[steps.size() / 2],
              quarters[0], quarters[1], quarters[2], quarters[3]);

  if (argc > 1) {
    std::string json;
    frys::write_trace(pool, json);
    std::FILE* out = std::fopen(argv[1], "w");
    if (out == nullptr) return std::perror(argv[1]), 1;
    std::fwrite(json.data(), 1, json.size(), out);
    std::fclose(out);
  }
  const bool right = std::is_sorted(steps.begin(), steps.end()) &&
                     quarters[0] + quarters[1] + quarters[2] + quarters[3] == width * height;
  return right ? 0 : 1;
}
