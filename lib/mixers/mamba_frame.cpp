#include "mixers/mamba_frame.h"

namespace recurra {

Network read_mamba_frame(Options& o, const ModelFile& file, Backend& be) {
  const Reader in(file, be, "");
  Network net;
  net.width = o.integer("hidden_size", 1, kMostWidth);
  net.layers = o.integer("num_hidden_layers", 1, 4096);
  net.vocabulary = in.view("backbone.embeddings.weight").shape.dim[0];  // may be padded beyond vocab_size
  if (o.integer("vocab_size", 1, int64_t{1} << 30) > net.vocabulary)
    o.unsupported("vocab_size", "at most the embedding's rows");
  net.embedding = in.matrix("backbone.embeddings.weight", net.vocabulary, net.width);
  const double eps = o.number_or("layer_norm_epsilon", o.number_or("norm_eps", 1e-5, 0, 1), 0, 1);
  net.output_norm = in.rms("backbone.norm_f.weight", net.width, static_cast<float>(eps));
  if (!o.boolean_or("tie_word_embeddings", !in.has("lm_head.weight")))
    net.head = in.matrix("lm_head.weight", net.vocabulary, net.width);
  // The names of the authors' own code, which conversions of its checkpoints keep.
  o.repeat("d_model", "hidden_size", net.width);
  o.repeat("n_layer", "num_hidden_layers", net.layers);
  o.require("rms_norm", true);
  // How weights were drawn, and how other programs run them.
  for (const char* key :
       {"dt_init_floor", "dt_init_scheme", "dt_max", "dt_min", "dt_scale", "time_step_floor", "time_step_init_scheme",
        "time_step_max", "time_step_min", "time_step_scale", "A_init_range", "conv_init", "chunk_size",
        "use_associative_scan", "use_mambapy", "rescale_prenorm_residual", "residual_in_fp32"})
    o.ignore(key);
  return net;
}

}  // namespace recurra
