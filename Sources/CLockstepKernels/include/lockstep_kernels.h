// The C interface of the OpenMP backend: one function for each primitive, over matrices whose element type the kernels
// know. What the primitives compute is said once, in the Swift module ComputeBackend; here lies how to call them.
#ifndef LOCKSTEP_KERNELS_H
#define LOCKSTEP_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A row-major matrix to read: element `[r, c]` is number `r * stride + c` from `base`.
typedef struct {
  const void *base;
  ptrdiff_t rows, columns, stride;
} lockstep_matrix;

/// A row-major matrix to write. It overlaps no other operand.
typedef struct {
  void *base;
  ptrdiff_t rows, columns, stride;
} lockstep_mutable_matrix;

/// The element types.
typedef enum { LOCKSTEP_FLOAT, LOCKSTEP_DOUBLE } lockstep_precision;

/// The instruction sets that there may be kernels for.
typedef enum { LOCKSTEP_AVX2, LOCKSTEP_AVX512, LOCKSTEP_NEON } lockstep_instruction_set;

/// The activations, as ComputeBackend defines them.
typedef enum {
  LOCKSTEP_IDENTITY,
  LOCKSTEP_RELU,
  LOCKSTEP_LEAKY_RELU,
  LOCKSTEP_TANH,
  LOCKSTEP_SIGMOID,
  LOCKSTEP_ELU,
  LOCKSTEP_SOFTPLUS,
  LOCKSTEP_SILU,
  LOCKSTEP_GELU,
} lockstep_activation;

/// The losses, as ComputeBackend defines them.
typedef enum {
  LOCKSTEP_MEAN_SQUARED_ERROR,
  LOCKSTEP_BINARY_CROSS_ENTROPY,
  LOCKSTEP_SOFTMAX_CROSS_ENTROPY,
  LOCKSTEP_MEAN_ABSOLUTE_ERROR,
  LOCKSTEP_HUBER,
} lockstep_loss_function;

/// The formulas of optimisers, as ComputeBackend's UpdateFormula defines them.
typedef enum {
  LOCKSTEP_DESCENT_UPDATE,
  LOCKSTEP_MOMENTUM_UPDATE,
  LOCKSTEP_NESTEROV_UPDATE,
  LOCKSTEP_RMSPROP_UPDATE,
  LOCKSTEP_ADAM_UPDATE,
} lockstep_update_formula;

/// A step of an optimiser, as ComputeBackend's UpdateRule. Every coefficient is a value of the element type.
typedef struct {
  lockstep_update_formula formula;
  double rate, gradient_factor, weight_decay, parameter_factor;
  double first_decay, first_share, second_decay, second_share, root_factor, epsilon;
} lockstep_update_rule;

/// What is dropped, as ComputeBackend's DropoutRule. `scale` is a value of the element type.
typedef struct {
  double scale;
  uint32_t threshold, step, stream, key[2];
} lockstep_dropout_rule;

/// The kernels of one instruction set for one element type.
typedef struct lockstep_kernels lockstep_kernels;

/// The kernels of an instruction set, or NULL where this architecture has none. Whether the CPU can run them is for the
/// caller to ask before it calls anything below.
const lockstep_kernels *lockstep_kernels_for(lockstep_instruction_set set, lockstep_precision precision);

/// The version of OpenMP that was built with, as `_OPENMP` gives it (year and month), or 0 without OpenMP.
int lockstep_openmp_version(void);

/// How many threads OpenMP would take by itself: OMP_NUM_THREADS, or the cores that this process may run on; 1 without
/// OpenMP, and where OMP_NUM_THREADS makes no sense. No thread is started.
int lockstep_default_threads(void);

// Each primitive runs on up to `threads` threads, fewer where the work is small. Called from inside a parallel region it
// runs on the calling thread, unless OpenMP is told to nest regions.

/// Serves `ComputeBackend.forward`.
void lockstep_forward(const lockstep_kernels *kernels, int threads, lockstep_matrix input, lockstep_matrix weights,
                      lockstep_matrix bias, lockstep_activation activation, lockstep_mutable_matrix output);

