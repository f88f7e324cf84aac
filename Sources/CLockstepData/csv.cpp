// CSV in memory. Fields and rows are what RFC 4180 and spreadsheets make them: see lockstep_csv.h.

#include "lockstep_csv.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>

namespace {

/// What a byte means outside of quotes. Those from `ends` on end a field that has no quotes.
enum Kind : uint8_t { plain, blank, high, zero, ends, quote = ends, delimiter, line_break };

/// The kind of each byte.
struct Kinds {
  uint8_t of[256];

  explicit Kinds(uint8_t separator) {
    std::memset(of, plain, 128);
    std::memset(of + 128, high, 128);
    of[0] = zero;
    of[uint8_t(' ')] = of[uint8_t('\t')] = blank;
    of[uint8_t('"')] = quote;
    of[uint8_t('\r')] = of[uint8_t('\n')] = line_break;
    of[separator] = delimiter;
  }
};

bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\t'; }

uint32_t trait(uint8_t kind) {
  return kind == high ? LOCKSTEP_CSV_NOT_ASCII : kind == zero ? LOCKSTEP_CSV_ZERO : 0;
}

/// The first byte after the line break at `at`; CR LF is one.
const uint8_t *after_break(const uint8_t *at, const uint8_t *end) {
  return at + (at[0] == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1);
}

/// Reads as `lockstep_csv_read_row` does; `traits` gets those of all fields.
lockstep_csv_status read_row(
  const Kinds &kinds, const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields,
  size_t capacity, size_t *found, uint32_t *traits
) {
  const uint8_t *const end = bytes + count;
  const uint8_t *at = bytes + cursor->offset;
  size_t breaks = 0;
  size_t fields_found = 0;
  uint32_t all_traits = 0;
  *found = 0;

  const auto skip_blanks = [&] {
    while (at < end && kinds.of[*at] == blank) ++at;
  };
  const auto finish = [&](const uint8_t *next, lockstep_csv_status status) {
    cursor->row_offset = cursor->offset;
    cursor->row_line = cursor->line;
    cursor->offset = size_t(next - bytes);
    cursor->line += breaks + 1;
    *found = fields_found;
    *traits = all_traits;
    return status;
  };
  const auto fail = [&](const uint8_t *field, size_t breaks_before, lockstep_csv_status status) {
    cursor->row_offset = size_t(field - bytes);
    cursor->row_line = cursor->line + breaks_before;
    *found = fields_found;
    return status;
  };

  skip_blanks();
  if (at == end) return LOCKSTEP_CSV_END;
  if (kinds.of[*at] == line_break) return finish(after_break(at, end), LOCKSTEP_CSV_BLANK_LINE);
  while (true) {
    const uint8_t *start = at;
    const uint8_t *stop;
    uint32_t field_traits = 0;
    if (at < end && *at == '"') {
      const uint8_t *const field = start;
      const size_t breaks_before = breaks;
      start = ++at;
      while (true) {
        if (at == end) return fail(field, breaks_before, LOCKSTEP_CSV_OPEN_QUOTE);
        if (*at == '"') {
          if (at + 1 == end || at[1] != '"') break;
          field_traits |= LOCKSTEP_CSV_DOUBLED_QUOTE;
          at += 2;
        } else if (*at == '\r' || *at == '\n') {
          ++breaks;
          at = after_break(at, end);
        } else {
          field_traits |= trait(kinds.of[*at]);
          ++at;
        }
      }
      stop = at++;
      skip_blanks();
      if (at < end && kinds.of[*at] < delimiter) return fail(field, breaks_before, LOCKSTEP_CSV_STRAY_QUOTE);
      while (start < stop && is_blank(*start)) ++start;
    } else {
      while (true) {
        while (at < end && kinds.of[*at] == plain) ++at;
        if (at == end || kinds.of[*at] >= ends) break;
        field_traits |= trait(kinds.of[*at]);
        ++at;
      }
      if (at < end && *at == '"') return fail(start, breaks, LOCKSTEP_CSV_STRAY_QUOTE);
      stop = at;
    }
    while (stop > start && is_blank(stop[-1])) --stop;
    if (fields_found < capacity) {
      fields[fields_found] = {size_t(start - bytes), size_t(stop - bytes), field_traits};
      all_traits |= field_traits;
    }
    ++fields_found;

    if (at == end) return finish(end, LOCKSTEP_CSV_ROW);
    if (kinds.of[*at] == line_break) return finish(after_break(at, end), LOCKSTEP_CSV_ROW);
    ++at;
    skip_blanks();
  }
}

/// Whether the bytes plainly spell a finite decimal number, which is rounded once. Where they do not, they may still do so by
/// other rules.
template <typename Element> bool parse(const uint8_t *start, const uint8_t *end, Element *result) {
  // Up to seven digits are a whole number that every type holds exactly.
  if (end - start >= 1 && end - start <= 7) {
    uint32_t value = 0;
    const uint8_t *at = start;
    for (; at < end; ++at) {
      const uint32_t digit = uint32_t(*at) - '0';
      if (digit > 9) break;
      value = value * 10 + digit;
    }
    if (at == end) {
      *result = Element(value);
      return true;
    }
  }
  // from_chars takes no plus sign; what follows one must not be another sign.
  if (start < end && *start == '+') {
    ++start;
    if (start < end && *start == '-') return false;
  }
  const char *const last = reinterpret_cast<const char *>(end);
  const auto [stop, error] = std::from_chars(reinterpret_cast<const char *>(start), last, *result);
  return error == std::errc() && stop == last && std::isfinite(*result);
}

template <typename Element>
size_t read_numbers(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t columns,
  const size_t *wanted, const size_t *places, size_t wanted_count, size_t first, size_t rows, size_t *row, size_t width,
  Element *to
) {
  const Kinds kinds(cursor->delimiter);
  size_t found;
  uint32_t traits;
  for (; *row < rows; ++*row, first = 0) {
    const lockstep_csv_cursor before = *cursor;
    read_row(kinds, bytes, count, cursor, fields, columns, &found, &traits);
    Element *const to_row = to + *row * width;
    for (size_t index = first; index < wanted_count; ++index) {
      const lockstep_csv_field &field = fields[wanted[index]];
      if (!parse(bytes + field.start, bytes + field.end, to_row + places[index])) {
        *cursor = before;
        return index;
      }
    }
  }
  return wanted_count;
}

} // namespace

