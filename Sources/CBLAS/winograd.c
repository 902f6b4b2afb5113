// 3×3 convolutions of stride 1 by Winograd's minimal filtering F(4×4, 3×3) (Lavin, Gray, "Fast algorithms for convolutional neural
// networks", CVPR 2016): 36 products a tile and pair of channels where the direct sum takes 144. Images lie in channel blocks.
#include "CBLAS.h"

#define LANES 8
#define SUFFIX _8
#include "winograd_lanes.h"
#undef LANES
#undef SUFFIX

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq"))), apply_to = function)
#define LANES 16
#define SUFFIX _16
#include "winograd_lanes.h"
#pragma clang attribute pop
#define BY_LANES(w, call8, call16) ((w)->block == 16 ? call16 : call8)
#else
#define BY_LANES(w, call8, call16) call8
#endif

ptrdiff_t seep_winograd_tiles(const seep_winograd *w) { return w->n * ((w->oh + 3) / 4) * ((w->ow + 3) / 4); }

ptrdiff_t seep_winograd_scratch(const seep_winograd *w, ptrdiff_t tiles, ptrdiff_t width) {
  return 36 * (tiles * (w->ic + width) + 32);
}

void seep_winograd_forward(const seep_winograd *w, const float *x, const float *u, float *y, ptrdiff_t first, ptrdiff_t count,
                           ptrdiff_t channel, ptrdiff_t width, float *scratch) {
  BY_LANES(w, forward_8(w, x, u, y, first, count, channel, width, scratch),
           forward_16(w, x, u, y, first, count, channel, width, scratch));
}

void seep_winograd_weights(const float *weights, ptrdiff_t oc, ptrdiff_t ic, ptrdiff_t block, int adjoint, ptrdiff_t first,
                           ptrdiff_t count, float *u) {
  seep_winograd w = {.block = block};
  BY_LANES(&w, weights_8(weights, oc, ic, adjoint, first, count, u), weights_16(weights, oc, ic, adjoint, first, count, u));
}

void seep_winograd_spread(const seep_winograd *w, const float *x, const float *gy, ptrdiff_t first, ptrdiff_t count, ptrdiff_t begin,
                          float *v, ptrdiff_t v_plane, float *y, ptrdiff_t y_plane) {
  ptrdiff_t offset = first - begin;
  BY_LANES(w, input_tiles_8(w, x, first, count, v + offset * w->ic, v_plane),
           input_tiles_16(w, x, first, count, v + offset * w->ic, v_plane));
  BY_LANES(w, gradient_tiles_8(w, gy, first, count, y + offset * w->oc, y_plane),
           gradient_tiles_16(w, gy, first, count, y + offset * w->oc, y_plane));
}

void seep_winograd_weight_products(const seep_winograd *w, const float *v, ptrdiff_t v_plane, const float *y, ptrdiff_t y_plane,
                                   ptrdiff_t count, ptrdiff_t k, ptrdiff_t first, ptrdiff_t rows, float *m, int add) {
  BY_LANES(w, weight_products_8(w, v, v_plane, y, y_plane, count, k, first, rows, m, add),
           weight_products_16(w, v, v_plane, y, y_plane, count, k, first, rows, m, add));
}

void seep_winograd_weight_gradient(const float *m, ptrdiff_t pairs, ptrdiff_t first, ptrdiff_t count, float *out) {
  // Gᵀ M G for each pair of channels.
  for (ptrdiff_t p = first; p < first + count; p++) {
    float half[3][6];
    for (int j = 0; j < 6; j++) {
      float a0 = m[j * pairs + p], a1 = m[(6 + j) * pairs + p], a2 = m[(12 + j) * pairs + p];
      float a3 = m[(18 + j) * pairs + p], a4 = m[(24 + j) * pairs + p], a5 = m[(30 + j) * pairs + p];
      half[0][j] = a0 / 4 - (a1 + a2) / 6 + (a3 + a4) / 24;
      half[1][j] = (a2 - a1) / 6 + (a3 - a4) / 12;
      half[2][j] = -(a1 + a2) / 6 + (a3 + a4) / 6 + a5;
    }
    for (int i = 0; i < 3; i++) {
      const float *a = half[i];
      out[p * 9 + i * 3] = a[0] / 4 - (a[1] + a[2]) / 6 + (a[3] + a[4]) / 24;
      out[p * 9 + i * 3 + 1] = (a[2] - a[1]) / 6 + (a[3] - a[4]) / 12;
      out[p * 9 + i * 3 + 2] = -(a[1] + a[2]) / 6 + (a[3] + a[4]) / 6 + a[5];
    }
  }
}

void seep_few_product(ptrdiff_t block, ptrdiff_t rows, ptrdiff_t depth, ptrdiff_t columns, const float *a, ptrdiff_t a_row,
                      ptrdiff_t a_step, const float *b, ptrdiff_t b_step, float *c, ptrdiff_t c_row, int add) {
  seep_winograd w = {.block = block};
  BY_LANES(&w, product_8(rows, depth, columns, a, a_row, a_step, b, b_step, c, c_row, add),
           product_16(rows, depth, columns, a, a_row, a_step, b, b_step, c, c_row, add));
}
