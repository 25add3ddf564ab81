/* Hits of the matcher in one part of an article -> mentions of places: Reader of mentions.py in C. */
#include "places.h"

#define WIDEST_GAP 5   /* « или » */
#define LONGEST_NAME 51
#define NAMED_WORDS 5
#define FEWEST_GAPS_OF_SPEECH 2
#define LONGEST_QUOTED 50
#define OPENS 0xAB /* « */
#define CLOSES 0xBB

/* Quotations in marks that look alike at both ends: only counting from the first tells which opens. */
typedef struct {
    int64_t next, start, end; /* where to look on, and the last quotation found */
    int there;                /* whether there are marks that may stand at both ends; -1: not looked yet */
} Quoted;

/* What may be places, in order, of those at one word the longest first; events of the lead apart. */
static int64_t stretches_of(const Places *p, const int32_t (*hits)[3], int64_t count, Article *article,
                            int64_t *events) {
    int32_t(*found)[4] = article->stretches, *phrases = article->phrases;
    int64_t stretches = 0, kept = 0;
    int32_t *order = article->listed; /* hits by first word and length; as they came where those are equal */
    for (int64_t i = 0; i < count; i++) {
        const int32_t *hit = hits[i];
        if (p->kind[hit[2]] == EVENT) {
            if (hit[0] < LEAD) {
                article->events[*events][0] = hit[0];
                article->events[(*events)++][1] = p->doubt[hit[2]];
            }
            continue;
        }
        int64_t to = kept++; /* the matcher goes along one path after the other: but of one first word */
        for (; to > 0; to--) {
            const int32_t *before = hits[order[to - 1]];
            if (before[0] < hit[0] || (before[0] == hit[0] && before[1] >= hit[1])) break;
            order[to] = order[to - 1];
        }
        order[to] = (int32_t)i;
    }
    for (int64_t i = 0; i < kept; i++) {
        const int32_t *hit = hits[order[i]];
        if (!i || hits[order[i - 1]][0] != hit[0] || hits[order[i - 1]][1] != hit[1]) {
            const int32_t stretch[4] = {hit[0], hit[1], (int32_t)i, 0};
            memcpy(found[stretches++], stretch, sizeof stretch);
        }
        found[stretches - 1][3]++;
        phrases[i] = hit[2];
    }
    return stretches;
}

static int broken(const Places *p, const Part *part, int64_t start, int64_t end) {
    for (int64_t i = start; i < end; i++)
        if (is(p, part->text[i], BREAKS) || (part->text[i] == '.' && i + 1 < end && part->text[i + 1] == ' ')) return 1;
    return 0;
}

static int is_list_gap(const Places *p, const Part *part, int64_t start, int64_t end) {
    return start >= 0 && end - start <= WIDEST_GAP && (whole(&p->gaps, part->text, start, end) & LIST_GAP) != 0;
}

static int64_t find(const Part *part, uint8_t character, int64_t start, int64_t end) {
    if (end > part->length) end = part->length;
    for (; start < end; start++)
        if (part->text[start] == character) return start;
    return -1;
}

/* A short quotation with a capital is a firm, a paper, a team; not «Тверь ждёт гостей», – сказал он. */
static int is_a_name(const Places *p, const Part *part, int64_t opened, int64_t closed) {
    const uint8_t *text = part->text;
    int64_t gaps = 0;
    if (!is(p, text[opened + 1], UPPER)) return 0;
    for (int64_t i = opened; i < closed; i++) {
        if (text[i] == '\n') return 0;
        gaps += text[i] == ' ';
    }
    if (gaps >= NAMED_WORDS) return 0;
    const int is_speech = (is(p, text[closed - 1], SCENE_END) && text[closed - 1] != '\n') || text[closed - 1] == ',' ||
                          beginning(&p->gaps, text, part->length, closed + 1) & SPEECH_GOES_ON ||
                          (opened > 1 && text[opened - 2] == ':' && text[opened - 1] == ' ');
    return !(is_speech && gaps >= FEWEST_GAPS_OF_SPEECH);
}

