// State: one conversation with a model.
using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;

namespace Recurra
{
    /// <summary>One conversation with a model, of a size that never grows. Made by <see cref="Model.CreateState"/>,
    /// <see cref="Model.Load"/> or <see cref="Model.FromBytes"/>.</summary>
    /// <remarks>A state takes one writer or many readers at a time: a call from another thread that would break this throws
    /// <see cref="BusyException"/> and does nothing. Disposing the model first is fine: a state keeps what it needs.</remarks>
    public sealed class State : IDisposable
    {
        private readonly Interop.State handle;
        private readonly Interop.Model shared; // its own hold on the model

        internal State(Model model, Interop.State handle, Interop.Model shared)
        {
            Model = model;
            this.handle = handle;
            this.shared = shared;
        }

        internal Interop.State Handle
        {
            get
            {
                if (handle.IsClosed) throw new ObjectDisposedException("State");
                return handle;
            }
        }

        private Interop.Model Shared
        {
            get
            {
                if (handle.IsClosed) throw new ObjectDisposedException("State");
                return shared;
            }
        }

        // ---- what it is ----

        /// <summary>The model it belongs to.</summary>
        public Model Model { get; private set; }

        /// <summary>Sizes and counts at the moment.</summary>
        public StateInfo Info
        {
            get
            {
                using (Interop.StateInfo info = Handle.info()) return new StateInfo(info);
            }
        }

        /// <summary>How many tokens it has read.</summary>
        public long TokenCount
        {
            get { return (long)Handle.n_tokens(); }
        }

        /// <summary>The note of that key, or null. Notes are short texts that travel with the state: a title, a user's id.</summary>
        /// <param name="key">1 to 128 characters of [A-Za-z0-9_.-].</param>
        public string GetNote(string key)
        {
            return Handle.has_note(key) ? Handle.note(key) : null;
        }

        /// <summary>Sets a note, or removes it with null.</summary>
        /// <param name="key">1 to 128 characters of [A-Za-z0-9_.-]; at most 256 notes.</param>
        /// <param name="value">At most 64 KiB without a zero character.</param>
        public void SetNote(string key, string value)
        {
            if (value == null) Handle.remove_note(key);
            else Handle.set_note(key, value);
        }

        // ---- feed: moves the state ----

        /// <summary>Reads a text.</summary>
        /// <param name="text">Any text.</param>
        /// <param name="progress">Is told how many tokens were read.</param>
        /// <param name="cancellationToken">Stops it; the state is then valid, where it had come to.</param>
        /// <returns>How many tokens it was.</returns>
        /// <exception cref="UnsupportedException">The model has no tokenizer.</exception>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public int Feed(string text, IProgress<CallProgress> progress = null, CancellationToken cancellationToken = default(CancellationToken))
        {
            if (text == null) throw new ArgumentNullException("text");
            return Feed(Encoding.UTF8.GetBytes(text), progress, cancellationToken);
        }

        /// <summary>Reads bytes, valid UTF-8 or not.</summary>
        /// <param name="text">Any bytes.</param>
        /// <param name="progress">Is told how many tokens were read.</param>
        /// <param name="cancellationToken">Stops it; the state is then valid, where it had come to.</param>
        /// <returns>How many tokens it was.</returns>
        /// <exception cref="UnsupportedException">The model has no tokenizer.</exception>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public int Feed(byte[] text, IProgress<CallProgress> progress = null, CancellationToken cancellationToken = default(CancellationToken))
        {
            int[] tokens = Model.Tokenize(Shared, text);
            Feed(tokens, progress, cancellationToken);
            return tokens.Length;
        }

        /// <summary>Reads tokens; all are checked before the first is read.</summary>
        /// <param name="tokens">0 to <see cref="ModelInfo.VocabularySize"/> - 1.</param>
        /// <param name="progress">Is told how many were read.</param>
        /// <param name="cancellationToken">Stops it; the state is then valid, where it had come to.</param>
        /// <exception cref="TokenException">One is outside the vocabulary.</exception>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public unsafe void Feed(IReadOnlyList<int> tokens, IProgress<CallProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            int[] array = Blob.Array(tokens);
            if (progress == null && !cancellationToken.CanBeCanceled)
            {
                fixed (int* p = array) Interop.Native.feed(Handle, new Interop.Span(p, array.Length), false, null, null, false);
                return;
            }
            Calls.Run(progress, cancellationToken, (reporter, cancel) =>
            {
                fixed (int* p = array) Interop.Native.feed(Handle, new Interop.Span(p, array.Length), false, reporter, cancel, false);
                return true;
            });
        }

        // ---- generate: moves the state ----

