// Numbers of arrays as files hold them: any type, either byte order, any alignment.

#ifndef LOCKSTEP_ARRAY_H
#define LOCKSTEP_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  /// A byte, where anything but zero is true.
  LOCKSTEP_ARRAY_BOOL,
  LOCKSTEP_ARRAY_U8,
  LOCKSTEP_ARRAY_I8,
  LOCKSTEP_ARRAY_U16,
  LOCKSTEP_ARRAY_I16,
  LOCKSTEP_ARRAY_U32,
  LOCKSTEP_ARRAY_I32,
  LOCKSTEP_ARRAY_U64,
  LOCKSTEP_ARRAY_I64,
  LOCKSTEP_ARRAY_F32,
  LOCKSTEP_ARRAY_F64,
} lockstep_array_type;

/// The bytes of an element.
size_t lockstep_array_element_size(lockstep_array_type type);

/// Takes `count` columns of an array into a row-major one of `width` columns.
///
/// All places count elements: the number in column `i` of a row, at `from[row * row_stride + starts[i]]`, goes to
/// `to[row * width + places[i]]`, rounded once to nearest, ties to even. Returns `row * count + i` of the first number that is
/// not finite, or `rows * count`.
size_t lockstep_array_read_f32(
  const uint8_t *from, lockstep_array_type type, bool is_swapped, size_t rows, size_t row_stride, const size_t *starts,
  const size_t *places, size_t count, size_t width, float *to);
size_t lockstep_array_read_f64(
  const uint8_t *from, lockstep_array_type type, bool is_swapped, size_t rows, size_t row_stride, const size_t *starts,
  const size_t *places, size_t count, size_t width, double *to);

#ifdef __cplusplus
}
#endif

#endif
