// What the files of the instruction sets share.
#ifndef LOCKSTEP_INSTRUCTION_SET_H
#define LOCKSTEP_INSTRUCTION_SET_H

#include <stdint.h>
#include <stdlib.h>

#include "kernel_table.h"

#define INLINED __attribute__((always_inline))

#endif
