// Convolutions between many channels (in blocks) and at most four: each output is a dot product over channels and taps, in vectors of
// channels. Libraries pad the few channels to a block and waste most of it.
#include "CBLAS.h"
#include <string.h>

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

// One line of the result at a time: sums of all its pixels lie in a small buffer, and every tap runs along the line.
#define THIN(lanes, outs)                                                                                                   \
  static void thin_##lanes##_##outs##_run(const seep_thin *t, const float *x, const float *w, float *y, ptrdiff_t first,   \
                                          ptrdiff_t end, float *sums) {                                                    \
    typedef lanes_##lanes vec;                                                                                             \
    ptrdiff_t blocks = t->ic / lanes, in_pixels = t->ih * t->iw, out_pixels = t->oh * t->ow, taps = t->kh * t->kw;         \
    ptrdiff_t out_step = t->adjoint ? t->stride_w : 1, in_step = t->adjoint ? 1 : t->stride_w;                             \
    vec *sum = (vec *)sums;                                                                                                \
    for (ptrdiff_t line = first; line < end; line++) {                                                                     \
      ptrdiff_t image = line / t->oh, oy = line % t->oh;                                                                   \
      const float *from = x + image * t->ic * in_pixels;                                                                   \
      for (ptrdiff_t i = 0; i < t->ow * outs; i++) sum[i] = (vec){0};                                                      \
      for (ptrdiff_t ky = 0; ky < t->kh; ky++) {                                                                           \
        ptrdiff_t iy = t->adjoint ? oy + t->top - ky * t->dilation_h : oy * t->stride_h + ky * t->dilation_h - t->top;     \
        if (t->adjoint) {                                                                                                  \
          if (iy < 0 || iy % t->stride_h) continue;                                                                        \
          iy /= t->stride_h;                                                                                               \
        }                                                                                                                  \
        if (iy < 0 || iy >= t->ih) continue;                                                                               \
        for (ptrdiff_t kx = 0; kx < t->kw; kx++) {                                                                         \
          /* The first pixel of the line that this tap reaches, and what it reads there. */                                \
          ptrdiff_t shift = kx * t->dilation_w - t->left, ox = 0, ix = shift;                                              \
          if (t->adjoint) {                                                                                                \
            ox = shift > 0 ? shift : ((shift % t->stride_w) + t->stride_w) % t->stride_w;                                  \
            ix = (ox - shift) / t->stride_w;                                                                               \
          } else if (shift < 0) {                                                                                          \
            ox = (-shift + t->stride_w - 1) / t->stride_w;                                                                 \
            ix = ox * t->stride_w + shift;                                                                                 \
          }                                                                                                                \
          const float *weight = w + (ky * t->kw + kx) * t->ic;                                                             \
          for (ptrdiff_t b = 0; b < blocks; b++) {                                                                         \
            const float *pixels = from + (b * in_pixels + iy * t->iw) * lanes;                                             \
            vec tap[outs];                                                                                                 \
            for (int o = 0; o < outs; o++) tap[o] = *(const vec *)(weight + o * taps * t->ic + b * lanes);                 \
            for (ptrdiff_t to = ox, at = ix; to < t->ow && at < t->iw; to += out_step, at += in_step) {                    \
              vec v = *(const vec *)(pixels + at * lanes);                                                                 \
              for (int o = 0; o < outs; o++) sum[to * outs + o] += v * tap[o];                                             \
            }                                                                                                              \
          }                                                                                                                \
        }                                                                                                                  \
      }                                                                                                                    \
      for (ptrdiff_t ox = 0; ox < t->ow; ox++)                                                                             \
        for (int o = 0; o < outs; o++)                                                                                     \
          y[(image * outs + o) * out_pixels + oy * t->ow + ox] = total_##lanes((const float *)&sum[ox * outs + o]);        \
    }                                                                                                                      \
  }

THIN(8, 1) THIN(8, 2) THIN(8, 3) THIN(8, 4)
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
THIN(16, 1) THIN(16, 2) THIN(16, 3) THIN(16, 4)
#pragma clang attribute pop
#else
THIN(16, 1) THIN(16, 2) THIN(16, 3) THIN(16, 4)
#endif

void seep_thin_run(const seep_thin *t, const float *x, const float *w, float *y, ptrdiff_t first, ptrdiff_t end, float *sums) {
  switch (t->block + t->oc) {
    case 9: thin_8_1_run(t, x, w, y, first, end, sums); break;
    case 10: thin_8_2_run(t, x, w, y, first, end, sums); break;
    case 11: thin_8_3_run(t, x, w, y, first, end, sums); break;
    case 12: thin_8_4_run(t, x, w, y, first, end, sums); break;
    case 17: thin_16_1_run(t, x, w, y, first, end, sums); break;
    case 18: thin_16_2_run(t, x, w, y, first, end, sums); break;
    case 19: thin_16_3_run(t, x, w, y, first, end, sums); break;
    case 20: thin_16_4_run(t, x, w, y, first, end, sums); break;
  }
}

ptrdiff_t seep_gather_scratch(const seep_gather *g) {
  return g->stride_w * ((g->oh - 1) * g->stride_h + (g->kh - 1) * g->dilation_h + 1) * (g->ow + (g->kw - 1) * g->dilation_w / g->stride_w + 17);
}

void seep_gather_f32(const seep_gather *g, const float *image, float *columns, ptrdiff_t row_step, float *scratch) {
  // Each padded channel is laid out by phase of the stride, so that every line of a patch is a run.
  ptrdiff_t rows = (g->oh - 1) * g->stride_h + (g->kh - 1) * g->dilation_h + 1;
  ptrdiff_t width = g->ow + (g->kw - 1) * g->dilation_w / g->stride_w + 17, plane = rows * width;
  ptrdiff_t ow = g->ow;
  for (ptrdiff_t c = 0; c < g->channels; c++) {
    const float *from = image + c * g->ih * g->iw;
    memset(scratch, 0, sizeof *scratch * (size_t)(plane * g->stride_w));
    for (ptrdiff_t r = 0; r < rows; r++) {
      ptrdiff_t y = r - g->top;
      if (y < 0 || y >= g->ih) continue;
      if (g->stride_w == 1) {
        ptrdiff_t room = width - g->left < g->iw ? width - g->left : g->iw;
        if (room > 0) memcpy(scratch + r * width + g->left, from + y * g->iw, sizeof *scratch * (size_t)room);
        continue;
      }
      for (ptrdiff_t x = 0; x < g->iw; x++) {
        ptrdiff_t at = x + g->left, phase = at % g->stride_w, place = at / g->stride_w;
        if (place < width) scratch[phase * plane + r * width + place] = from[y * g->iw + x];
      }
    }
    for (ptrdiff_t ky = 0; ky < g->kh; ky++)
      for (ptrdiff_t kx = 0; kx < g->kw; kx++) {
        ptrdiff_t at = kx * g->dilation_w;
        const float *line = scratch + at % g->stride_w * plane + ky * g->dilation_h * width + at / g->stride_w;
        float *to = columns + ((c * g->kh + ky) * g->kw + kx) * row_step;
        ptrdiff_t y = 0, step = g->stride_h * width;
        if (ow <= 16)
          // Sixteen at once, as long as what is written too much is still to be written.
          for (; y < g->oh && (g->oh - y) * ow >= 16; y++, line += step, to += ow) *(sixteen *)to = *(const sixteen *)line;
        for (; y < g->oh; y++, line += step, to += ow)
          for (ptrdiff_t x = 0; x < ow; x++) to[x] = line[x];
      }
  }
}
