# SPDX-License-Identifier: MIT
# Debian packages: configure with -DFLOWLOG_PACKAGE=ON, build, and run cpack in the build directory.
#
#     libflowlog0.1    the shared library, named after its SONAME as Debian's policy wants
#     libflowlog-dev   headers, static library, pkg-config and CMake files
#     flowlog          the command, its man page and completions
#
# FLOWLOG_PACKAGE sets the prefix and Debian's multiarch directories before GNUInstallDirs looks at them.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flowlog)
set(CPACK_PACKAGE_VENDOR "libflowlog")
set(CPACK_PACKAGE_CONTACT "libflowlog maintainers <libflowlog@example.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL runtime dev tools)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(_library libflowlog${FLOWLOG_SOVERSION})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${_library})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "library for AWS VPC and Transit Gateway flow logs
 libflowlog reads flow logs of any version and with any fields, filters and
 groups their records, and says what is refused in the network and by what.
 .
 This package has the shared library.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libflowlog-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${_library} (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_DEV_DESCRIPTION "library for AWS VPC and Transit Gateway flow logs: development
 libflowlog reads flow logs of any version and with any fields, filters and
 groups their records, and says what is refused in the network and by what.
 .
 This package has the headers, the static library, and files for pkg-config
 and CMake.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME flowlog)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib) # where libflowlog.so is before it is installed
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${_library} (>= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "read and analyse AWS VPC and Transit Gateway flow logs
 flowlog prints the records of flow logs, top talkers, any groups of them, and
 which conversations are refused by which security group, network ACL, host or
 route.")

# What policy asks of every package: a copyright file, and a changelog, compressed so that its bytes do not depend on
# when and where.
find_program(_gzip gzip)
foreach(_component runtime dev tools)
  string(TOUPPER ${_component} _upper)
  set(_doc ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${_upper}_PACKAGE_NAME})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${_doc} RENAME copyright COMPONENT ${_component})
  install(CODE "
    set(_to \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${_doc}/changelog.gz\")
    execute_process(COMMAND \"${_gzip}\" -9nc \"${PROJECT_SOURCE_DIR}/CHANGELOG.md\" OUTPUT_FILE \"\${_to}\"
      RESULT_VARIABLE _status)
    if(_status)
      message(FATAL_ERROR \"gzip ended with \${_status}\")
    endif()
    file(CHMOD \"\${_to}\" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)" COMPONENT ${_component})
endforeach()
include(CPack)
