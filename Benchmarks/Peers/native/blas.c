// A dense network as written by hand on a BLAS: products by its gemm and gemv, the rest in fused loops.
//
// Built once for each library and precision. The learning rate rides on the loss gradient (everything after it is
// linear), so that gemm with beta = 1 is the update of the weights. Two choices make four variants:
// - whole batch, or blocks of rows that stay in the L2 cache, shared out over threads that each sum their own gradient;
// - gemm for every product, or gemv and loops where a side of the matrix is 1.
// Loops over matrices of two columns are compiled for that number, which lets the compiler vectorise over rows.

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

#define INLINE static inline __attribute__((always_inline))

/// Calls `function` with a constant where a loop over few columns gains by it.
#define WITH_COLUMNS(columns, function, ...) \
  ((columns) == 2 ? function(2, __VA_ARGS__) : function(columns, __VA_ARGS__))

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

#define JOINED(letter, name) cblas_##letter##name
#define NAMED(letter, name) JOINED(letter, name)
#define GEMM NAMED(LETTER, gemm)
#define GEMV NAMED(LETTER, gemv)

void GEMM(int order, int transpose_a, int transpose_b, int m, int n, int k, REAL alpha, const REAL *a, int lda,
          const REAL *b, int ldb, REAL beta, REAL *c, int ldc);
void GEMV(int order, int transpose_a, int m, int n, REAL alpha, const REAL *a, int lda, const REAL *x, int incx,
          REAL beta, REAL *y, int incy);

/// Fewer elements than this are not worth a fork.
static const long parallel_elements = 1 << 15;

/// What a thread works in.
struct workspace {
  REAL **values;       // outputs of each layer, [block rows x outputs]
  REAL **differences;  // loss gradients with respect to them
  REAL **weight_gradients;
  REAL **bias_gradients;
};

struct network {
  int layers, rows, block_rows, threads;
  int *sizes;
  int is_relu, is_cross_entropy, trains, has_vectors;
  REAL scale;
  const REAL *inputs, *targets;
  REAL **weights, **biases;
  struct workspace *workspaces;
};

static void *allocated(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
  if (!memory) abort();
  memset(memory, 0, bytes);
  return memory;
}

static REAL *elements(long count) { return allocated(count * sizeof(REAL)); }

INLINE void outer_product(int columns, int rows, const REAL *restrict a, const REAL *restrict b, REAL *restrict c) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) c[(long)i * columns + j] = a[i] * b[j];
}

// C = A B + beta C.
static void product(const struct network *n, int transpose_a, int transpose_b, int rows, int columns, int depth,
                    const REAL *a, const REAL *b, REAL beta, REAL *c) {
  if (n->has_vectors && columns == 1) {
    if (transpose_a == PLAIN)
      GEMV(ROW_MAJOR, PLAIN, rows, depth, 1, a, depth, b, 1, beta, c, 1);
    else
      GEMV(ROW_MAJOR, TRANSPOSED, depth, rows, 1, a, rows, b, 1, beta, c, 1);
  } else if (n->has_vectors && rows == 1) {
    if (transpose_b == PLAIN)
      GEMV(ROW_MAJOR, TRANSPOSED, depth, columns, 1, b, columns, a, 1, beta, c, 1);
    else
      GEMV(ROW_MAJOR, PLAIN, columns, depth, 1, b, depth, a, 1, beta, c, 1);
  } else if (n->has_vectors && depth == 1 && beta == 0) {
    WITH_COLUMNS(columns, outer_product, rows, a, b, c);
  } else {
    GEMM(ROW_MAJOR, transpose_a, transpose_b, rows, columns, depth, 1, a, transpose_a == PLAIN ? depth : rows, b,
         transpose_b == PLAIN ? columns : depth, beta, c, columns);
  }
}

INLINE void add_bias(int columns, REAL *restrict values, const REAL *restrict bias, int rows, int is_relu) {
  if (is_relu) {
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < columns; j++) {
        REAL z = values[(long)i * columns + j] + bias[j];
        values[(long)i * columns + j] = z > 0 ? z : 0;
      }
  } else {
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < columns; j++) values[(long)i * columns + j] += bias[j];
  }
}

