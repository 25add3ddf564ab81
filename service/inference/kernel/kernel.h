/* The loops in which an article spends its time, from folded text to candidates of every head. Each has a twin in numpy
 * or Python, which answers where these files were not compiled; tests hold the two against each other.
 *
 * Plain C11: no library, no allocation, one thread. Arrays come from the caller, who checked them at load. Sums are
 * double and run in the order of the columns, so both sides round alike (compile with -ffp-contract=off). Most of the
 * time goes by in waiting for memory, hence the prefetches: a model is some 30 MB, a cache of its own holds one. */
#include <stdint.h>
#include <string.h>

#define KERNEL_ABI 3 /* __init__.py expects this number: raise both when a structure or a signature changes */
#define AHEAD 8      /* how many steps before it is needed memory is asked for */
#define BLOCKS 3     /* body, title, lead */
#define MEMO_BITS 16
#define GOLDEN 0x9E3779B97F4A7C15u /* multiplicative hashing (Knuth, TAOCP 6.4) */
#define EVIDENCE 15                /* what the ranker sees of a candidate: EVIDENCE of tags.py, in its order */

typedef struct {
    uint64_t word[3]; /* its bytes, then zeros */
    int64_t class;
} Known;

typedef struct {
    const uint32_t *units;
    int64_t length;
    int64_t classes;
    Known *memo; /* 2^MEMO_BITS, by hash; a newcomer takes the place of the one before */
} Automaton;

typedef struct {
    const int32_t *lemma_of_class; /* -1: a stop word, 0: no feature */
    const int64_t *pairs;          /* first * (lemmas + 1) + second, ascending */
    const uint8_t *perhaps;        /* by hash: whether a pair can be one of them */
    const int32_t *column;         /* by block * (features + 1) + feature, -1: none */
    const float *idf;
    const double *term_frequency; /* sublinear, by count */
    const double *weights;        /* of the blocks */
    int64_t lemmas, pair_count, hash_shift, most_counted, lead_words;
    int64_t first_column[BLOCKS];
} Vocabulary;

typedef struct {
    const uint16_t *weights; /* half precision; columns, classes */
    const float *bias;
    int64_t classes;
} Rubric;

typedef struct {
    const uint8_t *opens;                     /* by class: whether a phrase may start with it */
    const int32_t *patterns_start, *patterns; /* of a class */
    const int32_t *edges_start;               /* of a node */
    const int32_t *edge_pattern, *edge_node;  /* ascending by pattern within a node */
    const int32_t *phrases_start, *phrases;   /* that end at a node */
    const int32_t *root;                      /* pattern -> node, 0: none */
    int64_t places;                           /* the first so many phrases name places, the rest tags */
} Trie;

typedef struct {
    int32_t (*hits)[3]; /* first word, word after the last, phrase */
    int64_t room, found;
} Hits;

typedef struct {
    const int32_t *start;    /* column c has the weights start[c] to start[c + 1] */
    const uint32_t *weights; /* tag in the upper half, its weight in half precision in the lower */
    const float *bias;
    const uint8_t *trained;
    const double *precision, *words;
    const double (*ranker)[EVIDENCE];
    const int32_t *tag_of_phrase; /* from the first phrase that names a tag */
    const uint8_t *part_of_name;  /* whether that phrase is but a part of the tag's name */
    const double *log1p;          /* by count */
    int64_t tags, first_phrase, most_counted, first_words, most_candidates;
    double least_margin;
} Tags;

typedef struct {
    double times[2][3]; /* the whole name, a part of it: in the title, in the lead, times */
} Naming;

typedef struct {
    Automaton automaton;
    Vocabulary vocabulary;
    Rubric rubric;
    Trie trie;
    Tags tags;
} Model;

/* One article on its way through the heads. `text` and `length` (title, body) come in; the rest is room for what is
 * found, for (length + 1) / 2 words of each part. */
typedef struct {
    const uint8_t *text[2];
    int64_t length[2], words[2];
    int32_t *edges;         /* where words start and end, in turn: of the title, then of the body; two more of room */
    int32_t *classes;       /* of the title, then of the body */
    int32_t *cells, *spare; /* four a word; the spare has most_candidates more */
    int32_t *columns;       /* four a word */
    float *values;
    int64_t columns_found;
    double *total; /* for the rubrics and for the tags */
    float *rubric_margins, *tag_margins;
    Hits hits[2];          /* of places, of tags: those in the title first */
    int64_t in_title[2];   /* how many those are */
    int32_t *slots;        /* a number for each tag, 0 before and after */
    Naming *namings;       /* for most_candidates and every hit of a tag */
    int32_t *candidates;   /* the same, and as much again to sort with */
    double (*evidence)[EVIDENCE];
    double *log_odds;
    int64_t candidates_found;
} Article;

int64_t classes_of_words(const Automaton *automaton, const uint8_t *text, int64_t length, int32_t *edges,
                         int32_t *classes);
void sort(int32_t *cells, int64_t length, int32_t *spare);
int64_t row(const Vocabulary *v, const int32_t *classes, int64_t title, int64_t body, int32_t *cells, int32_t *spare,
            int32_t *columns, float *values);
void find_names(const Trie *trie, const int32_t *classes, int64_t words, Hits *hits);
void find_candidates(const Tags *tags, Article *article);

/* IEEE 754 half to single; weights are finite. */
static inline float single(uint32_t half) {
    union {
        uint32_t bits;
        float number;
    } x = {(half & 0x7FFF) << 13};
    x.number *= 0x1p112f;
    x.bits |= (half & 0x8000) << 16;
    return x.number;
}
