// Reading tokens: how a call is cut into passes, and what happens when one fails.
//
// Blocks of kBlock tokens that start at a multiple of kBlock of their state's position and lie wholly in the call take
// the block path, all other tokens the step path; in a model opened as exact, all of them the step path. Sequences of
// one call share passes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "model/history.h"
#include "model/model.h"

namespace recurra {
namespace {

// ln p of `token` under the logits, summed in double.
float log_probability(const float* logits, int64_t n, int32_t token) {
  const float most = *std::max_element(logits, logits + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(logits[i]) - most);
  return static_cast<float>(static_cast<double>(logits[token]) - most - std::log(sum));
}

}  // namespace

class Model::WorkerLease {
 public:
  explicit WorkerLease(const Model& model) : model_(model) {
    {
      const std::lock_guard<std::mutex> lock(model.workers_mutex_);
      if (!model.idle_workers_.empty()) {
        worker_ = std::move(model.idle_workers_.back());
        model.idle_workers_.pop_back();
      }
    }
    if (!worker_) {
      worker_ = std::make_unique<Worker>();
      worker_->exec = model.backend_->exec();
    }
    worker_->exec->begin();
  }
  ~WorkerLease() {
    worker_->exec->end();
    const std::lock_guard<std::mutex> lock(model_.workers_mutex_);
    try {
      model_.idle_workers_.push_back(std::move(worker_));
    } catch (const std::bad_alloc&) {  // one worker less to reuse
    }
  }
  Worker& operator*() const { return *worker_; }

 private:
  const Model& model_;
  std::unique_ptr<Worker> worker_;
};

// One feed call.
class Feeder {
 public:
  Feeder(const Model& model, Span<Sequence> sequences, const FeedOptions& options)
      : m_(model),
        sequences_(sequences),
        o_(options),
        most_(model.backend().pass_rows()),
        lease_(model),
        worker_(*lease_),
        exec_(*worker_.exec) {
    for (const Sequence& s : sequences) total_ += s.count;
  }

  void run() {
    o_.control.check();
    const bool cold = plan();
    if (cold || blocks_ > 0) backup(start_);
    if (o_.logprobs != nullptr) score_first();
    try {
      if (o_.step) {
        pass_over(1, most_.step, false, [](const Sequence& s) { return s.count - s.done; });
        return;
      }
      if (m_.exact()) {
        pass_over(most_.exact, most_.step, false, [](const Sequence& s) { return s.count - s.done; });
        return;
      }
      pass_over(most_.step, most_.step, false, [](const Sequence& s) {
        const uint64_t into = (s.position + s.done) % kBlock;
        return std::min<uint64_t>(s.count - s.done, into == 0 ? 0 : kBlock - into);
      });
      pass_over(most_.block, most_.block, true, [](const Sequence& s) { return (s.count - s.done) / kBlock * kBlock; });
      pass_over(most_.step, most_.step, false, [](const Sequence& s) { return s.count - s.done; });
    } catch (const Error& e) {
      if (e.code() != Code::cancelled) restore(start_, true);
      throw;
    } catch (...) {
      restore(start_, true);
      throw;
    }
  }

 private:
  using Backup = std::vector<Arena::Slot>;  // of the sequences, in their order

  // Whether the call has work that may still allocate memory, marks of histories too; counts the blocks.
  bool plan() {
    int64_t step = 0, block = 0;
    bool marks = false;
    for (const Sequence& s : sequences_) {
      const uint64_t head = std::min<uint64_t>(s.count, (kBlock - s.position % kBlock) % kBlock);
      const uint64_t blocks = o_.step || m_.exact() ? 0 : (s.count - head) / kBlock;
      blocks_ += blocks;
      marks |= s.history != nullptr && s.history->marks_within(s.count);
      block += static_cast<int64_t>(blocks * kBlock);
      step += static_cast<int64_t>(
          o_.step ? 1 : std::min<uint64_t>(static_cast<uint64_t>(most_.step), s.count - blocks * kBlock));
    }
    return marks || std::min(step, most_.step) > worker_.rows_seen[0] ||
           std::min(block, most_.block) > worker_.rows_seen[1];
  }

  void backup(Backup& b) const {
    b.resize(sequences_.size());
    for (size_t i = 0; i < sequences_.size(); ++i) {
      if (!b[i]) b[i] = m_.arena().take();
      m_.backend().copy(b[i].data(), sequences_[i].slot, m_.arena().slot_bytes());
    }
  }

