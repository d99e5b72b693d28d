/*
 * common.h - what all fuzz targets begin with.
 */
#ifndef TESTS_FUZZ_COMMON_H
#define TESTS_FUZZ_COMMON_H

#include "fuzz.h"

#include <xipc.h>

#include <stdlib.h>

/* Something that no input may bring about. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) abort();                                                                 \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char name[] = "fuzz";
    static char *words[] = {name, NULL};
    static int count = 1;
    static char **given = words;
    (void)argc, (void)argv; /* they are the fuzzer's */
    return xipc_initialize(&count, &given) == APR_SUCCESS ? 0 : 1;
}

static inline apr_pool_t *fuzz_pool(void)
{
    apr_pool_t *pool;
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

#endif
