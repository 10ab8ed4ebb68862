/* SPDX-License-Identifier: Apache-2.0 */
/*
 * double_text.h - floating point numbers as the servers print DOUBLE (strings/dtoa.c my_gcvt,
 * MariaDB 10.11): the fewest digits that read back as the same number; plain between 1e-15 and
 * 1e15 ("0.000001", "100000"), else with an exponent and no padding ("1e15", "1.5e-20").
 */
#ifndef BT_PARSER_DOUBLE_TEXT_H
#define BT_PARSER_DOUBLE_TEXT_H

enum { BT_DOUBLE_TEXT_SIZE = 40 };

/* Writes at `at` and returns the end; no NUL.  Not a number and infinity, which no column holds,
 * are "nan", "inf" and "-inf". */
char *bt_double_text(double value, char at[static BT_DOUBLE_TEXT_SIZE]);

/* The same for a number that is a float: digits that read back as that float. */
char *bt_float_text(float value, char at[static BT_DOUBLE_TEXT_SIZE]);

#endif
