# SPDX-License-Identifier: GPL-2.0-or-later
# What every target of the house has in common, and three functions:
#   foxing_folder(<name> SOURCES ... NEEDS ...)   one folder of src/ as the library foxing_<name>
#   foxing_tests(<name> SOURCES ... NEEDS ... LABELS ...)   one gtest program per folder: <name>_test
#   foxing_story(<name> <script> LABELS ... [TIMEOUT s])     a shell story of tests/; exit 77 is "skipped"
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(FOXING_CCACHE ccache)
if(FOXING_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${FOXING_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FOXING_CCACHE})
endif()

add_library(foxing_options INTERFACE)
target_compile_definitions(foxing_options INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64
  FOXING_VERSION="${PROJECT_VERSION}" $<$<BOOL:${FOXING_FAULT_INJECTION}>:FOXING_FAULT_INJECTION=1>)
target_compile_options(foxing_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wno-missing-field-initializers>)
# g++ 12 warns of overlapping copies inside its own std::string (GCC bug 105651).
target_compile_options(foxing_options INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>)
target_include_directories(foxing_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
# Nothing that is built says where the source lay: assertions and debuggers name files from the top of the source (start gdb there).
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(FOXING_SANITIZE)
  add_compile_options(-fsanitize=${FOXING_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FOXING_SANITIZE})
  # g++ checks every pointer at every use for these four, which doubles the time to compile.  ASan stops at a null pointer as well, the size of an
  # object is its own business, and what clang builds for `make fuzz`, where bytes from strangers are read, has them all.
  if(FOXING_SANITIZE MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fno-sanitize=null,alignment,object-size,vptr)
  endif()
endif()

# Static programs take archives where there are any (liburing.a).
if(FOXING_STATIC)
  add_link_options(-static)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()

function(foxing_folder name)
  cmake_parse_arguments(F "" "" "SOURCES;NEEDS" ${ARGN})
  if(F_SOURCES)
    add_library(foxing_${name} STATIC ${F_SOURCES})
    target_link_libraries(foxing_${name} PUBLIC foxing_options ${F_NEEDS})
  else()
    add_library(foxing_${name} INTERFACE)
    target_link_libraries(foxing_${name} INTERFACE foxing_options ${F_NEEDS})
  endif()
endfunction()

function(foxing_tests name)
  if(NOT FOXING_TESTS)
    return()
  endif()
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;NEEDS;LABELS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  add_executable(${name}_test ${T_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${T_NEEDS} GTest::gmock_main)
  # What is tested is optimised and watched by UBSan, the tests themselves are not: half of the time of a build went into EXPECT_EQ.
  target_compile_options(${name}_test PRIVATE -O0 -fno-sanitize=undefined)
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name}_test)
  set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}" SKIP_RETURN_CODE 77 TIMEOUT ${T_TIMEOUT})
endfunction()

function(foxing_story name script)
  cmake_parse_arguments(S "" "TIMEOUT" "LABELS;ARGUMENTS" ${ARGN})
  if(NOT S_TIMEOUT)
    set(S_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${S_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES LABELS "${S_LABELS}" SKIP_RETURN_CODE 77 TIMEOUT ${S_TIMEOUT}
    ENVIRONMENT "FXCP=${CMAKE_BINARY_DIR}/bin/fxcp;FOXING_TOOLS=${CMAKE_BINARY_DIR}/tests;FOXING_SOURCE=${CMAKE_SOURCE_DIR}")
endfunction()
