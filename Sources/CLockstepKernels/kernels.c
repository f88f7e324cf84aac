#include "lockstep_kernels.h"
