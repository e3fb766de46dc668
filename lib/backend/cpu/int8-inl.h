// Included in the unnamed namespace of each int8_*.cpp, behind its block types Q8_0, Q4_K, Q5_K, Q6_K and its rows<Q, R>: which
// of them a call means. No include guard and no includes, for the reason that int8.h gives.

template <class Q>
void dot_of(const void* data, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int n, float* y,
            int64_t ldy) {
  const auto* w = static_cast<const uint8_t*>(data);
  switch (n) {
    case 1:
      return rows<Q, 1>(w, in, stride, count, x, y, ldy);
    case 2:
      return rows<Q, 2>(w, in, stride, count, x, y, ldy);
    case 3:
      return rows<Q, 3>(w, in, stride, count, x, y, ldy);
    default:
      return rows<Q, 4>(w, in, stride, count, x, y, ldy);
  }
}

bool takes(DType type) {
  return type == DType::q8_0 || type == DType::q4_k || type == DType::q5_k || type == DType::q6_k;
}

void dot(DType type, const void* w, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int n, float* y,
         int64_t ldy) {
  switch (type) {
    case DType::q8_0:
      return dot_of<Q8_0>(w, count, in, stride, x, n, y, ldy);
    case DType::q4_k:
      return dot_of<Q4_K>(w, count, in, stride, x, n, y, ldy);
    case DType::q5_k:
      return dot_of<Q5_K>(w, count, in, stride, x, n, y, ldy);
    case DType::q6_k:
      return dot_of<Q6_K>(w, count, in, stride, x, n, y, ldy);
    default:
      return;
  }
}
