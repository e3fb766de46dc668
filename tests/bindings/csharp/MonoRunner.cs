// The part of NUnit that the tests use, for Mono, where there is no `dotnet test`: attributes, assertions and a program that runs every test
// and reports as unittest does. Recurra.Tests.csproj takes the real NUnit in its place.
//
//     mono tests.exe [PART OF A NAME]
using System;
using System.Diagnostics;
using System.Linq;
using System.Reflection;

namespace NUnit.Framework
{
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class TestFixtureAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class TestAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class SetUpAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class TearDownAttribute : Attribute
    {
    }

    public delegate void TestDelegate();

    public sealed class AssertionException : Exception
    {
        public AssertionException(string message) : base(message)
        {
        }
    }

    public static class Assert
    {
        public static void That(bool condition, string message)
        {
            if (!condition) throw new AssertionException(message);
        }

        public static T Throws<T>(TestDelegate code) where T : Exception
        {
            try
            {
                code();
            }
            catch (Exception error)
            {
                if (error.GetType() == typeof(T)) return (T)error;
                throw new AssertionException("expected " + typeof(T).Name + ", but it threw " + error);
            }
            throw new AssertionException("expected " + typeof(T).Name + ", but nothing was thrown");
        }
    }

    public static class TestContext
    {
        public static class Progress
        {
            public static void WriteLine(string line)
            {
                Console.WriteLine(line);
            }
        }
    }

    internal static class Program
    {
        private static int Main(string[] arguments)
        {
            int ran = 0, failed = 0;
            Stopwatch clock = Stopwatch.StartNew();
            foreach (Type type in Assembly.GetExecutingAssembly().GetTypes().Where(t => Has<TestFixtureAttribute>(t)).OrderBy(t => t.Name))
            {
                foreach (MethodInfo test in type.GetMethods().Where(m => Has<TestAttribute>(m)))
                {
                    string name = type.Name + "." + test.Name;
                    if (arguments.Length > 0 && !name.Contains(arguments[0])) continue;
                    ++ran;
                    Stopwatch one = Stopwatch.StartNew();
                    string error = Run(type, test);
                    if (error != null) ++failed;
                    Console.WriteLine(name + " (" + one.ElapsedMilliseconds + " ms) ... " + (error == null ? "ok" : "FAIL\n" + error));
                }
            }
            Console.WriteLine("\nRan " + ran + " tests in " + (clock.ElapsedMilliseconds / 1000.0).ToString("F3") + "s\n");
            Console.WriteLine(failed == 0 ? "OK" : "FAILED (failures=" + failed + ")");
            return failed == 0 && ran > 0 ? 0 : 1;
        }

        private static string Run(Type type, MethodInfo test)
        {
            object fixture = Activator.CreateInstance(type);
            try
            {
                Each<SetUpAttribute>(type, fixture);
                test.Invoke(fixture, null);
                return null;
            }
            catch (TargetInvocationException error)
            {
                return error.InnerException.ToString();
            }
            finally
            {
                Each<TearDownAttribute>(type, fixture);
            }
        }

        private static void Each<T>(Type type, object fixture) where T : Attribute
        {
            foreach (MethodInfo method in type.GetMethods().Where(m => Has<T>(m))) method.Invoke(fixture, null);
        }

        private static bool Has<T>(MemberInfo member) where T : Attribute
        {
            return member.GetCustomAttributes(typeof(T), true).Length > 0;
        }
    }
}
