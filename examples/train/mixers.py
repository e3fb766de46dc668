"""Other mixers than RWKV-7, as recurra computes them from flash-linear-attention's folders; tensors have the names they have there.

    logits, state = model(tokens [B, T], state)          state: tensors [B, ...], detached

Those with a state of fixed size are the scan of scan.py, with heads of 64 x 64:

    linear attention    w = 1      nothing erased                       k = phi(K h)
    DeltaNet            w = 1      a = -k, b = beta k, v = beta V h      k = l2(silu(conv(K h)))
    gated DeltaNet      w = alpha  a = -k, b = alpha beta k, v = beta V h
    Mamba-2             w = e^-Ad  nothing erased                       k = B, q = C, v = d x, shared by the heads

The parts around the scan are functions of tensors, so that torch.compile makes one kernel list for all layers.
"""
import math

import torch
import torch._functorch.config
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.attention.bias import causal_lower_right

import model as rwkv
import scan
from model import HEAD, _linear

EPS, TAPS, LEAST = 1e-5, 4, -3.5  # of the norms; of the short convolutions; the least log decay in training: 3% are left


def rms(x, w): return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS) * w


def short_conv(x, before, w):
    """Depthwise and causal: x [B, T, C] after the 3 rows before [B, 3, C]; w [C, 1, 4]. Float32, and the last 3 rows."""
    p, T = torch.cat((before, x.float()), 1), x.shape[1]
    return sum(p[:, j:j + T] * w[:, 0, j] for j in range(TAPS)), p[:, T:].detach()


def l2(x): return x * torch.rsqrt((x * x).sum(-1, keepdim=True) + 1e-6)


def heads(x): return x.view(*x.shape[:2], -1, HEAD)


# ---- from the residual x [B, T, D] to what the scan takes: lw, q, k, v, a, b, how strongly a token writes, what follows needs, last rows


def linear_in(x, before, dtype, norm, q, k, v):
    q, k, v = _linear(rms(x, norm).to(dtype), torch.cat((q, k, v))).chunk(3, -1)
    phi = lambda x: heads(F.elu(x.float()) + 1)
    return None, (phi(q) * HEAD ** -.5).to(dtype), phi(k).to(dtype), heads(v), None, None, None, (), None


def _delta(h, before, dtype, q, k, v, b, q_conv, k_conv, v_conv):
    x, last = short_conv(_linear(h, torch.cat((q, k, v))), before, torch.cat((q_conv, k_conv, v_conv)))
    q, k, v = map(heads, F.silu(x).chunk(3, -1))
    beta = torch.sigmoid(_linear(h, b).float())[..., None]
    return l2(q) * HEAD ** -.5, l2(k), v * beta, beta, last


def delta_in(x, before, dtype, norm, q, k, v, b, q_conv, k_conv, v_conv):
    q, k, v, beta, last = _delta(rms(x, norm).to(dtype), before, dtype, q, k, v, b, q_conv, k_conv, v_conv)
    return None, *(t.to(dtype) for t in (q, k, v, -k, k * beta)), beta, (), last


def gated_in(x, before, dtype, norm, q, k, v, b, q_conv, k_conv, v_conv, a, A_log, dt_bias, g):
    h = rms(x, norm).to(dtype)
    q, k, v, beta, last = _delta(h, before, dtype, q, k, v, b, q_conv, k_conv, v_conv)
    lw = (-A_log.exp() * F.softplus(_linear(h, a).float() + dt_bias)).clamp(min=LEAST)[..., None]
    return (*(t.to(dtype) for t in (lw.expand_as(k), q, k, v, -k, k * (beta * lw.exp()))), beta, (_linear(h, g),), last)


def mamba_in(x, before, dtype, norm, project, conv, conv_bias, A_log, dt_bias):
    H = A_log.shape[0]
    I = H * HEAD
    h = rms(x, norm).to(dtype)
    p, dt = _linear(h, project[:-H]), _linear(h, project[-H:]).float()
    c, last = short_conv(p[..., I:], before, conv)
    c = F.silu(c + conv_bias)
    u, B, C = heads(c[..., :I]), c[..., None, I:I + HEAD], c[..., None, I + HEAD:]
    d = F.softplus(dt + dt_bias)[..., None]
    lw = (-A_log.exp()[:, None] * d).clamp(min=LEAST)
    lw, q, k, v = (t.to(dtype) for t in (lw.expand_as(u), C.expand_as(u), B.expand_as(u), u * d))
    return lw, q, k, v, None, None, d, (p[..., :I], u.to(dtype)), last


