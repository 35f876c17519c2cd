/* Photographs as PNG wants them: rows are filtered, then deflated with Huffman codes.
 *
 * What a filter leaves of a photograph is noise in which matches are chance, so none are looked for
 * but runs of zeros, which flat areas leave. That makes it two passes over bytes that are still in
 * the cache: one counts, one writes.
 *
 * Filters: PNG specification (third edition), section 9. Streams: RFC 1950 and RFC 1951, whose
 * section numbers stand beside the code.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { SUB = 1, UP = 2, AVERAGE = 3 };      /* the filters' numbers */
enum { IS_FIRST = 1, IS_LAST = 2 };         /* flags of a call */

#define END_OF_BLOCK 256
#define FIRST_LENGTH 257                    /* the symbol of the shortest match, 3.2.5 */
#define NUM_SYMBOLS 286
#define NUM_LENGTH_SYMBOLS 19               /* of the code that code lengths are written in, 3.2.7 */
#define MAX_BITS 12                         /* four codes and what is left of a byte fit in 64 */
#define LONGEST_MATCH 258
#define SHORTEST_MATCH 3
#define SHORTEST_RUN 32                     /* zeros: below this literals do as well */
#define MAX_RUNS 2048                       /* in one block; what comes after is literals */

/* A picture, and what one call leaves to the next. */
struct stream {
    size_t row_bytes, pixel_bytes;
    uint8_t *strip;                         /* room for filtered rows */
    size_t strip_rows;                      /* how many */
    uint64_t bits;                          /* of the last, unfinished byte */
    uint32_t num_bits;
    uint32_t sum, sum_of_sums;              /* Adler-32 */
    uint32_t filter;                        /* for all rows but the first, which takes SUB */
};

struct run {
    size_t start, end;
};

struct writer {
    uint8_t *at;
    uint64_t bits;
    unsigned num_bits;
};

typedef uint8_t bytes __attribute__((vector_size(32)));
typedef uint16_t words __attribute__((vector_size(64)));
typedef uint32_t longs __attribute__((vector_size(128)));

/* A code's bits, first bit lowest, and how many there are. */
struct code {
    uint16_t bits, num_bits;
};

INLINE uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

INLINE void put(struct writer *out, uint64_t bits, unsigned num_bits)
{
    out->bits |= bits << out->num_bits;
    out->num_bits += num_bits;
    memcpy(out->at, &out->bits, sizeof out->bits);
    out->at += out->num_bits >> 3;
    out->bits >>= out->num_bits & ~7u;
    out->num_bits &= 7;
}

INLINE void put_code(struct writer *out, struct code code)
{
    put(out, code.bits, code.num_bits);
}

/* Filters. */

INLINE void filter_row(
    const uint8_t *row, size_t size, size_t pixel_bytes, uint32_t filter, uint8_t *out)
{
    const uint8_t *above = row - size;
    size_t i;
    switch (filter) {
    case SUB:
        memcpy(out, row, pixel_bytes);
        for (i = pixel_bytes; i < size; i++)
            out[i] = (uint8_t)(row[i] - row[i - pixel_bytes]);
        return;
    case UP:
        for (i = 0; i < size; i++)
            out[i] = (uint8_t)(row[i] - above[i]);
        return;
    default:
        for (i = 0; i < pixel_bytes; i++)
            out[i] = (uint8_t)(row[i] - (above[i] >> 1));
        for (; i < size; i++) {             /* a + b = 2 * (a & b) + (a ^ b), without a carry */
            uint8_t a = row[i - pixel_bytes], b = above[i];
            out[i] = (uint8_t)(row[i] - ((a & b) + ((a ^ b) >> 1)));
        }
    }
}

/* Add to the Adler-32 of what was filtered, RFC 1950, 9: 32 columns of bytes are summed side by side,
 * and so are the sums as they were above each row of 32. */
INLINE void add_adler(struct stream *stream, const uint8_t *data, size_t size)
{
    uint32_t sum = stream->sum, sums = stream->sum_of_sums;
    while (size) {
        size_t rows = size / 32 < 173 ? size / 32 : 173;    /* what 16 and 32 bits hold */
        words columns = {0};
        longs above = {0};
        size -= 32 * rows;
        sums += sum * 32 * (uint32_t)rows;
        for (; rows; rows--, data += 32) {
            bytes row;
            memcpy(&row, data, sizeof row);
            above += __builtin_convertvector(columns, longs);
            columns += __builtin_convertvector(row, words);
        }
        for (uint32_t i = 0; i < 32; i++) {
            sum += columns[i];
            sums += 32 * above[i] + (32 - i) * columns[i];
        }
        for (; size < 32 && size; size--)
            sums += sum += *data++;
        sum %= 65521;
        sums %= 65521;
    }
    stream->sum = sum;
    stream->sum_of_sums = sums;
}

