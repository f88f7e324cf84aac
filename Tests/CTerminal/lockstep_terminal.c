// In C because Swift's module of the C library leaves these functions out.

#define _GNU_SOURCE

#include "lockstep_terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

int lockstep_terminal_open(int *user) {
  int other = posix_openpt(O_RDWR | O_NOCTTY);
  if (other < 0) return -1;
  const char *name = grantpt(other) == 0 && unlockpt(other) == 0 ? ptsname(other) : NULL;
  *user = name ? open(name, O_RDWR | O_NOCTTY) : -1;
  if (*user < 0) {
    close(other);
    return -1;
  }
  return other;
}

int lockstep_terminal_set_columns(int terminal, int columns) {
  struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
  return ioctl(terminal, TIOCSWINSZ, &size);
}