def attention_in(x, kv, seen, cos, sin, dtype, norm, q, k, v, q_norm, k_norm):
    """Queries of T tokens, keys and values of those and P before, [B, H, ., 72]: 64, one that masks keys not seen, padding."""
    T, P = x.shape[1], kv.shape[1]
    q, k, v = map(heads, _linear(rms(x, norm).to(dtype), torch.cat((q, k, v))).chunk(3, -1))
    q, k = rms(q.float(), q_norm), rms(k.float(), k_norm)
    k, v = torch.cat((kv[:, :, 0], k.to(dtype)), 1), torch.cat((kv[:, :, 1], v), 1)
    last = torch.stack((k[:, T:], v[:, T:]), 2).detach()

    def turn(x, cos, sin):
        a, b = x.float().chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(dtype)

    extra = lambda x, first: torch.cat((x, first.to(dtype).expand(*x.shape[:3], 1), x.new_zeros(*x.shape[:3], 7)), -1).transpose(1, 2)
    mask = torch.cat((torch.where(seen, 0., -1e4), x.new_zeros(x.shape[0], T)), 1)[..., None, None]
    return extra(turn(q, cos[P:], sin[P:]), x.new_ones(())), extra(turn(k, cos, sin), mask), extra(v, x.new_zeros(())), last


# ---- from the scan's output y [B, T, H, 64] to the residual


def mlp(x, norm, gate, up, down, dtype):
    h = rms(x, norm).to(dtype)
    return x + _linear(F.silu(_linear(h, gate)) * _linear(h, up), down).float()


def plain_out(x, y, dtype, o_norm, o, *w): return mlp(x + _linear(rms(y.float(), o_norm).flatten(2).to(dtype), o).float(), *w, dtype)


def gated_out(x, y, g, dtype, o_norm, o, *w):
    y = rms(y.float(), o_norm).flatten(2) * F.silu(g.float())
    return mlp(x + _linear(y.to(dtype), o).float(), *w, dtype)


def mamba_out(x, y, z, u, dtype, D, norm, out):
    y = (y.float() + u.float() * D[:, None]).flatten(2) * F.silu(z.float())
    return x + _linear(rms(y, norm).to(dtype), out).float()


def attention_out(x, y, dtype, o, *w): return mlp(x + _linear(y.transpose(1, 2)[..., :HEAD].flatten(2), o).float(), *w, dtype)


def attend(q, k, v):
    """Softmax of all keys up to the query's own, which is the last of them but those after it."""
    if q.is_cuda: return F.scaled_dot_product_attention(q, k, v, attn_mask=causal_lower_right(q.shape[2], k.shape[2]), scale=HEAD ** -.5)
    mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=HEAD ** -.5)


def losses(x, norm, W, targets, weights, dtype):
    z = _linear(rms(x, norm).to(dtype), W).float().flatten(0, 1)
    l = F.cross_entropy(z, targets.flatten(), reduction="none")
    return (l * weights.flatten()).sum(), l.detach(), z.argmax(-1) == targets.flatten()


def disturbance(lw, k, b, strength, talk):
    """model.py's, of the heads but the first third, which may serve the moment. A key counts with the step that is written with it."""
    free = k.shape[2] // 3
    cut = lambda x: x[:, :, free:].float()
    if b is not None: return rwkv.disturbance(cut(lw), cut(k) * (1. if strength is None else cut(strength)), cut(b), talk)
    return rwkv.disturbance(cut(lw), cut(k) * (1. if strength is None else cut(strength)), torch.zeros_like(cut(k)), talk)


# ---- the models


