// The C library's getopt_long without its global variables, which Swift 6 does not let one touch. One parser at a time.
#ifndef LOCKSTEP_GETOPT_H
#define LOCKSTEP_GETOPT_H

#include <stdbool.h>

/// A command line and the options that it may have.
typedef struct lockstep_getopt lockstep_getopt;

/// What an option takes.
typedef enum lockstep_getopt_argument {
  LOCKSTEP_GETOPT_NO_ARGUMENT = 0,
  LOCKSTEP_GETOPT_ARGUMENT = 1,
  /// `--name=ARGUMENT`, `--name` alone, or `--name ARGUMENT` where the next word starts with a digit.
  LOCKSTEP_GETOPT_OPTIONAL_ARGUMENT = 2,
} lockstep_getopt_argument;

/// What was found.
typedef enum lockstep_getopt_status {
  /// No option is left: operands follow.
  LOCKSTEP_GETOPT_END,
  LOCKSTEP_GETOPT_FOUND,
  /// `word` is no option, or begins the names of several.
  LOCKSTEP_GETOPT_UNKNOWN,
  LOCKSTEP_GETOPT_MISSING_ARGUMENT,
  LOCKSTEP_GETOPT_UNEXPECTED_ARGUMENT,
} lockstep_getopt_status;

typedef struct lockstep_getopt_result {
  lockstep_getopt_status status;
  /// Which option, in the order in which they were added; -1 where it is unknown.
  int option;
  /// The option's argument, or NULL. It lives as long as the parser.
  const char *argument;
  /// The unknown option as it was given. It lives until the next call.
  const char *word;
} lockstep_getopt_result;

/// A parser without options and words, or NULL where memory is short.
lockstep_getopt *lockstep_getopt_create(void);
void lockstep_getopt_destroy(lockstep_getopt *parser);

/// Declares an option. `letter` is its short form, or 0. False where memory is short.
bool lockstep_getopt_add_option(lockstep_getopt *parser, const char *name, char letter,
                                lockstep_getopt_argument argument);
/// Adds a word of the command line. False where memory is short.
bool lockstep_getopt_add_word(lockstep_getopt *parser, const char *word);

/// The next option. Operands may stand among options, unless `stops_at_operand`.
lockstep_getopt_result lockstep_getopt_next(lockstep_getopt *parser, bool stops_at_operand);

/// After the end: operand `index`, or NULL where there is none.
const char *lockstep_getopt_operand(const lockstep_getopt *parser, int index);

#endif
