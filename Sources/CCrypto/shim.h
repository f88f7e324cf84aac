// Debian's libcrypto (package libssl-dev).
#include <openssl/evp.h>
