// C#'s part of recurra.i. All of it is internal to Recurra.dll (namespace Recurra.Interop); the classes that users see are written by
// hand in Recurra/.
//
// Objects are SafeHandles: the runtime keeps them alive during a call, and refuses those that were closed. Texts go in as UTF-8
// with a terminating zero, or as a Span where zero bytes may occur, and come out as std::string pointers that Blob reads and frees.
// Arrays are a Span: a pinned array's address and length.
%pragma(csharp) moduleclassmodifiers = "internal class"
%pragma(csharp) imclassclassmodifiers = "internal class"
%typemap(csclassmodifiers) SWIGTYPE, SWIGTYPE *, SWIGTYPE &, SWIGTYPE &&, SWIGTYPE [] "internal class"

%{
#include "csharp/interrupt.h"

extern "C" {
// A view of memory that C# has pinned, by value.
typedef struct {
  void* data;
  std::size_t size;
} RecurraSpan;

typedef void(SWIGSTDCALL* RecurraRaise)(std::int32_t status, const char* message);
static RecurraRaise recurra_raise = nullptr;

SWIGEXPORT void SWIGSTDCALL RecurraSetRaise(RecurraRaise raise) { recurra_raise = raise; }
SWIGEXPORT const void* SWIGSTDCALL RecurraBlobData(const std::string* blob) { return blob->data(); }
SWIGEXPORT std::size_t SWIGSTDCALL RecurraBlobSize(const std::string* blob) { return blob->size(); }
SWIGEXPORT void SWIGSTDCALL RecurraBlobFree(std::string* blob) { delete blob; }
}

namespace recurra::glue {
template <typename T>
std::string* blob(const std::vector<T>& values) {
  return new std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}
}  // namespace recurra::glue
%}

// Before the first call.
%pragma(csharp) imclasscode = %{
  internal static readonly bool raises = global::Recurra.Errors.Connect();
%}

// What a call throws becomes the pending exception of Errors.cs, which the generated code throws as the call returns.
%feature("except", canthrow="1") {
  try {
    $action
  } catch (const recurra::Error& error) {
    recurra_raise(error.status(), error.what());
    return $null;
  } catch (const std::bad_alloc&) {
    recurra_raise(RECURRA_E_MEMORY, "out of memory");
    return $null;
  } catch (const std::exception& error) {
    recurra_raise(RECURRA_E_INTERNAL, error.what());
    return $null;
  }
}

// ---- texts ----------------------------------------------------------------------------------------------------------

%{
#include <string>
#include <string_view>
%}
namespace std {
%naturalvar string;
class string;
class string_view;
}

%typemap(ctype, out="void *") std::string, const std::string& "const char *"
%typemap(imtype, out="global::System.IntPtr") std::string, const std::string& "byte[]"
%typemap(cstype) std::string, const std::string& "string"
%typemap(csin) std::string, const std::string& "global::Recurra.Blob.Zeroed($csinput, \"$csinput\")"
%typemap(in) const std::string& (std::string temp) %{ temp = $input; $1 = &temp; %}
%typemap(out) std::string %{ $result = new std::string($1); %}
%typemap(out) const std::string& %{ $result = new std::string(*$1); %}
%typemap(csout, excode=SWIGEXCODE) std::string, const std::string& {
    string ret = global::Recurra.Blob.Text($imcall);$excode
    return ret;
  }
%typemap(csvarout, excode=SWIGEXCODE2) std::string, const std::string& %{
    get {
      string ret = global::Recurra.Blob.Text($imcall);$excode
      return ret;
    } %}
%apply const std::string& { const recurra::glue::Bytes& };
%apply std::string { recurra::glue::Bytes };

// What callbacks are given is borrowed from the caller.
%typemap(ctype) const recurra::glue::Bytes& text, const std::string& message "void *"
%typemap(imtype) const recurra::glue::Bytes& text, const std::string& message "global::System.IntPtr"
%typemap(csin) const recurra::glue::Bytes& text, const std::string& message "global::System.IntPtr.Zero"
%typemap(in) const recurra::glue::Bytes& text, const std::string& message %{ $1 = static_cast<std::string*>($input); %}
%typemap(directorin) const recurra::glue::Bytes& text, const std::string& message %{
  $input = const_cast<void*>(static_cast<const void*>(&$1)); %}
%typemap(csdirectorin) const recurra::glue::Bytes& text, const std::string& message "global::Recurra.Blob.Borrowed($iminput)"

// ---- bytes and arrays -----------------------------------------------------------------------------------------------

