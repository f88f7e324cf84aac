// The C interface of Lockstep: dense neural networks that give the same bits on every backend, CPU and number of threads.
//
// Conventions, which hold for every function:
//
// - A function that can fail returns a status: LOCKSTEP_OK, or what went wrong, with a sentence that names the argument
//   in lockstep_error_message(). A function that fails has written nothing, unless its comment says otherwise. No argument
//   ends the program, but a pointer that is not NULL has to point at what it is said to, and a handle has to be alive.
// - Matrices are the caller's, row-major: element [r, c] is number `r * stride + c` from the pointer, where `stride`, the
//   leading dimension, is at least the number of columns. Nothing is copied. A pointer may be NULL where the matrix has
//   no element. A matrix that is written shares no element with another argument.
// - Functions come in pairs, _f32 for float and _f64 for double. One that takes a network has to be that of the network's
//   precision.
// - Any thread may call any function at any time. On one network, predictions and other functions that only read it run
//   side by side; those that write it wait for the others, and the others for them. Only lockstep_network_free and
//   lockstep_backend_free have to be the last to use their handle.
// - Results have the same bits whatever backend computes, on however many threads.
//
// No structure crosses the interface and no enumeration is a type of it, so a program that was built with this header runs
// with every later library of the same LOCKSTEP_ABI_VERSION.
#ifndef LOCKSTEP_H
#define LOCKSTEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of the library that this header came with.
#define LOCKSTEP_VERSION "0.1.0"

/// The version of the binary interface: it changes where a built program would no longer run.
#define LOCKSTEP_ABI_VERSION 0

/// The version of the library that runs, such as "0.1.0"; never freed.
const char *lockstep_version(void);

/// The LOCKSTEP_ABI_VERSION of the library that runs.
int32_t lockstep_abi_version(void);

/// The version of the order of arithmetic: results have the same bits where it is the same.
int32_t lockstep_order_of_arithmetic_version(void);

// MARK: - What went wrong

/// How a call ended.
typedef int32_t lockstep_status;

enum {
  /// All went well.
  LOCKSTEP_OK = 0,
  /// A pointer is NULL or not aligned, a number is none of those allowed, or a path is not UTF-8.
  LOCKSTEP_INVALID_ARGUMENT = 1,
  /// A size is negative, does not fit the network or another argument, or is more than memory can hold; or a stride is
  /// smaller than a row.
  LOCKSTEP_INVALID_SHAPE = 2,
  /// A matrix that is written shares elements with another argument.
  LOCKSTEP_OVERLAP = 3,
  /// The function is for the other precision than the network's.
  LOCKSTEP_WRONG_PRECISION = 4,
  /// A file cannot be read or written.
  LOCKSTEP_FILE_ERROR = 5,
  /// A file can be read, but is damaged or holds no network that this library can run.
  LOCKSTEP_INVALID_MODEL = 6,
  /// The backend cannot run on this CPU, or this library was built without it.
  LOCKSTEP_UNAVAILABLE = 7,
  /// Training led to a number that is NaN or infinite.
  LOCKSTEP_NOT_FINITE = 8,
  /// What is asked for does not fit into this machine's memory.
  LOCKSTEP_OUT_OF_MEMORY = 9,
};

/// Why the latest call that failed on this thread did: a sentence in UTF-8, empty where none has failed. It stays as it is
/// until the next call that fails on this thread.
const char *lockstep_error_message(void);

/// The errno that the system gave for that call, as where a file cannot be opened; 0 where it gave none.
int32_t lockstep_error_number(void);

/// The name of a status, such as "LOCKSTEP_OVERLAP", or "unknown status"; never freed.
const char *lockstep_status_name(lockstep_status status);

// MARK: - Choices

/// Precisions.
enum {
  /// That of the file, where a model is loaded.
  LOCKSTEP_PRECISION_OF_FILE = 0,
  /// float, IEEE 754 binary32.
  LOCKSTEP_PRECISION_F32 = 1,
  /// double, IEEE 754 binary64.
  LOCKSTEP_PRECISION_F64 = 2,
};