static int in_guillemets(const Places *p, const Part *part, int64_t start, int64_t end) {
    const int64_t least = start > LONGEST_NAME ? start - LONGEST_NAME : 0;
    int64_t opened = start - 1;
    while (opened >= least && part->text[opened] != OPENS) {
        if (part->text[opened] == CLOSES) return 0;
        opened--;
    }
    if (opened < least) return 0;
    const int64_t closed = find(part, CLOSES, end, opened + LONGEST_NAME + 1);
    return closed >= 0 && find(part, OPENS, end, closed) < 0 && is_a_name(p, part, opened, closed);
}

static int is_quote(uint8_t character) { return character == '"' || character == 0x93 || character == 0x84; }

/* Goes on to the last quotation that starts before `start`. */
static void quote(const Part *part, int64_t start, Quoted *quoted) {
    const uint8_t *text = part->text;
    while (quoted->next < start) {
        const int64_t opened = quoted->next++;
        if (!is_quote(text[opened])) continue;
        int64_t end = opened + 1;
        while (end < part->length && end - opened <= LONGEST_QUOTED && !is_quote(text[end]) && text[end] != 0x94 &&
               text[end] != '\n')
            end++;
        if (end - opened < 3 || end >= part->length) continue;
        if (text[end] != '"' && text[end] != 0x93 && text[end] != 0x94) continue;
        quoted->start = opened;
        quoted->end = quoted->next = end + 1;
    }
}

static int in_straight_marks(const Places *p, const Part *part, int64_t start, int64_t end, Quoted *quoted) {
    int near = 0;
    for (int64_t i = start > LONGEST_NAME ? start - LONGEST_NAME : 0; i < start && !near; i++)
        near = is_quote(part->text[i]);
    if (!near) return 0;
    if (quoted->there < 0)
        quoted->there = find(part, '"', 0, part->length) >= 0 || find(part, 0x93, 0, part->length) >= 0;
    if (!quoted->there) return 0;
    quote(part, start, quoted);
    return quoted->end > end && is_a_name(p, part, quoted->start, quoted->end - 1);
}

/* Of several phrases of the same words those that are read here, put in front; returns how many. */
static int64_t meant(const Near *near, int32_t *group, int64_t count, int several_words) {
    const Places *p = near->p;
    int64_t read = 0;
    for (int64_t i = 0; i < count; i++)
        if (reads(near, group[i], several_words)) group[read++] = group[i];
    if (read < 2) return read;
    int own = 0, blocks = 0, instrumental = 0;
    for (int64_t i = 0; i < read; i++) {
        own += p->place[group[i]] >= 0 && p->own[p->place[group[i]]];
        blocks += p->kind[group[i]] == BLOCK;
        instrumental += p->doubt[group[i]] == INSTRUMENTAL;
    }
    if (own) { /* a newsroom's own first, then all that are places */
        int64_t kept = 0;
        for (int wanted = 1; wanted >= 0; wanted--)
            for (int64_t i = wanted ? 0 : kept; i < read; i++) {
                const int32_t phrase = group[i], place = p->place[phrase];
                if (place < 0 || p->own[place] != wanted) continue;
                memmove(group + kept + 1, group + kept, (size_t)(i - kept) * sizeof *group);
                group[kept++] = phrase;
            }
        return kept;
    }
    if (!blocks && !instrumental) return read;
    int64_t kept = 0;
    for (int64_t i = 0; i < read; i++)
        if (blocks ? p->kind[group[i]] == BLOCK : p->doubt[group[i]] == INSTRUMENTAL) group[kept++] = group[i];
    return kept;
}

