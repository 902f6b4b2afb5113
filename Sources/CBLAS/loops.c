// Element loops. The float versions of exp, log, tanh, sigmoid … are polynomials that the compiler vectorises; their error is
// at most a few units in the last place (checked by the tests against libm in double precision).
#include "CBLAS.h"
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE float as_float(int32_t i) { float f; memcpy(&f, &i, 4); return f; }
INLINE int32_t as_int(float f) { int32_t i; memcpy(&i, &f, 4); return i; }

/// e^x: x = n ln 2 + r, |r| ≤ ln 2 / 2, Taylor polynomial of degree 7 for e^r, scaled in two steps so that
/// subnormal results are right.
INLINE float exp_f(float x) {
  float c = x > 89.0f ? 89.0f : (x < -104.0f ? -104.0f : x);
  float n = rintf(c * 1.44269504088896341f);
  float r = fmaf(n, -0.693145751953125f, c);
  r = fmaf(n, -1.42860682030941723212e-6f, r);
  float p = 1.98412698e-4f;
  p = fmaf(p, r, 1.38888889e-3f);
  p = fmaf(p, r, 8.33333333e-3f);
  p = fmaf(p, r, 4.16666667e-2f);
  p = fmaf(p, r, 1.66666667e-1f);
  p = fmaf(p, r, 0.5f);
  p = fmaf(p, r, 1.0f);
  p = fmaf(p, r, 1.0f);
  int32_t k = (int32_t)n, half = k >> 1;
  float y = p * as_float((half + 127) << 23) * as_float((k - half + 127) << 23);
  return x != x ? x : y;
}

/// ln x for x > 0 (Cephes' logf polynomial on [√½, √2)).
INLINE float log_f(float x) {
  float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
  float shift = x < 1.17549435e-38f ? -23.0f : 0.0f;
  int32_t bits = as_int(scaled);
  int32_t e = ((bits - 0x3f3504f3) >> 23);
  float m = as_float(bits - (e << 23));
  float n = (float)e + shift;
  float f = m - 1.0f, z = f * f;
  float p = 7.0376836292e-2f;
  p = fmaf(p, f, -1.1514610310e-1f);
  p = fmaf(p, f, 1.1676998740e-1f);
  p = fmaf(p, f, -1.2420140846e-1f);
  p = fmaf(p, f, 1.4249322787e-1f);
  p = fmaf(p, f, -1.6668057665e-1f);
  p = fmaf(p, f, 2.0000714765e-1f);
  p = fmaf(p, f, -2.4999993993e-1f);
  p = fmaf(p, f, 3.3333331174e-1f);
  float y = f * z * p;
  y = fmaf(n, -2.12194440e-4f, y);
  y = fmaf(-0.5f, z, y);
  y = f + y;
  y = fmaf(n, 0.693359375f, y);
  y = x == INFINITY ? INFINITY : y;
  y = x == 0.0f ? -INFINITY : y;
  return x < 0.0f || x != x ? NAN : y;
}

/// ln(1 + x) by Kahan's correction of the rounding of 1 + x.
INLINE float log1p_f(float x) {
  float u = 1.0f + x, d = u - 1.0f;
  float y = log_f(u) - (d - x) / u;
  y = fabsf(x) < 1e-4f ? x - 0.5f * x * x : y;
  y = x == INFINITY ? INFINITY : y;
  return u == 0.0f ? -INFINITY : y;
}

INLINE float sigmoid_f(float x) {
  float e = exp_f(-fabsf(x)), s = 1.0f / (1.0f + e);
  return x >= 0.0f ? s : (x != x ? x : e * s);
}

/// tanh: odd polynomial near 0 (Cephes' tanhf), 1 - 2 / (e^2x + 1) elsewhere.
INLINE float tanh_f(float x) {
  float a = fabsf(x), z = x * x;
  float p = -5.70498872745e-3f;
  p = fmaf(p, z, 2.06390887954e-2f);
  p = fmaf(p, z, -5.37397155531e-2f);
  p = fmaf(p, z, 1.33314422036e-1f);
  p = fmaf(p, z, -3.33332819422e-1f);
  float small = fmaf(p * z, x, x);
  float big = 1.0f - 2.0f / (exp_f(2.0f * a) + 1.0f);
  big = x < 0.0f ? -big : big;
  return a < 0.625f ? small : (x != x ? x : big);
}

