// Sums over one gradient tensor beside the one received: what gradient matching needs of each candidate.
#include "CBLAS.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16
#define CHUNK 512

// Lanes in float32 over a chunk, chunks in double: a fixed order.
#define SUMS(count, body)                                                      \
  for (int s = 0; s < count; s++) out[s] = 0;                                  \
  ptrdiff_t i = 0;                                                             \
  for (; i + CHUNK <= n; i += CHUNK) {                                         \
    float part[count][LANES];                                                  \
    memset(part, 0, sizeof part);                                              \
    for (ptrdiff_t j = i; j < i + CHUNK; j += LANES)                           \
      for (int l = 0; l < LANES; l++) {                                        \
        float a = g[j + l], b = y[j + l];                                      \
        float *sum[count];                                                     \
        for (int s = 0; s < count; s++) sum[s] = &part[s][l];                  \
        body                                                                   \
      }                                                                        \
    for (int s = 0; s < count; s++) {                                          \
      double total = 0;                                                        \
      for (int l = 0; l < LANES; l++) total += part[s][l];                     \
      out[s] += total;                                                         \
    }                                                                          \
  }                                                                            \
  float rest[count];                                                           \
  memset(rest, 0, sizeof rest);                                                \
  for (; i < n; i++) {                                                         \
    float a = g[i], b = y[i];                                                  \
    float *sum[count];                                                         \
    for (int s = 0; s < count; s++) sum[s] = &rest[s];                         \
    body                                                                       \
  }                                                                            \
  for (int s = 0; s < count; s++) out[s] += rest[s];

void seep_sums_all(const float *restrict g, const float *restrict y, ptrdiff_t n, double *out) {
  SUMS(3, {
    *sum[0] += a * a;
    *sum[1] += a * b;
    float d = a - b;
    *sum[2] += d * d;
  })
}

void seep_sums_above(const float *restrict g, const float *restrict y, ptrdiff_t n, float limit, double *out) {
  SUMS(3, {
    float kept = fabsf(a) >= limit ? a : 0;
    *sum[0] += a * a;
    *sum[1] += kept * kept;
    *sum[2] += kept * b;
  })
}

void seep_sums_received(const float *restrict g, const float *restrict y, ptrdiff_t n, double *out) {
  SUMS(3, {
    float kept = b != 0 ? a : 0;
    *sum[0] += a * a;
    *sum[1] += kept * kept;
    *sum[2] += kept * b;
  })
}

void seep_sums_censored(const float *restrict g, const float *restrict y, ptrdiff_t n, float scale, float threshold, double *out) {
  SUMS(3, {
    float v = scale * a;
    float inside = fminf(fmaxf(v, -threshold), threshold);
    v = b != 0 ? v : v - inside;
    *sum[0] += v * v;
    *sum[1] += v * b;
    float d = v - b;
    *sum[2] += d * d;
  })
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/// The element of rank k (from 0) of v, by quickselect; reorders v.
static float select_rank(float *v, ptrdiff_t n, ptrdiff_t k) {
  ptrdiff_t low = 0, high = n - 1;
  while (high - low > 16) {
    float pivot = v[low + (high - low) / 2], x = v[low], z = v[high];
    pivot = x < pivot ? (pivot < z ? pivot : (x < z ? z : x)) : (x < z ? x : (pivot < z ? z : pivot));
    ptrdiff_t i = low, j = high;
    while (i <= j) {
      while (v[i] < pivot) i++;
      while (v[j] > pivot) j--;
      if (i <= j) { float t = v[i]; v[i++] = v[j]; v[j--] = t; }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else return v[k];
  }
  qsort(v + low, high - low + 1, sizeof *v, ascending);
  return v[k];
}

/// Collects |g| within [low, high] and counts those below low; returns how many were collected.
static ptrdiff_t collect(const float *g, ptrdiff_t n, float low, float high, float *scratch, ptrdiff_t *below) {
  ptrdiff_t count = 0, under = 0;
  ptrdiff_t i = 0;
  for (; i + 16 <= n; i += 16) {
    int hits = 0, less = 0;
    for (int l = 0; l < 16; l++) {
      float a = fabsf(g[i + l]);
      less += a < low;
      hits += (a >= low) & (a <= high);
    }
    under += less;
    if (hits)
      for (int l = 0; l < 16; l++) {
        float a = fabsf(g[i + l]);
        if (a >= low && a <= high) scratch[count++] = a;
      }
  }
  for (; i < n; i++) {
    float a = fabsf(g[i]);
    under += a < low;
    if (a >= low && a <= high) scratch[count++] = a;
  }
  *below = under;
  return count;
}

void seep_abs_ranks(const float *g, ptrdiff_t n, ptrdiff_t rank, float guess, float *scratch, float *at, float *next) {
  ptrdiff_t below, count, second = rank + 1 < n ? rank + 1 : rank;
  if (guess > 0) {
    count = collect(g, n, guess * 0.95f, guess * 1.05f, scratch, &below);
    if (rank >= below && second < below + count) goto found;
  }
  {
    // By the top bits of |g|: 8 bins an octave.
    static const int bins = 4096;
    uint32_t histogram[2][4096];
    memset(histogram, 0, sizeof histogram);
    const uint32_t *bits = (const uint32_t *)g;
    ptrdiff_t i = 0;
    for (; i + 2 <= n; i += 2) {
      histogram[0][(bits[i] & 0x7fffffffu) >> 20]++;
      histogram[1][(bits[i + 1] & 0x7fffffffu) >> 20]++;
    }
    for (; i < n; i++) histogram[0][(bits[i] & 0x7fffffffu) >> 20]++;
    ptrdiff_t before = 0;
    int first = 0, last;
    while (first < bins && before + histogram[0][first] + histogram[1][first] <= rank) {
      before += histogram[0][first] + histogram[1][first];
      first++;
    }
    ptrdiff_t until = before;
    last = first;
    while (last < bins && until + histogram[0][last] + histogram[1][last] <= second) {
      until += histogram[0][last] + histogram[1][last];
      last++;
    }
    uint32_t low = (uint32_t)first << 20, high = ((uint32_t)(last < bins ? last : bins - 1) << 20) | 0xfffffu;
    if (high > 0x7f800000u) high = 0x7f800000u;
    float from, to;
    memcpy(&from, &low, 4);
    memcpy(&to, &high, 4);
    count = collect(g, n, from, to, scratch, &below);
  }
found:
  if (rank < below || second - below >= count) {  // numbers that are not numbers
    *at = *next = NAN;
    return;
  }
  *at = select_rank(scratch, count, rank - below);
  *next = *at;
  if (second > rank) {
    // What lies behind the selected rank is not smaller: its least is the next.
    float least = INFINITY;
    for (ptrdiff_t i = rank - below + 1; i < count; i++)
      if (scratch[i] < least) least = scratch[i];
    *next = least;
  }
}
