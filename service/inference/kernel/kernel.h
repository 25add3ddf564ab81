/* The loops in which an article spends its time, from folded text to candidates of every head. Each has a twin in numpy
 * or Python, which answers where these files were not compiled; tests hold the two against each other.
 *
 * Plain C11: of the library only what Python's own math calls, no allocation, one thread. Arrays come from the caller, who checked them at load. Sums are
 * double and run in the order of the columns, so both sides round alike (compile with -ffp-contract=off). Most of the
 * time goes by in waiting for memory, hence the prefetches: a model is some 30 MB, a cache of its own holds one. */
#include <stdint.h>
#include <string.h>

#define KERNEL_ABI 8 /* __init__.py expects this number: raise both when a structure or a signature changes */
#define AHEAD 8      /* how many steps before it is needed memory is asked for */
#define BLOCKS 3     /* body, title, lead */
#define MEMO_BITS 15
#define KEPT 2 /* words of one hash that the memo knows: a line of the cache */
#define GOLDEN 0x9E3779B97F4A7C15u /* multiplicative hashing (Knuth, TAOCP 6.4) */
#define EVIDENCE 15                /* what the ranker sees of a candidate: EVIDENCE of tags.py, in its order */
#define MARGIN 2
#define NAMED 4

typedef struct {
    uint64_t word[3]; /* its bytes, then zeros */
    int64_t class;
} Known;

typedef struct {
    const uint32_t *units;
    int64_t length;
    int64_t classes;
    Known (*memo)[KEPT]; /* 2^MEMO_BITS, by hash; a newcomer comes first, and the last goes */
} Automaton;