/* Huffman codes. */

/* Sort symbols by how often they come, the rarest first. */
static void sort_symbols(int *symbols, int number, const uint32_t *counts)
{
    for (int gap = number / 2; gap; gap /= 2)
        for (int i = gap; i < number; i++) {
            int symbol = symbols[i], j = i;
            for (; j >= gap && counts[symbols[j - gap]] > counts[symbol]; j -= gap)
                symbols[j] = symbols[j - gap];
            symbols[j] = symbol;
        }
}

/* Turn sorted counts into code lengths, in place: Moffat and Katajainen, "In-place calculation of
 * minimum-redundancy codes", 1995. */
static void lengths_in_place(uint32_t *a, int number)
{
    int root = 0, leaf = 0, next;
    for (next = 0; next < number - 1; next++) {
        uint32_t weight = 0;
        for (int child = 0; child < 2; child++) {
            if (leaf >= number || (root < next && a[root] < a[leaf])) {
                weight += a[root];
                a[root++] = (uint32_t)next;         /* an inner node now names its parent */
            } else {
                weight += a[leaf++];
            }
        }
        a[next] = weight;
    }
    a[number - 2] = 0;
    for (next = number - 3; next >= 0; next--)
        a[next] = a[a[next]] + 1;                   /* now the depth of inner nodes */
    int available = 1, depth = 0;
    root = number - 2;
    next = number - 1;
    while (available > 0) {
        int used = 0;
        for (; root >= 0 && (int)a[root] == depth; root--)
            used++;
        for (; available > used; available--)
            a[next--] = (uint32_t)depth;            /* now the depth of leaves */
        available = 2 * used;
        depth++;
    }
}

/* Give each symbol that comes a code length, at most `max_bits`. */
static void choose_lengths(const uint32_t *counts, int num_symbols, int max_bits, uint8_t *lengths)
{
    int symbols[NUM_SYMBOLS], number = 0;
    uint32_t depths[NUM_SYMBOLS], of_length[MAX_BITS + 1] = {0}, used = 0;
    memset(lengths, 0, (size_t)num_symbols);
    for (int symbol = 0; symbol < num_symbols; symbol++)
        if (counts[symbol])
            symbols[number++] = symbol;
    if (number == 1) {
        lengths[symbols[0]] = 1;
        return;
    }
    sort_symbols(symbols, number, counts);
    for (int i = 0; i < number; i++)
        depths[i] = counts[symbols[i]];
    lengths_in_place(depths, number);
    for (int i = 0; i < number; i++)
        of_length[depths[i] < (uint32_t)max_bits ? depths[i] : (uint32_t)max_bits]++;
    for (int bits = 1; bits <= max_bits; bits++)
        used += of_length[bits] << (max_bits - bits);
    for (; used > 1u << max_bits; used--) {         /* too many for so few bits: lengthen others */
        int bits = max_bits - 1;
        while (!of_length[bits])
            bits--;
        of_length[bits]--;
        of_length[bits + 1] += 2;
        of_length[max_bits]--;
    }
    int i = number;
    for (int bits = 1; bits <= max_bits; bits++)
        for (uint32_t left = of_length[bits]; left; left--)
            lengths[symbols[--i]] = (uint8_t)bits;
}

/* The codes that code lengths stand for, 3.2.2, with the first bit lowest. */
static void assign_codes(const uint8_t *lengths, int num_symbols, struct code *codes)
{
    uint32_t of_length[16] = {0}, next[16] = {0};
    for (int symbol = 0; symbol < num_symbols; symbol++)
        of_length[lengths[symbol]]++;
    of_length[0] = 0;
    for (int bits = 1; bits < 16; bits++)
        next[bits] = (next[bits - 1] + of_length[bits - 1]) << 1;
    for (int symbol = 0; symbol < num_symbols; symbol++) {
        uint32_t bits = lengths[symbol] ? next[lengths[symbol]]++ : 0, turned = 0;
        for (int i = 0; i < lengths[symbol]; i++)
            turned |= (bits >> i & 1) << (lengths[symbol] - 1 - i);
        codes[symbol] = (struct code){(uint16_t)turned, lengths[symbol]};
    }
}

