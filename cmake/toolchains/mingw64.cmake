# Windows (x86_64) with MinGW-w64, on any host that has x86_64-w64-mingw32-gcc.
# XIPC_DEPS is the prefix that cmake/deps/windows.sh leaves; the default is where it leaves it.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

set(XIPC_CROSS_NAME x86_64-windows)
include(${CMAKE_CURRENT_LIST_DIR}/deps.cmake)

list(APPEND CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static-libgcc")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static-libgcc")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-static-libgcc")
if(CMAKE_HOST_UNIX)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/wine.sh)
endif()
