/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs a fuzz target once over each file of the given folders: how a
 * corpus becomes a test where there is no libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *data;
    size_t got;

    if (!file || fstat(fileno(file), &st) != 0) {
        perror(path);
        return -1;
    }
    data = malloc((size_t)st.st_size + 1); /* exact but for the byte that malloc(0) needs */
    got = data ? fread(data, 1, (size_t)st.st_size, file) : 0;
    fclose(file);
    if (!data || got != (size_t)st.st_size) {
        fprintf(stderr, "could not read %s\n", path);
        return -1;
    }
    LLVMFuzzerTestOneInput(data, got);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    int replayed = 0;

    for (int i = 1; i < argc; i++) {
        struct dirent **names;
        int count = scandir(argv[i], &names, NULL, alphasort);

        if (count < 0) {
            perror(argv[i]);
            return 1;
        }
        for (int n = 0; n < count; n++) {
            char path[4096];

            snprintf(path, sizeof(path), "%s/%s", argv[i], names[n]->d_name);
            if (names[n]->d_name[0] != '.') {
                if (replay_file(path) != 0)
                    return 1;
                replayed++;
            }
            free(names[n]);
        }
        free(names);
    }
    printf("%d inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
