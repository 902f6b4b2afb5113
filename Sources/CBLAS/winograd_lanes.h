// Included by winograd.c once for each width of vectors: LANES floats, ROWS rows of a register tile, names end in SUFFIX.
#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define NAME(name) JOIN(name, SUFFIX)

typedef float NAME(vec) __attribute__((vector_size(LANES * 4), aligned(4)));
#define vec NAME(vec)

static inline vec NAME(load)(const float *p) { return *(const vec *)p; }
static inline void NAME(store)(float *p, vec v) { *(vec *)p = v; }
#define load NAME(load)
#define store NAME(store)

// Bᵀ of six values, in place.
#define INPUT_ROW(d0, d1, d2, d3, d4, d5)                      \
  {                                                            \
    vec p = d4 - 4 * d2, q = d3 - 4 * d1, r = d4 - d2, s = 2 * (d3 - d1); \
    vec e0 = 4 * d0 - 5 * d2 + d4, e5 = 4 * d1 - 5 * d3 + d5;  \
    d0 = e0, d1 = p + q, d2 = p - q, d3 = r + s, d4 = r - s, d5 = e5; \
  }

// Four rows of Aᵀ of six values.
#define OUTPUT_ROW(o0, o1, o2, o3, m0, m1, m2, m3, m4, m5)     \
  {                                                            \
    vec a = m1 + m2, b = m1 - m2, c = m3 + m4, d = m3 - m4;    \
    o0 = m0 + a + c, o1 = b + 2 * d, o2 = a + 4 * c, o3 = b + 8 * d + m5; \
  }

// A of four values: six.
#define SPREAD_ROW(o0, o1, o2, o3, o4, o5, g0, g1, g2, g3)     \
  {                                                            \
    vec even = g0 + g2, odd = g1 + g3, far = g0 + 4 * g2, wide = 2 * g1 + 8 * g3; \
    o0 = g0, o1 = even + odd, o2 = even - odd, o3 = far + wide, o4 = far - wide, o5 = g3; \
  }

// V[k][tile][channels] of tiles first … first + count - 1, for one block of channels.
static void NAME(input_tiles)(const seep_winograd *w, const float *x, ptrdiff_t first, ptrdiff_t count, float *v, ptrdiff_t plane) {
  ptrdiff_t down = (w->oh + 3) / 4, across = (w->ow + 3) / 4, per_image = down * across;
  ptrdiff_t blocks = w->ic / LANES, pixels = w->ih * w->iw;
  for (ptrdiff_t t = 0; t < count; t++) {
    ptrdiff_t image = (first + t) / per_image, place = (first + t) % per_image;
    ptrdiff_t top = place / across * 4 - w->top, left = place % across * 4 - w->left;
    int inside = top >= 0 && left >= 0 && top + 6 <= w->ih && left + 6 <= w->iw;
    for (ptrdiff_t b = 0; b < blocks; b++) {
      const float *from = x + (image * blocks + b) * pixels * LANES;
      vec d[6][6];
      for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
          ptrdiff_t row = top + i, column = left + j;
          if (inside || (row >= 0 && row < w->ih && column >= 0 && column < w->iw))
            d[i][j] = load(from + (row * w->iw + column) * LANES);
          else
            d[i][j] = (vec){0};
        }
      for (int j = 0; j < 6; j++) INPUT_ROW(d[0][j], d[1][j], d[2][j], d[3][j], d[4][j], d[5][j])
      float *to = v + t * w->ic + b * LANES;
      for (int i = 0; i < 6; i++) {
        INPUT_ROW(d[i][0], d[i][1], d[i][2], d[i][3], d[i][4], d[i][5])
        for (int j = 0; j < 6; j++) store(to + (i * 6 + j) * plane, d[i][j]);
      }
    }
  }
}

