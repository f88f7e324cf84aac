// A terminal for tests: what is written to one end can be read at the other.
#ifndef LOCKSTEP_TERMINAL_H
#define LOCKSTEP_TERMINAL_H

/// Opens a pseudoterminal. `*user` is the end that a program takes for a terminal; the other end is returned, or -1 with
/// errno set.
int lockstep_terminal_open(int *user);

/// Makes a terminal so many letters wide; -1 where that fails.
int lockstep_terminal_set_columns(int terminal, int columns);

#endif
