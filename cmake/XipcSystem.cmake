# Chooses the port files of the target system: XIPC_SYSTEM_SOURCES, XIPC_SYSTEM_LIBRARIES.
include(CheckCSourceCompiles)
include(CheckSymbolExists)
include(CMakePushCheckState)

# POSIX message queues as the port uses them: mqd_t is a descriptor that poll takes. On FreeBSD it is a pointer.
function(xipc_find_mqueue)
    set(source "
        #include <mqueue.h>
        int main(void) {
            mqd_t queue = mq_open(\"/none\", 0);
            return _Generic(queue, int: (int)queue);
        }")
    cmake_push_check_state()
    check_c_source_compiles("${source}" XIPC_HAVE_MQUEUE)
    if(NOT XIPC_HAVE_MQUEUE)
        list(APPEND CMAKE_REQUIRED_LIBRARIES rt) # glibc before 2.34
        check_c_source_compiles("${source}" XIPC_HAVE_MQUEUE_IN_RT)
    endif()
    cmake_pop_check_state()
endfunction()

function(xipc_find_closefrom)
    cmake_push_check_state()
    list(APPEND CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
    check_symbol_exists(posix_spawn_file_actions_addclosefrom_np spawn.h XIPC_HAVE_SPAWN_CLOSEFROM)
    cmake_pop_check_state()
endfunction()

function(xipc_require fact message)
    if(NOT ${fact})
        message(FATAL_ERROR "xipc: ${CMAKE_SYSTEM_NAME}: ${message}")
    endif()
endfunction()

if(WIN32)
    set(XIPC_SYSTEM_SOURCES
        src/win32/handle_parcel.c
        src/win32/launch.c
        src/win32/mailslot.c
        src/win32/port_clock.c
        src/win32/port_handles.c
        src/win32/port_identity.c
        src/win32/port_processor.c
        src/win32/port_image.c
        src/win32/port_kernel_queue.c
        src/win32/port_listener.c
        src/win32/port_mac.c
        src/win32/port_memory.c
        src/win32/port_names.c
        src/win32/port_park.c
        src/win32/port_process.c
        src/win32/port_program.c
        src/win32/port_stream.c
        src/win32/port_wait.c
        src/win32/readers.c
        src/win32/tcp.c
        src/win32/win32.c)
    set(XIPC_SYSTEM_LIBRARIES bcrypt synchronization ws2_32)
    return()
endif()

if(NOT TARGET Threads::Threads)
    set(THREADS_PREFER_PTHREAD_FLAG ON)
    find_package(Threads REQUIRED)
    # who adds xipc as a subdirectory links it too
    set_target_properties(Threads::Threads PROPERTIES IMPORTED_GLOBAL TRUE)
endif()
set(XIPC_SYSTEM_LIBRARIES Threads::Threads ${CMAKE_DL_LIBS})
set(XIPC_SYSTEM_SOURCES
    src/posix/port_clock.c
    src/posix/port_descriptor.c
    src/posix/port_listener.c
    src/posix/port_identity.c
    src/posix/port_processor.c
    src/posix/port_process.c
    src/posix/port_program.c
    src/posix/port_stream.c
    src/posix/port_wait.c)

xipc_find_mqueue()
if(XIPC_HAVE_MQUEUE OR XIPC_HAVE_MQUEUE_IN_RT)
    set(_xipc_kernel_queue mqueue)
else()
    set(_xipc_kernel_queue none)
endif()
set(XIPC_KERNEL_QUEUE ${_xipc_kernel_queue} CACHE STRING
    "The system's own queues: mqueue, or none (as on macOS)")
set_property(CACHE XIPC_KERNEL_QUEUE PROPERTY STRINGS mqueue none)
list(APPEND XIPC_SYSTEM_SOURCES src/posix/port_kernel_queue_${XIPC_KERNEL_QUEUE}.c)
if(XIPC_KERNEL_QUEUE STREQUAL "mqueue" AND XIPC_HAVE_MQUEUE_IN_RT)
    list(APPEND XIPC_SYSTEM_LIBRARIES rt)
endif()

# Descriptors close-on-exec from birth, by flags that macOS lacks. What Linux can try of macOS's files it may be told to.
if(APPLE)
    set(XIPC_SOCKETS plain)
else()
    set(XIPC_SOCKETS atomic CACHE STRING "How sockets become close-on-exec: atomic, or plain (as on macOS)")
    set_property(CACHE XIPC_SOCKETS PROPERTY STRINGS atomic plain)
endif()
list(APPEND XIPC_SYSTEM_SOURCES src/posix/port_socket_${XIPC_SOCKETS}.c)

# Keyed digests: the system's own on macOS, elsewhere OpenSSL's libcrypto. Without one there are no authkeys.
if(APPLE)
    set(XIPC_MAC commoncrypto)
else()
    find_package(OpenSSL COMPONENTS Crypto)
    if(OPENSSL_FOUND)
        set(_xipc_mac openssl)
    else()
        set(_xipc_mac none)
    endif()
    set(XIPC_MAC ${_xipc_mac} CACHE STRING "Keyed digests, for authkeys: openssl, or none")
    set_property(CACHE XIPC_MAC PROPERTY STRINGS openssl none)
endif()
list(APPEND XIPC_SYSTEM_SOURCES src/posix/port_mac_${XIPC_MAC}.c)
if(XIPC_MAC STREQUAL "openssl")
    if(NOT TARGET OpenSSL::Crypto)
        find_package(OpenSSL REQUIRED COMPONENTS Crypto)
    endif()
    set_target_properties(OpenSSL::Crypto PROPERTIES IMPORTED_GLOBAL TRUE)
    list(APPEND XIPC_SYSTEM_LIBRARIES OpenSSL::Crypto)
endif()

# Memory that several processes have, and sleeping at a word of it.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(XIPC_MEMORY memfd CACHE STRING "Shared memory: memfd, or shm (as on macOS)")
    set(XIPC_PARK futex CACHE STRING "Sleeping in shared memory: futex, or pipe (as on macOS)")
    set_property(CACHE XIPC_MEMORY PROPERTY STRINGS memfd shm)
    set_property(CACHE XIPC_PARK PROPERTY STRINGS futex pipe)
else()
    set(XIPC_MEMORY shm)
    set(XIPC_PARK pipe)
endif()
list(APPEND XIPC_SYSTEM_SOURCES
    src/posix/port_memory_${XIPC_MEMORY}.c src/posix/port_names.c src/posix/port_park_${XIPC_PARK}.c)

# How a queue with a name is found: by /proc, or by names that its parts have themselves.
if(XIPC_MEMORY STREQUAL "memfd")
    list(APPEND XIPC_SYSTEM_SOURCES src/posix/port_names_proc.c)
else()
    if(NOT XIPC_PARK STREQUAL "pipe")
        message(FATAL_ERROR "xipc: XIPC_MEMORY=shm needs XIPC_PARK=pipe")
    endif()
    cmake_push_check_state()
    list(APPEND CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
    check_symbol_exists(posix_fallocate fcntl.h XIPC_HAVE_FALLOCATE)
    cmake_pop_check_state()
    if(XIPC_HAVE_FALLOCATE)
        set(XIPC_RESERVE fallocate)
    else()
        set(XIPC_RESERVE none)
    endif()
    list(APPEND XIPC_SYSTEM_SOURCES src/posix/port_names_path.c src/posix/port_reserve_${XIPC_RESERVE}.c)
endif()

# How a child learns that its parent has ended.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(XIPC_LIFELINE signal CACHE STRING "Children bound to their parent: signal, or thread (as on macOS)")
    set_property(CACHE XIPC_LIFELINE PROPERTY STRINGS signal thread)
else()
    set(XIPC_LIFELINE thread)
endif()
list(APPEND XIPC_SYSTEM_SOURCES src/posix/port_lifeline_${XIPC_LIFELINE}.c)

if(APPLE)
    list(APPEND XIPC_SYSTEM_SOURCES
        src/posix/port_image_macho.c
        src/posix/port_peer_bsd.c
        src/posix/port_self_darwin.c
        src/posix/port_sentinel_kqueue.c
        src/posix/port_spawn_darwin.c)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    list(APPEND XIPC_SYSTEM_SOURCES
        src/posix/port_image_elf.c
        src/posix/port_peer_linux.c
        src/posix/port_self_linux.c
        src/posix/port_sentinel_pidfd.c
        src/posix/port_spawn_closefrom.c)
elseif(CMAKE_SYSTEM_NAME STREQUAL "FreeBSD")
    list(APPEND XIPC_SYSTEM_SOURCES
        src/posix/port_image_elf.c
        src/posix/port_peer_bsd.c
        src/posix/port_self_freebsd.c
        src/posix/port_sentinel_kqueue.c
        src/posix/port_spawn_closefrom.c)
else()
    message(FATAL_ERROR "xipc: no port for ${CMAKE_SYSTEM_NAME} yet")
endif()
if(NOT APPLE)
    xipc_find_closefrom()
    xipc_require(XIPC_HAVE_SPAWN_CLOSEFROM "posix_spawn_file_actions_addclosefrom_np is missing (glibc 2.34, FreeBSD 13.1)")
endif()
