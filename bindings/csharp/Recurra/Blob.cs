// How texts and arrays cross between C# and the native part: Span goes in, std::string pointers come out (csharp.i).
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace Recurra.Interop
{
    // A pinned array, by value.
    [StructLayout(LayoutKind.Sequential)]
    internal struct Span
    {
        internal IntPtr Data;
        internal UIntPtr Size;

        internal unsafe Span(void* data, int size)
        {
            Data = (IntPtr)data;
            Size = (UIntPtr)(uint)size;
        }
    }
}

namespace Recurra
{
    internal static unsafe class Blob
    {
        private const string Native = "recurra_csharp";

        [DllImport(Native)]
        private static extern IntPtr RecurraBlobData(IntPtr blob);

        [DllImport(Native)]
        private static extern UIntPtr RecurraBlobSize(IntPtr blob);

        [DllImport(Native)]
        private static extern void RecurraBlobFree(IntPtr blob);

        // UTF-8 of a name, path or key, with a terminating zero and none before. `name` is the parameter's.
        internal static byte[] Zeroed(string text, string name)
        {
            if (text == null) throw new ArgumentNullException(name);
            if (text.IndexOf('\0') >= 0) throw new InvalidArgumentException(name + " has a zero character: \"" + text.Replace('\0', '?') + "\"");
            byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
            Encoding.UTF8.GetBytes(text, 0, text.Length, bytes, 0);
            return bytes;
        }

        internal static string Path(string path)
        {
            if (path == null) throw new ArgumentNullException("path");
            if (path.Length == 0) throw new InvalidArgumentException("the path is empty");
            return path;
        }

        internal static string Borrowed(IntPtr blob)
        {
            int size = (int)RecurraBlobSize(blob);
            return size == 0 ? "" : Encoding.UTF8.GetString((byte*)RecurraBlobData(blob), size);
        }

        // These free it. There is none where the call has failed.
        internal static string Text(IntPtr blob)
        {
            if (blob == IntPtr.Zero) return null;
            try
            {
                return Borrowed(blob);
            }
            finally
            {
                RecurraBlobFree(blob);
            }
        }

        internal static byte[] Bytes(IntPtr blob)
        {
            if (blob == IntPtr.Zero) return null;
            try
            {
                byte[] bytes = new byte[checked((int)RecurraBlobSize(blob))];
                if (bytes.Length > 0) Marshal.Copy(RecurraBlobData(blob), bytes, 0, bytes.Length);
                return bytes;
            }
            finally
            {
                RecurraBlobFree(blob);
            }
        }

        internal static int[] Integers(IntPtr blob)
        {
            if (blob == IntPtr.Zero) return null;
            try
            {
                int[] values = new int[checked((int)RecurraBlobSize(blob)) / sizeof(int)];
                if (values.Length > 0) Marshal.Copy(RecurraBlobData(blob), values, 0, values.Length);
                return values;
            }
            finally
            {
                RecurraBlobFree(blob);
            }
        }

        internal static int[] Array(IReadOnlyList<int> tokens)
        {
            if (tokens == null) throw new ArgumentNullException("tokens");
            int[] array = tokens as int[];
            if (array != null) return array;
            array = new int[tokens.Count];
            for (int i = 0; i < array.Length; ++i) array[i] = tokens[i];
            return array;
        }
    }
}
