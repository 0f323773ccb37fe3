// kernels_plain: the plain kernels, once for each target. No include guard: the includer defines FRYS_SIMD_NS (the
// target's namespace) and FRYS_SIMD_LANES (floats in a register) and has switched the compiler to the target.
//
// Inside: vector types of the compiler, builtins and functions of this namespace only. A std:: template that is first
// instantiated here would become a weak symbol full of this target's instructions, for the whole program.
// Vectors never travel by value between functions: that would depend on the ABI of the baseline.
namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS {

typedef float vf __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef std::int32_t vi __attribute__((vector_size(FRYS_SIMD_LANES * 4)));
typedef float v4 __attribute__((vector_size(16)));
inline constexpr std::size_t lanes = FRYS_SIMD_LANES;

inline void load(vf& to, const float* from) noexcept { __builtin_memcpy(&to, from, sizeof to); }

// Clears all but the last r lanes.
inline void keep_last(vf& v, std::size_t r) noexcept {
  vi mask, bits;
  __builtin_memcpy(&mask, tail_mask + 16 - lanes + r, sizeof mask);
  __builtin_memcpy(&bits, &v, sizeof bits);
  bits &= mask;
  __builtin_memcpy(&v, &bits, sizeof v);
}

inline float sum(const vf& v) noexcept {
  v4 part[lanes / 4];
  __builtin_memcpy(part, &v, sizeof part);
  v4 s = part[0];
  for (std::size_t i = 1; i < lanes / 4; ++i) s += part[i];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

inline float dot(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    s0 += x0 * y0;
    s1 += x1 * y1;
    s2 += x2 * y2;
    s3 += x3 * y3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    s0 += x0 * y0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    keep_last(x1, n - i), keep_last(y1, n - i);
    s1 += x1 * y1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float l2_squared(const float* a, const float* b, std::size_t n) noexcept {
  if (n < lanes) {
    float r = 0;
    for (std::size_t i = 0; i < n; ++i) r += (a[i] - b[i]) * (a[i] - b[i]);
    return r;
  }
  vf s0{}, s1{}, s2{}, s3{}, x0, x1, x2, x3, y0, y1, y2, y3;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    load(x0, a + i), load(y0, b + i);
    load(x1, a + i + lanes), load(y1, b + i + lanes);
    load(x2, a + i + 2 * lanes), load(y2, b + i + 2 * lanes);
    load(x3, a + i + 3 * lanes), load(y3, b + i + 3 * lanes);
    x0 -= y0, x1 -= y1, x2 -= y2, x3 -= y3;
    s0 += x0 * x0;
    s1 += x1 * x1;
    s2 += x2 * x2;
    s3 += x3 * x3;
  }
  for (; i + lanes <= n; i += lanes) {
    load(x0, a + i), load(y0, b + i);
    x0 -= y0;
    s0 += x0 * x0;
  }
  if (i != n) {
    load(x1, a + n - lanes), load(y1, b + n - lanes);
    x1 -= y1;
    keep_last(x1, n - i);
    s1 += x1 * x1;
  }
  s0 = (s0 + s1) + (s2 + s3);
  return sum(s0);
}

inline float cosine(const float* a, const float* b, std::size_t n) noexcept {
  float ab = 0, aa = 0, bb = 0;
  if (n < lanes) {
    for (std::size_t i = 0; i < n; ++i) {
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
  } else {
    vf ab0{}, ab1{}, aa0{}, aa1{}, bb0{}, bb1{}, x0, x1, y0, y1;
    std::size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) {
      load(x0, a + i), load(y0, b + i);
      load(x1, a + i + lanes), load(y1, b + i + lanes);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    for (; i + lanes <= n; i += lanes) {
      load(x0, a + i), load(y0, b + i);
      ab0 += x0 * y0, aa0 += x0 * x0, bb0 += y0 * y0;
    }
    if (i != n) {
      load(x1, a + n - lanes), load(y1, b + n - lanes);
      keep_last(x1, n - i), keep_last(y1, n - i);
      ab1 += x1 * y1, aa1 += x1 * x1, bb1 += y1 * y1;
    }
    ab0 += ab1, aa0 += aa1, bb0 += bb1;
    ab = sum(ab0), aa = sum(aa0), bb = sum(bb0);
  }
  const float norms = __builtin_sqrtf(aa) * __builtin_sqrtf(bb);
  return norms > 0 ? ab / norms : 0.0f;
}

// Four rows at a time: each part of the query is loaded once for all of them. A group at the end repeats its last row
// rather than taking another way, so that a row's value does not depend on its place.
#define FRYS_SIMD_ROWS(name, scalar_step, prepare, factor)                                                      \
  inline void name(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t n, \
                   float* out) noexcept {                                                                       \
    for (std::size_t row = 0; row < count; row += 4) {                                                          \
      const std::size_t left = count - row;                                                                     \
      const float* const r0 = rows + row * stride;                                                              \
      const float* const r1 = left > 1 ? r0 + stride : r0;                                                      \
      const float* const r2 = left > 2 ? r1 + stride : r1;                                                      \
      const float* const r3 = left > 3 ? r2 + stride : r2;                                                      \
      float t0 = 0, t1 = 0, t2 = 0, t3 = 0;                                                                     \
      if (n < lanes) {                                                                                          \
        for (std::size_t i = 0; i < n; ++i) {                                                                   \
          const float q = query[i];                                                                             \
          scalar_step(t0, r0[i]) scalar_step(t1, r1[i]) scalar_step(t2, r2[i]) scalar_step(t3, r3[i])           \
        }                                                                                                       \
      } else {                                                                                                  \
        vf a0{}, a1{}, a2{}, a3{}, b0{}, b1{}, b2{}, b3{}, q, x0, x1, x2, x3;                                   \
        std::size_t i = 0;                                                                                      \
        for (; i + 2 * lanes <= n; i += 2 * lanes) {                                                            \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          const std::size_t j = i + lanes;                                                                      \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) b0 += x0 * factor(x0), b1 += x1 * factor(x1),         \
              b2 += x2 * factor(x2), b3 += x3 * factor(x3);                                                     \
        }                                                                                                       \
        if (i + lanes <= n) {                                                                                   \
          load(q, query + i), load(x0, r0 + i), load(x1, r1 + i), load(x2, r2 + i), load(x3, r3 + i);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) a0 += x0 * factor(x0), a1 += x1 * factor(x1),         \
              a2 += x2 * factor(x2), a3 += x3 * factor(x3);                                                     \
          i += lanes;                                                                                           \
        }                                                                                                       \
        if (i != n) {                                                                                           \
          const std::size_t j = n - lanes, r = n - i;                                                           \
          load(q, query + j), load(x0, r0 + j), load(x1, r1 + j), load(x2, r2 + j), load(x3, r3 + j);           \
          prepare(x0) prepare(x1) prepare(x2) prepare(x3) keep_last(q, r), keep_last(x0, r), keep_last(x1, r),  \
              keep_last(x2, r), keep_last(x3, r);                                                               \
          b0 += x0 * factor(x0), b1 += x1 * factor(x1), b2 += x2 * factor(x2), b3 += x3 * factor(x3);           \
        }                                                                                                       \
        a0 += b0, a1 += b1, a2 += b2, a3 += b3;                                                                 \
        t0 = sum(a0), t1 = sum(a1), t2 = sum(a2), t3 = sum(a3);                                                 \
      }                                                                                                         \
      out[row] = t0;                                                                                            \
      if (left > 1) out[row + 1] = t1;                                                                          \
      if (left > 2) out[row + 2] = t2;                                                                          \
      if (left > 3) out[row + 3] = t3;                                                                          \
    }                                                                                                           \
  }
#define FRYS_SIMD_STEP_DOT(total, x) total += (x)*q;
#define FRYS_SIMD_STEP_L2(total, x) total += ((x)-q) * ((x)-q);
#define FRYS_SIMD_KEEP(x)
#define FRYS_SIMD_SUBTRACT(x) x -= q;
#define FRYS_SIMD_QUERY(x) q
#define FRYS_SIMD_SELF(x) x
FRYS_SIMD_ROWS(dot_rows, FRYS_SIMD_STEP_DOT, FRYS_SIMD_KEEP, FRYS_SIMD_QUERY)
FRYS_SIMD_ROWS(l2_squared_rows, FRYS_SIMD_STEP_L2, FRYS_SIMD_SUBTRACT, FRYS_SIMD_SELF)
#undef FRYS_SIMD_ROWS
#undef FRYS_SIMD_STEP_DOT
#undef FRYS_SIMD_STEP_L2
#undef FRYS_SIMD_KEEP
#undef FRYS_SIMD_SUBTRACT
#undef FRYS_SIMD_QUERY
#undef FRYS_SIMD_SELF

// Bytes. A compare answers 0 or 255 in each lane; `hits` tells which lanes answered 255.
#if FRYS_SIMD_X86 && FRYS_SIMD_LANES >= 8
#define FRYS_SIMD_BYTES 32
#else
#define FRYS_SIMD_BYTES 16
#endif
typedef unsigned char vb __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline constexpr std::size_t wide = FRYS_SIMD_BYTES;

#if FRYS_SIMD_X86 && (FRYS_SIMD_LANES >= 8 || defined(__SSE2__))
typedef char vc __attribute__((vector_size(FRYS_SIMD_BYTES)));
inline unsigned hits(const vb& equal) noexcept {
#if FRYS_SIMD_LANES >= 8
  return static_cast<unsigned>(__builtin_ia32_pmovmskb256(reinterpret_cast<vc>(equal)));
#else
  return static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<vc>(equal)));
