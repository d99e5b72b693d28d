# Finds the Apache Portable Runtime, whatever installed it, as APR::APR; sets APR_FOUND, APR_VERSION.
# Tried in this order: package files of vcpkg or Conan, pkg-config (Debian, Homebrew, MSYS2), the bare files.
# Installed beside xipc-config.cmake, because users of xipc need APR too.
include(FindPackageHandleStandardArgs)

if(NOT TARGET APR::APR)
    set(_apr_target "")

    find_package(apr CONFIG QUIET)
    mark_as_advanced(apr_DIR)
    foreach(_apr_candidate apr::libapr-1 apr::apr-1 apr::apr)
        if(NOT _apr_target AND TARGET ${_apr_candidate})
            set(_apr_target ${_apr_candidate})
            set_target_properties(${_apr_target} PROPERTIES IMPORTED_GLOBAL TRUE)
            set(APR_VERSION ${apr_VERSION})
        endif()
    endforeach()

    if(NOT _apr_target)
        find_package(PkgConfig QUIET)
        if(PkgConfig_FOUND)
            pkg_check_modules(APR1 QUIET IMPORTED_TARGET GLOBAL apr-1)
        endif()
        if(TARGET PkgConfig::APR1)
            set(_apr_target PkgConfig::APR1)
            set(APR_VERSION ${APR1_VERSION})
        endif()
    endif()

    if(NOT _apr_target)
        find_path(APR_INCLUDE_DIR apr.h PATH_SUFFIXES apr-1 apr-1.0)
        find_library(APR_LIBRARY NAMES apr-1 libapr-1)
        mark_as_advanced(APR_INCLUDE_DIR APR_LIBRARY)
        if(APR_INCLUDE_DIR AND APR_LIBRARY)
            file(STRINGS "${APR_INCLUDE_DIR}/apr_version.h" _apr_lines REGEX "^#define APR_(MAJOR|MINOR|PATCH)_VERSION")
            string(REGEX REPLACE "[^0-9;]" "" APR_VERSION "${_apr_lines}")
            string(REPLACE ";" "." APR_VERSION "${APR_VERSION}")
            add_library(APR::bare UNKNOWN IMPORTED GLOBAL)
            set_target_properties(APR::bare PROPERTIES
                IMPORTED_LOCATION "${APR_LIBRARY}"
                INTERFACE_INCLUDE_DIRECTORIES "${APR_INCLUDE_DIR}")
            if(WIN32 AND NOT APR_LIBRARY MATCHES "(libapr-1\\.lib|\\.dll\\.a)$")
                # an archive, not an import library: its headers have to know, and it brings no list of what it needs
                set_target_properties(APR::bare PROPERTIES
                    INTERFACE_COMPILE_DEFINITIONS APR_DECLARE_STATIC
                    INTERFACE_LINK_LIBRARIES "ws2_32;mswsock;rpcrt4;shell32;advapi32;iphlpapi;synchronization")
            elseif(NOT WIN32 AND APR_LIBRARY MATCHES "\\.a$")
                find_package(Threads REQUIRED)
                set_target_properties(APR::bare PROPERTIES INTERFACE_LINK_LIBRARIES Threads::Threads)
            endif()
            set(_apr_target APR::bare)
        endif()
    endif()
else()
    set(_apr_target APR::APR)
endif()

find_package_handle_standard_args(APR REQUIRED_VARS _apr_target VERSION_VAR APR_VERSION)

if(APR_FOUND AND NOT TARGET APR::APR)
    # global, like all it stands on: who adds xipc as a subdirectory links it too
    add_library(APR::APR INTERFACE IMPORTED GLOBAL)
    target_link_libraries(APR::APR INTERFACE ${_apr_target})
endif()