/* A mention of the places of these phrases; `named` has room for them. */
static void tell(const Places *p, const int32_t *read, int64_t count, int32_t *named, Mention *mention) {
    int doubt = SUPPORTED;
    mention->kind = EVENT;
    mention->count = 0;
    mention->scene = 0;
    for (int64_t i = 0; i < count; i++) {
        const int32_t place = p->place[read[i]];
        int64_t known = 0;
        while (known < mention->count && named[known] != place) known++;
        if (known == mention->count) named[mention->count++] = place;
        if (p->kind[read[i]] < mention->kind) mention->kind = p->kind[read[i]];
        if (p->doubt[read[i]] < doubt) doubt = p->doubt[read[i]];
    }
    mention->doubted = doubt != CLEAR || mention->count > 1;
    mention->supported = doubt == SUPPORTED;
}

/* «Тульской и Тверской областях»: adjectives listed before the head name their regions as fully as the last. */
static void share_the_head(const Places *p, const Part *part, Mention *mentions, int64_t count) {
    for (int64_t i = count - 2; i >= 0; i--) {
        Mention *one = mentions + i;
        if (!is_list_gap(p, part, one->end, one[1].start) || one->kind != ADJECTIVE) return;
        one->kind = NAME;
    }
}

/* Mentions in order of position, not overlapping; `named` of the article goes on from what it holds. */
int64_t mentions_of(const Places *p, const Part *part, const int32_t (*hits)[3], int64_t count, Article *article,
                    Mention *mentions) {
    int64_t events = 0, found = 0;
    const int64_t stretches = stretches_of(p, hits, count, article, &events);
    int64_t named = mentions > article->mentions ? mentions[-1].named + mentions[-1].count : 0;
    int32_t free = 0; /* the first word that no mention has taken */
    int64_t past = -1, refused = -1, list_start = 0;
    Quoted quoted = {0, -1, -1, -1};
    for (int64_t number = 0; number < stretches; number++) {
        const int32_t *stretch = article->stretches[number], first = stretch[0], last = stretch[1];
        if (first < free) continue;
        int32_t *group = article->phrases + stretch[2];
        int64_t read = stretch[3];
        const int kind = p->kind[group[0]], several_words = last - first > 1, of_several = read > 1;
        const int64_t start = part->edges[2 * first], end = part->edges[2 * last - 1];
        Near near = {
            .p = p, .part = part, .start = start, .end = end, .last_word = part->edges[2 * (last - 1)],
            .capital = is(p, part->text[start], UPPER),
            .in_list = is_list_gap(p, part, past, start),
            .before_hit = number + 1 < stretches && article->stretches[number + 1][0] == last,
        };
        if (!near.capital && !of_several && kind <= ABBREVIATION) continue;
        if (several_words && broken(p, part, start, end)) continue;
        if (!near.in_list) list_start = start;
        near.list_start = list_start;
        if (!several_words && !of_several && kind <= ALIAS && p->doubt[group[0]] == CLEAR) {
            if (!stands_alone(&near)) continue;
        } else if (!several_words && !of_several && !near.capital && kind == ADJECTIVE) {
            const int32_t place = p->place[group[0]];
            if (names_goods(p, part, end, place < 0 ? NO_LEVEL : p->level[place])) continue;
        } else {
            read = meant(&near, group, read, several_words);
            if (!read || (near.capital && is_list_gap(p, part, refused, start))) {
                if (kind == ADJECTIVE) refused = end; /* «на Тверской и Калужской улицах» */
                continue;
            }
        }
        free = last;
        if (p->kind[group[0]] == BLOCK || in_guillemets(p, part, start, end) ||
            in_straight_marks(p, part, start, end, &quoted))
            continue;
        Mention *mention = mentions + found++;
        tell(p, group, read, article->named + named, mention);
        mention->word = first;
        mention->last = last;
        mention->start = (int32_t)start;
        mention->end = (int32_t)end;
        mention->named = (int32_t)named;
        named += mention->count;
        past = end;
        if (near.in_list && several_words &&
            beginning(&p->said, part->folded, part->length, near.last_word) & COMMON_HEAD)
            share_the_head(p, part, mentions, found);
    }
    if (events && found && mentions[0].word < LEAD)
        mark_scenes(p, part, mentions, found, (const int32_t(*)[2])article->events, events);
    return found;
}
