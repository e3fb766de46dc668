#include "backend/cuda/loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>

#include "core/error.h"

namespace recurra {
namespace {

// The folder that this code was loaded from.
std::string own_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&cuda_plugin), &info) == 0 || info.dli_fname == nullptr) return ".";
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// Beside the library; or, where the library's objects are linked into a program, in the lib folder beside its own.
std::string find_plugin() {
  const char* named = std::getenv("RECURRA_CUDA_PLUGIN");
  if (named != nullptr && *named != '\0') return named;
  const std::string folder = own_folder();
  for (const char* where : {"/", "/../lib/"}) {
    const std::string path = folder + where + kPluginFile;
    if (::access(path.c_str(), F_OK) == 0) return path;
  }
  fail(Code::backend, "the cuda backend is not installed: there is no %s in %s", kPluginFile,
       printable(folder).c_str());
}

const gpu_plugin* load(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0)
    fail(Code::backend, "the cuda backend is not installed: there is no %s", printable(path).c_str());
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    fail(Code::backend, "the cuda backend cannot be loaded: %s", printable(why != nullptr ? why : path, 400).c_str());
  }
  const auto entry = reinterpret_cast<gpu_plugin_function>(::dlsym(library, kPluginFunction));
  if (entry == nullptr) {
    ::dlclose(library);
    fail(Code::backend, "%s is no plugin of recurra: it has no %s", printable(path).c_str(), kPluginFunction);
  }
  const gpu_plugin* plugin = entry();
  if (plugin->version != kPluginVersion) {
    const int found = plugin->version;
    ::dlclose(library);
    fail(Code::backend, "%s has interface version %d, this library needs %d: install the two files of one version",
         printable(path).c_str(), found, kPluginVersion);
  }
  return plugin;
}

}  // namespace

const gpu_plugin& cuda_plugin() {
  static std::mutex mutex;
  static const gpu_plugin* loaded = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (loaded == nullptr) loaded = load(find_plugin());
  return *loaded;
}

}  // namespace recurra
