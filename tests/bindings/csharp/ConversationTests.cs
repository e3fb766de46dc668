// A conversation in C#: as in the README, as in C, in pieces, in batches; and the values it can be asked for.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using NUnit.Framework;

namespace Recurra.Tests
{
    [TestFixture]
    public sealed class ConversationTests : Case
    {
        private static readonly Model Default = new Model();

        [Test]
        public void AsInTheReadme()
        {
            using (Model model = new Model())
            using (State s = model.CreateState())
            {
                int n = s.Feed(Told);
                Same((long)n, s.TokenCount, "tokens");
                byte[] before = s.ToBytes();
                Assert.That(s.Query(Asked, Brief()).Contains("Dave"), "it has forgotten");
                Same(before, s.ToBytes(), "a query moved the state");
                string path = Path.Combine(Folder, "dave.state");
                s.Save(path);
                using (State t = model.Load(path))
                {
                    t.Feed(Asked);
                    Assert.That(string.Concat(t.Generate(Brief(100))).Contains("Dave"), "the loaded state has forgotten");
                }
            }
        }

        // Python's tests compare with the same program: the three languages write the same.
        [Test]
        public void CWritesTheSameTextAndTheSameFile()
        {
            string said = Output(Environment.GetEnvironmentVariable("RECURRA_HELLO_C"), "", Folder);
            using (State s = Default.CreateState())
            {
                s.Feed(Told);
                s.Save(Path.Combine(Folder, "csharp.state"));
                Same(File.ReadAllBytes(Path.Combine(Folder, "hello.state")), File.ReadAllBytes(Path.Combine(Folder, "csharp.state")), "files");
                string turn = Asked + s.Query(Asked, Brief(64)) + "\n";
                Same(said, turn + turn, "texts");
            }
        }

        [Test]
        public void PiecesAreTheWholeText()
        {
            GenerateOptions[] all =
            {
                new GenerateOptions(), new GenerateOptions { Temperature = 0.9f, Seed = 7, TopK = 40, RepeatPenalty = 1.3f }, new GenerateOptions { Stop = { "\n\n", "e", "is " } },
                new GenerateOptions { MaxTokens = 3 }, new GenerateOptions { MaxTokens = 0 },
            };
            foreach (GenerateOptions options in all)
            {
                using (State s = Default.CreateState())
                {
                    s.Feed(Told + Asked);
                    using (State t = s.Copy())
                    using (State u = s.Copy())
                    {
                        List<string> pieces = s.Generate(options).ToList(), seen = new List<string>();
                        Assert.That(!pieces.Contains(""), "an empty piece");
                        Same(string.Concat(pieces), t.GenerateText(options, seen.Add), "pieces and text");
                        Same(string.Concat(pieces), string.Concat(seen), "pieces and what onText saw");
                        int[] tokens = u.GenerateTokens(options).ToArray();
                        Assert.That(Encoding.UTF8.GetString(Default.Detokenize(tokens)).StartsWith(string.Concat(pieces), StringComparison.Ordinal), "tokens");
                        Same(s.ToBytes(), t.ToBytes(), "states after pieces and text");
                        Same(s.ToBytes(), u.ToBytes(), "states after pieces and tokens");
                    }
                }
            }
        }

        [Test]
        public void ALoopMayBeLeftAndTheStateUsedBetweenPieces()
        {
            using (State s = Default.CreateState())
            {
                s.Feed(Told + Asked);
                Generation generation = s.Generate(Brief());
                string begun = "";
                foreach (string piece in generation)
                {
                    begun += piece;
                    using (State t = Default.FromBytes(s.ToBytes())) Same(s.TokenCount, t.TokenCount, "tokens");
                    if (generation.Tokens.Count == 3) break;
                }
                string all = begun + string.Concat(generation);
                Assert.That(begun.Length < all.Length && all.Contains("Dave"), "it says \"" + all + "\"");
                s.Feed("!");
            }
        }

        [Test]
        public void BatchEndsWithTheSameBits()
        {
            string[] texts = { "one", "zwei ü", "three\0", Repeat("x", 300) };
            State[] alone = texts.Select(_ => Default.CreateState()).ToArray(), together = texts.Select(_ => Default.CreateState()).ToArray();
            for (int i = 0; i < texts.Length; ++i) alone[i].Feed(texts[i]);
            CallProgress last = default(CallProgress);
            Default.FeedBatch(together, texts, new Report(p => last = p));
            for (int i = 0; i < texts.Length; ++i) Same(alone[i].ToBytes(), together[i].ToBytes(), "state " + i);
            Same(last.Done, last.Total, "progress");
            Same(last.Total, alone.Sum(s => s.TokenCount), "tokens of all");
            foreach (State s in alone.Concat(together)) s.Dispose();
        }
    }

    [TestFixture]
    public sealed class ValueTests : Case
    {
        private static readonly Model Model = new Model(Small);

        private static State Fed(string text = "hello")
        {
            State s = Model.CreateState();
            s.Feed(text);
            return s;
        }

