/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/build_id.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/auto.h"

enum { PROGRAM_SIZE_MAX = 256 << 20 };

static const char *id_of(struct bt_slice bytes, char out[static BT_BUILD_ID_SIZE])
{
    XXH128_hash_t h = XXH3_128bits(bytes.ptr, bytes.len);

    snprintf(out, BT_BUILD_ID_SIZE, "%016" PRIx64 "%016" PRIx64, h.high64, h.low64);
    return out;
}

int bt_build_id_of_file(const char *path, char ret[static BT_BUILD_ID_SIZE], uint64_t *ret_size,
                        struct bt_err *err)
{
    bt_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *bytes;

    if (fd < 0 || fstat(fd, &st) != 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > PROGRAM_SIZE_MAX)
        return bt_fail(err, BT_ERR_REALITY, "\"%s\" is no program file", path);
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return bt_fail_sys(err, "could not read \"%s\"", path);
    id_of(bt_slice(bytes, (size_t)st.st_size), ret);
    munmap(bytes, (size_t)st.st_size);
    *ret_size = (uint64_t)st.st_size;
    return 0;
}

int bt_build_id_of_self(char ret[static BT_BUILD_ID_SIZE], struct bt_err *err)
{
    uint64_t size;

    return bt_build_id_of_file("/proc/self/exe", ret, &size, err);
}
