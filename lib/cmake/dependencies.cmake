# Libraries from the distribution: xxHash, nlohmann-json, Highway (headers and a small static part).
# oneDNN 3: an installed one, else the folder the scripts unpacked PyPI's onednn-devel-cpu-gomp into (lib/cmake/fetch_onednn.sh).
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.9 REQUIRED)
find_package(HWY 1.0.3 QUIET CONFIG)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)

find_package(dnnl 3 QUIET CONFIG)
if(NOT dnnl_FOUND)
  set(RECURRA_ONEDNN_DIR "" CACHE PATH "Where oneDNN 3 lies, if it is not installed")
  list(APPEND CMAKE_PREFIX_PATH "${RECURRA_ONEDNN_DIR}" "${PROJECT_SOURCE_DIR}/build/onednn")
  find_package(dnnl 3 QUIET CONFIG)
endif()
if(NOT dnnl_FOUND)
  message(FATAL_ERROR "oneDNN 3 was not found. `bash lib/cmake/fetch_onednn.sh build/onednn` unpacks it there from PyPI.")
endif()
message(STATUS "oneDNN ${dnnl_VERSION} in ${dnnl_DIR}")
