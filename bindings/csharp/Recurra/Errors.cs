// What recurra throws: one class per status of the C library.
using System;
using System.Runtime.InteropServices;
using Recurra.Interop;

namespace Recurra
{
    /// <summary>Base of everything that the library reports. Its message is the library's own line: what was wrong, and what was
    /// expected.</summary>
    public class RecurraException : Exception
    {
        internal RecurraException(int status, string message) : base(message)
        {
            Status = status;
        }

        /// <summary>The C status code: RECURRA_E_... of recurra.h.</summary>
        public int Status { get; private set; }
    }

    /// <summary>An argument is wrong: out of range, or of another model.</summary>
    public sealed class InvalidArgumentException : RecurraException
    {
        internal InvalidArgumentException(string message) : base(-1, message)
        {
        }
    }

    /// <summary>There is not enough memory.</summary>
    public sealed class MemoryExhaustedException : RecurraException
    {
        internal MemoryExhaustedException(string message) : base(-2, message)
        {
        }
    }

    /// <summary>The operating system refused a read or a write: a full disk, permissions.</summary>
    public sealed class InputOutputException : RecurraException
    {
        internal InputOutputException(string message) : base(-3, message)
        {
        }
    }

    /// <summary>There is no such file, key or note.</summary>
    public sealed class NotFoundException : RecurraException
    {
        internal NotFoundException(string message) : base(-4, message)
        {
        }
    }

    /// <summary>A model file is damaged, or not what it claims to be.</summary>
    public sealed class ModelFormatException : RecurraException
    {
        internal ModelFormatException(string message) : base(-5, message)
        {
        }
    }

    /// <summary>What was asked for is valid, but this version has no code for it.</summary>
    public sealed class UnsupportedException : RecurraException
    {
        internal UnsupportedException(string message) : base(-6, message)
        {
        }
    }

    /// <summary>A saved state is damaged: cut, bits flipped, values not finite.</summary>
    public sealed class CorruptStateException : RecurraException
    {
        internal CorruptStateException(string message) : base(-7, message)
        {
        }
    }

    /// <summary>A state belongs to another model or tokenizer.</summary>
    public sealed class MismatchException : RecurraException
    {
        internal MismatchException(string message) : base(-8, message)
        {
        }
    }

    /// <summary>A saved state has a newer format than this version knows.</summary>
    public sealed class VersionException : RecurraException
    {
        internal VersionException(string message) : base(-9, message)
        {
        }
    }

    /// <summary>A token is outside the vocabulary.</summary>
    public sealed class TokenException : RecurraException
    {
        internal TokenException(string message) : base(-10, message)
        {
        }
    }

    /// <summary>The state is being used by another thread, or by the very call whose callback this is.</summary>
    public sealed class BusyException : RecurraException
    {
        internal BusyException(string message) : base(-11, message)
        {
        }
    }

    /// <summary>The call was stopped. It comes as the inner exception of an <see cref="System.OperationCanceledException"/>.</summary>
    public sealed class CancelledException : RecurraException
    {
        internal CancelledException(string message) : base(-12, message)
        {
        }
    }

    /// <summary>The backend or CPU level is not available on this machine.</summary>
    public sealed class BackendException : RecurraException
    {
        internal BackendException(string message) : base(-13, message)
        {
        }
    }

    /// <summary>A callback that reads or writes reported a failure.</summary>
    public sealed class CallbackException : RecurraException
    {
        internal CallbackException(string message) : base(-14, message)
        {
        }
    }

    /// <summary>A buffer is too small for the result.</summary>
    public sealed class BufferTooSmallException : RecurraException
    {
        internal BufferTooSmallException(string message) : base(-15, message)
        {
        }
    }

    /// <summary>A defect of the library: please report it.</summary>
    public sealed class InternalErrorException : RecurraException
    {
        internal InternalErrorException(string message) : base(-16, message)
        {
        }
    }

    internal static class Errors
    {
        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
        private delegate void Raise(int status, IntPtr message);

        // The native part keeps its address.
        private static readonly Raise raise = Pend;

        [DllImport("recurra_csharp")]
        private static extern void RecurraSetRaise(Raise raise);

        internal static bool Connect()
        {
            RecurraSetRaise(raise);
            return true;
        }

        // Says what to do where the native part cannot be loaded.
        internal static void Ready()
        {
            try
            {
                System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(NativePINVOKE).TypeHandle);
            }
            catch (TypeInitializationException error)
            {
                Exception cause = error;
                while (cause.InnerException != null) cause = cause.InnerException;
                if (!(cause is DllNotFoundException)) throw;
                throw new DllNotFoundException("librecurra_csharp.so, librecurra.so and the libraries beside them in the package (runtimes/linux-x64/native) " +
                    "belong into the folder of Recurra.dll or of the program; they need x86-64 Linux with glibc 2.34 or newer", cause);
            }
        }

        private static void Pend(int status, IntPtr message)
        {
            int length = 0;
            while (Marshal.ReadByte(message, length) != 0) ++length;
            byte[] bytes = new byte[length];
            Marshal.Copy(message, bytes, 0, length);
            NativePINVOKE.SWIGPendingException.Set(Of(status, System.Text.Encoding.UTF8.GetString(bytes)));
        }

        private static RecurraException Of(int status, string message)
        {
            switch (status)
            {
                case -1: return new InvalidArgumentException(message);
                case -2: return new MemoryExhaustedException(message);
                case -3: return new InputOutputException(message);
                case -4: return new NotFoundException(message);
                case -5: return new ModelFormatException(message);
                case -6: return new UnsupportedException(message);
                case -7: return new CorruptStateException(message);
                case -8: return new MismatchException(message);
                case -9: return new VersionException(message);
                case -10: return new TokenException(message);
                case -11: return new BusyException(message);
                case -12: return new CancelledException(message);
                case -13: return new BackendException(message);
                case -14: return new CallbackException(message);
                case -15: return new BufferTooSmallException(message);
                default: return new InternalErrorException(message);
            }
        }
    }
}
