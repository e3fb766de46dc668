// What the opaque pointers of the ABI point to.
#pragma once

#include <atomic>
#include <memory>

#include "core/cancel.h"
#include "model/generate.h"
#include "model/state.h"

struct recurra_cancel {
  recurra::Cancel flag;
};

struct recurra_model {
  std::atomic<uint32_t> owners{1};
  std::shared_ptr<recurra::Model> model;
};

struct recurra_state {
  explicit recurra_state(std::shared_ptr<const recurra::Model> model, uint64_t rewind = 0)
      : state(std::move(model), rewind) {}
  recurra::State state;
};

struct recurra_sampler {
  explicit recurra_sampler(const recurra::SamplerOptions& options) : sampler(options) {}
  recurra::Sampler sampler;
};