class Rival(nn.Module):
    """Embedding, layers, head. Each mixer says its tensors and options (`config`), and how a layer is computed."""
    root, last_norm, every = "model.", "norm", 16

    def __init__(self, vocabulary, layers, width, hidden):
        super().__init__()
        self.shape = dict(vocabulary=vocabulary, layers=layers, width=width, hidden=hidden)
        self.L, self.D, self.F, self.H = layers, width, hidden, width // HEAD
        self.heads, self.channels = self.H, 3 * self.D  # of the scan; of the short convolutions
        self.config = dict(hidden_size=width, num_hidden_layers=layers, vocab_size=vocabulary, norm_eps=EPS, tie_word_embeddings=False)
        self.config |= self.options()
        self.first, self.second = [], []
        self.embedding = self.add(self.root + "embeddings.weight", torch.randn(vocabulary, width) * .1)
        for i in range(layers):
            self.first.append(self.mixer(f"{self.root}layers.{i}."))
            self.second.append(self.rest(f"{self.root}layers.{i}."))
        self.out = self.ones(self.root + self.last_norm + ".weight", width)
        self.head = self.add("lm_head.weight", (torch.rand(vocabulary, width) * 2 - 1) * .5 / width ** .5)
        self.scan, self.dtype, self.still = scan.plain, torch.float32, {}
        self.compiled = lambda f: f
        self.talk, self.disturbed = None, 0.

    # Parameters by the names of their tensors; a module's own may have no dots.
    def add(self, name, tensor):
        self.register_parameter(name.replace(".", "/"), nn.Parameter(tensor))
        return name
    def ones(self, name, *shape): return self.add(name, torch.ones(*shape))
    def matrix(self, name, out, inner): return self.add(name, (torch.rand(out, inner) * 2 - 1) / inner ** .5)
    def conv(self, name, channels): return self.add(name, (torch.rand(channels, 1, TAPS) * 2 - 1) / TAPS ** .5)
    def w(self, names): return [self._parameters[n.replace(".", "/")] for n in names]
    def tensors(self): return {n.replace("/", "."): p.detach() for n, p in self.named_parameters()}

    def rest(self, at):
        return [self.ones(at + "mlp_norm.weight", self.D), *(self.matrix(f"{at}mlp.{n}_proj.weight", self.F, self.D) for n in ("gate", "up")),
                self.add(at + "mlp.down_proj.weight", torch.zeros(self.D, self.F))]

    def decays(self, at):
        """A, and the bias of the step d that it is multiplied with: 0.1. A third of the heads forgets within 10 to 100 tokens, the others
        within 10^6 to 10^8, unless their steps grow."""
        soon = self.heads // 3
        power = torch.rand(self.heads)
        rate = 10 ** torch.cat((-2 + power[:soon], -8 + 2 * power[soon:]))
        return [self.add(at + "A_log", (rate / .1).log()), self.add(at + "dt_bias", torch.full((self.heads,), math.log(math.expm1(.1))))]

    def state(self, B):
        zeros = lambda *s: torch.zeros(B, *s, device=self.w([self.out])[0].device)
        return [zeros(TAPS - 1, self.channels) for _ in range(self.L)] + [zeros(self.heads, HEAD, HEAD) for _ in range(self.L)]

    def fresh(self, state, keep):
        """What is left of the state where only rows of keep [B] go on."""
        return [torch.where(keep.view(-1, *[1] * (t.dim() - 1)), t, torch.zeros((), dtype=t.dtype, device=t.device)) for t in state]

    def layer(self, i, x, state, new):
        lw, q, k, v, a, b, strength, more, last = self.compiled(self.mix_in)(x, state[i], self.dtype, *self.w(self.first[i]))
        if last is not None: new[i] = last
        if lw is None:
            if k.shape not in self.still: self.still[k.shape] = torch.zeros_like(k)
            lw = self.still[k.shape]
        if self.talk is not None and i: self.disturbed = self.disturbed + self.compiled(disturbance)(lw, k, b, strength, self.talk) / (self.L - 1)
        y, s = self.scan(lw, q, k, v, a, b, state[self.L + i], self.every)
        new[self.L + i] = s.detach()
        return self.compiled(self.mix_out)(x, y, *more, self.dtype, *self.w(self.second[i]))

    def body(self, tokens, state):
        x, new = F.embedding(tokens, self.w([self.embedding])[0]), list(state)
        for i in range(self.L): x = self.layer(i, x, state, new)
        return x, new

    def forward(self, tokens, state=None):
        x, state = self.body(tokens, state or self.state(tokens.shape[0]))
        norm, head = self.w([self.out, self.head])
        return _linear(rms(x, norm).to(self.dtype), head), state

    def loss(self, tokens, targets, weights, state, talk=None):
        """As model.py's: the sum, each token's loss, whether its best guess is right; self.disturbed with talk [B, T]."""
        self.talk, self.disturbed = talk, 0.
        x, state = self.body(tokens, state)
        self.talk = None
        return (*self.compiled(losses)(x, *self.w([self.out, self.head]), targets, weights, self.dtype), state)

    def on_gpu(self, compiled=True):
        self.scan, self.dtype = scan.cuda, torch.bfloat16
        if compiled:
            torch._functorch.config.enable_autograd_cache = False  # as in model.py
            self.compiled = compile_once
        return self.cuda()

    def eager(self): self.compiled = lambda f: f