        [Test]
        public void LogitsHiddenScore()
        {
            using (State s = Fed())
            {
                IReadOnlyList<float> logits = s.Logits();
                Same(Model.Info.VocabularySize, logits.Count, "logits");
                Same(Model.Info.Width, s.Hidden().Length, "hidden");
                double most = logits.Max(), want = logits[10] - most - Math.Log(logits.Sum(x => Math.Exp(x - most)));
                Assert.That(Math.Abs(s.Score(new[] { 10 })[0] - want) < 1e-4, "score");
                using (State empty = Model.CreateState()) Assert.That(float.IsNaN(empty.Score(new[] { 1, 2 })[0]), "the first token of all");
                Same(logits.ToList().IndexOf((float)most), s.GenerateTokens(new GenerateOptions { MaxTokens = 1 }).First(), "the best token");
                Assert.Throws<InvalidArgumentException>(() => s.Logits(new float[3]));
            }
        }

        [Test]
        public void MemoriesAreReadAndWritten()
        {
            using (State s = Fed())
            {
                IReadOnlyList<MemoryInfo> all = s.Memories;
                Same(6, all.Count, "three layers of two heads");
                MemoryInfo last = all[5];
                Assert.That(last.Layer == 2 && last.Head == 1 && last.Rows == 32 && last.Columns == 32 && last.Name == "layers.2.time_mix.state", "the last");
                byte[] before = s.ToBytes();
                float[] memory = s.ReadMemory(5), logits = s.Logits(), twice = memory.Select(x => 2 * x).ToArray();
                Assert.That(memory.Length == 1024 && memory.Any(x => x != 0), "values");
                s.WriteMemory(5, twice);
                Assert.That(s.ReadMemory(5).SequenceEqual(twice) && s.Logits().SequenceEqual(logits), "what was written");
                using (State t = s.Copy())
                {
                    s.WriteMemory(5, memory);
                    Same(before, s.ToBytes(), "there and back");
                    s.Feed("a");
                    t.Feed("a");
                    Assert.That(!s.Logits().SequenceEqual(t.Logits()), "the next token has not read it");
                }
                before = s.ToBytes();
                twice[7] = float.NaN;
                Assert.Throws<InvalidArgumentException>(() => s.WriteMemory(5, twice));
                Assert.Throws<InvalidArgumentException>(() => s.WriteMemory(5, new float[0]));
                Assert.Throws<InvalidArgumentException>(() => s.WriteMemory(6, memory));
                Assert.Throws<InvalidArgumentException>(() => s.ReadMemory(6));
                Assert.Throws<InvalidArgumentException>(() => s.ReadMemory(-1));
                Same(before, s.ToBytes(), "after errors");
            }
        }

        [Test]
        public void Rewind()
        {
            using (State s = Model.CreateState(200))
            using (State none = Fed())
            {
                s.Feed(Repeat("x", 150));
                byte[] before = s.ToBytes();
                int n = s.Feed(Repeat("and more of it ", 9));
                Same(200L, s.Info.RewindTokens, "how far");
                s.Rewind(n);
                Same(before, s.ToBytes(), "state");
                Assert.Throws<InvalidArgumentException>(() => s.Rewind(201 - n));
                Assert.Throws<InvalidArgumentException>(() => s.Rewind(-1));
                Assert.Throws<InvalidArgumentException>(() => none.Rewind(1));
                Assert.Throws<InvalidArgumentException>(() => Model.CreateState(-1));
                Assert.Throws<InvalidArgumentException>(() => Model.CreateState(1 << 21));
                Same(before, s.ToBytes(), "after errors");
            }
        }

        [Test]
        public void LogitsOfMany()
        {
            State[] states = { Fed(), Fed("two"), Fed(Repeat("x", 200)) };
            float[][] logits = Model.Logits(states);
            for (int i = 0; i < states.Length; ++i) Assert.That(logits[i].SequenceEqual(states[i].Logits()), "state " + i);
            foreach (State s in states) s.Dispose();
            Assert.Throws<InvalidArgumentException>(() => Model.Logits(new State[0]));
            using (State empty = Model.CreateState()) Assert.Throws<InvalidArgumentException>(() => Model.Logits(new[] { empty }));
        }

        [Test]
        public void TokensInEveryForm()
        {
            int[] tokens = Model.Tokenize("hello there");
            using (State s = Fed("hello there"))
            {
                foreach (IReadOnlyList<int> form in new IReadOnlyList<int>[] { tokens, tokens.ToList(), Array.AsReadOnly(tokens) })
                {
                    using (State t = Model.CreateState())
                    {
                        t.Feed(form);
                        Same(s.ToBytes(), t.ToBytes(), form.GetType().Name);
                    }
                }
            }
            Same("hello there", Encoding.UTF8.GetString(Model.Detokenize(tokens)), "text");
        }

