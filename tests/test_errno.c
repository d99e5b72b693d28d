/* What a status says; the promises of errno.h. */
#include "testing.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>

/* Every code of the library. */
static const apr_status_t codes[] = {
    XIPC_EFULL,  XIPC_EEMPTY,   XIPC_ECLOSED,  XIPC_EBROKEN,      XIPC_EMSGSIZE,
    XIPC_ELIMIT, XIPC_EINHERIT, XIPC_ETHREADS, XIPC_EOWNERDEAD,   XIPC_ENOTOWNER,
    XIPC_EAUTH,  XIPC_EDIED,    XIPC_EFAILED,  XIPC_ENOTREADABLE, XIPC_ENOTWRITABLE,
    XIPC_EBUILD, XIPC_EINIT,    XIPC_ETARGET,  XIPC_ETYPE,        XIPC_EINDEX,
    XIPC_ESTATE, XIPC_EPROTOCOL};

enum { CODES = sizeof codes / sizeof *codes, TEXT = 400 };

/* A failure with a detail: a NULL where a value is needed. */
static apr_status_t fail_with_detail(void)
{
    return xipc_values_add_int(NULL, 1);
}

/* What is asked in a thread of its own. */
typedef struct {
    apr_status_t status;
    char *text;
} question_t;

static void *APR_THREAD_FUNC text_in_thread(apr_thread_t *thread, void *data)
{
    const question_t *question = data;
    (void)xipc_strerror(question->status, question->text, TEXT);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

/* The text of a status in a thread where nothing has failed. */
static int plain_text(char *text, apr_status_t status, apr_pool_t *pool)
{
    apr_thread_t *thread;
    apr_status_t rv;
    question_t question = {status, text};
    if (!CHECK_OK(apr_thread_create(&thread, NULL, text_in_thread, &question, pool))) return 0;
    return CHECK_OK(apr_thread_join(&rv, thread));
}

static void every_code_has_a_text_of_its_own(testing_t *test)
{
    char texts[CODES][TEXT];
    char unknown[TEXT];
    (void)test;
    (void)apr_strerror(codes[0], unknown, sizeof unknown);
    for (int i = 0; i < CODES; i++) {
        (void)xipc_strerror(codes[i], texts[i], TEXT);
        CHECK(strlen(texts[i]) > 5);
        CHECK(strcmp(texts[i], unknown) != 0);
        for (int before = 0; before < i; before++) CHECK(strcmp(texts[before], texts[i]) != 0);
    }
}

static void codes_lie_in_aprs_range_for_applications(testing_t *test)
{
    (void)test;
    for (int i = 0; i < CODES; i++) {
        CHECK(codes[i] > XIPC_ERROR_START);
        CHECK(codes[i] >= APR_OS_START_USERERR);
        CHECK(codes[i] < APR_OS_START_USERERR + APR_OS_ERRSPACE_SIZE);
    }
}

static void status_without_a_name_in_the_range_has_a_text_too(testing_t *test)
{
    char text[TEXT] = "";
    (void)test;
    CHECK(xipc_strerror(XIPC_ERROR_START, text, sizeof text) == text);
    CHECK(text[0] != '\0');
    CHECK(xipc_strerror(XIPC_ERROR_START + 999, text, sizeof text) == text);
    CHECK(text[0] != '\0');
}

static void other_status_has_the_text_of_apr_or_the_system(testing_t *test)
{
    static const apr_status_t others[] = {APR_SUCCESS,  APR_TIMEUP, APR_EOF,
                                          APR_ENOTIMPL, APR_ENOENT, APR_EACCES};
    char expected[TEXT];
    char text[TEXT];
    for (apr_size_t i = 0; i < sizeof others / sizeof *others; i++) {
        (void)apr_strerror(others[i], expected, sizeof expected);
        REQUIRE(plain_text(text, others[i], test->pool));
        CHECK_TEXT(expected, text);
    }
}

static void detail_follows_the_text_after_a_colon(testing_t *test)
{
    char plain[TEXT];
    char text[TEXT];
    REQUIRE(plain_text(plain, APR_EINVAL, test->pool));
    CHECK_STATUS(APR_EINVAL, fail_with_detail());
    (void)xipc_strerror(APR_EINVAL, text, sizeof text);
    CHECK(strncmp(text, plain, strlen(plain)) == 0);
    CHECK(strncmp(text + strlen(plain), ": ", 2) == 0);
    CHECK(strstr(text, "values") != NULL);
}

static void detail_is_that_of_the_last_failure(testing_t *test)
{
    char text[TEXT];
    xipc_process_t *process;
    CHECK_STATUS(APR_EINVAL, fail_with_detail());
    CHECK_STATUS(APR_EINVAL, xipc_process_create(&process, NULL, NULL, test->pool));
    (void)xipc_strerror(APR_EINVAL, text, sizeof text);
    CHECK(strstr(text, "target") != NULL);
    CHECK(strstr(text, "values") == NULL);
}

static void detail_is_shown_for_its_own_status_only(testing_t *test)
{
    char text[TEXT];
    (void)test;
    CHECK_STATUS(APR_EINVAL, fail_with_detail());
    (void)xipc_strerror(XIPC_EFULL, text, sizeof text);
    CHECK(strstr(text, ": ") == NULL);
}

static void detail_belongs_to_the_thread_that_failed(testing_t *test)
{
    char plain[TEXT];
    char text[TEXT];
    CHECK_STATUS(APR_EINVAL, fail_with_detail());
    REQUIRE(plain_text(plain, APR_EINVAL, test->pool));
    CHECK(strcmp(plain, xipc_strerror(APR_EINVAL, text, sizeof text)) != 0);
}

static void long_text_is_cut_to_the_buffer(testing_t *test)
{
    char whole[TEXT];
    char cut[TEXT];
    (void)test;
    CHECK_STATUS(APR_EINVAL, fail_with_detail());
    (void)xipc_strerror(APR_EINVAL, whole, sizeof whole);
    for (apr_size_t size = 1; size <= strlen(whole) + 2; size++) {
        memset(cut, '#', sizeof cut);
        CHECK(xipc_strerror(APR_EINVAL, cut, size) == cut);
        apr_size_t expected = size - 1 < strlen(whole) ? size - 1 : strlen(whole);
        CHECK_NUMBER(expected, strlen(cut));
        CHECK(strncmp(cut, whole, expected) == 0);
        CHECK(cut[size] == '#');
    }
}

static void buffer_of_size_0_is_left_alone(testing_t *test)
{
    char buffer[2] = "#";
    (void)test;
    CHECK(xipc_strerror(XIPC_EFULL, buffer, 0) == buffer);
    CHECK_TEXT("#", buffer);
    CHECK(xipc_strerror(APR_EINVAL, NULL, 0) == NULL);
}

static const testing_case_t cases[] = {
    ONCE(every_code_has_a_text_of_its_own),
    ONCE(codes_lie_in_aprs_range_for_applications),
    ONCE(status_without_a_name_in_the_range_has_a_text_too),
    ONCE(other_status_has_the_text_of_apr_or_the_system),
    ONCE(detail_follows_the_text_after_a_colon),
    ONCE(detail_is_that_of_the_last_failure),
    ONCE(detail_is_shown_for_its_own_status_only),
    ONCE(detail_belongs_to_the_thread_that_failed),
    ONCE(long_text_is_cut_to_the_buffer),
    ONCE(buffer_of_size_0_is_left_alone),
};

TESTING_MAIN("errno", cases)