/// What a layer applies to each of its sums z.
enum {
  /// z
  LOCKSTEP_ACTIVATION_IDENTITY = 0,
  /// z < 0 ? 0 : z
  LOCKSTEP_ACTIVATION_RELU = 1,
  /// z < 0 ? 0.01 z : z
  LOCKSTEP_ACTIVATION_LEAKY_RELU = 2,
  /// tanh(z)
  LOCKSTEP_ACTIVATION_TANH = 3,
  /// 1 / (1 + exp(-z))
  LOCKSTEP_ACTIVATION_SIGMOID = 4,
  /// z <= 0 ? exp(z) - 1 : z
  LOCKSTEP_ACTIVATION_ELU = 5,
  /// log(1 + exp(z))
  LOCKSTEP_ACTIVATION_SOFTPLUS = 6,
  /// z / (1 + exp(-z)), also called swish
  LOCKSTEP_ACTIVATION_SILU = 7,
  /// z times the standard normal distribution function of z
  LOCKSTEP_ACTIVATION_GELU = 8,
};

/// What training makes small, for outputs y and targets t.
enum {
  /// The mean of (y - t)^2 over all elements.
  LOCKSTEP_LOSS_MEAN_SQUARED_ERROR = 0,
  /// The mean over all elements of the cross-entropy of t, between 0 and 1, with the logit y.
  LOCKSTEP_LOSS_BINARY_CROSS_ENTROPY = 1,
  /// The mean over rows of the cross-entropy of t, a row that sums to 1, with the softmax of the logits y.
  LOCKSTEP_LOSS_SOFTMAX_CROSS_ENTROPY = 2,
  /// The mean of |y - t| over all elements.
  LOCKSTEP_LOSS_MEAN_ABSOLUTE_ERROR = 3,
  /// The mean over all elements of (y - t)^2 / 2 where |y - t| <= 1, else |y - t| - 1/2.
  LOCKSTEP_LOSS_HUBER = 4,
};

/// Kinds of backend.
enum {
  /// All that can run here: the first calls for a network and a number of rows find out which is the fastest.
  LOCKSTEP_BACKEND_AUTO = 0,
  /// Plain loops, one thread.
  LOCKSTEP_BACKEND_SCALAR = 1,
  /// Vectors, one thread.
  LOCKSTEP_BACKEND_SIMD = 2,
  /// Vectors, several threads through OpenMP.
  LOCKSTEP_BACKEND_OPENMP = 3,
};

/// Kinds of work, each with a choice of backend of its own.
enum {
  /// lockstep_network_predict_...
  LOCKSTEP_WORK_PREDICT = 0,
  /// lockstep_network_gradients_...
  LOCKSTEP_WORK_GRADIENTS = 1,
  /// lockstep_network_step_... and lockstep_network_train_...
  LOCKSTEP_WORK_STEP = 2,
};

// MARK: - Backends

/// What computes, and on how many threads. No result depends on it.
typedef struct lockstep_backend lockstep_backend;

/// Makes a backend.
///
/// kind     one of LOCKSTEP_BACKEND_...
/// threads  how many threads it may use at most, from 1 to 1024; 0 for as many as OMP_NUM_THREADS says, else one for each core that
///          this process may run on. No thread starts before there is work for it.
/// backend  receives the handle; NULL where the call fails.
///
/// LOCKSTEP_UNAVAILABLE where this kind cannot run here; it is never replaced by another.
lockstep_status lockstep_backend_create(int32_t kind, int32_t threads, lockstep_backend **backend);

/// Makes a backend by its name: "auto", a kind ("scalar", "simd", "openmp"), or a kind with one instruction set as
/// lockstep_network_backend_choice gives it, such as "openmp/avx2".
///
/// name              in UTF-8.
/// threads, backend  as for lockstep_backend_create.
///
/// LOCKSTEP_INVALID_ARGUMENT where there is no such name, LOCKSTEP_UNAVAILABLE where what it names cannot run here; the
/// message lists the names of all that can.
lockstep_status lockstep_backend_create_named(const char *name, int32_t threads, lockstep_backend **backend);

