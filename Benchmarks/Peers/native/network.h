// What each native peer offers to peer_native.py. Each library is one build of blas.c, onednn.cpp or fann.c.

#ifndef PEERS_NETWORK_H
#define PEERS_NETWORK_H

#ifdef __cplusplus
extern "C" {
#endif

#ifndef REAL
#define REAL float
#endif

/// A network and its batch. Matrices are row-major: inputs [rows x sizes[0]], targets [rows x sizes[layers]], the
/// weights of layer l [sizes[l] x sizes[l + 1]].
struct problem {
  int layers;
  const int *sizes;
  int rows;
  int is_relu;           // hidden layers: relu, or identity
  int is_cross_entropy;  // softmax cross-entropy, or the mean squared error
  int trains;            // steps of training, or forward passes
  REAL learning_rate;
  REAL gradient_scale;  // what the difference of outputs and targets is multiplied by
  const REAL *inputs;
  const REAL *targets;
  REAL *const *weights;  // one matrix a layer
  REAL *const *biases;   // one vector a layer
};

/// The library's version.
const char *peer_version(void);

/// The names of the ways to do the work, separated by newlines.
const char *peer_variants(void);

/// Makes the network ready, from copies of the parameters; null where the variant cannot do this work.
void *peer_prepare(const struct problem *problem, int variant);

/// Takes `count` steps.
void peer_step(void *network, long count);

/// Copies the parameters into matrices as in `problem`.
void peer_parameters(void *network, REAL *const *weights, REAL *const *biases);

/// Copies the outputs of the last forward pass, [rows x outputs].
void peer_outputs(void *network, REAL *outputs);

/// C = A B for row-major A [rows x depth] and B [depth x columns], `count` times.
void peer_product(int rows, int columns, int depth, const REAL *a, const REAL *b, REAL *c, long count);

#ifdef __cplusplus
}
#endif

#endif
