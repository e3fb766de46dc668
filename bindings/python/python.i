// Python's part of recurra.i, within the limited API of 3.9.
//
// Texts come in as bytes and go out as bytes or, where they are names, as str. Arrays are anything with
// __array_interface__ (NumPy's), without a copy where the type fits: buffers enter the limited API only in 3.11.
// Every call releases the interpreter lock but those that are listed at the end: Interrupt releases it in the first of them, the
// others do next to nothing.
%feature("autodoc", "0");

%begin %{
#define SWIG_PYTHON_NO_USE_GIL // but lock.h
#include <Python.h>

#include "python/lock.h"
%}

%{
#include <cstring>

#include "python/interrupt.h"

namespace recurra::glue {

// Raises the class of recurra._errors that the status has.
inline void raise(recurra_status status, const char* message) {
  PyObject* module = PyImport_ImportModule("recurra._errors");
  PyObject* text = PyUnicode_DecodeUTF8(message, static_cast<Py_ssize_t>(std::strlen(message)), "replace");
  PyObject* error = nullptr;
  if (module != nullptr && text != nullptr) {
    error = PyObject_CallMethod(module, "of_status", "iO", static_cast<int>(status), text);
  }
  if (error != nullptr) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error)), error);
  Py_XDECREF(error);
  Py_XDECREF(text);
  Py_XDECREF(module);
}

// What NumPy's __array_interface__ says of an array.
struct Array {
  char kind[8] = "";  // "<f4"
  void* data = nullptr;
  std::size_t size = 0;  // along the first dimension
  Py_ssize_t dimensions = 0;
  bool contiguous = false, writable = false;
};

// False with a Python exception set.
inline bool read_array(Array& out, PyObject* object) {
  PyObject* interface = PyObject_GetAttrString(object, "__array_interface__");
  if (interface == nullptr) return false;
  PyObject* kind = PyDict_GetItemString(interface, "typestr");
  PyObject* shape = PyDict_GetItemString(interface, "shape");
  PyObject* data = PyDict_GetItemString(interface, "data");
  PyObject* strides = PyDict_GetItemString(interface, "strides");
  const bool ok = kind != nullptr && shape != nullptr && data != nullptr && PyTuple_Check(data) &&
                  PyTuple_Size(data) == 2 && PyTuple_Check(shape);
  PyObject* name = ok ? PyUnicode_AsASCIIString(kind) : nullptr;
  if (name != nullptr) {
    std::strncpy(out.kind, PyBytes_AsString(name), sizeof out.kind - 1);
    out.dimensions = PyTuple_Size(shape);
    if (out.dimensions > 0) out.size = PyLong_AsSize_t(PyTuple_GetItem(shape, 0));
    out.data = PyLong_AsVoidPtr(PyTuple_GetItem(data, 0));
    out.contiguous = strides == nullptr || strides == Py_None;
    out.writable = PyObject_IsTrue(PyTuple_GetItem(data, 1)) == 0;
  } else if (PyErr_Occurred() == nullptr) {
    PyErr_SetString(PyExc_TypeError, "__array_interface__ is not as NumPy has it");
  }
  Py_XDECREF(name);
  Py_DECREF(interface);
  return PyErr_Occurred() == nullptr;
}

// Floats that the library reads or writes where they lie.
inline bool read_floats(Array& out, PyObject* object, bool writable) {
  if (!read_array(out, object)) return false;
  if (out.dimensions == 1 && out.contiguous && (out.writable || !writable) && std::strcmp(out.kind, "<f4") == 0) return true;
  PyErr_Format(PyExc_TypeError, "the array must be one-dimensional, contiguous%s and of float32", writable ? ", writable" : "");
  return false;
}

inline bool read_token(Token& out, PyObject* object) {
  PyObject* index = PyNumber_Index(object);
  if (index == nullptr) return false;
  int overflow = 0;
  const long value = PyLong_AsLongAndOverflow(index, &overflow);
  Py_DECREF(index);
  if (value == -1 && overflow == 0 && PyErr_Occurred() != nullptr) return false;
  out = static_cast<Token>(value);
  if (overflow == 0 && out == value) return true;
  raise(RECURRA_E_TOKEN, "a token is outside the vocabulary, and outside 32 bits");
  return false;
}

