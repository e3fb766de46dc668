// What the tests share: where the data lies, a folder of one's own, other programs.
using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using NUnit.Framework;

namespace Recurra.Tests
{
    public abstract class Case
    {
        protected const string Told = "User: My name is Dave.\n\nAssistant: Noted.\n\n";
        protected const string Asked = "User: What is my name?\n\nAssistant:";
        protected static readonly string Data = Environment.GetEnvironmentVariable("RECURRA_TEST_DATA");
        protected static readonly string Small = Path.Combine(Data, "rwkv7-hs32-f16.gguf");
        protected string Folder;

        [SetUp]
        public void MakeFolder()
        {
            Folder = Path.Combine(Path.GetTempPath(), "recurra-" + Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(Folder);
        }

        [TearDown]
        public void RemoveFolder()
        {
            Directory.Delete(Folder, true);
        }

        protected static GenerateOptions Brief(long most = 256)
        {
            return new GenerateOptions { MaxTokens = most, Stop = { "\n\n" } };
        }

        protected static void Same(byte[] a, byte[] b, string what)
        {
            Assert.That(a.Length == b.Length, what + ": " + a.Length + " and " + b.Length + " bytes");
            for (int i = 0; i < a.Length; ++i) Assert.That(a[i] == b[i], what + ": byte " + i + " differs");
        }

        protected static void Same<T>(T a, T b, string what)
        {
            Assert.That(Equals(a, b), what + ": \"" + a + "\" and \"" + b + "\"");
        }

        protected static string Repeat(string text, int n)
        {
            return new StringBuilder().Insert(0, text, n).ToString();
        }

        protected static string Output(string program, string arguments, string folder)
        {
            ProcessStartInfo start = new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false, RedirectStandardOutput = true, WorkingDirectory = folder, StandardOutputEncoding = Encoding.UTF8,
            };
            using (Process process = Process.Start(start))
            {
                string output = process.StandardOutput.ReadToEnd();
                process.WaitForExit();
                Assert.That(process.ExitCode == 0, program + " exits with " + process.ExitCode);
                return output;
            }
        }

        protected sealed class Report : IProgress<CallProgress>
        {
            private readonly Action<CallProgress> action;

            public Report(Action<CallProgress> action)
            {
                this.action = action;
            }

            void IProgress<CallProgress>.Report(CallProgress value)
            {
                action(value);
            }
        }
    }
}
