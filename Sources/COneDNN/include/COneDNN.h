// float32 convolutions through oneDNN (2.6 or 3.x: the difference stays in here).
#pragma once
#include <stdint.h>

/// One convolution. All sizes in elements; padding may be asymmetric.
typedef struct {
  int64_t n, ic, ih, iw, oc, oh, ow, kh, kw;
  int64_t stride_h, stride_w, dilation_h, dilation_w, top, left, bottom, right, groups;
  /// Elements from one output channel's weights to the next where they are a slice of more input channels; else 0.
  int64_t weight_row;
} seep_conv;

enum { seep_conv_forward = 0, seep_conv_input = 1, seep_conv_weights = 2 };

/// Makes this thread run library calls by itself.
void seep_single_threaded(void);

/// Channels in a block of this processor's layout: 8 or 16.
int seep_conv_block(void);

/// One pass, prepared: kept for ever, one for each convolution met.
typedef struct seep_conv_plan seep_conv_plan;

/// `blocked` lets the library choose layouts; else everything is plain. NULL if it knows no such convolution. Safe from any thread.
seep_conv_plan *seep_conv_prepare(const seep_conv *conv, int pass, int blocked);

/// The layout that the pass works on, for operand 0 input, 1 weights, 2 output: 0 plain; for 0 and 2, the channels of a block, or
/// -1 for another; for 1, the number of the layout, from 1.
int seep_conv_layout(const seep_conv_plan *plan, int operand);
/// Bytes of an operand in that layout.
int64_t seep_conv_size(const seep_conv_plan *plan, int operand);
/// Plain weights into the pass's layout. Returns 0, or a status of oneDNN.
int seep_conv_pack(const seep_conv_plan *plan, const float *plain, float *packed);
/// Runs the pass on this thread. Operands in the order input, weights, output; those that are not `ready` in the pass's layout are plain.
/// Returns 0, or a status of oneDNN.
int seep_conv_run(const seep_conv_plan *plan, const float *const *operands, const int *ready);

/// "2.6.3".
const char *seep_onednn_version(void);