/// Frees a backend. Networks that use it go on using it. NULL is nothing to free.
void lockstep_backend_free(lockstep_backend *backend);

/// What a backend is: its kind, the most threads that it uses, and a name such as "openmp/avx2" or "auto", which lives as
/// long as the handle. NULL for `backend` is the backend of who names none; any of the others may be NULL.
lockstep_status lockstep_backend_describe(const lockstep_backend *backend, int32_t *kind, int32_t *threads,
                                          const char **name);

// MARK: - Networks

/// A dense network: layers, each taking what the one before it gives, in one precision, with the backend that it runs on.
typedef struct lockstep_network lockstep_network;

/// Makes a network with new parameters, uniform between +-1/sqrt(inputs) of their layer. The same seed gives the same
/// parameters everywhere.
///
/// precision    LOCKSTEP_PRECISION_F32 or LOCKSTEP_PRECISION_F64.
/// sizes        the widths, from input to output: size_count of them, 2 or more, each 1 or more.
/// activations  one of LOCKSTEP_ACTIVATION_... for each layer, size_count - 1 of them.
/// seed         any number.
/// network      receives the handle; NULL where the call fails.
lockstep_status lockstep_network_create(int32_t precision, const int64_t *sizes, int64_t size_count,
                                        const int32_t *activations, uint64_t seed, lockstep_network **network);

/// Loads a model file: safetensors, as lockstep_network_save and the tool `lockstep` write it. A state dict of PyTorch's
/// nn.Sequential can be loaded where it is of linear layers alone, as such a file does not name activations; for others
/// there is lockstep_network_load_activated.
///
/// path       the file, in UTF-8.
/// precision  one of LOCKSTEP_PRECISION_...; parameters of the other precision are converted.
/// network    receives the handle; NULL where the call fails.
lockstep_status lockstep_network_load(const char *path, int32_t precision, lockstep_network **network);

/// Loads a model file whose `size` bytes are in memory; they are copied.
lockstep_status lockstep_network_load_memory(const void *bytes, size_t size, int32_t precision,
                                             lockstep_network **network);

/// Loads a model file that may leave open what its hidden layers apply, as a state dict of PyTorch's nn.Sequential does:
/// linear layers with room for an activation between them.
///
/// activation  one of LOCKSTEP_ACTIVATION_..., for each hidden layer that has room for one; LOCKSTEP_INVALID_MODEL where
///             the file names another, or has no room.
lockstep_status lockstep_network_load_activated(const char *path, int32_t precision, int32_t activation,
                                                lockstep_network **network);

/// Loads such a file whose `size` bytes are in memory; they are copied.
lockstep_status lockstep_network_load_memory_activated(const void *bytes, size_t size, int32_t precision,
                                                       int32_t activation, lockstep_network **network);

/// Writes a network as a model file, whole or not at all; a file that is there is replaced. It keeps what the file that it
/// was loaded from said about columns, and the loss that it was last trained for.
lockstep_status lockstep_network_save(const lockstep_network *network, const char *path);

/// Writes into memory the bytes that lockstep_network_save writes into a file.
///
/// bytes   `size` bytes; NULL, to learn how many are needed.
/// needed  receives how many bytes the model has, also where `size` is less, which is LOCKSTEP_INVALID_SHAPE; may be
///         NULL.
lockstep_status lockstep_network_save_memory(const lockstep_network *network, void *bytes, size_t size, size_t *needed);

/// A network of its own with the same parameters, on the same backend.
lockstep_status lockstep_network_copy(const lockstep_network *network, lockstep_network **copy);

/// Frees a network. NULL is nothing to free.
void lockstep_network_free(lockstep_network *network);

/// Sets what computes from now on; NULL for LOCKSTEP_BACKEND_AUTO on as many threads as lockstep_backend_create takes for 0,
/// which a new network has.
lockstep_status lockstep_network_set_backend(lockstep_network *network, const lockstep_backend *backend);