// The output's tiles from M[k][tile][channels].
static void NAME(output_tiles)(const seep_winograd *w, const float *m, ptrdiff_t plane, ptrdiff_t width, ptrdiff_t first, ptrdiff_t count,
                               ptrdiff_t channel, float *y) {
  ptrdiff_t down = (w->oh + 3) / 4, across = (w->ow + 3) / 4, per_image = down * across;
  ptrdiff_t pixels = w->oh * w->ow;
  for (ptrdiff_t t = 0; t < count; t++) {
    ptrdiff_t image = (first + t) / per_image, place = (first + t) % per_image;
    ptrdiff_t top = place / across * 4, left = place % across * 4;
    ptrdiff_t rows = w->oh - top < 4 ? w->oh - top : 4, columns = w->ow - left < 4 ? w->ow - left : 4;
    for (ptrdiff_t c = 0; c < width; c += LANES) {
      const float *from = m + t * width + c;
      vec half[4][6], out[4][4];
      for (int j = 0; j < 6; j++) {
        vec a0 = load(from + j * plane), a1 = load(from + (6 + j) * plane), a2 = load(from + (12 + j) * plane);
        vec a3 = load(from + (18 + j) * plane), a4 = load(from + (24 + j) * plane), a5 = load(from + (30 + j) * plane);
        OUTPUT_ROW(half[0][j], half[1][j], half[2][j], half[3][j], a0, a1, a2, a3, a4, a5)
      }
      float *to = y + ((image * w->oc + channel + c) * pixels) + (top * w->ow + left) * LANES;
      for (int i = 0; i < 4; i++)
        OUTPUT_ROW(out[i][0], out[i][1], out[i][2], out[i][3], half[i][0], half[i][1], half[i][2], half[i][3], half[i][4], half[i][5])
      for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) store(to + (i * w->ow + j) * LANES, out[i][j]);
    }
  }
}

// A gy Aᵀ of the output gradient's tiles: Y[k][tile][channels].
static void NAME(gradient_tiles)(const seep_winograd *w, const float *gy, ptrdiff_t first, ptrdiff_t count, float *v, ptrdiff_t plane) {
  ptrdiff_t down = (w->oh + 3) / 4, across = (w->ow + 3) / 4, per_image = down * across;
  ptrdiff_t blocks = w->oc / LANES, pixels = w->oh * w->ow;
  for (ptrdiff_t t = 0; t < count; t++) {
    ptrdiff_t image = (first + t) / per_image, place = (first + t) % per_image;
    ptrdiff_t top = place / across * 4, left = place % across * 4;
    ptrdiff_t rows = w->oh - top < 4 ? w->oh - top : 4, columns = w->ow - left < 4 ? w->ow - left : 4;
    for (ptrdiff_t b = 0; b < blocks; b++) {
      const float *from = gy + (image * blocks + b) * pixels * LANES + (top * w->ow + left) * LANES;
      vec g[4][4], half[6][4];
      for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
          if (i < rows && j < columns) g[i][j] = load(from + (i * w->ow + j) * LANES);
          else g[i][j] = (vec){0};
        }
      for (int j = 0; j < 4; j++)
        SPREAD_ROW(half[0][j], half[1][j], half[2][j], half[3][j], half[4][j], half[5][j], g[0][j], g[1][j], g[2][j], g[3][j])
      float *to = v + t * w->oc + b * LANES;
      for (int i = 0; i < 6; i++) {
        vec o[6];
        SPREAD_ROW(o[0], o[1], o[2], o[3], o[4], o[5], half[i][0], half[i][1], half[i][2], half[i][3])
        for (int j = 0; j < 6; j++) store(to + (i * 6 + j) * plane, o[j]);
      }
    }
  }
}