_made = {}


def compile_once(f):
    """Models share what they have in common."""
    if f not in _made: _made[f] = torch.compile(f, dynamic=False, fullgraph=True)
    return _made[f]


class LinearAttention(Rival):
    mix_in, mix_out = staticmethod(linear_in), staticmethod(plain_out)
    o_norm = "norm"

    def options(self):
        self.channels = 0
        return dict(model_type="linear_attn", num_heads=self.H, intermediate_size=self.F, expand_k=1, expand_v=1, feature_map="elu")

    def mixer(self, at):
        return [self.ones(at + "attn_norm.weight", self.D)] + [self.matrix(f"{at}attn.{n}_proj.weight", self.D, self.D) for n in "qkv"]

    def rest(self, at):
        return [self.ones(f"{at}attn.{self.o_norm}.weight", HEAD), self.add(at + "attn.o_proj.weight", torch.zeros(self.D, self.D))] + super().rest(at)


class DeltaNet(LinearAttention):
    mix_in, o_norm = staticmethod(delta_in), "o_norm"

    def options(self):
        return dict(model_type="delta_net", num_heads=self.H, intermediate_size=self.F, expand_k=1, expand_v=1, use_gate=False, use_short_conv=True,
                    conv_size=TAPS, use_beta=True, use_output_norm=True, qk_norm="l2", qk_activation="silu", allow_neg_eigval=False)

    def mixer(self, at):
        return (super().mixer(at) + [self.matrix(at + "attn.b_proj.weight", self.H, self.D)]
                + [self.conv(f"{at}attn.{n}_conv1d.weight", self.D) for n in "qkv"])


class GatedDeltaNet(DeltaNet):
    mix_in, mix_out, every = staticmethod(gated_in), staticmethod(gated_out), 4

    def options(self):
        return dict(model_type="gated_deltanet", num_heads=self.H, head_dim=HEAD, intermediate_size=self.F, expand_v=1, use_gate=True,
                    use_short_conv=True, conv_size=TAPS, allow_neg_eigval=False)

    def mixer(self, at):
        return (super().mixer(at) + [self.matrix(at + "attn.a_proj.weight", self.H, self.D)] + self.decays(at + "attn.")
                + [self.matrix(at + "attn.g_proj.weight", self.D, self.D)])


class Mamba2(Rival):
    mix_in, mix_out, every = staticmethod(mamba_in), staticmethod(mamba_out), 4
    root, last_norm = "backbone.", "norm_f"

    def options(self):
        self.heads, self.channels = 2 * self.H, 2 * self.D + 2 * HEAD
        return dict(model_type="mamba2", expand=2, num_heads=self.heads, head_dim=HEAD, state_size=HEAD, n_groups=1, conv_kernel=TAPS,
                    use_bias=False, use_conv_bias=True, rms_norm=True, norm_before_gate=False)

    def mixer(self, at):
        m = at + "mixer."
        return [self.ones(at + "norm.weight", self.D), self.matrix(m + "in_proj.weight", 2 * self.D + self.channels + self.heads, self.D),
                self.conv(m + "conv1d.weight", self.channels), self.add(m + "conv1d.bias", torch.zeros(self.channels)), *self.decays(m)]

    def rest(self, at):
        m = at + "mixer."
        return [self.ones(m + "D", self.heads), self.ones(m + "norm.weight", 2 * self.D), self.add(m + "out_proj.weight", torch.zeros(self.D, 2 * self.D))]