/// What computes for a network. With LOCKSTEP_BACKEND_AUTO it is found out by the first calls, some tens of them, and then
/// kept for the process, for all networks of these layers and about as many rows; no result depends on it.
///
/// rows     0 or more.
/// work     one of LOCKSTEP_WORK_...
/// kind     receives the kind, which is not LOCKSTEP_BACKEND_AUTO: what was chosen or given; before the decision the best
///          so far, or what runs first.
/// threads  receives the most threads that it uses.
/// name     receives a name such as "openmp/avx2", which is never freed.
/// decided  receives 1 where it stays so, 0 before. Any of these four may be NULL.
lockstep_status lockstep_network_backend_choice(const lockstep_network *network, int64_t rows, int32_t work,
                                                int32_t *kind, int32_t *threads, const char **name, int32_t *decided);

/// Why that computes: a text in UTF-8. Its first line is the reason; every other is a candidate with how it stands, its
/// best time of a row and the calls that it had, where there were any:
///
///     the fastest; openmp/avx2 on 2 threads takes 1.31 times as long
///     openmp/avx512 on 2 threads: chosen, 131.25 ns a row, 9 calls
///     openmp/avx2 on 2 threads: slower, 171.94 ns a row, 9 calls
///
/// rows, work   as for lockstep_network_backend_choice.
/// explanation  `size` bytes, which receive the text and a NUL; NULL, to learn how many are needed.
/// needed       receives how many bytes text and NUL have, also where `size` is less, which is LOCKSTEP_INVALID_SHAPE;
///              may be NULL. Until the decision, they may be more at the next call.
lockstep_status lockstep_network_explain_backend(const lockstep_network *network, int64_t rows, int32_t work,
                                                 char *explanation, size_t size, size_t *needed);

/// The precision: LOCKSTEP_PRECISION_F32 or LOCKSTEP_PRECISION_F64.
lockstep_status lockstep_network_precision(const lockstep_network *network, int32_t *precision);

/// How many numbers an input row and an output row have, and how many layers and parameters there are. Any of them may be
/// NULL.
lockstep_status lockstep_network_shape(const lockstep_network *network, int64_t *inputs, int64_t *outputs,
                                       int64_t *layers, int64_t *parameters);

/// The shape and activation of layer number `layer`, from 0. Any of the others may be NULL.
lockstep_status lockstep_network_layer(const lockstep_network *network, int64_t layer, int64_t *inputs,
                                       int64_t *outputs, int32_t *activation);

/// Writes the fingerprint of the parameters, as the tool prints it: 16 hexadecimal digits and a NUL, so that `size` is 17 or
/// more.
lockstep_status lockstep_network_digest(const lockstep_network *network, char *digest, size_t size);

// MARK: - Computing

/// The outputs for rows of input; each row's depend on that row alone.
///
/// input   [rows x inputs]
/// output  [rows x outputs], written.
lockstep_status lockstep_network_predict_f32(const lockstep_network *network, int64_t rows, const float *input,
                                             int64_t input_stride, float *output, int64_t output_stride);
lockstep_status lockstep_network_predict_f64(const lockstep_network *network, int64_t rows, const double *input,
                                             int64_t input_stride, double *output, int64_t output_stride);

/// A step of gradient descent: the gradients of the mean loss over all rows, then
/// `parameter - learning_rate * gradient` for every parameter.
///
/// rows           1 or more.
/// input          [rows x inputs]
/// target         [rows x outputs]; what the loss takes is not checked.
/// loss           one of LOCKSTEP_LOSS_...
/// learning_rate  a finite number.
/// mean_loss      receives the mean loss before the step, which may be NaN or infinite; may be NULL.
lockstep_status lockstep_network_step_f32(lockstep_network *network, int64_t rows, const float *input,
                                          int64_t input_stride, const float *target, int64_t target_stride,
                                          int32_t loss, float learning_rate, float *mean_loss);
lockstep_status lockstep_network_step_f64(lockstep_network *network, int64_t rows, const double *input,
                                          int64_t input_stride, const double *target, int64_t target_stride,
                                          int32_t loss, double learning_rate, double *mean_loss);

