// CSV in memory. Fields and rows are what RFC 4180 and spreadsheets make them: see lockstep_csv.h.

#include "lockstep_csv.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>

// GCC's library reads floating-point numbers by from_chars since version 11.
#if defined(_GLIBCXX_RELEASE) && _GLIBCXX_RELEASE < 11
#error "CSV is read by std::from_chars for floating-point numbers: install libstdc++ 11 or later (Debian: g++-11)"
#endif

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

// MARK: - Rows without quotes

/// Sixty-four bytes, and a bit for each.
using Block = uint8_t __attribute__((vector_size(64)));
using Bits = bool __attribute__((ext_vector_type(64)));
constexpr size_t block_size = 64;

template <typename Comparison> uint64_t mask(const Comparison &comparison) {
  const Bits bits = __builtin_convertvector(comparison, Bits);
  uint64_t result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

/// Passes over rows for as long as they have `columns` fields, two or more, of ASCII without quotes, and end in LF or CR LF.
///
/// Whole blocks are compared at once: only delimiters and line breaks matter, and most bytes are neither. Where a row is of
/// another kind, or too near to the end, the cursor stays in front of it.
void pass_plain_rows(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, size_t columns, size_t *rows
) {
  const uint8_t separator = cursor->delimiter;
  size_t delimiters = 0;
  // What follows a CR is looked at, too.
  for (size_t start = cursor->offset; count - start > block_size; start += block_size) {
    Block block, next;
    std::memcpy(&block, bytes + start, block_size);
    std::memcpy(&next, bytes + start + 1, block_size);
    const uint64_t lone_returns = mask((block == '\r') & (next != '\n'));
    // A set top bit makes a byte negative.
    const uint64_t special = mask((block == '"') | (block == 0) | (block >= 0x80)) | lone_returns;
    // Nothing counts from the first special byte on.
    const uint64_t valid = special == 0 ? ~uint64_t(0) : (special & (~special + 1)) - 1;
    uint64_t separators = mask(block == separator) & valid;
    for (uint64_t ends = mask(block == '\n') & valid; ends != 0; ends &= ends - 1) {
      const uint64_t before = (ends & (~ends + 1)) - 1;
      delimiters += size_t(__builtin_popcountll(separators & before));
      separators &= ~before;
      if (delimiters + 1 != columns) return;
      delimiters = 0;
      cursor->offset = start + size_t(__builtin_ctzll(ends)) + 1;
      ++cursor->line;
      ++*rows;
    }
    if (special != 0) return;
    delimiters += size_t(__builtin_popcountll(separators));
  }
}

// MARK: - Numbers

constexpr double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// Takes a quotient that has been rounded to `double` for the exact one.
bool round_once(double value, double *result) {
  *result = value;
  return true;
}

/// Rounds a quotient that has been rounded to `double` as the exact one would be rounded, where that can be told: not where it lies
/// in the middle of two floats, to which the first rounding may have brought it.
bool round_once(double value, float *result) {
  const double magnitude = std::fabs(value);
  if (magnitude != 0 && (magnitude < 0x1p-126 || magnitude >= 0x1p127)) return false;
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint64_t dropped = (uint64_t(1) << 29) - 1;
  if ((bits & dropped) == (dropped + 1) / 2) return false;
  *result = float(value);
  return true;
}

/// Reads numbers that are plainly decimal and finite, and rounds each once.
///
/// `mark` stands before decimals.
template <uint8_t mark> struct NumberReader {
  /// Whether the number before had more digits than `double` holds exactly: its neighbours mostly have, too.
  bool is_long = false;

  /// Where the number that starts at `at` ends, or null where there is none of that kind. What follows is for the caller to
  /// look at.
  template <typename Element> const uint8_t *read(const uint8_t *at, const uint8_t *end, Element *result) {
    if (!is_long) {
      const uint8_t *const next = read_short(at, end, result);
      if (next != nullptr) return next;
    }
    if constexpr (mark == '.') {
      return read_any(at, end, result);
    } else {
      return read_marked(at, end, result);
    }
  }

private:
  /// Reads a number of any length whose decimals follow a point.
  template <typename Element> const uint8_t *read_any(const uint8_t *at, const uint8_t *end, Element *result) {
    // from_chars takes no plus sign; what follows one must not be another sign.
    const uint8_t *start = at;
    if (start < end && *start == '+') {
      ++start;
      if (start < end && *start == '-') return nullptr;
    }
    const char *const text = reinterpret_cast<const char *>(start);
    const auto [stop, error] = std::from_chars(text, reinterpret_cast<const char *>(end), *result);
    if (error != std::errc() || !std::isfinite(*result)) return nullptr;
    is_long = stop - text > 15;
    return reinterpret_cast<const uint8_t *>(stop);
  }

  /// Reads a number of any usual length whose decimals follow the mark, by way of a copy with a point: from_chars knows no
  /// other.
  template <typename Element> const uint8_t *read_marked(const uint8_t *at, const uint8_t *end, Element *result) {
    uint8_t copy[128];
    size_t length = 0;
    for (; at + length < end; ++length) {
      const uint8_t byte = at[length];
      const bool is_digit = uint8_t(byte - '0') <= 9;
      if (!is_digit && byte != mark && byte != '-' && byte != '+' && byte != 'e' && byte != 'E') break;
      if (length == sizeof copy) return nullptr;
      copy[length] = byte == mark ? '.' : byte;
    }
    const uint8_t *const stop = read_any(copy, copy + length, result);
    return stop == nullptr ? nullptr : at + (stop - copy);
  }

  /// Reads a number of few digits: it is a whole number over a power of ten, both of which are exact, so that their quotient is
  /// rounded once (Clinger, "How to read floating point numbers accurately", 1990).
  template <typename Element> static const uint8_t *read_short(const uint8_t *at, const uint8_t *end, Element *result) {
    const bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) ++at;
    // Of up to 19 digits no product overflows.
    const uint8_t *const limit = end - at > 19 ? at + 19 : end;
    uint64_t digits = 0;
    const uint8_t *const start = at;
    const auto read_digits = [&] {
      for (; at < limit; ++at) {
        const uint32_t digit = uint32_t(*at) - '0';
        if (digit > 9) break;
        digits = digits * 10 + digit;
      }
    };
    read_digits();
    size_t count = size_t(at - start);
    size_t decimals = 0;
    if (at < limit && *at == mark) {
      const uint8_t *const first = ++at;
      read_digits();
      decimals = size_t(at - first);
      count += decimals;
    }
    if (count == 0 || (at == limit && at < end) || digits > (uint64_t(1) << 53)) return nullptr;
    if (at < end && (*at == 'e' || *at == 'E')) return nullptr;
    const double value = double(digits) / powers_of_ten[decimals];
    return round_once(is_negative ? -value : value, result) ? at : nullptr;
  }
};

