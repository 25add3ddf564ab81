/* Words of a folded text -> classes: the automaton of dawgdic (Yata 2008) as the dawg package stores it, and a memo. */
#include "kernel.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first letter of a word has to be its lowest byte");

#define SPACE 0x20
#define HAS_VALUE(unit) ((unit) >> 8 & 1)
#define OFFSET(unit) ((unit) >> 10 << (((unit) & 1u << 9) >> 6))
#define LABEL(unit) ((unit) & (1u << 31 | 0xFF))
#define VALUE(unit) ((int32_t)((unit) & ~(1u << 31)))
#define GROUP 64 /* words whose places in the memo are asked for together */

/* A word on its way through the automaton. */
typedef struct {
    const uint8_t *letter, *end;
    int64_t at, number; /* the unit that it has come to; which word it is */
} Walk;

/* One letter on; false at the end, when `found` is the word's class. */
static int step(const Automaton *automaton, Walk *walk, int32_t *found) {
    const uint32_t *units = automaton->units;
    int64_t at = walk->at ^ OFFSET(units[walk->at]);
    *found = 0;
    if (walk->letter < walk->end) {
        at ^= *walk->letter;
        if (at >= automaton->length || LABEL(units[at]) != *walk->letter) return 0;
        walk->at = at;
        walk->letter++;
        return 1;
    }
    const int32_t value = HAS_VALUE(units[walk->at]) && at < automaton->length ? VALUE(units[at]) : 0;
    if (value < automaton->classes) *found = value;
    return 0;
}

/* All words side by side, a letter each: so their waits for memory fall together. */
static void walk_on(const Automaton *automaton, Walk *walks, int64_t walking, int32_t *classes) {
    while (walking)
        for (int64_t i = 0; i < walking;) {
            if (step(automaton, walks + i, classes + walks[i].number)) i++;
            else walks[i] = walks[--walking];
        }
}

/* Bit i: whether byte i of these 64 belongs to a word. Eight bytes are compared at a time; the product gathers the upper
 * bits of theirs. */
static uint64_t inside(const uint8_t *text) {
    uint64_t found = 0;
    for (int i = 0; i < 64; i += 8) {
        uint64_t eight;
        memcpy(&eight, text + i, sizeof eight);
        eight ^= 0x2020202020202020u;
        eight = ((eight & 0x7F7F7F7F7F7F7F7Fu) + 0x7F7F7F7F7F7F7F7Fu) | eight;
        found |= (eight & 0x8080808080808080u) * 0x0002040810204081u >> 56 << i;
    }
    return found;
}

/* Where words start and end, in turn; returns how many words there are, at most (length + 1) / 2. */
static int64_t words_of(const uint8_t *text, int64_t length, int32_t *edges) {
    uint64_t before = 0; /* whether the byte before belongs to a word */
    int64_t found = 0;
    for (int64_t at = 0; at < length; at += 64) {
        uint8_t rest[64];
        if (length - at < 64) {
            memset(rest, SPACE, sizeof rest);
            memcpy(rest, text + at, (size_t)(length - at));
        }
        const uint64_t now = inside(length - at < 64 ? rest : text + at);
        for (uint64_t edge = now ^ (now << 1 | before); edge; edge &= edge - 1)
            edges[found++] = (int32_t)(at + __builtin_ctzll(edge));
        before = now >> 63;
    }
    if (before) edges[found++] = (int32_t)length;
    return found / 2;
}

/* A word's bytes, then zeros; of a longer one the first. `left`: bytes of the text from the word's first on. */
static void put(Known *key, const uint8_t *word, int64_t length, int64_t left) {
    if (left < (int64_t)sizeof key->word) {
        memset(key->word, 0, sizeof key->word);
        memcpy(key->word, word, (size_t)(length < left ? length : left));
        return;
    }
    memcpy(key->word, word, sizeof key->word); /* a size known beforehand is a few moves and no call */
    for (int64_t i = 0; i < 3; i++) {
        const int64_t of_word = length - 8 * i;
        if (of_word < 8) key->word[i] &= of_word <= 0 ? 0 : ((uint64_t)1 << 8 * of_word) - 1;
    }
}

/* The class of each word of a folded text, and in `edges` where it starts and ends; returns how many words there are. */
int64_t classes_of_words(const Automaton *automaton, const uint8_t *text, int64_t length, int32_t *edges,
                         int32_t *classes) {
    const int64_t words = words_of(text, length, edges);
    Known keys[GROUP], (*places[GROUP])[KEPT];
    for (int64_t first = 0; first < words; first += GROUP) {
        const int64_t group = words - first < GROUP ? words - first : GROUP;
        Walk walks[GROUP];
        int64_t unknown[GROUP], walking = 0;
        for (int64_t i = 0; i < group; i++) {
            Known *key = keys + i;
            const int32_t *edge = edges + 2 * (first + i);
            put(key, text + edge[0], edge[1] - edge[0], length - edge[0]);
            const uint64_t mixed = ((key->word[0] * GOLDEN ^ key->word[1]) * GOLDEN ^ key->word[2]) * GOLDEN;
            places[i] = automaton->memo + (mixed >> (64 - MEMO_BITS));
            __builtin_prefetch(places[i]);
        }
        for (int64_t i = 0; i < group; i++) {
            const Known *key = keys + i, *place = *places[i];
            const int32_t *edge = edges + 2 * (first + i);
            int known = edge[1] - edge[0] <= (int64_t)sizeof key->word;
            for (int way = 0; way < KEPT && known; way++, place++)
                if (!memcmp(place->word, key->word, sizeof key->word)) break;
            known = known && place < *places[i] + KEPT;
            if (known) {
                classes[first + i] = (int32_t)place->class;
            } else {
                const Walk walk = {text + edge[0], text + edge[1], 0, first + i};
                unknown[walking] = i;
                walks[walking++] = walk;
            }
        }
        const int64_t met = walking;
        walk_on(automaton, walks, walking, classes);
        for (int64_t i = 0; i < met; i++) {
            const int32_t *edge = edges + 2 * (first + unknown[i]);
            Known *key = keys + unknown[i], *place = *places[unknown[i]];
            if (edge[1] - edge[0] > (int64_t)sizeof key->word) continue;
            key->class = classes[first + unknown[i]];
            place[1] = place[0];
            place[0] = *key;
        }
    }
    return words;
}
