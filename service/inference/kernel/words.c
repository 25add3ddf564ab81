/* Words of a folded text -> classes: the automaton of dawgdic (Yata 2008) as the dawg package stores it, and a memo. */
#include "kernel.h"

#define SPACE 0x20
#define HAS_VALUE(unit) ((unit) >> 8 & 1)
#define OFFSET(unit) ((unit) >> 10 << (((unit) & 1u << 9) >> 6))
#define LABEL(unit) ((unit) & (1u << 31 | 0xFF))
#define VALUE(unit) ((int32_t)((unit) & ~(1u << 31)))
#define GROUP 64 /* words whose places in the memo are asked for together */

static int32_t class_of(const Automaton *automaton, const uint8_t *word, const uint8_t *end) {
    const uint32_t *units = automaton->units;
    int64_t at = 0;
    for (; word < end; word++) {
        at ^= OFFSET(units[at]) ^ *word;
        if (at >= automaton->length || LABEL(units[at]) != *word) return 0;
    }
    if (!HAS_VALUE(units[at])) return 0;
    at ^= OFFSET(units[at]);
    const int32_t value = at < automaton->length ? VALUE(units[at]) : 0;
    return value < automaton->classes ? value : 0;
}

/* The class of each word of a folded text; returns how many words there are, at most (length + 1) / 2. */
int64_t classes_of_words(const Automaton *automaton, const uint8_t *text, int64_t length, int32_t *classes) {
    const uint8_t *end = text + length, *begins[GROUP], *ends[GROUP];
    Known keys[GROUP], *places[GROUP];
    int64_t words = 0;
    while (text < end) {
        int group = 0;
        for (; group < GROUP; group++) {
            while (text < end && *text == SPACE) text++;
            if (text == end) break;
            begins[group] = text;
            while (text < end && *text != SPACE) text++;
            ends[group] = text;
            Known *key = keys + group;
            const size_t bytes = (size_t)(text - begins[group]);
            memset(key->word, 0, sizeof key->word);
            memcpy(key->word, begins[group], bytes < sizeof key->word ? bytes : sizeof key->word);
            const uint64_t mixed = ((key->word[0] * GOLDEN ^ key->word[1]) * GOLDEN ^ key->word[2]) * GOLDEN;
            places[group] = automaton->memo + (mixed >> (64 - MEMO_BITS));
            __builtin_prefetch(places[group]);
        }
        for (int i = 0; i < group; i++) {
            Known *key = keys + i, *place = places[i];
            if (ends[i] - begins[i] > (int64_t)sizeof key->word) {
                classes[words++] = class_of(automaton, begins[i], ends[i]);
            } else {
                if (memcmp(place->word, key->word, sizeof key->word)) {
                    key->class = class_of(automaton, begins[i], ends[i]);
                    *place = *key;
                }
                classes[words++] = (int32_t)place->class;
            }
        }
    }
    return words;
}
