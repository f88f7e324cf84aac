// A program that counts what calls on the automatic backend allocate while it races, in the library as it is optimised;
// .ci/consumers links it with Tests/CAllocationCount, whose functions the library then calls.

#include <lockstep.h>
#include <stdio.h>
#include <stdlib.h>

#include "lockstep_allocation_count.h"

enum { INPUTS = 64, HIDDEN = 96, OUTPUTS = 8, ROWS = 64 };

static float input[ROWS * INPUTS], target[ROWS * OUTPUTS], output[ROWS * OUTPUTS];

static void check(lockstep_status status) {
  if (status == LOCKSTEP_OK) return;
  fprintf(stderr, "allocations: %s\n", lockstep_error_message());
  exit(1);
}

static lockstep_network *make(int64_t hidden, const lockstep_backend *backend) {
  const int64_t sizes[] = {INPUTS, hidden, OUTPUTS};
  const int32_t activations[] = {LOCKSTEP_ACTIVATION_TANH, LOCKSTEP_ACTIVATION_IDENTITY};
  lockstep_network *network;
  check(lockstep_network_create(LOCKSTEP_PRECISION_F32, sizes, 3, activations, 1, &network));
  check(lockstep_network_set_backend(network, backend));
  return network;
}

static void call(lockstep_network *network, int32_t work, int64_t rows) {
  if (work == LOCKSTEP_WORK_PREDICT)
    check(lockstep_network_predict_f32(network, rows, input, INPUTS, output, OUTPUTS));
  else
    check(lockstep_network_step_f32(network, rows, input, INPUTS, target, OUTPUTS, LOCKSTEP_LOSS_MEAN_SQUARED_ERROR, 0,
                                    NULL));
}

/// Races to the decision; returns the allocations of all calls but the first.
static long race(lockstep_network *network, int32_t work, int64_t rows, int *calls) {
  int32_t decided = 0;
  long count = 0;
  call(network, work, rows);
  for (*calls = 1; *calls < 1000 && !decided; ++*calls) {
    const long before = lockstep_thread_allocations();
    call(network, work, rows);
    count += lockstep_thread_allocations() - before;
    check(lockstep_network_backend_choice(network, rows, work, NULL, NULL, NULL, &decided));
  }
  if (decided) return count;
  fprintf(stderr, "allocations: no decision\n");
  exit(1);
}

int main(void) {
  if (lockstep_thread_allocations() < 0) return 0;
  for (int i = 0; i < ROWS * INPUTS; ++i) input[i] = 1.0f / (float)(1 + i % 7);
  // One thread, as others have memory of their own.
  lockstep_backend *backend;
  check(lockstep_backend_create_named("auto", 1, &backend));
  // The candidates' own memory for packed operands grows to that of the largest shape.
  lockstep_network *large = make(HIDDEN, backend), *network = make(HIDDEN / 2, backend);
  int calls;
  for (int32_t work = LOCKSTEP_WORK_PREDICT; work <= LOCKSTEP_WORK_STEP; work += LOCKSTEP_WORK_STEP)
    race(large, work, ROWS, &calls);
  for (int32_t work = LOCKSTEP_WORK_PREDICT; work <= LOCKSTEP_WORK_STEP; work += LOCKSTEP_WORK_STEP) {
    for (int64_t rows = ROWS; rows > 0; rows /= 4) {
      const long count = race(network, work, rows, &calls);
      if (count == 0) continue;
      fprintf(stderr, "allocations: %ld in %d calls of a race, work %d, %d rows\n", count, calls, work, (int)rows);
      exit(1);
    }
  }
  lockstep_network_free(network);
  lockstep_network_free(large);
  lockstep_backend_free(backend);
  return 0;
}
