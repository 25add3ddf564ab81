/* What a text holds that has to be looked at closely: one pass for what is two dozen searches else. */
#include "kernel.h"

static int holds(const uint8_t *text, int64_t length, const Sought *one) {
    for (int64_t start = 0; start + one->length <= length; start++)
        if (text[start] == one->bytes[0] && !memcmp(text + start, one->bytes, one->length)) return 1;
    return 0;
}

/* Whether something stands near that it needs to be worth a look. */
static int is_worth(const Looks *looks, const uint8_t *text, int64_t length, int64_t start, const Sought *one) {
    const int64_t from = start > looks->near ? start - looks->near : 0;
    const int64_t to = start + looks->near < length ? start + looks->near : length;
    for (int32_t i = one->needed; i < one->needed + one->needs; i++)
        if (holds(text + from, to - from, looks->sought + i)) return 1;
    return !one->needs;
}

static int32_t look(const Looks *looks, const uint8_t *text, int64_t length) {
    int32_t found = 0;
    for (int64_t i = 0; i < length; i++) {
        found |= looks->characters[text[i]];
        if (i + 1 == length) break;
        const uint32_t pair = (uint32_t)text[i] << 8 | text[i + 1];
        if (!(looks->pairs[pair >> 3] >> (pair & 7) & 1)) continue;
        for (const Sought *one = looks->sought; one < looks->sought + looks->count; one++) {
            const int64_t start = i - one->rarest;
            if (start >= 0 && start + one->length <= length && !memcmp(text + start, one->bytes, one->length) &&
                is_worth(looks, text, length, start, one))
                found |= one->flags;
        }
    }
    return found;
}

/* Flags of each text; all of them where there is no text in cp1251. */
void look_at(const Looks *looks, const uint8_t *const *texts, const int64_t *lengths, int64_t count, int32_t *flags) {
    for (int64_t i = 0; i < count; i++) flags[i] = texts[i] ? look(looks, texts[i], lengths[i]) : -1;
}
