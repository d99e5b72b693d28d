# Install rules: a run-time and a development component, the CMake package, the pkg-config file.
include(CMakePackageConfigHelpers)

set(XIPC_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/xipc)

install(TARGETS xipc EXPORT xipc-targets
    RUNTIME COMPONENT xipc_runtime
    LIBRARY COMPONENT xipc_runtime NAMELINK_COMPONENT xipc_devel
    ARCHIVE COMPONENT xipc_devel)
install(FILES include/xipc.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT xipc_devel)
set(XIPC_CONCEPT_HEADERS ${XIPC_PUBLIC_HEADERS})
list(REMOVE_ITEM XIPC_CONCEPT_HEADERS include/xipc.h)
install(FILES ${XIPC_CONCEPT_HEADERS} ${XIPC_GENERATED_HEADERS}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/xipc COMPONENT xipc_devel)

install(EXPORT xipc-targets NAMESPACE xipc::
    DESTINATION ${XIPC_CMAKE_DIR} COMPONENT xipc_devel)
configure_package_config_file(cmake/xipc-config.cmake.in xipc-config.cmake
    INSTALL_DESTINATION ${XIPC_CMAKE_DIR}
    NO_SET_AND_CHECK_MACRO)
# before 1.0 a minor version may change the interface
write_basic_package_version_file(xipc-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/xipc-config.cmake
    ${PROJECT_BINARY_DIR}/xipc-config-version.cmake
    cmake/FindAPR.cmake
    DESTINATION ${XIPC_CMAKE_DIR} COMPONENT xipc_devel)

# The .pc file names its prefix from where it stands itself, so that the tree can be moved.
set(XIPC_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH XIPC_PC_TO_PREFIX ${CMAKE_INSTALL_PREFIX}/${XIPC_PC_DIR} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" XIPC_PC_TO_PREFIX "${XIPC_PC_TO_PREFIX}")
set(XIPC_PC_LIBS_PRIVATE "")
foreach(library IN LISTS XIPC_SYSTEM_LIBRARIES)
    if(library STREQUAL "Threads::Threads")
        string(APPEND XIPC_PC_LIBS_PRIVATE " -pthread")
    elseif(library STREQUAL "OpenSSL::Crypto")
        string(APPEND XIPC_PC_LIBS_PRIVATE " -lcrypto")
    else()
        string(APPEND XIPC_PC_LIBS_PRIVATE " -l${library}")
    endif()
endforeach()
if(BUILD_SHARED_LIBS)
    set(XIPC_PC_CFLAGS "")
    set(XIPC_PC_LIBS "")
else()
    set(XIPC_PC_CFLAGS " -DXIPC_STATIC")
    set(XIPC_PC_LIBS "${XIPC_PC_LIBS_PRIVATE}")
    set(XIPC_PC_LIBS_PRIVATE "")
endif()
configure_file(cmake/xipc.pc.in xipc.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/xipc.pc
    DESTINATION ${XIPC_PC_DIR} COMPONENT xipc_devel)