/// Numbers of a row whose fields have been found: see `lockstep_csv_read_f32`.
template <typename Numbers, typename Element>
size_t read_fields(
  Numbers &numbers, const uint8_t *bytes, const lockstep_csv_field *fields, const size_t *wanted,
  const size_t *places, size_t wanted_count, size_t first, Element *to_row
) {
  for (size_t index = first; index < wanted_count; ++index) {
    const lockstep_csv_field &field = fields[wanted[index]];
    const uint8_t *const end = bytes + field.end;
    if (numbers.read(bytes + field.start, end, to_row + places[index]) != end) return index;
  }
  return wanted_count;
}

/// Numbers of a row without quotes. Returns the start of the next row, or null where a field is quoted or no plain number.
template <typename Numbers, typename Element>
const uint8_t *read_plain_row(
  Numbers &numbers, const Kinds &kinds, const uint8_t *at, const uint8_t *end, size_t columns,
  const size_t *wanted, const size_t *places, size_t wanted_count, Element *to_row
) {
  size_t index = 0;
  for (size_t column = 0; column < columns; ++column) {
    while (at < end && kinds.of[*at] == blank) ++at;
    if (index < wanted_count && wanted[index] == column) {
      at = numbers.read(at, end, to_row + places[index]);
      if (at == nullptr) return nullptr;
      ++index;
      while (at < end && kinds.of[*at] == blank) ++at;
    } else {
      while (at < end && kinds.of[*at] < ends) ++at;
    }
    const bool is_last = column + 1 == columns;
    if (at == end) return is_last ? at : nullptr;
    if (kinds.of[*at] != (is_last ? line_break : delimiter)) return nullptr;
    at = is_last ? after_break(at, end) : at + 1;
  }
  return at;
}

template <uint8_t mark, typename Element>
size_t read_numbers_marked(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t columns,
  const size_t *wanted, const size_t *places, size_t wanted_count, size_t first, size_t rows, size_t *row, size_t width,
  Element *to
) {
  const Kinds kinds(cursor->delimiter);
  NumberReader<mark> numbers;
  // Where the delimiter stands in numbers, too, quotes tell where they end.
  const bool is_plain = mark != cursor->delimiter;
  for (; *row < rows; ++*row, first = 0) {
    Element *const to_row = to + *row * width;
    const uint8_t *const next =
      is_plain && first == 0
        ? read_plain_row(
            numbers, kinds, bytes + cursor->offset, bytes + count, columns, wanted, places, wanted_count, to_row)
        : nullptr;
    if (next != nullptr) {
      cursor->offset = size_t(next - bytes);
      ++cursor->line;
      continue;
    }
    lockstep_csv_cursor before;
    lockstep_csv_status status;
    do {
      before = *cursor;
      size_t found;
      uint32_t traits;
      status = read_row(kinds, bytes, count, cursor, fields, columns, &found, &traits);
    } while (status == LOCKSTEP_CSV_BLANK_LINE);
    const size_t stopped = read_fields(numbers, bytes, fields, wanted, places, wanted_count, first, to_row);
    if (stopped < wanted_count) {
      *cursor = before;
      return stopped;
    }
  }
  return wanted_count;
}

template <typename... Arguments>
size_t read_numbers(const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, Arguments... arguments) {
  return cursor->decimal_mark == ',' ? read_numbers_marked<','>(bytes, count, cursor, arguments...)
                                     : read_numbers_marked<'.'>(bytes, count, cursor, arguments...);
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
    if (columns > 1) pass_plain_rows(bytes, count, cursor, columns, rows);
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