// C[r][0 … 2·LANES) (+)= Σ_k a[r · a_row + k · a_step] · b[k · b_step …], a register tile of `rows` rows.
#define TILE(rows)                                                                                                     \
  static void NAME(tile_##rows##_)(ptrdiff_t depth, const float *a, ptrdiff_t a_row, ptrdiff_t a_step, const float *b, \
                                   ptrdiff_t b_step, float *c, ptrdiff_t c_row, int add) {                             \
    vec sum[rows][2];                                                                                                  \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) {                                                \
      sum[r][0] = add ? load(c + r * c_row) : (vec){0};                                                                \
      sum[r][1] = add ? load(c + r * c_row + LANES) : (vec){0};                                                        \
    }                                                                                                                  \
    for (ptrdiff_t k = 0; k < depth; k++) {                                                                            \
      vec b0 = load(b + k * b_step), b1 = load(b + k * b_step + LANES);                                                \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) {                                              \
        float s = a[r * a_row + k * a_step];                                                                           \
        sum[r][0] += s * b0;                                                                                           \
        sum[r][1] += s * b1;                                                                                           \
      }                                                                                                                \
    }                                                                                                                  \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) {                                                \
      store(c + r * c_row, sum[r][0]);                                                                                 \
      store(c + r * c_row + LANES, sum[r][1]);                                                                         \
    }                                                                                                                  \
  }
// The same for one vector of columns.
#define NARROW(rows)                                                                                                   \
  static void NAME(narrow_##rows##_)(ptrdiff_t depth, const float *a, ptrdiff_t a_row, ptrdiff_t a_step, const float *b, \
                                     ptrdiff_t b_step, float *c, ptrdiff_t c_row, int add) {                           \
    vec sum[rows];                                                                                                     \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) sum[r] = add ? load(c + r * c_row) : (vec){0};   \
    for (ptrdiff_t k = 0; k < depth; k++) {                                                                            \
      vec b0 = load(b + k * b_step);                                                                                   \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) sum[r] += a[r * a_row + k * a_step] * b0;      \
    }                                                                                                                  \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) store(c + r * c_row, sum[r]);                    \
  }
#if LANES == 16
TILE(14)
TILE(10)
TILE(8)
#else
TILE(6)
#endif
TILE(4)
TILE(2)
TILE(1)
NARROW(12)
NARROW(4)
NARROW(1)