%define SPAN(DECLARATION...)
%typemap(ctype) DECLARATION "RecurraSpan"
%typemap(imtype) DECLARATION "global::Recurra.Interop.Span"
%typemap(cstype) DECLARATION "global::Recurra.Interop.Span"
%typemap(csin) DECLARATION "$csinput"
%enddef
SPAN(std::string_view)
%typemap(in) std::string_view %{ $1 = std::string_view(static_cast<const char*>($input.data), $input.size); %}
SPAN((const recurra::Token* tokens, std::size_t n_tokens))
%typemap(in) (const recurra::Token* tokens, std::size_t n_tokens) %{
  $1 = static_cast<recurra::Token*>($input.data);
  $2 = $input.size;
%}
SPAN((const float* values, std::size_t n))
%typemap(in) (const float* values, std::size_t n) %{
  $1 = static_cast<float*>($input.data);
  $2 = $input.size;
%}
SPAN((float* out, std::size_t n))
%typemap(in) (float* out, std::size_t n) %{
  $1 = static_cast<float*>($input.data);
  $2 = $input.size;
%}

%define BLOB(TYPE, CSTYPE, READ, MAKE)
%typemap(ctype) TYPE "void *"
%typemap(imtype) TYPE "global::System.IntPtr"
%typemap(cstype) TYPE "CSTYPE"
%typemap(out) TYPE %{ $result = MAKE; %}
%typemap(csout, excode=SWIGEXCODE) TYPE {
    CSTYPE ret = global::Recurra.Blob.READ($imcall);$excode
    return ret;
  }
%enddef
BLOB(std::vector<recurra::Token>, int[], Integers, recurra::glue::blob($1))
BLOB(std::vector<std::uint8_t>, byte[], Bytes, recurra::glue::blob($1))
BLOB(std::string recurra::Model::detokenize, byte[], Bytes, new std::string($1))

%apply unsigned long long { std::size_t, size_t };

// ---- objects --------------------------------------------------------------------------------------------------------

%define SAFE_HANDLE(TYPE, NAME)
%typemap(imtype, out="global::System.IntPtr") TYPE, TYPE *, TYPE &, const TYPE &  "global::System.Runtime.InteropServices.SafeHandle"
%typemap(csbase, replace="1") TYPE "global::System.Runtime.InteropServices.SafeHandle"
%typemap(csinterfaces) TYPE ""
%typemap(csdispose) TYPE ""
%typemap(csdisposing, methodname="Dispose", methodmodifiers="protected", parameters="bool disposing") TYPE ""
%typemap(csbody) TYPE %{
  private static readonly $csclassname nothing = new $csclassname(global::System.IntPtr.Zero, false);

  internal $csclassname(global::System.IntPtr pointer, bool owned) : base(global::System.IntPtr.Zero, owned) { SetHandle(pointer); }
  internal static $csclassname getCPtr($csclassname given) { return given ?? nothing; }
  private $csclassname swigCPtr { get { return this; } }
  public override bool IsInvalid { get { return handle == global::System.IntPtr.Zero; } }
  protected override bool ReleaseHandle() { $imclassname.RecurraFree ## NAME(handle); return true; }
%}
%pragma(csharp) imclasscode = %{
  [global::System.Runtime.InteropServices.DllImport("recurra_csharp")]
  internal static extern void RecurraFree ## NAME(global::System.IntPtr pointer);
%}
%wrapper %{
extern "C" SWIGEXPORT void SWIGSTDCALL RecurraFree ## NAME(TYPE* object) { delete object; }
%}
%enddef
SAFE_HANDLE(recurra::Cancel, Cancel)
SAFE_HANDLE(recurra::Model, Model)
SAFE_HANDLE(recurra::Sampler, Sampler)
SAFE_HANDLE(recurra::State, State)
SAFE_HANDLE(recurra::glue::Batch, Batch)
SAFE_HANDLE(recurra::glue::Plan, Plan)
SAFE_HANDLE(recurra::glue::Generation, Generation)

// The next token, or -1. Whatever closes it meanwhile, the state stays alive during a step.
%extend recurra::glue::Generation {
  recurra::Token next(const recurra::State&) { return $self->step() ? $self->token() : -1; }
}
%ignore recurra::glue::Generation::step;

// The one log callback of Library.cs lives as long as the process.
%{
namespace recurra::glue {
class LogCallback;
}
%}
%typemap(in) recurra::glue::LogCallback* owned %{
  $1 = $input != nullptr ? new recurra::glue::ForwardLog(static_cast<recurra::glue::LogCallback*>($input)) : nullptr;
%}