#endif
}
inline std::size_t first(unsigned found) noexcept { return static_cast<std::size_t>(__builtin_ctz(found)); }
#else
struct hit_words {
  unsigned long long low, high;
  explicit operator bool() const noexcept { return (low | high) != 0; }
};
inline hit_words hits(const vb& equal) noexcept {
  hit_words found;
  __builtin_memcpy(&found, &equal, sizeof found);
  return found;
}
inline std::size_t first(hit_words found) noexcept {
  const unsigned long long word = found.low != 0 ? found.low : found.high;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  const int bit = __builtin_clzll(word);
#else
  const int bit = __builtin_ctzll(word);
#endif
  return (found.low != 0 ? 0u : 8u) + static_cast<std::size_t>(bit) / 8u;
}
#endif

#define FRYS_SIMD_FIND(name, arguments, broadcast, match, same)              \
  inline std::size_t name arguments noexcept {                               \
    std::size_t i = 0;                                                       \
    if (n < wide) {                                                          \
      while (i < n && !(same(data[i]))) ++i;                                 \
      return i;                                                              \
    }                                                                        \
    broadcast vb x0, x1, x2, x3;                                             \
    for (; i + 4 * wide <= n; i += 4 * wide) {                               \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      __builtin_memcpy(&x1, data + i + wide, wide);                          \
      __builtin_memcpy(&x2, data + i + 2 * wide, wide);                      \
      __builtin_memcpy(&x3, data + i + 3 * wide, wide);                      \
      x0 = match(x0), x1 = match(x1), x2 = match(x2), x3 = match(x3);        \
      const vb any = (x0 | x1) | (x2 | x3);                                  \
      if (hits(any)) {                                                       \
        if (const auto found = hits(x0)) return i + first(found);            \
        if (const auto found = hits(x1)) return i + wide + first(found);     \
        if (const auto found = hits(x2)) return i + 2 * wide + first(found); \
        return i + 3 * wide + first(hits(x3));                               \
      }                                                                      \
    }                                                                        \
    for (; i + wide <= n; i += wide) {                                       \
      __builtin_memcpy(&x0, data + i, wide);                                 \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return i + first(found);              \
    }                                                                        \
    if (i != n) { /* overlaps bytes that are known not to match */           \
      __builtin_memcpy(&x0, data + n - wide, wide);                          \
      x0 = match(x0);                                                        \
      if (const auto found = hits(x0)) return n - wide + first(found);       \
    }                                                                        \
    return n;                                                                \
  }
#define FRYS_SIMD_MATCH_ONE(x) (reinterpret_cast<vb>((x) == va))
#define FRYS_SIMD_MATCH_TWO(x) (reinterpret_cast<vb>(((x) == va) | ((x) == vb_)))
#define FRYS_SIMD_SAME_ONE(x) (x) == a
#define FRYS_SIMD_SAME_TWO(x) (x) == a || (x) == b
#define FRYS_SIMD_ARGUMENTS_ONE (const std::byte* data, std::size_t n, std::byte a)
#define FRYS_SIMD_ARGUMENTS_TWO (const std::byte* data, std::size_t n, std::byte a, std::byte b)
#define FRYS_SIMD_BROADCAST_ONE const vb va = vb{} + static_cast<unsigned char>(a);
#define FRYS_SIMD_BROADCAST_TWO FRYS_SIMD_BROADCAST_ONE const vb vb_ = vb{} + static_cast<unsigned char>(b);
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
#undef FRYS_SIMD_BYTES

inline constexpr std::size_t vector_bytes = sizeof(vf);

}  // namespace frys::inline FRYS_ABI::simd::inline FRYS_SIMD_ABI::detail::FRYS_SIMD_NS
