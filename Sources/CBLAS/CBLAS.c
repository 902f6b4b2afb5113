#include "CBLAS.h"
#include <cblas.h>

extern void openblas_set_num_threads(int);
extern void dsyevd_(const char *, const char *, const int *, double *, const int *, double *, double *, const int *,
                    int *, const int *, int *, size_t, size_t);
extern void dpotrf_(const char *, const int *, double *, const int *, int *, size_t);
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *seep_blas_version(void) { return openblas_get_config(); }

void seep_blas_single_threaded(void) { openblas_set_num_threads(1); }

void seep_sgemm(int ta, int tb, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha, const float *a, ptrdiff_t lda,
                const float *b, ptrdiff_t ldb, float beta, float *c, ptrdiff_t ldc) {
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k,
              alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

void seep_dgemm(int ta, int tb, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, double alpha, const double *a, ptrdiff_t lda,
                const double *b, ptrdiff_t ldb, double beta, double *c, ptrdiff_t ldc) {
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k,
              alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

int seep_dsyevd(ptrdiff_t n, double *a, double *w) {
  int size = (int)n, info = 0, lwork = -1, liwork = -1, iquery = 0;
  double query = 0;
  if (n == 0) return 0;
  dsyevd_("V", "L", &size, a, &size, w, &query, &lwork, &iquery, &liwork, &info, 1, 1);
  if (info != 0) return info;
  lwork = (int)query;
  liwork = iquery;
  double *work = malloc(sizeof(double) * (size_t)lwork);
  int *iwork = malloc(sizeof(int) * (size_t)liwork);
  if (!work || !iwork) info = -1000;
  else dsyevd_("V", "L", &size, a, &size, w, work, &lwork, iwork, &liwork, &info, 1, 1);
  free(work);
  free(iwork);
  return info;
}

int seep_dpotrf(ptrdiff_t n, double *a) {
  int size = (int)n, info = 0;
  if (n == 0) return 0;
  // Row-major lower is column-major upper.
  dpotrf_("U", &size, a, &size, &info, 1);
  return info;
}

void seep_dtrsm(int transpose, ptrdiff_t n, ptrdiff_t m, const double *l, double *b) {
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, transpose ? CblasTrans : CblasNoTrans, CblasNonUnit, (int)n, (int)m,
              1.0, l, (int)n, b, (int)m);
}

double seep_sum_f64(const double *x, ptrdiff_t n, ptrdiff_t s) {
  double acc[8] = {0};
  ptrdiff_t i = 0;
  if (s == 1)
    for (; i + 8 <= n; i += 8)
      for (int j = 0; j < 8; j++) acc[j] += x[i + j];
  double total = ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]));
  for (; i < n; i++) total += x[i * s];
  return total;
}

double seep_sum_f32(const float *x, ptrdiff_t n, ptrdiff_t s) {
  double acc[8] = {0};
  ptrdiff_t i = 0;
  if (s == 1)
    for (; i + 8 <= n; i += 8)
      for (int j = 0; j < 8; j++) acc[j] += (double)x[i + j];
  double total = ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]));
  for (; i < n; i++) total += (double)x[i * s];
  return total;
}

// Eight lanes as above, written as vectors: left to itself the compiler takes one number at a time. v * 0 is not 0 where v is not
// finite: only a chunk that holds such numbers is read a second time.
typedef float lanes_f32 __attribute__((vector_size(32)));
typedef double lanes_f64 __attribute__((vector_size(64)));
typedef int32_t mask_f32 __attribute__((vector_size(32)));
typedef int64_t mask_f64 __attribute__((vector_size(64)));

#define STATISTICS(NAME, TYPE, LANES, MASK)                                                 \
  void NAME(const TYPE *x, ptrdiff_t n, ptrdiff_t s, double out[5]) {                       \
    double low = INFINITY, high = -INFINITY, total = 0, nans = 0, infinities = 0;           \
    for (ptrdiff_t start = 0; start < n; start += 4096) {                                   \
      ptrdiff_t end = start + 4096 < n ? start + 4096 : n, i = start;                       \
      LANES least = (LANES){0} + (TYPE)INFINITY, most = -least, odd = {0};                  \
      lanes_f64 acc = {0};                                                                  \
      if (s == 1)                                                                           \
        for (; i + 8 <= end; i += 8) {                                                      \
          LANES v;                                                                          \
          memcpy(&v, x + i, sizeof v);                                                      \
          MASK less = v < least, more = v > most;                                           \
          least = (LANES)((less & (MASK)v) | (~less & (MASK)least));                        \
          most = (LANES)((more & (MASK)v) | (~more & (MASK)most));                          \
          odd += v * 0;                                                                     \
          acc += __builtin_convertvector(v, lanes_f64);                                     \
        }                                                                                   \
      for (; i < end; i++) {                                                                \
        TYPE v = x[i * s];                                                                  \
        least[0] = v < least[0] ? v : least[0];                                             \
        most[0] = v > most[0] ? v : most[0];                                                \
        odd[0] += v * 0;                                                                    \
        acc[0] += (double)v;                                                                \
      }                                                                                     \
      TYPE all = 0;                                                                         \
      for (int j = 0; j < 8; j++) all += odd[j];                                            \
      if (all == 0) {                                                                       \
        for (int j = 0; j < 8; j++) {                                                       \
          low = least[j] < low ? (double)least[j] : low;                                    \
          high = most[j] > high ? (double)most[j] : high;                                   \
          total += acc[j];                                                                  \
        }                                                                                   \
        continue;                                                                           \
      }                                                                                     \
      for (i = start; i < end; i++) {                                                       \
        double v = (double)x[i * s];                                                        \
        if (v != v) {                                                                       \
          nans += 1;                                                                        \
        } else if (v - v != 0) {                                                            \
          infinities += 1;                                                                  \
        } else {                                                                            \
          low = v < low ? v : low;                                                          \
          high = v > high ? v : high;                                                       \
          total += v;                                                                       \
        }                                                                                   \
      }                                                                                     \
    }                                                                                       \
    out[0] = low, out[1] = high, out[2] = total, out[3] = nans, out[4] = infinities;        \
  }
STATISTICS(seep_statistics_f32, float, lanes_f32, mask_f32)
STATISTICS(seep_statistics_f64, double, lanes_f64, mask_f64)