// All rows of C for one pair of vectors of columns.
static void NAME(columns)(ptrdiff_t rows, ptrdiff_t depth, const float *a, ptrdiff_t a_row, ptrdiff_t a_step, const float *b,
                          ptrdiff_t b_step, float *c, ptrdiff_t c_row, int add) {
  ptrdiff_t r = 0;
#define RUN(size)                                                                                        \
  for (; rows - r >= size; r += size)                                                                    \
    NAME(tile_##size##_)(depth, a + r * a_row, a_row, a_step, b, b_step, c + r * c_row, c_row, add);
#if LANES == 16
  RUN(14) RUN(10) RUN(8)
#else
  RUN(6)
#endif
  RUN(4) RUN(2) RUN(1)
#undef RUN
}

// C = A · B for any strides of A; columns are a multiple of LANES.
static void NAME(product)(ptrdiff_t rows, ptrdiff_t depth, ptrdiff_t columns, const float *a, ptrdiff_t a_row, ptrdiff_t a_step,
                          const float *b, ptrdiff_t b_step, float *c, ptrdiff_t c_row, int add) {
  ptrdiff_t done = 0;
  for (; done + 2 * LANES <= columns; done += 2 * LANES)
    NAME(columns)(rows, depth, a, a_row, a_step, b + done, b_step, c + done, c_row, add);
  if (done == columns) return;
  ptrdiff_t r = 0;
  for (; r + 12 <= rows; r += 12) NAME(narrow_12_)(depth, a + r * a_row, a_row, a_step, b + done, b_step, c + r * c_row + done, c_row, add);
  for (; r + 4 <= rows; r += 4) NAME(narrow_4_)(depth, a + r * a_row, a_row, a_step, b + done, b_step, c + r * c_row + done, c_row, add);
  for (; r < rows; r++) NAME(narrow_1_)(depth, a + r * a_row, a_row, a_step, b + done, b_step, c + r * c_row + done, c_row, add);
}

static void NAME(forward)(const seep_winograd *w, const float *x, const float *u, float *y, ptrdiff_t first, ptrdiff_t count,
                          ptrdiff_t channel, ptrdiff_t width, float *scratch) {
  // Planes are set apart by a line, so that 36 of them do not meet in the same cache sets.
  ptrdiff_t v_plane = count * w->ic + 16, m_plane = count * width + 16;
  float *v = scratch, *m = scratch + 36 * v_plane;
  NAME(input_tiles)(w, x, first, count, v, v_plane);
  for (int k = 0; k < 36; k++)
    for (ptrdiff_t c = 0; c < width; c += 2 * LANES)
      NAME(columns)(count, w->ic, v + k * v_plane, w->ic, 1, u + (k * w->oc + channel + c) * w->ic, 2 * LANES,
                    m + k * m_plane + c, width, 0);
  NAME(output_tiles)(w, m, m_plane, width, first, count, channel, y);
}

static void NAME(weight_products)(const seep_winograd *w, const float *v, ptrdiff_t v_plane, const float *y, ptrdiff_t y_plane,
                                  ptrdiff_t count, ptrdiff_t k, ptrdiff_t first, ptrdiff_t rows, float *m, int add) {
  // Row r is output channel first + r; columns are input channels.
  for (ptrdiff_t c = 0; c < w->ic; c += 2 * LANES)
    NAME(columns)(rows, count, y + k * y_plane + first, 1, w->oc, v + k * v_plane + c, w->ic, m + first * w->ic + c, w->ic, add);
}

// G of three values: six.
#define WEIGHT_ROW(o0, o1, o2, o3, o4, o5, g0, g1, g2)         \
  {                                                            \
    vec outer = (g0 + g2) * (-1.0f / 6), middle = g1 * (-1.0f / 6), far = g0 * (1.0f / 24) + g2 * (1.0f / 6), near = g1 * (1.0f / 12); \
    o0 = g0 * 0.25f, o1 = outer + middle, o2 = outer - middle, o3 = far + near, o4 = far - near, o5 = g2; \
  }

// G g Gᵀ for outputs first … first + count - 1 of a pass (multiples of LANES): u[k][output / 2 LANES][input][2 LANES].
static void NAME(weights)(const float *weights, ptrdiff_t oc, ptrdiff_t ic, int adjoint, ptrdiff_t first, ptrdiff_t count, float *u) {
  ptrdiff_t outs = adjoint ? ic : oc, ins = adjoint ? oc : ic;
  ptrdiff_t out_step = adjoint ? 9 : ic * 9, in_step = adjoint ? ic * 9 : 9;
  for (ptrdiff_t o = first; o < first + count; o += LANES)
    for (ptrdiff_t i = 0; i < ins; i++) {
      const float *from = weights + o * out_step + i * in_step;
      vec g[9], half[6][3];
      for (int p = 0; p < 9; p++) {
        const float *at = from + (adjoint ? 8 - p : p);
        for (int l = 0; l < LANES; l++) g[p][l] = at[l * out_step];
      }
      for (int j = 0; j < 3; j++)
        WEIGHT_ROW(half[0][j], half[1][j], half[2][j], half[3][j], half[4][j], half[5][j], g[j], g[3 + j], g[6 + j])
      float *to = u + (o / (2 * LANES) * ins + i) * 2 * LANES + o % (2 * LANES);
      for (int r = 0; r < 6; r++) {
        vec t[6];
        WEIGHT_ROW(t[0], t[1], t[2], t[3], t[4], t[5], half[r][0], half[r][1], half[r][2])
        for (int c = 0; c < 6; c++) store(to + (r * 6 + c) * outs * ins, t[c]);
      }
    }
}

#undef WEIGHT_ROW
#undef TILE
#undef NARROW
#undef INPUT_ROW
#undef OUTPUT_ROW
#undef SPREAD_ROW
#undef load
#undef store
#undef vec
#undef NAME
#undef JOIN
#undef JOIN2
