// Convolutions between many channels (in blocks) and at most four: each output is a dot product over channels and taps, in vectors of
// channels. Libraries pad the few channels to a block and waste most of it.
#include "CBLAS.h"

typedef float four __attribute__((vector_size(16), aligned(4)));
typedef float eight __attribute__((vector_size(32), aligned(4)));
typedef float sixteen __attribute__((vector_size(64), aligned(4)));
typedef eight lanes_8;
typedef sixteen lanes_16;

__attribute__((always_inline)) static inline float total_4(const float *v) { return (v[0] + v[2]) + (v[1] + v[3]); }
__attribute__((always_inline)) static inline float total_8(const float *v) {
  four half = *(const four *)v + *(const four *)(v + 4);
  return total_4((const float *)&half);
}
__attribute__((always_inline)) static inline float total_16(const float *v) {
  eight half = *(const eight *)v + *(const eight *)(v + 8);
  return total_8((const float *)&half);
}

#define THIN(lanes, outs)                                                                                                  \
  static void thin_##lanes##_##outs##_run(const seep_thin *t, const float *x, const float *w, float *y, ptrdiff_t first,  \
                                          ptrdiff_t end) {                                                                \
    typedef lanes_##lanes vec;                                                                                            \
    ptrdiff_t blocks = t->ic / lanes, in_pixels = t->ih * t->iw, out_pixels = t->oh * t->ow, taps = t->kh * t->kw;        \
    for (ptrdiff_t line = first; line < end; line++) {                                                                    \
      ptrdiff_t image = line / t->oh, oy = line % t->oh;                                                                  \
      const float *from = x + image * t->ic * in_pixels;                                                                  \
      for (ptrdiff_t ox = 0; ox < t->ow; ox++) {                                                                          \
        vec sum[outs];                                                                                                    \
        for (int o = 0; o < outs; o++) sum[o] = (vec){0};                                                                 \
        for (ptrdiff_t ky = 0; ky < t->kh; ky++) {                                                                        \
          ptrdiff_t iy = t->adjoint ? oy + t->top - ky * t->dilation_h : oy * t->stride_h + ky * t->dilation_h - t->top;  \
          if (t->adjoint) {                                                                                               \
            if (iy % t->stride_h) continue;                                                                               \
            iy /= t->stride_h;                                                                                            \
          }                                                                                                               \
          if (iy < 0 || iy >= t->ih) continue;                                                                            \
          for (ptrdiff_t kx = 0; kx < t->kw; kx++) {                                                                      \
            ptrdiff_t ix = t->adjoint ? ox + t->left - kx * t->dilation_w : ox * t->stride_w + kx * t->dilation_w - t->left; \
            if (t->adjoint) {                                                                                             \
              if (ix % t->stride_w) continue;                                                                             \
              ix /= t->stride_w;                                                                                          \
            }                                                                                                             \
            if (ix < 0 || ix >= t->iw) continue;                                                                          \
            const float *pixel = from + (iy * t->iw + ix) * lanes, *weight = w + (ky * t->kw + kx) * t->ic;               \
            for (ptrdiff_t b = 0; b < blocks; b++) {                                                                      \
              vec v = *(const vec *)(pixel + b * in_pixels * lanes);                                                      \
              for (int o = 0; o < outs; o++) sum[o] += v * *(const vec *)(weight + o * taps * t->ic + b * lanes);         \
            }                                                                                                             \
          }                                                                                                               \
        }                                                                                                                 \
        for (int o = 0; o < outs; o++) {                                                                                  \
          y[(image * outs + o) * out_pixels + oy * t->ow + ox] = total_##lanes((const float *)&sum[o]);                                   \
        }                                                                                                                 \
      }                                                                                                                   \
    }                                                                                                                     \
  }

THIN(8, 1) THIN(8, 2) THIN(8, 3) THIN(8, 4)
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
THIN(16, 1) THIN(16, 2) THIN(16, 3) THIN(16, 4)
#pragma clang attribute pop
#else
THIN(16, 1) THIN(16, 2) THIN(16, 3) THIN(16, 4)
#endif

void seep_thin_run(const seep_thin *t, const float *x, const float *w, float *y, ptrdiff_t first, ptrdiff_t end) {
  switch (t->block + t->oc) {
    case 9: thin_8_1_run(t, x, w, y, first, end); break;
    case 10: thin_8_2_run(t, x, w, y, first, end); break;
    case 11: thin_8_3_run(t, x, w, y, first, end); break;
    case 12: thin_8_4_run(t, x, w, y, first, end); break;
    case 17: thin_16_1_run(t, x, w, y, first, end); break;
    case 18: thin_16_2_run(t, x, w, y, first, end); break;
    case 19: thin_16_3_run(t, x, w, y, first, end); break;
    case 20: thin_16_4_run(t, x, w, y, first, end); break;
  }
}
