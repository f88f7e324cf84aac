// Loads the library, uses it, unloads it, and again; its thread ends after the library was closed.
//
//   reload LIBRARY

#include <dlfcn.h>
#include <lockstep.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// A function of the open library.
static void *function(void *library, const char *name) {
  void *address = dlsym(library, name);
  if (address == NULL) {
    fprintf(stderr, "reload: %s\n", dlerror());
    exit(1);
  }
  return address;
}

/// A product in a network of its own, on a thread that closes the library before it ends.
static void *work(void *path) {
  enum { SIZE = 128 };
  static float input[SIZE * SIZE], output[SIZE * SIZE], weights[SIZE * SIZE], bias[SIZE];
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "reload: %s\n", dlerror());
    exit(1);
  }
  lockstep_status (*forward)(const lockstep_backend *, int64_t, int64_t, int64_t, const float *, int64_t, const float *,
                             int64_t, const float *, int32_t, float *, int64_t);
  const char *(*message)(void);
  // ISO C has no cast from the one kind of pointer to the other.
  *(void **)&forward = function(library, "lockstep_dense_forward_f32");
  *(void **)&message = function(library, "lockstep_error_message");
  for (int i = 0; i < SIZE * SIZE; ++i) input[i] = weights[i] = 1;
  if (forward(NULL, SIZE, SIZE, SIZE, input, SIZE, weights, SIZE, bias, LOCKSTEP_ACTIVATION_RELU, output, SIZE) !=
          LOCKSTEP_OK ||
      output[SIZE * SIZE - 1] != SIZE) {
    fprintf(stderr, "reload: %s\n", message());
    exit(1);
  }
  dlclose(library);
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  for (int round = 0; round < 5; ++round) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, arguments[1]);
    pthread_join(thread, NULL);
  }
  puts("reload: 5 rounds");
  return 0;
}
