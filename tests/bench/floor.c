/* The least that an article costs: its words scanned and looked up, a TF-IDF row of single lemmas, the rubrics' product.
 * No pairs, no blocks, no names, no tags; one table of words with the column beside. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define GOLDEN 0x9E3779B97F4A7C15u
#define LETTERS 28

typedef struct {
    uint8_t word[LETTERS];
    int32_t column; /* -1: an empty place */
} Slot;

static uint64_t hash_of(const uint8_t *word) {
    uint64_t parts[4] = {0}, mixed = 0;
    memcpy(parts, word, LETTERS);
    for (int i = 0; i < 4; i++) mixed = (mixed ^ parts[i]) * GOLDEN;
    return mixed;
}

/* Where the word is, or where it would go. */
static int64_t place_of(const Slot *slots, int64_t shift, const uint8_t *word) {
    const int64_t mask = ((int64_t)1 << (64 - shift)) - 1;
    int64_t at = (int64_t)(hash_of(word) >> shift);
    while (slots[at].column >= 0 && memcmp(slots[at].word, word, LETTERS)) at = (at + 1) & mask;
    return at;
}

void fill(Slot *slots, int64_t shift, int64_t count, const uint8_t *words, const int32_t *columns) {
    for (int64_t i = 0; i < count; i++) {
        Slot *slot = slots + place_of(slots, shift, words + i * LETTERS);
        memcpy(slot->word, words + i * LETTERS, LETTERS);
        slot->column = columns[i];
    }
}

/* `fold` maps a byte of cp1251 to its lower case, or to a space; `counts` is zero for all columns, and is so again. */
void margins(const uint8_t *text, int64_t length, const uint8_t *fold, const Slot *slots, int64_t shift,
             const float *idf, const float *weights, int64_t classes, int32_t *counts, int32_t *columns, float *totals) {
    int64_t found = 0, at = 0;
    while (at < length) {
        uint8_t word[LETTERS] = {0};
        int64_t letters = 0;
        for (; at < length && fold[text[at]] == ' '; at++) {}
        for (; at < length && fold[text[at]] != ' '; at++, letters++)
            if (letters < LETTERS) word[letters] = fold[text[at]];
        if (!letters || letters > LETTERS) continue;
        const int32_t column = slots[place_of(slots, shift, word)].column;
        if (column >= 0 && !counts[column]++) columns[found++] = column;
    }
    double squares = 0;
    memset(totals, 0, (size_t)classes * sizeof *totals);
    for (int64_t i = 0; i < found; i++) {
        if (i + 8 < found) __builtin_prefetch(weights + (int64_t)columns[i + 8] * classes);
        const int32_t column = columns[i];
        const float value = idf[column] * (counts[column] > 1 ? 1 + logf((float)counts[column]) : 1);
        const float *row = weights + (int64_t)column * classes;
        counts[column] = 0;
        squares += value * value;
        for (int64_t c = 0; c < classes; c++) totals[c] += value * row[c];
    }
    const float scale = squares > 0 ? 1 / (float)sqrt(squares) : 0;
    for (int64_t c = 0; c < classes; c++) totals[c] *= scale;
}
