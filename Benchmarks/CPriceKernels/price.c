// The memory of a product, and the choice of vectors. The kernels lie in price.inc.h.

#include "lockstep_price.h"

#include <stdlib.h>
#include <string.h>

#define INLINED __attribute__((always_inline))

enum {
  /// Steps of depth at a time: a leaf of the order of arithmetic, and what a cache holds.
  BLOCK_DEPTH = 256,
  /// Packed rows of the left operand at a time: a multiple of every tile's height.
  BLOCK_ROWS = 120,
  /// More than the depth of any tree that fits memory.
  MOST_NODES = 40,
};

typedef struct {
  ptrdiff_t tile_rows, tile_columns;
  void (*run)(lockstep_price_product *product, lockstep_price_order order, const float *left, ptrdiff_t left_line,
              ptrdiff_t left_depth, const float *right, ptrdiff_t right_depth);
  float (*dot)(const float *a, const float *b, ptrdiff_t count);
} kernels;

struct lockstep_price_product {
  const kernels *kernels;
  ptrdiff_t rows, columns, depth, padded_rows, padded_columns;
  float *packed_left, *packed_right;
  /// As large as the result each: the result, and the tree's pending nodes.
  float *nodes[MOST_NODES];
  int node_count;
};

#if defined(__x86_64__)

#define WITH_FMA __attribute__((target("avx2,fma")))

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VECTORS avx2
#define REGISTER_BYTES 32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#include "price.inc.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma"))), apply_to = function)
#define VECTORS avx512
#define REGISTER_BYTES 64
#define TILE_ROWS 12
#define TILE_VECTORS 2
#include "price.inc.h"
#pragma clang attribute pop

#elif defined(__aarch64__)

#define WITH_FMA

#define VECTORS neon
#define REGISTER_BYTES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#include "price.inc.h"

#else

#define WITH_FMA

#endif

WITH_FMA float lockstep_price_dot_chain(const float *a, const float *b, ptrdiff_t count) {
  float sum = 0;
  for (ptrdiff_t k = 0; k < count; ++k) sum = __builtin_elementwise_fma(a[k], b[k], sum);
  return sum;
}

static const kernels *kernels_for(lockstep_price_vectors vectors) {
  switch (vectors) {
#if defined(__x86_64__)
    case LOCKSTEP_PRICE_AVX2: return &lockstep_price_kernels_avx2;
    case LOCKSTEP_PRICE_AVX512: return &lockstep_price_kernels_avx512;
#elif defined(__aarch64__)
    case LOCKSTEP_PRICE_NEON: return &lockstep_price_kernels_neon;
#endif
    default: return NULL;
  }
}

static float *allocate(ptrdiff_t count) {
  void *memory = NULL;
  return posix_memalign(&memory, 64, (size_t)count * sizeof(float)) == 0 ? memory : NULL;
}

static ptrdiff_t padded(ptrdiff_t count, ptrdiff_t unit) { return (count + unit - 1) / unit * unit; }

lockstep_price_product *lockstep_price_create(lockstep_price_vectors vectors, ptrdiff_t rows, ptrdiff_t columns,
                                              ptrdiff_t depth) {
  const kernels *kernels = kernels_for(vectors);
  if (kernels == NULL) return NULL;
  lockstep_price_product *product = calloc(1, sizeof *product);
  if (product == NULL) return NULL;
  product->kernels = kernels;
  product->rows = rows;
  product->columns = columns;
  product->depth = depth;
  product->padded_rows = padded(rows, kernels->tile_rows);
  product->padded_columns = padded(columns, kernels->tile_columns);
  product->packed_left = allocate(BLOCK_ROWS * BLOCK_DEPTH);
  product->packed_right = allocate(product->padded_columns * BLOCK_DEPTH);
  bool complete = product->packed_left != NULL && product->packed_right != NULL;
  // As many as a number below the number of leaves has ones, and the leaf itself.
  const ptrdiff_t leaves = (depth + BLOCK_DEPTH - 1) / BLOCK_DEPTH;
  product->node_count = 1;
  while (((ptrdiff_t)1 << (product->node_count - 1)) < leaves) ++product->node_count;
  for (int node = 0; node < product->node_count; ++node) {
    product->nodes[node] = allocate(product->padded_rows * product->padded_columns);
    complete = complete && product->nodes[node] != NULL;
  }
  if (complete) return product;
  lockstep_price_destroy(product);
  return NULL;
}

void lockstep_price_destroy(lockstep_price_product *product) {
  for (int node = 0; node < product->node_count; ++node) free(product->nodes[node]);
  free(product->packed_left);
  free(product->packed_right);
  free(product);
}

void lockstep_price_run(lockstep_price_product *product, lockstep_price_order order, const float *left,
                        ptrdiff_t left_line, ptrdiff_t left_depth, const float *right, ptrdiff_t right_depth) {
  product->kernels->run(product, order, left, left_line, left_depth, right, right_depth);
}

void lockstep_price_result(const lockstep_price_product *product, float *result) {
  const ptrdiff_t height = product->kernels->tile_rows, width = product->kernels->tile_columns;
  for (ptrdiff_t row = 0; row < product->rows; ++row) {
    for (ptrdiff_t column = 0; column < product->columns; ++column) {
      const ptrdiff_t tile = column / width * product->padded_rows * width + row / height * height * width;
      result[row * product->columns + column] = product->nodes[0][tile + row % height * width + column % width];
    }
  }
}

float lockstep_price_dot_free(const lockstep_price_product *product, const float *a, const float *b, ptrdiff_t count) {
  return product->kernels->dot(a, b, count);
}