INLINE float softplus_f(float x) { return (x > 0.0f ? x : 0.0f) + log1p_f(exp_f(-fabsf(x))); }
INLINE double sigmoid_d(double x) { double e = exp(-fabs(x)), s = 1.0 / (1.0 + e); return x >= 0.0 ? s : (x != x ? x : e * s); }
INLINE double softplus_d(double x) { return (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x))); }

#define LOOP(expression) for (ptrdiff_t i = 0; i < n; i++) { T v = x[i]; y[i] = (expression); } break
#define UNARY(EXP, LOG, LOG1P, EXPM1, SQRT, SIN, COS, TAN, TANH, SIGMOID, SOFTPLUS, ERF, FABS, FLOOR, CEIL, RINT, ACOS) \
  switch (op) {                                                                                                       \
  case 0: LOOP(-v);                                                                                                   \
  case 1: LOOP(FABS(v));                                                                                              \
  case 2: LOOP(v * v);                                                                                                \
  case 3: LOOP(EXP(v));                                                                                               \
  case 4: LOOP(LOG(v));                                                                                               \
  case 5: LOOP(LOG1P(v));                                                                                             \
  case 6: LOOP(EXPM1(v));                                                                                             \
  case 7: LOOP(SQRT(v));                                                                                              \
  case 8: LOOP((T)1 / SQRT(v));                                                                                       \
  case 9: LOOP((T)1 / v);                                                                                             \
  case 10: LOOP(SIN(v));                                                                                              \
  case 11: LOOP(COS(v));                                                                                              \
  case 12: LOOP(TAN(v));                                                                                              \
  case 13: LOOP(TANH(v));                                                                                             \
  case 14: LOOP(SIGMOID(v));                                                                                          \
  case 15: LOOP(v > 0 ? v : (v != v ? v : (T)0));                                                                     \
  case 16: LOOP(SOFTPLUS(v));                                                                                         \
  case 17: LOOP(ERF(v));                                                                                              \
  case 18: LOOP(v > 0 ? (T)1 : (v < 0 ? (T)-1 : (v != v ? v : (T)0)));                                                \
  case 19: LOOP(FLOOR(v));                                                                                            \
  case 20: LOOP(CEIL(v));                                                                                             \
  case 21: LOOP(RINT(v));                                                                                             \
  case 22: LOOP(ACOS(v));                                                                                             \
  default: break;                                                                                                     \
  }

void seep_unary_f32(int op, const float *restrict x, float *restrict y, ptrdiff_t n) {
#define T float
  UNARY(exp_f, log_f, log1p_f, expm1f, sqrtf, sinf, cosf, tanf, tanh_f, sigmoid_f, softplus_f, erff, fabsf, floorf, ceilf, rintf, acosf)
#undef T
}

void seep_unary_f64(int op, const double *restrict x, double *restrict y, ptrdiff_t n) {
#define T double
  UNARY(exp, log, log1p, expm1, sqrt, sin, cos, tan, tanh, sigmoid_d, softplus_d, erf, fabs, floor, ceil, rint, acos)
#undef T
}

#define PARAMETRIC(EXPM1)                                                                                             \
  switch (op) {                                                                                                       \
  case 100: LOOP(v > 0 ? v : a * v);                                                                                  \
  case 101: LOOP(v > 0 ? v : a * EXPM1(v));                                                                           \
  case 102: LOOP(v != v ? v : (v < a ? a : (v > b ? b : v)));                                                         \
  default: break;                                                                                                     \
  }

void seep_parametric_f32(int op, const float *restrict x, float *restrict y, ptrdiff_t n, float a, float b) {
#define T float
  PARAMETRIC(expm1f)
#undef T
}
void seep_parametric_f64(int op, const double *restrict x, double *restrict y, ptrdiff_t n, double a, double b) {
#define T double
  PARAMETRIC(expm1)
#undef T
}

// Operands at stride 1 or 0 get loops of their own, which vectorise.
#define EACH(f)                                                                                                       \
  if (xs == 1 && ys == 1) for (ptrdiff_t i = 0; i < n; i++) z[i] = f(x[i], y[i]);                                     \
  else if (xs == 1 && ys == 0) { const T b = n > 0 ? y[0] : 0; for (ptrdiff_t i = 0; i < n; i++) z[i] = f(x[i], b); } \
  else if (xs == 0 && ys == 1) { const T a = n > 0 ? x[0] : 0; for (ptrdiff_t i = 0; i < n; i++) z[i] = f(a, y[i]); } \
  else for (ptrdiff_t i = 0; i < n; i++) z[i] = f(x[i * xs], y[i * ys]);                                              \
  break
