# SPDX-License-Identifier: MIT
# The target `amalgamation`: the library as two files, amalgamation/flowlog.c and flowlog.h in the build directory.
find_package(Python3 QUIET COMPONENTS Interpreter)
if(NOT Python3_Interpreter_FOUND)
  message(STATUS "SKIPPED: the target amalgamation: no Python 3")
  return()
endif()

get_target_property(_sources flowlog_objects SOURCES)
list(TRANSFORM _sources PREPEND lib/)
file(GLOB _headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/*.h ${PROJECT_SOURCE_DIR}/include/flowlog/*.h
  ${PROJECT_SOURCE_DIR}/lib/*/*.h)
list(TRANSFORM _sources PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE _depends)
set(_directory ${PROJECT_BINARY_DIR}/amalgamation)
add_custom_command(OUTPUT ${_directory}/flowlog.c ${_directory}/flowlog.h
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/pkgconfig/amalgamate.py ${PROJECT_SOURCE_DIR} ${_directory} ${_sources}
  DEPENDS ${PROJECT_SOURCE_DIR}/pkgconfig/amalgamate.py ${_depends} ${_headers}
  COMMENT "Writing amalgamation/flowlog.c and flowlog.h" VERBATIM)
add_custom_target(amalgamation DEPENDS ${_directory}/flowlog.c ${_directory}/flowlog.h)
