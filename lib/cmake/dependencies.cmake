# Libraries from the distribution: xxHash, nlohmann-json and Highway (used as headers alone), PCRE2 and utf8proc.
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.9 REQUIRED)
find_path(HIGHWAY_INCLUDE_DIR hwy/highway.h REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
# Neither brings CMake files on Debian.
foreach(library pcre2-8 utf8proc)
  string(REGEX REPLACE "-8$" "" header ${library})
  find_path(RECURRA_${library}_INCLUDE_DIR ${header}.h REQUIRED)
  find_library(RECURRA_${library}_LIBRARY ${library} REQUIRED)
  add_library(recurra_${library} UNKNOWN IMPORTED)
  set_target_properties(recurra_${library} PROPERTIES IMPORTED_LOCATION ${RECURRA_${library}_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${RECURRA_${library}_INCLUDE_DIR})
endforeach()

# oneDNN 3: an installed one, else the folder that fetch_onednn.sh unpacked PyPI's wheels into.
option(RECURRA_FETCH_ONEDNN "Where oneDNN 3 is not installed, download it from PyPI into RECURRA_ONEDNN_DIR" OFF)
set(RECURRA_ONEDNN_DIR "${PROJECT_SOURCE_DIR}/build/onednn" CACHE PATH "Where oneDNN 3 lies, if it is not installed")
find_package(dnnl 3 QUIET CONFIG)
if(NOT dnnl_FOUND)
  if(RECURRA_FETCH_ONEDNN)
    execute_process(COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fetch_onednn.sh ${RECURRA_ONEDNN_DIR} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  find_package(dnnl 3 QUIET CONFIG PATHS ${RECURRA_ONEDNN_DIR} NO_DEFAULT_PATH)
endif()
if(NOT dnnl_FOUND)
  message(FATAL_ERROR "oneDNN 3 was not found. Configure with -DRECURRA_FETCH_ONEDNN=ON to have it downloaded from PyPI, "
                      "or with -DRECURRA_ONEDNN_DIR=PREFIX where it is installed in an unusual place.")
endif()
message(STATUS "oneDNN ${dnnl_VERSION} in ${dnnl_DIR}")
