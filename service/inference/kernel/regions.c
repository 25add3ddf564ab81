/* Mentions of places -> places of the article with role and score: Regions.decide in C. */
#include <math.h>
#include <stdlib.h>

#include "places.h"

#define AFTER_THE_TITLE 1000000
#define BESIDE_AFTER 2
#define BESIDE_BEFORE 4
#define OWN_HOME 2

enum { KNOWN = 1, OWN = 2, SCENE = 4, TOLD = 8 }; /* flags of places_said */

/* Places named beyond doubt, and the subjects and countries they lie in; returns how many. */
static int64_t know(const Places *p, Article *article, int64_t mentions) {
    int64_t known = 0;
    for (int64_t i = 0; i < mentions; i++) {
        const Mention *mention = article->mentions + i;
        if (mention->count != 1 || mention->supported) continue;
        for (int32_t place = article->named[mention->named]; place >= 0 && !(article->places_said[place] & KNOWN);
             place = p->parent[place]) {
            article->places_said[place] |= KNOWN;
            article->places_known[known++] = place;
        }
    }
    return known;
}

static int is_known(const Article *article, int32_t place) { return place >= 0 && article->places_said[place] & KNOWN; }

/* Whether something that a place lies in is known. */
static int is_around(const Places *p, const Article *article, int32_t place) {
    const int32_t *above = p->above_start + place;
    if (above[0] == above[1]) return is_known(article, p->parent[place]);
    for (int32_t i = above[0]; i < above[1]; i++)
        if (is_known(article, p->above[i])) return 1;
    return 0;
}

/* Which of several places of one name: the one whose region is named, the newsroom's, the far larger; or -1. */
static int32_t meant(const Places *p, const Article *article, const Mention *mention) {
    int32_t *choices = article->named + mention->named;
    int64_t count = mention->count, named = 0, near = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!is_known(article, choices[i])) continue;
        if (mention->supported) return choices[i];
        named++;
    }
    if (mention->supported) return -1;
    for (int64_t i = 0; i < count; i++) near += named ? is_known(article, choices[i]) : is_around(p, article, choices[i]);
    int32_t home = -1, largest = -1, second = -1, only = -1;
    for (int64_t i = 0; i < count; i++) {
        const int32_t place = choices[i];
        if (near && !(named ? is_known(article, place) : is_around(p, article, place))) continue;
        only = place;
        if (p->home[place] &&
            (home < 0 || p->home[place] > p->home[home] ||
             (p->home[place] == p->home[home] && p->population[place] > p->population[home])))
            home = place;
        if (largest < 0 || p->population[place] > p->population[largest]) {
            second = largest;
            largest = place;
        } else if (second < 0 || p->population[place] > p->population[second]) {
            second = place;
        }
    }
    if (home >= 0) return home;
    if (near == 1) return only;
    return p->population[largest] && p->population[largest] >= p->larger * p->population[second] ? largest : -1;
}

/* Whether a newsroom's own place stands beside another region's name: «Кировский район Петербурга». */
static int is_elsewhere(const Places *p, const Article *article, int32_t place, const Mention *mentions, int64_t count,
                        int64_t number) {
    for (int way = 1; way >= -1; way -= 2) {
        const int64_t other = number + way;
        if (other < 0 || other >= count) continue;
        const Mention *left = mentions + (way > 0 ? number : other), *right = left + 1;
        if (right->start - left->end > (way > 0 ? BESIDE_AFTER : BESIDE_BEFORE)) continue;
        const int32_t mine = p->area[place], around = p->parent[mine];
        int same = 0;
        for (int32_t i = 0; i < mentions[other].count; i++) {
            const int32_t area = p->area[article->named[mentions[other].named + i]];
            same |= area == mine || area == around;
        }
        if (!same) return 1;
    }
    return 0;
}

/* What mentions say of a place, by part: counts, and what of them is strong, early or doubted. */
typedef struct {
    int32_t place, in_title, in_body;
    int strong_title, strong_body, strong_lead, early, sure;
} Said;

static double score_of(const Places *p, const Article *article, const Said *said, int32_t most, double others) {
    const int flags = article->places_said[said->place];
    const int32_t count = said->in_title + said->in_body;
    const double features[PLACE_FEATURES] = {
        1,
        said->strong_title,
        said->in_title && !said->strong_title,
        said->strong_lead,
        said->early && !said->strong_lead,
        log1p(count),
        (double)count / most,
        !said->strong_body && !said->strong_title,
        !said->sure,
        !(flags & OWN),
        p->abroad[said->place],
        others,
        (flags & SCENE) != 0,
    };
    const double *weights = p->weights[p->level[said->place]];
    double total = 0;
    for (int i = 0; i < PLACE_FEATURES; i++) total += weights[i] * features[i];
    return 1 / (1 + exp(-total));
}

/* The place among those found; it becomes one when it is first told of. */
static void note(Article *article, int32_t place, int32_t mention, int64_t *told) {
    if (!article->places_slots[place]) {
        Found *found = article->places + article->places_found++;
        memset(found, 0, sizeof *found);
        found->place = place;
        article->places_slots[place] = (int32_t)article->places_found;
    }
    const int32_t slot = article->places_slots[place] - 1;
    article->told[*told][0] = slot;
    article->told[(*told)++][1] = mention;
    if (mention < article->mentions_found[0]) article->places[slot].in_title++;
    else article->places[slot].in_body++;
}

