// What the Swift side of the C interface says to lockstep_error_message and lockstep_error_number. Not installed.
#ifndef LOCKSTEP_MESSAGE_H
#define LOCKSTEP_MESSAGE_H

#include <stdint.h>

/// Makes `message`, cut where it is too long, and `number` the calling thread's.
void lockstep_set_error(const char *message, int32_t number);

#endif
