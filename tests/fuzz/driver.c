/*
 * driver.c - fuzz TARGET without libFuzzer: driver ROUNDS FILE...
 *
 * Each file is run as it is, and then in each round with a few bytes changed, cut off or doubled,
 * always the same way.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MAX_BYTES = 1 << 16 };

static uint64_t state = 88172645463325252u;

/* xorshift64 */
static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t read_file(uint8_t *data, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t size = fread(data, 1, SIZE_MAX_BYTES / 2, file);
    (void)fclose(file);
    return size;
}

static size_t change(uint8_t *data, size_t size)
{
    static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff};
    switch (size == 0 ? 4 : next() % 6) {
    case 0:
        data[next() % size] = (uint8_t)next();
        return size;
    case 1:
        data[next() % size] = telling[next() % sizeof telling];
        return size;
    case 2:
        data[next() % size] ^= (uint8_t)(1u << next() % 8);
        return size;
    case 3:
        return (size_t)(next() % size);
    case 4:
        data[size] = (uint8_t)next();
        return size + 1;
    default:
        if (2 * size > SIZE_MAX_BYTES / 2) return size;
        memmove(data + size, data, size);
        return 2 * size;
    }
}

static void run_file(const char *path, long rounds)
{
    static uint8_t original[SIZE_MAX_BYTES];
    static uint8_t data[SIZE_MAX_BYTES];
    size_t size = read_file(original, path);
    (void)LLVMFuzzerTestOneInput(original, size);
    for (long round = 0; round < rounds; round++) {
        size_t changed = size;
        memcpy(data, original, size);
        for (uint64_t times = 1 + next() % 4; times > 0; times--) changed = change(data, changed);
        (void)LLVMFuzzerTestOneInput(data, changed);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    if (LLVMFuzzerInitialize(&argc, &argv) != 0) return EXIT_FAILURE;
    for (int i = 2; i < argc; i++) run_file(argv[i], atol(argv[1]));
    printf("%d files, %s rounds each\n", argc - 2, argv[1]);
    return EXIT_SUCCESS;
}
