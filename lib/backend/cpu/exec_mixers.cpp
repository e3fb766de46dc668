// The CPU backend's operations for the mixers beside RWKV-7.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/cpu/exec-inl.h"

namespace recurra {

void CpuExec::selective_scan(const SelectiveScan& io, const Rows& rows) {
  constexpr int64_t kChannels = 64;  // of one task
  const int64_t tasks = (io.u.cols + kChannels - 1) / kChannels;
  each(static_cast<int64_t>(rows.segments.size()) * tasks, [&](int64_t task, int) {
    const Segment& seg = rows.segments[static_cast<size_t>(task / tasks)];
    SelectiveHead h{};
    h.tokens = seg.count;
    h.first = task % tasks * kChannels;
    h.count = std::min(kChannels, io.u.cols - h.first);
    h.channels = io.u.cols;
    h.states = io.b.cols;
    h.state = reinterpret_cast<float*>(seg.state + io.state);
    h.a = io.a->data();
    h.d = io.d->data();
    h.u = row(io.u, seg.first);
    h.dt = row(io.dt, seg.first);
    h.b = row(io.b, seg.first);
    h.c = row(io.c, seg.first);
    h.y = row(io.y, seg.first);
    h.u_stride = io.u.stride;
    h.dt_stride = io.dt.stride;
    h.b_stride = io.b.stride;
    h.c_stride = io.c.stride;
    h.y_stride = io.y.stride;
    // What has not been seen for a whole token is on its way before it is used: this task's part, and the next one's.
    for (int64_t j = 0; j < h.states; ++j)
      for (int64_t i = h.first; i < std::min(h.channels, h.first + 2 * kChannels); i += 16) {
        __builtin_prefetch(h.a + j * h.channels + i, 0);
        __builtin_prefetch(h.state + j * h.channels + i, 1);
      }
    s_.k.selective_scan(h);
  });
}

void CpuExec::short_conv(Tensor y, Tensor x, const Vector& w, const Vector* bias, Act act, const Rows& rows,
                         size_t state) {
  constexpr int64_t kMostTaps = 64;
  const int64_t channels = x.cols, taps = w.size() / channels;
  // The inputs before a segment's first row, oldest first, lie in the slot.
  const auto input = [&](const Segment& s, int64_t t) {
    return t < 0 ? reinterpret_cast<const float*>(s.state + state) + (taps - 1 + t) * channels : row(x, s.first + t);
  };
  each_row(x.rows, taps * channels, [&](int64_t i) {
    const Segment& s = segment_of(rows, i);
    const float* past[kMostTaps];
    for (int64_t j = 0; j < taps; ++j) past[j] = input(s, i - s.first - taps + 1 + j);
    s_.k.short_conv(row(y, i), past, w.data(), channels, values(bias), act, taps, channels);
  });
  for (const Segment& s : rows.segments)
    for (int64_t j = 0; j + 1 < taps; ++j) {  // oldest first: a row is read before it is overwritten
      const float* from = input(s, s.count - taps + 1 + j);
      std::copy_n(from, channels, reinterpret_cast<float*>(s.state + state) + j * channels);
    }
}

void CpuExec::rotary(const Rotary& io, const Rows& rows) {
  const int64_t width = io.x.cols / io.heads, half = io.rotated / 2;
  const float* factors = io.factors != nullptr ? io.factors->data() : nullptr;
  std::vector<double> turns;  // per token
  for (int64_t j = 0; j < half; ++j) {
    const double power = -2.0 * static_cast<double>(j) / static_cast<double>(io.rotated);
    turns.push_back(std::pow(static_cast<double>(io.base), power) /
                    (factors != nullptr ? static_cast<double>(factors[j]) : 1.0));
  }
  const Frame frame(*this);
  const Tensor table = scratch(s_.threads.count(), 2 * half);
  each(io.x.rows, [&](int64_t i, int thread) {
    const Segment& s = segment_of(rows, i);
    const double position = static_cast<double>(s.position + static_cast<uint64_t>(i - s.first));
    float *cosine = row(table, thread), *sine = cosine + half;
    for (int64_t j = 0; j < half; ++j) {
      const double turn = position * turns[static_cast<size_t>(j)];
      cosine[j] = static_cast<float>(std::cos(turn));
      sine[j] = static_cast<float>(std::sin(turn));
    }
    for (int64_t h = 0; h < io.heads; ++h) {
      float* head = row(io.x, i) + h * width;
      for (int64_t j = 0; j < half; ++j) {
        float& a = head[io.interleaved ? 2 * j : j];
        float& b = head[io.interleaved ? 2 * j + 1 : j + half];
        const float x = a, y = b;
        a = x * cosine[j] - y * sine[j];
        b = x * sine[j] + y * cosine[j];
      }
    }
  });
}

void CpuExec::attention(const Attention& io, const Rows& rows) {
  const int64_t width = io.q.cols / io.heads, kv = io.k.cols, per_key = io.heads / io.kv_heads;
  std::vector<int64_t> groups = {0};  // of kAttentionRows rows: how many lie before each segment
  for (const Segment& s : rows.segments) {
    for (int32_t t = 0; t < s.count; ++t) {
      const int64_t at = static_cast<int64_t>(s.position) + t;
      std::copy_n(row(io.k, s.first + t), kv, s.cache->keys(io.layer, at));
      std::copy_n(row(io.v, s.first + t), kv, s.cache->values(io.layer, at));
    }
    groups.push_back(groups.back() + (s.count + kAttentionRows - 1) / kAttentionRows);
  }
  const Frame frame(*this);
  const Tensor work = scratch(s_.threads.count(), kAttentionWork);
  // Later groups have more to read: they come first.
  each(groups.back() * io.heads, [&](int64_t task, int thread) {
    const int64_t group = groups.back() - 1 - task / io.heads, h = task % io.heads;
    const auto segment = std::upper_bound(groups.begin(), groups.end(), group) - groups.begin() - 1;
    const Segment& s = rows.segments[static_cast<size_t>(segment)];
    const int64_t t = (group - groups[static_cast<size_t>(segment)]) * kAttentionRows;
    AttentionHead head{};
    head.rows = std::min(kAttentionRows, s.count - t);
    head.width = width;
    head.window = io.window;
    head.position = s.position + static_cast<uint64_t>(t);
    head.q = row(io.q, s.first + t) + h * width;
    head.o = row(io.o, s.first + t) + h * width;
    head.q_stride = io.q.stride;
    head.o_stride = io.o.stride;
    head.cache = s.cache;
    head.layer = io.layer;
    head.key = h / per_key * width;
    head.kv_stride = kv;
    head.work = row(work, thread);
    s_.k.attention(head);
  });
}

void CpuExec::activate(Tensor y, Tensor x, Act act) {
  each_row(x.rows, 4 * x.cols, [&](int64_t i) { s_.k.activate(row(y, i), row(x, i), act, x.cols); });
}

void CpuExec::gate(Tensor y, Tensor x, Tensor g, Act act) {
  each_row(x.rows, 4 * x.cols, [&](int64_t i) { s_.k.gate(row(y, i), row(x, i), row(g, i), act, x.cols); });
}

void CpuExec::add_scaled(Tensor y, Tensor x, const Vector& d) {
  each_row(x.rows, 2 * x.cols, [&](int64_t i) { s_.k.add_scaled(row(y, i), row(x, i), d.data(), x.cols); });
}

void CpuExec::delta_rule(const DeltaRule& io) {
  const int64_t key = io.k.cols / io.key_heads, value = io.v.cols / io.heads, per_key = io.heads / io.key_heads;
  const bool decays = io.g.data != nullptr, weighs = io.beta.data != nullptr;
  const Frame frame(*this);
  const Tensor weights = weighs ? scratch(io.k.rows, io.heads) : Tensor{};
  each_row(io.k.rows, 4 * io.r.cols, [&](int64_t i) {
    float *log_w = decays ? row(io.log_w, i) : nullptr, *beta = weighs ? row(weights, i) : nullptr;
    if (decays) {
      s_.k.epilogue(log_w, row(io.g, i), io.bias->data(), Act::softplus, false, io.heads);
      for (int64_t h = 0; h < io.heads; ++h) log_w[h] *= io.rate->data()[h];
    }
    if (weighs) s_.k.activate(beta, row(io.beta, i), Act::sigmoid, io.heads);
    for (int64_t h = 0; h < io.heads; ++h) {
      const int64_t from = (io.tiled ? h % io.key_heads : h / per_key) * key;
      const float b = weighs ? io.beta_scale * beta[h] : 1.0f, forget = decays ? std::exp(log_w[h]) * b : b;
      const float *q = row(io.q, i) + from, *k = row(io.k, i) + from;
      float *r = row(io.r, i) + h * key, *a = row(io.a, i) + h * key, *erase = row(io.b, i) + h * key;
      for (int64_t j = 0; j < key; ++j) {
        r[j] = io.scale * q[j];
        a[j] = k[j];
        erase[j] = forget * k[j];
      }
      float* v = row(io.v, i) + h * value;
      for (int64_t j = 0; j < value; ++j) v[j] *= b;
    }
  });
}

void CpuExec::ssd(const Ssd& io) {
  const int64_t value = io.x.cols / io.heads, key = io.b.cols / io.groups, per_group = io.heads / io.groups;
  each_row(io.x.rows, 2 * (io.x.cols + io.k.cols), [&](int64_t i) {
    float* log_w = row(io.log_w, i);
    s_.k.epilogue(log_w, row(io.dt, i), io.bias->data(), Act::softplus, false, io.heads);
    for (int64_t h = 0; h < io.heads; ++h) {
      const float d = std::min(std::max(log_w[h], io.least), io.most);
      log_w[h] = d * io.a->data()[h];
      const float* x = row(io.x, i) + h * value;
      float* v = row(io.v, i) + h * value;
      for (int64_t j = 0; j < value; ++j) v[j] = d * x[j];
      std::copy_n(row(io.b, i) + h / per_group * key, key, row(io.k, i) + h * key);
      std::copy_n(row(io.c, i) + h / per_group * key, key, row(io.r, i) + h * key);
    }
  });
}

// A head of a row is a task: its own values of the convolution, the scan and all that follows up to the norm. What
// heads of a group share is the group's B and C: whichever thread comes to a group first makes them for itself.
void CpuExec::ssd_mix(const SsdMix& io, const Rows& rows) {
  constexpr int64_t kMostTaps = 64;
  const int64_t inner = io.o.cols, channels = io.x_bc.cols, taps = io.conv->size() / channels;
  if (static_cast<int32_t>(rows.segments.size()) != rows.count || taps > kMostTaps) return Exec::ssd_mix(io, rows);
  const Frame frame(*this);
  const int64_t keys = io.states, width = inner / io.heads, shared = io.groups * keys;
  const int64_t per_group = io.heads / io.groups;
  struct Thread {
    int64_t made;  // the row and group whose B and C are there: i * groups + g
    float *b, *c, *x, *v, *work;
  };
  std::vector<Thread> threads;
  for (int t = 0; t < s_.threads.count(); ++t) {
    const auto floats = [&](int64_t n) { return scratch(1, n).data; };
    threads.push_back({-1, floats(keys), floats(keys), floats(width), floats(width), floats(keys)});
  }
  const auto past = [&](const Segment& s, int64_t j) {
    return reinterpret_cast<float*>(s.state + io.conv_state) + j * channels;
  };
  const auto convolve = [&](float* y, const Segment& s, int64_t i, int64_t first, int64_t n) {
    const float* x[kMostTaps];
    for (int64_t j = 0; j + 1 < taps; ++j) x[j] = past(s, j) + first;
    x[taps - 1] = row(io.x_bc, i) + first;
    const float* bias = values(io.conv_bias);
    s_.k.short_conv(y, x, io.conv->data() + first, channels, bias != nullptr ? bias + first : nullptr, Act::silu, taps,
                    n);
  };
  const auto keep = [&](const Segment& s, int64_t i, int64_t first, int64_t n) {
    for (int64_t j = 0; j + 1 < taps; ++j)
      std::copy_n((j + 2 < taps ? past(s, j + 1) : row(io.x_bc, i)) + first, n, past(s, j) + first);
  };
  const bool gates = io.w == nullptr || !io.norm_before_gate;
  each_piece(rows.count * io.heads, keys * (width + 16), [&](int64_t task, int thread) {
    const int64_t i = task / io.heads, h = task % io.heads, first = h * width, g = h / per_group;
    const Segment& s = rows.segments[static_cast<size_t>(i)];
    Thread& t = threads[static_cast<size_t>(thread)];
    auto* state = reinterpret_cast<float*>(s.state + io.state) + h * keys * width;
    if (t.made != i * io.groups + g) {
      convolve(t.b, s, i, inner + g * keys, keys);
      convolve(t.c, s, i, inner + shared + g * keys, keys);
      t.made = i * io.groups + g;
    }
    convolve(t.x, s, i, first, width);
    keep(s, i, first, width);
    float d = 0;
    s_.k.epilogue(&d, row(io.dt, i) + h, io.dt_bias->data() + h, Act::softplus, false, 1);
    d = std::min(std::max(d, io.least), io.most);
    const float log_w = d * io.a->data()[h];
    for (int64_t j = 0; j < width; ++j) t.v[j] = d * t.x[j];
    float* o = row(io.o, i) + first;
    ScanHead head{};
    head.decay = Decay::scalar;
    head.tokens = 1;
    head.key = keys;
    head.value = width;
    head.state = state;
    head.r = t.c;
    head.k = t.b;
    head.v = t.v;
    head.log_w = &log_w;
    head.o = o;
    head.work = t.work;
    s_.k.scan(head);
    s_.k.add_scaled(o, t.x, io.d->data() + first, width);
    if (gates) s_.k.gate(o, o, row(io.z, i) + first, Act::silu, width);
  });
  for (int64_t i = 0; i < rows.count; ++i) keep(rows.segments[static_cast<size_t>(i)], i, inner, 2 * shared);
  if (io.w != nullptr) norm(io.o, io.o, Norm::rms, io.w, nullptr, io.eps, io.norm_groups);
  if (!gates) gate(io.o, io.o, io.z, Act::silu);
}

void CpuExec::scale(Tensor y, Tensor x, float factor) {
  each_row(x.rows, x.cols, [&](int64_t i) {
    const float* in = row(x, i);
    float* out = row(y, i);
    for (int64_t j = 0; j < x.cols; ++j) out[j] = factor * in[j];
  });
}

void CpuExec::repeat_heads(Tensor y, Tensor x, int64_t heads, int64_t kv_heads) {
  const int64_t n = y.cols / heads;
  each_row(x.rows, y.cols, [&](int64_t i) {
    for (int64_t h = 0; h < heads; ++h) std::copy_n(row(x, i) + h / (heads / kv_heads) * n, n, row(y, i) + h * n);
  });
}

void CpuExec::split_heads(Tensor a, Tensor b, Tensor x, int64_t heads) {
  const int64_t n = a.cols / heads, m = b.cols / heads;
  each_row(x.rows, x.cols, [&](int64_t i) {
    for (int64_t h = 0; h < heads; ++h) {
      std::copy_n(row(x, i) + h * (n + m), n, row(a, i) + h * n);
      std::copy_n(row(x, i) + h * (n + m) + n, m, row(b, i) + h * m);
    }
  });
}

void CpuExec::append_ones(Tensor y, Tensor v, int64_t heads) {
  const int64_t n = v.cols / heads;
  each_row(v.rows, v.cols, [&](int64_t i) {
    for (int64_t h = 0; h < heads; ++h) {
      std::copy_n(row(v, i) + h * n, n, row(y, i) + h * (n + 1));
      row(y, i)[h * (n + 1) + n] = 1;
    }
  });
}

void CpuExec::divide_by_last(Tensor o, Tensor y, int64_t heads, float eps) {
  const int64_t n = o.cols / heads;
  each_row(o.rows, o.cols, [&](int64_t i) {
    for (int64_t h = 0; h < heads; ++h) {
      const float by = row(y, i)[h * (n + 1) + n] + eps;
      for (int64_t j = 0; j < n; ++j) row(o, i)[h * n + j] = row(y, i)[h * (n + 1) + j] / by;
    }
  });
}

}  // namespace recurra
