// How to open a model, and how to go on from a state.
using System;
using System.Collections.Generic;

namespace Recurra
{
    /// <summary>How a model is opened.</summary>
    public sealed class ModelOptions
    {
        /// <summary>"auto", the default: the best there is; or a name of <see cref="Library.Backends"/>.</summary>
        public string Backend { get; set; } = "auto";

        /// <summary>Threads that compute; 0, the default: the physical cores this process may use.</summary>
        public int Threads { get; set; }

        /// <summary>Of matrix products over many tokens: "auto", the default, "f32" or "bf16".</summary>
        public string Dtype { get; set; } = "auto";

        /// <summary>Of a state's matrix memories while it lives: "f32", the default, or "f16" (backend "cuda" alone): half the
        /// bytes, rounded after every call, on average right. State files are the same.</summary>
        public string StateDtype { get; set; } = "f32";

        /// <summary>Compute every token as generation does, so that any cut of a text into calls gives the same bits.</summary>
        public bool Exact { get; set; }
    }

    /// <summary>How values are kept in a saved state.</summary>
    public enum StateFormat
    {
        /// <summary>Going on is bit for bit what it would have been.</summary>
        F32,

        /// <summary>Half the size, rounded.</summary>
        F16,
    }

    /// <summary>How to go on from a state. The default is greedy: always the best token, the lowest id on a tie.</summary>
    public sealed class GenerateOptions
    {
        /// <summary>At most so many tokens; 256.</summary>
        public long MaxTokens { get; set; } = 256;

        /// <summary>0: always the best token; else logits are divided by it, and drawn from.</summary>
        public float Temperature { get; set; }

        /// <summary>Only the k best tokens; 0: all.</summary>
        public int TopK { get; set; }

        /// <summary>Only the fewest best tokens whose probabilities reach p; 1: all.</summary>
        public float TopP { get; set; } = 1;

        /// <summary>Only tokens of at least so many times the best one's probability; 0: all.</summary>
        public float MinP { get; set; }

        /// <summary>Logits of recent tokens are divided (if positive) or multiplied by it; 1: off.</summary>
        public float RepeatPenalty { get; set; } = 1;

        /// <summary>How many of the last picked tokens are recent; 64.</summary>
        public int RepeatLastN { get; set; } = 64;

        /// <summary>The same seed, options and logits give the same tokens everywhere.</summary>
        public ulong Seed { get; set; }

        /// <summary>Texts that end it; read by the state, but not among the pieces.</summary>
        public IList<string> Stop { get; } = new List<string>();

        /// <summary>Tokens that end it, neither read nor given; the model's end-of-text token does too.</summary>
        public IList<int> StopTokens { get; } = new List<int>();

        internal Interop.Plan Plan()
        {
            if (MaxTokens < 0) throw new InvalidArgumentException("MaxTokens is " + MaxTokens + "; it may be 0 or more");
            Interop.Plan plan = new Interop.Plan((ulong)MaxTokens);
            foreach (string stop in Stop) plan.add_stop_text(stop);
            foreach (int token in StopTokens) plan.add_stop_token(token);
            return plan;
        }

        internal Interop.Sampler Sampler()
        {
            return Interop.Native.make_sampler(Temperature, Seed, TopK, TopP, MinP, RepeatPenalty, RepeatLastN);
        }
    }
}
