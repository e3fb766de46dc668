// The C functions of the table: they choose the device, catch everything and turn it into a code and a line.
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "backend/cuda/device/block_products.h"
#include "backend/cuda/device/context.h"

namespace recurra::gpu {
namespace {

template <class F>
int32_t guard(gpu_error* error, const F& call) noexcept {
  try {
    call();
    return 0;
  } catch (const Failure& f) {
    std::snprintf(error->text, sizeof error->text, "%s", f.text);
    return f.code;
  } catch (const std::bad_alloc&) {
    std::snprintf(error->text, sizeof error->text, "out of memory");
    return kMemory;
  } catch (const std::exception& e) {
    std::snprintf(error->text, sizeof error->text, "%s", e.what());
    return kInternal;
  } catch (...) {
    std::snprintf(error->text, sizeof error->text, "an unknown exception");
    return kInternal;
  }
}

// What is missing, if anything is: driver, its version, device.
void need_device() {
  int driver = 0, runtime = 0, count = 0;
  cudaRuntimeGetVersion(&runtime);
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    cudaGetLastError();
    fail(kBackend, "the cuda backend found no NVIDIA driver (libcuda.so.1) on this machine");
  }
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) cudaGetLastError();
  if (status == cudaErrorInsufficientDriver || driver / 1000 < runtime / 1000)
    fail(kBackend, "the NVIDIA driver supports CUDA %d.%d, the cuda backend needs %d.0: update the driver",
         driver / 1000, driver % 1000 / 10, runtime / 1000);
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0))
    fail(kBackend, "the NVIDIA driver is there, but no device (is CUDA_VISIBLE_DEVICES empty?)");
  if (status != cudaSuccess) fail(kBackend, "the NVIDIA driver fails: %s", cudaGetErrorString(status));
}

int32_t open(gpu_device** out, const gpu_options* options, gpu_info* info, gpu_error* error) {
  return guard(error, [&] {
    need_device();
    int id = 0;
    check(cudaGetDevice(&id), "cudaGetDevice");
    auto device = std::make_unique<gpu_device>(id, options->bf16 != 0);
    std::snprintf(info->name, sizeof info->name, "%s", device->properties.name);
    std::snprintf(info->level, sizeof info->level, "sm_%d%d", device->properties.major, device->properties.minor);
    info->memory = device->properties.totalGlobalMem;
    std::snprintf(info->without, sizeof info->without, "%s", device->products->missing());
    *out = device.release();
  });
}
void close(gpu_device* device) { delete device; }

int32_t allocate(gpu_device* device, void** out, uint64_t bytes, gpu_error* error) {
  return guard(error, [&] {
    device->use();
    *out = device->allocate(bytes, true);
  });
}
void release(gpu_device* device, void* data) { device->release(data); }

int32_t copy(gpu_device* device, void* to, const void* from, uint64_t bytes, gpu_error* error) {
  return guard(error, [&] {
    device->use();
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, device->stream), "copying in device memory");
  });
}
int32_t clear(gpu_device* device, void* at, uint64_t bytes, gpu_error* error) {
  return guard(error, [&] {
    device->use();
    check(cudaMemsetAsync(at, 0, bytes, device->stream), "clearing device memory");
  });
}
int32_t memory(gpu_device* device, uint64_t* taken, uint64_t* free, gpu_error* error) {
  return guard(error, [&] {
    device->use();
    size_t left = 0, total = 0;
    check(cudaMemGetInfo(&left, &total), "cudaMemGetInfo");
    *taken = device->taken();
    *free = left;
  });
}
int32_t upload(gpu_device* device, void* to, const void* from, uint64_t bytes, gpu_error* error) {
  return guard(error, [&] {
    device->use();
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->stream), "copying to the device");
    check(cudaStreamSynchronize(device->stream), "copying to the device");
  });
}
int32_t download(gpu_device* device, void* to, const void* from, uint64_t bytes, gpu_error* error) {
  return guard(error, [&] {
    device->use();
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream), "copying from the device");
    check(cudaStreamSynchronize(device->stream), "copying from the device");
  });
}

