// Model: an opened model file.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Text;
using System.Threading;

namespace Recurra
{
    /// <summary>An opened model file: immutable, and shared freely between threads and states.</summary>
    /// <example><code>
    /// using (var model = new Model("x.gguf"))
    /// using (var s = model.CreateState())
    /// {
    ///     s.Feed("User: My name is Dave.\n\nAssistant: Noted.\n\n");
    ///     foreach (var piece in s.Generate()) Console.Write(piece);
    /// }
    /// </code></example>
    public sealed class Model : IDisposable
    {
        private readonly Interop.Model handle;

        /// <summary>Opens a model.</summary>
        /// <param name="path">A GGUF file or a Hugging Face folder; null: the default model that is in the package
        /// (RECURRA_DEFAULT_MODEL in the environment names another). It must not change while the model or a state of it lives.</param>
        /// <param name="options">null: the defaults.</param>
        /// <param name="progress">Is told how many bytes were read.</param>
        /// <param name="cancellationToken">Stops the opening.</param>
        /// <exception cref="NotFoundException">There is no such file.</exception>
        /// <exception cref="InputOutputException">It cannot be read.</exception>
        /// <exception cref="ModelFormatException">It is damaged.</exception>
        /// <exception cref="UnsupportedException">Its architecture or type has no code here.</exception>
        /// <exception cref="BackendException">The backend is not on this machine.</exception>
        /// <exception cref="DllNotFoundException">The native part is missing.</exception>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public Model(string path = null, ModelOptions options = null, IProgress<CallProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            Errors.Ready();
            ModelOptions o = options ?? new ModelOptions();
            if (o.Threads < 0) throw new InvalidArgumentException("Threads is " + o.Threads + "; it may be 0 or more");
            handle = Calls.Run(progress, cancellationToken, (reporter, cancel) =>
                Interop.Native.open_model(path == null ? "" : Blob.Path(path), o.Backend, o.Dtype, o.StateDtype, (uint)o.Threads, o.Exact, reporter, cancel, false));
            using (Interop.ModelInfo info = handle.info()) Info = new ModelInfo(info);
            Metadata = new FileMetadata(this);
        }

        internal Interop.Model Handle
        {
            get
            {
                if (handle.IsClosed) throw new ObjectDisposedException("Model");
                return handle;
            }
        }

        /// <summary>What it is; stays after Dispose.</summary>
        public ModelInfo Info { get; private set; }

        /// <summary>The file's metadata: text by key, read when asked for. "24", "0.5", "[1, 2, 3]"; long arrays are cut.</summary>
        public IReadOnlyDictionary<string, string> Metadata { get; private set; }

        /// <summary>A new conversation, in which nothing was read yet.</summary>
        /// <param name="rewind">How many tokens <see cref="State.Rewind"/> can go back, at most 1048576, for up to 10 copies of the state in
        /// memory; 0: none.</param>
        public State CreateState(int rewind = 0)
        {
            if (rewind < 0) throw new InvalidArgumentException("rewind is " + rewind + "; it may be 0 or more");
            return new State(this, new Interop.State(Handle, (uint)rewind), Handle.shared());
        }

        /// <summary>The conversation that <see cref="State.Save"/> wrote to a file; everything is checked first.</summary>
        /// <param name="path">The file.</param>
        /// <exception cref="NotFoundException">There is no such file.</exception>
        /// <exception cref="InputOutputException">It cannot be read.</exception>
        /// <exception cref="CorruptStateException">It is damaged.</exception>
        /// <exception cref="MismatchException">It is of another model or tokenizer.</exception>
        /// <exception cref="VersionException">It has a newer format.</exception>
        public State Load(string path)
        {
            return Filled(s => s.load_file(Blob.Path(path)));
        }

        /// <summary>The conversation that <see cref="State.ToBytes"/> or <see cref="State.Save"/> wrote.</summary>
        /// <param name="data">What it wrote.</param>
        /// <exception cref="CorruptStateException">It is damaged.</exception>
        /// <exception cref="MismatchException">It is of another model or tokenizer.</exception>
        /// <exception cref="VersionException">It has a newer format.</exception>
        public unsafe State FromBytes(byte[] data)
        {
            if (data == null) throw new ArgumentNullException("data");
            byte[] pinned = data.Length == 0 ? new byte[1] : data; // an empty array has no address
            return Filled(s =>
            {
                fixed (byte* p = pinned) s.load_bytes(new Interop.Span(p, data.Length));
            });
        }

