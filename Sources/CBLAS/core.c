// OpenBLAS chooses its kernels by a table of processors. One that is newer than the table gets those of 2004 (Prescott, SSE3), at a half or a third
// of the speed and without fused multiply-adds. Where that happened, the kernels for AVX2 are chosen instead.
#include <stdlib.h>
#include <string.h>

#include "CBLAS.h"

extern char *openblas_get_corename(void);
// Not there in builds for a single processor.
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

static int is_older_than_avx(const char *core) {
  static const char *const names[] = {"Prescott", "Katmai",    "Coppermine", "Northwood", "Banias",    "Atom",
                                      "Core2",    "Penryn",    "Dunnington", "Nehalem",   "Athlon",    "Opteron",
                                      "Opteron_SSE3", "Barcelona", "Nano",   "Bobcat"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(core, names[i])) return 1;
  return 0;
}

// Runs before main, after OpenBLAS has made its choice. What OPENBLAS_CORETYPE says is left alone.
__attribute__((constructor)) static void choose_kernels(void) {
#if defined(__x86_64__)
  static const char *const variable = "OPENBLAS_CORETYPE";
  if (getenv(variable) || !gotoblas_dynamic_init || !gotoblas_dynamic_quit) return;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
  if (!is_older_than_avx(openblas_get_corename())) return;
  setenv(variable, "Haswell", 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv(variable);
#endif
}
