/**
 * @file copied.h
 * @brief Variables whose value of the moment goes along to a spawned child.
 *
 * A forked child has a copy of every variable. A spawned one is the program started anew, so its
 * variables have their first values, except those marked here: they take fork's copying along, one
 * by one, on every system.
 *
 * Python counterpart: none; there a spawned child imports the module anew.
 *
 * @code
 * static int age = 1;
 * XIPC_COPIED(age);            // after the definition, at file scope
 * @endcode
 *
 * The mark copies the bytes of the variable itself: a number, an array, a struct. What a pointer in
 * it points to stays behind. Thread-local variables have no one address and are refused by the
 * compiler.
 */
#ifndef XIPC_COPIED_H
#define XIPC_COPIED_H

#include "xipc/export.h"

#include <apr.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The entry behind one mark; its fields are the library's. */
typedef struct xipc_copied_t {
    void *address;              /**< the variable */
    apr_size_t size;            /**< its size in bytes */
    struct xipc_copied_t *next; /**< the next marked variable of the process */
} xipc_copied_t;

/**
 * Enter a variable; #XIPC_COPIED calls it when the module is loaded.
 *
 * @param entry  the mark, which must live until xipc_copied_remove()
 * @par Blocking  Never.
 * @par Threads   Only while a module is loaded, which the loader does one at a time.
 */
XIPC_EXPORT void xipc_copied_add(xipc_copied_t *entry);

/**
 * Take a variable out; #XIPC_COPIED calls it when the module is unloaded.
 *
 * @param entry  the mark
 * @par Blocking  Never.
 * @par Threads   Only while a module is unloaded, which the loader does one at a time.
 */
XIPC_EXPORT void xipc_copied_remove(xipc_copied_t *entry);

#ifdef __cplusplus
}
#endif

/**
 * @def XIPC_COPIED
 * Mark a variable, at file scope and after its definition; ended by a semicolon.
 */
#if defined(_MSC_VER) && !defined(__clang__)
#pragma section(".CRT$XCU", read)
#define XIPC_COPIED(variable)                                                                      \
    static void xipc_copied_in_##variable(void)                                                    \
    {                                                                                              \
        static xipc_copied_t entry = {(void *)&(variable), sizeof(variable), 0};                   \
        xipc_copied_add(&entry);                                                                   \
    }                                                                                              \
    __declspec(allocate(".CRT$XCU")) void (*xipc_copied_at_##variable)(void) =                     \
        xipc_copied_in_##variable
#else
#define XIPC_COPIED(variable)                                                                      \
    static xipc_copied_t xipc_copied_of_##variable = {(void *)&(variable), sizeof(variable), 0};   \
    __attribute__((constructor)) static void xipc_copied_in_##variable(void)                       \
    {                                                                                              \
        xipc_copied_add(&xipc_copied_of_##variable);                                               \
    }                                                                                              \
    __attribute__((destructor)) static void xipc_copied_out_##variable(void)                       \
    {                                                                                              \
        xipc_copied_remove(&xipc_copied_of_##variable);                                            \
    }                                                                                              \
    struct xipc_copied_t
#endif

#endif
