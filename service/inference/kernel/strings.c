/* Small tables of strings with a flag for each set that a string is in. */
#include "places.h"

static const String *bucket(const Strings *strings, uint8_t first, uint8_t second, const String **end) {
    const int32_t *start = strings->start + ((first << 2 ^ second) & (BUCKETS - 1));
    *end = strings->strings + start[1];
    return strings->strings + start[0];
}

/* Sets of which `text[start:end]` is one. */
uint32_t whole(const Strings *strings, const uint8_t *text, int64_t start, int64_t end) {
    const int64_t length = end - start;
    if (length < 1 || length > LONGEST_STRING) return 0;
    const String *stop, *one = bucket(strings, text[start], length > 1 ? text[start + 1] : ' ', &stop);
    for (; one < stop; one++)
        if (one->length == length && !memcmp(one->bytes, text + start, (size_t)length)) return one->as_whole;
    return 0;
}

/* Sets that have something with which the text goes on from `start`; all of theirs are two characters and more. */
uint32_t beginning(const Strings *strings, const uint8_t *text, int64_t length, int64_t start) {
    if (start < 0 || start + 2 > length) return 0;
    const String *stop, *one = bucket(strings, text[start], text[start + 1], &stop);
    uint32_t found = 0;
    for (; one < stop; one++)
        if (one->as_part && one->length <= length - start && !memcmp(one->bytes, text + start, one->length))
            found |= one->as_part;
    return found;
}

/* Sets that have something with which `text[start:end]` ends. */
uint32_t ending(const Strings *strings, const uint8_t *text, int64_t start, int64_t end) {
    uint32_t found = 0;
    for (const String *one = strings->strings; one < strings->strings + strings->count; one++)
        if (one->length <= end - start && !memcmp(one->bytes, text + end - one->length, one->length))
            found |= one->as_part;
    return found;
}

/* What Python's isupper() tells of a string. */
int all_capitals(const Places *p, const uint8_t *text, int64_t start, int64_t end) {
    int capital = 0;
    for (int64_t i = start; i < end; i++) {
        if (is(p, text[i], LOWER)) return 0;
        capital |= is(p, text[i], UPPER);
    }
    return capital;
}
