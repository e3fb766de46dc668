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

void Exec::ssd_mix(const SsdMix& io, const Rows& rows) {
  const Frame frame(*this);
  const int64_t inner = io.o.cols, n = io.groups * io.states, keys = io.heads * io.states, count = io.o.rows;
  const Tensor xbc = scratch(count, inner + 2 * n), v = scratch(count, inner), log_w = scratch(count, io.heads);
  const Tensor k = scratch(count, keys), r = scratch(count, keys), x = columns(xbc, 0, inner);
  short_conv(xbc, io.x_bc, *io.conv, io.conv_bias, Act::silu, rows, io.conv_state);
  ssd({x, io.dt, columns(xbc, inner, n), columns(xbc, inner + n, n), io.a, io.dt_bias, v, log_w, k, r, io.heads,
       io.groups, io.least, io.most});
  Scan s;
  s.decay = Decay::scalar;
  s.heads = io.heads;
  s.key = io.states;
  s.value = inner / io.heads;
  s.o = io.o;
  s.r = r;
  s.k = k;
  s.v = v;
  s.log_w = log_w;
  s.state = io.state;
  s.memory = io.memory;
  scan(s, rows);
  add_scaled(io.o, x, *io.d);
  const auto normed = [&] { norm(io.o, io.o, Norm::rms, io.w, nullptr, io.eps, io.norm_groups); };
  if (io.w != nullptr && io.norm_before_gate) normed();
  gate(io.o, io.o, io.z, Act::silu);
  if (io.w != nullptr && !io.norm_before_gate) normed();
}

}  // namespace recurra
