// recurra for C++17: the C ABI of recurra.h with ownership, exceptions and containers. Header-only: nothing here is in
// the library, so a program built with this header needs only the C ABI of whatever librecurra.so it meets.
//
//     recurra::Model model = recurra::Model::open_default();
//     recurra::State state(model);
//     state.feed_text("User: My name is Dave.\n\nAssistant: Noted.\n\n");
//     recurra::GenerateOptions options;
//     options.stop_texts = {"\n\n"};
//     std::cout << state.query_text("User: What is my name?\n\nAssistant:", options) << '\n';
//     state.save_file("dave.state");
//
// The manual is in the files it includes, in reading order: basics.hpp (Error, Token, the callback types), model.hpp
// (the library, Cancel, Model, Sampler), state.hpp (State, feed_batch, peek_file).
//
// Rules that hold everywhere
// - A call that fails throws Error, which has the status code and the library's one line: what was wrong, the value
//   found and what was expected. Each function names the statuses that are its own; RECURRA_E_INVALID (an argument is
//   wrong), RECURRA_E_MEMORY and, on a state, RECURRA_E_BUSY (another thread is using it, or this is one of its
//   callbacks) may come from all of them. std::bad_alloc may come from the containers.
// - A call that failed changed nothing. The exceptions: feed and generate that were cancelled, stopped by a callback or
//   by an exception leave the state valid, with what it had read until then (FeedOptions::n_done, StateInfo::n_tokens).
// - Objects own their handle, are moved and not copied; State::clone() and Model::share() say what they cost. They may
//   be destroyed in any order: a state keeps its model alive. A moved-from object may be destroyed or assigned to; any
//   other call on it throws RECURRA_E_INVALID.
// - Callbacks run on the calling thread while no lock is held. An exception that leaves one stops the call and comes
//   out of it, as it was thrown.
// - Threads: a Model may be used by many threads at once. A State takes one call that is not const, or many that are.
// - Text is UTF-8, or any bytes. Shapes are row-major; logits and logprobs are float32, logprobs in nats.
#ifndef RECURRA_HPP
#define RECURRA_HPP

#include <recurra/basics.hpp>
#include <recurra/model.hpp>
#include <recurra/state.hpp>

#endif
