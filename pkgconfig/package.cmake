# SPDX-License-Identifier: MIT
# Debian packages, in the build directory: cmake --preset package && cmake --build --preset package --target package
#
#     libflowlog0.1    the shared library, named after its SONAME as Debian's policy wants
#     libflowlog-dev   headers, static library, pkg-config and CMake files
#     flowlog          the command, its man page and completions
#
# The prefix must be /usr when CMake begins, for GNUInstallDirs to choose Debian's multiarch directories.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flowlog)
set(CPACK_PACKAGE_VENDOR "libflowlog")
set(CPACK_PACKAGE_CONTACT "The libflowlog authors <libflowlog@example.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # the first line of each description
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL runtime dev tools)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SOURCE libflowlog)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib) # where the library is before it is installed

set(_library libflowlog${FLOWLOG_SOVERSION})
set(_version "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
set(_about "libflowlog reads flow logs of any version and with any fields, filters and
groups their records, and says what is refused in the network and by what.")

set(_triggers ${PROJECT_BINARY_DIR}/package/triggers)
file(WRITE ${_triggers} "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${_library})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${_triggers})
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "library for AWS VPC and Transit Gateway flow logs
${_about}

This package has the shared library.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libflowlog-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${_library} (= ${_version})")
set(CPACK_COMPONENT_DEV_DESCRIPTION "library for AWS VPC and Transit Gateway flow logs: development
${_about}

This package has the headers, the static library, and files for pkg-config
and CMake.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME flowlog)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${_library} (>= ${_version})")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "read and analyse AWS VPC and Transit Gateway flow logs
flowlog prints the records of flow logs, top talkers, any groups of them, and
which conversations are refused by which security group, network ACL, host or
route.")

# What policy asks of every package: licence and changelogs; and the man page compressed.  gzip -n: neither name nor time.
find_program(FLOWLOG_GZIP gzip REQUIRED)
mark_as_advanced(FLOWLOG_GZIP)
string(TIMESTAMP _date "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH, where it is set
file(WRITE ${PROJECT_BINARY_DIR}/package/changelog.Debian
  "libflowlog (${_version}) unstable; urgency=medium\n\n  * Version ${PROJECT_VERSION}: see changelog.gz.\n\n"
  " -- ${CPACK_PACKAGE_CONTACT}  ${_date}\n")
function(flowlog_compressed from to)
  execute_process(COMMAND ${FLOWLOG_GZIP} -9nc ${from} OUTPUT_FILE ${PROJECT_BINARY_DIR}/package/${to}
    RESULT_VARIABLE _status)
  if(NOT _status EQUAL 0)
    message(FATAL_ERROR "gzip ${from}: ${_status}")
  endif()
endfunction()
flowlog_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog.gz)
flowlog_compressed(${PROJECT_BINARY_DIR}/package/changelog.Debian changelog.Debian.gz)
flowlog_compressed(${PROJECT_SOURCE_DIR}/examples/flowlog/flowlog.1 flowlog.1.gz)
install(FILES ${PROJECT_BINARY_DIR}/package/flowlog.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tools)
foreach(_component runtime dev tools)
  string(TOUPPER ${_component} _upper)
  set(_doc ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${_upper}_PACKAGE_NAME})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${_doc} RENAME copyright COMPONENT ${_component})
  install(FILES ${PROJECT_BINARY_DIR}/package/changelog.gz ${PROJECT_BINARY_DIR}/package/changelog.Debian.gz
    DESTINATION ${_doc} COMPONENT ${_component})
endforeach()
include(CPack)
