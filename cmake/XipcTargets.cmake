# What every target of the project has in common: language, warnings, sanitizers, build identity.
include(CheckLinkerFlag)

if(NOT MSVC)
    # a spawned child is checked against its parent by the build id of the module
    check_linker_flag(C -Wl,--build-id XIPC_HAVE_LINKER_BUILD_ID)
    # or each forked child would look up anew what only children call
    check_linker_flag(C -Wl,-z,now XIPC_HAVE_LINKER_NOW)
endif()

function(xipc_own_target target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11
        C_STANDARD_REQUIRED ON
        C_EXTENSIONS OFF
        C_VISIBILITY_PRESET hidden
        POSITION_INDEPENDENT_CODE ON)
    if(MSVC)
        # its C11 lacks atomics unless asked (Visual Studio 17.5)
        target_compile_options(${target} PRIVATE /W4 /utf-8 /experimental:c11atomics $<$<BOOL:${XIPC_WERROR}>:/WX>)
        target_compile_definitions(${target} PRIVATE _CRT_SECURE_NO_WARNINGS)
    else()
        target_compile_options(${target} PRIVATE
            -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
            -Wundef -Wformat=2 -Wvla $<$<BOOL:${XIPC_WERROR}>:-Werror>)
        if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
            # optimising, it takes xipc__fail() for a function that may succeed, and what follows for uninitialised
            target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
        endif()
    endif()
    if(APPLE)
        # the newest SDK's declarations are there for older systems too
        target_compile_options(${target} PRIVATE -Werror=unguarded-availability-new)
        target_compile_definitions(${target} PRIVATE _DARWIN_C_SOURCE)
    elseif(WIN32)
        target_compile_definitions(${target} PRIVATE _WIN32_WINNT=0x0602) # Windows 8: WaitOnAddress
        if(NOT MSVC)
            # APR_FROM_OS_ERROR makes an int of the unsigned DWORD
            target_compile_options(${target} PRIVATE -Wno-sign-conversion)
        endif()
        if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
            # APR's formats for 64 bits are Microsoft's I64d
            target_compile_options(${target} PRIVATE -Wno-pedantic-ms-format)
        endif()
    else()
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    endif()
    if(XIPC_HAVE_LINKER_BUILD_ID)
        target_link_options(${target} PRIVATE -Wl,--build-id)
    endif()
    if(XIPC_HAVE_LINKER_NOW)
        target_link_options(${target} PRIVATE -Wl,-z,now)
    endif()
    if(XIPC_SANITIZE)
        list(JOIN XIPC_SANITIZE "," sanitizers)
        set(flags -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_compile_options(${target} PRIVATE ${flags})
        target_link_options(${target} PRIVATE ${flags})
    endif()
endfunction()
