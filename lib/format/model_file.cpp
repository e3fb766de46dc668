#include "format/model_file.h"

#include "core/error.h"
#include "core/utf8.h"

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

bool ModelFile::is_null(const std::string&) const { return false; }

bool ModelFile::matters(const std::string& key) const {
  const std::string prefix = string("general.architecture") + ".";
  return key.compare(0, prefix.size(), prefix) == 0;
}

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

std::string readable(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size();) {
    const size_t n = utf8_sequence(s.data() + i, s.size() - i);
    if (n == 0 || s[i] == '\0') {
      out += printable(s.data() + i, size_t{1});
      i += 1;
    } else {
      out.append(s, i, n);
      i += n;
    }
  }
  return out;
}

}  // namespace recurra
