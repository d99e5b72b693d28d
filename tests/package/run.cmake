# One way of using the package, from nothing to a program that ran.
#   cmake -DWAY=… -DSHARED=ON|OFF -DWORK=… -DPREFIX=… (and what CMakeLists.txt passes) -P run.cmake
cmake_minimum_required(VERSION 3.21)

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT status STREQUAL "0")
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
    endif()
    message("${output}")
endfunction()

function(configure_and_build source)
    run(${CMAKE_COMMAND} -S ${source} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_C_COMPILER=${C_COMPILER}
        -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=${SHARED} ${ARGN})
    run(${CMAKE_COMMAND} --build ${WORK}/build)
endfunction()

function(split result text)
    string(STRIP "${text}" text)
    separate_arguments(text UNIX_COMMAND "${text}")
    set(${result} ${text} PARENT_SCOPE)
endfunction()

# Installed in one place and moved to another: nothing in the package may remember where it was.
function(way_install)
    configure_and_build(${SOURCE} -DXIPC_BUILD_TESTS=OFF -DXIPC_BUILD_EXAMPLES=OFF -DXIPC_BUILD_BENCH=OFF
        -DXIPC_WERROR=ON -DCMAKE_INSTALL_PREFIX=${WORK}/first)
    run(${CMAKE_COMMAND} --install ${WORK}/build)
    file(REMOVE_RECURSE ${PREFIX})
    file(RENAME ${WORK}/first ${PREFIX})
    file(REMOVE_RECURSE ${WORK}/build)
endfunction()

function(way_find_package)
    configure_and_build(${CONSUMER} -DWAY=find_package -DVERSION=${VERSION} -DCMAKE_PREFIX_PATH=${PREFIX})
    run(${WORK}/build/consumer)
endfunction()

function(way_add_subdirectory)
    configure_and_build(${CONSUMER} -DWAY=add_subdirectory -DSOURCE=${SOURCE})
    run(${WORK}/build/consumer)
endfunction()

function(way_fetch_content)
    configure_and_build(${CONSUMER} -DWAY=fetch_content -DSOURCE=${SOURCE})
    run(${WORK}/build/consumer)
endfunction()

function(way_pkg_config)
    find_program(PKG_CONFIG NAMES pkg-config pkgconf REQUIRED)
    file(GLOB_RECURSE file ${PREFIX}/*/xipc.pc)
    get_filename_component(directory ${file} DIRECTORY)
    set(ENV{PKG_CONFIG_PATH} "${directory}:$ENV{PKG_CONFIG_PATH}")
    execute_process(COMMAND ${PKG_CONFIG} --cflags --libs xipc
        OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${PKG_CONFIG} --modversion xipc
        OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    if(NOT version STREQUAL VERSION)
        message(FATAL_ERROR "xipc.pc is of version ${version}, not ${VERSION}")
    endif()
    split(flags "${flags}")
    get_filename_component(libdir ${directory} DIRECTORY)
    file(MAKE_DIRECTORY ${WORK}/build)
    run(${C_COMPILER} -std=c11 ${CONSUMER}/main.c -o ${WORK}/build/consumer ${flags} -Wl,-rpath,${libdir})
    run(${WORK}/build/consumer)
endfunction()

file(REMOVE_RECURSE ${WORK})
cmake_language(CALL way_${WAY})
file(REMOVE_RECURSE ${WORK}/build)
