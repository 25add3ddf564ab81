/* Classes -> names of places and tags: Phrases._found in C. */
#include "kernel.h"

typedef struct {
    const Trie *trie;
    const int32_t *classes;
    int64_t words;
    Hits *of; /* places, tags */
} Search;

static int32_t child(const Trie *trie, int32_t node, int32_t pattern) {
    int32_t low = trie->edges_start[node], high = trie->edges_start[node + 1];
    while (low < high) {
        const int32_t middle = (low + high) / 2;
        if (trie->edge_pattern[middle] < pattern) low = middle + 1;
        else high = middle;
    }
    return low < trie->edges_start[node + 1] && trie->edge_pattern[low] == pattern ? trie->edge_node[low] : 0;
}

/* The longest first: what goes on from here, then what ends here. */
static void visit(const Search *search, int32_t node, int64_t first, int64_t at) {
    const Trie *trie = search->trie;
    if (trie->edges_start[node] < trie->edges_start[node + 1] && at < search->words) {
        const int32_t class = search->classes[at];
        for (int32_t p = trie->patterns_start[class]; p < trie->patterns_start[class + 1]; p++) {
            const int32_t next = child(trie, node, trie->patterns[p]);
            if (next) visit(search, next, first, at + 1);
        }
    }
    for (int32_t p = trie->phrases_start[node]; p < trie->phrases_start[node + 1]; p++) {
        Hits *hits = search->of + (trie->phrases[p] >= trie->places);
        if (hits->found < hits->room) {
            int32_t *hit = hits->hits[hits->found];
            hit[0] = (int32_t)first;
            hit[1] = (int32_t)at;
            hit[2] = trie->phrases[p];
        }
        hits->found++; /* beyond the room too: the caller comes again with more */
    }
}

/* Adds the hits in one part of an article to those of places (`hits[0]`) and of tags (`hits[1]`). */
void find_names(const Trie *trie, const int32_t *classes, int64_t words, Hits *hits) {
    const Search search = {trie, classes, words, hits};
    for (int64_t first = 0; first < words; first++) {
        if (first + AHEAD < words) __builtin_prefetch(trie->opens + classes[first + AHEAD]);
        const int32_t class = classes[first];
        if (!trie->opens[class]) continue;
        for (int32_t p = trie->patterns_start[class]; p < trie->patterns_start[class + 1]; p++) {
            const int32_t node = trie->root[trie->patterns[p]];
            if (node) visit(&search, node, first, first + 1);
        }
    }
}
