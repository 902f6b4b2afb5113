#include "CImages.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void seep_free(void *memory) { free(memory); }

const char *seep_png_version(void) { return png_get_libpng_ver(NULL); }
const char *seep_zlib_version(void) { return zlibVersion(); }

uint32_t seep_crc32(uint32_t before, const void *data, size_t size) { return (uint32_t)crc32_z(before, data, size); }

static int (*is_unwanted)(void);

void seep_images_stop(int (*asked)(void)) { is_unwanted = asked; }

int seep_images_stopped(void) { return is_unwanted && is_unwanted(); }
static int stops(void) { return seep_images_stopped(); }

// MARK: libpng's callbacks

typedef struct {
  jmp_buf escape;
  char *problem;
  const uint8_t *data;
  size_t size, position;
  uint8_t *encoded;
  size_t encoded_size, capacity;
} png_job;

static void on_error(png_structp png, png_const_charp message) {
  png_job *job = png_get_error_ptr(png);
  if (!job->problem[0]) snprintf(job->problem, SEEP_PROBLEM_SIZE, "%s", message);
  longjmp(job->escape, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void on_read(png_structp png, png_bytep out, size_t count) {
  png_job *job = png_get_io_ptr(png);
  if (stops()) png_error(png, "interrupted");
  if (count > job->size - job->position) png_error(png, "the file ends inside a chunk (truncated)");
  memcpy(out, job->data + job->position, count);
  job->position += count;
}

static void on_write(png_structp png, png_bytep data, size_t count) {
  png_job *job = png_get_io_ptr(png);
  if (job->encoded_size + count > job->capacity) {
    size_t capacity = (job->encoded_size + count) * 2;
    uint8_t *grown = realloc(job->encoded, capacity);
    if (!grown) png_error(png, "out of memory");
    job->encoded = grown;
    job->capacity = capacity;
  }
  memcpy(job->encoded + job->encoded_size, data, count);
  job->encoded_size += count;
}

static void on_flush(png_structp png) { (void)png; }

static int fail(char *problem, const char *text) {
  snprintf(problem, SEEP_PROBLEM_SIZE, "%s", text);
  return 1;
}

// MARK: reading

// Everything that lives across setjmp is in one struct on the caller's frame.
typedef struct {
  png_job job;
  png_structp png;
  png_infop info;
  uint8_t *rows;
  png_bytep *row_pointers;
} png_reading;

// Rows as libpng gives them (one byte or two a sample, palette indices unexpanded) to 16-bit samples.
static int spread(png_reading *r, seep_image *image, int colour, int depth) {
  png_colorp palette = NULL;
  png_bytep alpha = NULL;
  png_color_16p transparent = NULL;
  int palette_size = 0, alpha_size = 0, has_transparency = 0;
  if (colour == PNG_COLOR_TYPE_PALETTE) {
    if (!png_get_PLTE(r->png, r->info, &palette, &palette_size) || palette_size == 0)
      return fail(r->job.problem, "it has no palette");
  }
  has_transparency = png_get_tRNS(r->png, r->info, &alpha, &alpha_size, &transparent) != 0;

  const uint32_t stored = colour == PNG_COLOR_TYPE_PALETTE ? 1 : png_get_channels(r->png, r->info);
  image->channels = colour == PNG_COLOR_TYPE_PALETTE ? (has_transparency ? 4 : 3) : stored;
  image->depth = depth == 16 ? 16 : 8;
  const size_t pixels = (size_t)image->width * image->height;
  image->samples = malloc(pixels * image->channels * sizeof(uint16_t));
  if (!image->samples) return fail(r->job.problem, "out of memory");

  const int scale = depth < 8 && colour == PNG_COLOR_TYPE_GRAY ? 255 / ((1 << depth) - 1) : 1;
  uint16_t *out = image->samples;
  for (uint32_t y = 0; y < image->height; y++) {
    if (y % 16 == 0 && stops()) return fail(r->job.problem, "interrupted");
    const uint8_t *row = r->row_pointers[y];
    for (uint32_t x = 0; x < image->width; x++) {
      if (colour == PNG_COLOR_TYPE_PALETTE) {
        const int index = row[x];
        if (index >= palette_size) {
          snprintf(r->job.problem, SEEP_PROBLEM_SIZE, "palette index %d where the palette has %d entries", index, palette_size);
          return 1;
        }
        *out++ = palette[index].red;
        *out++ = palette[index].green;
        *out++ = palette[index].blue;
        if (has_transparency) *out++ = index < alpha_size ? alpha[index] : 255;
      } else {
        for (uint32_t c = 0; c < stored; c++) {
          const size_t i = (size_t)x * stored + c;
          *out++ = depth == 16 ? (uint16_t)(row[2 * i] << 8 | row[2 * i + 1]) : (uint16_t)(row[i] * scale);
        }
      }
    }
  }
  return 0;
}

// `only_check` decodes into one row, to see that all of the image is there before memory is taken for it.
static int decode(png_reading *r, uint64_t most_samples, seep_image *image, int only_check) {
  r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r->job, on_error, on_warning);
  if (!r->png) return fail(r->job.problem, "libpng cannot start");
  if (setjmp(r->job.escape)) return 1;
  r->info = png_create_info_struct(r->png);
  if (!r->info) return fail(r->job.problem, "out of memory");
  png_set_read_fn(r->png, &r->job, on_read);
  png_set_user_limits(r->png, 1u << 20, 1u << 20);
  png_set_chunk_malloc_max(r->png, 8u << 20);
  png_set_benign_errors(r->png, 0);
  // Text, times and colour profiles are skipped, so a damaged remark does not matter.
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
  static const png_byte ignored[] = "iCCP\0tEXt\0zTXt\0iTXt\0tIME\0gAMA\0cHRM\0sRGB\0eXIf\0sPLT\0hIST";
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, ignored, 11);
  png_read_info(r->png, r->info);

  int depth, colour, interlace;
  png_get_IHDR(r->png, r->info, &image->width, &image->height, &depth, &colour, &interlace, NULL, NULL);
  const uint64_t pixels = (uint64_t)image->width * image->height;
  // Deflate expands at most 1032 times, so a small file cannot hold a huge image.
  const uint64_t bits = pixels * depth * (colour == PNG_COLOR_TYPE_PALETTE ? 1 : png_get_channels(r->png, r->info));
  if (bits / 8 / 1032 > r->job.size) {
    snprintf(r->job.problem, SEEP_PROBLEM_SIZE, "it claims %u x %u pixels and has %zu bytes", image->width, image->height,
             r->job.size);
    return 1;
  }
  if (pixels > most_samples / 4) {
    snprintf(r->job.problem, SEEP_PROBLEM_SIZE, "%u x %u pixels do not fit into memory", image->width, image->height);
    return 1;
  }
  png_set_packing(r->png);
  const int passes = png_set_interlace_handling(r->png);
  png_read_update_info(r->png, r->info);
  const size_t row_size = png_get_rowbytes(r->png, r->info);
  if (only_check) {
    r->rows = malloc(row_size);
    if (!r->rows) return fail(r->job.problem, "out of memory");
    for (int pass = 0; pass < passes; pass++)
      for (uint32_t y = 0; y < image->height; y++) png_read_row(r->png, r->rows, NULL);
    png_read_end(r->png, NULL);
    return 0;
  }
  r->rows = malloc(row_size * image->height);
  r->row_pointers = malloc(sizeof(png_bytep) * image->height);
  if (!r->rows || !r->row_pointers) return fail(r->job.problem, "out of memory");
  for (uint32_t y = 0; y < image->height; y++) r->row_pointers[y] = r->rows + y * row_size;
  png_read_image(r->png, r->row_pointers);
  png_read_end(r->png, NULL);
  return spread(r, image, colour, depth);
}

