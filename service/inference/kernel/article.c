/* All loops for one article, in one call: Annotator's way from folded text to candidates. */
#include "kernel.h"

int32_t kernel_abi(void) { return KERNEL_ABI; }

static void margins_of_rubrics(const Rubric *rubric, const Article *article) {
    const int64_t classes = rubric->classes, length = article->columns_found;
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

/* Returns how much room hits need when what they have is too little: then the caller comes again, else 0. */
int64_t read_article(const Model *model, Article *article) {
    int32_t *classes = article->classes, *edges = article->edges;
    Hits *hits = article->hits;
    hits[0].found = hits[1].found = 0;
    for (int part = 0; part < 2; part++) {
        int64_t *words = article->words + part;
        *words = classes_of_words(&model->automaton, article->text[part], article->length[part], edges, classes);
        find_names(&model->trie, classes, *words, hits);
        classes += *words;
        edges += 2 * *words;
        if (!part)
            for (int head = 0; head < 2; head++) article->in_title[head] = hits[head].found;
    }
    const int64_t most = hits[0].found > hits[1].found ? hits[0].found : hits[1].found;
    if (most > hits[0].room) return most;
    article->columns_found = row(&model->vocabulary, article->classes, article->words[0], article->words[1],
                                 article->cells, article->spare, article->columns, article->values);
    margins_of_rubrics(&model->rubric, article);
    find_candidates(&model->tags, article);
    return 0;
}
