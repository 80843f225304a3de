# SPDX-License-Identifier: MIT
# cmake -D BUILD=... -D SOURCE=... -D CC=... -D VERSION=... [-D LEVEL=-O2] -P amalgamation.cmake
#
# Writes the amalgamation twice, which must give the same bytes; compiles it as its users do, with warnings as errors;
# runs the self-test and an example with it; as a shared library it must export what the real one exports.
cmake_minimum_required(VERSION 3.18)
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

if(NOT LEVEL)
  set(LEVEL -O0)
endif()
set(scratch ${BUILD}/amalgamation-test)
file(REMOVE_RECURSE ${scratch})
file(MAKE_DIRECTORY ${scratch})

run(${CMAKE_COMMAND} --build ${BUILD} --target amalgamation)
foreach(name flowlog.c flowlog.h)
  file(RENAME ${BUILD}/amalgamation/${name} ${scratch}/${name})
endforeach()
run(${CMAKE_COMMAND} --build ${BUILD} --target amalgamation)
foreach(name flowlog.c flowlog.h)
  run(${CMAKE_COMMAND} -E compare_files ${BUILD}/amalgamation/${name} ${scratch}/${name})
  file(STRINGS ${scratch}/${name} absolute REGEX "${SOURCE}")
  if(absolute)
    message(FATAL_ERROR "${name} names a directory of this machine: ${absolute}")
  endif()
endforeach()

run(${CC} ${LEVEL} -std=c11 -fPIC -Wall -Wextra -Werror -c ${scratch}/flowlog.c -o ${scratch}/flowlog.o)
message(STATUS "one file, ${LEVEL}: compiled without a warning")

run(${CC} -std=c11 -I${scratch} ${SOURCE}/tests/install/consumer/use.c ${scratch}/flowlog.o -pthread -o ${scratch}/use)
run(${scratch}/use)
expect("C ${VERSION}")
run(${CC} -std=c11 -I${scratch} ${SOURCE}/examples/02_top.c ${scratch}/flowlog.o -pthread -o ${scratch}/02_top)
run(${scratch}/02_top ${SOURCE}/examples/data/vpc)
expect("10.0.0.20 +192.0.2.200 +5753172600")
run(${CC} -std=c11 -I${SOURCE}/include -I${SOURCE}/lib -I${SOURCE}/tests ${SOURCE}/tests/selftest.c ${scratch}/flowlog.o
    -pthread -o ${scratch}/selftest)
run(${scratch}/selftest)
message(STATUS "one file: a program, 02_top and the self-test run")

if(CMAKE_HOST_UNIX AND NOT CMAKE_HOST_APPLE)
  run(${CC} -shared ${scratch}/flowlog.o -pthread -o ${scratch}/libflowlog.so)
  run(sh ${SOURCE}/tests/abi/check-symbols ${scratch}/libflowlog.so)
  message(STATUS "one file, as a shared library: ${output}")
  # A macro that makes text of its argument would write the suffix of a renamed name, too.
  run(strip ${scratch}/libflowlog.so)
  file(STRINGS ${scratch}/libflowlog.so renamed REGEX "[a-z0-9]__[a-z]")
  if(renamed)
    message(FATAL_ERROR "names of the one file stand in its texts: ${renamed}")
  endif()
endif()
