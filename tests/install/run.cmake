# SPDX-License-Identifier: MIT
# run(command...): executes it, leaves what it printed in `output`, and fails with all of it unless it ended with 0.
# expect(regex): `output` must match.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  list(JOIN ARGN " " command)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
  endif()
  string(STRIP "${output}" output)
  set(output "${output}" PARENT_SCOPE)
  set(command "${command}" PARENT_SCOPE)
endfunction()

function(expect regex)
  if(NOT output MATCHES "${regex}")
    message(FATAL_ERROR "${command}\nprinted\n${output}\nand not ${regex}")
  endif()
endfunction()