        private State Filled(Action<Interop.State> fill)
        {
            State state = CreateState();
            try
            {
                fill(state.Handle);
                return state;
            }
            catch
            {
                state.Dispose();
                throw;
            }
        }

        /// <summary>Text to tokens; none is added at the start or the end.</summary>
        /// <param name="text">Any text.</param>
        /// <exception cref="UnsupportedException">The model has no tokenizer.</exception>
        public int[] Tokenize(string text)
        {
            if (text == null) throw new ArgumentNullException("text");
            return Tokenize(Encoding.UTF8.GetBytes(text));
        }

        /// <summary>Bytes to tokens, valid UTF-8 or not.</summary>
        /// <param name="text">Any bytes.</param>
        /// <exception cref="UnsupportedException">The model has no tokenizer.</exception>
        public int[] Tokenize(byte[] text)
        {
            return Tokenize(Handle, text);
        }

        internal static unsafe int[] Tokenize(Interop.Model model, byte[] text)
        {
            if (text == null) throw new ArgumentNullException("text");
            fixed (byte* p = text) return model.tokenize(new Interop.Span(p, text.Length));
        }

        /// <summary>Tokens to bytes, exactly; special tokens have none.</summary>
        /// <param name="tokens">0 to <see cref="ModelInfo.VocabularySize"/> - 1.</param>
        /// <exception cref="TokenException">One is outside the vocabulary.</exception>
        /// <exception cref="UnsupportedException">The model has no tokenizer.</exception>
        public unsafe byte[] Detokenize(IReadOnlyList<int> tokens)
        {
            int[] array = Blob.Array(tokens);
            fixed (int* p = array) return Handle.detokenize(new Interop.Span(p, array.Length));
        }