/* Lists the mentions of each place, in order, and weighs it. */
static void weigh(const Places *p, const double *least, Article *article, int64_t told) {
    const Mention *mentions = article->mentions;
    int32_t most[LEVELS] = {0}, first = 0;
    for (int64_t i = 0; i < article->places_found; i++) {
        Found *one = article->places + i;
        const int32_t count = one->in_title + one->in_body, level = p->level[one->place];
        one->first = first;
        first += count;
        if (count > most[level]) most[level] = count;
        one->chosen = 0; /* while they are listed: how many are */
    }
    for (int64_t i = 0; i < told; i++) {
        Found *one = article->places + article->told[i][0];
        article->listed[one->first + one->chosen++] = article->told[i][1];
    }
    const double others = log1p((double)article->places_found);
    for (int64_t i = 0; i < article->places_found; i++) {
        Found *one = article->places + i;
        Said said = {.place = one->place, .in_title = one->in_title, .in_body = one->in_body};
        for (int32_t m = 0; m < one->in_title + one->in_body; m++) {
            const Mention *mention = mentions + article->listed[one->first + m];
            const int strong = mention->kind < ADJECTIVE, early = mention->word < LEAD;
            said.sure |= !mention->doubted;
            if (m < one->in_title) {
                said.strong_title |= strong;
            } else {
                said.strong_body |= strong;
                said.early |= early;
                said.strong_lead |= early && strong;
            }
        }
        one->score = score_of(p, article, &said, most[p->level[one->place]], others);
        one->chosen = one->score >= least[one->place];
        one->rank = p->rank[one->place];
        one->role = article->places_said[one->place] & SCENE ? HAPPENED : one->chosen ? ABOUT : MENTIONED;
    }
}

/* The places of the first sentence that says where, later ones that lie there too, and what they lie in. */
static void mark_scene(const Places *p, Article *article, const int32_t (*scenes)[2], int64_t count) {
    int32_t first = INT32_MAX;
    for (int64_t i = 0; i < count; i++)
        if (scenes[i][0] < first) first = scenes[i][0];
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) {
            if (scenes[j][0] != first || p->area[scenes[j][1]] != p->area[scenes[i][1]]) continue;
            const int32_t place = scenes[i][1];
            article->places_said[place] |= SCENE;
            for (int32_t a = p->above_start[place]; a < p->above_start[place + 1]; a++)
                article->places_said[p->above[a]] |= SCENE;
            break;
        }
}

static int surest_first(const void *one, const void *other) {
    const Found *a = one, *b = other;
    return a->score != b->score ? (a->score < b->score) - (a->score > b->score) : (a->rank > b->rank) - (a->rank < b->rank);
}

/* What an article says of a city it says of the subject around it. */
static void choose_subjects(const Places *p, Article *article) {
    for (int64_t i = 0; i < article->places_found; i++) {
        const Found *one = article->places + i;
        if (!one->chosen) continue;
        for (int32_t a = p->above_start[one->place]; a < p->above_start[one->place + 1]; a++)
            article->places_said[p->above[a]] |= TOLD;
    }
    for (int64_t i = 0; i < article->places_found; i++) {
        Found *one = article->places + i;
        if (one->chosen || !(article->places_said[one->place] & TOLD)) continue;
        one->chosen = 1;
        if (one->role == MENTIONED) one->role = ABOUT;
    }
}

static void decide(const Places *p, const double *least, Article *article) {
    const int64_t in_title = article->mentions_found[0], mentions = in_title + article->mentions_found[1];
    int64_t told = 0, scenes = 0, known = -1;
    int32_t(*of_scenes)[2] = article->events; /* no longer needed */
    for (int64_t i = 0; i < mentions; i++) {
        const Mention *mention = article->mentions + i;
        const int part = i >= in_title;
        int32_t place = article->named[mention->named];
        if (mention->count > 1 || mention->supported) {
            if (known < 0) known = know(p, article, mentions);
            place = meant(p, article, mention);
        }
        if (place < 0 || (p->own[place] && is_elsewhere(p, article, place, article->mentions + (part ? in_title : 0),
                                                        article->mentions_found[part], part ? i - in_title : i)))
            continue;
        article->places_said[place] |= OWN;
        if (mention->scene) {
            of_scenes[scenes][0] = mention->scene + part * AFTER_THE_TITLE;
            of_scenes[scenes++][1] = place;
        }
        note(article, place, (int32_t)i, &told);
        for (int32_t a = p->above_start[place]; a < p->above_start[place + 1]; a++)
            note(article, p->above[a], (int32_t)i, &told);
    }
    if (scenes) mark_scene(p, article, (const int32_t(*)[2])of_scenes, scenes);
    weigh(p, least, article, told);
    choose_subjects(p, article);
    for (int64_t i = 0; i < known; i++) article->places_said[article->places_known[i]] = 0;
    for (int64_t i = 0; i < article->places_found; i++) {
        article->places_said[article->places[i].place] = 0;
        article->places_slots[article->places[i].place] = 0;
    }
    if (article->places_found > 1)
        qsort(article->places, (size_t)article->places_found, sizeof *article->places, surest_first);
}

/* Mentions and places of an article whose hits are found. */
void find_places(const Places *places, const double *least, Article *article) {
    const Hits *hits = article->hits;
    const int64_t count[2] = {article->in_title[0], hits->found - article->in_title[0]};
    article->mentions_found[0] = article->mentions_found[1] = article->places_found = 0;
    for (int i = 0; i < 2; i++) {
        const Part part = {article->raw[i], article->text[i], article->length[i], article->words[i],
                           article->edges + (i ? 2 * article->words[0] : 0)};
        if (count[i])
            article->mentions_found[i] = mentions_of(places, &part, (const int32_t(*)[3])hits->hits + (i ? count[0] : 0),
                                                     count[i], article, article->mentions + (i ? article->mentions_found[0] : 0));
    }
    if (article->mentions_found[0] + article->mentions_found[1]) decide(places, least, article);
}
