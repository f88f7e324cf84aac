// Debian's minizip, which is a part of zlib (package libminizip-dev).
#include <minizip/unzip.h>
