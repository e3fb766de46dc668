// A conversation that outlives the program: it is one small state, kept in a file.
//
//     mcs -r:Recurra.dll Chat.cs && mono Chat.exe [--state dave.state] [--model x.gguf]     bindings/csharp/README.md says where Recurra.dll is
//
// In a pipe: one message per line, one reply per line. Ctrl-C ends a reply, and the message it answers counts as never said.
using System;
using System.IO;
using System.Threading;
using Recurra;

internal static class Chat
{
    private static int Main(string[] arguments)
    {
        string path = null, file = null;
        for (int i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length || (arguments[i] != "--state" && arguments[i] != "--model"))
            {
                Console.Error.WriteLine("usage: Chat.exe [--state FILE] [--model FILE]");
                return 2;
            }
            if (arguments[i] == "--state") file = arguments[i + 1];
            else path = arguments[i + 1];
        }
        try
        {
            using (Model model = new Model(path))
            using (State state = file != null && File.Exists(file) ? model.Load(file) : model.CreateState())
                Talk(state, file);
            return 0;
        }
        catch (Exception error) when (error is RecurraException || error is DllNotFoundException)
        {
            Console.Error.WriteLine("chat: " + error.Message);
            return 1;
        }
    }

    private static void Talk(State state, string file)
    {
        CancellationTokenSource stop = null;
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = stop != null;
            if (stop != null) stop.Cancel();
        };
        GenerateOptions options = new GenerateOptions { MaxTokens = 512, Stop = { "\n\n" } };
        for (;;)
        {
            if (!Console.IsInputRedirected) Console.Write("> ");
            string message = Console.ReadLine();
            if (message == null) return;
            if (message.Trim().Length == 0) continue;
            using (State before = state.Copy())
            using (stop = new CancellationTokenSource())
            {
                try
                {
                    state.Feed("User: " + message.Trim() + "\n\nAssistant:", null, stop.Token);
                    bool begun = false;
                    foreach (string piece in state.Generate(options, stop.Token))
                    {
                        string text = begun ? piece : piece.TrimStart();
                        begun = begun || text.Length > 0;
                        Console.Write(text);
                    }
                    if (file != null) state.Save(file);
                }
                catch (OperationCanceledException)
                {
                    state.CopyFrom(before);
                }
                Console.WriteLine();
            }
            stop = null;
        }
    }
}