        /// <summary>Goes on from the state, which must have read something: piece by piece, each computed when it is asked for.</summary>
        /// <param name="options">null: the defaults, which are greedy.</param>
        /// <param name="cancellationToken">Ends the loop with an <see cref="OperationCanceledException"/>.</param>
        /// <exception cref="InvalidArgumentException">An option is out of range.</exception>
        /// <exception cref="TokenException">A stop token is outside the vocabulary.</exception>
        /// <exception cref="UnsupportedException">The model has no tokenizer: see <see cref="GenerateTokens"/>.</exception>
        public Generation Generate(GenerateOptions options = null, CancellationToken cancellationToken = default(CancellationToken))
        {
            if (!Model.Info.HasText) Model.Tokenize(Shared, new byte[0]); // says why not
            return new Generation(Handle, Shared, options, cancellationToken);
        }

        /// <summary>The same, token by token.</summary>
        /// <param name="options">null: the defaults, which are greedy.</param>
        /// <param name="cancellationToken">Ends the loop with an <see cref="OperationCanceledException"/>.</param>
        public IEnumerable<int> GenerateTokens(GenerateOptions options = null, CancellationToken cancellationToken = default(CancellationToken))
        {
            return Steps(new Generation(Handle, Shared, options, cancellationToken));
        }

        private static IEnumerable<int> Steps(Generation generation)
        {
            string none;
            for (int token; (token = generation.Step(false, out none)) >= 0;) yield return token;
        }

