// What calls share: progress, cancelling, and exceptions of callbacks, which must not cross native frames.
using System;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Recurra
{
    /// <summary>How far a call has come, in tokens, or in bytes while a model is opened.</summary>
    public struct CallProgress
    {
        internal CallProgress(ulong done, ulong total)
        {
            Done = (long)done;
            Total = (long)total;
        }

        /// <summary>Done so far.</summary>
        public long Done { get; private set; }

        /// <summary>What it will be at the end.</summary>
        public long Total { get; private set; }
    }

    // What a callback threw, until the call it was given to has come back.
    internal sealed class Thrown
    {
        private ExceptionDispatchInfo error;

        // True to go on, false to stop.
        internal bool Catch(Action callback)
        {
            try
            {
                callback();
                return true;
            }
            catch (Exception thrown)
            {
                if (error == null) error = ExceptionDispatchInfo.Capture(thrown);
                return false;
            }
        }

        internal void Rethrow()
        {
            ExceptionDispatchInfo thrown = error;
            error = null;
            if (thrown != null) thrown.Throw();
        }
    }

    internal sealed class ProgressReporter : Interop.ProgressCallback
    {
        private readonly IProgress<CallProgress> progress;
        private readonly Thrown thrown;

        internal ProgressReporter(IProgress<CallProgress> progress, Thrown thrown)
        {
            this.progress = progress;
            this.thrown = thrown;
        }

        public override bool call(ulong done, ulong total)
        {
            return thrown.Catch(() => progress.Report(new CallProgress(done, total)));
        }
    }

    internal sealed class TextReporter : Interop.TokenCallback
    {
        private readonly Action<string> onText;
        private readonly Thrown thrown;

        internal TextReporter(Action<string> onText, Thrown thrown)
        {
            this.onText = onText;
            this.thrown = thrown;
        }

        public override bool call(int token, string text)
        {
            return text.Length == 0 || thrown.Catch(() => onText(text));
        }
    }

    internal static class Calls
    {
        // Runs a call that can be cancelled and whose callbacks may throw; without either, callers make it themselves.
        internal static T Run<T>(CancellationToken token, Func<Interop.Cancel, Thrown, T> call)
        {
            Thrown thrown = new Thrown();
            using (Interop.Cancel cancel = token.CanBeCanceled ? new Interop.Cancel() : null)
            using (cancel == null ? default(CancellationTokenRegistration) : token.Register(cancel.trigger))
            {
                try
                {
                    T result = call(cancel, thrown);
                    thrown.Rethrow();
                    Library.Surface();
                    return result;
                }
                catch (CancelledException error)
                {
                    thrown.Rethrow();
                    throw new OperationCanceledException(error.Message, error, token);
                }
            }
        }

        // The same for one that reports progress.
        internal static T Run<T>(IProgress<CallProgress> progress, CancellationToken token, Func<Interop.ProgressCallback, Interop.Cancel, T> call)
        {
            return Run(token, (cancel, thrown) =>
            {
                using (ProgressReporter reporter = progress == null ? null : new ProgressReporter(progress, thrown)) return call(reporter, cancel);
            });
        }
    }
}
