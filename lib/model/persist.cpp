// A state to and from a state file.
#include "core/error.h"
#include "model/state.h"

namespace recurra {

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
  file.read(targets);
  std::map<std::string, std::string> notes = h.notes;
  // Nothing can fail any more.
  for (size_t i = 0; i < values.size(); ++i)
    model_->backend().write_state(slot_.data(), model_->layout().slices()[i], values[i].data());
  tokens_ = h.n_tokens;
  notes_.swap(notes);
}

}  // namespace recurra