#define ADD(a, b) ((a) + (b))
#define SUB(a, b) ((a) - (b))
#define MUL(a, b) ((a) * (b))
#define DIV(a, b) ((a) / (b))
#define MAX(a, b) ((a) != (a) ? (a) : ((b) != (b) ? (b) : ((a) > (b) ? (a) : (b))))
#define MIN(a, b) ((a) != (a) ? (a) : ((b) != (b) ? (b) : ((a) < (b) ? (a) : (b))))
#define FDIV(a, b) (floor((a) / (b)))
#define MOD(a, b) ((a) - floor((a) / (b)) * (b))

#define BINARY(POW)                                                                                                   \
  switch (op) {                                                                                                       \
  case 0: EACH(ADD);                                                                                                  \
  case 1: EACH(SUB);                                                                                                  \
  case 2: EACH(MUL);                                                                                                  \
  case 3: EACH(DIV);                                                                                                  \
  case 4: EACH(POW);                                                                                                  \
  case 5: EACH(MAX);                                                                                                  \
  case 6: EACH(MIN);                                                                                                  \
  case 7: EACH(FDIV);                                                                                                 \
  case 8: EACH(MOD);                                                                                                  \
  default: break;                                                                                                     \
  }

void seep_binary_f32(int op, const float *x, ptrdiff_t xs, const float *y, ptrdiff_t ys, float *restrict z, ptrdiff_t n) {
#define T float
  BINARY(powf)
#undef T
}
void seep_binary_f64(int op, const double *x, ptrdiff_t xs, const double *y, ptrdiff_t ys, double *restrict z, ptrdiff_t n) {
#define T double
  BINARY(pow)
#undef T
}

INLINE int64_t floor_div(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return (int64_t)(0 - (uint64_t)a);
  int64_t q = a / b;
  return (a % b != 0 && ((a < 0) != (b < 0))) ? q - 1 : q;
}
INLINE int64_t floor_mod(int64_t a, int64_t b) {
  if (b == 0 || b == -1) return 0;
  int64_t r = a % b;
  return (r != 0 && ((r < 0) != (b < 0))) ? r + b : r;
}
INLINE int64_t pow_i(int64_t a, int64_t b) {
  if (b < 0) return a == 1 ? 1 : (a == -1 ? (b % 2 ? -1 : 1) : 0);
  uint64_t result = 1, base = (uint64_t)a;
  for (; b > 0; b >>= 1, base *= base) if (b & 1) result *= base;
  return (int64_t)result;
}
#define IADD(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define ISUB(a, b) ((int64_t)((uint64_t)(a) - (uint64_t)(b)))
#define IMUL(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))
#define IMAX(a, b) ((a) > (b) ? (a) : (b))
#define IMIN(a, b) ((a) < (b) ? (a) : (b))

void seep_binary_i64(int op, const int64_t *x, ptrdiff_t xs, const int64_t *y, ptrdiff_t ys, int64_t *restrict z, ptrdiff_t n) {
#define T int64_t
  switch (op) {
  case 0: EACH(IADD);
  case 1: EACH(ISUB);
  case 2: EACH(IMUL);
  case 4: EACH(pow_i);
  case 5: EACH(IMAX);
  case 6: EACH(IMIN);
  case 3:
  case 7: EACH(floor_div);
  case 8: EACH(floor_mod);
  default: break;
  }
#undef T
}

// Fused multiply-adds in registers, as many as two pipes of any width take: the arithmetic peak of one thread.
double seep_peak_loop(long rounds) {
  typedef float lanes __attribute__((vector_size(32)));
  lanes a[12];
  for (int i = 0; i < 12; i++) a[i] = (lanes){0} + (float)i;
  lanes b = (lanes){0} + 0.999f, c = (lanes){0} + 0.001f;
  for (long k = 0; k < rounds; k++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; i++) a[i] = a[i] * b + c;
  }
  lanes sum = {0};
  for (int i = 0; i < 12; i++) sum += a[i];
  return sum[0];
}