int32_t matrix(gpu_device* device, gpu_matrix** out, int32_t type, int64_t rows, int64_t cols, const void* data,
               int32_t mostly_zero, gpu_error* error) {
  return guard(error, [&] {
    device->use();
    *out = new gpu_matrix(*device, static_cast<DType>(type), rows, cols, data, mostly_zero != 0);
  });
}
void free_matrix(gpu_matrix* matrix) { delete matrix; }

int32_t exec(gpu_device* device, gpu_exec** out, gpu_error* error) {
  return guard(error, [&] {
    device->use();
    *out = new gpu_exec(*device);
  });
}
void free_exec(gpu_exec* exec) {
  if (exec == nullptr) return;
  cudaSetDevice(exec->device.id);
  delete exec;
}

int32_t read(gpu_exec* exec, float* out, const gpu_tensor* x, gpu_error* error) {
  return guard(error, [&] {
    exec->device.use();
    const size_t width = static_cast<size_t>(x->cols) * sizeof(float), rows = static_cast<size_t>(x->rows);
    float* pinned = exec->pinned(width * rows);
    check(cudaMemcpy2DAsync(pinned != nullptr ? pinned : out, width, x->data,
                            static_cast<size_t>(x->stride) * sizeof(float), width, rows, cudaMemcpyDeviceToHost,
                            exec->stream),
          "copying from the device");
    check(cudaStreamSynchronize(exec->stream), "computing");
    if (pinned != nullptr) std::memcpy(out, pinned, width * rows);
  });
}

int32_t pick(gpu_exec* exec, int32_t* out, const gpu_pick* picks, const gpu_tensor* logits, gpu_error* error) {
  return guard(error, [&] {
    exec->device.use();
    if (picks != nullptr)
      sample_rows(*exec, out, picks, *logits);
    else
      best_of_rows(*exec, out, *logits);
  });
}

int32_t pass_begin(gpu_exec* exec, const gpu_rows* rows, int32_t* done, gpu_error* error) {
  return guard(error, [&] {
    exec->device.use();
    *done = exec->pass_begin(*rows) ? 1 : 0;
  });
}
int32_t pass_end(gpu_exec* exec, int32_t complete, gpu_error* error) {
  return guard(error, [&] {
    exec->device.use();
    exec->pass_end(complete != 0);
  });
}

#define RECURRA_GPU_ROWS(name)                                                                       \
  int32_t run_##name(gpu_exec* exec, const gpu_##name* io, const gpu_rows* rows, gpu_error* error) { \
    return guard(error, [&] {                                                                        \
      exec->device.use();                                                                            \
      name(*exec, *io, exec->rows(*rows));                                                           \
    });                                                                                              \
  }
#define RECURRA_GPU_PLAIN(name)                                                \
  int32_t run_##name(gpu_exec* exec, const gpu_##name* io, gpu_error* error) { \
    return guard(error, [&] {                                                  \
      exec->device.use();                                                      \
      name(*exec, *io);                                                        \
    });                                                                        \
  }
RECURRA_GPU_OPS(RECURRA_GPU_ROWS, RECURRA_GPU_PLAIN)
#undef RECURRA_GPU_ROWS
#undef RECURRA_GPU_PLAIN

gpu_plugin make_table() {
  gpu_plugin t{};
  t.version = kPluginVersion;
  t.open = open;
  t.close = close;
  t.allocate = allocate;
  t.release = release;
  t.copy = copy;
  t.clear = clear;
  t.memory = memory;
  t.upload = upload;
  t.download = download;
  t.matrix = matrix;
  t.free_matrix = free_matrix;
  t.exec = exec;
  t.free_exec = free_exec;
  t.read = read;
  t.pick = pick;
  t.pass_begin = pass_begin;
  t.pass_end = pass_end;
#define RECURRA_GPU_SET(name) t.name = run_##name;
  RECURRA_GPU_OPS(RECURRA_GPU_SET, RECURRA_GPU_SET)
#undef RECURRA_GPU_SET
  return t;
}

}  // namespace
}  // namespace recurra::gpu

extern "C" __attribute__((visibility("default"))) const gpu_plugin* recurra_cuda_plugin(void) {
  static const gpu_plugin table = recurra::gpu::make_table();
  return &table;
}
