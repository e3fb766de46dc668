# What `cmake --install` lays down. Everything finds everything else by relative paths: a prefix can be moved as a whole.
include(CMakePackageConfigHelpers)
set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/recurra)

install(TARGETS recurra EXPORT recurraTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/recurra DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/recurra PATTERN "*.md" EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# find_package(recurra)
install(EXPORT recurraTargets NAMESPACE recurra:: DESTINATION ${cmake_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/recurraConfig.cmake.in ${PROJECT_BINARY_DIR}/recurraConfig.cmake
                              INSTALL_DESTINATION ${cmake_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a program asks for the minor version that it was written for.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/recurraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/recurraConfig.cmake ${PROJECT_BINARY_DIR}/recurraConfigVersion.cmake DESTINATION ${cmake_dir})

# pkg-config recurra
file(RELATIVE_PATH RECURRA_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" RECURRA_PC_PREFIX "${RECURRA_PC_PREFIX}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/recurra.pc.in ${PROJECT_BINARY_DIR}/recurra.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/recurra.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# A oneDNN that was unpacked from wheels goes along, beside the library, where its RPATH looks; an installed one is there.
get_target_property(dnnl_library DNNL::dnnl LOCATION)
cmake_path(IS_PREFIX RECURRA_ONEDNN_DIR "${dnnl_library}" NORMALIZE dnnl_is_ours)
if(dnnl_is_ours)
  install(PROGRAMS ${dnnl_library} DESTINATION ${CMAKE_INSTALL_LIBDIR} RENAME libdnnl.so.3)
  install(DIRECTORY ${RECURRA_ONEDNN_DIR}/share/doc/onednn DESTINATION ${CMAKE_INSTALL_DOCDIR}
          FILES_MATCHING PATTERN LICENSE PATTERN THIRD-PARTY-PROGRAMS)
endif()
