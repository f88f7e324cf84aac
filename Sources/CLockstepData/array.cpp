// Numbers of arrays, converted: see lockstep_array.h.

#include "lockstep_array.h"

#include <cmath>
#include <cstring>
#include <type_traits>

namespace {

/// A byte of NumPy's that stands for false or true.
enum class Truth : uint8_t {};

/// The element at `at`, which need not be aligned.
template <typename Source, bool is_swapped> Source load(const uint8_t *at) {
  uint8_t bytes[sizeof(Source)];
  for (size_t index = 0; index < sizeof(Source); ++index) {
    bytes[index] = at[is_swapped ? sizeof(Source) - 1 - index : index];
  }
  Source value;
  std::memcpy(&value, bytes, sizeof(Source));
  return value;
}

template <typename Source, bool is_swapped, typename Element>
size_t read_as(
  const uint8_t *from, size_t rows, size_t row_stride, const size_t *starts, const size_t *places, size_t count,
  size_t width, Element *to
) {
  for (size_t row = 0; row < rows; ++row) {
    const uint8_t *const from_row = from + row * row_stride * sizeof(Source);
    Element *const to_row = to + row * width;
    for (size_t index = 0; index < count; ++index) {
      const Source value = load<Source, is_swapped>(from_row + starts[index] * sizeof(Source));
      Element element;
      if constexpr (std::is_same_v<Source, Truth>) {
        element = Element(uint8_t(value) != 0);
      } else {
        element = static_cast<Element>(value);
      }
      if constexpr (std::is_floating_point_v<Source>) {
        if (!std::isfinite(element)) return row * count + index;
      }
      to_row[places[index]] = element;
    }
  }
  return rows * count;
}

template <typename Source, typename Element, typename... Arguments>
size_t read_in_order(bool is_swapped, Arguments... arguments) {
  return is_swapped ? read_as<Source, true>(arguments...) : read_as<Source, false>(arguments...);
}

template <typename Element>
size_t read(
  const uint8_t *from, lockstep_array_type type, bool is_swapped, size_t rows, size_t row_stride, const size_t *starts,
  const size_t *places, size_t count, size_t width, Element *to
) {
  const auto as = [&](auto source) {
    return read_in_order<decltype(source), Element>(
      is_swapped, from, rows, row_stride, starts, places, count, width, to);
  };
  switch (type) {
  case LOCKSTEP_ARRAY_BOOL: return as(Truth());
  case LOCKSTEP_ARRAY_U8: return as(uint8_t());
  case LOCKSTEP_ARRAY_I8: return as(int8_t());
  case LOCKSTEP_ARRAY_U16: return as(uint16_t());
  case LOCKSTEP_ARRAY_I16: return as(int16_t());
  case LOCKSTEP_ARRAY_U32: return as(uint32_t());
  case LOCKSTEP_ARRAY_I32: return as(int32_t());
  case LOCKSTEP_ARRAY_U64: return as(uint64_t());
  case LOCKSTEP_ARRAY_I64: return as(int64_t());
  case LOCKSTEP_ARRAY_F32: return as(float());
  case LOCKSTEP_ARRAY_F64: return as(double());
  }
  return 0;
}

} // namespace

size_t lockstep_array_element_size(lockstep_array_type type) {
  switch (type) {
  case LOCKSTEP_ARRAY_BOOL:
  case LOCKSTEP_ARRAY_U8:
  case LOCKSTEP_ARRAY_I8: return 1;
  case LOCKSTEP_ARRAY_U16:
  case LOCKSTEP_ARRAY_I16: return 2;
  case LOCKSTEP_ARRAY_U32:
  case LOCKSTEP_ARRAY_I32:
  case LOCKSTEP_ARRAY_F32: return 4;
  case LOCKSTEP_ARRAY_U64:
  case LOCKSTEP_ARRAY_I64:
  case LOCKSTEP_ARRAY_F64: return 8;
  }
  return 0;
}

size_t lockstep_array_read_f32(
  const uint8_t *from, lockstep_array_type type, bool is_swapped, size_t rows, size_t row_stride, const size_t *starts,
  const size_t *places, size_t count, size_t width, float *to
) {
  return read(from, type, is_swapped, rows, row_stride, starts, places, count, width, to);
}

size_t lockstep_array_read_f64(
  const uint8_t *from, lockstep_array_type type, bool is_swapped, size_t rows, size_t row_stride, const size_t *starts,
  const size_t *places, size_t count, size_t width, double *to
) {
  return read(from, type, is_swapped, rows, row_stride, starts, places, count, width, to);
}