// The activation of a layer's products. Threads take rows.
static void activate(REAL *values, const REAL *bias, int rows, int columns, int is_relu) {
#pragma omp parallel if ((long)rows * columns > parallel_elements)
  {
    int threads = omp_get_num_threads(), thread = omp_get_thread_num();
    int first = (int)((long)rows * thread / threads), end = (int)((long)rows * (thread + 1) / threads);
    WITH_COLUMNS(columns, add_bias, values + (long)first * columns, bias, end - first, is_relu);
  }
}

// The outputs' bias, the loss gradient and its sums over rows.
static void loss_gradient(const struct network *n, const REAL *restrict values, const REAL *restrict bias,
                          const REAL *restrict targets, int rows, REAL *restrict differences, REAL *restrict sums) {
  int columns = n->sizes[n->layers];
  REAL scale = n->scale;
  if (n->is_cross_entropy) {
    for (int i = 0; i < rows; i++) {
      const REAL *z = values + (long)i * columns, *t = targets + (long)i * columns;
      REAL *d = differences + (long)i * columns;
      for (int j = 0; j < columns; j++) d[j] = z[j] + bias[j];
      REAL largest = d[0], sum = 0;
      for (int j = 0; j < columns; j++) largest = d[j] > largest ? d[j] : largest;
      for (int j = 0; j < columns; j++) sum += d[j] = EXP(d[j] - largest);
      REAL factor = 1 / sum;
      for (int j = 0; j < columns; j++) sums[j] += d[j] = (d[j] * factor - t[j]) * scale;
    }
  } else if (columns == 1) {
    REAL sum = 0;
#pragma omp parallel for schedule(static) reduction(+ : sum) if (rows > parallel_elements)
    for (int i = 0; i < rows; i++) sum += differences[i] = (values[i] + bias[0] - targets[i]) * scale;
    sums[0] += sum;
  } else {
    // Threads take columns, so that each sums its own.
    int chunk = 64, chunks = (columns + chunk - 1) / chunk;
#pragma omp parallel for schedule(static) if ((long)rows * columns > parallel_elements)
    for (int c = 0; c < chunks; c++) {
      int first = c * chunk, end = first + chunk < columns ? first + chunk : columns;
      for (int i = 0; i < rows; i++) {
        long row = (long)i * columns;
        for (int j = first; j < end; j++)
          sums[j] += differences[row + j] = (values[row + j] + bias[j] - targets[row + j]) * scale;
      }
    }
  }
}

INLINE void differentiate(int columns, const REAL *restrict values, int is_relu, int rows, int stride,
                          REAL *restrict differences, REAL *restrict sums) {
  for (int i = 0; i < rows; i++) {
    long row = (long)i * stride;
    if (is_relu)
      for (int j = 0; j < columns; j++) {
        REAL d = values[row + j] > 0 ? differences[row + j] : 0;
        differences[row + j] = d;
        sums[j] += d;
      }
    else
      for (int j = 0; j < columns; j++) sums[j] += differences[row + j];
  }
}

// The sums over rows of a matrix of two columns.
static void sum_pairs(const REAL *restrict pairs, int rows, REAL *restrict sums) {
  REAL first = 0, second = 0;
#pragma omp parallel for schedule(static) reduction(+ : first, second) if (rows > parallel_elements)
  for (int i = 0; i < rows; i++) {
    first += pairs[2 * (long)i];
    second += pairs[2 * (long)i + 1];
  }
  sums[0] += first;
  sums[1] += second;
}

// The derivative of the activation, and the sums over rows. Threads take columns, so that each sums its own.
static void activation_gradient(const REAL *values, int is_relu, int rows, int columns, REAL *differences,
                                REAL *sums) {
  if (columns == 2 && !is_relu) {
    sum_pairs(differences, rows, sums);
    return;
  }
  int chunk = 64, chunks = (columns + chunk - 1) / chunk;
#pragma omp parallel for schedule(static) if ((long)rows * columns > parallel_elements)
  for (int c = 0; c < chunks; c++) {
    int first = c * chunk, width = columns - first < chunk ? columns - first : chunk;
    differentiate(width, values + first, is_relu, rows, columns, differences + first, sums + first);
  }
}