/// Steps over epochs and batches, as `lockstep train` takes them.
///
/// rows, input, target, loss, learning_rate  as for a step.
/// epochs      how often every row is seen, from 0 to 2^32 - 1.
/// batch_size  rows in a step, 1 or more; the last batch of an epoch takes what is left.
/// shuffle     0 for the rows in their order, else a new random order in each epoch, drawn from `seed`.
/// mean_loss   receives the mean of the last epoch's losses, each taken before its step; may be NULL; not written
///             where there is no epoch.
///
/// LOCKSTEP_NOT_FINITE where a loss or parameter became NaN or infinite: the network then has the last finite parameters.
/// Where the rows of that step hold such a number, the message says where.
lockstep_status lockstep_network_train_f32(lockstep_network *network, int64_t rows, const float *input,
                                           int64_t input_stride, const float *target, int64_t target_stride,
                                           int32_t loss, double learning_rate, int64_t epochs, int64_t batch_size,
                                           int32_t shuffle, uint64_t seed, double *mean_loss);
lockstep_status lockstep_network_train_f64(lockstep_network *network, int64_t rows, const double *input,
                                           int64_t input_stride, const double *target, int64_t target_stride,
                                           int32_t loss, double learning_rate, int64_t epochs, int64_t batch_size,
                                           int32_t shuffle, uint64_t seed, double *mean_loss);

/// The gradients of the mean loss over all rows with respect to every parameter; the parameters stay as they are.
///
/// rows, input, target, loss  as for a step.
/// gradients  as many numbers as there are parameters, written in the order of lockstep_network_get_parameters.
/// count      how many that are.
/// mean_loss  receives the mean loss; may be NULL.
lockstep_status lockstep_network_gradients_f32(lockstep_network *network, int64_t rows, const float *input,
                                               int64_t input_stride, const float *target, int64_t target_stride,
                                               int32_t loss, float *gradients, int64_t count, float *mean_loss);
lockstep_status lockstep_network_gradients_f64(lockstep_network *network, int64_t rows, const double *input,
                                               int64_t input_stride, const double *target, int64_t target_stride,
                                               int32_t loss, double *gradients, int64_t count, double *mean_loss);

// MARK: - Parameters

/// Reads every parameter: layer after layer, its weights [inputs x outputs] row after row, then its bias [outputs].
/// `count` is the number of parameters.
lockstep_status lockstep_network_get_parameters_f32(const lockstep_network *network, float *parameters, int64_t count);
lockstep_status lockstep_network_get_parameters_f64(const lockstep_network *network, double *parameters,
                                                    int64_t count);

/// Writes every parameter, in the same order.
lockstep_status lockstep_network_set_parameters_f32(lockstep_network *network, const float *parameters, int64_t count);
lockstep_status lockstep_network_set_parameters_f64(lockstep_network *network, const double *parameters,
                                                    int64_t count);

/// Reads the parameters of layer number `layer`, from 0: weights [inputs x outputs] and bias [outputs]. Either may be NULL,
/// and is then left out.
lockstep_status lockstep_network_get_layer_f32(const lockstep_network *network, int64_t layer, float *weights,
                                               int64_t weights_stride, float *bias);
lockstep_status lockstep_network_get_layer_f64(const lockstep_network *network, int64_t layer, double *weights,
                                               int64_t weights_stride, double *bias);

/// Writes the parameters of a layer; NULL leaves its weights or its bias as they are.
lockstep_status lockstep_network_set_layer_f32(lockstep_network *network, int64_t layer, const float *weights,
                                               int64_t weights_stride, const float *bias);
lockstep_status lockstep_network_set_layer_f64(lockstep_network *network, int64_t layer, const double *weights,
                                               int64_t weights_stride, const double *bias);

// MARK: - Kernels

// What networks are made of, on matrices alone. NULL for `backend`, and LOCKSTEP_BACKEND_AUTO, are OpenMP where it can run,
// else vectors, with the widest instruction set; NULL on as many threads as lockstep_backend_create takes for 0.

