"""The recurrence of RWKV-7 in two forms that agree: plain PyTorch, and the CUDA kernel of scan.cu.

    y, S = scan(lw, q, k, v, a, b, S0)      S_t = S_{t-1} (diag(e^lw) + a b^T) + v k^T,  y = S q

lw, q, k, v, a, b, y: [B, T, H, N]; S0, S: [B, H, V, K] float32. No gradient flows into S0. With a and b None nothing is erased.
Gradients are exact enough while lw sums to no less than -10 over `every` tokens: 16 for RWKV-7; the scalar decays of
others, cut off at -3.5, take 4 and are off by some percent where four tokens in a row forget nearly all.
"""
import ctypes
import os
import subprocess
import tempfile

import torch


def plain(lw, q, k, v, a, b, S, every=16):
    """One token after another, as written above; in the inputs' precision, at least float32."""
    f = lambda x: x if x is None or x.dtype == torch.float64 else x.float()
    lw, q, k, v, a, b = map(f, (lw, q, k, v, a, b))
    S, ys, w = S.to(q.dtype), [], lw.exp()
    for t in range(q.shape[1]):
        sa = None if a is None else torch.einsum("bhvk,bhk->bhv", S, a[:, t])
        S = S * w[:, t, :, None, :] + v[:, t, :, :, None] * k[:, t, :, None, :]
        if a is not None: S = S + sa[..., None] * b[:, t, :, None, :]
        ys.append(torch.einsum("bhvk,bhk->bhv", S, q[:, t]))
    return torch.stack(ys, 1), S


_lib = None


def _library():
    global _lib
    if _lib is None:
        here = os.path.dirname(os.path.abspath(__file__))
        out = os.path.join(tempfile.gettempdir(), "recurra_scan.so")
        if not os.path.exists(out):
            subprocess.run(["nvcc", "-O3", "-gencode=arch=compute_90,code=sm_90", "--shared", "-Xcompiler", "-fPIC", "-o", out + f".{os.getpid()}", os.path.join(here, "scan.cu")], check=True)
            os.replace(out + f".{os.getpid()}", out)
        _lib = ctypes.CDLL(out)
    return _lib


def _p(*tensors): return [ctypes.c_void_p(None if x is None else x.data_ptr()) for x in tensors]