static void forward(const struct network *n, const struct workspace *w, const REAL *inputs, int rows) {
  const REAL *x = inputs;
  for (int l = 0; l < n->layers; l++) {
    int outputs = n->sizes[l + 1], is_last = l == n->layers - 1;
    product(n, PLAIN, PLAIN, rows, outputs, n->sizes[l], x, n->weights[l], 0, w->values[l]);
    // In training the last layer's bias is added where the loss gradient is computed.
    if (!is_last || !n->trains) activate(w->values[l], n->biases[l], rows, outputs, n->is_relu && !is_last);
    x = w->values[l];
  }
}

// A block of rows, forward and backward; gradients are added to `weight_gradients`, which may be the weights.
static void pass(const struct network *n, const struct workspace *w, int first, int rows, REAL **weight_gradients) {
  int last = n->layers - 1;
  const REAL *inputs = n->inputs + (long)first * n->sizes[0];
  forward(n, w, inputs, rows);
  loss_gradient(n, w->values[last], n->biases[last], n->targets + (long)first * n->sizes[n->layers], rows,
                w->differences[last], w->bias_gradients[last]);
  for (int l = last; l >= 0; l--) {
    int in = n->sizes[l], out = n->sizes[l + 1];
    if (l > 0) {
      product(n, PLAIN, TRANSPOSED, rows, in, out, w->differences[l], n->weights[l], 0, w->differences[l - 1]);
      activation_gradient(w->values[l - 1], n->is_relu, rows, in, w->differences[l - 1], w->bias_gradients[l - 1]);
    }
    product(n, TRANSPOSED, PLAIN, in, out, rows, l > 0 ? w->values[l - 1] : inputs, w->differences[l], 1,
            weight_gradients[l]);
  }
}

static void add(REAL *restrict sum, const REAL *restrict term, long count) {
  for (long i = 0; i < count; i++) sum[i] += term[i];
}

static void train_whole(const struct network *n) {
  struct workspace *w = n->workspaces;
  for (int l = 0; l < n->layers; l++) memset(w->bias_gradients[l], 0, n->sizes[l + 1] * sizeof(REAL));
  pass(n, w, 0, n->rows, n->weights);
  for (int l = 0; l < n->layers; l++) add(n->biases[l], w->bias_gradients[l], n->sizes[l + 1]);
}

static void train_blocks(const struct network *n) {
  int blocks = (n->rows + n->block_rows - 1) / n->block_rows;
#pragma omp parallel num_threads(n->threads) if (n->threads > 1)
  {
    struct workspace *w = n->workspaces + omp_get_thread_num();
    for (int l = 0; l < n->layers; l++) {
      memset(w->bias_gradients[l], 0, n->sizes[l + 1] * sizeof(REAL));
      memset(w->weight_gradients[l], 0, (long)n->sizes[l] * n->sizes[l + 1] * sizeof(REAL));
    }
#pragma omp for schedule(static)
    for (int b = 0; b < blocks; b++) {
      int first = b * n->block_rows, left = n->rows - first;
      pass(n, w, first, left < n->block_rows ? left : n->block_rows, w->weight_gradients);
    }
  }
  for (int t = 0; t < n->threads; t++)
    for (int l = 0; l < n->layers; l++) {
      add(n->weights[l], n->workspaces[t].weight_gradients[l], (long)n->sizes[l] * n->sizes[l + 1]);
      add(n->biases[l], n->workspaces[t].bias_gradients[l], n->sizes[l + 1]);
    }
}

static struct workspace workspace_of(const struct network *n) {
  struct workspace w;
  w.values = allocated(n->layers * sizeof(REAL *));
  w.differences = allocated(n->layers * sizeof(REAL *));
  w.weight_gradients = allocated(n->layers * sizeof(REAL *));
  w.bias_gradients = allocated(n->layers * sizeof(REAL *));
  for (int l = 0; l < n->layers; l++) {
    w.values[l] = elements((long)n->block_rows * n->sizes[l + 1]);
    w.differences[l] = elements((long)n->block_rows * n->sizes[l + 1]);
    w.bias_gradients[l] = elements(n->sizes[l + 1]);
    if (n->block_rows < n->rows) w.weight_gradients[l] = elements((long)n->sizes[l] * n->sizes[l + 1]);
  }
  return w;
}

