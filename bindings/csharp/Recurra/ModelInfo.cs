// What a model, a state and a state file say of themselves.
using System.Globalization;
using System.Linq;

namespace Recurra
{
    internal static class Facts
    {
        // "StateInfo { Notes = 0, TokenCount = 5, ... }", as records have it.
        internal static string Of(object facts)
        {
            return facts.GetType().Name + " { " + string.Join(", ", facts.GetType().GetProperties().Select(p =>
                string.Format(CultureInfo.InvariantCulture, "{0} = {1}", p.Name, p.GetValue(facts, null)))) + " }";
        }
    }

    /// <summary>What a model is.</summary>
    public sealed class ModelInfo
    {
        internal ModelInfo(Interop.ModelInfo from)
        {
            VocabularySize = from.n_vocab;
            Layers = from.n_layer;
            Width = from.n_embd;
            Parameters = (long)from.n_params;
            ModelBytes = (long)from.model_bytes;
            StateBytes = (long)from.state_bytes;
            StateBytesPerToken = (long)from.state_bytes_per_token;
            Threads = (int)from.threads;
            BosToken = from.bos_token;
            EosToken = from.eos_token;
            HasText = from.has_text;
            Exact = from.exact;
            TiedEmbedding = from.tied_embedding;
            Architecture = from.architecture;
            Name = from.name;
            Path = from.path;
            FileType = from.file_type;
            Tokenizer = from.tokenizer;
            Backend = from.backend;
            CpuLevel = from.cpu_level;
            Dtype = from.dtype;
            Fingerprint = from.fingerprint;
            ChatTemplate = from.chat_template;
        }

        /// <summary>Tokens are 0 to this - 1.</summary>
        public int VocabularySize { get; private set; }

        /// <summary>How many layers it has.</summary>
        public int Layers { get; private set; }

        /// <summary>Width of the hidden vector.</summary>
        public int Width { get; private set; }

        /// <summary>Elements of all tensors.</summary>
        public long Parameters { get; private set; }

        /// <summary>Bytes of all tensors in the file.</summary>
        public long ModelBytes { get; private set; }

        /// <summary>Bytes of one state in memory.</summary>
        public long StateBytes { get; private set; }

        /// <summary>What a state grows by with each token: 0, but for models with softmax attention.</summary>
        public long StateBytesPerToken { get; private set; }

        /// <summary>Threads that compute.</summary>
        public int Threads { get; private set; }

        /// <summary>-1: the file names none.</summary>
        public int BosToken { get; private set; }

        /// <summary>-1: the file names none; else generation stops there.</summary>
        public int EosToken { get; private set; }

        /// <summary>It has a tokenizer; without one, there are only tokens.</summary>
        public bool HasText { get; private set; }

        /// <summary>Opened with <see cref="ModelOptions.Exact"/>.</summary>
        public bool Exact { get; private set; }

        /// <summary>The head is the embedding table, which every token then reads.</summary>
        public bool TiedEmbedding { get; private set; }

        /// <summary>"rwkv7", "mamba2", ...</summary>
        public string Architecture { get; private set; }

        /// <summary>The file's own name of the model, or "".</summary>
        public string Name { get; private set; }

        /// <summary>As it was opened, or that of the default model.</summary>
        public string Path { get; private set; }

        /// <summary>The type that most weight bytes have: "F16".</summary>
        public string FileType { get; private set; }

        /// <summary>"rwkv", "bpe", "byte" or "none".</summary>
        public string Tokenizer { get; private set; }

        /// <summary>"cpu".</summary>
        public string Backend { get; private set; }

        /// <summary>"plain", "avx2", "avx512" or "amx".</summary>
        public string CpuLevel { get; private set; }

        /// <summary>"f32" or "bf16": what matrix products over many tokens are computed in.</summary>
        public string Dtype { get; private set; }

        /// <summary>32 hexadecimal digits that name the weights and hyperparameters.</summary>
        public string Fingerprint { get; private set; }

        /// <summary>The file's own, or "".</summary>
        public string ChatTemplate { get; private set; }

        /// <summary>For people: all of it.</summary>
        public override string ToString()
        {
            return Facts.Of(this);
        }
    }

    /// <summary>What a state is at the moment.</summary>
    public sealed class StateInfo
    {
        internal StateInfo(Interop.StateInfo from)
        {
            Notes = (int)from.n_notes;
            TokenCount = (long)from.n_tokens;
            StateBytes = (long)from.state_bytes;
            FileBytes = (long)from.file_bytes;
            RewindTokens = (long)from.rewind_tokens;
        }

