/*
 * fuzz.h - a fuzz target: what comes from another process, taken apart in every way.
 *
 * Each target is linked with libFuzzer (preset fuzz, ./dev fuzz), or with driver.c, which replays
 * the corpus and then changes it here and there; that one runs wherever the tests run.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
