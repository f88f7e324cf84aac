// getopt_long as a value: words and options are copied in, the C library's globals stay in here.

#define _GNU_SOURCE

#include "lockstep_getopt.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

// Above every letter, so that what getopt_long returns tells long names from letters.
enum { FIRST_NAME = 256 };

struct lockstep_getopt {
  struct option *options;  // one more than there are, all zero
  char *letters;           // "+:" (stop at an operand, tell missing arguments apart), then letters with their colons
  int option_count;
  char **words;  // the program's name first, NULL last
  int word_count;
  int next_operand;
  char unknown_letter[3];
  bool started;
};

lockstep_getopt *lockstep_getopt_create(void) {
  lockstep_getopt *parser = calloc(1, sizeof *parser);
  if (!parser) return NULL;
  parser->options = calloc(1, sizeof *parser->options);
  parser->letters = strdup("+:");
  if (!parser->options || !parser->letters || !lockstep_getopt_add_word(parser, "lockstep")) {
    lockstep_getopt_destroy(parser);
    return NULL;
  }
  return parser;
}

void lockstep_getopt_destroy(lockstep_getopt *parser) {
  if (!parser) return;
  for (int i = 0; i < parser->option_count; i++) free((char *)parser->options[i].name);
  for (int i = 0; i < parser->word_count; i++) free(parser->words[i]);
  free(parser->options);
  free(parser->letters);
  free(parser->words);
  free(parser);
}

bool lockstep_getopt_add_option(lockstep_getopt *parser, const char *name, char letter,
                                lockstep_getopt_argument argument) {
  int count = parser->option_count;
  struct option *options = realloc(parser->options, (count + 2) * sizeof *options);
  if (!options) return false;
  parser->options = options;

  size_t length = strlen(parser->letters);
  char *letters = realloc(parser->letters, length + 4);
  if (!letters) return false;
  parser->letters = letters;

  char *copy = strdup(name);
  if (!copy) return false;
  memset(&options[count], 0, 2 * sizeof *options);
  options[count].name = copy;
  options[count].has_arg = argument;
  options[count].val = letter ? (unsigned char)letter : FIRST_NAME + count;
  if (letter) {
    letters[length++] = letter;
    for (int colon = 0; colon < (int)argument; colon++) letters[length++] = ':';
    letters[length] = 0;
  }
  parser->option_count = count + 1;
  return true;
}

bool lockstep_getopt_add_word(lockstep_getopt *parser, const char *word) {
  char **words = realloc(parser->words, (parser->word_count + 2) * sizeof *words);
  if (!words) return false;
  parser->words = words;
  if (!(words[parser->word_count] = strdup(word))) return false;
  words[++parser->word_count] = NULL;
  return true;
}

static int option_of_value(const lockstep_getopt *parser, int value) {
  for (int i = 0; i < parser->option_count; i++)
    if (parser->options[i].val == value) return i;
  return -1;
}

lockstep_getopt_result lockstep_getopt_next(lockstep_getopt *parser, bool stops_at_operand) {
  if (!parser->started) {
    parser->started = true;
#ifdef __GLIBC__
    optind = 0;
#else
    optind = 1;
#endif
    opterr = 0;
  }
  const char *letters = parser->letters + (stops_at_operand ? 0 : 1);
  int value = getopt_long(parser->word_count, parser->words, letters, parser->options, NULL);
  lockstep_getopt_result result = {LOCKSTEP_GETOPT_FOUND, -1, NULL, NULL};
  if (value == -1) {
    result.status = LOCKSTEP_GETOPT_END;
    parser->next_operand = optind;
  } else if (value == ':') {
    result.status = LOCKSTEP_GETOPT_MISSING_ARGUMENT;
    result.option = option_of_value(parser, optopt);
  } else if (value == '?') {
    int option = optopt ? option_of_value(parser, optopt) : -1;
    if (option >= 0) {
      result.status = LOCKSTEP_GETOPT_UNEXPECTED_ARGUMENT;
      result.option = option;
    } else {
      result.status = LOCKSTEP_GETOPT_UNKNOWN;
      parser->unknown_letter[0] = '-';
      parser->unknown_letter[1] = (char)optopt;
      result.word = optopt ? parser->unknown_letter : parser->words[optind - 1];
    }
  } else {
    result.option = option_of_value(parser, value);
    result.argument = optarg;
    const char *next = optind < parser->word_count ? parser->words[optind] : NULL;
    if (parser->options[result.option].has_arg == optional_argument && !optarg && next && *next >= '0' &&
        *next <= '9') {
      result.argument = next;
      optind++;
    }
  }
  return result;
}

const char *lockstep_getopt_operand(const lockstep_getopt *parser, int index) {
  int place = parser->next_operand + index;
  return index >= 0 && place < parser->word_count ? parser->words[place] : NULL;
}
