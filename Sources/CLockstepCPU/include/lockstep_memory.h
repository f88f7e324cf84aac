// A hint about large memory, which Swift has no way to give.
#ifndef LOCKSTEP_MEMORY_H
#define LOCKSTEP_MEMORY_H

#include <stddef.h>

/// Asks for pages of two mebibytes where `address` begins one: rows of a large matrix lie a page apart, and the
/// translation of so many small pages is slower than the arithmetic on them. Does nothing where there are none.
void lockstep_prefer_huge_pages(void *address, size_t bytes);

#endif
