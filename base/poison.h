/* SPDX-License-Identifier: Apache-2.0 */
/* poison.h - marks memory whose lifetime ended, so that AddressSanitizer catches a late borrow. */
#ifndef BT_BASE_POISON_H
#define BT_BASE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define BT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BT_ASAN 1
#endif
#endif

#ifdef BT_ASAN
#include <sanitizer/asan_interface.h>
#define bt_poison(ptr, len) ASAN_POISON_MEMORY_REGION((ptr), (len))
#define bt_unpoison(ptr, len) ASAN_UNPOISON_MEMORY_REGION((ptr), (len))
#else
#define bt_poison(ptr, len) ((void)(ptr), (void)(len))
#define bt_unpoison(ptr, len) ((void)(ptr), (void)(len))
#endif

#endif
