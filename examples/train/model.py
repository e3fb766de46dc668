"""RWKV-7 (Peng et al. 2025, arXiv:2503.14456) as llama.cpp and recurra compute it; names as in the GGUF file.

    logits, state = model(tokens [B, T], state)      state = (shift of time mix [L, B, D], of channel mix [L, B, D], S [L, B, H, V, K])

The parts around the recurrence are functions of tensors, so that torch.compile makes one kernel list for all layers.
"""
import math

import torch
import torch._functorch.config
import torch.nn as nn
import torch.nn.functional as F

import scan

HEAD = 64


def _linear(x, W): return F.linear(x, W.to(x.dtype))


def _shift(x, before): return torch.cat((before[:, None], x[:, :-1]), 1)


def before_scan(x, before, v_first, dtype, ln_w, ln_b, mix, R, K, V, w0, w1, w2, a0, a1, a2, v0, v1, v2, g1, g2, k_k, k_a):
    """From the residual x [B, T, D] to what the recurrence takes."""
    B, T, D = x.shape
    h = F.layer_norm(x, (D,), ln_w, ln_b)
    last = h[:, -1].detach()
    xx = _shift(h, before) - h
    xr, xw, xk, xv, xa, xg = [(h + xx * m).to(dtype) for m in mix]
    r, k, v = _linear(xr, R), _linear(xk, K), _linear(xv, V)
    lw = -0.606531 * torch.sigmoid(w0 + (torch.tanh(xw @ w1.to(dtype)) @ w2.to(dtype)).float())
    if v_first is None: v_first = v
    else: v = v + (v_first - v) * torch.sigmoid(v0 + ((xv @ v1.to(dtype)) @ v2.to(dtype)).float()).to(dtype)
    a = torch.sigmoid(a0 + ((xa @ a1.to(dtype)) @ a2.to(dtype)).float())
    g = torch.sigmoid(xg @ g1.to(dtype)) @ g2.to(dtype)
    heads = lambda z: z.to(dtype).view(B, T, D // HEAD, HEAD)
    kk = F.normalize((k * k_k).float().view(B, T, D // HEAD, HEAD), dim=-1, eps=1e-12)
    k = k.float() * (1 + (a - 1) * k_a)
    return last, v_first, heads(lw), heads(r), heads(k), heads(v), heads(-kk), heads(kk * a.view_as(kk)), g


def after_scan(x, y, r, k, v, g, before, ln_w, ln_b, r_k, O, ln2_w, ln2_b, mix, K2, V2):
    """The rest of the layer: norm of the heads, bonus, gate, output; then the channel mix."""
    B, T, D = x.shape
    H = D // HEAD
    y = F.group_norm(y.float().reshape(B * T, D), H, ln_w, ln_b, 64e-5).view(B, T, D)
    bonus = (r.float() * k.float() * r_k).sum(-1, keepdim=True) * v.float()
    x = x + _linear(((y + bonus.view(B, T, D)) * g).to(g.dtype), O).float()
    h = F.layer_norm(x, (D,), ln2_w, ln2_b)
    last = h[:, -1].detach()
    h = (h + (_shift(h, before) - h) * mix).to(g.dtype)
    return x + _linear(torch.relu(_linear(h, K2)) ** 2, V2).float(), last


def head_logits(x, ln_w, ln_b, W, dtype): return _linear(F.layer_norm(x, x.shape[-1:], ln_w, ln_b).to(dtype), W)


def losses(x, ln_w, ln_b, W, targets, weights, dtype):
    """Sum of weighted cross entropies, and per token the loss and whether the best guess is right."""
    z = head_logits(x, ln_w, ln_b, W, dtype).float().flatten(0, 1)
    l = F.cross_entropy(z, targets.flatten(), reduction="none")
    return (l * weights.flatten()).sum(), l.detach(), z.argmax(-1) == targets.flatten()


def disturbance(lw, k, b, talk):
    """How much small talk writes to the channels that forget slowest, against what the telling of facts writes there.

    What a token does to a channel is v k + (S a) b: with k and b of 0 there, whatever is kept stays as it is. talk: [B, T].
    """
    slow = (lw.float().mean((0, 1)) > -2e-5).float()
    t = talk[:, :, None, None].float()
    part = lambda x: ((x.float().abs() * t).sum((0, 1)) / t.sum().clamp(min=1)
                      / (((x.float() ** 2) * (1 - t)).sum((0, 1)) / (1 - t).sum().clamp(min=1)).sqrt().detach().clamp(min=1e-5))
    return ((part(k) + part(b)) * slow).sum() / slow.sum().clamp(min=1)


class Layer(nn.Module):
    def __init__(self, i, L, D, Fh, rank=32, gate_rank=64):
        super().__init__()
        P = nn.Parameter
        lin, H = torch.linspace(0, 1, D), D // HEAD
        low = lambda a, b, s: P(torch.randn(a, b) * s / a ** .5)
        self.ln1_w, self.ln1_b, self.ln2_w, self.ln2_b = P(torch.ones(D)), P(torch.zeros(D)), P(torch.ones(D)), P(torch.zeros(D))
        self.mix = P(torch.stack([1 - lin ** (p * (1 - i / L)) for p in (.2, .9, .7, .7, .9, .2)]))
        # Log decay: half of the channels forget within tens to thousands of tokens, half within 10^4 to 10^7.
        w0 = -5.5 + 6 * lin ** (1 + (i / max(L - 1, 1)) ** .3)
        w0[::2] = -9 - 6 * lin[::2].view(H, -1).flip(0).flatten()
        self.w0, self.a0, self.v0 = P(w0), P(torch.zeros(D)), P(torch.full((D,), .7))
        self.w1, self.w2, self.a1, self.a2, self.v1, self.v2 = [low(D, rank, 0.) if j % 2 == 0 else low(rank, D, .1) for j in range(6)]
        self.g1, self.g2 = low(D, gate_rank, 1.), low(gate_rank, D, 1.)
        self.k_k, self.k_a, self.r_k = P(torch.full((D,), .85)), P(torch.ones(D)), P(torch.zeros(H, HEAD))
        matrix = lambda o, n, s=1.: P((torch.rand(o, n) * 2 - 1) * s / n ** .5)
        self.R, self.K, self.V, self.O = matrix(D, D), matrix(D, D), matrix(D, D), P(torch.zeros(D, D))
        self.ln_w, self.ln_b = P(torch.ones(D)), P(torch.zeros(D))
        self.mix2 = P(1 - lin ** ((1 - i / L) ** 4))
        self.K2, self.V2 = matrix(Fh, D), P(torch.zeros(D, Fh))

    def first(self): return (self.ln1_w, self.ln1_b, self.mix, self.R, self.K, self.V, self.w0, self.w1, self.w2, self.a0, self.a1, self.a2, self.v0, self.v1, self.v2, self.g1, self.g2, self.k_k, self.k_a)
    def second(self): return (self.ln_w, self.ln_b, self.r_k, self.O, self.ln2_w, self.ln2_b, self.mix2, self.K2, self.V2)


class RWKV7(nn.Module):
    def __init__(self, vocabulary, layers=6, width=256, hidden=1024):
        super().__init__()
        self.L, self.D, self.shape = layers, width, dict(vocabulary=vocabulary, layers=layers, width=width, hidden=hidden)
        self.emb = nn.Parameter((torch.rand(vocabulary, width) * 2 - 1) * 1e-2)
        P = nn.Parameter
        self.ln0_w, self.ln0_b, self.out_w, self.out_b = P(torch.ones(width)), P(torch.zeros(width)), P(torch.ones(width)), P(torch.zeros(width))
        self.layers = nn.ModuleList(Layer(i, layers, width, hidden) for i in range(layers))
        self.head = P((torch.rand(vocabulary, width) * 2 - 1) * .5 / width ** .5)
        self.scan, self.dtype = scan.plain, torch.float32
        self.before, self.after, self.losses_of, self.disturbance_of = before_scan, after_scan, losses, disturbance
        self.talk, self.disturbed = None, 0.

    def state(self, B):
        z = lambda *s: torch.zeros(self.L, B, *s, device=self.emb.device)
        return z(self.D), z(self.D), z(self.D // HEAD, HEAD, HEAD)

    def body(self, tokens, state):
        """The last layer's output [B, T, D], and the state after it."""
        x = F.layer_norm(F.embedding(tokens, self.emb), (self.D,), self.ln0_w, self.ln0_b)
        v_first, t_shift, c_shift, S = None, [], [], []
        for i, layer in enumerate(self.layers):
            last, v_first, lw, r, k, v, a, b, g = self.before(x, state[0][i], v_first, self.dtype, *layer.first())
            if self.talk is not None and i: self.disturbed = self.disturbed + self.disturbance_of(lw, k, b, self.talk) / (self.L - 1)
            y, s = self.scan(lw, r, k, v, a, b, state[2][i])
            x, last2 = self.after(x, y, r, k, v, g, state[1][i], *layer.second())
            t_shift.append(last); c_shift.append(last2); S.append(s.detach())
        return x, (torch.stack(t_shift), torch.stack(c_shift), torch.stack(S))

    def forward(self, tokens, state=None):
        x, state = self.body(tokens, state or self.state(tokens.shape[0]))
        return head_logits(x, self.out_w, self.out_b, self.head, self.dtype), state

    def loss(self, tokens, targets, weights, state, talk=None):
        """talk: [B, T], true where the token is small talk; then self.disturbed is what it does to the long memory."""
        self.talk, self.disturbed = talk, 0.
        x, state = self.body(tokens, state)
        self.talk = None
        return (*self.losses_of(x, self.out_w, self.out_b, self.head, targets, weights, self.dtype), state)

    def on_gpu(self, compiled=True, kernel="cuda"):
        self.scan, self.dtype = getattr(scan, kernel), torch.bfloat16
        if compiled:
            torch._functorch.config.enable_autograd_cache = False  # torch 2.11 restores views of outputs wrongly from it
            c = lambda f: torch.compile(f, dynamic=False, fullgraph=True)
            self.before, self.after, self.losses_of, self.disturbance_of = c(before_scan), c(after_scan), c(losses), c(disturbance)
        return self.cuda()


def load(path, device="cpu"):
    saved = torch.load(path, map_location=device, weights_only=True)
    m = RWKV7(**saved["shape"])
    m.load_state_dict({k: v.float() for k, v in saved["weights"].items()})
    return m, saved["pieces"]


def save(path, model, pieces, half=True):
    weights = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    if half: weights = {k: v.half() if v.dim() > 1 and v.numel() > 20000 else v for k, v in weights.items()}
    torch.save({"shape": model.shape, "weights": weights, "pieces": pieces}, path)