        [Test]
        public void AnyBytes()
        {
            byte[] odd = { 0xff, 0, 0xfe, 0x80 };
            Same(odd, Model.Detokenize(Model.Tokenize(odd)), "there and back");
            using (State s = Model.CreateState())
            {
                Same(4, s.Feed(odd), "tokens");
                // Random weights write random bytes: what is no character comes as U+FFFD.
                foreach (string piece in s.Generate(new GenerateOptions { MaxTokens = 200, Temperature = 3, Seed = 1 })) Encoding.UTF8.GetBytes(piece);
                Assert.Throws<InvalidArgumentException>(() => s.SetNote("key", "a\0b"));
            }
        }

        [Test]
        public void BytesAndCopies()
        {
            using (State s = Fed())
            {
                s.SetNote("title", "Grüße");
                foreach (State twin in new[] { Model.FromBytes(s.ToBytes()), s.Copy() })
                {
                    Same(s.ToBytes(), twin.ToBytes(), "twin");
                    Same("Grüße", twin.GetNote("title"), "note");
                    twin.Feed("more");
                    Assert.That(twin.TokenCount > s.TokenCount, "they are one");
                    twin.Dispose();
                }
                Assert.That(s.ToBytes(StateFormat.F16).Length < s.ToBytes().Length, "F16 is not smaller");
                using (State t = Model.CreateState())
                {
                    t.CopyFrom(s);
                    Same(s.ToBytes(), t.ToBytes(), "CopyFrom");
                    t.Reset();
                    Same(0L, t.TokenCount, "tokens after Reset");
                }
            }
        }

        [Test]
        public void NotesAndPeek()
        {
            using (State s = Fed())
            {
                Same(null, s.GetNote("title"), "no note");
                s.SetNote("title", "Dave's");
                string path = Path.Combine(Folder, "s");
                s.Save(path);
                StateFile file = StateFile.Peek(path);
                Same("rwkv7", file.Architecture, "architecture");
                Same(Model.Info.Fingerprint, file.ModelFingerprint, "fingerprint");
                Assert.That(file.TokenCount == 5 && file.Notes == 1 && file.Metadata.Contains("Dave's") && file.FileBytes == s.Info.FileBytes, "the rest");
                s.SetNote("title", null);
                Same(0, s.Info.Notes, "notes");
            }
        }

        [Test]
        public void InfoAndMetadata()
        {
            Same(272, Model.Info.VocabularySize, "vocabulary");
            Same("rwkv7", Model.Info.Architecture, "architecture");
            Same(0L, Model.Info.StateBytesPerToken, "growth");
            Same(false, Model.Info.TiedEmbedding, "a head of its own");
            Same("rwkv7", Model.Metadata["general.architecture"], "metadata");
            Assert.That(Model.Metadata.Keys.Contains("rwkv7.block_count") && Model.Metadata.Count > 5 && !Model.Metadata.ContainsKey("nothing"), "keys");
            Assert.Throws<KeyNotFoundException>(() => Model.Metadata["nothing"].ToString());
            using (Model exact = new Model(Small, new ModelOptions { Exact = true, Threads = 1, Backend = "reference", Dtype = "f32" }))
                Assert.That(exact.Info.Exact && exact.Info.Threads == 1 && exact.Info.Backend == "reference" && exact.Info.Dtype == "f32", "options");
            Assert.That(Library.BuildInfo.Contains(Library.Version) && Library.Backends.Last() == "reference", "the library");
            using (State s = Fed())
            {
                Assert.That(s.ToString().Contains("5 tokens") && s.ToString().Contains("rwkv7"), s.ToString());
                Assert.That(s.Info.ToString().StartsWith("StateInfo { Notes = 0, TokenCount = 5, ", StringComparison.Ordinal), s.Info.ToString());
                Assert.That(s.Memories[1].ToString().Contains("Head = 1") && Model.Info.ToString().Contains("Architecture = rwkv7"), "facts");
            }
        }

        [Test]
        public void PathsWithSpacesAndLetters()
        {
            string folder = Path.Combine(Folder, "mit Leerzeichen ü 漢字");
            Directory.CreateDirectory(folder);
            string path = Path.Combine(folder, "Zustand ß.state"), copy = Path.Combine(folder, "model ö.gguf");
            using (State s = Fed())
            {
                s.Save(path);
                using (State t = Model.Load(path)) Same(s.ToBytes(), t.ToBytes(), "loaded");
            }
            File.Copy(Small, copy);
            using (Model same = new Model(copy))
            {
                Same(Model.Info.Fingerprint, same.Info.Fingerprint, "fingerprint");
                Same(copy, same.Info.Path, "path");
            }
        }

        [Test]
        public void Progress()
        {
            using (State s = Model.CreateState())
            {
                List<CallProgress> seen = new List<CallProgress>();
                s.Feed(Repeat("x", 1000), new Report(seen.Add));
                Assert.That(seen.Last().Done == 1000 && seen.Last().Total == 1000, "feed");
                seen.Clear();
                using (new Model(Small, null, new Report(seen.Add))) Assert.That(seen.Count > 0 && seen.Last().Done == seen.Last().Total, "open");
            }
        }
    }
}