        /// <summary>How many notes it has.</summary>
        public int Notes { get; private set; }

        /// <summary>Tokens read so far.</summary>
        public long TokenCount { get; private set; }

        /// <summary>In memory; the same for ever, but for softmax attention layers. With what it keeps to go back.</summary>
        public long StateBytes { get; private set; }

        /// <summary>Of a save in F32 with the present notes.</summary>
        public long FileBytes { get; private set; }

        /// <summary>How far <see cref="State.Rewind"/> can go back now.</summary>
        public long RewindTokens { get; private set; }

        /// <summary>For people: all of it.</summary>
        public override string ToString()
        {
            return Facts.Of(this);
        }
    }

    /// <summary>One matrix memory S of a state: what a head of a layer remembers.</summary>
    public sealed class MemoryInfo
    {
        internal MemoryInfo(Interop.MemoryInfo from)
        {
            Layer = from.layer;
            Head = from.head;
            Rows = from.n_rows;
            Columns = from.n_columns;
            Name = from.name;
        }

        /// <summary>0 to <see cref="ModelInfo.Layers"/> - 1.</summary>
        public int Layer { get; private set; }

        /// <summary>Of that layer.</summary>
        public int Head { get; private set; }

        /// <summary>Values that it gives.</summary>
        public int Rows { get; private set; }

        /// <summary>Values of a key or query.</summary>
        public int Columns { get; private set; }

        /// <summary>Of the tensor in the state file, which holds all heads.</summary>
        public string Name { get; private set; }

        /// <summary>For people: all of it.</summary>
        public override string ToString()
        {
            return Facts.Of(this);
        }
    }

    /// <summary>What a state file says of itself, without its model.</summary>
    public sealed class StateFile
    {
        private StateFile(Interop.Peek from)
        {
            FormatVersion = (int)from.format_version;
            TokenCount = (long)from.n_tokens;
            FileBytes = (long)from.file_bytes;
            Notes = (int)from.n_notes;
            Architecture = from.architecture;
            ModelFingerprint = from.model_fingerprint;
            TokenizerHash = from.tokenizer_hash;
            Dtype = from.dtype;
            Backend = from.backend;
            CpuLevel = from.cpu_level;
            ComputeDtype = from.compute_dtype;
            Checksum = from.checksum;
            Metadata = from.metadata;
        }

        /// <summary>Reads it; everything but the values is checked, and the checksum is.</summary>
        /// <param name="path">The file.</param>
        /// <exception cref="NotFoundException">There is no such file.</exception>
        /// <exception cref="InputOutputException">It cannot be read.</exception>
        /// <exception cref="CorruptStateException">It is damaged.</exception>
        /// <exception cref="VersionException">It has a newer format.</exception>
        public static StateFile Peek(string path)
        {
            Errors.Ready();
            using (Interop.Peek peek = Interop.Native.peek_file(Blob.Path(path))) return new StateFile(peek);
        }

        /// <summary>Of the file's format.</summary>
        public int FormatVersion { get; private set; }

        /// <summary>Tokens that the state has read.</summary>
        public long TokenCount { get; private set; }

        /// <summary>Size of the file.</summary>
        public long FileBytes { get; private set; }

        /// <summary>How many notes it has.</summary>
        public int Notes { get; private set; }

        /// <summary>Of its model.</summary>
        public string Architecture { get; private set; }

        /// <summary>Of its model: see <see cref="ModelInfo.Fingerprint"/>.</summary>
        public string ModelFingerprint { get; private set; }

        /// <summary>Names its model's tokenizer.</summary>
        public string TokenizerHash { get; private set; }

        /// <summary>"f32" or "f16".</summary>
        public string Dtype { get; private set; }

        /// <summary>What computed it.</summary>
        public string Backend { get; private set; }

        /// <summary>What computed it.</summary>
        public string CpuLevel { get; private set; }

        /// <summary>"f32" or "bf16".</summary>
        public string ComputeDtype { get; private set; }

        /// <summary>Of header and values.</summary>
        public string Checksum { get; private set; }

        /// <summary>The file's whole metadata, a JSON object of strings; notes are "note.KEY".</summary>
        public string Metadata { get; private set; }

        /// <summary>For people: all of it.</summary>
        public override string ToString()
        {
            return Facts.Of(this);
        }
    }
}
