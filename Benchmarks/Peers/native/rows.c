// Calls the function of an exported network over and over. Compiled apart from it, so that no call can be left out.

#ifndef REAL
#define REAL float
#endif

void model_predict(const REAL *input, REAL *output);

void peer_rows(const REAL *input, REAL *output, long count) {
  for (long i = 0; i < count; i++) model_predict(input, output);
}
