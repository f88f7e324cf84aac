// CSV in memory: where the fields of a row lie, and what numbers they spell. What is wrong with a file is found out here and
// told by LockstepData; nothing is allocated, and nothing is read outside of the bytes given.

#ifndef LOCKSTEP_CSV_H
#define LOCKSTEP_CSV_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a field's bytes are beside plain text.
enum {
  /// A quote that is doubled, since it stands inside quotes.
  LOCKSTEP_CSV_DOUBLED_QUOTE = 1,
  /// Bytes of 128 and more, which need not be UTF-8.
  LOCKSTEP_CSV_NOT_ASCII = 2,
  /// A zero byte.
  LOCKSTEP_CSV_ZERO = 4,
};

/// A field: its bytes are those from `start` up to `end`, without the quotes and the blanks around them.
typedef struct {
  size_t start;
  size_t end;
  uint32_t traits;
} lockstep_csv_field;

/// Where reading stands: at the start of a row. Offsets count bytes, lines count from 1.
typedef struct {
  size_t offset;
  size_t line;
  /// The row that was read last, or what is wrong.
  size_t row_offset;
  size_t row_line;
  /// What stands between fields: not a quote, not a line break.
  uint8_t delimiter;
  /// What stands before decimals: a point, or a comma, which may be the delimiter, too: numbers with decimals are in quotes then.
  uint8_t decimal_mark;
} lockstep_csv_cursor;

typedef enum {
  /// A row, whose fields have been found.
  LOCKSTEP_CSV_ROW,
  /// A line with nothing but blanks on it.
  LOCKSTEP_CSV_BLANK_LINE,
  /// No row any more.
  LOCKSTEP_CSV_END,
  /// A quote in the middle of a field. The cursor stays where it was.
  LOCKSTEP_CSV_STRAY_QUOTE,
  /// A field whose quotes are never closed. The cursor stays where it was.
  LOCKSTEP_CSV_OPEN_QUOTE,
} lockstep_csv_status;

/// Reads a row or a blank line, whatever ends it: LF, CR, both, or the end of the bytes.
///
/// `fields` gets the first `capacity` fields, `found` the number of all. Where quotes are wrong, `found` is the number of
/// fields before, and `row_offset` and `row_line` say where the one at fault starts.
lockstep_csv_status lockstep_csv_read_row(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t capacity,
  size_t *found);

/// Reads rows for as long as they have `columns` fields of plain ASCII, and adds their number to `rows`.
///
/// The row that is not of that kind has been read, too, and has not been counted: the result, `fields` and `found` are those of
/// `lockstep_csv_read_row`.
lockstep_csv_status lockstep_csv_read_plain_rows(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t columns,
  size_t *found, size_t *rows);

/// Numbers of rows that are known to have `columns` fields each. Blank lines are passed over.
///
/// The number in column `wanted[i]`, `wanted` ascending, goes to `to[*row * width + places[i]]`, rounded once to nearest, ties to
/// even. `row` counts up to `rows`; in the first row, reading starts with the `first`-th of the wanted columns.
///
/// Returns the `i` of the first cell that is not plainly a finite decimal number, with the cursor in front of its row, or
/// `wanted_count` where there is none.
size_t lockstep_csv_read_f32(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t columns,
  const size_t *wanted, const size_t *places, size_t wanted_count, size_t first, size_t rows, size_t *row, size_t width,
  float *to);
size_t lockstep_csv_read_f64(
  const uint8_t *bytes, size_t count, lockstep_csv_cursor *cursor, lockstep_csv_field *fields, size_t columns,
  const size_t *wanted, const size_t *places, size_t wanted_count, size_t first, size_t rows, size_t *row, size_t width,
  double *to);

#ifdef __cplusplus
}
#endif

#endif
