/* Classes -> TF-IDF rows: Features._matrix in C. */
#include "kernel.h"

#define TITLE 1
#define LEAD 2
#define DIGIT 10 /* bits of a digit to sort by: two do for the columns of most models */

static inline int64_t pair_of(const Vocabulary *v, int64_t first, int64_t second) {
    return first * (v->lemmas + 1) + second;
}

static inline const uint8_t *perhaps(const Vocabulary *v, int64_t pair) {
    return v->perhaps + ((uint64_t)pair * GOLDEN >> v->hash_shift);
}

/* 0 if the pair is no feature. Of a first lemma there are some pairs, of all a hundred thousand. */
static int64_t feature_of_pair(const Vocabulary *v, int64_t first, int64_t second) {
    const int64_t wanted = pair_of(v, first, second);
    int64_t low = v->pairs_start[first], high = v->pairs_start[first + 1];
    const int64_t end = high;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (v->pairs[middle] < wanted) low = middle + 1;
        else high = middle;
    }
    return low < end && v->pairs[low] == wanted ? v->lemmas + 1 + low : 0;
}

/* The columns of every occurrence in a title or a body, of a body's lead too; `spare` has room for two a word. Each
 * loop asks for the memory of the next. */
static int64_t occurrences(const Vocabulary *v, const int32_t *classes, int64_t words, int title, int32_t *spare,
                           int32_t *cells) {
    const int64_t block = v->lemmas + v->pair_count + 1;
    const int32_t *home = v->column + (title ? TITLE * block : 0), *lead = v->column + LEAD * block;
    int32_t *lemma = spare, *pair = spare + words;
    int64_t kept = 0, found = 0;
    for (int64_t i = 0; i < words; i++) {
        if (i + AHEAD < words) __builtin_prefetch(v->lemma_of_class + classes[i + AHEAD]);
        lemma[kept] = v->lemma_of_class[classes[i]];
        kept += lemma[kept] >= 0;
    }
    for (int64_t i = 0; i < kept; i++) {
        __builtin_prefetch(home + lemma[i]);
        if (i && lemma[i - 1] && lemma[i]) __builtin_prefetch(perhaps(v, pair_of(v, lemma[i - 1], lemma[i])));
    }
    for (int64_t i = 0; i < kept; i++) {
        pair[i] = i && lemma[i - 1] && lemma[i] && *perhaps(v, pair_of(v, lemma[i - 1], lemma[i]));
        if (!pair[i]) continue;
        const int32_t *start = v->pairs_start + lemma[i - 1];
        __builtin_prefetch(v->pairs + (start[0] + start[1]) / 2);
    }
    for (int64_t i = 0; i < kept; i++) {
        if (!pair[i]) continue;
        pair[i] = (int32_t)feature_of_pair(v, lemma[i - 1], lemma[i]);
        __builtin_prefetch(home + pair[i]);
    }
    for (int64_t i = 0; i < kept; i++) {
        const int32_t features[2] = {lemma[i], pair[i]};
        for (int one = 0; one < 2 && features[one]; one++) {
            if (home[features[one]] >= 0) cells[found++] = home[features[one]];
            if (!title && i < v->lead_words && lead[features[one]] >= 0) cells[found++] = lead[features[one]];
        }
    }
    return found;
}

/* Least significant digit first, none of the cells negative; `spare` is as long. */
void sort(int32_t *cells, int64_t length, int32_t *spare) {
    uint32_t all = 1;
    for (int64_t i = 0; i < length; i++) all |= (uint32_t)cells[i];
    const int bits = 32 - __builtin_clz(all), passes = bits > 2 * DIGIT ? 4 : 2; /* even: it ends where it began */
    const int width = (bits + passes - 1) / passes, digits = 1 << width;
    int32_t *from = cells, *to = spare;
    for (int pass = 0; pass < passes; pass++) {
        const int shift = pass * width;
        int32_t start[(1 << DIGIT) + 1];
        memset(start, 0, (size_t)(digits + 1) * sizeof *start);
        for (int64_t i = 0; i < length; i++) start[(from[i] >> shift & (digits - 1)) + 1]++;
        for (int digit = 0; digit < digits; digit++) start[digit + 1] += start[digit];
        for (int64_t i = 0; i < length; i++) to[start[from[i] >> shift & (digits - 1)]++] = from[i];
        int32_t *swap = from;
        from = to;
        to = swap;
    }
}

/* Factor of each block: each to length 1, times its weight, all together to length 1 again. */
static void scales(const Vocabulary *v, const double *squares, double *scale) {
    double whole = 0;
    for (int block = 0; block < BLOCKS; block++)
        if (squares[block] > 0) whole += v->weights[block] * v->weights[block];
    whole = whole > 0 ? __builtin_sqrt(whole) : 1;
    for (int block = 0; block < BLOCKS; block++)
        scale[block] = squares[block] > 0 ? v->weights[block] / __builtin_sqrt(squares[block]) / whole : 0;
}

/* One row from the classes of a title and of the body behind it; `cells` and `spare` have room for four a word. */
int64_t row(const Vocabulary *v, const int32_t *classes, int64_t title, int64_t body, int32_t *cells,
                   int32_t *spare, int32_t *columns, float *values) {
    double squares[BLOCKS] = {0}, scale[BLOCKS];
    int64_t length = occurrences(v, classes, title, 1, spare, cells), end = 0;
    length += occurrences(v, classes + title, body, 0, spare, cells + length);
    sort(cells, length, spare);
    for (int64_t first = 0, last; first < length; first = last) {
        for (last = first + 1; last < length && cells[last] == cells[first]; last++) {}
        spare[end] = (int32_t)(last - first < v->most_counted ? last - first : v->most_counted);
        columns[end++] = cells[first];
    }
    for (int pass = 0; pass < 2; pass++) { /* first the lengths, then the values */
        for (int64_t i = 0; i < end; i++) {
            const int block = (columns[i] >= v->first_column[TITLE]) + (columns[i] >= v->first_column[LEAD]);
            const double value = v->idf[columns[i]] * v->term_frequency[spare[i]];
            if (pass) values[i] = (float)(value * scale[block]);
            else squares[block] += value * value;
        }
        if (!pass) scales(v, squares, scale);
    }
    return end;
}

/* Rows of a batch. `classes` holds title, body, title, body …, section s those from sections[s] to sections[s + 1].
 * `cells` and `spare` have room for four a word of the longest article, `columns` and `values` for four a word of all. */
void tf_idf(const Vocabulary *v, int64_t articles, const int64_t *sections, const int32_t *classes, int32_t *cells,
            int32_t *spare, int64_t *start, int32_t *columns, float *values) {
    start[0] = 0;
    for (int64_t i = 0; i < articles; i++) {
        const int64_t *at = sections + 2 * i;
        start[i + 1] = start[i] + row(v, classes + at[0], at[1] - at[0], at[2] - at[1], cells, spare,
                                      columns + start[i], values + start[i]);
    }
}
