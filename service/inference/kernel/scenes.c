/* Where an event took place: with_scenes of scenes.py in C. */
#include "places.h"

#define MODIFIERS 4
#define NOWHERE (-1)
#define HAPPENS 0

/* The first words of a part, with what clause and sentence each is in. */
typedef struct {
    const Places *p;
    const Part *part;
    const int32_t (*events)[2];
    int64_t told, words;
    int happens[LEAD], clauses[LEAD], sentences[LEAD]; /* ends of clauses and of sentences before each word */
    int parted;                                        /* whether those were counted */
} Lead;

static int64_t start(const Lead *lead, int64_t word) { return lead->part->edges[2 * word]; }

static int64_t end(const Lead *lead, int64_t word) { return lead->part->edges[2 * word + 1]; }

static uint32_t says(const Lead *lead, int64_t word) {
    if (word < 0 || word >= lead->words) return 0;
    return whole(&lead->p->said, lead->part->folded, start(lead, word), end(lead, word));
}

static uint32_t starts_with(const Lead *lead, int64_t word) {
    if (word < 0 || word >= lead->words) return 0;
    return beginning(&lead->p->said, lead->part->folded, lead->part->length, start(lead, word));
}

static int happens(const Lead *lead, int64_t word) { return word >= 0 && word < lead->words && lead->happens[word]; }

static int goes_on(const Lead *lead, const Mention *mention, uint32_t how) {
    return (beginning(&lead->p->gaps, lead->part->text, lead->part->length, mention->end) & how) != 0;
}

static int gap(const Lead *lead, int64_t from, int64_t to, uint32_t kind) {
    return to > from && (whole(&lead->p->gaps, lead->part->text, from, to) & kind) != 0;
}

/* Whether a mark ends a clause: no hyphen, no «г.» */
static int ends_clause(const Lead *lead, int64_t position) {
    const Part *part = lead->part;
    const uint8_t mark = part->text[position], after = at(part, position + 1);
    if (!is(lead->p, mark, CLAUSE)) return 0;
    if (is(lead->p, mark, DASH)) return position > 0 && part->text[position - 1] == ' ' && after == ' ';
    if (mark == '.') return is(lead->p, after, BLANK) && is(lead->p, at(part, position + 2), UPPER);
    return 1;
}

static void part_clauses(Lead *lead) {
    if (lead->parted) return;
    lead->parted = 1;
    int clauses = 0, sentences = 0;
    int64_t position = 0;
    for (int64_t word = 0; word < lead->words; word++) {
        for (; position < start(lead, word); position++)
            if (ends_clause(lead, position)) {
                clauses++;
                sentences += is(lead->p, lead->part->text[position], SCENE_END);
            }
        lead->clauses[word] = clauses;
        lead->sentences[word] = sentences;
    }
}

/* Whether one of the two words before starts with a stem, in the same clause. */
static int after(const Lead *lead, int64_t word, uint32_t stems) {
    for (int64_t before = word - 1; before >= word - 2; before--) {
        if (before < 0 || !gap(lead, end(lead, before), start(lead, before + 1), GAP)) return 0;
        if (starts_with(lead, before) & stems && !happens(lead, before)) return 1;
    }
    return 0;
}

/* Whether the case is the accusative: by the endings of the first word, and of the second of two. */
static int is_direction(const Lead *lead, const Mention *mention, int64_t preposition) {
    const Part *part = lead->part;
    if (all_capitals(lead->p, part->text, mention->start, mention->end) &&
        !all_capitals(lead->p, part->text, 0, mention->start))
        return after(lead, preposition, MOVERS);
    const int64_t words = mention->last - mention->word == 2 ? 2 : 1;
    int told = 0, uncertain = 1;
    for (int64_t word = mention->word; word < mention->word + words; word++) {
        const int64_t begin = part->edges[2 * word], finish = part->edges[2 * word + 1];
        const uint32_t ends = ending(&lead->p->endings, part->folded, begin, finish);
        if (!(ends & LOCATIVE)) continue;
        if (ends & ENDS_IN_U && !(whole(&lead->p->said, part->folded, begin, finish) & LOCATIVE_IN_U)) continue;
        told = 1;
        uncertain &= (ends & UNCERTAIN) != 0;
    }
    return !told || (uncertain && after(lead, preposition, MOVERS));
}

