// Loops over images in channel blocks [n, channels / block, pixels, block].
#include "CBLAS.h"
#include <math.h>

void seep_block_channels(const float *from, float *to, ptrdiff_t pixels, ptrdiff_t block, int to_blocks) {
  // Tiles of 16 pixels keep both sides in cache lines.
  for (ptrdiff_t start = 0; start < pixels; start += 16) {
    ptrdiff_t end = start + 16 < pixels ? start + 16 : pixels;
    if (to_blocks)
      for (ptrdiff_t c = 0; c < block; c++)
        for (ptrdiff_t p = start; p < end; p++) to[p * block + c] = from[c * pixels + p];
    else
      for (ptrdiff_t c = 0; c < block; c++)
        for (ptrdiff_t p = start; p < end; p++) to[c * pixels + p] = from[p * block + c];
  }
}

#define LOOP(expression)                                                              \
  if (swapped)                                                                        \
    for (ptrdiff_t p = 0; p < pixels; p++)                                            \
      for (ptrdiff_t c = 0; c < block; c++) {                                         \
        float a = v[c], b = x[p * block + c];                                         \
        y[p * block + c] = expression;                                                \
      }                                                                               \
  else                                                                                \
    for (ptrdiff_t p = 0; p < pixels; p++)                                            \
      for (ptrdiff_t c = 0; c < block; c++) {                                         \
        float a = x[p * block + c], b = v[c];                                         \
        y[p * block + c] = expression;                                                \
      }                                                                               \
  break;

__attribute__((always_inline)) static inline void with_channels(int op, int swapped, const float *restrict x,
                                                                const float *restrict v, float *restrict y,
                                                                ptrdiff_t pixels, ptrdiff_t block) {
  switch (op) {
    case 0: LOOP(a + b)
    case 1: LOOP(a - b)
    case 2: LOOP(a * b)
    case 3: LOOP(a / b)
    case 5: LOOP(a > b || a != a ? a : b)
    case 6: LOOP(a < b || a != a ? a : b)
  }
}

int seep_blocked_has(int op) { return op >= 0 && op <= 6 && op != 4; }

void seep_blocked_with_channels(int op, int swapped, const float *x, const float *v, float *y, ptrdiff_t pixels, ptrdiff_t block) {
  if (block == 16) with_channels(op, swapped, x, v, y, pixels, 16);
  else with_channels(op, swapped, x, v, y, pixels, 8);
}

void seep_blocked_scale_shift(const float *restrict x, const float *scale, const float *shift, float *restrict y, ptrdiff_t pixels,
                              ptrdiff_t block) {
  if (block == 16)
    for (ptrdiff_t p = 0; p < pixels; p++)
      for (ptrdiff_t c = 0; c < 16; c++) y[p * 16 + c] = x[p * 16 + c] * scale[c] + shift[c];
  else
    for (ptrdiff_t p = 0; p < pixels; p++)
      for (ptrdiff_t c = 0; c < 8; c++) y[p * 8 + c] = x[p * 8 + c] * scale[c] + shift[c];
}

void seep_blocked_sums(const float *x, const float *y, double *sums, ptrdiff_t pixels, ptrdiff_t block) {
  for (ptrdiff_t start = 0; start < pixels; start += 32) {
    ptrdiff_t end = start + 32 < pixels ? start + 32 : pixels;
    float part[16] = {0};
    if (y)
      for (ptrdiff_t p = start; p < end; p++)
        for (ptrdiff_t c = 0; c < block; c++) part[c] += x[p * block + c] * y[p * block + c];
    else
      for (ptrdiff_t p = start; p < end; p++)
        for (ptrdiff_t c = 0; c < block; c++) part[c] += x[p * block + c];
    for (ptrdiff_t c = 0; c < block; c++) sums[c] += part[c];
  }
}

void seep_relu_gradient(const float *restrict g, const float *restrict y, float *restrict out, ptrdiff_t n, float slope) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = y[i] > 0 ? g[i] : g[i] * slope;
}

void seep_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
