// Debian's libcsv (package libcsv-dev).
#include <csv.h>
