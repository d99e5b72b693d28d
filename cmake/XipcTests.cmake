# How a test is registered.

# xipc_test_properties(NAME LABELS label... TIMEOUT seconds)
function(xipc_test_properties name)
    cmake_parse_arguments(arg "" "TIMEOUT" "LABELS" ${ARGN})
    # machine: what tests leave behind is looked for when the last of them has ended, see cmake/ci
    set_tests_properties(${name}${XIPC_TEST_SUFFIX} PROPERTIES
        LABELS "${arg_LABELS}"
        TIMEOUT ${arg_TIMEOUT}
        SKIP_RETURN_CODE 77
        FIXTURES_REQUIRED xipc_machine)
endfunction()

# xipc_add_test(NAME LABELS label... TIMEOUT seconds COMMAND command...)
function(xipc_add_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "LABELS;COMMAND" ${ARGN})
    add_test(NAME ${name}${XIPC_TEST_SUFFIX} COMMAND ${arg_COMMAND})
    xipc_test_properties(${name} LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT})
endfunction()

# One user has room for 9 queues of the common size (mq_overview(7), RLIMIT_MSGQUEUE): not two such tests at a time.
function(xipc_test_uses_kernel_queues name)
    set_tests_properties(${name}${XIPC_TEST_SUFFIX} PROPERTIES RESOURCE_LOCK xipc_kernel_queues)
endfunction()
