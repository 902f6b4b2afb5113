#include "COneDNN.h"
#include <dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void omp_set_num_threads(int);

void seep_single_threaded(void) { omp_set_num_threads(1); }

const char *seep_onednn_version(void) {
  static char text[32];
  const dnnl_version_t *v = dnnl_version();
  snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
  return text;
}

static dnnl_engine_t engine;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void make_engine(void) { dnnl_engine_create(&engine, dnnl_cpu, 0); }

/// A prepared pass: the convolution, and reorders of its three operands where the library wants another layout.
struct seep_conv_plan {
  seep_conv conv;
  int pass, blocked, status, layout[3];
  dnnl_primitive_t primitive, reorder[3];
  dnnl_memory_desc_t plain[3], wanted[3], scratch;
  struct seep_conv_plan *next;
};
typedef seep_conv_plan entry;

#define BUCKETS 1024
static entry *table[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int seep_conv_block(void) {
  pthread_once(&once, make_engine);
  dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
  return isa >= dnnl_cpu_isa_avx512_core ? 16 : 8;
}

/// Weight layouts met so far, numbered; called under the lock.
static dnnl_memory_desc_t weight_layouts[256];
static int weight_layout_count;
static int weight_layout(const dnnl_memory_desc_t *md) {
  for (int i = 0; i < weight_layout_count; i++)
    if (dnnl_memory_desc_equal(&weight_layouts[i], md)) return 1 + i;
  if (weight_layout_count == 256) return -1;
  weight_layouts[weight_layout_count++] = *md;
  return weight_layout_count;
}

/// Row-major; `row` replaces the stride of the first axis but one of weights that are a slice (0: not a slice).
static int plain_desc(dnnl_memory_desc_t *md, int rank, const dnnl_dims_t dims, int64_t row) {
  dnnl_dims_t strides;
  int64_t step = 1;
  for (int i = rank - 1; i >= 0; i--) { strides[i] = step; step *= dims[i]; }
  if (row) strides[0] = row;
  return dnnl_memory_desc_init_by_strides(md, rank, dims, dnnl_f32, strides);
}

static int make_reorder(dnnl_primitive_t *out, const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to) {
  dnnl_primitive_desc_t pd;
  int s = dnnl_reorder_primitive_desc_create(&pd, from, engine, to, engine, NULL);
  if (s) return s;
  s = dnnl_primitive_create(out, pd);
  dnnl_primitive_desc_destroy(pd);
  return s;
}

/// Operands in the order input, weights, output.
static int prepare(entry *e) {
  const seep_conv *c = &e->conv;
  int g = c->groups > 1;
  dnnl_dims_t src = {c->n, c->ic, c->ih, c->iw}, dst = {c->n, c->oc, c->oh, c->ow};
  dnnl_dims_t w4 = {c->oc, c->ic, c->kh, c->kw}, w5 = {c->groups, c->oc / c->groups, c->ic / c->groups, c->kh, c->kw};
  dnnl_dims_t stride = {c->stride_h, c->stride_w}, dilation = {c->dilation_h - 1, c->dilation_w - 1};
  dnnl_dims_t low = {c->top, c->left}, high = {c->bottom, c->right};
  int s;
  if ((s = plain_desc(&e->plain[0], 4, src, 0))) return s;
  if ((s = g ? plain_desc(&e->plain[1], 5, w5, 0) : plain_desc(&e->plain[1], 4, w4, c->weight_row))) return s;
  if ((s = plain_desc(&e->plain[2], 4, dst, 0))) return s;
  dnnl_memory_desc_t want[3];
  memcpy(want, e->plain, sizeof want);
  if (e->blocked) {
    dnnl_memory_desc_init_by_tag(&want[0], 4, src, dnnl_f32, dnnl_format_tag_any);
    if (g) dnnl_memory_desc_init_by_tag(&want[1], 5, w5, dnnl_f32, dnnl_format_tag_any);
    else dnnl_memory_desc_init_by_tag(&want[1], 4, w4, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&want[2], 4, dst, dnnl_f32, dnnl_format_tag_any);
  }
  dnnl_primitive_attr_t attr;
  if ((s = dnnl_primitive_attr_create(&attr))) return s;
  dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
  dnnl_convolution_desc_t desc, forward;
  dnnl_primitive_desc_t hint = NULL, pd = NULL;
  s = dnnl_dilated_convolution_forward_desc_init(&forward, dnnl_forward_training, dnnl_convolution_direct, &want[0],
                                                 &want[1], NULL, &want[2], stride, dilation, low, high);
  if (!s && e->pass != seep_conv_forward) s = dnnl_primitive_desc_create(&hint, &forward, attr, engine, NULL);
  if (!s) {
    if (e->pass == seep_conv_forward) {
      desc = forward;
    } else if (e->pass == seep_conv_input) {
      s = dnnl_dilated_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &want[0], &want[1], &want[2],
                                                           stride, dilation, low, high);
    } else {
      s = dnnl_dilated_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &want[0], &want[1], NULL,
                                                              &want[2], stride, dilation, low, high);
    }
  }
  if (!s) s = dnnl_primitive_desc_create(&pd, &desc, attr, engine, hint);
  if (!s) s = dnnl_primitive_create(&e->primitive, pd);
  if (!s) {
    dnnl_query_t src_q = e->pass == seep_conv_input ? dnnl_query_diff_src_md : dnnl_query_src_md;
    dnnl_query_t w_q = e->pass == seep_conv_weights ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
    dnnl_query_t dst_q = e->pass == seep_conv_forward ? dnnl_query_dst_md : dnnl_query_diff_dst_md;
    e->wanted[0] = *dnnl_primitive_desc_query_md(pd, src_q, 0);
    e->wanted[1] = *dnnl_primitive_desc_query_md(pd, w_q, 0);
    e->wanted[2] = *dnnl_primitive_desc_query_md(pd, dst_q, 0);
    e->scratch = *dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    // The operand that is the result: input gradient 0, weight gradient 1, output 2.
    int result = e->pass == seep_conv_forward ? 2 : e->pass == seep_conv_input ? 0 : 1;
    for (int i = 0; i < 3 && !s; i++) {
      if (dnnl_memory_desc_equal(&e->plain[i], &e->wanted[i])) continue;
      dnnl_memory_desc_t blocks;
      int64_t channels = i == 0 ? c->ic : c->oc;
      if (i == 1) {
        e->layout[i] = weight_layout(&e->wanted[i]);
      } else {
        int block = seep_conv_block();
        dnnl_memory_desc_init_by_tag(&blocks, 4, i == 0 ? src : dst, dnnl_f32, block == 16 ? dnnl_nChw16c : dnnl_nChw8c);
        e->layout[i] = channels % block == 0 && dnnl_memory_desc_equal(&blocks, &e->wanted[i]) ? block : -1;
      }
      s = i == result ? make_reorder(&e->reorder[i], &e->wanted[i], &e->plain[i])
                      : make_reorder(&e->reorder[i], &e->plain[i], &e->wanted[i]);
    }
  }
  if (pd) dnnl_primitive_desc_destroy(pd);
  if (hint) dnnl_primitive_desc_destroy(hint);
  dnnl_primitive_attr_destroy(attr);
  return s;
}

