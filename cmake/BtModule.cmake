# The only way to add code: bt_module(name SOURCES ... USES ... LINKS ...).
#
# USES is the include graph: a file of module `name` may include headers of `name` and of the
# modules in its USES, and of nothing else.  scripts/check-includes reads these very lines and
# enforces them.

include_guard()

add_library(bt_flags INTERFACE)
target_compile_features(bt_flags INTERFACE c_std_17)
target_compile_definitions(bt_flags INTERFACE _GNU_SOURCE)
target_include_directories(bt_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(bt_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror
  -Wshadow -Wconversion -Wsign-conversion -Wcast-align -Wcast-qual
  -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wformat=2
  -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference
  -fno-common -fstack-protector-strong)
target_compile_options(bt_flags INTERFACE
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-statement-expression -Wno-gnu-zero-variadic-macro-arguments>)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT BT_SANITIZE)
  target_compile_definitions(bt_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(BT_SANITIZE)
  target_compile_options(bt_flags INTERFACE -fsanitize=${BT_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(bt_flags INTERFACE -fsanitize=${BT_SANITIZE})
endif()
if(BT_FUZZ)
  target_compile_options(bt_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Most modules live in the folder of their name; FOLDER says otherwise (failover/node).
function(bt_module name)
  cmake_parse_arguments(ARG "" "FOLDER" "SOURCES;USES;LINKS" ${ARGN})
  if(NOT ARG_FOLDER)
    set(ARG_FOLDER ${name})
  endif()
  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/)
  add_library(bt_${name} STATIC ${ARG_SOURCES})
  set_target_properties(bt_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  list(TRANSFORM ARG_USES PREPEND bt_)
  target_link_libraries(bt_${name} PUBLIC bt_flags ${ARG_USES} ${ARG_LINKS})
endfunction()

# A library that modules link to as bt::zstd: the shared one, but in a program whose property
# BT_STATIC is set the archive of the same package.
function(bt_library name package archive)
  find_library(BT_ARCHIVE_${name} ${archive} REQUIRED)
  add_library(bt_library_${name} INTERFACE)
  add_library(bt::${name} ALIAS bt_library_${name})
  target_include_directories(bt_library_${name} SYSTEM INTERFACE ${${package}_INCLUDE_DIRS})
  target_link_libraries(bt_library_${name} INTERFACE
    "$<IF:$<BOOL:$<TARGET_PROPERTY:BT_STATIC>>,${BT_ARCHIVE_${name}},PkgConfig::${package}>")
endfunction()
