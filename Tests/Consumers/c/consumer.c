// A program outside of the package that does with liblockstep what its users do; .ci/consumers builds it against an
// installed prefix, linked with the shared library and with the static one, and compares what it prints with the tool.
//
//   consumer predict MODEL ROWS   reads the input from standard input, prints the digests of the parameters and outputs
//   consumer train ROWS           reads rows of an input and a target, trains a 1-8-1 network, prints the digest
//   consumer statuses             provokes every status
//   consumer processes            threads, and processes forked before and after them

#include <errno.h>
#include <lockstep.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(lockstep_status status) {
  if (status == LOCKSTEP_OK) return;
  fprintf(stderr, "consumer: %s: %s\n", lockstep_status_name(status), lockstep_error_message());
  exit(1);
}

static void require(int condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "consumer: not so: %s\n", what);
  exit(1);
}

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  require(memory != NULL, "there is memory");
  return memory;
}

static float *read_numbers(size_t count) {
  float *numbers = allocate(count, sizeof *numbers);
  for (size_t i = 0; i < count; ++i) require(scanf("%f", &numbers[i]) == 1, "standard input has as many numbers");
  return numbers;
}

static void predict(const char *path, int64_t rows) {
  lockstep_network *network;
  check(lockstep_network_load(path, LOCKSTEP_PRECISION_F32, &network));
  int64_t inputs, outputs;
  check(lockstep_network_shape(network, &inputs, &outputs, NULL, NULL));
  float *input = read_numbers((size_t)(rows * inputs));
  float *output = allocate((size_t)(rows * outputs), sizeof *output);
  check(lockstep_network_predict_f32(network, rows, input, inputs, output, outputs));

  char parameters[17], results[17];
  check(lockstep_network_digest(network, parameters, sizeof parameters));
  check(lockstep_digest_f32(rows, outputs, output, outputs, results, sizeof results));
  printf("%s %s\n", parameters, results);

  // The same network once more from its bytes.
  size_t size;
  check(lockstep_network_save_memory(network, NULL, 0, &size));
  void *bytes = allocate(size, 1);
  check(lockstep_network_save_memory(network, bytes, size, NULL));
  lockstep_network *same;
  check(lockstep_network_load_memory_activated(bytes, size, LOCKSTEP_PRECISION_OF_FILE, LOCKSTEP_ACTIVATION_SIGMOID,
                                               &same));
  check(lockstep_network_digest(same, results, sizeof results));
  require(strcmp(parameters, results) == 0, "bytes in memory are the network");
  lockstep_network_free(same);
  free(bytes);

  // The same once more from the kernels alone.
  int64_t layers;
  check(lockstep_network_shape(network, NULL, NULL, &layers, NULL));
  float *values = input;
  for (int64_t layer = 0; layer < layers; ++layer) {
    int64_t width_in, width_out;
    int32_t activation;
    check(lockstep_network_layer(network, layer, &width_in, &width_out, &activation));
    float *weights = allocate((size_t)(width_in * width_out), sizeof *weights);
    float *bias = allocate((size_t)width_out, sizeof *bias);
    float *next = allocate((size_t)(rows * width_out), sizeof *next);
    check(lockstep_network_get_layer_f32(network, layer, weights, width_out, bias));
    check(lockstep_dense_forward_f32(NULL, rows, width_in, width_out, values, width_in, weights, width_out, bias,
                                     activation, next, width_out));
    free(weights);
    free(bias);
    free(values);
    values = next;
  }
  require(memcmp(values, output, (size_t)(rows * outputs) * sizeof *output) == 0, "the kernels give the same bits");
  free(values);
  free(output);
  lockstep_network_free(network);
}