class _Cuda(torch.autograd.Function):
    @staticmethod
    def forward(ctx, lw, q, k, v, a, b, S0, every):
        B, T, H, N = q.shape
        erase = a is not None
        assert N == 64 and T % 16 == 0 and 16 % every == 0 and all(x.dtype == torch.bfloat16 for x in (lw, q, k, v, a, b) if x is not None)
        lw, q, k, v, a, b = (x if x is None else x.contiguous() for x in (lw, q, k, v, a, b))
        S0 = S0.contiguous()
        grad = any(ctx.needs_input_grad)
        y, S1 = torch.empty_like(q), torch.empty_like(S0)
        kept = torch.empty(B, H, T // every, N, N, device=q.device) if grad else None
        sa = torch.empty(B, T, H, N, device=q.device) if grad and erase else None
        error = _library().scan_forward(B, T, H, every, *_p(lw, q, k, v, a, b, S0, y, S1, kept, sa), ctypes.c_void_p(torch.cuda.current_stream().cuda_stream))
        assert error == 0, error
        ctx.save_for_backward(lw, q, k, v, a, b, kept, sa)
        ctx.every = every
        ctx.mark_non_differentiable(S1)
        return y, S1

    @staticmethod
    def backward(ctx, dy, _):
        lw, q, k, v, a, b, kept, sa = ctx.saved_tensors
        B, T, H, _n = q.shape
        d = [torch.empty_like(q) for _ in range(4 if a is None else 6)] + [None, None][:2 * (a is None)]
        dlw, dq, dk, dv, da, db = d
        error = _library().scan_backward(B, T, H, ctx.every, *_p(lw, q, k, v, a, b, dy.contiguous(), kept, sa, dlw, dq, dk, dv, da, db), ctypes.c_void_p(torch.cuda.current_stream().cuda_stream))
        assert error == 0, error
        return (*d, None, None)


def cuda(lw, q, k, v, a, b, S, every=16): return _Cuda.apply(lw, q, k, v, a, b, S, every)


def check_rivals(form, dev, B=3, T=64, H=3):
    """The other mixers' inputs: w = 1 (with and without erase), scalar decays that forget nearly all in a token, B and C of all heads."""
    torch.manual_seed(2)
    R = lambda: torch.randn(B, T, H, 64, device=dev)
    each = lambda x: x.expand(B, T, H, 64).bfloat16()
    unit = torch.nn.functional.normalize(R(), dim=-1)
    beta, lw = torch.rand(B, T, H, 1, device=dev), (-10 ** (torch.rand(B, T, H, 1, device=dev) * 8 - 7)).clamp(min=-3.5)
    still, S0, dy = each(torch.zeros(B, T, H, 1, device=dev)), torch.randn(B, H, 64, 64, device=dev), R()
    error = lambda g, ref: float((g.detach().double() - ref.detach().double()).norm() / ref.detach().double().norm())
    for name, every, x in (("linear attention", 16, (still, R(), R(), R(), None, None)), ("DeltaNet", 16, (still, R(), unit, R() * beta, -unit, unit * beta)),
                           ("gated DeltaNet", 4, (each(lw), R(), unit, R() * beta, -unit, unit * beta * lw.exp())), ("Mamba-2", 4, (each(lw), R(), R(), R(), None, None))):
        x = [t if t is None else t.bfloat16().contiguous() for t in x]
        leaf = lambda f: [t if t is None else f(t.detach()).clone().requires_grad_() for t in x]
        ref, mine = leaf(lambda t: t.double()), leaf(lambda t: t)
        y, S = plain(*ref, S0.double())
        y.backward(dy.bfloat16().double())
        z, Z = form(*mine, S0, every)
        z.backward(dy.bfloat16())
        errors = [error(z, y), error(Z, S)] + [error(m.grad, g.grad) for m, g in zip(mine, ref) if m is not None]
        print(name, *("%s %.1e" % x for x in zip("y S dlw dq dk dv da db".split(), errors)))
        assert max(errors) < 1e-2


def check(B=3, T=64, H=4):
    """Ours against float64, values and gradients; prints the relative errors."""
    torch.manual_seed(1)
    dev = "cuda"
    R = lambda: torch.randn(B, T, H, 64, device=dev)
    kk = torch.nn.functional.normalize(R(), dim=-1)
    lw = -.606531 * torch.sigmoid(R() * 3 - 2)
    x = [t.bfloat16() for t in (lw, R(), R() * .3, R(), -kk, kk * torch.sigmoid(R()))]
    S0, dy = torch.randn(B, H, 64, 64, device=dev), R()
    error = lambda g, ref: float((g.double() - ref.double()).norm() / ref.double().norm())
    ref = [t.double().requires_grad_() for t in x]
    y, S = plain(*ref, S0.double())
    y.backward(dy.double())
    for name, form in (("cuda", cuda),):
        mine = [t.detach().clone().requires_grad_() for t in x]
        z, Z = form(*mine, S0)
        z.backward(dy.bfloat16())
        errors = [error(z, y), error(Z, S)] + [error(m.grad, g.grad) for m, g in zip(mine, ref)]
        print(name, *("%s %.1e" % x for x in zip("y S dlw dq dk dv da db".split(), errors)))
        assert max(errors) < 1e-2  # bf16 in and out
    check_rivals(cuda, dev)
    for B, T in ((64, 1024), (128, 512)):
        x = [t.repeat(-(-B // 3), -(-T // 64), 1, 1)[:B, :T].contiguous().requires_grad_() for t in (lw.bfloat16(), *[t.detach() for t in x[1:]])] if B == 64 else [t.detach().view(B, T, H, 64).requires_grad_() for t in x]
        S0 = torch.zeros(B, H, 64, 64, device=dev)
        dy = torch.randn(B, T, H, 64, device=dev).bfloat16()
        for _ in range(3):
            e = [torch.cuda.Event(enable_timing=True) for _ in range(3)]
            e[0].record(); y, S = cuda(*x, S0); e[1].record(); y.backward(dy); e[2].record()
            torch.cuda.synchronize()
        print(f"B {B} T {T}: forward {e[0].elapsed_time(e[1]):.2f} ms, backward {e[1].elapsed_time(e[2]):.2f} ms")


if __name__ == "__main__": check()
