// The error message and number of each thread, which Swift has no variable for, and the names that are constants of C.
// Everything else behind lockstep.h is written in Swift, in LockstepC.

#include "lockstep_message.h"

#include <string.h>

#include "lockstep.h"

/// Room for a sentence about a path of the longest kind.
enum { MESSAGE_BYTES = 5000 };

static _Thread_local char message[MESSAGE_BYTES];
static _Thread_local int32_t error_number;

void lockstep_set_error(const char *text, int32_t number) {
  error_number = number;
  size_t length = strnlen(text, MESSAGE_BYTES);
  if (length == MESSAGE_BYTES) {
    // Not inside a character of UTF-8, whose later bytes start with the bits 10.
    length = MESSAGE_BYTES - 1;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) --length;
  }
  memcpy(message, text, length);
  message[length] = 0;
}

const char *lockstep_error_message(void) { return message; }

int32_t lockstep_error_number(void) { return error_number; }

const char *lockstep_version(void) { return LOCKSTEP_VERSION; }

int32_t lockstep_abi_version(void) { return LOCKSTEP_ABI_VERSION; }

const char *lockstep_status_name(lockstep_status status) {
#define NAME(status) [status] = #status
  static const char *const names[] = {
      NAME(LOCKSTEP_OK),          NAME(LOCKSTEP_INVALID_ARGUMENT), NAME(LOCKSTEP_INVALID_SHAPE),
      NAME(LOCKSTEP_OVERLAP),     NAME(LOCKSTEP_WRONG_PRECISION),  NAME(LOCKSTEP_FILE_ERROR),
      NAME(LOCKSTEP_INVALID_MODEL), NAME(LOCKSTEP_UNAVAILABLE),    NAME(LOCKSTEP_NOT_FINITE),
      NAME(LOCKSTEP_OUT_OF_MEMORY),
  };
  const size_t count = sizeof names / sizeof names[0];
  return status >= 0 && (size_t)status < count ? names[status] : "unknown status";
}