static void train(int64_t rows) {
  float *table = read_numbers((size_t)rows * 2);
  const int64_t sizes[] = {1, 8, 1};
  const int32_t activations[] = {LOCKSTEP_ACTIVATION_TANH, LOCKSTEP_ACTIVATION_IDENTITY};
  lockstep_network *network;
  check(lockstep_network_create(LOCKSTEP_PRECISION_F32, sizes, 3, activations, 3, &network));
  double loss;
  // Input and target lie side by side in the rows of the table.
  check(lockstep_network_train_f32(network, rows, table, 2, table + 1, 2, LOCKSTEP_LOSS_MEAN_SQUARED_ERROR, 0.001, 20,
                                   16, 1, 3, &loss));
  char digest[17];
  check(lockstep_network_digest(network, digest, sizeof digest));
  printf("%s\n", digest);

  // Gradients by hand are a step, too.
  lockstep_network *copy;
  float gradients[25], parameters[25], mean, same_mean;
  check(lockstep_network_copy(network, &copy));
  check(lockstep_network_gradients_f32(network, rows, table, 2, table + 1, 2, LOCKSTEP_LOSS_MEAN_SQUARED_ERROR,
                                       gradients, 25, &mean));
  check(lockstep_network_get_parameters_f32(network, parameters, 25));
  for (int i = 0; i < 25; ++i) {
    const volatile float product = 0.001f * gradients[i];
    parameters[i] -= product;
  }
  check(lockstep_network_set_parameters_f32(network, parameters, 25));
  check(lockstep_network_step_f32(copy, rows, table, 2, table + 1, 2, LOCKSTEP_LOSS_MEAN_SQUARED_ERROR, 0.001f,
                                  &same_mean));
  char stepped[17];
  check(lockstep_network_digest(network, digest, sizeof digest));
  check(lockstep_network_digest(copy, stepped, sizeof stepped));
  require(mean == same_mean && strcmp(digest, stepped) == 0, "gradients and step agree");
  lockstep_network_free(copy);
  lockstep_network_free(network);
  free(table);
}

static void expect(lockstep_status expected, lockstep_status status, const char *name) {
  if (status == expected && strstr(lockstep_error_message(), name) != NULL) {
    printf("%s: %s\n", lockstep_status_name(status), lockstep_error_message());
    return;
  }
  fprintf(stderr, "consumer: %s is not %s about %s: %s\n", lockstep_status_name(status), lockstep_status_name(expected),
          name, lockstep_error_message());
  exit(1);
}

static void statuses(void) {
  const int64_t sizes[] = {2, 3, 1}, absurd[] = {INT64_MAX, INT64_MAX};
  const int32_t activations[] = {LOCKSTEP_ACTIVATION_RELU, LOCKSTEP_ACTIVATION_IDENTITY};
  const float input[] = {1, 2}, target[] = {1e30f};
  float output[4] = {0};
  double number = 0;
  char digest[17];
  lockstep_network *network, *none;
  lockstep_backend *backend;
  require(*lockstep_error_message() == 0, "nothing has failed yet");
  check(lockstep_network_create(LOCKSTEP_PRECISION_F32, sizes, 3, activations, 1, &network));
  expect(LOCKSTEP_INVALID_ARGUMENT, lockstep_network_load(NULL, LOCKSTEP_PRECISION_F32, &none), "path");
  require(none == NULL, "a handle that was not made is NULL");
  expect(LOCKSTEP_INVALID_ARGUMENT, lockstep_network_load("\xff.safetensors", LOCKSTEP_PRECISION_F32, &none), "UTF-8");
  expect(LOCKSTEP_INVALID_SHAPE, lockstep_network_predict_f32(network, 1, input, 1, output, 1), "input");
  expect(LOCKSTEP_INVALID_SHAPE, lockstep_network_predict_f32(network, INT64_MAX, input, 2, output, 1), "input");
  expect(LOCKSTEP_OVERLAP, lockstep_network_predict_f32(network, 1, output, 2, output + 1, 1), "output");
  expect(LOCKSTEP_WRONG_PRECISION, lockstep_network_predict_f64(network, 1, &number, 2, &number, 1), "network");
  expect(LOCKSTEP_FILE_ERROR, lockstep_network_load("/nonexistent", LOCKSTEP_PRECISION_F32, &none), "/nonexistent");
  require(lockstep_error_number() == ENOENT, "the number is the system's");
  expect(LOCKSTEP_INVALID_MODEL, lockstep_network_load("/dev/null", LOCKSTEP_PRECISION_F32, &none), "/dev/null");
  expect(LOCKSTEP_INVALID_ARGUMENT, lockstep_network_load_activated("/dev/null", LOCKSTEP_PRECISION_F32, 9, &none),
         "activation");
  expect(LOCKSTEP_INVALID_SHAPE, lockstep_network_save_memory(network, output, sizeof output, NULL), "size");
  expect(LOCKSTEP_NOT_FINITE,
         lockstep_network_train_f32(network, 1, input, 2, target, 1, LOCKSTEP_LOSS_MEAN_SQUARED_ERROR, 1, 5, 1, 0, 0,
                                    NULL),
         "step");
  expect(LOCKSTEP_OUT_OF_MEMORY, lockstep_network_create(LOCKSTEP_PRECISION_F32, absurd, 2, activations, 1, &none),
         "sizes");
  setenv("LOCKSTEP_MAX_ISA", "scalar", 1);
  expect(LOCKSTEP_UNAVAILABLE, lockstep_backend_create(LOCKSTEP_BACKEND_OPENMP, 0, &backend), "openmp");
  expect(LOCKSTEP_UNAVAILABLE, lockstep_backend_create_named("simd/avx2", 0, &backend), "auto, scalar");
  unsetenv("LOCKSTEP_MAX_ISA");
  expect(LOCKSTEP_INVALID_ARGUMENT, lockstep_backend_create_named("avx2", 0, &backend), "scalar");
  expect(LOCKSTEP_INVALID_SHAPE,
         lockstep_network_explain_backend(network, 1, LOCKSTEP_WORK_PREDICT, digest, sizeof digest, NULL), "size");
  lockstep_network_free(network);
}