static entry *find(const seep_conv *conv, int pass, int blocked) {
  uint64_t h = 1469598103934665603ull;
  const int64_t *words = (const int64_t *)conv;
  for (size_t i = 0; i < sizeof *conv / 8; i++) h = (h ^ (uint64_t)words[i]) * 1099511628211ull;
  h = (h ^ (uint64_t)(pass * 2 + blocked)) * 1099511628211ull;
  entry **head = &table[(h >> 20) % BUCKETS];
  pthread_mutex_lock(&lock);
  entry *e = *head;
  while (e && (e->pass != pass || e->blocked != blocked || memcmp(&e->conv, conv, sizeof *conv))) e = e->next;
  if (!e && (e = calloc(1, sizeof *e))) {
    e->conv = *conv;
    e->pass = pass;
    e->blocked = blocked;
    e->status = prepare(e);
    e->next = *head;
    *head = e;
  }
  pthread_mutex_unlock(&lock);
  return e;
}

/// Memory of this thread for scratchpads and reordered operands; grows, never shrinks.
static _Thread_local struct { char *base; size_t size; } arena;
static _Thread_local dnnl_stream_t stream;

static char *room(size_t bytes) {
  if (arena.size < bytes) {
    free(arena.base);
    arena.base = NULL;
    arena.size = 0;
    if (posix_memalign((void **)&arena.base, 64, bytes)) return NULL;
    arena.size = bytes;
  }
  return arena.base;
}

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

