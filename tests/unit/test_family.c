/* White box: the parent of a process that took its number over; src/core/family.c. */
#include "testing.h"

#include "core/port.h"
#include "core/process.h"
#include "xipc/family.h"

static void parent_is_the_process_itself_and_not_a_later_one_of_its_number(testing_t *test)
{
    xipc_process_t *parent = NULL;
    test->method = XIPC_START_FORKSERVER; /* the harness has the library begin anew after it */
    xipc__family_begin("the child", xipc__port_self(), xipc__port_identity() ^ 1, "the parent");
    CHECK_STATUS(XIPC_EDIED, xipc_process_parent(&parent));
    CHECK(parent == NULL);
    xipc__family_begin("the child", xipc__port_self(), xipc__port_identity(), "the parent");
    CHECK_OK(xipc_process_parent(&parent));
    CHECK(xipc_process_is_alive(parent));
    CHECK_NUMBER(xipc_current_pid(), xipc_process_pid(parent));
}

static const testing_case_t cases[] = {
    ONCE(parent_is_the_process_itself_and_not_a_later_one_of_its_number),
};

TESTING_MAIN("unit.family", cases)
