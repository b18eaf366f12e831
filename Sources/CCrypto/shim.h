// The plain functions of SHA-256: what OpenSSL 3 offers instead starts its providers, megabytes for one sum.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

/// SHA-256 of `count` bytes, FIPS 180-4.
static inline void wavetag_sha256(const void *bytes, size_t count, unsigned char digest[SHA256_DIGEST_LENGTH])
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(digest, &context);
}