seep_conv_plan *seep_conv_prepare(const seep_conv *conv, int pass, int blocked) {
  pthread_once(&once, make_engine);
  entry *e = find(conv, pass, blocked);
  return e && !e->status ? e : NULL;
}

int seep_conv_layout(const seep_conv_plan *e, int operand) { return e->layout[operand]; }

int64_t seep_conv_size(const seep_conv_plan *e, int operand) { return (int64_t)dnnl_memory_desc_get_size(&e->wanted[operand]); }

static int own_stream(void) { return !stream && dnnl_stream_create(&stream, engine, dnnl_stream_default_flags); }

int seep_conv_pack(const seep_conv_plan *e, const float *plain, float *packed) {
  if (own_stream()) return -2;
  dnnl_memory_t from = NULL, to = NULL;
  int s = dnnl_memory_create(&from, &e->plain[1], engine, (void *)plain);
  if (!s) s = dnnl_memory_create(&to, &e->wanted[1], engine, packed);
  dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  if (!s) s = dnnl_primitive_execute(e->reorder[1], stream, 2, args);
  dnnl_stream_wait(stream);
  if (from) dnnl_memory_destroy(from);
  if (to) dnnl_memory_destroy(to);
  return s;
}

int seep_conv_run(const seep_conv_plan *e, const float *const *operands, const int *ready) {
  if (own_stream()) return -2;
  int pass = e->pass, result = pass == seep_conv_forward ? 2 : pass == seep_conv_input ? 0 : 1;
  size_t need = rounded(dnnl_memory_desc_get_size(&e->scratch)), offset[3];
  for (int i = 0; i < 3; i++) {
    offset[i] = need;
    if (e->reorder[i] && !ready[i]) need += rounded(dnnl_memory_desc_get_size(&e->wanted[i]));
  }
  char *base = room(need ? need : 64);
  if (!base) return -3;
  dnnl_memory_t operand[3] = {0}, outside[3] = {0}, scratch = NULL;
  int s = 0;
  for (int i = 0; i < 3 && !s; i++) {
    if (e->reorder[i] && !ready[i]) {
      s = dnnl_memory_create(&outside[i], &e->plain[i], engine, (void *)operands[i]);
      if (!s) s = dnnl_memory_create(&operand[i], &e->wanted[i], engine, base + offset[i]);
      if (!s && i != result) {
        dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, outside[i]}, {DNNL_ARG_TO, operand[i]}};
        s = dnnl_primitive_execute(e->reorder[i], stream, 2, args);
      }
    } else {
      s = dnnl_memory_create(&operand[i], &e->wanted[i], engine, (void *)operands[i]);
    }
  }
  if (!s) s = dnnl_memory_create(&scratch, &e->scratch, engine, base);
  if (!s) {
    int names[3][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                       {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                       {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
    dnnl_exec_arg_t args[4] = {{names[pass][0], operand[0]}, {names[pass][1], operand[1]}, {names[pass][2], operand[2]},
                               {DNNL_ARG_SCRATCHPAD, scratch}};
    s = dnnl_primitive_execute(e->primitive, stream, 4, args);
  }
  if (!s && outside[result]) {
    dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, operand[result]}, {DNNL_ARG_TO, outside[result]}};
    s = dnnl_primitive_execute(e->reorder[result], stream, 2, args);
  }
  dnnl_stream_wait(stream);
  for (int i = 0; i < 3; i++) {
    if (operand[i]) dnnl_memory_destroy(operand[i]);
    if (outside[i]) dnnl_memory_destroy(outside[i]);
  }
  if (scratch) dnnl_memory_destroy(scratch);
  return s;
}
