// recurra for other languages: recurra.hpp without what only C++ has. Each language adds its own part below: how errors,
// arrays, texts and callbacks cross, and whether a lock is released meanwhile. On what comes out of here stands a layer
// written in that language, which is what its users see.
//
//     swig -c++ -python -threads -module _native -interface _glue -I../include recurra.i                    python/python.i
//     swig -c++ -csharp -namespace Recurra.Interop -dllimport recurra_csharp -I../include recurra.i         csharp/csharp.i
%module(directors="1") Native

%{
#include <algorithm>
#include <optional>
#include <recurra/recurra.hpp>
%}

#if defined(SWIGPYTHON)
%include "python/python.i"
#elif defined(SWIGCSHARP)
%include "csharp/csharp.i"
#endif

%{
#include "glue.h"
%}

%include <stdint.i>
namespace std {
using ::int32_t;
using ::uint8_t;
using ::uint32_t;
using ::uint64_t;
}

namespace recurra {
using Token = std::int32_t;
}

// ---- callbacks ------------------------------------------------------------------------------------------------------

%feature("director") recurra::glue::ProgressCallback;
%feature("director") recurra::glue::TokenCallback;
%feature("director") recurra::glue::LogCallback;

// ---- the headers, without what glue.h has in another form -----------------------------------------------------------

%ignore recurra::ModelOptions;
%ignore recurra::SamplerOptions;
%ignore recurra::FeedOptions;
%ignore recurra::GenerateOptions;
%ignore recurra::SaveOptions;
%ignore recurra::set_log;
%ignore recurra::feed_batch;
%ignore recurra::logits_batch;
%ignore recurra::StateOptions;
%ignore recurra::backends;
%ignore *::handle;
%ignore recurra::Model::open;
%ignore recurra::Model::open_default;
%ignore recurra::Model::open_memory;
%ignore recurra::Model::share;
%ignore recurra::Model::metadata_keys;
%ignore recurra::Model::detokenize(const std::vector<Token>&) const;
%nodefaultctor recurra::Sampler;
%ignore recurra::Sampler::Sampler;
%ignore recurra::Sampler::pick;
%ignore recurra::State::State(const Model&);
%ignore recurra::State::State(const Model&, const StateOptions&);
%ignore recurra::State::clone;
%ignore recurra::State::memory;
%ignore recurra::State::set_memory;
%ignore recurra::State::read_memory;
%ignore recurra::State::feed;
%ignore recurra::State::feed_text;
%ignore recurra::State::generate;
%ignore recurra::State::generate_text;
%ignore recurra::State::logits;
%ignore recurra::State::hidden;
%ignore recurra::State::score;
%ignore recurra::State::query;
%ignore recurra::State::query_text;
%ignore recurra::State::save_file;
%ignore recurra::State::save_memory;
%ignore recurra::State::save_stream;
%ignore recurra::State::load_memory;
%ignore recurra::State::load_stream;
%ignore recurra::glue::Plan::options;
%ignore recurra::glue::ForwardLog;
%immutable; // ModelInfo, StateInfo, MemoryInfo, Peek

%nodefaultctor recurra::Model;
%newobject recurra::glue::open_model;
%newobject recurra::glue::make_sampler;
%newobject recurra::Model::shared;
%newobject recurra::State::copy;

%include <recurra/model.hpp>
%include <recurra/state.hpp>

%extend recurra::Model {
  recurra::Model* shared() const { return new recurra::Model($self->share()); }
  // The keys of the metadata one after the other; "" from the first index on that has none.
  std::string metadata_key(std::size_t index) const {
    const char* key = nullptr;
    const recurra_status status = recurra_model_metadata_key(&key, $self->handle(), index);
    if (status == RECURRA_E_NOT_FOUND) return "";
    recurra::detail::check(status);
    return key;
  }
}

%extend recurra::State {
  State(const recurra::Model& model, std::uint32_t rewind_tokens) {
    recurra::StateOptions options;
    options.rewind_tokens = rewind_tokens;
    return new recurra::State(model, options);
  }
  void memory_into(std::size_t index, float* out, std::size_t n) const { $self->read_memory(index, out, n); }
  recurra::State* copy() const { return new recurra::State($self->clone()); }
  void logits_into(float* out, std::size_t n) const { $self->logits(out, n); }
  void hidden_into(float* out, std::size_t n) const {
    recurra::detail::check(recurra_hidden(out, n, $self->handle()));
  }
  void save_path(const std::string& path, const std::string& dtype) const {
    recurra::SaveOptions options;
    options.dtype = dtype;
    $self->save_file(path, options);
  }
  std::vector<std::uint8_t> save_bytes(const std::string& dtype) const {
    recurra::SaveOptions options;
    options.dtype = dtype;
    return $self->save_memory(options);
  }
  void load_bytes(std::string_view data) { $self->load_memory(data.data(), data.size()); }
}

%include "glue.h"

%inline %{
namespace recurra::glue {
// The backends one after the other, the best first; "" from the first index on that has none.
inline std::string backend_name(std::int32_t index) { return recurra::detail::text(recurra_backend_name(index)); }
inline std::string status_name(std::int32_t status) { return recurra_status_name(status); }
}
%}
