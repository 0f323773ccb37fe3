// kernels_highway: the kernels in Highway's operations, once for each target. No include guard: the includer defines
// FRYS_SIMD_NS (the target's namespace) and has switched HWY_TARGET.
//
// Inside: Highway's operations, plain loops and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
HWY_BEFORE_NAMESPACE();
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

namespace hn = hwy::HWY_NAMESPACE;
using df = hn::ScalableTag<float>;
using db = hn::ScalableTag<std::uint8_t>;
using vf = hn::Vec<df>;
using vb = hn::Vec<db>;

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
  if (i != n) {  // a vector that ends with the data; what was summed already is cleared
    const auto seen = hn::FirstN(d, lanes - (n - i));
    s1 = hn::MulAdd(hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes)),
                    hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes)), s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const vf x0 = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    const vf x1 = hn::Sub(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes));
    const vf x2 = hn::Sub(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes));
    const vf x3 = hn::Sub(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes));
    s0 = hn::MulAdd(x0, x0, s0);
    s1 = hn::MulAdd(x1, x1, s1);
    s2 = hn::MulAdd(x2, x2, s2);
    s3 = hn::MulAdd(x3, x3, s3);
  }
  for (; i + lanes <= n; i += lanes) {
    const vf x = hn::Sub(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    s0 = hn::MulAdd(x, x, s0);
  }
  if (i != n) {
    const auto seen = hn::FirstN(d, lanes - (n - i));
    const vf x = hn::IfThenZeroElse(seen, hn::Sub(hn::LoadU(d, a + n - lanes), hn::LoadU(d, b + n - lanes)));
    s1 = hn::MulAdd(x, x, s1);
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  const df d;
  const std::size_t lanes = hn::Lanes(d);
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0 = hn::Zero(d), ab1 = ab0, aa0 = ab0, aa1 = ab0, bb0 = ab0, bb1 = ab0;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      const vf x0 = hn::LoadU(d, a + i), y0 = hn::LoadU(d, b + i);
      const vf x1 = hn::LoadU(d, a + i + lanes), y1 = hn::LoadU(d, b + i + lanes);
      ab0 = hn::MulAdd(x0, y0, ab0), aa0 = hn::MulAdd(x0, x0, aa0), bb0 = hn::MulAdd(y0, y0, bb0);
      ab1 = hn::MulAdd(x1, y1, ab1), aa1 = hn::MulAdd(x1, x1, aa1), bb1 = hn::MulAdd(y1, y1, bb1);
    }
    for (; i + lanes <= n; i += lanes) {
      const vf x = hn::LoadU(d, a + i), y = hn::LoadU(d, b + i);
      ab0 = hn::MulAdd(x, y, ab0), aa0 = hn::MulAdd(x, x, aa0), bb0 = hn::MulAdd(y, y, bb0);
    }
    if (i != n) {
      const auto seen = hn::FirstN(d, lanes - (n - i));
      const vf x = hn::IfThenZeroElse(seen, hn::LoadU(d, a + n - lanes));
      const vf y = hn::IfThenZeroElse(seen, hn::LoadU(d, b + n - lanes));
      ab1 = hn::MulAdd(x, y, ab1), aa1 = hn::MulAdd(x, x, aa1), bb1 = hn::MulAdd(y, y, bb1);
    }
    ab = hn::GetLane(hn::SumOfLanes(d, hn::Add(ab0, ab1)));
    aa = hn::GetLane(hn::SumOfLanes(d, hn::Add(aa0, aa1)));
    bb = hn::GetLane(hn::SumOfLanes(d, hn::Add(bb0, bb1)));
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                          \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n,     \
                   float* out) noexcept {                                                                           \
    const df d;                                                                                                     \
    const std::size_t lanes = hn::Lanes(d);                                                                         \
    for (std::size_t row = 0; row < count; row += 4) {                                                              \
      const std::size_t left = count - row;                                                                         \
      const float* const r0 = rows + row * stride;                                                                  \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                          \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                          \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                          \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                         \
      if (n < lanes) {                                                                                              \
        for (std::size_t i = 0; i < n; ++i) {                                                                       \
          const float q = query[i];                                                                                 \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])               \
        }                                                                                                           \
      } else {                                                                                                      \
        vf a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;                         \
        std::size_t i = 0;                                                                                          \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                                \
          const vf q = hn::LoadU(d, query + i), p = hn::LoadU(d, query + i + lanes);                                \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          const vf y0 = prepare(hn::LoadU(d, r0 + i + lanes), p), y1 = prepare(hn::LoadU(d, r1 + i + lanes), p);    \
          const vf y2 = prepare(hn::LoadU(d, r2 + i + lanes), p), y3 = prepare(hn::LoadU(d, r3 + i + lanes), p);    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), b0 = hn::MulAdd(y0, factor(y0, p), b0);                           \
          a1 = hn::MulAdd(x1, factor(x1, q), a1), b1 = hn::MulAdd(y1, factor(y1, p), b1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), b2 = hn::MulAdd(y2, factor(y2, p), b2);                           \
          a3 = hn::MulAdd(x3, factor(x3, q), a3), b3 = hn::MulAdd(y3, factor(y3, p), b3);                           \
        }                                                                                                           \
        if (i + lanes <= n) {                                                                                       \
          const vf q = hn::LoadU(d, query + i);                                                                     \
          const vf x0 = prepare(hn::LoadU(d, r0 + i), q), x1 = prepare(hn::LoadU(d, r1 + i), q);                    \
          const vf x2 = prepare(hn::LoadU(d, r2 + i), q), x3 = prepare(hn::LoadU(d, r3 + i), q);                    \
          a0 = hn::MulAdd(x0, factor(x0, q), a0), a1 = hn::MulAdd(x1, factor(x1, q), a1);                           \
          a2 = hn::MulAdd(x2, factor(x2, q), a2), a3 = hn::MulAdd(x3, factor(x3, q), a3);                           \
          i += lanes;                                                                                               \
        }                                                                                                           \
        if (i != n) {                                                                                               \
          const std::size_t j = n - lanes;                                                                          \
          const auto seen = hn::FirstN(d, lanes - (n - i));                                                         \
          const vf q = hn::IfThenZeroElse(seen, hn::LoadU(d, query + j));                                           \
          const vf x0 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r0 + j)), q);                                 \
          const vf x1 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r1 + j)), q);                                 \
          const vf x2 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r2 + j)), q);                                 \
          const vf x3 = prepare(hn::IfThenZeroElse(seen, hn::LoadU(d, r3 + j)), q);                                 \
          b0 = hn::MulAdd(x0, factor(x0, q), b0), b1 = hn::MulAdd(x1, factor(x1, q), b1);                           \
          b2 = hn::MulAdd(x2, factor(x2, q), b2), b3 = hn::MulAdd(x3, factor(x3, q), b3);                           \
        }                                                                                                           \
        t0 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a0, b0))), t1 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a1, b1))); \
        t2 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a2, b2))), t3 = hn::GetLane(hn::SumOfLanes(d, hn::Add(a3, b3))); \
      }                                                                                                             \
      out[row] = t0;                                                                                                \
      if (left > 1) out[row + 1] = t1;                                                                              \
      if (left > 2) out[row + 2] = t2;                                                                              \
      if (left > 3) out[row + 3] = t3;                                                                              \
    }                                                                                                               \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x, q) x