class Softmax(Rival):
    """Sees the tokens of its segment and `past` before: what of a longer conversation lies further back, it never meets in training."""
    past = 3072

    def options(self):
        return dict(model_type="transformer", num_heads=self.H, intermediate_size=self.F, qk_norm=True, qkv_bias=False, rope_theta=10000.)

    def mixer(self, at):
        return ([self.ones(at + "attn_norm.weight", self.D)] + [self.matrix(f"{at}attn.{n}_proj.weight", self.D, self.D) for n in "qkv"]
                + [self.ones(f"{at}attn.{n}_norm.weight", HEAD) for n in "qk"])

    def rest(self, at): return [self.add(at + "attn.o_proj.weight", torch.zeros(self.D, self.D))] + super().rest(at)

    def state(self, B):
        zeros = lambda *s: torch.zeros(B, self.past, *s, device=self.w([self.out])[0].device)
        return [zeros(2, self.H, HEAD).to(self.dtype) for _ in range(self.L)] + [zeros().bool()]

    def body(self, tokens, state):
        T, x, new = tokens.shape[1], F.embedding(tokens, self.w([self.embedding])[0]), list(state)
        at = torch.arange(self.past + T, device=x.device)[:, None, None] * 10000. ** -(torch.arange(HEAD // 2, device=x.device) / (HEAD // 2))
        cos, sin = at.cos(), at.sin()
        for i in range(self.L):
            q, k, v, new[i] = self.compiled(attention_in)(x, state[i], state[-1], cos, sin, self.dtype, *self.w(self.first[i]))
            x = self.compiled(attention_out)(x, attend(q, k, v), self.dtype, *self.w(self.second[i]))
        new[-1] = torch.cat((state[-1], torch.ones_like(tokens, dtype=torch.bool)), 1)[:, T:]
        return x, new


class RWKV7(rwkv.RWKV7):
    """model.py's, with what a Rival has."""

    def __init__(self, **shape):
        super().__init__(**shape)
        self.disturbance_of = lambda lw, k, b, talk: disturbance(lw, k, b, None, talk)

    def fresh(self, state, keep): return tuple(torch.where(keep.view(1, -1, *[1] * (t.dim() - 2)), t, 0.) for t in state)

    def on_gpu(self, compiled=True):
        super().on_gpu(compiled)
        if compiled: self.disturbance_of = lambda lw, k, b, talk: compile_once(disturbance)(lw, k, b, None, talk)
        return self

    def eager(self):
        self.before, self.after, self.losses_of = rwkv.before_scan, rwkv.after_scan, rwkv.losses
        self.disturbance_of = lambda lw, k, b, talk: disturbance(lw, k, b, None, talk)


KINDS = {"linear_attention": LinearAttention, "deltanet": DeltaNet, "gated_deltanet": GatedDeltaNet, "mamba2": Mamba2, "softmax": Softmax, "rwkv7": RWKV7}


def load(path, device="cpu"):
    """(kind, model, the vocabulary's pieces)"""
    saved = torch.load(path, map_location=device, weights_only=True)
    m = KINDS[saved["kind"]](**saved["shape"])
    m.load_state_dict({k: v.float() for k, v in saved["weights"].items()})
    return saved["kind"], m, saved["pieces"]


def save(path, kind, model, pieces):
    weights = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    weights = {k: v.half() if v.dim() > 1 and v.numel() > 20000 else v for k, v in weights.items()}
    torch.save({"kind": kind, "shape": model.shape, "weights": weights, "pieces": pieces}, path)


def check(B=4, T=64):
    """Each mixer on the GPU, bf16 and kernels, against the CPU, float32 and as written: three segments' losses and the last one's gradients."""
    for kind, form in KINDS.items():
        found = []
        for gpu in (False, True):
            torch.manual_seed(1)
            net = form(vocabulary=256, layers=2, width=192, hidden=128)
            if kind == "softmax": net.past = 3 * T
            with torch.no_grad():
                for n, p in net.named_parameters():
                    if p.dim() == 2 and not p.any(): p.copy_(torch.randn_like(p) * p.shape[1] ** -.5)
            if gpu: net.on_gpu(compiled=False)
            dev, state, values = next(net.parameters()).device, net.state(B), []
            for i in range(3):
                tokens, weights, talk = (x.to(dev) for x in (torch.randint(0, 256, (B, T + 1)), torch.rand(B, T), torch.rand(B, T) < .5))
                keep = torch.ones(B, dtype=torch.bool, device=dev)
                keep[0] = i != 1
                net.zero_grad()
                total, _, _, state = net.loss(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(), weights, net.fresh(state, keep), talk)
                (total / (B * T) + .1 * net.disturbed).backward()
                values.append(total.item() / (B * T))
            found.append((values, torch.cat([p.grad.flatten().cpu() for p in net.parameters() if p.grad is not None])))
        (a, g), (b, h) = found
        error = float((g - h).norm() / g.norm())
        print(f"{kind:17}losses {', '.join(f'{x:.4f}' for x in a)}; on the GPU {', '.join(f'{x:.4f}' for x in b)}; gradients differ by {error:.3f}", flush=True)
        assert max(abs(x - y) for x, y in zip(a, b)) < 2e-2 and error < .1, kind


if __name__ == "__main__": check()
