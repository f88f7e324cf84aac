// A dense network in FANN, trained by its own batch training. FANN has no relu, so it does the linear networks alone,
// and its learning rate is a float in its double library too, so it does them in single precision.
//
// Its gradient is the sum over rows and outputs of half the squared difference, divided by the rows; the learning rate
// is set so that its step is ours.

#include <fann.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

struct network {
  int layers, rows;
  int *sizes;
  struct fann *fann;
  struct fann_train_data *data;
};

const char *peer_version(void) { return ""; }  // it has no way to tell

const char *peer_variants(void) { return "batch training"; }

// FANN's connections of a neuron come from each neuron below, the last of which is the bias.
static fann_type *weights_of(const struct network *n, int layer, int output) {
  fann_type *weights = n->fann->weights;
  for (int l = 0; l < layer; l++) weights += (long)(n->sizes[l] + 1) * n->sizes[l + 1];
  return weights + (long)output * (n->sizes[layer] + 1);
}

void *peer_prepare(const struct problem *p, int variant) {
  (void)variant;
  if (p->is_relu || p->is_cross_entropy || !p->trains) return NULL;
  struct network *n = calloc(1, sizeof *n);
  n->layers = p->layers;
  n->rows = p->rows;
  n->sizes = malloc((p->layers + 1) * sizeof(int));
  for (int l = 0; l <= p->layers; l++) n->sizes[l] = p->sizes[l];
  n->fann = fann_create_standard_array(p->layers + 1, (const unsigned int *)p->sizes);
  fann_set_activation_function_hidden(n->fann, FANN_LINEAR);
  fann_set_activation_function_output(n->fann, FANN_LINEAR);
  fann_set_activation_steepness_hidden(n->fann, 1);
  fann_set_activation_steepness_output(n->fann, 1);
  fann_set_train_error_function(n->fann, FANN_ERRORFUNC_LINEAR);
  fann_set_training_algorithm(n->fann, FANN_TRAIN_BATCH);
  fann_set_learning_rate(n->fann, (float)(p->learning_rate * p->gradient_scale * p->rows));
  for (int l = 0; l < p->layers; l++)
    for (int j = 0; j < p->sizes[l + 1]; j++) {
      fann_type *weights = weights_of(n, l, j);
      for (int i = 0; i < p->sizes[l]; i++) weights[i] = p->weights[l][(long)i * p->sizes[l + 1] + j];
      weights[p->sizes[l]] = p->biases[l][j];
    }
  int inputs = p->sizes[0], outputs = p->sizes[p->layers];
  n->data = fann_create_train(p->rows, inputs, outputs);
  for (int r = 0; r < p->rows; r++) {
    memcpy(n->data->input[r], p->inputs + (long)r * inputs, inputs * sizeof(fann_type));
    memcpy(n->data->output[r], p->targets + (long)r * outputs, outputs * sizeof(fann_type));
  }
  return n;
}

void peer_step(void *network, long count) {
  struct network *n = network;
  for (long i = 0; i < count; i++) fann_train_epoch(n->fann, n->data);
}

void peer_parameters(void *network, REAL *const *weights, REAL *const *biases) {
  struct network *n = network;
  for (int l = 0; l < n->layers; l++)
    for (int j = 0; j < n->sizes[l + 1]; j++) {
      const fann_type *from = weights_of(n, l, j);
      for (int i = 0; i < n->sizes[l]; i++) weights[l][(long)i * n->sizes[l + 1] + j] = from[i];
      biases[l][j] = from[n->sizes[l]];
    }
}
