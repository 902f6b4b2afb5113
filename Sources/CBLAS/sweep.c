// The symmetric sweep (Goodnight, "A tutorial on the SWEEP operator", 1979) by blocks: the inverse of a positive definite matrix from products of
// matrices alone. Only the lower triangle, by blocks, is read and written.
#include "CBLAS.h"
#include <cblas.h>
#include <math.h>

int seep_sweep_block(ptrdiff_t n, double *restrict a, ptrdiff_t row, double *restrict p, double *logarithm) {
  for (ptrdiff_t i = 0; i < n; i++)
    for (ptrdiff_t j = 0; j < n; j++) p[i * n + j] = j <= i ? a[i * row + j] : a[j * row + i];
  double sum = 0;
  for (ptrdiff_t k = 0; k < n; k++) {
    double *restrict own = p + k * n, pivot = own[k];
    if (!(pivot > 0)) return (int)k + 1;
    sum += log(pivot);
    double inverse = 1 / pivot;
    own[k] = 1;
    for (ptrdiff_t j = 0; j < n; j++) own[j] *= inverse;
    for (ptrdiff_t i = 0; i < n; i++) {
      if (i == k) continue;
      double *restrict other = p + i * n, factor = other[k];
      other[k] = 0;
      for (ptrdiff_t j = 0; j < n; j++) other[j] -= factor * own[j];
    }
  }
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
