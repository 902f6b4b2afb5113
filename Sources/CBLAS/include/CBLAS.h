// OpenBLAS (products, LAPACK) behind plain functions, and the element loops that want a C compiler's vectoriser.
#pragma once
#include <stddef.h>
#include <stdint.h>

void seep_blas_single_threaded(void);
/// `OpenBLAS 0.3.26 NO_AFFINITY Haswell MAX_THREADS=64`.
const char *seep_openblas_version(void);
/// Tells the processor that this is a loop that waits.
void seep_relax(void);

/// C = alpha op(A) op(B) + beta C, row-major; `ta`, `tb` transpose.
void seep_sgemm(int ta, int tb, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha, const float *a, ptrdiff_t lda,
                const float *b, ptrdiff_t ldb, float beta, float *c, ptrdiff_t ldc);
void seep_dgemm(int ta, int tb, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, double alpha, const double *a, ptrdiff_t lda,
                const double *b, ptrdiff_t ldb, double beta, double *c, ptrdiff_t ldc);

/// Eigenvalues ascending in w; a (n×n, symmetric) becomes the eigenvectors, one a row. Returns LAPACK's info.
int seep_dsyevd(ptrdiff_t n, double *a, double *w);
/// Lower Cholesky factor of a row-major symmetric matrix, in place. Returns LAPACK's info.
int seep_dpotrf(ptrdiff_t n, double *a);
/// Solves L X = B (or Lᵀ X = B) for row-major lower L and row-major B [n, m], in place.
void seep_dtrsm(int transpose, ptrdiff_t n, ptrdiff_t m, const double *l, double *b);

void seep_unary_f32(int op, const float *x, float *y, ptrdiff_t n);

/// 12 · 8 fused multiply-adds a round, in registers.
double seep_peak_loop(long rounds);
void seep_unary_f64(int op, const double *x, double *y, ptrdiff_t n);
void seep_parametric_f32(int op, const float *x, float *y, ptrdiff_t n, float a, float b);
void seep_parametric_f64(int op, const double *x, double *y, ptrdiff_t n, double a, double b);
void seep_binary_f32(int op, const float *x, ptrdiff_t xs, const float *y, ptrdiff_t ys, float *z, ptrdiff_t n);
void seep_binary_f64(int op, const double *x, ptrdiff_t xs, const double *y, ptrdiff_t ys, double *z, ptrdiff_t n);
void seep_binary_i64(int op, const int64_t *x, ptrdiff_t xs, const int64_t *y, ptrdiff_t ys, int64_t *z, ptrdiff_t n);

/// Sum of n floats at a stride, in double precision, in a fixed order.
double seep_sum_f32(const float *x, ptrdiff_t n, ptrdiff_t stride);
double seep_sum_f64(const double *x, ptrdiff_t n, ptrdiff_t stride);

/// One block of channels [block, pixels] to [pixels, block], or back.
void seep_block_channels(const float *from, float *to, ptrdiff_t pixels, ptrdiff_t block, int to_blocks);
/// Whether the next function knows this operation (numbered as in seep_binary_f32).
int seep_blocked_has(int op);
/// y = x op v over [pixels, block] (v op x where `swapped`), with one v for each channel.
void seep_blocked_with_channels(int op, int swapped, const float *x, const float *v, float *y, ptrdiff_t pixels,
                                ptrdiff_t block);
/// y = x · scale + shift over [pixels, block].
void seep_blocked_scale_shift(const float *x, const float *scale, const float *shift, float *y, ptrdiff_t pixels,
                              ptrdiff_t block);
/// Adds Σ x (or Σ x·y) over [pixels, block] to one sum a channel, in a fixed order.
void seep_blocked_sums(const float *x, const float *y, double *sums, ptrdiff_t pixels, ptrdiff_t block);
/// g where y > 0, g · slope elsewhere.
void seep_relu_gradient(const float *g, const float *y, float *out, ptrdiff_t n, float slope);