        /// <summary>The whole text at once; see <see cref="Generate"/>.</summary>
        /// <param name="options">null: the defaults, which are greedy.</param>
        /// <param name="onText">Sees the pieces as they come.</param>
        /// <param name="cancellationToken">Stops it; what was written by then, onText has seen.</param>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public string GenerateText(GenerateOptions options = null, Action<string> onText = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            GenerateOptions o = options ?? new GenerateOptions();
            using (Interop.Plan plan = o.Plan())
            using (Interop.Sampler sampler = o.Sampler())
            {
                return Calls.Run(cancellationToken, (cancel, thrown) =>
                {
                    using (TextReporter reporter = onText == null ? null : new TextReporter(onText, thrown))
                        return Interop.Native.generate_text(Handle, plan, sampler, reporter, cancel, false);
                });
            }
        }

        // ---- query: leaves the state as it was ----

        /// <summary>Reads the prompt and generates, on a copy: the state stays as it was.</summary>
        /// <param name="prompt">Any text.</param>
        /// <param name="options">null: the defaults, which are greedy.</param>
        /// <param name="onText">Sees the pieces as they come.</param>
        /// <param name="cancellationToken">Stops it.</param>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public string Query(string prompt, GenerateOptions options = null, Action<string> onText = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            using (State copy = Copy())
            {
                copy.Feed(prompt, null, cancellationToken);
                return copy.GenerateText(options, onText, cancellationToken);
            }
        }

        /// <summary>The logits [VocabularySize] after the last token read.</summary>
        public float[] Logits()
        {
            float[] into = new float[Model.Info.VocabularySize];
            Logits(into);
            return into;
        }

        /// <summary>The same into an array of that length, which is written by the library itself.</summary>
        /// <param name="into">[VocabularySize]</param>
        public unsafe void Logits(float[] into)
        {
            if (into == null) throw new ArgumentNullException("into");
            fixed (float* p = into) Handle.logits_into(new Interop.Span(p, into.Length));
        }

        /// <summary>The last hidden vector [Width], normed: what the head sees.</summary>
        public unsafe float[] Hidden()
        {
            float[] into = new float[Model.Info.Width];
            fixed (float* p = into) Handle.hidden_into(new Interop.Span(p, into.Length));
            return into;
        }

        /// <summary>ln p(token | all before it) of each token if they came next, in nats; NaN for an empty state's first.</summary>
        /// <param name="tokens">0 to <see cref="ModelInfo.VocabularySize"/> - 1.</param>
        /// <param name="progress">Is told how many were read.</param>
        /// <param name="cancellationToken">Stops it.</param>
        /// <exception cref="TokenException">One is outside the vocabulary.</exception>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public unsafe float[] Score(IReadOnlyList<int> tokens, IProgress<CallProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            int[] array = Blob.Array(tokens);
            float[] scores = new float[array.Length];
            return Calls.Run(progress, cancellationToken, (reporter, cancel) =>
            {
                fixed (float* out_ = scores)
                fixed (int* p = array)
                    Interop.Native.score(Handle, new Interop.Span(out_, scores.Length), new Interop.Span(p, array.Length), reporter, cancel, false);
                return scores;
            });
        }

        // ---- memory: what the state remembers, matrix by matrix ----

        /// <summary>The matrix memories there are, one for each layer and head; none with softmax attention alone and with Mamba.</summary>
        public IReadOnlyList<MemoryInfo> Memories
        {
            get
            {
                MemoryInfo[] all = new MemoryInfo[Handle.memory_count()];
                for (int i = 0; i < all.Length; ++i)
                {
                    using (Interop.MemoryInfo info = Handle.memory_info((ulong)i)) all[i] = new MemoryInfo(info);
                }
                return all;
            }
        }

        /// <summary>A matrix [Rows, Columns], row by row: what a save writes of it.</summary>
        /// <param name="index">Of <see cref="Memories"/>.</param>
        /// <exception cref="InvalidArgumentException">There is none of that index.</exception>
        public unsafe float[] ReadMemory(int index)
        {
            using (Interop.MemoryInfo info = Handle.memory_info(Index(index)))
            {
                float[] into = new float[info.n_rows * info.n_columns];
                fixed (float* p = into) Handle.memory_into((ulong)index, new Interop.Span(p, into.Length));
                return into;
            }
        }

        /// <summary>Puts another in its place. The next token reads it; the logits stay what they are until then.</summary>
        /// <param name="index">Of <see cref="Memories"/>.</param>
        /// <param name="values">[Rows, Columns], row by row, all finite.</param>
        /// <exception cref="InvalidArgumentException">There is none of that index, or the values do not fit.</exception>
        public unsafe void WriteMemory(int index, float[] values)
        {
            if (values == null) throw new ArgumentNullException("values");
            float[] pinned = values.Length == 0 ? new float[1] : values; // an empty array has no address
            fixed (float* p = pinned) Handle.write_memory(Index(index), new Interop.Span(p, values.Length));
        }

        private static ulong Index(int index)
        {
            if (index < 0) throw new InvalidArgumentException("index is " + index + "; it may be 0 or more");
            return (ulong)index;
        }

        // ---- copy, save and load ----

        /// <summary>A new state that has read what this one has, and can go back as it can.</summary>
        public State Copy()
        {
            return new State(Model, Handle.copy(), Shared.shared());
        }

        /// <summary>Becomes what another state of the same model is.</summary>
        /// <param name="source">Stays as it is.</param>
        /// <exception cref="InvalidArgumentException">It is of another model.</exception>
        public void CopyFrom(State source)
        {
            if (source == null) throw new ArgumentNullException("source");
            Handle.copy_from(source.Handle);
        }

        /// <summary>Back to empty: nothing read, no notes, and nothing to go back to.</summary>
        public void Reset()
        {
            Handle.reset();
        }

        /// <summary>Makes it what it was before it read its last tokens, bit for bit; notes stay.</summary>
        /// <param name="tokens">How many: at most what <see cref="StateInfo.RewindTokens"/> of <see cref="Info"/> says.</param>
        /// <exception cref="InvalidArgumentException">That is farther than it can go; nothing has changed.</exception>
        public void Rewind(long tokens)
        {
            if (tokens < 0) throw new InvalidArgumentException("tokens is " + tokens + "; it may be 0 or more");
            Handle.rewind((ulong)tokens);
        }

        /// <summary>Writes a .safetensors file, atomically and durably: at any moment the path holds the old file or the new one. The same
        /// conversation gives the same bytes, from every language.</summary>
        /// <param name="path">The file.</param>
        /// <param name="format">How values are kept.</param>
        /// <exception cref="InputOutputException">The operating system refused it, or there is no such folder.</exception>
        public void Save(string path, StateFormat format = StateFormat.F32)
        {
            Handle.save_path(Blob.Path(path), Name(format));
        }

        /// <summary>What <see cref="Save"/> would write.</summary>
        /// <param name="format">How values are kept.</param>
        public byte[] ToBytes(StateFormat format = StateFormat.F32)
        {
            return Handle.save_bytes(Name(format));
        }

        private static string Name(StateFormat format)
        {
            if (format != StateFormat.F32 && format != StateFormat.F16) throw new InvalidArgumentException("format is " + format + ", expected F32 or F16");
            return format == StateFormat.F16 ? "f16" : "f32";
        }

        /// <summary>Frees its memory now rather than when the object goes; once no other thread's call uses it.</summary>
        public void Dispose()
        {
            handle.Dispose();
            shared.Dispose();
        }

        /// <summary>For people.</summary>
        public override string ToString()
        {
            return handle.IsClosed ? "State: disposed" : "State: " + TokenCount + " tokens read, of " + Model;
        }
    }
}
