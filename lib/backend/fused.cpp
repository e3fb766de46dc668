// Operations of backend.h that are several others in a row, for backends without kernels of their own for them.
#include "backend/backend.h"

namespace recurra {

void Exec::take_last(Tensor x, const Rows& rows, size_t at) {
  for (size_t i = 0; i < rows.segments.size(); ++i) {
    float* kept = reinterpret_cast<float*>(rows.segments[i].state + at);
    copy({x.data + static_cast<int64_t>(i) * x.stride, 1, x.cols, x.stride}, {kept, 1, x.cols, x.cols});
  }
}

void Exec::norm_shift_lerp(const NormLerp& io, const Rows& rows) {
  const Frame frame(*this);
  const Tensor h = scratch(io.x.rows, io.x.cols);
  norm(h, io.x, io.kind, io.w, io.b, io.eps, 1);
  shift_lerp(io.y, h, *io.mu, rows, io.shift);
}

void Exec::head_mix(const HeadMix& io, const Rows& rows) {
  if (io.v_first.data != nullptr) value_residual(io.v, io.v_first, io.b);
  delta_inputs(io.inputs());
  scan(io.scan(), rows);
  norm(io.o, io.o, Norm::group, io.ln_w, io.ln_b, io.group_eps, io.heads);
  bonus_gate(io.gated());
}

}  // namespace recurra
