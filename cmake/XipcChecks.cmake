# check.*: promises about the source text and the library's file. The scripts want a bash.
find_program(XIPC_CXX NAMES c++ g++ clang++)
mark_as_advanced(XIPC_CXX)
set(checks ${PROJECT_SOURCE_DIR}/cmake/checks)

xipc_add_test(check.platform_macros LABELS check TIMEOUT 30
    COMMAND ${checks}/platform_macros.sh ${PROJECT_SOURCE_DIR})

xipc_add_test(check.documents LABELS check TIMEOUT 30
    COMMAND ${checks}/documents.sh ${PROJECT_SOURCE_DIR})

xipc_add_test(check.file_lists LABELS check TIMEOUT 30
    COMMAND ${checks}/file_lists.sh ${PROJECT_SOURCE_DIR})

xipc_add_test(check.dev LABELS check TIMEOUT 30
    COMMAND ${checks}/dev_words.sh ${PROJECT_SOURCE_DIR})

# Our own directories come by -I, so that warnings in them count.
set(directories "$<TARGET_PROPERTY:xipc,INCLUDE_DIRECTORIES>")
set(foreign "$<FILTER:${directories},EXCLUDE,^(${PROJECT_SOURCE_DIR}|${PROJECT_BINARY_DIR})/>")
set(definitions "$<TARGET_PROPERTY:xipc,COMPILE_DEFINITIONS>")
foreach(header IN LISTS XIPC_PUBLIC_HEADERS XIPC_GENERATED_HEADERS)
    string(REGEX REPLACE "^.*include/" "" header "${header}")
    get_filename_component(name ${header} NAME_WE)
    if(header STREQUAL "xipc.h")
        set(name all)
    endif()
    add_test(NAME check.header.${name}${XIPC_TEST_SUFFIX}
        COMMAND ${checks}/header_alone.sh ${header} ${CMAKE_C_COMPILER} "${XIPC_CXX}"
            -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_BINARY_DIR}/include
            "-isystem$<JOIN:${foreign},;-isystem>" "-D$<JOIN:${definitions},;-D>"
        COMMAND_EXPAND_LISTS)
    xipc_test_properties(check.header.${name} LABELS check TIMEOUT 60)
endforeach()

if(BUILD_SHARED_LIBS)
    xipc_add_test(check.exports LABELS check TIMEOUT 30 COMMAND ${checks}/exports.sh $<TARGET_FILE:xipc>)
endif()