// Sums over a candidate's gradient g beside the one received, y; each writes three.

/// Σ g², Σ g·y, Σ (g − y)².
void seep_sums_all(const float *g, const float *y, ptrdiff_t n, double *out);
/// Σ g², and Σ g², Σ g·y over entries with |g| ≥ limit.
void seep_sums_above(const float *g, const float *y, ptrdiff_t n, float limit, double *out);
/// Σ g², and Σ g², Σ g·y over entries with y ≠ 0.
void seep_sums_received(const float *g, const float *y, ptrdiff_t n, double *out);
/// Σ v², Σ v·y, Σ (v − y)² where v is scale · g, and where y = 0 only what it has above the threshold.
void seep_sums_censored(const float *g, const float *y, ptrdiff_t n, float scale, float threshold, double *out);
/// The elements of |g| with the given rank (from 0) and the next one. `guess` > 0 is a value that is expected near; scratch has n places.
void seep_abs_ranks(const float *g, ptrdiff_t n, ptrdiff_t rank, float guess, float *scratch, float *at, float *next);

/// A 3×3 convolution of stride 1 over images in blocks of `block` (8 or 16) channels; ic and oc are multiples of 2 · block.
typedef struct {
  ptrdiff_t n, ic, ih, iw, oc, oh, ow, top, left, block;
} seep_winograd;

/// 4×4 tiles of the output, of all images.
ptrdiff_t seep_winograd_tiles(const seep_winograd *w);
/// Floats of scratch for so many tiles and output channels.
ptrdiff_t seep_winograd_scratch(const seep_winograd *w, ptrdiff_t tiles, ptrdiff_t width);
/// Transforms plain weights [oc, ic, 3, 3] for a pass (`adjoint`: the input gradient), 36 · oc · ic floats; for outputs of the pass from `first`.
void seep_winograd_weights(const float *weights, ptrdiff_t oc, ptrdiff_t ic, ptrdiff_t block, int adjoint, ptrdiff_t first,
                           ptrdiff_t count, float *u);
/// Tiles from `first`, output channels from `channel`, `width` of them.
void seep_winograd_forward(const seep_winograd *w, const float *x, const float *u, float *y, ptrdiff_t first, ptrdiff_t count,
                           ptrdiff_t channel, ptrdiff_t width, float *scratch);
/// Transforms tiles from `first` of input and output gradient into planes v and y, which begin with tile `begin`.
void seep_winograd_spread(const seep_winograd *w, const float *x, const float *gy, ptrdiff_t first, ptrdiff_t count, ptrdiff_t begin,
                          float *v, ptrdiff_t v_plane, float *y, ptrdiff_t y_plane);
/// Product k of 36: m[oc][ic] (+)= Σ over tiles, for `rows` output channels from `first`.
void seep_winograd_weight_products(const seep_winograd *w, const float *v, ptrdiff_t v_plane, const float *y, ptrdiff_t y_plane,
                                   ptrdiff_t count, ptrdiff_t k, ptrdiff_t first, ptrdiff_t rows, float *m, int add);
/// Weight gradients [oc · ic, 3, 3] of pairs from `first`, from the 36 planes m.
void seep_winograd_weight_gradient(const float *m, ptrdiff_t pairs, ptrdiff_t first, ptrdiff_t count, float *out);

/// c[r][j] (+)= Σ_k a[r · a_row + k · a_step] · b[k · b_step + j]: for few columns (a multiple of `block`, 8 or 16) and a large a that is read
/// once, where it lies.
void seep_few_product(ptrdiff_t block, ptrdiff_t rows, ptrdiff_t depth, ptrdiff_t columns, const float *a, ptrdiff_t a_row,
                      ptrdiff_t a_step, const float *b, ptrdiff_t b_step, float *c, ptrdiff_t c_row, int add);

