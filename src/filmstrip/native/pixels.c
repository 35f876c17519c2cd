/* Pixels on their way from the user's array into the spool: copied, measured and hashed in one go.
 *
 * Memory is what takes the time. numpy reads the pixels three times more, for their least, their
 * largest and the digest; and a plain copy first reads the memory that it is about to overwrite.
 *
 * The hash is XXH3 with 128 bits, the way it is defined for inputs of over 240 bytes: "xxHash fast
 * digest algorithm", https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#define PREFETCHED_BYTES 2048               /* ahead: the hardware's own stops at each page */

#define STRIPE_BYTES 64
#define SECRET_BYTES 192
#define STRIPES_IN_BLOCK ((SECRET_BYTES - STRIPE_BYTES) / 8)
#define BLOCK_BYTES (STRIPES_IN_BLOCK * STRIPE_BYTES)
#define LAST_STRIPE_SECRET (SECRET_BYTES - STRIPE_BYTES - 7)
#define LOW_SECRET 11
#define HIGH_SECRET (SECRET_BYTES - STRIPE_BYTES - 11)

#define PRIME32_1 0x9E3779B1u
#define PRIME32_2 0x85EBCA77u
#define PRIME32_3 0xC2B2AE3Du
#define PRIME64_1 0x9E3779B185EBCA87u
#define PRIME64_2 0xC2B2AE3D27D4EB4Fu
#define PRIME64_3 0x165667B19E3779F9u
#define PRIME64_4 0x85EBCA77C2B2AE63u
#define PRIME64_5 0x27D4EB2F165667C5u

typedef uint8_t bytes __attribute__((vector_size(32)));
typedef uint64_t lanes __attribute__((vector_size(32)));

/* What is known of pixels once they are copied. */
struct facts {
    uint64_t low, high;                     /* of the digest */
    uint8_t minimum, maximum;
};

INLINE lanes lanes_at(const uint8_t *at)
{
    lanes value;
    memcpy(&value, at, sizeof value);
    return value;
}

INLINE lanes accumulated(lanes sums, lanes data, const uint8_t *secret)
{
    lanes keyed = data ^ lanes_at(secret);
    lanes swapped = __builtin_shufflevector(data, data, 1, 0, 3, 2);
    return sums + swapped + (keyed & 0xFFFFFFFF) * (keyed >> 32);
}

INLINE lanes scrambled(lanes sums, const uint8_t *secret)
{
    return (sums ^ sums >> 47 ^ lanes_at(secret)) * PRIME32_1;
}

INLINE uint64_t folded_product(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

INLINE uint64_t merged(const uint64_t *sums, const uint8_t *secret, uint64_t start)
{
    uint64_t keys[8], hash = start;
    memcpy(keys, secret, sizeof keys);
    for (int i = 0; i < 8; i += 2)
        hash += folded_product(sums[i] ^ keys[i], sums[i + 1] ^ keys[i + 1]);
    hash ^= hash >> 37;
    hash *= 0x165667919E3779F9u;
    return hash ^ hash >> 32;
}

/* `to` lies on a multiple of 32, `size` is over 240. */
INLINE void copy_pixels(
    const uint8_t *from, uint8_t *to, size_t size, const uint8_t *secret, struct facts *facts)
{
    lanes first = {PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3};
    lanes second = {PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1};
    bytes least = (bytes){0} - 1, largest = {0};
    size_t in_stripes = (size - 1) / STRIPE_BYTES * STRIPE_BYTES, i = 0;
    while (i < in_stripes) {
        const uint8_t *key = secret;
        size_t end = in_stripes - i < BLOCK_BYTES ? in_stripes : i + BLOCK_BYTES;
        for (; i < end; i += STRIPE_BYTES, key += 8) {
            __builtin_prefetch(from + i + PREFETCHED_BYTES);
            lanes a = lanes_at(from + i), b = lanes_at(from + i + 32);
            first = accumulated(first, a, key);
            second = accumulated(second, b, key + 32);
            least = __builtin_elementwise_min(least, __builtin_elementwise_min((bytes)a, (bytes)b));
            largest =
                __builtin_elementwise_max(largest, __builtin_elementwise_max((bytes)a, (bytes)b));
            __builtin_nontemporal_store(a, (lanes *)(to + i));
            __builtin_nontemporal_store(b, (lanes *)(to + i + 32));
        }
        if (key == secret + 8 * STRIPES_IN_BLOCK) {
            first = scrambled(first, secret + SECRET_BYTES - 64);
            second = scrambled(second, secret + SECRET_BYTES - 32);
        }
    }
    first = accumulated(first, lanes_at(from + size - 64), secret + LAST_STRIPE_SECRET);
    second = accumulated(second, lanes_at(from + size - 32), secret + LAST_STRIPE_SECRET + 32);
    facts->minimum = 255;
    facts->maximum = 0;
    for (int k = 0; k < 32; k++) {
        facts->minimum = least[k] < facts->minimum ? least[k] : facts->minimum;
        facts->maximum = largest[k] > facts->maximum ? largest[k] : facts->maximum;
    }
    for (; i < size; i++) {
        facts->minimum = from[i] < facts->minimum ? from[i] : facts->minimum;
        facts->maximum = from[i] > facts->maximum ? from[i] : facts->maximum;
        to[i] = from[i];
    }
    uint64_t sums[8];
    memcpy(sums, &first, sizeof first);
    memcpy(sums + 4, &second, sizeof second);
    facts->low = merged(sums, secret + LOW_SECRET, size * PRIME64_1);
    facts->high = merged(sums, secret + HIGH_SECRET, ~(size * PRIME64_2));
    __atomic_thread_fence(__ATOMIC_SEQ_CST);        /* what was stored past the cache is seen */
}

#if defined(__x86_64__) && !defined(PLAIN)
__attribute__((target("avx2"))) static void copy_pixels_avx2(
    const uint8_t *from, uint8_t *to, size_t size, const uint8_t *secret, struct facts *facts)
{
    copy_pixels(from, to, size, secret, facts);
}
#endif

/* Copy pixels to where nobody reads them soon; say their least and largest value, and the digest.
 *
 * `to` lies on a multiple of 32, `size` is over 240, `secret` are XXH3's 192 bytes for a seed.
 */
void filmstrip_copy_pixels(
    const uint8_t *from, uint8_t *to, size_t size, const uint8_t *secret, struct facts *facts)
{
#if defined(__x86_64__) && !defined(PLAIN)
    if (__builtin_cpu_supports("avx2")) {
        copy_pixels_avx2(from, to, size, secret, facts);
        return;
    }
#endif
    copy_pixels(from, to, size, secret, facts);
}
