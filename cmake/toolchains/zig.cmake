# Systems that can be compiled and linked for, but not run here. XIPC_ZIG_TARGET names the target; XIPC_DEPS is
# the prefix that cmake/deps/zig.sh leaves, with the compiler's wrappers in it.
set(XIPC_CROSS_NAME ${XIPC_ZIG_TARGET})
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES XIPC_ZIG_TARGET)
include(${CMAKE_CURRENT_LIST_DIR}/deps.cmake)

if(XIPC_ZIG_TARGET MATCHES "-macos$")
    set(CMAKE_SYSTEM_NAME Darwin)
    # there is no SDK of Apple's, zig brings its own
    set(CMAKE_OSX_SYSROOT "" CACHE STRING "")
    set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")
elseif(XIPC_ZIG_TARGET MATCHES "-freebsd$")
    set(CMAKE_SYSTEM_NAME FreeBSD)
else()
    message(FATAL_ERROR "XIPC_ZIG_TARGET '${XIPC_ZIG_TARGET}' is none of aarch64-macos, x86_64-macos, x86_64-freebsd")
endif()
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR "${XIPC_ZIG_TARGET}")

set(CMAKE_C_COMPILER ${XIPC_DEPS}/bin/cc)
set(CMAKE_AR ${XIPC_DEPS}/bin/ar CACHE FILEPATH "")
set(CMAKE_RANLIB ${XIPC_DEPS}/bin/ranlib CACHE FILEPATH "")
