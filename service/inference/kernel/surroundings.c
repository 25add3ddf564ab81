/* What stands around a stretch of words that may name a place: Surroundings and Reader._reads in C. */
#include "places.h"

#define SPACE 0x20

static int opens_sentence(const Near *near, int64_t start) {
    const uint8_t *text = near->part->text;
    const int64_t least = start > 4 ? start - 4 : 0;
    int64_t before = start;
    while (before > least && is(near->p, text[before - 1], OPENING)) before--;
    return before == least ? start < near->p->opening : is(near->p, text[before - 1], SENTENCE_END);
}

/* Whether an adjective that ends here is of what carries its name everywhere. */
int names_goods(const Places *p, const Part *part, int64_t end, int level) {
    return (beginning(&p->said, part->folded, part->length, end + 1) & (level == CITY ? ELSEWHERE : CULTURE)) != 0;
}

/* The word that ends at `end`: where it starts, no further back than `reach`. */
static int64_t start_of(const Part *part, int64_t end, int64_t reach) {
    int64_t start = end;
    while (start > 0 && end - start < reach && part->folded[start - 1] != SPACE) start--;
    return start;
}

/* The word before `start` when only a space, or «г.» and a space, stand between: its sets, where it starts, its length. */
static uint32_t previous(const Near *near, int64_t start, int64_t reach, int64_t *length) {
    const Part *part = near->part;
    const uint8_t *text = part->text;
    int64_t end = start - 1;
    *length = 0;
    if (start < 2 || part->folded[end] != SPACE) return 0;
    int stop = text[end] == '.';
    if (!stop) {
        if (text[end] != ' ') return 0;
        if (text[end - 1] == '.') {
            end--;
            stop = 1;
        }
    }
    const int64_t begin = start_of(part, end, reach);
    const uint32_t said = whole(&near->p->said, part->folded, begin, end);
    if (stop && !(said & ABBREVIATED)) return 0;
    *length = end - begin;
    return said;
}

static uint32_t word_before(const Near *near, int64_t start) {
    int64_t length;
    return previous(near, start, LONGEST_STRING + 1, &length);
}

static int capital_at(const Near *near, int64_t position) { return is(near->p, at(near->part, position), UPPER); }

static int begins(const Near *near, int64_t position, uint32_t stems) {
    return (beginning(&near->p->said, near->part->folded, near->part->length, position) & stems) != 0;
}

static int placed(const Near *near, int own) {
    return (word_before(near, near->list_start) & (BEFORE_A_CITY | (own ? SETTLEMENT : 0))) != 0;
}

static int owned(const Near *near, int32_t place) {
    if (!(word_before(near, near->list_start) & OWNED_BY_A_PLACE)) return 0;
    if (place < 0) return 1;
    const int32_t *label = near->p->label_start + place;
    const int64_t length = label[1] - label[0];
    return length != near->end - near->start ||
           memcmp(near->p->labels + label[0], near->part->text + near->start, (size_t)length);
}

static int is_part_of_compound(const Near *near) {
    const uint8_t before = at(near->part, near->start - 1), after = at(near->part, near->end);
    if (near->start && !near->in_list && (before == '-' || before == '_' || before == '@' || before == '#')) return 1;
    return (after == '-' || after == '_') && !near->before_hit &&
           is(near->p, at(near->part, near->end + 1), UPPER | DIGIT_MARK);
}

static int before_a_name(const Near *near) {
    return !near->before_hit && at(near->part, near->end) == ' ' && capital_at(near, near->end + 1);
}

static int before_a_predicate(const Near *near) {
    const Part *part = near->part;
    const int64_t begin = near->end + 1;
    if (begin >= part->length || part->text[near->end] != ' ' || part->folded[begin] == SPACE) return 0;
    int64_t end = begin;
    while (end < part->length && part->folded[end] != SPACE) end++;
    return (ending(&near->p->endings, part->folded, begin, end) & PAST) != 0;
}

static int is_of_noun(const Near *near, uint32_t said, int64_t length, int country) {
    const int64_t begin = near->start - 1 - length;
    if (said & TITLED || begins(near, begin, STREETS)) return 0;
    if (capital_at(near, begin) && !all_capitals(near->p, near->part->text, begin, near->start - 1)) {
        if (!opens_sentence(near, begin)) return country || near->in_list;
        return !before_a_predicate(near);
    }
    return 1;
}

static int is_adjective(const Near *near, int level) {
    const int country = level == COUNTRY;
    const int64_t end = near->end;
    const uint8_t after = at(near->part, end);
    if (after == ' ') {
        if (names_goods(near->p, near->part, end, level)) return 0;
        if (near->capital && begins(near, end + 1, STREETS) && !(country && opens_sentence(near, near->start))) return 0;
    }
    if (!near->capital) return 1;
    int64_t length;
    const uint32_t said = previous(near, near->start, near->start, &length);
    if (length && !is_of_noun(near, said, length, country)) return 0;
    return country || ((after == ' ' || after == '-' || after == ',') && !capital_at(near, end + 1));
}

/* Whether a phrase is read here as its place. */
int reads(const Near *near, int32_t phrase, int several_words) {
    const Places *p = near->p;
    const int kind = p->kind[phrase], doubt = p->doubt[phrase];
    const int32_t place = p->place[phrase];
    const int level = place < 0 ? NO_LEVEL : p->level[place], own = place >= 0 && p->own[place];
    if (kind == ADJECTIVE) return is_adjective(near, level);
    if (kind == BLOCK) return 1;
    if (kind == DEMONYM) return !near->capital || (doubt == CLEAR && opens_sentence(near, near->start));
    if (!near->capital || is_part_of_compound(near)) return 0;
    if (kind == ABBREVIATION && (!all_capitals(p, near->part->text, near->start, near->end) ||
                                 (near->start && near->part->text[near->start - 1] == '.')))
        return 0;
    if (level == CITY) {
        if (several_words && !capital_at(near, near->last_word)) return 0;
        if (word_before(near, near->start) & WATER) return 0;
    }
    if (doubt == CLEAR || doubt == SUPPORTED) return 1;
    if (doubt == WORDLIKE)
        return (!opens_sentence(near, near->start) || placed(near, own)) && !before_a_name(near);
    if (begins(near, near->end + 1, DISTRICTS)) return 0;
    if (doubt == INSTRUMENTAL)
        return near->in_list || (word_before(near, near->start) & BEFORE_AN_INSTRUMENTAL) != 0;
    return (placed(near, own) || owned(near, place)) && !before_a_name(near);
}

/* A sure name is a place unless it is part of a compound or a river. */
int stands_alone(const Near *near) {
    const Part *part = near->part;
    const int64_t start = near->start, end = near->end;
    const uint8_t before = at(part, start - 1), after = at(part, end);
    if (start && !near->in_list && (before == '-' || before == '_' || before == '@' || before == '#')) return 0;
    if (end < part->length && (after == '-' || after == '_') && !near->before_hit && end + 1 < part->length)
        return !is(near->p, part->text[end + 1], UPPER | DIGIT_MARK);
    if (start < 2 || before != ' ') return 1;
    const int64_t begin = start_of(part, start - 1, LONGEST_STRING + 1);
    return !(whole(&near->p->said, part->folded, begin, start - 1) & WATER);
}
