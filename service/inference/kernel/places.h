/* Names of places in a text -> places of the article: the rules of mentions.py, surroundings.py, scenes.py and regions.py
 * in C, for texts that cp1251 can write. The words and marks that the rules go by come from there. */
#include "kernel.h"

/* What a character is. */
enum { UPPER = 1, LOWER = 2, DIGIT_MARK = 4, BLANK = 8, OPENING = 16, SENTENCE_END = 32, SCENE_END = 64, BREAKS = 128,
       CLAUSE = 256, DASH = 512 };

/* What a whole word says, by the sets of surroundings.py and scenes.py. */
enum { BEFORE_A_CITY = 1, BEFORE_AN_INSTRUMENTAL = 2, SETTLEMENT = 4, OWNED_BY_A_PLACE = 8, WATER = 16, TITLED = 32,
       ABBREVIATED = 64, SAYS_IN = 128, SAYS_NEAR = 256, SAYS_FAR_FROM = 512, SAYS_FROM = 1024, SAYS_AWAY = 2048,
       SAYS_EARLIER = 4096, GATHERING = 8192, CITY_WORD = 16384, LOCATIVE_IN_U = 32768 };

/* What a word's beginning says. */
enum { STREETS = 1, ELSEWHERE = 2, CULTURE = 4, DISTRICTS = 8, SCENERY = 16, TAKERS = 32, TELLERS = 64, MOVERS = 128,
       WAYS = 256, COMMON_HEAD = 512 };

/* What its end says. */
enum { LOCATIVE = 1, UNCERTAIN = 2, ENDS_IN_U = 4, PAST = 8 };

/* What stands between words: as a whole, or as what follows. */
enum { LIST_GAP = 1, SAME_PLACE = 2, GAP = 4 };
enum { WHERE = 1, ROUTE = 2, SPEECH_GOES_ON = 4 };

enum { NAME, ALIAS, ABBREVIATION, ADJECTIVE, DEMONYM, BLOCK, EVENT };          /* Kind of places.py */
enum { CLEAR, WORDLIKE, ALONE, NAMELIKE, INSTRUMENTAL, SUPPORTED };            /* doubts of places.py */
enum { COUNTRY, SUBJECT, CITY, DISTRICT, PLACE, LEVELS, NO_LEVEL = 255 };      /* LEVELS of regions.py */
enum { MENTIONED, ABOUT, HAPPENED };                                           /* roles */

#define LEAD 45 /* words: LEAD_WORDS of scenes.py and FIRST_WORDS of regions.py */

/* One part of an article. */
typedef struct {
    const uint8_t *text, *folded; /* as sent in cp1251, and as words are cut from it */
    int64_t length, words;
    const int32_t *edges;
} Part;

static inline int is(const Places *p, uint8_t character, uint32_t marks) { return (p->marks[character] & marks) != 0; }

static inline uint8_t at(const Part *part, int64_t position) {
    return position >= 0 && position < part->length ? part->text[position] : 0;
}

uint32_t whole(const Strings *strings, const uint8_t *text, int64_t start, int64_t end);
uint32_t beginning(const Strings *strings, const uint8_t *text, int64_t length, int64_t start);
uint32_t ending(const Strings *strings, const uint8_t *text, int64_t start, int64_t end);
int all_capitals(const Places *p, const uint8_t *text, int64_t start, int64_t end);

int64_t mentions_of(const Places *p, const Part *part, const int32_t (*hits)[3], int64_t count, Article *article,
                    Mention *mentions);
void mark_scenes(const Places *p, const Part *part, Mention *mentions, int64_t count, const int32_t (*events)[2],
                 int64_t told);

/* One stretch of words and what stands around it: Surroundings of surroundings.py. */
typedef struct {
    const Places *p;
    const Part *part;
    int64_t start, end, last_word, list_start; /* the last word's start */
    int capital, in_list, before_hit;
} Near;

int reads(const Near *near, int32_t phrase, int several_words);
int names_goods(const Places *p, const Part *part, int64_t end, int level);
int stands_alone(const Near *near);
