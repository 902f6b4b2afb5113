// JPEG through libjpeg-turbo. Its warnings about damaged data are errors here: a damaged image is refused, not guessed.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "CImages.h"

#define SEEP_TEXT_OF(x) #x
#define SEEP_TEXT(x) SEEP_TEXT_OF(x)
const char *seep_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
  return "turbo " SEEP_TEXT(LIBJPEG_TURBO_VERSION);
#else
  return SEEP_TEXT(JPEG_LIB_VERSION);
#endif
}

typedef struct {
  struct jpeg_error_mgr manager;
  jmp_buf escape;
  char *problem;
} jpeg_trouble;

// The decoder's memory and what must survive a jump out of it.
typedef struct {
  struct jpeg_decompress_struct decoder;
  jpeg_trouble trouble;
  struct jpeg_progress_mgr progress;
  uint8_t *row;
  int started;
} jpeg_reading;

static void on_error(j_common_ptr decoder) {
  jpeg_trouble *trouble = (jpeg_trouble *)decoder->err;
  if (!trouble->problem[0]) {
    char message[JMSG_LENGTH_MAX];
    decoder->err->format_message(decoder, message);
    snprintf(trouble->problem, SEEP_PROBLEM_SIZE, "%s", message);
  }
  longjmp(trouble->escape, 1);
}

// Level -1 warns of damage. Bytes too many before a marker, and odd versions of harmless headers, are common and lose nothing.
static void on_message(j_common_ptr decoder, int level) {
  if (level >= 0) return;
  switch (decoder->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM: return;
    default: on_error(decoder);
  }
}

static void on_output(j_common_ptr decoder) { (void)decoder; }

enum { most_scans = 100 };

static void on_progress(j_common_ptr decoder) {
  if (!decoder->is_decompressor || ((j_decompress_ptr)decoder)->input_scan_number <= most_scans) return;
  snprintf(((jpeg_trouble *)decoder->err)->problem, SEEP_PROBLEM_SIZE, "it has more than %d scans", most_scans);
  on_error(decoder);
}

static int refuse(jpeg_reading *r, const char *text) {
  snprintf(r->trouble.problem, SEEP_PROBLEM_SIZE, "%s", text);
  return 1;
}

// Bytes of the scans that begin the coefficients of brightness (Ss = Ah = 0), which hold a bit at least for every block: a progressive image takes
// memory for all of its blocks before it is known whether they are there.
static uint64_t first_scan_bytes(const uint8_t *data, size_t size) {
  uint64_t bytes = 0;
  size_t at = 2;
  while (at + 4 <= size) {
    if (data[at] != 0xFF || data[at + 1] == 0xFF || data[at + 1] == 0 || (data[at + 1] >= 0xD0 && data[at + 1] <= 0xD8)) {
      at++;
      continue;
    }
    const uint8_t marker = data[at + 1];
    if (marker == 0xD9) break;
    const size_t length = (size_t)data[at + 2] << 8 | data[at + 3];
    const size_t end = at + 2 + length;
    if (length < 2 || end > size) break;
    const int is_first = marker == 0xDA && length >= 6 && data[end - 3] == 0 && data[end - 1] >> 4 == 0;
    at = end;
    if (marker != 0xDA) continue;
    while (at + 1 < size && (data[at] != 0xFF || data[at + 1] == 0 || (data[at + 1] >= 0xD0 && data[at + 1] <= 0xD7))) at++;
    if (is_first) bytes += at - end;
  }
  return bytes;
}