        /// <summary>Reads texts[i] into states[i], all together: the weights are read once for all. Each state ends with the very bits it
        /// would have alone.</summary>
        /// <param name="states">Different states of this model.</param>
        /// <param name="texts">One text for each.</param>
        /// <param name="progress">Is told how many tokens of all were read.</param>
        /// <param name="cancellationToken">Stops it; the states may then be at different places.</param>
        /// <exception cref="InvalidArgumentException">A state is of another model, or there twice.</exception>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public void FeedBatch(IReadOnlyList<State> states, IReadOnlyList<string> texts, IProgress<CallProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (texts == null) throw new ArgumentNullException("texts");
            int[][] tokens = new int[texts.Count][];
            for (int i = 0; i < tokens.Length; ++i) tokens[i] = Tokenize(texts[i]);
            FeedBatch(states, tokens, progress, cancellationToken);
        }

        /// <summary>The same with tokens.</summary>
        /// <param name="states">Different states of this model.</param>
        /// <param name="tokens">Tokens for each.</param>
        /// <param name="progress">Is told how many tokens of all were read.</param>
        /// <param name="cancellationToken">Stops it; the states may then be at different places.</param>
        /// <exception cref="TokenException">One is outside the vocabulary.</exception>
        /// <exception cref="OperationCanceledException">It was stopped.</exception>
        public unsafe void FeedBatch(IReadOnlyList<State> states, IReadOnlyList<IReadOnlyList<int>> tokens, IProgress<CallProgress> progress = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            if (states == null) throw new ArgumentNullException("states");
            if (tokens == null) throw new ArgumentNullException("tokens");
            if (states.Count != tokens.Count)
                throw new InvalidArgumentException("FeedBatch got " + states.Count + " states and tokens for " + tokens.Count);
            List<Interop.State> held = new List<Interop.State>(); // alive until the end, whatever another thread closes
            try
            {
                using (Interop.Batch batch = new Interop.Batch())
                {
                    for (int i = 0; i < states.Count; ++i)
                    {
                        Interop.State state = Hold(states[i], held);
                        int[] array = Blob.Array(tokens[i]);
                        fixed (int* p = array) batch.add_tokens(state, new Interop.Span(p, array.Length));
                    }
                    Calls.Run(progress, cancellationToken, (reporter, cancel) =>
                    {
                        batch.feed(reporter, cancel, false);
                        return true;
                    });
                }
            }
            finally
            {
                foreach (Interop.State state in held) state.DangerousRelease();
            }
        }

        /// <summary>The logits [VocabularySize] after the last token that each state has read, in one product for up to 64 of them; each has the
        /// bits of <see cref="State.Logits()"/>.</summary>
        /// <param name="states">States of this model that have read something.</param>
        /// <returns>One array for each state.</returns>
        /// <exception cref="InvalidArgumentException">There is no state, or one of another model, or one that has read nothing.</exception>
        public unsafe float[][] Logits(IReadOnlyList<State> states)
        {
            if (states == null) throw new ArgumentNullException("states");
            int width = Info.VocabularySize;
            float[] all = new float[Math.Max(1, checked(states.Count * width))];
            List<Interop.State> held = new List<Interop.State>(); // alive until the end, whatever another thread closes
            try
            {
                using (Interop.Batch batch = new Interop.Batch())
                {
                    foreach (State state in states)
                    {
                        batch.add(Hold(state, held));
                    }
                    fixed (float* p = all) batch.logits_into(new Interop.Span(p, states.Count * width));
                }
            }
            finally
            {
                foreach (Interop.State state in held) state.DangerousRelease();
            }
            float[][] rows = new float[states.Count][];
            for (int i = 0; i < rows.Length; ++i)
            {
                rows[i] = new float[width];
                Array.Copy(all, i * width, rows[i], 0, width);
            }
            return rows;
        }

        // Its native part, which lives until the caller releases what is in `held`.
        private Interop.State Hold(State state, List<Interop.State> held)
        {
            if (state == null) throw new ArgumentNullException("states");
            if (state.Model != this) throw new InvalidArgumentException("a state is of another model");
            Interop.State handle = state.Handle;
            bool added = false;
            handle.DangerousAddRef(ref added);
            held.Add(handle);
            return handle;
        }

        /// <summary>Lets go of the file and its memory, once no state needs them: states live on.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        /// <summary>For people.</summary>
        public override string ToString()
        {
            return string.Format(System.Globalization.CultureInfo.InvariantCulture, "Model {0}: {1} {2}, {3:F1} M parameters, state {4:F2} MB, {5} {6}",
                System.IO.Path.GetFileName(Info.Path), Info.Architecture, Info.FileType, Info.Parameters / 1e6, Info.StateBytes / 1e6, Info.Backend,
                Info.CpuLevel);
        }

        private sealed class FileMetadata : IReadOnlyDictionary<string, string>
        {
            private readonly Model model;

            internal FileMetadata(Model model)
            {
                this.model = model;
            }

            public IEnumerable<string> Keys
            {
                get
                {
                    ulong index = 0;
                    for (string key; (key = model.Handle.metadata_key(index)).Length > 0; ++index) yield return key;
                }
            }

            public IEnumerable<string> Values
            {
                get
                {
                    foreach (string key in Keys) yield return model.Handle.metadata(key);
                }
            }

            public int Count
            {
                get
                {
                    int n = 0;
                    foreach (string key in Keys) ++n;
                    return n;
                }
            }

            public string this[string key]
            {
                get
                {
                    string value;
                    if (!TryGetValue(key, out value)) throw new KeyNotFoundException("the model file has no key \"" + key + "\"");
                    return value;
                }
            }

            public bool ContainsKey(string key)
            {
                if (key == null) throw new ArgumentNullException("key");
                return key.IndexOf('\0') < 0 && model.Handle.has_metadata(key);
            }

            public bool TryGetValue(string key, out string value)
            {
                value = ContainsKey(key) ? model.Handle.metadata(key) : null;
                return value != null;
            }

            public IEnumerator<KeyValuePair<string, string>> GetEnumerator()
            {
                foreach (string key in Keys) yield return new KeyValuePair<string, string>(key, model.Handle.metadata(key));
            }

            IEnumerator IEnumerable.GetEnumerator()
            {
                return GetEnumerator();
            }
        }
    }
}
