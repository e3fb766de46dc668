// A state to and from a state file.
#include "core/error.h"
#include "model/state.h"

namespace recurra {

namespace {

// The tensors of a token cache: keys and values [tokens, width] of each attention layer; none before the first token.
struct CachePart {
  std::string name;
  Shape shape;
  int64_t layer;
  int part;
};

std::vector<CachePart> cache_parts(const StateLayout& layout, uint64_t tokens) {
  std::vector<CachePart> parts;
  for (int64_t layer = 0; tokens != 0 && layer < layout.cache_layers(); ++layer)
    for (int part = 0; part < 2; ++part)
      parts.push_back({"attention." + std::to_string(layer) + (part == 0 ? ".keys" : ".values"),
                       shape(static_cast<int64_t>(tokens), layout.cache_width()), layer, part});
  return parts;
}

}  // namespace

// The slot's tensors in neutral order, in host memory.
struct State::Values {
  std::vector<std::vector<float>> data;
  std::vector<StateTensor> tensors;
};

State::Values State::values() const {
  Values v;
  for (const StateSlice& slice : model_->layout().slices()) {
    v.data.emplace_back(static_cast<size_t>(slice.shape.elements()));
    model_->backend().read_state(v.data.back().data(), slot_.data(), slice);
    v.tensors.push_back({slice.name, slice.shape, v.data.back().data()});
  }
  for (const CachePart& part : cache_parts(model_->layout(), tokens_)) {
    v.data.emplace_back(static_cast<size_t>(part.shape.elements()));
    cache_.read(v.data.back().data(), part.layer, part.part, tokens_);
    v.tensors.push_back({part.name, part.shape, v.data.back().data()});
  }
  return v;
}

StateHeader State::header() const {
  const ModelFacts& facts = model_->facts();
  StateHeader h;
  h.architecture = facts.architecture;
  h.model_fingerprint = facts.fingerprint;
  h.tokenizer_hash = facts.tokenizer_hash;
  h.n_tokens = tokens_;
  h.backend = model_->backend().name();
  h.cpu_level = model_->backend().level();
  h.compute_dtype = model_->backend().dtype();
  h.exact = model_->exact();
  h.notes = notes_;
  return h;
}

void State::save(StateType type, const StateSink& sink) const { state_write(header(), values().tensors, type, sink); }

void State::save_file(const std::string& path, StateType type) const {
  state_save_file(path, header(), values().tensors, type);
}

uint64_t State::file_size(StateType type) const {
  std::vector<StateTensor> tensors;  // only names and shapes count
  for (const StateSlice& slice : model_->layout().slices()) tensors.push_back({slice.name, slice.shape, nullptr});
  for (const CachePart& part : cache_parts(model_->layout(), tokens_))
    tensors.push_back({part.name, part.shape, nullptr});
  return state_file_size(header(), tensors, type);
}

void State::load(const void* data, uint64_t size, const std::string& name) {
  const StateFile file(data, size, name);
  const StateHeader& h = file.header();
  const ModelFacts& facts = model_->facts();
  if (h.architecture != facts.architecture)
    fail(Code::mismatch, "%s: the state is of architecture '%s', the model is '%s'", name.c_str(),
         printable(h.architecture).c_str(), facts.architecture.c_str());
  if (h.model_fingerprint != facts.fingerprint)
    fail(Code::mismatch, "%s: the state is of another model (fingerprint %s, this model's is %s)", name.c_str(),
         printable(h.model_fingerprint).c_str(), facts.fingerprint.c_str());
  if (h.tokenizer_hash != facts.tokenizer_hash)
    fail(Code::mismatch, "%s: the state is of another tokenizer (hash %s, this model's is %s)", name.c_str(),
         printable(h.tokenizer_hash).c_str(), facts.tokenizer_hash.c_str());

  std::vector<std::vector<float>> values;
  std::vector<StateTarget> targets;
  for (const StateSlice& slice : model_->layout().slices()) {
    values.emplace_back(static_cast<size_t>(slice.shape.elements()));
    targets.push_back({slice.name, slice.shape, values.back().data()});
  }
  const StateLayout& layout = model_->layout();
  // The header's number of tokens is believed only as far as the file has bytes for them.
  if (layout.cache_layers() != 0 &&
      h.n_tokens > size / static_cast<uint64_t>(layout.cache_layers() * layout.cache_width()))
    fail(Code::corrupt, "%s: it says %llu tokens, more than its %llu bytes can hold", name.c_str(),
         static_cast<unsigned long long>(h.n_tokens), static_cast<unsigned long long>(size));
  const std::vector<CachePart> parts = cache_parts(layout, h.n_tokens);
  for (const CachePart& part : parts) {
    values.emplace_back(static_cast<size_t>(part.shape.elements()));
    targets.push_back({part.name, part.shape, values.back().data()});
  }
  file.read(targets);
  TokenCache cache(model_->backend(), layout.cache_layers(), layout.cache_width());
  cache.prepare(0, h.n_tokens);
  for (size_t i = 0; i < parts.size(); ++i)
    cache.write(targets[layout.slices().size() + i].data, parts[i].layer, parts[i].part, h.n_tokens);
  std::map<std::string, std::string> notes = h.notes;
  // Nothing can fail any more.
  for (size_t i = 0; i < layout.slices().size(); ++i)
    model_->backend().write_state(slot_.data(), layout.slices()[i], values[i].data());
  cache_ = std::move(cache);
  tokens_ = h.n_tokens;
  history_.begin(tokens_);
  notes_.swap(notes);
}

}  // namespace recurra