// Decodes the whole image; rows go to `out`, or nowhere where that is NULL.
static int decode(jpeg_reading *r, const uint8_t *data, size_t size, uint64_t most_bytes, seep_image *image, uint16_t *out) {
  if (setjmp(r->trouble.escape)) return 1;
  jpeg_create_decompress(&r->decoder);
  r->started = 1;
  r->decoder.mem->max_memory_to_use = most_bytes > (1u << 30) ? 1L << 30 : (long)most_bytes;
  r->progress.progress_monitor = on_progress;
  r->decoder.progress = &r->progress;
  jpeg_mem_src(&r->decoder, data, size);
  jpeg_read_header(&r->decoder, TRUE);
  if (r->decoder.arith_code) return refuse(r, "it uses arithmetic coding, which Seep does not read");
  if (r->decoder.data_precision != 8) return refuse(r, "it does not have 8 bits a sample");
  if (r->decoder.jpeg_color_space == JCS_CMYK || r->decoder.jpeg_color_space == JCS_YCCK)
    return refuse(r, "its colours are CMYK; save it as RGB");

  // Every block of 64 numbers takes one bit at least.
  uint64_t blocks = 0;
  for (int i = 0; i < r->decoder.num_components; i++)
    blocks += (uint64_t)r->decoder.comp_info[i].width_in_blocks * r->decoder.comp_info[i].height_in_blocks;
  const uint64_t coded = r->decoder.progressive_mode ? first_scan_bytes(data, size) : size;
  if (blocks / 8 > coded) {
    snprintf(r->trouble.problem, SEEP_PROBLEM_SIZE, "it claims %u x %u pixels and has %zu bytes", r->decoder.image_width,
             r->decoder.image_height, size);
    return 1;
  }
  r->decoder.out_color_space = r->decoder.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  r->decoder.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&r->decoder);
  image->width = r->decoder.output_width;
  image->height = r->decoder.output_height;
  image->channels = (uint32_t)r->decoder.output_components;
  image->depth = 8;
  const size_t samples = (size_t)image->width * image->channels;
  if ((uint64_t)samples * image->height > most_bytes / 8) return refuse(r, "its pixels do not fit into memory");
  r->row = malloc(samples ? samples : 1);
  if (!r->row) return refuse(r, "out of memory");
  while (r->decoder.output_scanline < r->decoder.output_height) {
    if (seep_images_stopped()) return refuse(r, "interrupted");
    JSAMPROW rows[1] = {r->row};
    jpeg_read_scanlines(&r->decoder, rows, 1);
    if (out)
      for (size_t i = 0; i < samples; i++) *out++ = r->row[i];
  }
  jpeg_finish_decompress(&r->decoder);
  return 0;
}

static int pass(const uint8_t *data, size_t size, uint64_t most_bytes, seep_image *image, uint16_t *out, char *problem) {
  jpeg_reading r;
  memset(&r, 0, sizeof r);
  r.decoder.err = jpeg_std_error(&r.trouble.manager);
  r.trouble.manager.error_exit = on_error;
  r.trouble.manager.emit_message = on_message;
  r.trouble.manager.output_message = on_output;
  r.trouble.problem = problem;
  const int failed = decode(&r, data, size, most_bytes, image, out);
  if (r.started) jpeg_destroy_decompress(&r.decoder);
  free(r.row);
  return failed;
}

int seep_jpeg_read(const uint8_t *data, size_t size, uint64_t most_bytes, seep_image *image, char *problem) {
  memset(image, 0, sizeof *image);
  problem[0] = 0;
  if (size < 2 || data[0] != 0xFF || data[1] != 0xD8) {
    snprintf(problem, SEEP_PROBLEM_SIZE, "it does not begin with the JPEG marker");
    return 1;
  }
  // The first pass finds out whether all of the image is there; only then is memory taken for it.
  if (pass(data, size, most_bytes, image, NULL, problem)) return 1;
  image->samples = malloc(sizeof(uint16_t) * image->width * image->height * image->channels);
  if (!image->samples) {
    snprintf(problem, SEEP_PROBLEM_SIZE, "out of memory");
    return 1;
  }
  if (!pass(data, size, most_bytes, image, image->samples, problem)) return 0;
  free(image->samples);
  image->samples = NULL;
  return 1;
}
