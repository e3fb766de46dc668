// Included in the unnamed namespace of each int8_*.cpp, behind its block types Q8_0, Q4_K, Q5_K, Q6_K and its
// dot_of<Q>: which of them a call means. No include guard and no includes, for the reason that int8.h gives.

bool takes(DType type) {
  return type == DType::q8_0 || type == DType::q4_k || type == DType::q5_k || type == DType::q6_k;
}

template <class... How>
void dot_of_type(DType type, const void* w, int64_t count, int64_t in, int64_t stride, const Int8Row* x, int n,
                 float* y, int64_t ldy) {
  switch (type) {
    case DType::q8_0:
      return dot_of<Q8_0, How...>(w, count, in, stride, x, n, y, ldy);
    case DType::q4_k:
      return dot_of<Q4_K, How...>(w, count, in, stride, x, n, y, ldy);
    case DType::q5_k:
      return dot_of<Q5_K, How...>(w, count, in, stride, x, n, y, ldy);
    case DType::q6_k:
      return dot_of<Q6_K, How...>(w, count, in, stride, x, n, y, ldy);
    default:
      return;
  }
}
