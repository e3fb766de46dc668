#include "format/model_file.h"

#include "core/error.h"

namespace recurra {
namespace {

// The dimensions that are not 1: where those agree, the elements lie in the same order.
Shape squeezed(const Shape& s) {
  Shape out;
  for (int i = 0; i < s.rank; ++i) {
    const int64_t n = s.dim[static_cast<size_t>(i)];
    if (n != 1) out.dim[static_cast<size_t>(out.rank++)] = n;
  }
  return out;
}

}  // namespace

const TensorView& ModelFile::tensor(const std::string& tensor, const Shape& expected) const {
  const TensorView* found = find(tensor);
  const std::string shown = printable(tensor);
  if (found == nullptr) {
    fail(Code::format, "%s: tensor \"%s\" is missing, expected %s", name().c_str(), shown.c_str(),
         expected.text().c_str());
  }
  if (squeezed(found->shape) != squeezed(expected)) {
    fail(Code::format, "%s: tensor \"%s\" has shape %s, expected %s", name().c_str(), shown.c_str(),
         found->shape.text().c_str(), expected.text().c_str());
  }
  return *found;
}

}  // namespace recurra
