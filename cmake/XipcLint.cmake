# lint.*: tools that read the sources, where they are installed.
if(NOT XIPC_LINT)
    return()
endif()

function(xipc_add_lint name program)
    find_program(XIPC_LINT_${name} ${program})
    mark_as_advanced(XIPC_LINT_${name})
    if(XIPC_LINT_${name})
        xipc_add_test(lint.${name} LABELS lint TIMEOUT 600
            COMMAND ${PROJECT_SOURCE_DIR}/cmake/checks/lint.sh ${name} ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
    else()
        message(STATUS "xipc: no lint.${name}: ${program} is not installed")
    endif()
endfunction()

xipc_add_lint(tidy clang-tidy)
xipc_add_lint(cppcheck cppcheck)
xipc_add_lint(extensions clang)
xipc_add_lint(shell shellcheck)
xipc_add_lint(reference doxygen)
# each version formats a little differently
execute_process(COMMAND clang-format --version OUTPUT_VARIABLE version ERROR_QUIET)
if(version MATCHES "version 14\\.")
    xipc_add_lint(format clang-format)
else()
    message(STATUS "xipc: no lint.format: clang-format 14 is not installed")
endif()