/* Write the start of a block with codes of its own, 3.2.7. */
static void put_header(struct writer *out, const uint8_t *lengths, int is_final)
{
    static const uint8_t order[NUM_LENGTH_SYMBOLS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5,
                                                      11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t all[NUM_SYMBOLS + 1], symbols[NUM_SYMBOLS + 1], extra[NUM_SYMBOLS + 1];
    uint8_t own_lengths[NUM_LENGTH_SYMBOLS];
    uint32_t counts[NUM_LENGTH_SYMBOLS] = {0};
    struct code codes[NUM_LENGTH_SYMBOLS];
    int number = 0, num_own = NUM_LENGTH_SYMBOLS;
    memcpy(all, lengths, NUM_SYMBOLS);
    all[NUM_SYMBOLS] = 1;                           /* one distance: the byte before */
    for (int i = 0; i < NUM_SYMBOLS + 1; number++) {
        int zeros = 0;
        while (i + zeros < NUM_SYMBOLS && !all[i + zeros] && zeros < 138)
            zeros++;
        symbols[number] = zeros < 3 ? all[i] : zeros < 11 ? 17 : 18;
        extra[number] = (uint8_t)(zeros < 3 ? 0 : zeros < 11 ? zeros - 3 : zeros - 11);
        i += zeros < 3 ? 1 : zeros;
        counts[symbols[number]]++;
    }
    choose_lengths(counts, NUM_LENGTH_SYMBOLS, 7, own_lengths);
    assign_codes(own_lengths, NUM_LENGTH_SYMBOLS, codes);
    while (num_own > 4 && !own_lengths[order[num_own - 1]])
        num_own--;
    put(out, (uint64_t)(is_final | 2 << 1), 3);
    put(out, NUM_SYMBOLS - 257, 5);
    put(out, 0, 5);
    put(out, (uint64_t)(num_own - 4), 4);
    for (int i = 0; i < num_own; i++)
        put(out, own_lengths[order[i]], 3);
    for (int i = 0; i < number; i++) {
        put_code(out, codes[symbols[i]]);
        if (symbols[i] >= 17)
            put(out, extra[i], symbols[i] == 17 ? 3 : 7);
    }
}

/* Runs of zeros. */

/* The symbol of a match, and the bits that follow it, 3.2.5. */
static int length_symbol(size_t length, unsigned *extra, unsigned *num_extra)
{
    unsigned over = (unsigned)length - SHORTEST_MATCH, shift = 0;
    *extra = *num_extra = 0;
    if (length == LONGEST_MATCH)
        return NUM_SYMBOLS - 1;
    while (over >> shift >= 8)
        shift++;
    *num_extra = shift;
    *extra = over & ((1u << shift) - 1);
    return FIRST_LENGTH + (int)(4 * shift + (over >> shift));
}

/* A run as its first zeros, matches of the byte before as long as can be, and one more match. */
struct parts {
    size_t literals, matches, rest;
};

static struct parts parts_of(struct run run)
{
    size_t size = run.end - run.start - 1;
    struct parts parts = {1, size / LONGEST_MATCH, size % LONGEST_MATCH};
    if (parts.rest < SHORTEST_MATCH) {
        parts.literals += parts.rest;
        parts.rest = 0;
    }
    return parts;
}

static void count_run(struct run run, uint32_t *counts)
{
    struct parts parts = parts_of(run);
    unsigned extra, num_extra;
    counts[0] += (uint32_t)parts.literals;
    counts[NUM_SYMBOLS - 1] += (uint32_t)parts.matches;
    if (parts.rest)
        counts[length_symbol(parts.rest, &extra, &num_extra)]++;
}

static void put_match(struct writer *out, size_t length, const struct code *codes)
{
    unsigned extra, num_extra;
    put_code(out, codes[length_symbol(length, &extra, &num_extra)]);
    put(out, extra, num_extra);
    put(out, 0, 1);                                 /* the only distance */
}

static void put_run(struct writer *out, struct run run, const struct code *codes)
{
    struct parts parts = parts_of(run);
    for (; parts.literals; parts.literals--)
        put_code(out, codes[0]);
    for (; parts.matches; parts.matches--)
        put_match(out, LONGEST_MATCH, codes);
    if (parts.rest)
        put_match(out, parts.rest, codes);
}

/* Blocks. */

/* Count the symbols of a block and find its runs; return how many runs there are. */
INLINE size_t look_at(const uint8_t *data, size_t size, struct run *runs, uint32_t *counts)
{
    uint32_t lanes[4][256];                         /* the same byte soon again need not wait */
    size_t num_runs = 0, i = 0;
    memset(lanes, 0, sizeof lanes);
    while (i + 8 <= size) {
        uint64_t word = word_at(data + i);
        if (!word && num_runs < MAX_RUNS) {
            size_t end = i + 8;
            while (end + 8 <= size && !word_at(data + end))
                end += 8;
            while (end < size && !data[end])
                end++;
            if (end - i >= SHORTEST_RUN) {
                runs[num_runs] = (struct run){i, end};
                count_run(runs[num_runs++], counts);
                i = end;
                continue;
            }
        }
        for (int byte = 0; byte < 8; byte++)
            lanes[byte & 3][word >> 8 * byte & 255]++;
        i += 8;
    }
    for (; i < size; i++)
        lanes[0][data[i]]++;
    for (int symbol = 0; symbol < 256; symbol++)
        counts[symbol] += lanes[0][symbol] + lanes[1][symbol] + lanes[2][symbol] + lanes[3][symbol];
    return num_runs;
}

INLINE void put_literals(
    struct writer *out, const uint8_t *data, const uint8_t *end, const struct code *codes)
{
    struct writer to = *out;                        /* in registers */
    for (; end - data >= 4; data += 4) {
        struct code a = codes[data[0]], b = codes[data[1]], c = codes[data[2]], d = codes[data[3]];
        uint64_t first = a.bits | (uint64_t)b.bits << a.num_bits;
        uint64_t second = c.bits | (uint64_t)d.bits << c.num_bits;
        unsigned num_first = a.num_bits + b.num_bits;
        put(&to, first | second << num_first, num_first + c.num_bits + d.num_bits);
    }
    for (; data < end; data++)
        put_code(&to, codes[*data]);
    *out = to;
}

INLINE void put_block(struct writer *out, const uint8_t *data, size_t size, int is_final)
{
    struct run runs[MAX_RUNS];
    uint32_t counts[NUM_SYMBOLS] = {0};
    uint8_t lengths[NUM_SYMBOLS];
    struct code codes[NUM_SYMBOLS];
    size_t at = 0, num_runs = look_at(data, size, runs, counts);
    counts[END_OF_BLOCK] = 1;
    choose_lengths(counts, NUM_SYMBOLS, MAX_BITS, lengths);
    assign_codes(lengths, NUM_SYMBOLS, codes);
    put_header(out, lengths, is_final);
    for (size_t i = 0; i < num_runs; at = runs[i++].end) {
        put_literals(out, data + at, data + runs[i].start, codes);
        put_run(out, runs[i], codes);
    }
    put_literals(out, data + at, data + size, codes);
    put_code(out, codes[END_OF_BLOCK]);
}

INLINE size_t deflate_rows(
    struct stream *stream, const uint8_t *rows, size_t num_rows, int flags, uint8_t *out)
{
    struct writer to = {out, stream->bits, stream->num_bits};
    if (flags & IS_FIRST) {
        *to.at++ = 0x78;                            /* RFC 1950, 2.2 */
        *to.at++ = 0x01;
    }
    for (size_t row = 0; row < num_rows;) {
        uint8_t *end = stream->strip;
        for (size_t i = 0; i < stream->strip_rows && row < num_rows; i++, row++) {
            uint32_t filter = flags & IS_FIRST && !row ? SUB : stream->filter;
            *end++ = (uint8_t)filter;
            filter_row(rows, stream->row_bytes, stream->pixel_bytes, filter, end);
            rows += stream->row_bytes;
            end += stream->row_bytes;
        }
        size_t size = (size_t)(end - stream->strip);
        add_adler(stream, stream->strip, size);
        put_block(&to, stream->strip, size, flags & IS_LAST && row == num_rows);
    }
    if (flags & IS_LAST) {
        uint32_t adler = stream->sum_of_sums << 16 | stream->sum;
        put(&to, 0, -to.num_bits & 7);
        for (int shift = 24; shift >= 0; shift -= 8)
            *to.at++ = (uint8_t)(adler >> shift);
    }
    stream->bits = to.bits;
    stream->num_bits = to.num_bits;
    return (size_t)(to.at - out);
}

#if defined(__x86_64__) && !defined(PLAIN)
__attribute__((target("avx2,bmi,bmi2"))) static size_t deflate_rows_avx2(
    struct stream *stream, const uint8_t *rows, size_t num_rows, int flags, uint8_t *out)
{
    return deflate_rows(stream, rows, num_rows, flags, out);
}
#endif

/* Deflate some rows of a picture, from the first to the last over any number of calls.
 *
 * The row above the first of `rows` lies before it, but for the picture's first. `out` has room for
 * 3/2 of the filtered rows, 512 bytes for each strip and 16 more. Returns how many bytes it got.
 */
size_t filmstrip_deflate_rows(
    struct stream *stream, const uint8_t *rows, size_t num_rows, int flags, uint8_t *out)
{
#if defined(__x86_64__) && !defined(PLAIN)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return deflate_rows_avx2(stream, rows, num_rows, flags, out);
#endif
    return deflate_rows(stream, rows, num_rows, flags, out);
}
