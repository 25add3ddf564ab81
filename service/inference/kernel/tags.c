/* A row and the hits of names -> candidates of tags: TagHead.candidates in C. */
#include "kernel.h"

#define TOGETHER 64 /* weights that are unpacked together */

static void margins(const Tags *tags, const Article *article) {
    double *total = article->total;
    memset(total, 0, (size_t)tags->tags * sizeof *total);
    const int32_t *columns = article->columns;
    for (int64_t i = 0; i < article->columns_found; i++) {
        if (i + 2 * AHEAD < article->columns_found) __builtin_prefetch(tags->start + columns[i + 2 * AHEAD]);
        if (i + AHEAD < article->columns_found) {
            const int32_t *next = tags->start + columns[i + AHEAD];
            for (int32_t w = next[0]; w < next[1] && w < next[0] + 256; w += 16) __builtin_prefetch(tags->weights + w);
        }
        const double value = article->values[i];
        const int32_t end = tags->start[columns[i] + 1];
        for (int32_t w = tags->start[columns[i]]; w < end; w += TOGETHER) {
            const uint32_t *weights = tags->weights + w;
            const int count = end - w < TOGETHER ? end - w : TOGETHER;
            double addends[TOGETHER]; /* in a loop of their own, which the compiler turns into vectors */
            for (int one = 0; one < count; one++) addends[one] = value * single(weights[one]);
            for (int one = 0; one < count; one++) total[weights[one] >> 16] += addends[one];
        }
    }
    for (int64_t tag = 0; tag < tags->tags; tag++) article->tag_margins[tag] = (float)total[tag] + tags->bias[tag];
}

/* Trained tags above the least margin, or the best of them, in no given order: the first of equals stays. */
static int64_t likely(const Tags *tags, const float *margins, int32_t *found) {
    int64_t count = 0;
    for (int64_t tag = 0; tag < tags->tags; tag++) {
        if (!tags->trained[tag] || !(margins[tag] > tags->least_margin)) continue;
        int64_t at = count;
        if (count < tags->most_candidates) count++;
        else if (margins[tag] > margins[found[count - 1]]) at = count - 1;
        else continue;
        for (; at > 0 && margins[found[at - 1]] < margins[tag]; at--) found[at] = found[at - 1];
        found[at] = (int32_t)tag;
    }
    return count;
}

static double clipped(double number, double low, double high) {
    return number < low ? low : number > high ? high : number;
}

static double log1p_of(const Tags *tags, double count) {
    return tags->log1p[(int64_t)clipped(count, 0, (double)tags->most_counted)];
}

static void tell(const Tags *tags, int32_t tag, float margin, const Naming *naming, double *evidence) {
    const double trained = tags->trained[tag];
    const float seen = tags->trained[tag] ? (float)clipped(margin, -1.5, 3.0) : 0;
    const double about_margin[4] = {1, trained, seen, seen * seen};
    memcpy(evidence, about_margin, sizeof about_margin);
    memset(evidence + 4, 0, (EVIDENCE - 4) * sizeof *evidence);
    const double *whole = naming->times[0], *part = naming->times[1];
    if (!whole[2] && !part[2]) return;
    const double about_name[EVIDENCE - 4] = {
        1, trained, whole[0], whole[1], log1p_of(tags, whole[2]), !whole[2],
        part[0], part[1], log1p_of(tags, part[2]), tags->precision[tag],
        whole[2] ? clipped(tags->words[tag], 0, 4) - 1 : 0,
    };
    memcpy(evidence + 4, about_name, sizeof about_name);
}

/* The naming of a tag, which becomes a candidate when it is first asked for. */
static Naming *naming_of(Article *article, int32_t tag) {
    if (!article->slots[tag]) {
        article->candidates[article->candidates_found++] = tag;
        article->slots[tag] = (int32_t)article->candidates_found;
        memset(article->namings + article->candidates_found - 1, 0, sizeof(Naming));
    }
    return article->namings + article->slots[tag] - 1;
}

void find_candidates(const Tags *tags, Article *article) {
    margins(tags, article);
    article->candidates_found = 0;
    const Hits *hits = article->hits + 1;
    int32_t *best = article->spare, *candidates = article->candidates;
    for (int64_t i = 0; i < hits->found; i++) {
        const int64_t phrase = hits->hits[i][2] - tags->first_phrase;
        double *times = naming_of(article, tags->tag_of_phrase[phrase])->times[tags->part_of_name[phrase]];
        if (i < article->in_title[1]) times[0] = 1;
        else if (hits->hits[i][0] < tags->first_words) times[1] = 1;
        times[2]++;
    }
    const int64_t count = likely(tags, article->tag_margins, best);
    for (int64_t i = 0; i < count; i++) naming_of(article, best[i]);
    sort(candidates, article->candidates_found, candidates + article->candidates_found);
    for (int64_t i = 0; i < article->candidates_found; i++) {
        const int32_t tag = candidates[i];
        tell(tags, tag, article->tag_margins[tag], article->namings + article->slots[tag] - 1, article->evidence[i]);
        article->slots[tag] = 0;
        const double *evidence = article->evidence[i], *ranker = tags->ranker[tag];
        double log_odds = 0;
        for (int one = 0; one < EVIDENCE; one++) log_odds += evidence[one] * ranker[one];
        article->log_odds[i] = log_odds;
    }
}
