// Matérn-5/2 covariances and the factorisations of Gaussian processes.
#include "CBLAS.h"
#include <cblas.h>
#include <math.h>
#include <string.h>

extern void spotrf_(const char *, const int *, float *, const int *, int *, size_t);

/// eˣ for x ≤ 0, to about 1e-16 (relative); written so that it vectorises.
static inline double exp_negative(double x) {
  x = x < -700 ? -700 : x;
  double shifted = x * 1.4426950408889634 + 0x1.8p52;
  double k = shifted - 0x1.8p52;
  double r = x - k * 0x1.62e42fefa0000p-1 - k * 0x1.cf79abc9e3b39p-40;
  double p = 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1;
  p = p * r + 1;
  int64_t bits;
  memcpy(&bits, &shifted, 8);
  bits = (bits + 1023) << 52;
  double scale;
  memcpy(&scale, &bits, 8);
  return p * scale;
}

void seep_matern(ptrdiff_t n, double outputscale, const double *restrict products, double own, const double *restrict others,
                 double *restrict k, double *restrict slope) {
  const double root = 2.23606797749978969;
  for (ptrdiff_t j = 0; j < n; j++) {
    double square = own + others[j] - 2 * products[j];
    square = square > 0 ? square : 0;
    double d = root * sqrt(square), e = outputscale * exp_negative(-d);
    k[j] = (1 + d + d * d / 3) * e;
    if (slope) slope[j] = 5.0 / 3 * (1 + d) * e;
  }
}

void seep_matern_f32(ptrdiff_t n, float outputscale, const float *restrict products, float own, const float *restrict others,
                     float *restrict k) {
  for (ptrdiff_t j = 0; j < n; j++) {
    double square = own + others[j] - 2 * products[j];
    square = square > 0 ? square : 0;
    double d = 2.23606797749978969 * sqrt(square);
    k[j] = (float)((1 + d + d * d / 3) * outputscale * exp_negative(-d));
  }
}

double seep_gp_weights(ptrdiff_t n, double own, const double *restrict alpha, const double *restrict negative,
                       const double *restrict k, const double *restrict slope, double *restrict h, double *row,
                       double *restrict column) {
  double scale[8] = {0}, sum[8] = {0};
  ptrdiff_t j = 0;
  for (; j + 8 <= n; j += 8)
    for (int l = 0; l < 8; l++) {
      double w = own * alpha[j + l] + negative[j + l], v = w * slope[j + l];
      scale[l] += w * k[j + l];
      sum[l] += v;
      column[j + l] += v;
      h[j + l] = v;
    }
  double total = 0, rows = 0;
  for (int l = 0; l < 8; l++) { total += scale[l]; rows += sum[l]; }
  for (; j < n; j++) {
    double w = own * alpha[j] + negative[j], v = w * slope[j];
    total += w * k[j];
    rows += v;
    column[j] += v;
    h[j] = v;
  }
  *row = rows;
  return total;
}

void seep_dtrsm_part(ptrdiff_t n, ptrdiff_t m, const double *l, ptrdiff_t l_row, double *b, ptrdiff_t b_row) {
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, (int)m, 1.0, l, (int)l_row, b, (int)b_row);
}

int seep_spotrf(ptrdiff_t n, float *a, ptrdiff_t row) {
  int size = (int)n, stride = (int)row, info = 0;
  spotrf_("U", &size, a, &stride, &info, 1);
  return info;
}

void seep_strsm_right(ptrdiff_t m, ptrdiff_t n, const float *l, ptrdiff_t l_row, float *b, ptrdiff_t b_row) {
  cblas_strsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)m, (int)n, 1.0f, l, (int)l_row, b, (int)b_row);
}
