# Finds CUnit as CUnit::CUnit; sets CUnit_FOUND. Used by the tests alone (its licence is the LGPL).
# Tried in this order: package files of vcpkg or Conan, pkg-config, the bare files.
include(FindPackageHandleStandardArgs)

if(NOT TARGET CUnit::CUnit)
    set(_cunit_target "")

    foreach(_cunit_package unofficial-cunit CUnit cunit)
        find_package(${_cunit_package} CONFIG QUIET)
        mark_as_advanced(${_cunit_package}_DIR)
    endforeach()
    foreach(_cunit_candidate unofficial::cunit::cunit CUnit::CUnit CUnit::cunit cunit::cunit)
        if(NOT _cunit_target AND TARGET ${_cunit_candidate})
            set(_cunit_target ${_cunit_candidate})
        endif()
    endforeach()

    if(NOT _cunit_target)
        find_package(PkgConfig QUIET)
        if(PkgConfig_FOUND)
            pkg_check_modules(CUNIT QUIET IMPORTED_TARGET cunit)
        endif()
        if(TARGET PkgConfig::CUNIT)
            set(_cunit_target PkgConfig::CUNIT)
        endif()
    endif()

    if(NOT _cunit_target)
        find_path(CUnit_INCLUDE_DIR CUnit/CUnit.h)
        find_library(CUnit_LIBRARY NAMES cunit libcunit)
        mark_as_advanced(CUnit_INCLUDE_DIR CUnit_LIBRARY)
        if(CUnit_INCLUDE_DIR AND CUnit_LIBRARY)
            add_library(CUnit::bare UNKNOWN IMPORTED)
            set_target_properties(CUnit::bare PROPERTIES
                IMPORTED_LOCATION "${CUnit_LIBRARY}"
                INTERFACE_INCLUDE_DIRECTORIES "${CUnit_INCLUDE_DIR}")
            set(_cunit_target CUnit::bare)
        endif()
    endif()
else()
    set(_cunit_target CUnit::CUnit)
endif()

find_package_handle_standard_args(CUnit REQUIRED_VARS _cunit_target)

if(CUnit_FOUND AND NOT TARGET CUnit::CUnit)
    add_library(CUnit::CUnit INTERFACE IMPORTED)
    target_link_libraries(CUnit::CUnit INTERFACE ${_cunit_target})
endif()