#define FRYS_SIMD_SUBTRACT(x, q) hn::Sub(x, q)
#define FRYS_SIMD_QUERY(x, q) q
#define FRYS_SIMD_SELF(x, q) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)                                                      \
  inline std::size_t name arguments noexcept {                                                                       \
    const db d;                                                                                                      \
    const std::size_t wide = hn::Lanes(d);                                                                           \
    std::size_t i = 0;                                                                                               \
    if (n < wide) {                                                                                                  \
      while (i < n && !(same(data[i]))) ++i;                                                                         \
      return i;                                                                                                      \
    }                                                                                                                \
    const std::uint8_t* const p = reinterpret_cast<const std::uint8_t*>(data);                                       \
    broadcast for (; i + 4 * wide <= n; i += 4 * wide) {                                                             \
      const auto m0 = match(hn::LoadU(d, p + i)), m1 = match(hn::LoadU(d, p + i + wide));                            \
      const auto m2 = match(hn::LoadU(d, p + i + 2 * wide)), m3 = match(hn::LoadU(d, p + i + 3 * wide));             \
      if (!hn::AllFalse(d, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3)))) {                                                \
        if (const auto found = hn::FindFirstTrue(d, m0); found >= 0) return i + static_cast<std::size_t>(found);     \
        if (const auto found = hn::FindFirstTrue(d, m1); found >= 0)                                                 \
          return i + wide + static_cast<std::size_t>(found);                                                         \
        if (const auto found = hn::FindFirstTrue(d, m2); found >= 0)                                                 \
          return i + 2 * wide + static_cast<std::size_t>(found);                                                     \
        return i + 3 * wide + static_cast<std::size_t>(hn::FindFirstTrue(d, m3));                                    \
      }                                                                                                              \
    }                                                                                                                \
    for (; i + wide <= n; i += wide) {                                                                               \
      const auto m = match(hn::LoadU(d, p + i));                                                                     \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return i + static_cast<std::size_t>(found);        \
    }                                                                                                                \
    if (i != n) { /* overlaps bytes that are known not to match */                                                   \
      const auto m = match(hn::LoadU(d, p + n - wide));                                                              \
      if (const auto found = hn::FindFirstTrue(d, m); found >= 0) return n - wide + static_cast<std::size_t>(found); \
    }                                                                                                                \
    return n;                                                                                                        \
  }
#define FRYS_SIMD_MATCH_ONE(x) hn::Eq(x, va)
#define FRYS_SIMD_MATCH_TWO(x) hn::Or(hn::Eq(x, va), hn::Eq(x, vc))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = hn::Set(d, static_cast<std::uint8_t>(a));
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vc = hn::Set(d, static_cast<std::uint8_t>(b));
FRYS_SIMD_FIND(find_byte, FRYS_SIMD_ARGUMENTS_ONE, FRYS_SIMD_BROADCAST_ONE, FRYS_SIMD_MATCH_ONE, FRYS_SIMD_SAME_ONE)
FRYS_SIMD_FIND(find_either, FRYS_SIMD_ARGUMENTS_TWO, FRYS_SIMD_BROADCAST_TWO, FRYS_SIMD_MATCH_TWO, FRYS_SIMD_SAME_TWO)
#undef FRYS_SIMD_FIND
#undef FRYS_SIMD_MATCH_ONE
#undef FRYS_SIMD_MATCH_TWO
#undef FRYS_SIMD_SAME_ONE
#undef FRYS_SIMD_SAME_TWO
#undef FRYS_SIMD_ARGUMENTS_ONE
#undef FRYS_SIMD_ARGUMENTS_TWO
#undef FRYS_SIMD_BROADCAST_ONE
#undef FRYS_SIMD_BROADCAST_TWO

inline constexpr std::size_t vector_bytes = HWY_MAX_BYTES;

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
HWY_AFTER_NAMESPACE();
