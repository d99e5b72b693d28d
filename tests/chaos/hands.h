/* hands.h - a process that does with a queue what it is told, one call at a time, and tells what came of it. */
#ifndef TESTS_CHAOS_HANDS_H
#define TESTS_CHAOS_HANDS_H

#include "testing.h"

enum { HANDS_BATCH = 4, HANDS_PLACES = 4 };

typedef enum {
    HANDS_PUT,
    HANDS_PUT_MANY,
    HANDS_GET,
    HANDS_GET_INTO, /* a buffer of sizes[1] bytes */
    HANDS_GET_MANY,
    HANDS_SIZE,
    HANDS_RESERVE,
    HANDS_COMMIT,
    HANDS_ABANDON,
    HANDS_PEEK,
    HANDS_RELEASE,
    HANDS_OPS
} hands_op_e;

/* What is put, or what should be got. */
typedef struct {
    hands_op_e op;
    apr_size_t count;
    apr_size_t sizes[HANDS_BATCH];
    apr_int64_t numbers[HANDS_BATCH];
    unsigned priority; /* of a HANDS_PUT */
    int place;
} hands_order_t;

typedef struct {
    apr_status_t status;
    apr_size_t count; /* messages put or got, or the number in it */
    apr_size_t size;  /* of the first that was got, or that was too large */
    int is_right;     /* what was got is what should be */
} hands_answer_t;

/* Arguments: the queue, and the connection over which orders come. */
int hands_work(xipc_values_t *args, apr_pool_t *pool);

#endif
