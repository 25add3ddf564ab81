/* All loops for the articles of a batch, in one call: Annotator's way from cp1251 to candidates, places, probabilities. */
#include "kernel.h"

#define HEADLINE_WORDS 20 /* of features.py */
#define FEW_WORDS 10      /* of language.py */
#define WELL_KNOWN 0.8
#define OPENING_LETTERS 1000

int32_t kernel_abi(void) { return KERNEL_ABI; }

static void margins_of_rubrics(const Rubric *rubric, const Article *article, int64_t length) {
    const int64_t classes = rubric->classes;
    const int32_t *columns = article->columns;
    double *total = article->total;
    memset(total, 0, (size_t)classes * sizeof *total);
    for (int64_t i = 0; i < length; i++) {
        if (i + AHEAD < length) {
            const uint16_t *next = rubric->weights + columns[i + AHEAD] * classes;
            __builtin_prefetch(next);
            __builtin_prefetch(next + classes - 1);
        }
        const uint16_t *weights = rubric->weights + columns[i] * classes;
        const double value = article->values[i];
        for (int64_t c = 0; c < classes; c++) total[c] += value * single(weights[c]);
    }
    for (int64_t c = 0; c < classes; c++) article->rubric_margins[c] = (float)total[c] + rubric->bias[c];
}

/* A headline alone is read as a title and as a body at once: headline_of of features.py. */
static int64_t row_for_the_rubric(const Model *model, Article *article) {
    const int64_t words = article->words[0] + article->words[1];
    int32_t *classes = article->classes;
    if ((article->words[0] && article->words[1]) || !words || words > HEADLINE_WORDS) return article->columns_found;
    memcpy(classes + words, classes, (size_t)words * sizeof *classes);
    return row(&model->vocabulary, classes, words, words, article->cells, article->spare, article->columns,
               article->values);
}

/* Whether the share of known words alone tells: surely_russian of language.py. */
static int surely_russian(const Article *article) {
    const int64_t words = article->words[0] + article->words[1];
    const int part = article->length[1] > 0;
    const int64_t opening = article->length[part] < OPENING_LETTERS ? article->length[part] : OPENING_LETTERS;
    int64_t known = 0, latin = 0;
    for (int64_t i = 0; i < words; i++) known += article->classes[i] != 0;
    if (words < FEW_WORDS || (double)known / (double)words <= WELL_KNOWN) return 0;
    for (int64_t i = 0; i < opening; i++) latin += article->text[part][i] >= 'a' && article->text[part][i] <= 'z';
    return 2 * latin < opening;
}

/* Returns how much room hits need when what they have is too little, else 0. */
static int64_t find_words(const Model *model, Article *article) {
    int32_t *classes = article->classes, *edges = article->edges;
    Hits *hits = article->hits;
    hits[0].found = hits[1].found = 0;
    for (int part = 0; part < 2; part++) {
        int64_t *words = article->words + part;
        for (int64_t i = 0; i < article->length[part]; i++)
            article->text[part][i] = model->places.fold[article->raw[part][i]];
        *words = classes_of_words(&model->automaton, article->text[part], article->length[part], edges, classes);
        find_names(&model->trie, classes, *words, hits);
        classes += *words;
        edges += 2 * *words;
        if (!part)
            for (int head = 0; head < 2; head++) article->in_title[head] = hits[head].found;
    }
    const int64_t most = hits[0].found > hits[1].found ? hits[0].found : hits[1].found;
    return most > hits[0].room ? most : 0;
}

static void tell_tags(const Article *article, Batch *batch) {
    for (int64_t i = 0; i < article->candidates_found; i++) {
        const int32_t tag = article->candidates[i];
        if (batch->near && article->log_odds[i] < batch->near[tag]) continue;
        const double *evidence = article->evidence[i];
        batch->tags[batch->tags_found][0] = tag;
        batch->tags[batch->tags_found][1] = evidence[NAMED] != 0 && evidence[MARGIN] <= 0;
        batch->log_odds[batch->tags_found++] = article->log_odds[i];
    }
}

static void tell_places(const Article *article, Batch *batch) {
    for (int64_t i = 0; i < article->places_found; i++) {
        Found *found = batch->places + batch->places_found++;
        *found = article->places[i];
        const int32_t *listed = article->listed + found->first;
        found->first = (int32_t)batch->spans_found;
        for (int32_t m = 0; m < found->in_title + found->in_body; m++) {
            const Mention *mention = article->mentions + listed[m];
            int32_t *span = batch->spans[batch->spans_found++];
            span[0] = mention->start;
            span[1] = mention->end;
        }
    }
}

static int64_t spans_of(const Article *article) {
    int64_t spans = 0;
    for (int64_t i = 0; i < article->places_found; i++) spans += article->places[i].in_title + article->places[i].in_body;
    return spans;
}

/* Reads article after article, and counts them in `done`. Stops before one for which there is not room enough: returns
 * how many hits it needs room for, or 0 where the room for what is told of all articles is full. */
int64_t read_articles(const Model *model, Article *article, Batch *batch) {
    for (; batch->done < batch->articles; batch->done++) {
        const int64_t number = batch->done;
        for (int part = 0; part < 2; part++) {
            article->raw[part] = batch->raw[2 * number + part];
            article->length[part] = batch->length[2 * number + part];
        }
        article->text[1] = article->text[0] + article->length[0];
        const int64_t needed = find_words(model, article);
        if (needed) return needed;
        article->columns_found = row(&model->vocabulary, article->classes, article->words[0], article->words[1],
                                     article->cells, article->spare, article->columns, article->values);
        find_candidates(&model->tags, article);
        article->places_found = 0;
        if (batch->least && batch->exact[number]) find_places(&model->places, batch->least, article);
        if (batch->tags_found + article->candidates_found > batch->tags_room ||
            batch->places_found + article->places_found > batch->places_room ||
            batch->spans_found + spans_of(article) > batch->spans_room)
            return 0;
        margins_of_rubrics(&model->rubric, article, row_for_the_rubric(model, article));
        const int64_t first = number * model->rubric.classes;
        if (batch->margins)
            memcpy(batch->margins + first, article->rubric_margins, (size_t)model->rubric.classes * sizeof(float));
        probabilities_of(&model->rubric, article->rubric_margins, batch->probabilities + first);
        rank(batch->probabilities + first, model->rubric.classes, batch->ranked + first, batch->scores + first);
        const int64_t tags = batch->tags_found;
        tell_tags(article, batch);
        tell_places(article, batch);
        const int32_t counts[COUNTS] = {
            [WORDS_IN_TITLE] = (int32_t)article->words[0],
            [WORDS_IN_BODY] = (int32_t)article->words[1],
            [SURELY_RUSSIAN] = batch->wide && surely_russian(article),
            [COLUMNS] = (int32_t)article->columns_found,
            [TAGS] = (int32_t)(batch->tags_found - tags),
            [PLACES] = (int32_t)article->places_found,
        };
        memcpy(batch->counts[number], counts, sizeof counts);
    }
    return 0;
}
