// For targets newer than .NET Standard 2.0: spans and async streams. Not compiled, and so not tested, where the package is built with
// Mono (Recurra.csproj takes it in for net8.0).
using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Recurra
{
    /// <summary>Spans and async streams.</summary>
    public static class Modern
    {
        /// <summary>Reads tokens without a copy.</summary>
        /// <param name="state">Reads them.</param>
        /// <param name="tokens">0 to <see cref="ModelInfo.VocabularySize"/> - 1.</param>
        public static unsafe void Feed(this State state, ReadOnlySpan<int> tokens)
        {
            fixed (int* p = tokens) Interop.Native.feed(state.Handle, new Interop.Span(p, tokens.Length), false, null, null, false);
        }

        /// <summary>The logits after the last token read.</summary>
        /// <param name="state">Has read something.</param>
        /// <param name="into">[VocabularySize]</param>
        public static unsafe void Logits(this State state, Span<float> into)
        {
            fixed (float* p = into) state.Handle.logits_into(new Interop.Span(p, into.Length));
        }

        /// <summary>The pieces of a reply, each computed on a thread of the pool when it is asked for.</summary>
        /// <param name="state">Goes on from here.</param>
        /// <param name="options">null: the defaults, which are greedy.</param>
        /// <param name="cancellationToken">Ends the loop with an <see cref="OperationCanceledException"/>.</param>
        public static async IAsyncEnumerable<string> GenerateAsync(this State state, GenerateOptions options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            using (Generation generation = state.Generate(options, cancellationToken))
            using (IEnumerator<string> pieces = generation.GetEnumerator())
            {
                while (await Task.Run(pieces.MoveNext, cancellationToken).ConfigureAwait(false)) yield return pieces.Current;
            }
        }
    }
}