// Tokens of an array of integers, a list, a tuple or any other sequence; a contiguous array of 32 bits isn't copied.
struct Tokens {
  std::vector<Token> copy;
  const Token* data = nullptr;
  std::size_t size = 0;

  bool read(PyObject* object) {
    Array array;
    if (!PyList_Check(object) && !PyTuple_Check(object) && PyObject_HasAttrString(object, "__array_interface__")) {
      if (!read_array(array, object)) return false;
      if (array.dimensions != 1 || (array.kind[1] != 'i' && array.kind[1] != 'u')) {
        PyErr_Format(PyExc_TypeError, "tokens are a one-dimensional array of integers, not one of %s with %zd dimensions", array.kind,
                     array.dimensions);
        return false;
      }
    }
    if (array.contiguous && std::strcmp(array.kind, "<i4") == 0) {
      data = static_cast<const Token*>(array.data);
      size = array.size;
      return true;
    }
    if (array.contiguous && std::strcmp(array.kind, "<i8") == 0) {
      const auto* from = static_cast<const std::int64_t*>(array.data);
      copy.reserve(array.size);
      for (std::size_t i = 0; i < array.size; ++i) {
        if (from[i] != static_cast<Token>(from[i])) {
          raise(RECURRA_E_TOKEN, "a token is outside the vocabulary, and outside 32 bits");
          return false;
        }
        copy.push_back(static_cast<Token>(from[i]));
      }
    } else if (!read_sequence(object)) {
      return false;
    }
    data = copy.data();
    size = copy.size();
    return true;
  }

 private:
  bool read_sequence(PyObject* object) {
    if (!PySequence_Check(object)) {
      PyObject* name = PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__name__");
      if (name != nullptr) PyErr_Format(PyExc_TypeError, "tokens are a sequence of integers, not %U", name);
      Py_XDECREF(name);
      return false;
    }
    PyObject* list = PyList_Check(object) ? (Py_INCREF(object), object) : PySequence_List(object);
    if (list == nullptr) return false;
    copy.reserve(static_cast<std::size_t>(PyList_Size(list)));
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < PyList_Size(list); ++i) {
      Token token = 0;
      ok = read_token(token, PyList_GetItem(list, i));
      copy.push_back(token);
    }
    Py_DECREF(list);
    return ok;
  }
};

}  // namespace recurra::glue
%}

%include <std_string.i>

%exception {
  try {
    $action
  } catch (const recurra::glue::PythonError&) {
    SWIG_fail;
  } catch (const Swig::DirectorException&) {
    SWIG_fail;
  } catch (const recurra::Error& error) {
    recurra::glue::raise(error.status(), error.what());
    SWIG_fail;
  } catch (const std::bad_alloc&) {
    recurra::glue::raise(RECURRA_E_MEMORY, "out of memory");
    SWIG_fail;
  } catch (const std::exception& error) {
    recurra::glue::raise(RECURRA_E_INTERNAL, error.what());
    SWIG_fail;
  }
}

// What a callback raises ends the call and comes out of it.
%feature("director:except") {
  if ($error != nullptr) throw Swig::DirectorMethodException();
}

// ---- bytes ----------------------------------------------------------------------------------------------------------

%typemap(in) std::string_view {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize($input, &data, &size) != 0) SWIG_fail;
  $1 = std::string_view(data, static_cast<std::size_t>(size));
}
%typemap(in) const recurra::glue::Bytes& (recurra::glue::Bytes temp) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize($input, &data, &size) != 0) SWIG_fail;
  temp.assign(data, static_cast<std::size_t>(size));
  $1 = &temp;
}
%typemap(freearg) const recurra::glue::Bytes& ""
%typemap(out) recurra::glue::Bytes { $result = PyBytes_FromStringAndSize($1.data(), static_cast<Py_ssize_t>($1.size())); }
%typemap(out) const recurra::glue::Bytes& { $result = PyBytes_FromStringAndSize($1->data(), static_cast<Py_ssize_t>($1->size())); }
%typemap(directorin) const recurra::glue::Bytes& {
  $input = PyBytes_FromStringAndSize($1.data(), static_cast<Py_ssize_t>($1.size()));
}
%typemap(out) std::vector<std::uint8_t> {
  $result = PyBytes_FromStringAndSize(reinterpret_cast<const char*>($1.data()), static_cast<Py_ssize_t>($1.size()));
}
%apply recurra::glue::Bytes { std::string recurra::Model::detokenize };
%typemap(in) const std::string& path = const recurra::glue::Bytes&;
%typemap(freearg) const std::string& path = const recurra::glue::Bytes&;