/// Serves `ComputeBackend.activate`. `output` may be the memory of `sums`.
void lockstep_activate(const lockstep_kernels *kernels, int threads, lockstep_activation activation, lockstep_matrix sums,
                       lockstep_mutable_matrix output);

/// Serves `ComputeBackend.activateBackward`.
void lockstep_activate_backward(const lockstep_kernels *kernels, int threads, lockstep_activation activation,
                                lockstep_matrix value, lockstep_mutable_matrix gradient);

/// Serves `ComputeBackend.parameterGradients`.
void lockstep_parameter_gradients(const lockstep_kernels *kernels, int threads, lockstep_matrix input,
                                  lockstep_matrix output_gradient, lockstep_mutable_matrix weight_gradient,
                                  lockstep_mutable_matrix bias_gradient);

/// Serves `ComputeBackend.updateParameters`: the parameter gradients, and `parameters - learning_rate * gradient` to
/// the parameters. `learning_rate` is a value of the element type.
void lockstep_update_parameters(const lockstep_kernels *kernels, int threads, lockstep_matrix input,
                                lockstep_matrix output_gradient, lockstep_mutable_matrix weights,
                                lockstep_mutable_matrix bias, double learning_rate);

/// Serves `ComputeBackend.inputGradient`.
void lockstep_input_gradient(const lockstep_kernels *kernels, int threads, lockstep_matrix output_gradient,
                             lockstep_matrix weights, lockstep_matrix input, lockstep_activation activation,
                             lockstep_mutable_matrix input_gradient);

/// Serves `ComputeBackend.loss`. Where `weights` has no base, all rows count alike. `scale` and the result are values of the
/// element type.
double lockstep_loss(const lockstep_kernels *kernels, int threads, lockstep_loss_function loss, lockstep_matrix output,
                     lockstep_matrix target, lockstep_matrix weights, double scale, lockstep_mutable_matrix gradient);

/// A layer of a narrow network, and where its gradients go.
typedef struct {
  lockstep_matrix weights;
  const void *bias;
  lockstep_activation activation;
  lockstep_mutable_matrix weight_gradient;
  void *bias_gradient;
} lockstep_narrow_layer;

/// Serves `ComputeBackend.narrowGradients`: the whole pass of a network of which each layer is narrow, on the calling
/// thread: the gradients of all layers and the sum of losses, to `loss_sum`. False, and nothing written, where a layer
/// is not narrow, or its activation takes its derivative from sums.
///
/// `scale` and the sum are values of the element type.
bool lockstep_narrow_gradients(const lockstep_kernels *kernels, const lockstep_narrow_layer *layers,
                               ptrdiff_t layer_count, lockstep_matrix input, lockstep_matrix target,
                               lockstep_loss_function loss, double scale, double *loss_sum);

/// Serves `ComputeBackend.add`.
void lockstep_add(const lockstep_kernels *kernels, int threads, lockstep_matrix other, lockstep_mutable_matrix sum);

/// Serves `ComputeBackend.descend`. `learning_rate` is a value of the element type.
void lockstep_descend(const lockstep_kernels *kernels, int threads, lockstep_mutable_matrix parameters,
                      lockstep_matrix gradient, double learning_rate);

/// Serves `ComputeBackend.update`. The base of moments that the formula does not keep is NULL.
void lockstep_update(const lockstep_kernels *kernels, int threads, const lockstep_update_rule *rule,
                     lockstep_mutable_matrix parameters, lockstep_matrix gradient, lockstep_mutable_matrix first,
                     lockstep_mutable_matrix second);

/// Serves `ComputeBackend.sumOfSquares`.
double lockstep_sum_of_squares(const lockstep_kernels *kernels, int threads, lockstep_matrix matrix);

/// Serves `ComputeBackend.dropOut`. `output` may be `values`.
void lockstep_drop_out(const lockstep_kernels *kernels, int threads, const lockstep_dropout_rule *rule,
                       ptrdiff_t first_row, lockstep_matrix values, lockstep_mutable_matrix output);

/// Serves `ComputeBackend.parallelFor`: calls `body` with `context` and every index below `count`, on up to `threads`
/// threads.
void lockstep_parallel_for(ptrdiff_t count, int threads, void (*body)(void *context, ptrdiff_t index), void *context);

#endif
