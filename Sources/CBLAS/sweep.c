// The symmetric sweep (Goodnight, "A tutorial on the SWEEP operator", 1979) by blocks: the inverse of a positive definite matrix from products of
// matrices alone. Only the lower triangle, by blocks, is read and written.
#include "CBLAS.h"
#include <cblas.h>
#include <math.h>

enum { LARGEST = 64, INNER = 16 };

/// −A⁻¹ of a block of INNER, in place, by Gauss-Jordan elimination; the place from 1 of a pivot that is not positive, or 0.
static int eliminate(double *restrict q, double *restrict sum) {
  double own[INNER];
  for (int k = 0; k < INNER; k++) {
    double pivot = q[k * INNER + k];
    if (!(pivot > 0)) return k + 1;
    *sum += log(pivot);
    double inverse = 1 / pivot;
    for (int j = 0; j < INNER; j++) own[j] = q[k * INNER + j];
    own[k] = -1;
    for (int i = 0; i < INNER; i++) {
      double factor = i == k ? 0 : own[i] * inverse;
      for (int j = 0; j < INNER; j++) q[i * INNER + j] -= factor * own[j];
      q[i * INNER + k] = i == k ? -inverse : factor;
    }
    for (int j = 0; j < INNER; j++) q[k * INNER + j] = own[j] * inverse;
    q[k * INNER + k] = -inverse;
  }
  return 0;
}

int seep_sweep_block(ptrdiff_t n, const double *a, ptrdiff_t row, double *p, double *logarithm) {
  double q[LARGEST * LARGEST], c[INNER * LARGEST], w[LARGEST * INNER], own[INNER * INNER], sum = 0;
  // Filled up with an identity, to a multiple of INNER; both triangles are kept.
  ptrdiff_t m = (n + INNER - 1) / INNER * INNER;
  for (ptrdiff_t i = 0; i < m; i++)
    for (ptrdiff_t j = 0; j <= i; j++) q[i * m + j] = q[j * m + i] = i < n ? a[i * row + j] : i == j;
  for (ptrdiff_t at = 0; at < m; at += INNER) {
    for (ptrdiff_t i = 0; i < INNER; i++)
      for (ptrdiff_t j = 0; j < INNER; j++) own[i * INNER + j] = q[(at + i) * m + at + j];
    int info = eliminate(own, &sum);
    if (info) return (int)at + info;
    for (ptrdiff_t t = 0; t < INNER; t++)
      for (ptrdiff_t j = 0; j < m; j++) c[t * m + j] = j >= at && j < at + INNER ? 0 : q[(at + t) * m + j];
    for (ptrdiff_t i = 0; i < m; i++) {
      double sums[INNER] = {0};
      for (ptrdiff_t t = 0; t < INNER; t++)
        for (ptrdiff_t j = 0; j < INNER; j++) sums[j] -= c[t * m + i] * own[t * INNER + j];
      for (ptrdiff_t j = 0; j < INNER; j++) w[i * INNER + j] = sums[j];
    }
    for (ptrdiff_t i = 0; i < m; i++)
      for (ptrdiff_t first = 0; first < m; first += INNER) {
        double sums[INNER];
        for (ptrdiff_t j = 0; j < INNER; j++) sums[j] = q[i * m + first + j];
        for (ptrdiff_t t = 0; t < INNER; t++)
          for (ptrdiff_t j = 0; j < INNER; j++) sums[j] -= w[i * INNER + t] * c[t * m + first + j];
        for (ptrdiff_t j = 0; j < INNER; j++) q[i * m + first + j] = sums[j];
      }
    for (ptrdiff_t i = 0; i < m; i++)
      for (ptrdiff_t j = 0; j < INNER; j++) {
        int inside = i >= at && i < at + INNER;
        double value = inside ? own[(i - at) * INNER + j] : w[i * INNER + j];
        q[i * m + at + j] = value;
        q[(at + j) * m + i] = value;
      }
  }
  for (ptrdiff_t i = 0; i < n; i++)
    for (ptrdiff_t j = 0; j < n; j++) p[i * n + j] = -q[i * m + j];
  *logarithm += sum;
  return 0;
}

void seep_sweep_panel(ptrdiff_t n, const double *a, ptrdiff_t at, ptrdiff_t own, ptrdiff_t first, ptrdiff_t rows, const double *p, double *c,
                      double *w) {
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < own; j++) {
      ptrdiff_t r = first + i;
      // The block itself takes no part in the update of the others.
      c[r * own + j] = r >= at && r < at + own ? 0 : r > at ? a[r * n + at + j] : a[(at + j) * n + r];
    }
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)own, (int)own, 1, c + first * own, (int)own, p, (int)own, 0,
              w + first * own, (int)own);
}

void seep_sweep_update(ptrdiff_t n, double *a, ptrdiff_t at, ptrdiff_t own, ptrdiff_t first, ptrdiff_t rows, const double *p, const double *c,
                       const double *w) {
  ptrdiff_t columns = first + rows;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)columns, (int)own, -1, w + first * own, (int)own, c, (int)own, 1,
              a + first * n, (int)n);
  for (ptrdiff_t i = 0; i < rows; i++) {
    ptrdiff_t r = first + i;
    if (r >= at && r < at + own)
      for (ptrdiff_t j = 0; j < own; j++) a[r * n + at + j] = -p[(r - at) * own + j];
    else if (r > at)
      for (ptrdiff_t j = 0; j < own; j++) a[r * n + at + j] = w[r * own + j];
    if (r >= at && r < at + own)
      for (ptrdiff_t j = 0; j < at; j++) a[r * n + j] = w[j * own + r - at];
  }
}

double seep_dsymv_lower(ptrdiff_t n, const double *a, const double *x, double *y) {
  cblas_dsymv(CblasRowMajor, CblasLower, (int)n, 1, a, (int)n, x, 1, 0, y, 1);
  return cblas_ddot((int)n, x, 1, y, 1);
}
