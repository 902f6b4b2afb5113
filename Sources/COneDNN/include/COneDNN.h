// float32 convolutions through oneDNN (2.6 or 3.x: the difference stays in here). Plain NCHW and OIHW in and out.
#pragma once
#include <stdint.h>

/// One convolution. All sizes in elements; padding may be asymmetric.
typedef struct {
  int64_t n, ic, ih, iw, oc, oh, ow, kh, kw;
  int64_t stride_h, stride_w, dilation_h, dilation_w, top, left, bottom, right, groups;
} seep_conv;

enum { seep_conv_forward = 0, seep_conv_input = 1, seep_conv_weights = 2 };

/// Makes this thread run library calls by itself.
void seep_single_threaded(void);

/// Runs one pass. `a`, `b` are (input, weights), (output gradient, weights) or (input, output gradient); `result` is the output,
/// the input gradient or the weight gradient. Returns 0, or a status of oneDNN. Safe from any thread.
/// `blocked` lets the library choose its own layouts, with reorders in and out.
int seep_conv_run(const seep_conv *conv, int pass, int blocked, const float *a, const float *b, float *result);

/// "2.6.3".
const char *seep_onednn_version(void);