const char *peer_variants(void) { return "gemm\ngemm and gemv\ngemm, blocks of rows\ngemm and gemv, blocks of rows"; }

void *peer_prepare(const struct problem *p, int variant) {
  struct network *n = allocated(sizeof *n);
  n->layers = p->layers;
  n->sizes = allocated((p->layers + 1) * sizeof(int));
  memcpy(n->sizes, p->sizes, (p->layers + 1) * sizeof(int));
  n->rows = n->block_rows = p->rows;
  n->threads = 1;
  n->is_relu = p->is_relu;
  n->is_cross_entropy = p->is_cross_entropy;
  n->trains = p->trains;
  n->has_vectors = variant & 1;
  n->scale = -p->learning_rate * p->gradient_scale;
  n->inputs = p->inputs;
  n->targets = p->targets;
  long parameters = 0, width = 0;
  n->weights = allocated(p->layers * sizeof(REAL *));
  n->biases = allocated(p->layers * sizeof(REAL *));
  for (int l = 0; l < p->layers; l++) {
    long count = (long)p->sizes[l] * p->sizes[l + 1];
    n->weights[l] = memcpy(elements(count), p->weights[l], count * sizeof(REAL));
    n->biases[l] = memcpy(elements(p->sizes[l + 1]), p->biases[l], p->sizes[l + 1] * sizeof(REAL));
    parameters += count;
    width += 2 * p->sizes[l + 1];
  }
  if (variant & 2) {
    // Values and differences of a block in a quarter of a megabyte.
    n->block_rows = (1 << 18) / (int)sizeof(REAL) / (int)width;
    if (!p->trains || n->block_rows >= n->rows || parameters > 1 << 14) return NULL;
    n->threads = omp_get_max_threads();
  }
  n->workspaces = allocated(n->threads * sizeof *n->workspaces);
  for (int t = 0; t < n->threads; t++) n->workspaces[t] = workspace_of(n);
  return n;
}

void peer_step(void *network, long count) {
  struct network *n = network;
  for (long i = 0; i < count; i++) {
    if (!n->trains)
      forward(n, n->workspaces, n->inputs, n->rows);
    else if (n->block_rows < n->rows)
      train_blocks(n);
    else
      train_whole(n);
  }
}

void peer_parameters(void *network, REAL *const *weights, REAL *const *biases) {
  struct network *n = network;
  for (int l = 0; l < n->layers; l++) {
    memcpy(weights[l], n->weights[l], (long)n->sizes[l] * n->sizes[l + 1] * sizeof(REAL));
    memcpy(biases[l], n->biases[l], n->sizes[l + 1] * sizeof(REAL));
  }
}

void peer_outputs(void *network, REAL *outputs) {
  struct network *n = network;
  memcpy(outputs, n->workspaces->values[n->layers - 1], (long)n->rows * n->sizes[n->layers] * sizeof(REAL));
}

void peer_product(int rows, int columns, int depth, const REAL *a, const REAL *b, REAL *c, long count) {
  for (long i = 0; i < count; i++)
    GEMM(ROW_MAJOR, PLAIN, PLAIN, rows, columns, depth, 1, a, depth, b, columns, 0, c, columns);
}

#if defined(OPENBLAS)
char *openblas_get_config(void);
const char *peer_version(void) { return openblas_get_config(); }
#elif defined(BLIS)
const char *bli_info_get_version_str(void);
const char *bli_arch_string(int);
int bli_arch_query_id(void);
const char *peer_version(void) {
  static char text[128];
  snprintf(text, sizeof text, "BLIS %s %s", bli_info_get_version_str(), bli_arch_string(bli_arch_query_id()));
  return text;
}
#elif defined(MKL)
void mkl_get_version_string(char *, int);
const char *peer_version(void) {
  static char text[256];
  mkl_get_version_string(text, sizeof text - 1);
  return text;
}
#endif
