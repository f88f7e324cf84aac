// A dense network by Lockstep's own C library, so that what its interface costs is measured as the other libraries are.

#include <lockstep.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

#define JOIN_(name, precision) name##_##precision
#define JOIN(name, precision) JOIN_(name, precision)
#define CALL(name) JOIN(name, PRECISION)

struct network {
  struct problem problem;
  lockstep_network *lockstep;
  lockstep_backend *backend;
  int inputs, outputs;
  REAL *result;
};

const char *peer_version(void) { return lockstep_version(); }

const char *peer_variants(void) { return "simd\nopenmp"; }

static lockstep_network *make(const struct problem *p) {
  int64_t sizes[p->layers + 1];
  int32_t activations[p->layers];
  for (int l = 0; l <= p->layers; l++) sizes[l] = p->sizes[l];
  for (int l = 0; l < p->layers; l++)
    activations[l] = p->is_relu && l < p->layers - 1 ? LOCKSTEP_ACTIVATION_RELU : LOCKSTEP_ACTIVATION_IDENTITY;
  const int32_t precision = sizeof(REAL) == sizeof(float) ? LOCKSTEP_PRECISION_F32 : LOCKSTEP_PRECISION_F64;
  lockstep_network *network;
  if (lockstep_network_create(precision, sizes, p->layers + 1, activations, 1, &network)) return NULL;
  for (int l = 0; l < p->layers; l++)
    if (CALL(lockstep_network_set_layer)(network, l, p->weights[l], sizes[l + 1], p->biases[l])) return NULL;
  return network;
}

void *peer_prepare(const struct problem *p, int variant) {
  const char *threads = getenv("OMP_NUM_THREADS");
  if (variant == 0 && threads && atoi(threads) > 1) return NULL;
  struct network *n = calloc(1, sizeof *n);
  n->problem = *p;
  n->inputs = p->sizes[0];
  n->outputs = p->sizes[p->layers];
  n->result = calloc((size_t)p->rows * n->outputs, sizeof *n->result);
  n->lockstep = make(p);
  const int32_t kind = variant == 0 ? LOCKSTEP_BACKEND_SIMD : LOCKSTEP_BACKEND_OPENMP;
  if (!n->lockstep || lockstep_backend_create(kind, 0, &n->backend)) return NULL;
  return lockstep_network_set_backend(n->lockstep, n->backend) ? NULL : n;
}

void peer_step(void *network, long count) {
  struct network *n = network;
  const struct problem *p = &n->problem;
  const int32_t loss = p->is_cross_entropy ? LOCKSTEP_LOSS_SOFTMAX_CROSS_ENTROPY : LOCKSTEP_LOSS_MEAN_SQUARED_ERROR;
  for (long i = 0; i < count; i++) {
    const lockstep_status status =
        p->trains ? CALL(lockstep_network_step)(n->lockstep, p->rows, p->inputs, n->inputs, p->targets, n->outputs,
                                                loss, p->learning_rate, NULL)
                  : CALL(lockstep_network_predict)(n->lockstep, p->rows, p->inputs, n->inputs, n->result, n->outputs);
    if (status) abort();
  }
}

void peer_parameters(void *network, REAL *const *weights, REAL *const *biases) {
  struct network *n = network;
  int64_t layers, outputs;
  lockstep_network_shape(n->lockstep, NULL, NULL, &layers, NULL);
  for (int64_t l = 0; l < layers; l++) {
    lockstep_network_layer(n->lockstep, l, NULL, &outputs, NULL);
    CALL(lockstep_network_get_layer)(n->lockstep, l, weights[l], outputs, biases[l]);
  }
}

void peer_outputs(void *network, REAL *outputs) {
  struct network *n = network;
  memcpy(outputs, n->result, (size_t)n->problem.rows * n->outputs * sizeof *outputs);
}
