// What the Swift side of the C interface says to lockstep_error_message. Not installed.
#ifndef LOCKSTEP_MESSAGE_H
#define LOCKSTEP_MESSAGE_H

/// Makes `message` the calling thread's, cut where it is too long.
void lockstep_set_error_message(const char *message);

#endif