/// Asks for what computes and why, until the calls have decided it, and takes it by its name.
static void choice(void) {
  const int64_t sizes[] = {31, 37, 5};
  const int32_t activations[] = {LOCKSTEP_ACTIVATION_RELU, LOCKSTEP_ACTIVATION_IDENTITY};
  float input[20 * 31], output[20 * 5], first[20 * 5];
  int32_t kind, threads, decided = 0;
  const char *name;
  for (int i = 0; i < 20 * 31; ++i) input[i] = 1.0f / (float)(1 + i % 7);
  lockstep_network *network;
  check(lockstep_network_create(LOCKSTEP_PRECISION_F32, sizes, 3, activations, 1, &network));
  for (int call = 0; call < 1000 && !decided; ++call) {
    check(lockstep_network_predict_f32(network, 20, input, 31, output, 5));
    if (call == 0) memcpy(first, output, sizeof first);
    require(memcmp(first, output, sizeof first) == 0, "the race changes no bit");
    check(lockstep_network_backend_choice(network, 20, LOCKSTEP_WORK_PREDICT, &kind, &threads, &name, &decided));
  }
  require(decided && kind != LOCKSTEP_BACKEND_AUTO && threads >= 1 && *name != 0, "the calls decide");

  size_t size;
  check(lockstep_network_explain_backend(network, 20, LOCKSTEP_WORK_PREDICT, NULL, 0, &size));
  char *explanation = allocate(size, 1);
  check(lockstep_network_explain_backend(network, 20, LOCKSTEP_WORK_PREDICT, explanation, size, &size));
  require(strlen(explanation) == size - 1, "the explanation has the length that was told");
  const char *chosen = strstr(explanation, ": chosen");
  require(chosen != NULL, "the explanation names who was chosen");
  while (chosen[-1] != '\n') --chosen;
  require(strncmp(chosen, name, strlen(name)) == 0, "the explanation is of the choice");
  free(explanation);

  lockstep_backend *backend;
  check(lockstep_backend_create_named(name, threads, &backend));
  check(lockstep_network_set_backend(network, backend));
  lockstep_backend_free(backend);
  int32_t named_kind, named_threads;
  check(lockstep_network_backend_choice(network, 20, LOCKSTEP_WORK_STEP, &named_kind, &named_threads, NULL, &decided));
  require(decided && named_kind == kind && named_threads == threads, "a backend is made by the name that is told");
  check(lockstep_network_predict_f32(network, 20, input, 31, output, 5));
  require(memcmp(first, output, sizeof first) == 0, "the name changes no bit");
  lockstep_network_free(network);
}

