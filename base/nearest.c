/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <string.h>

enum { WORD_MAX = 63, DISTANCE_MAX = 3 };

/* Levenshtein's distance, two rows of the table at a time. */
static unsigned distance(const char *a, const char *b)
{
    unsigned above[WORD_MAX + 1], row[WORD_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= b_len; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned best = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);

            best = above[j] + 1 < best ? above[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
        memcpy(above, row, sizeof(row));
    }
    return above[b_len];
}

const char *bt_nearest(const char *typed, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    unsigned best = DISTANCE_MAX + 1;

    for (size_t i = 0; i < count; i++) {
        unsigned d = distance(typed, names[i]);

        if (d < best && d * 2 <= strlen(typed)) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
