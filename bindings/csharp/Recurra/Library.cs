// The library itself: version, backends, log.
using System;
using System.Collections.Generic;

namespace Recurra
{
    /// <summary>How much a log line matters.</summary>
    public enum LogLevel
    {
        /// <summary>For those who look for a defect.</summary>
        Debug = 0,

        /// <summary>What was done.</summary>
        Info = 1,

        /// <summary>What is odd, but went well.</summary>
        Warning = 2,

        /// <summary>What failed.</summary>
        Error = 3,
    }

    /// <summary>The native library behind the classes.</summary>
    public static class Library
    {
        private sealed class Log : Interop.LogCallback
        {
            public override void call(int level, string message)
            {
                Action<LogLevel, string> to = log;
                if (to == null) return;
                if (thrown == null) thrown = new Thrown();
                thrown.Catch(() => to((LogLevel)level, message));
            }
        }

        private static readonly object gate = new object();
        private static volatile Action<LogLevel, string> log;
        private static Log native; // for ever: a thread may be inside it

        // What log callbacks threw in this thread, since no call can end in the middle of a log line.
        [ThreadStatic]
        private static Thrown thrown;

        // Throws what a log callback threw during the call that this thread has just made.
        internal static void Surface()
        {
            if (thrown != null) thrown.Rethrow();
        }

        /// <summary>"0.1.0".</summary>
        public static string Version
        {
            get
            {
                Errors.Ready();
                return Interop.Native.version();
            }
        }

        /// <summary>One line: version, compiler, oneDNN's version, the CPU levels built in and the one in use.</summary>
        public static string BuildInfo
        {
            get
            {
                Errors.Ready();
                return Interop.Native.build_info();
            }
        }

        /// <summary>The backends of this build, the best first: "cpu", "reference".</summary>
        public static IReadOnlyList<string> Backends
        {
            get
            {
                Errors.Ready();
                List<string> names = new List<string>();
                for (string name; (name = Interop.Native.backend_name(names.Count)).Length > 0;) names.Add(name);
                return names;
            }
        }

        /// <summary>Sends the library's log lines to a function, for the whole process and from any thread that is inside a call; null,
        /// the default, drops them. What the function throws comes out of that call when it is done.</summary>
        /// <param name="function">Takes a level and a line.</param>
        /// <param name="least">The least that is sent.</param>
        public static void SetLog(Action<LogLevel, string> function, LogLevel least = LogLevel.Warning)
        {
            Errors.Ready();
            lock (gate)
            {
                if (function != null && native == null) native = new Log();
                Interop.Native.set_log_callback(function == null ? null : native, (int)least);
                log = function;
            }
        }
    }
}