/// A dense layer: output = activation(input weights + bias), each sum a chain of fused multiply-adds over the inputs.
///
/// input    [rows x inputs]
/// weights  [inputs x outputs]
/// bias     [outputs]
/// output   [rows x outputs], written.
lockstep_status lockstep_dense_forward_f32(const lockstep_backend *backend, int64_t rows, int64_t inputs,
                                           int64_t outputs, const float *input, int64_t input_stride,
                                           const float *weights, int64_t weights_stride, const float *bias,
                                           int32_t activation, float *output, int64_t output_stride);
lockstep_status lockstep_dense_forward_f64(const lockstep_backend *backend, int64_t rows, int64_t inputs,
                                           int64_t outputs, const double *input, int64_t input_stride,
                                           const double *weights, int64_t weights_stride, const double *bias,
                                           int32_t activation, double *output, int64_t output_stride);

/// The gradients of a dense layer's parameters: weight_gradient = input^T output_gradient, and bias_gradient the sum of
/// the rows of output_gradient.
///
/// input            [rows x inputs], what the layer was given.
/// output_gradient  [rows x outputs], with respect to the layer's sums, before the activation.
/// weight_gradient  [inputs x outputs], written.
/// bias_gradient    [outputs], written.
lockstep_status lockstep_dense_parameter_gradients_f32(const lockstep_backend *backend, int64_t rows, int64_t inputs,
                                                       int64_t outputs, const float *input, int64_t input_stride,
                                                       const float *output_gradient, int64_t output_gradient_stride,
                                                       float *weight_gradient, int64_t weight_gradient_stride,
                                                       float *bias_gradient);
lockstep_status lockstep_dense_parameter_gradients_f64(const lockstep_backend *backend, int64_t rows, int64_t inputs,
                                                       int64_t outputs, const double *input, int64_t input_stride,
                                                       const double *output_gradient, int64_t output_gradient_stride,
                                                       double *weight_gradient, int64_t weight_gradient_stride,
                                                       double *bias_gradient);

/// The gradient with respect to the sums of the layer below: output_gradient weights^T, times the derivative of the
/// activation of the layer below, which is taken from what that layer gave, or from its sums for softplus, silu and gelu.
///
/// output_gradient  [rows x outputs], with respect to this layer's sums.
/// weights          [inputs x outputs], this layer's.
/// input            [rows x inputs], what this layer was given; or the sums of the layer below, as output =
///                  activation(sums), for those three activations.
/// activation       that of the layer below; LOCKSTEP_ACTIVATION_IDENTITY gives the gradient with respect to `input`.
/// input_gradient   [rows x inputs], written.
lockstep_status lockstep_dense_input_gradient_f32(const lockstep_backend *backend, int64_t rows, int64_t inputs,
                                                  int64_t outputs, const float *output_gradient,
                                                  int64_t output_gradient_stride, const float *weights,
                                                  int64_t weights_stride, const float *input, int64_t input_stride,
                                                  int32_t activation, float *input_gradient,
                                                  int64_t input_gradient_stride);
lockstep_status lockstep_dense_input_gradient_f64(const lockstep_backend *backend, int64_t rows, int64_t inputs,
                                                  int64_t outputs, const double *output_gradient,
                                                  int64_t output_gradient_stride, const double *weights,
                                                  int64_t weights_stride, const double *input, int64_t input_stride,
                                                  int32_t activation, double *input_gradient,
                                                  int64_t input_gradient_stride);

/// Writes the fingerprint of a matrix [rows x columns], as the tool prints it: 64-bit FNV-1a over the little-endian bytes
/// of its elements, row after row, every NaN as the same one; 16 hexadecimal digits and a NUL, so that `size` is 17 or more.
lockstep_status lockstep_digest_f32(int64_t rows, int64_t columns, const float *values, int64_t stride, char *digest,
                                    size_t size);
lockstep_status lockstep_digest_f64(int64_t rows, int64_t columns, const double *values, int64_t stride, char *digest,
                                    size_t size);

#ifdef __cplusplus
}
#endif

#endif
