/*
 * isolation: a child works on a copy. What it does to a variable or to its arguments is seen
 * neither by the parent nor by the next child.
 */
#include "../example.h"

static int AGE = 1;

static int COPIED_AGE = 1;
XIPC_COPIED(COPIED_AGE);

static void hello(void)
{
    puts("hello");
}

/* Print as the article does; `names` begin in the list at index 1. */
static void show(const char *who, const xipc_values_t *names)
{
    const char *name;
    printf("%s: AGE = %d\n", who, AGE);
    printf("%s: AGE address = 0x%llx\n", who, (unsigned long long)(uintptr_t)&AGE);
    printf("%s: COPIED_AGE = %d\n", who, COPIED_AGE);
    printf("%s: names = [", who);
    for (apr_size_t i = 1; xipc_values_get_string(&name, names, i) == APR_SUCCESS; i++)
        printf("%s%s", i > 1 ? ", " : "", name);
    printf("]\n%s: names address = 0x%llx\n", who, (unsigned long long)(uintptr_t)names);
    printf("%s: hello address = 0x%llx\n", who, (unsigned long long)(uintptr_t)&hello);
}

/* The child's function: args are [number, names...]. */
static int greet(xipc_values_t *args, apr_pool_t *pool)
{
    apr_int64_t number;
    (void)pool;
    if (failed(xipc_values_get_int(&number, args, 0), "number")) return EXIT_FAILURE;
    AGE += 1;
    COPIED_AGE += 1;
    if (failed(xipc_values_add_string(args, "jack"), "append")) return EXIT_FAILURE;
    char who[] = "child N";
    who[sizeof who - 2] = (char)('0' + number);
    show(who, args);
    return EXIT_SUCCESS;
}

static xipc_values_t *make_names(int number, apr_pool_t *pool)
{
    xipc_values_t *names = xipc_values_make(pool);
    check(xipc_values_add_int(names, number), "number");
    check(xipc_values_add_string(names, "peter"), "append");
    return names;
}

static void run_child(const xipc_values_t *names, apr_pool_t *pool)
{
    xipc_process_t *child;
    int exitcode;
    check(xipc_process_create(&child, greet, names, pool), "xipc_process_create");
    check(xipc_process_start(child), "xipc_process_start");
    check(xipc_process_join(child, -1), "xipc_process_join");
    check(xipc_process_exitcode(&exitcode, child), "xipc_process_exitcode");
    if (exitcode != EXIT_SUCCESS) exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    apr_pool_t *pool = example_begin(argc, argv);
    xipc_values_t *first = make_names(1, pool);
    run_child(first, pool);
    run_child(make_names(2, pool), pool);
    show("parent", first);

    AGE = 41;
    COPIED_AGE = 41;
    printf("parent: AGE = %d\nparent: COPIED_AGE = %d\n", AGE, COPIED_AGE);
    run_child(make_names(3, pool), pool);
    printf("parent: what is seen = a forked child copies the parent as it is now (41 + 1); a "
           "spawned one begins anew (1 + 1), but for what is marked XIPC_COPIED (41 + 1)\n");
    xipc_terminate();
    return EXIT_SUCCESS;
}
