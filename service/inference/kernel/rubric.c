/* Margins -> probabilities of rubrics: RubricHead.probabilities_of in C. */
#include <math.h>

#include "kernel.h"

#define FARTHEST 100.0
#define TEN_THOUSAND 10000.0 /* four digits: DIGITS of rubric.py */

static double least(double one, double other) { return other < one ? other : one; }

static double most(double one, double other) { return other > one ? other : one; }

static double normalised(double *shares, int64_t classes) {
    double whole = 0;
    for (int64_t c = 0; c < classes; c++) whole += shares[c];
    for (int64_t c = 0; c < classes; c++) shares[c] /= whole;
    return whole;
}

void probabilities_of(const Rubric *rubric, const float *margins, double *shares) {
    const int64_t classes = rubric->classes;
    for (int64_t c = 0; c < classes; c++) {
        const float scaled = rubric->slope[c] * margins[c];
        const double log_odds = scaled + rubric->offset[c];
        shares[c] = pow(1 / (1 + exp(least(-log_odds, FARTHEST))), rubric->sharpness);
    }
    normalised(shares, classes);
    if (classes < 2 || rubric->untouched) return;
    int64_t likeliest = 0;
    double second = -1, together = shares[0];
    for (int64_t c = 1; c < classes; c++) {
        together += shares[c];
        if (shares[c] > shares[likeliest]) {
            second = shares[likeliest];
            likeliest = c;
        } else if (shares[c] > second) {
            second = shares[c];
        }
    }
    const double top = shares[likeliest], near = least(most(top, 1e-9), 1 - 1e-9);
    const double on_log_share = rubric->top[0], on_log_rest = rubric->top[1], offset = rubric->top[2];
    double wanted = log(near) * on_log_share - log(1 - near) * on_log_rest + offset;
    wanted = 1 / (1 + exp(least(-wanted, FARTHEST)));
    const double rest = most(together - top, 1e-300);
    wanted = most(wanted, second / (rest + second) * (1 + 1e-6));
    const double left = (1 - wanted) / rest;
    for (int64_t c = 0; c < classes; c++) shares[c] *= left;
    shares[likeliest] = wanted;
    normalised(shares, classes);
}

/* What Python's round(share, 4) gives; a share so near the middle that its product is in doubt is looked at exactly. */
static double rounded(double share) {
    const double scaled = share * TEN_THOUSAND, whole = floor(scaled), rest = scaled - whole;
    double up = rest > 0.5;
    if (fabs(rest - 0.5) < 1e-6) {
        const double beyond = fma(share, TEN_THOUSAND, -(whole + 0.5));
        up = beyond > 0 || (beyond == 0 && fmod(whole, 2) == 1);
    }
    return (whole + up) / TEN_THOUSAND;
}

/* Classes by share, the likeliest first and equals in their order, each with its score. */
void rank(const double *shares, int64_t classes, int32_t *ranked, double *scores) {
    for (int64_t c = 0; c < classes; c++) {
        int64_t at = c;
        for (; at > 0 && shares[ranked[at - 1]] < shares[c]; at--) ranked[at] = ranked[at - 1];
        ranked[at] = (int32_t)c;
    }
    for (int64_t i = 0; i < classes; i++) scores[i] = rounded(shares[ranked[i]]);
}