/// A convolution, or with `adjoint` the input gradient of one, from ic channels in blocks to oc (1 to 4) plain channels. ih, iw and oh, ow are those of
/// what is read and of what is made.
typedef struct {
  ptrdiff_t ic, ih, iw, oc, oh, ow, kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left, block, adjoint;
} seep_thin;

/// Lines of the result from `first` to `end`, counted over all images. w is [oc, kh, kw, ic]; sums is scratch for ow · oc · block floats.
void seep_thin_run(const seep_thin *t, const float *x, const float *w, float *y, ptrdiff_t first, ptrdiff_t end, float *sums);

/// One row of Matérn-5/2 covariances, from inner products of scaled points and their squared lengths; `slope` (may be NULL) gets what multiplies
/// (Δ/ℓ)² in the derivative with respect to log ℓ.
void seep_matern(ptrdiff_t n, double outputscale, const double *products, double own, const double *others, double *k, double *slope);
void seep_matern_f32(ptrdiff_t n, float outputscale, const float *products, float own, const float *others, float *k);
/// Part of one row, left of the diagonal, of W = α αᵀ − K⁻¹, where `negative` holds −K⁻¹: h = W ∘ slope, its sum in `row`, added to `column`
/// elementwise; returns Σ W ∘ K.
double seep_gp_weights(ptrdiff_t n, double own, const double *alpha, const double *negative, const double *k, const double *slope,
                       double *h, double *row, double *column);

/// p = the inverse of a positive definite block (lower triangle read), n × n, n up to 64; adds log det to `logarithm`. Returns 0, or the place from 1 of the pivot
/// that is not positive.
int seep_sweep_block(ptrdiff_t n, const double *a, ptrdiff_t row, double *p, double *logarithm);
/// Rows of column panel c [n, own] of the block at `at`, 0 in the block, and of w = c p.
void seep_sweep_panel(ptrdiff_t n, const double *a, ptrdiff_t at, ptrdiff_t own, ptrdiff_t first, ptrdiff_t rows, const double *p, double *c,
                      double *w);
/// Rows of a − w cᵀ in the lower triangle, with w, wᵀ and −p in the place of the panel. `first` and `at` are multiples of the same width.
void seep_sweep_update(ptrdiff_t n, double *a, ptrdiff_t at, ptrdiff_t own, ptrdiff_t first, ptrdiff_t rows, const double *p, const double *c,
                       const double *w);
/// y = A x for a symmetric matrix given by its lower triangle; returns ⟨x, y⟩.
double seep_dsymv_lower(ptrdiff_t n, const double *a, const double *x, double *y);

/// Solves L X = B in place for a part of larger row-major matrices.
void seep_dtrsm_part(ptrdiff_t n, ptrdiff_t m, const double *l, ptrdiff_t l_row, double *b, ptrdiff_t b_row);
/// Lower Cholesky factor of a block of a row-major matrix, in place. Returns LAPACK's info.
int seep_spotrf(ptrdiff_t n, float *a, ptrdiff_t row);
/// X Lᵀ = B in place, B [m, n].
void seep_strsm_right(ptrdiff_t m, ptrdiff_t n, const float *l, ptrdiff_t l_row, float *b, ptrdiff_t b_row);

/// Patches of one image's channels.
typedef struct {
  ptrdiff_t channels, ih, iw, oh, ow, kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left;
} seep_gather;

/// Floats of scratch that gathering needs.
ptrdiff_t seep_gather_scratch(const seep_gather *g);
/// Patches [channels · kh · kw, oh · ow], `row_step` floats from one row to the next.
void seep_gather_f32(const seep_gather *g, const float *image, float *columns, ptrdiff_t row_step, float *scratch);

/// Four standard normal numbers for each of `blocks` Philox blocks from `first`, for a key of two words.
void seep_normals(uint32_t low, uint32_t high, uint64_t first, ptrdiff_t blocks, double *out);