static int read_pass(const uint8_t *data, size_t size, uint64_t most_samples, seep_image *image, int only_check, char *problem) {
  png_reading r;
  memset(&r, 0, sizeof r);
  r.job.problem = problem;
  r.job.data = data;
  r.job.size = size;
  const int failed = decode(&r, most_samples, image, only_check);
  if (r.png) png_destroy_read_struct(&r.png, &r.info, NULL);
  free(r.rows);
  free(r.row_pointers);
  return failed;
}

int seep_png_read(const uint8_t *data, size_t size, uint64_t most_samples, seep_image *image, char *problem) {
  memset(image, 0, sizeof *image);
  problem[0] = 0;
  if (size < 8 || png_sig_cmp((png_bytep)data, 0, 8)) return fail(problem, "it does not begin with the PNG signature");
  if (read_pass(data, size, most_samples, image, 1, problem)) return 1;
  const int failed = read_pass(data, size, most_samples, image, 0, problem);
  if (failed) {
    free(image->samples);
    image->samples = NULL;
  }
  return failed;
}

// MARK: writing

typedef struct {
  png_job job;
  png_structp png;
  png_infop info;
} png_writing;

static int encode(png_writing *w, const uint8_t *samples, uint32_t width, uint32_t height, uint32_t channels) {
  static const int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w->job, on_error, on_warning);
  if (!w->png) return fail(w->job.problem, "libpng cannot start");
  if (setjmp(w->job.escape)) return 1;
  w->info = png_create_info_struct(w->png);
  if (!w->info) return fail(w->job.problem, "out of memory");
  png_set_write_fn(w->png, &w->job, on_write, on_flush);
  png_set_IHDR(w->png, w->info, width, height, 8, colours[channels - 1], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(w->png, w->info);
  for (uint32_t y = 0; y < height; y++) {
    if (stops()) return fail(w->job.problem, "interrupted");
    png_write_row(w->png, samples + (size_t)y * width * channels);
  }
  png_write_end(w->png, w->info);
  return 0;
}

