// PNG through libpng, JPEG through libjpeg-turbo and deflate through zlib, from memory to memory. Their setjmp and every version
// difference stay inside. All functions return 0 on success, else a non-zero number and a sentence in `problem`.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SEEP_PROBLEM_SIZE 200

/// A decoded image: rows from top to bottom, channels interleaved, one 16-bit number a sample.
typedef struct {
  uint32_t width, height;
  /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (palettes are expanded).
  uint32_t channels;
  /// 8 or 16; samples of 1, 2 and 4 bits are scaled to 8.
  uint32_t depth;
  /// width * height * channels samples; free with seep_free.
  uint16_t *samples;
} seep_image;

/// Decodes a PNG of at most `most_samples` samples. Damaged data is an error, never a guess.
int seep_png_read(const uint8_t *data, size_t size, uint64_t most_samples, seep_image *image, char *problem);

/// Decodes a JPEG (baseline or progressive, grey or colour); neither its pixels nor the decoder take more than `most_bytes`. Colours by
/// the accurate integer transform and smooth upsampling. Damaged data is an error, never a guess.
int seep_jpeg_read(const uint8_t *data, size_t size, uint64_t most_bytes, seep_image *image, char *problem);

/// Encodes 8-bit samples (channels 1 to 4) as PNG. `*encoded` is freed with seep_free.
int seep_png_write(const uint8_t *samples, uint32_t width, uint32_t height, uint32_t channels, uint8_t **encoded,
                   size_t *size, char *problem);

/// Formats of seep_inflate: a gzip file (one member or several), or a bare deflate stream.
enum { SEEP_GZIP = 31, SEEP_DEFLATE = -15 };

/// Expands `data` to at most `most` bytes. `*expanded` is freed with seep_free. Data left over is an error.
int seep_inflate(const uint8_t *data, size_t size, int format, size_t most, uint8_t **expanded, size_t *expanded_size,
                 char *problem);

/// CRC-32 as in zip and gzip, of what follows bytes with the CRC-32 `before` (0: nothing).
uint32_t seep_crc32(uint32_t before, const void *data, size_t size);

/// Says where the work asks whether it is still wanted; it then ends with the problem "interrupted".
void seep_images_stop(int (*asked)(void));
/// Whether it is not wanted any more.
int seep_images_stopped(void);

void seep_free(void *memory);

// Versions of the libraries.
const char *seep_png_version(void);
const char *seep_jpeg_version(void);
const char *seep_zlib_version(void);
