/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite.h - the frame of a Check program: a test file lists its tests and ends with
 *
 *     BT_SUITE_MAIN("parser reader", {"a torn tail is named", a_torn_tail_is_named}, ...)
 */
#ifndef BT_TESTS_SUITE_H
#define BT_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "base/err.h"

struct bt_suite_test {
    const TTest *test;
    int loop_end; /* 0: once; else _i runs from 0 to loop_end - 1 */
};

static inline int bt_suite_run(const char *name, const struct bt_suite_test *tests, size_t count)
{
    Suite *suite = suite_create(name);
    SRunner *runner = srunner_create(suite);
    TCase *tcase = tcase_create(name);
    int failed;

    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    for (size_t i = 0; i < count; i++) {
        if (tests[i].loop_end > 0)
            tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].loop_end);
        else
            tcase_add_test(tcase, tests[i].test);
    }
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define BT_SUITE_MAIN(name, ...) \
    int main(void) \
    { \
        const struct bt_suite_test tests[] = {__VA_ARGS__}; \
        return bt_suite_run((name), tests, sizeof(tests) / sizeof(tests[0])); \
    }

#endif