int seep_png_write(const uint8_t *samples, uint32_t width, uint32_t height, uint32_t channels, uint8_t **encoded,
                   size_t *size, char *problem) {
  problem[0] = 0;
  if (channels < 1 || channels > 4 || !width || !height) return fail(problem, "an image has 1 to 4 channels and no side of 0");
  png_writing w;
  memset(&w, 0, sizeof w);
  w.job.problem = problem;
  const int failed = encode(&w, samples, width, height, channels);
  if (w.png) png_destroy_write_struct(&w.png, &w.info);
  if (failed) {
    free(w.job.encoded);
    return failed;
  }
  *encoded = w.job.encoded;
  *size = w.job.encoded_size;
  return 0;
}

// MARK: inflate

static int grow(uint8_t **buffer, size_t *capacity, size_t most) {
  const size_t wanted = *capacity < most / 2 ? *capacity * 2 : most;
  uint8_t *grown = realloc(*buffer, wanted ? wanted : 1);
  if (!grown) return 1;
  *buffer = grown;
  *capacity = wanted;
  return 0;
}

int seep_inflate(const uint8_t *data, size_t size, int format, size_t most, uint8_t **expanded, size_t *expanded_size,
                 char *problem) {
  problem[0] = 0;
  *expanded = NULL;
  *expanded_size = 0;
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (inflateInit2(&stream, format) != Z_OK) return fail(problem, "zlib cannot start");
  size_t capacity = size < most / 4 ? size * 4 + 1024 : most, used = 0, given = 0;
  uint8_t *buffer = malloc(capacity ? capacity : 1);
  int status = buffer ? Z_OK : Z_MEM_ERROR;
  while (status == Z_OK) {
    if (used == capacity) {
      uint8_t probe;  // full: only the end of the stream may still come
      if (capacity < most) {
        if (grow(&buffer, &capacity, most)) status = Z_MEM_ERROR;
        continue;
      }
      stream.next_out = &probe;
      stream.avail_out = 1;
    } else {
      stream.next_out = buffer + used;
      stream.avail_out = (uInt)(capacity - used < 1u << 30 ? capacity - used : 1u << 30);
    }
    // Pieces of a few milliseconds, so that the work can be stopped.
    if (stream.avail_out > 1u << 22) stream.avail_out = 1u << 22;
    if (stops()) {
      snprintf(problem, SEEP_PROBLEM_SIZE, "interrupted");
      status = Z_MEM_ERROR;
      break;
    }
    const size_t room = stream.avail_out, piece = size - given < 1u << 30 ? size - given : 1u << 30;
    const int was_full = used == capacity;
    stream.next_in = (Bytef *)data + given;
    stream.avail_in = (uInt)piece;
    status = inflate(&stream, Z_NO_FLUSH);
    const size_t made = room - stream.avail_out;
    given += piece - stream.avail_in;
    if (was_full && made) {
      snprintf(problem, SEEP_PROBLEM_SIZE, "it expands to more than %zu bytes", most);
      status = Z_MEM_ERROR;
      break;
    }
    used += was_full ? 0 : made;
    if (status == Z_BUF_ERROR && given == size) {
      snprintf(problem, SEEP_PROBLEM_SIZE, "the compressed data ends early (truncated)");
      break;
    }
    if (status == Z_STREAM_END && format == SEEP_GZIP && given < size) status = inflateReset(&stream);  // next member
  }
  const char *message = stream.msg;
  if (status != Z_STREAM_END || given != size) {
    if (!problem[0]) snprintf(problem, SEEP_PROBLEM_SIZE, "the compressed data is damaged: %s", message ? message : status == Z_STREAM_END ? "bytes are left over" : status == Z_MEM_ERROR ? "out of memory" : "it ends early");
    inflateEnd(&stream);
    free(buffer);
    return 1;
  }
  inflateEnd(&stream);
  *expanded = buffer;
  *expanded_size = used;
  return 0;
}