// ---- arrays ---------------------------------------------------------------------------------------------------------

%typemap(in) (const recurra::Token* tokens, std::size_t n_tokens) (recurra::glue::Tokens temp) {
  if (!temp.read($input)) SWIG_fail;
  $1 = const_cast<recurra::Token*>(temp.data);
  $2 = temp.size;
}
%typemap(in) recurra::Token token {
  if (!recurra::glue::read_token($1, $input)) SWIG_fail;
}
%typemap(out) std::vector<recurra::Token> {
  $result = PyList_New(static_cast<Py_ssize_t>($1.size()));
  if ($result == nullptr) SWIG_fail;
  for (std::size_t i = 0; i < $1.size(); ++i) PyList_SetItem($result, static_cast<Py_ssize_t>(i), PyLong_FromLong($1[i]));
}
%typemap(in) (float* out, std::size_t n) {
  recurra::glue::Array array;
  if (!recurra::glue::read_floats(array, $input, true)) SWIG_fail;
  $1 = static_cast<float*>(array.data);
  $2 = array.size;
}
%typemap(in) (const float* values, std::size_t n) {
  recurra::glue::Array array;
  if (!recurra::glue::read_floats(array, $input, false)) SWIG_fail;
  $1 = static_cast<float*>(array.data);
  $2 = array.size;
}

// ---- objects --------------------------------------------------------------------------------------------------------

// C++ deletes it, which drops the Python object.
%typemap(in) recurra::glue::LogCallback* owned {
  void* pointer = nullptr;
  if (!SWIG_IsOK(SWIG_ConvertPtr($input, &pointer, $descriptor(recurra::glue::LogCallback*), SWIG_POINTER_DISOWN))) {
    PyErr_SetString(PyExc_TypeError, "a LogCallback or None is expected");
    SWIG_fail;
  }
  $1 = static_cast<recurra::glue::LogCallback*>(pointer);
  if (auto* director = dynamic_cast<Swig::Director*>($1)) director->swig_disown();
}

namespace recurra::glue {
void stop_calls();
}

%nothread recurra::glue::open_model;
%nothread recurra::glue::feed;
%nothread recurra::glue::score;
%nothread recurra::glue::generate_text;
%nothread recurra::glue::Batch::feed;

%nothread recurra::version;
%nothread recurra::build_info;
%nothread recurra::Cancel;
%nothread recurra::ModelInfo;
%nothread recurra::StateInfo;
%nothread recurra::MemoryInfo;
%nothread recurra::Peek;
%nothread recurra::Model::info;
%nothread recurra::Model::n_vocab;
%nothread recurra::Model::n_embd;
%nothread recurra::Model::metadata;
%nothread recurra::Model::has_metadata;
%nothread recurra::Model::metadata_key;
%nothread recurra::State::info;
%nothread recurra::State::n_tokens;
%nothread recurra::State::memory_count;
%nothread recurra::State::memory_info;
%nothread recurra::State::set_note;
%nothread recurra::State::remove_note;
%nothread recurra::State::note;
%nothread recurra::State::has_note;
%nothread recurra::glue::Plan;
%nothread recurra::glue::ProgressCallback;
%nothread recurra::glue::TokenCallback;
%nothread recurra::glue::LogCallback;
%nothread recurra::glue::Generation::token;
%nothread recurra::glue::Generation::text;
%nothread recurra::glue::backend_name;
%nothread recurra::glue::status_name;