  void restore(const Backup& b, bool all) {
    for (size_t i = 0; i < b.size(); ++i) {
      m_.backend().copy(sequences_[i].slot, b[i].data(), m_.arena().slot_bytes());
      if (all) sequences_[i].done = 0;
    }
  }

  // Passes of at most `most` rows, at most `each` of one sequence, until `left(sequence)` is 0 for all.
  template <class Left>
  void pass_over(int64_t each, int64_t most, bool block, const Left& left) {
    for (;;) {
      segments_.clear();
      members_.clear();
      tokens_.clear();
      for (Sequence& s : sequences_) {
        const int64_t room = most - static_cast<int64_t>(tokens_.size());
        const int64_t n = std::min({static_cast<int64_t>(left(s)), each, room});
        if (n <= 0) continue;
        segments_.push_back(
            {static_cast<int32_t>(tokens_.size()), static_cast<int32_t>(n), s.slot, s.position + s.done, s.cache});
        members_.push_back(&s);
        tokens_.insert(tokens_.end(), s.tokens + s.done, s.tokens + s.done + n);
      }
      if (segments_.empty()) return;
      Rows rows;
      rows.count = static_cast<int32_t>(tokens_.size());
      rows.segments = {segments_.data(), segments_.size()};
      rows.tokens = tokens_.data();
      rows.block = block;
      guarded_pass(rows);
      for (size_t i = 0; i < members_.size(); ++i) members_[i]->done += static_cast<uint64_t>(segments_[i].count);
      for (size_t i = 0; i < members_.size(); ++i) {
        const Segment& s = segments_[i];
        if (History* h = members_[i]->history)
          h->passed(s.state, tokens_.data() + s.first, static_cast<uint64_t>(s.count), block);
      }
      report();
    }
  }

  // A pass that is cancelled in its middle is undone.
  void guarded_pass(const Rows& rows) {
    const bool stoppable = rows.block && o_.control.cancel != nullptr;
    if (stoppable) backup(before_pass_);
    try {
      pass(rows);
    } catch (const Error& e) {
      if (stoppable && e.code() == Code::cancelled) restore(before_pass_, false);
      throw;
    }
    int64_t& seen = worker_.rows_seen[rows.block ? 1 : 0];
    seen = std::max<int64_t>(seen, rows.count);
  }

  void pass(const Rows& rows) {
    const Network& net = m_.network();
    const Frame frame(exec_);
    const bool whole = o_.logits == nullptr && o_.logprobs == nullptr;
    if (whole && exec_.pass_begin(rows)) return;
    const Tensor x = exec_.scratch(rows.count, net.width);
    exec_.embed(x, rows, *net.embedding);
    if (net.embedding_norm.w.size() != 0) norm(x, x, net.embedding_norm);
    Pass p{exec_, rows, net.shares_first_value ? exec_.scratch(rows.count, net.width) : Tensor{}};
    for (const auto& mixer : net.mixers) {
      if (rows.block) o_.control.check();
      mixer->apply(p, x);
    }
    const Tensor hidden = exec_.scratch(rows.count, net.width);
    norm(hidden, x, net.output_norm);
    exec_.keep_last(hidden, rows, m_.hidden_offset_);
    if (whole)
      exec_.pass_end();
    else
      write_logits(hidden, rows);
  }

  void norm(Tensor y, Tensor x, const NormWeights& w) { exec_.norm(y, x, w.kind, &w.w, &w.b, w.eps, 1); }

  // Logits of a slice of rows at a time; for one sequence.
  void write_logits(Tensor hidden, const Rows& rows) {
    const Network& net = m_.network();
    const Sequence& s = sequences_[0];
    for (int64_t first = 0; first < hidden.rows; first += kBlock) {
      const Frame frame(exec_);
      const int64_t n = std::min<int64_t>(kBlock, hidden.rows - first);
      const Tensor in{hidden.data + first * hidden.stride, n, hidden.cols, hidden.stride};
      const Tensor out = exec_.scratch(n, net.vocabulary);
      Rows part = rows;
      part.count = static_cast<int32_t>(n);
      exec_.linear(out, in, net.head ? *net.head : *net.embedding, part, {});
      float* to = o_.logits;
      if (to != nullptr) {
        to += (static_cast<int64_t>(s.done) + first) * net.vocabulary;
      } else {
        worker_.logits.resize(static_cast<size_t>(kBlock * net.vocabulary));
        to = worker_.logits.data();
      }
      exec_.download(to, out);
      if (o_.logprobs == nullptr) continue;
      for (int64_t i = 0; i < n; ++i) {
        const uint64_t next = s.done + static_cast<uint64_t>(first + i) + 1;
        if (next < s.count)
          o_.logprobs[next] = log_probability(to + i * net.vocabulary, net.vocabulary, s.tokens[next]);
      }
    }
  }

