# The only way to add code: bt_module(name SOURCES ... USES ... LINKS ...).
#
# USES is the include graph: a file of module `name` may include headers of `name` and of the modules
# in its USES, and of nothing else.  scripts/check-includes reads these very lines and enforces them.

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

function(bt_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LINKS" ${ARGN})
  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${name}/)
  add_library(bt_${name} STATIC ${ARG_SOURCES})
  list(TRANSFORM ARG_USES PREPEND bt_)
  target_link_libraries(bt_${name} PUBLIC bt_flags ${ARG_USES} ${ARG_LINKS})
endfunction()