typedef struct {
    const int32_t *lemma_of_class; /* -1: a stop word, 0: no feature */
    const int64_t *pairs;          /* first * (lemmas + 1) + second, ascending */
    const int32_t *pairs_start;    /* of a first lemma: its pairs are pairs_start[first] to pairs_start[first + 1] */
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
    const float *bias, *slope, *offset;
    int64_t classes;
    double sharpness, top[3];
    int64_t untouched; /* whether the likeliest class keeps its share */
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

#define LONGEST_STRING 22
#define BUCKETS 1024
#define PLACE_FEATURES 13 /* FEATURES of regions.py */

typedef struct {
    uint8_t length, bytes[LONGEST_STRING + 1]; /* in cp1251 */
    uint32_t as_whole, as_part;                /* sets that it is in: as a whole, as a beginning or an end */
} String;

typedef struct {
    const String *strings; /* by bucket of their first two characters */
    const int32_t *start;  /* of each bucket */
    int64_t count;
} Strings;

/* What the rules for places go by: places.h names the sets. */
typedef struct {
    Strings said, gaps, endings; /* words and their beginnings; what stands between words; ends of words */
    const uint32_t *marks;       /* by byte: what the character is */
    const uint8_t *fold;         /* by byte: as words are cut from it */
    const uint8_t *kind, *doubt; /* by phrase */
    const int32_t *place;
    const uint8_t *level, *own, *home, *abroad; /* by place */
    const int32_t *parent, *area, *above_start, *above, *rank;
    const int64_t *population;
    const int32_t *label_start;
    const uint8_t *labels;
    const double (*weights)[PLACE_FEATURES]; /* by level */
    int64_t opening; /* how many characters may open a sentence */
    int64_t larger;  /* how many times as large the city that is meant */
} Places;

typedef struct {
    int32_t word, last, start, end; /* first word, word after the last, characters; in its part */
    int32_t kind, doubted, supported, scene;
    int32_t named, count; /* where its places are, and how many */
} Mention;

typedef struct {
    double score;
    int32_t place, role, chosen;
    int32_t first, in_title, in_body; /* where its mentions are listed, and how many in each part */
    int32_t rank, unused;             /* among places of one score */
} Found;

typedef struct {
    Automaton automaton;
    Vocabulary vocabulary;
    Rubric rubric;
    Trie trie;
    Tags tags;
    Places places;
} Model;

/* One article on its way through the heads: room for what is found, in turn for each of a batch. `letters` is how long
 * title and body may be together; there is room for (letters + 1) / 2 words and some more, and for `hits[i].room` hits. */
typedef struct {
    int64_t letters;
    const uint8_t *raw[2]; /* title and body in cp1251 */
    uint8_t *text[2];      /* the same as words are cut from it */
    int64_t length[2], words[2];
    int32_t *edges;         /* where words start and end, in turn: of the title, then of the body */
    int32_t *classes;       /* of the title, then of the body; a headline's twice */
    int32_t *cells, *spare; /* four a word; the spare has most_candidates more */
    int32_t *columns;       /* four a word */
    float *values;
    int64_t columns_found;
    double *total; /* for the rubrics and for the tags */
    float *rubric_margins, *tag_margins;
    Hits hits[2];        /* of places, of tags: those in the title first */
    int64_t in_title[2]; /* how many those are */
    int32_t *slots;      /* a number for each tag, 0 before and after */
    Naming *namings;     /* for most_candidates and every hit of a tag */
    int32_t *candidates; /* the same, and as much again to sort with */
    double (*evidence)[EVIDENCE];
    double *log_odds;
    int64_t candidates_found;
    /* of places; each has room for every hit of one */
    int32_t (*stretches)[4], *phrases, (*events)[2];
    Mention *mentions;
    int64_t mentions_found[2];
    int32_t *named;              /* places of mentions */
    int32_t (*told)[2], *listed; /* the same and what the places lie in: place found and mention */
    Found *places;
    int64_t places_found;
    int32_t *places_slots; /* a number for each place, 0 before and after */
    uint8_t *places_said;  /* flags of each place, 0 before and after */
    int32_t *places_known; /* room for all places */
} Article;

enum { WORDS_IN_TITLE, WORDS_IN_BODY, SURELY_RUSSIAN, COLUMNS, TAGS, PLACES, COUNTS }; /* what is counted of an article */

/* Articles in; what every answer needs of them out, one after another. */
typedef struct {
    const uint8_t *const *raw; /* title, body, title, body … */
    const int64_t *length;
    const uint8_t *exact;      /* of each article: 0 where cp1251 lacks a character, and places can't be read */
    int64_t articles, done;
    const double *near;        /* by tag: log-odds below which it is not told of; none: all candidates are */
    const double *least;       /* by place: the score from which it is chosen; none: places are not asked for */
    int32_t (*counts)[COUNTS]; /* of each article */
    float *margins;            /* of its rubrics; none: not wanted */
    double *probabilities;     /* of its rubrics */
    int32_t *ranked;           /* its rubrics, the likeliest first */
    double *scores;            /* of those */
    int32_t (*tags)[2];        /* of each candidate: tag, whether only its name speaks for it */
    double *log_odds;
    Found *places;             /* `first` is where its mentions are in `spans` */
    int32_t (*spans)[2];       /* start and end of each mention of a place */
    int64_t tags_room, places_room, spans_room, tags_found, places_found, spans_found;
    int64_t wide;              /* whether the table knows ordinary words */
} Batch;

typedef struct {
    uint8_t length, rarest, bytes[18]; /* in cp1251; where its rarest pair of letters stands */
    int32_t flags, needed, needs; /* one of so many has to stand near, the first of them is `needed` */
} Sought;

typedef struct {
    const int32_t *characters; /* by byte: what is to be looked at where it is in the text */
    const uint8_t *pairs;      /* a bit for each pair of bytes: whether it is the rarest of something sought */
    const Sought *sought;
    int64_t count, near; /* how many are sought for themselves; characters around that are near */
} Looks;

int64_t classes_of_words(const Automaton *automaton, const uint8_t *text, int64_t length, int32_t *edges,
                         int32_t *classes);
void sort(int32_t *cells, int64_t length, int32_t *spare);
void rank(const double *shares, int64_t classes, int32_t *ranked, double *scores);
void probabilities_of(const Rubric *rubric, const float *margins, double *shares);
int64_t row(const Vocabulary *v, const int32_t *classes, int64_t title, int64_t body, int32_t *cells, int32_t *spare,
            int32_t *columns, float *values);
void find_names(const Trie *trie, const int32_t *classes, int64_t words, Hits *hits);
void find_candidates(const Tags *tags, Article *article);
void find_places(const Places *places, const double *least, Article *article);

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
