/* SPDX-License-Identifier: Apache-2.0 */
#include "base/array.h"

#include <stdlib.h>

enum { FIRST_ROOM = 16 };

/* Large pages were tried for arrays of megabytes (MADV_HUGEPAGE): clearing them costs more than the
 * faults that they spare. */
void *bt_array_grown(void *array, size_t count, size_t *room, size_t size)
{
    size_t more = *room ? *room * 2 : FIRST_ROOM;
    void *bigger;

    if (count < *room)
        return array;
    bigger = reallocarray(array, more, size);
    if (bigger)
        *room = more;
    return bigger;
}
