/* SPDX-License-Identifier: Apache-2.0 */
/* library.h - which libbaton-parser a program runs with. */
#ifndef BT_PARSER_LIBRARY_H
#define BT_PARSER_LIBRARY_H

/* "0.1.0": of the library that was loaded, not of the headers compiled against. */
const char *bt_parser_version(void);

#endif
