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

    internal sealed class ProgressReporter : Interop.ProgressCallback
    {
        private readonly IProgress<CallProgress> progress;
        internal ExceptionDispatchInfo Thrown;

        internal ProgressReporter(IProgress<CallProgress> progress)
        {
            this.progress = progress;
        }

        public override bool call(ulong done, ulong total)
        {
            try
            {
                progress.Report(new CallProgress(done, total));
                return true;
            }
            catch (Exception error)
            {
                Thrown = ExceptionDispatchInfo.Capture(error);
                return false;
            }
        }
    }

    internal sealed class TextReporter : Interop.TokenCallback
    {
        private readonly Action<string> onText;
        internal ExceptionDispatchInfo Thrown;

        internal TextReporter(Action<string> onText)
        {
            this.onText = onText;
        }

        public override bool call(int token, string text)
        {
            try
            {
                if (text.Length > 0) onText(text);
                return true;
            }
            catch (Exception error)
            {
                Thrown = ExceptionDispatchInfo.Capture(error);
                return false;
            }
        }
    }

    internal static class Calls
    {
        // Runs a call that reports progress and can be cancelled; without either, callers make it themselves.
        internal static T Run<T>(IProgress<CallProgress> progress, CancellationToken token, Func<Interop.ProgressCallback, Interop.Cancel, T> call)
        {
            using (ProgressReporter reporter = progress == null ? null : new ProgressReporter(progress))
            using (Interop.Cancel cancel = token.CanBeCanceled ? new Interop.Cancel() : null)
            using (cancel == null ? default(CancellationTokenRegistration) : token.Register(cancel.trigger))
            {
                try
                {
                    T result = call(reporter, cancel);
                    if (reporter != null && reporter.Thrown != null) reporter.Thrown.Throw();
                    return result;
                }
                catch (CancelledException error)
                {
                    if (reporter != null && reporter.Thrown != null) reporter.Thrown.Throw();
                    throw new OperationCanceledException(error.Message, error, token);
                }
            }
        }
    }
}
