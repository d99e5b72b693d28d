/*
 * document.h - what a program of the documents is made of, and made to, when it is tested.
 */
#ifndef TESTS_DOCUMENT_H
#define TESTS_DOCUMENT_H

#include <xipc.h>

/* The program: its own main, or document_run() of its run(). */
int document(int argc, char **argv);

/* Run it with a pool, say what its error was, and return the exit code. */
int document_run(apr_status_t (*run)(apr_pool_t *pool));

#endif
