// Standard normal numbers by the method of Box and Muller (1958) from Philox 4×32-10 (Salmon, Moraes, Dror, Shaw, SC 2011), eight blocks
// at a time. The words are those of Ground.RandomKey.
#include "CBLAS.h"
#include <math.h>
#include <string.h>

#define LANES 8

/// log of (word + 1) / 2³².
static inline double log_unit(uint32_t word) {
  double u = ((double)word + 1) * 0x1p-32;
  uint64_t bits;
  memcpy(&bits, &u, 8);
  // u = m · 2^e with m from √½ to √2.
  uint64_t shifted = bits - 0x3fe6a09e667f3bcdull;
  int64_t e = (int64_t)(shifted >> 52) - (int64_t)((shifted >> 63) << 12);
  bits -= (uint64_t)e << 52;
  double m;
  memcpy(&m, &bits, 8);
  double s = (m - 1) / (m + 1), t = s * s;
  double p = 1.0 / 23;
  p = p * t + 1.0 / 21;
  p = p * t + 1.0 / 19;
  p = p * t + 1.0 / 17;
  p = p * t + 1.0 / 15;
  p = p * t + 1.0 / 13;
  p = p * t + 1.0 / 11;
  p = p * t + 1.0 / 9;
  p = p * t + 1.0 / 7;
  p = p * t + 1.0 / 5;
  p = p * t + 1.0 / 3;
  return (double)e * 0x1.62e42fefa39efp-1 + (2 * s + 2 * s * t * p);
}

/// Cosine and sine of 2π · word / 2³².
static inline void turn(uint32_t word, double *cosine, double *sine) {
  uint32_t quarter = (word + 0x20000000u) >> 30;
  double r = (double)(int32_t)(word - (quarter << 30)) * 0x1.921fb54442d18p-30, t = r * r;
  double s = -1.0 / 1307674368000;
  s = s * t + 1.0 / 6227020800;
  s = s * t - 1.0 / 39916800;
  s = s * t + 1.0 / 362880;
  s = s * t - 1.0 / 5040;
  s = s * t + 1.0 / 120;
  s = s * t - 1.0 / 6;
  s = r + r * t * s;
  double c = 1.0 / 20922789888000;
  c = c * t - 1.0 / 87178291200;
  c = c * t + 1.0 / 479001600;
  c = c * t - 1.0 / 3628800;
  c = c * t + 1.0 / 40320;
  c = c * t - 1.0 / 720;
  c = c * t + 1.0 / 24;
  c = c * t - 0.5;
  c = 1 + t * c;
  double x = quarter & 1 ? -s : c, y = quarter & 1 ? c : s;
  *cosine = quarter & 2 ? -x : x;
  *sine = quarter & 2 ? -y : y;
}

#if defined(__x86_64__)
__attribute__((target_clones("arch=x86-64-v4", "default")))
#endif
void seep_normals(uint32_t low, uint32_t high, uint64_t first, ptrdiff_t blocks, double *out) {
  for (ptrdiff_t start = 0; start < blocks; start += LANES) {
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
    for (int l = 0; l < LANES; l++) {
      uint64_t counter = first + (uint64_t)(start + l);
      c0[l] = (uint32_t)counter;
      c1[l] = (uint32_t)(counter >> 32);
      c2[l] = c3[l] = 0;
    }
    uint32_t k0 = low, k1 = high;
    for (int round = 0; round < 10; round++) {
      for (int l = 0; l < LANES; l++) {
        uint64_t a = (uint64_t)c0[l] * 0xD2511F53u, b = (uint64_t)c2[l] * 0xCD9E8D57u;
        uint32_t n0 = (uint32_t)(b >> 32) ^ c1[l] ^ k0, n2 = (uint32_t)(a >> 32) ^ c3[l] ^ k1;
        c1[l] = (uint32_t)b;
        c3[l] = (uint32_t)a;
        c0[l] = n0;
        c2[l] = n2;
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    double z[4][LANES];
    for (int l = 0; l < LANES; l++) {
      double radius = sqrt(-2 * log_unit(c0[l])), c, s;
      turn(c1[l], &c, &s);
      z[0][l] = radius * c;
      z[1][l] = radius * s;
    }
    for (int l = 0; l < LANES; l++) {
      double radius = sqrt(-2 * log_unit(c2[l])), c, s;
      turn(c3[l], &c, &s);
      z[2][l] = radius * c;
      z[3][l] = radius * s;
    }
    for (int l = 0; l < LANES && start + l < blocks; l++)
      for (int i = 0; i < 4; i++) out[(start + l) * 4 + i] = z[i][l];
  }
}