/* «в Туле», «в центре Тулы»; not «в Тулу», «в суд Тулы», «на жителя Тулы». */
static int is_inside(const Lead *lead, const Mention *mention, int64_t preposition) {
    const Part *part = lead->part;
    if (preposition + 1 == mention->word)
        return !is_direction(lead, mention, preposition) || goes_on(lead, mention, WHERE);
    if (mention->kind == ADJECTIVE) return 0;
    int gathers = 0;
    for (int64_t word = preposition + 1; word < mention->word; word++) {
        if (starts_with(lead, word) & TAKERS) return 0;
        gathers = (says(lead, word) & GATHERING) != 0;
        if (!gathers && all_capitals(lead->p, part->text, start(lead, word), end(lead, word))) return 0;
    }
    const int64_t last = mention->word - 1;
    return gathers || (ending(&lead->p->endings, part->folded, start(lead, last), end(lead, last)) & LOCATIVE) != 0;
}

/* No office, hospital or verb of speech or motion beside it takes the place for itself. */
static int is_free(const Lead *lead, const Mention *mention, int64_t preposition) {
    const Part *part = lead->part;
    if (goes_on(lead, mention, WHERE)) return 1;
    if (after(lead, preposition, TAKERS)) return 0;
    if (at(part, mention->end) != ' ') return 1;
    const uint32_t stems = beginning(&lead->p->said, part->folded, part->length, mention->end + 1);
    return !(stems & (mention->kind == ADJECTIVE ? TAKERS : TELLERS));
}

/* The word that puts the mention in space as the scene of something. */
static int64_t preposition_of(const Lead *lead, const Mention *mention) {
    const int64_t first = mention->word;
    if (goes_on(lead, mention, ROUTE)) return NOWHERE;
    for (int64_t word = first - 1; word >= 0 && word > first - MODIFIERS - 2; word--) {
        if (!gap(lead, end(lead, word), start(lead, word + 1), GAP)) break;
        const uint32_t said = says(lead, word);
        if (said & SAYS_IN)
            return is_inside(lead, mention, word) && is_free(lead, mention, word) ? word : NOWHERE;
        if (said & SAYS_NEAR) {
            const int near = word + 1 == first || starts_with(lead, word + 1) & SCENERY;
            return near && is_free(lead, mention, word) ? word : NOWHERE;
        }
        if (said & SAYS_FAR_FROM && says(lead, word - 1) & SAYS_AWAY) return word - 1;
        if (said & SAYS_FROM)
            return word > 1 && starts_with(lead, word - 1) & WAYS && says(lead, word - 2) & SAYS_IN ? word - 2 : NOWHERE;
    }
    const int64_t named = says(lead, first - 1) & CITY_WORD ? first - 2 : first - 1;
    return happens(lead, named) && mention->kind < ADJECTIVE ? named : NOWHERE;
}

static int in_clause(const Lead *lead, int clause, int happening) {
    for (int64_t i = 0; i < lead->told; i++)
        if (lead->clauses[lead->events[i][0]] == clause && (!happening || lead->happens[lead->events[i][0]])) return 1;
    return 0;
}

/* The number of the mention's sentence if its clause, or all of it that the place opens, tells of an event. */
static int sentence_told(Lead *lead, const Mention *mention, int64_t preposition) {
    part_clauses(lead);
    const int sentence = lead->sentences[mention->word], clause = lead->clauses[mention->word];
    int64_t opening = 0;
    while (lead->sentences[opening] < sentence) opening++;
    if (says(lead, opening) & SAYS_EARLIER) return NOWHERE;
    if (in_clause(lead, clause, 1) || (goes_on(lead, mention, WHERE) && in_clause(lead, clause + 1, 1))) return sentence;
    if (preposition != opening) return NOWHERE;
    for (int64_t word = 0; word < lead->words; word++)
        if (lead->happens[word] && lead->sentences[word] == sentence)
            return in_clause(lead, clause, 0) ? NOWHERE : sentence;
    return NOWHERE;
}

/* Those in the lead that say where something happened get their sentence's number from 1 on. */
void mark_scenes(const Places *p, const Part *part, Mention *mentions, int64_t count, const int32_t (*events)[2],
                 int64_t told) {
    Lead lead = {.p = p, .part = part, .events = events, .told = told, .words = part->words < LEAD ? part->words : LEAD};
    for (int64_t i = 0; i < told; i++)
        if (events[i][1] == HAPPENS) lead.happens[events[i][0]] = 1;
    const Mention *before = 0;
    for (Mention *one = mentions; one < mentions + count && one->word < LEAD; one++) {
        if (before && gap(&lead, before->end, one->start, SAME_PLACE)) { /* «в Орле и Туле» */
            one->scene = before->scene;
            before = one;
            continue;
        }
        const int64_t preposition = preposition_of(&lead, one);
        const int sentence = preposition == NOWHERE ? NOWHERE : sentence_told(&lead, one, preposition);
        before = sentence == NOWHERE ? 0 : one;
        if (before) one->scene = sentence + 1;
    }
}