  // The first token's probability comes from what the state had read before.
  void score_first() {
    const Sequence& s = sequences_[0];
    if (s.position == 0) {
      o_.logprobs[0] = std::numeric_limits<float>::quiet_NaN();
      return;
    }
    std::vector<float> logits(static_cast<size_t>(m_.network().vocabulary));
    const std::byte* slot = s.slot;
    m_.logits_with(exec_, logits.data(), {&slot, 1});
    o_.logprobs[0] = log_probability(logits.data(), m_.network().vocabulary, s.tokens[0]);
  }

  void report() const {
    if (!o_.control.progress && o_.control.cancel == nullptr) return;
    uint64_t done = 0;
    for (const Sequence& s : sequences_) done += s.done;
    if (o_.control.progress && !o_.control.progress(done, total_))
      fail(Code::cancelled, "cancelled by the progress callback after %llu of %llu tokens",
           static_cast<unsigned long long>(done), static_cast<unsigned long long>(total_));
    if (done < total_) o_.control.check();
  }

  const Model& m_;
  Span<Sequence> sequences_;
  const FeedOptions& o_;
  const PassRows most_;
  Model::WorkerLease lease_;
  Worker& worker_;
  Exec& exec_;
  uint64_t total_ = 0, blocks_ = 0;
  Backup start_, before_pass_;
  std::vector<Segment> segments_;
  std::vector<Sequence*> members_;
  std::vector<int32_t> tokens_;
};

void Model::feed(Span<Sequence> sequences, const FeedOptions& options) const {
  Feeder(*this, sequences, options).run();
}

// head(hidden) of the slots, a part at a time: done(first slot, logits).
template <class Done>
void Model::head_of(Exec& exec, Span<const std::byte* const> slots, const Done& done) const {
  const auto most = static_cast<size_t>(backend().pass_rows().step);
  std::vector<Segment> segments(std::min(most, slots.size()));
  for (size_t first = 0; first < slots.size(); first += most) {
    const Frame frame(exec);
    const size_t n = std::min(most, slots.size() - first);
    for (size_t i = 0; i < n; ++i) segments[i] = {static_cast<int32_t>(i), 1, const_cast<std::byte*>(slots[first + i])};
    Rows rows;
    rows.count = static_cast<int32_t>(n);
    rows.segments = {segments.data(), n};
    Tensor x;
    if (n == 1) {
      x = {reinterpret_cast<float*>(segments[0].state + hidden_offset_), 1, network_.width, network_.width};
    } else {
      x = exec.scratch(rows.count, network_.width);
      exec.take_last(x, rows, hidden_offset_);
    }
    const Tensor y = exec.scratch(rows.count, network_.vocabulary);
    exec.linear(y, x, network_.head ? *network_.head : *network_.embedding, rows, {});
    done(first, y);
  }
}

void Model::logits_with(Exec& exec, float* out, Span<const std::byte* const> slots) const {
  head_of(exec, slots,
          [&](size_t first, Tensor y) { exec.download(out + static_cast<int64_t>(first) * network_.vocabulary, y); });
}

bool Model::pick(int32_t* out, Span<const Pick> picks, Span<const std::byte* const> slots) const {
  const WorkerLease lease(*this);
  Exec& exec = *(*lease).exec;
  if (!exec.pick(nullptr, {}, {})) return false;
  if (out == nullptr) return true;
  head_of(exec, slots, [&](size_t first, Tensor y) {
    const auto rows = static_cast<size_t>(y.rows);
    exec.pick(out + first, picks.empty() ? picks : picks.sub(first, rows), y);
  });
  return true;
}

void Model::logits(float* out, Span<const std::byte* const> slots) const {
  const WorkerLease lease(*this);
  logits_with(*(*lease).exec, out, slots);
}

void Model::hidden(float* out, const std::byte* slot) const {
  backend_->read_state(out, slot, layout_.slices().back());
}

}  // namespace recurra