lockstep_csv_status lockstep_csv_read_row(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t capacity,
  size_t *found
) {
  uint32_t traits;
  return read_row(Kinds(cursor->delimiter), bytes, count, cursor, fields, capacity, found, &traits);
}

lockstep_csv_status lockstep_csv_read_plain_rows(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t columns,
  size_t *found, size_t *rows
) {
  const Kinds kinds(cursor->delimiter);
  while (true) {
    uint32_t traits = 0;
    const lockstep_csv_status status = read_row(kinds, bytes, count, cursor, fields, columns, found, &traits);
    if (status != LOCKSTEP_CSV_ROW || *found != columns) return status;
    if ((traits & (LOCKSTEP_CSV_NOT_ASCII | LOCKSTEP_CSV_ZERO)) != 0) return status;
    ++*rows;
  }
}

size_t lockstep_csv_read_f32(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t columns,
  const size_t *wanted, const size_t *places, size_t wanted_count, size_t first, size_t rows, size_t *row, size_t width,
  float *to
) {
  return read_numbers(
    bytes, count, cursor, fields, columns, wanted, places, wanted_count, first, rows, row, width, to);
}

size_t lockstep_csv_read_f64(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t columns,
  const size_t *wanted, const size_t *places, size_t wanted_count, size_t first, size_t rows, size_t *row, size_t width,
  double *to
) {
  return read_numbers(
    bytes, count, cursor, fields, columns, wanted, places, wanted_count, first, rows, row, width, to);
}
