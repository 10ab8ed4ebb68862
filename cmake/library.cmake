# libbaton-parser: the reader of binary logs for other C programs.
#
# Headers go to include/baton/ with the folders they are included by ("parser/reader.h"), so the
# package's include path is include/baton.

add_library(baton-parser SHARED
  ${PROJECT_SOURCE_DIR}/parser/library.c
  $<TARGET_OBJECTS:bt_base>
  $<TARGET_OBJECTS:bt_parser>)
target_link_libraries(baton-parser PRIVATE
  $<BUILD_INTERFACE:bt_flags>
  bt::deflate
  bt::zlib
  bt::zstd
  bt::crypto
  m)
set_target_properties(baton-parser PROPERTIES
  LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
target_include_directories(baton-parser INTERFACE
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/baton>)

install(TARGETS baton-parser EXPORT baton-parser
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT parser)
file(GLOB parser_headers ${PROJECT_SOURCE_DIR}/parser/*.h)
list(FILTER parser_headers EXCLUDE REGEX "_priv\\.h$")
install(FILES ${parser_headers}
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/baton/parser COMPONENT parser)
foreach(header arena auto buf clock err slice)
  install(FILES ${PROJECT_SOURCE_DIR}/base/${header}.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/baton/base COMPONENT parser)
endforeach()
configure_file(cmake/baton-parser.pc.in generated/baton-parser.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/baton-parser.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT parser)
install(EXPORT baton-parser FILE baton-parser-config.cmake NAMESPACE baton::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/baton-parser COMPONENT parser)
