#include "backend/cpu/onednn.h"

#include <omp.h>

#include "core/error.h"

namespace recurra {
namespace {

using dnnl::memory;

[[noreturn]] void rethrow(const char* what, const dnnl::error& e) {
  fail(e.status == dnnl_out_of_memory ? Code::memory : Code::backend, "oneDNN: %s: %s", what, e.what());
}

dnnl::cpu_isa isa_of(const CpuLevel& level) {
  switch (level.level) {
    case Level::plain:
      return dnnl::cpu_isa::sse41;
    case Level::avx2:
      return dnnl::cpu_isa::avx2;
    case Level::avx512:
      return level.native_bf16 ? dnnl::cpu_isa::avx512_core_bf16 : dnnl::cpu_isa::avx512_core_vnni;
    case Level::amx:
      return dnnl::cpu_isa::avx512_core_amx;
  }
  return dnnl::cpu_isa::sse41;
}

void cap(const CpuLevel& level) {
  if (dnnl_set_max_cpu_isa(static_cast<dnnl_cpu_isa_t>(isa_of(level))) == dnnl_success) return;
  // Too late to set: fine if somebody (another model of ours) has set the same before.
  if (static_cast<int>(dnnl::get_effective_cpu_isa()) > static_cast<int>(isa_of(level)))
    fail(Code::backend, "RECURRA_CPU_LEVEL=%s: oneDNN is in use by this process at a higher level already",
         level_name(level.level));
}

}  // namespace

OneThread::OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
OneThread::~OneThread() { omp_set_num_threads(before_); }

OneDnn::OneDnn(const CpuLevel& level, bool forced, bool bf16) : bf16_(bf16) {
  const OneThread one;
  if (forced) cap(level);
  try {
    engine_ = dnnl::engine(dnnl::engine::kind::cpu, 0);
  } catch (const dnnl::error& e) {
    rethrow("cannot make an engine", e);
  }
}

std::shared_ptr<BlockProduct> OneDnn::product(int64_t k, int64_t n) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<BlockProduct>& made = products_[{k, n}];
  if (made) return made;
  try {
    const auto type = bf16_ ? memory::data_type::bf16 : memory::data_type::f32;
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    auto p = std::make_shared<BlockProduct>();
    p->description =
        dnnl::matmul::primitive_desc(engine_, memory::desc({kBlock, k}, type, memory::dims{k, 1}),
                                     memory::desc({k, n}, type, memory::format_tag::any),
                                     memory::desc({kBlock, n}, memory::data_type::f32, memory::dims{n, 1}), attributes);
    p->primitive = dnnl::matmul(p->description);
    made = std::move(p);
  } catch (const dnnl::error& e) {
    rethrow("cannot make a matrix product", e);
  }
  return made;
}

PackedSlice pack_slice(OneDnn& dnn, WeightMemory& weights, const Kernels& kernels, const WeightRows& w, int64_t first,
                       int64_t columns, float* buffer) {
  try {
    PackedSlice s;
    s.first = first;
    s.columns = columns;
    s.product = dnn.product(w.in, columns);
    kernels.to_float(buffer, w.type, static_cast<const char*>(w.data) + first * w.row_bytes(), columns * w.in);
    const memory plain({{w.in, columns}, memory::data_type::f32, memory::dims{1, w.in}}, dnn.engine(), buffer);
    const memory::desc packed = s.product->description.weights_desc();
    s.buffer = weights.take(packed.get_size());
    s.weights = memory(packed, dnn.engine(), s.buffer->data());
    dnnl::stream stream(dnn.engine());
    dnnl::reorder(plain, s.weights).execute(stream, const_cast<memory&>(plain), s.weights);
    stream.wait();
    return s;
  } catch (const dnnl::error& e) {
    rethrow("cannot pack weights", e);
  }
}

void ProductRunner::run(const PackedSlice& slice, const void* in, float* out) {
  try {
    Arguments& a = arguments_[slice.product.get()];
    if (!a.in) {
      const auto& d = slice.product->description;
      a.scratch = allocate_host(d.scratchpad_desc().get_size());
      a.scratchpad = memory(d.scratchpad_desc(), engine_, a.scratch->data());
      a.out = memory(d.dst_desc(), engine_, nullptr);
      a.in = memory(d.src_desc(), engine_, nullptr);
    }
    a.in.set_data_handle(const_cast<void*>(in));
    a.out.set_data_handle(out);
    const dnnl_exec_arg_t list[] = {{DNNL_ARG_SRC, a.in.get()},
                                    {DNNL_ARG_WEIGHTS, slice.weights.get()},
                                    {DNNL_ARG_DST, a.out.get()},
                                    {DNNL_ARG_SCRATCHPAD, a.scratchpad.get()}};
    dnnl::error::wrap_c_api(dnnl_primitive_execute(slice.product->primitive.get(), stream_.get(), 4, list),
                            "a matrix product failed");
  } catch (const dnnl::error& e) {
    rethrow("cannot multiply", e);
  }
}

}  // namespace recurra
