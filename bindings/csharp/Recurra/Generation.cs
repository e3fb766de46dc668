// Generation: a reply as it comes.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Threading;

namespace Recurra
{
    /// <summary>A reply as it comes: pieces of text, whole characters, never empty. Between two pieces the state is free: it has read what
    /// the pieces say, may be saved or copied, and the loop may be left at any time. A second loop goes on where the first one was left.</summary>
    public sealed class Generation : IEnumerable<string>, IDisposable
    {
        private readonly Interop.State state;
        private readonly Interop.Generation handle;
        private readonly CancellationToken token;
        private readonly List<int> tokens = new List<int>();
        private readonly object gate = new object();

        internal Generation(Interop.State state, Interop.Model model, GenerateOptions options, CancellationToken token)
        {
            GenerateOptions o = options ?? new GenerateOptions();
            this.state = state;
            this.token = token;
            using (Interop.Sampler sampler = o.Sampler())
            using (Interop.Plan plan = o.Plan())
                handle = new Interop.Generation(state, model, plan, sampler);
        }

        /// <summary>The tokens picked so far, all of which the state has read.</summary>
        public IReadOnlyList<int> Tokens
        {
            get { return tokens; }
        }

        // Picks and reads one token, -1 when there is none. `text` is what became certain with it, null where it is not asked for.
        internal int Step(bool wanted, out string text)
        {
            token.ThrowIfCancellationRequested();
            if (!Monitor.TryEnter(gate)) throw new BusyException("the generation is already running");
            try
            {
                if (handle.IsClosed) throw new ObjectDisposedException("Generation");
                if (state.IsClosed) throw new ObjectDisposedException("State");
                int picked = handle.next(state);
                text = wanted ? handle.text() : null;
                if (picked >= 0) tokens.Add(picked);
                return picked;
            }
            finally
            {
                Monitor.Exit(gate);
            }
        }

        /// <summary>The pieces from here on. Throws <see cref="BusyException"/>, <see cref="ObjectDisposedException"/> once the state is
        /// disposed, <see cref="OperationCanceledException"/>.</summary>
        public IEnumerator<string> GetEnumerator()
        {
            int picked = 0;
            while (picked >= 0)
            {
                string text;
                picked = Step(true, out text);
                if (text.Length > 0) yield return text;
            }
        }

        IEnumerator IEnumerable.GetEnumerator()
        {
            return GetEnumerator();
        }

        /// <summary>Frees what it holds; the state stays.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }
    }
}