enum { SIZE = 192 };

/// A product that is large enough for several threads.
static void multiply(int32_t kind, float *output) {
  float *input = allocate(SIZE * SIZE, sizeof *input), *weights = allocate(SIZE * SIZE, sizeof *weights);
  float *bias = allocate(SIZE, sizeof *bias);
  for (int i = 0; i < SIZE * SIZE; ++i) input[i] = weights[i] = 1.0f / (float)(1 + i % 7);
  lockstep_backend *backend;
  check(lockstep_backend_create(kind, kind == LOCKSTEP_BACKEND_SCALAR ? 1 : 3, &backend));
  check(lockstep_dense_forward_f32(backend, SIZE, SIZE, SIZE, input, SIZE, weights, SIZE, bias,
                                   LOCKSTEP_ACTIVATION_IDENTITY, output, SIZE));
  lockstep_backend_free(backend);
  free(bias);
  free(weights);
  free(input);
}

/// Ends the process where threads wait for ever.
static void work(void) {
  float *output = allocate(SIZE * SIZE, sizeof *output), *expected = allocate(SIZE * SIZE, sizeof *expected);
  alarm(60);
  multiply(LOCKSTEP_BACKEND_AUTO, output);
  multiply(LOCKSTEP_BACKEND_SCALAR, expected);
  require(memcmp(output, expected, SIZE * SIZE * sizeof *output) == 0, "three threads give the bits of one");
  free(expected);
  free(output);
}

static void *work_on_thread(void *nothing) {
  work();
  return nothing;
}

static void work_in_child(int generations) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    if (generations > 1) work_in_child(generations - 1);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a forked process computes");
}

/// One network that threads of a forked process use at once, whatever they did in its parent at the fork.
static lockstep_network *shared;

static void *predict_shared(void *calls) {
  float input[7] = {1, 2, 3, 4, 5, 6, 7}, output[2];
  for (long call = 0; call < *(long *)calls; ++call)
    check(lockstep_network_predict_f32(shared, 1, input, 7, output, 2));
  return NULL;
}

static void with_threads(long calls, void (*meanwhile)(void)) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, predict_shared, &calls);
  meanwhile();
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
}

static void predict_too(void) {
  long calls = 20000;
  predict_shared(&calls);
}

static void fork_children(void) {
  for (int child = 0; child < 100; ++child) {
    const pid_t id = fork();
    if (id == 0) {
      float input[7] = {0}, target[2] = {0};
      alarm(60);
      with_threads(20, predict_too);
      check(lockstep_network_step_f32(shared, 1, input, 7, target, 2, LOCKSTEP_LOSS_MEAN_SQUARED_ERROR, 0, NULL));
      _exit(0);
    }
    int status;
    waitpid(id, &status, 0);
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "threads of a forked process share a network");
  }
}

static void forks_within_calls(void) {
  const int64_t sizes[] = {7, 40, 2};
  const int32_t activations[] = {LOCKSTEP_ACTIVATION_RELU, LOCKSTEP_ACTIVATION_IDENTITY};
  check(lockstep_network_create(LOCKSTEP_PRECISION_F32, sizes, 3, activations, 1, &shared));
  with_threads(20000, predict_too);
  fork_children();
  with_threads(2000000, fork_children);
  lockstep_network_free(shared);
}

static void processes(void) {
  choice();
  work_in_child(1);
  work();
  work_in_child(2);
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, work_on_thread, NULL);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  work();
  work_in_child(1);
  forks_within_calls();
}

int main(int count, char **arguments) {
  if (count == 4 && strcmp(arguments[1], "predict") == 0) {
    predict(arguments[2], atoll(arguments[3]));
  } else if (count == 3 && strcmp(arguments[1], "train") == 0) {
    train(atoll(arguments[2]));
  } else if (count == 2 && strcmp(arguments[1], "statuses") == 0) {
    statuses();
  } else if (count == 2 && strcmp(arguments[1], "processes") == 0) {
    processes();
  } else {
    return 2;
  }
  return 0;
}
