#!/usr/bin/env python3
"""A GGUF file of a released model's shape with drawn weights, in seconds, for measuring speed.

    draw_model.py 0.1b|1.5b|7.2b|tiny|mamba2-130m OUT.gguf [f16|q8_0|q4_k]      RWKV-7, and Mamba-2

Needs nothing but Python. Values are cut from one drawn pool, so that even 14 GB are written as fast as the disk allows.
Matrices have elements of about 1/sqrt(in): activations stay what they are, and half of the channel mix's hidden values
are 0.
"""
import array
import random
import struct
import sys

SHAPES = {  # layers, width, hidden, rank of w, a, v, g, vocabulary
    'tiny': (2, 256, 1024, 32, 32, 32, 64, 512),
    '0.1b': (12, 768, 3072, 64, 64, 32, 128, 65536),
    '1.5b': (24, 2048, 8192, 96, 96, 64, 256, 65536),
    '7.2b': (32, 4096, 16384, 128, 128, 96, 480, 65536),
}
MAMBA2 = {  # layers, width, inner, states, heads, vocabulary; one group, convolution over 4 tokens
    'mamba2-130m': (24, 768, 1536, 128, 24, 50288),
}
F32, F16, Q8_0, Q4_K = 0, 1, 8, 12
BLOCK = {F32: (1, 4), F16: (1, 2), Q8_0: (32, 34), Q4_K: (256, 144)}


def of_kind(matrix):
    def mat(name, out, inner, kind=None):
        kind = matrix if kind is None else kind
        return name + '.weight', (out, inner), kind if inner % BLOCK[kind][0] == 0 else F16, inner ** -0.5

    def vec(name, n, value):
        return name, n if isinstance(n, tuple) else (n,), F32, value

    return mat, vec


def mamba2_tensors(shape, matrix):
    layers, D, I, N, H, V = shape
    mat, vec = of_kind(matrix)
    yield mat('token_embd', V, D, F16)
    yield vec('output_norm.weight', D, 'one')
    for i in range(layers):
        p = 'blk.%d.' % i
        yield vec(p + 'attn_norm.weight', D, 'one')
        yield mat(p + 'ssm_in', 2 * I + 2 * N + H, D)
        yield vec(p + 'ssm_conv1d.weight', (I + 2 * N, 4), 'unit')
        yield vec(p + 'ssm_conv1d.bias', I + 2 * N, 'zero')
        yield vec(p + 'ssm_dt.bias', H, 'unit')
        yield vec(p + 'ssm_a', (H, 1), 'minus')
        yield vec(p + 'ssm_d', (H, 1), 'unit')
        yield vec(p + 'ssm_norm.weight', (1, I), 'one')
        yield mat(p + 'ssm_out', D, I)


def tensors(shape, matrix):
    layers, D, F, dw, da, dv, dg, V = shape
    mat, vec = of_kind(matrix)
    low = F16 if matrix != F16 else matrix  # ranks are no multiples of a block

    yield mat('token_embd', V, D, F16)
    for name in ('token_embd_norm', 'output_norm'):
        yield vec(name + '.weight', D, 'one')
        yield vec(name + '.bias', D, 'zero')
    yield mat('output', V, D)
    for i in range(layers):
        p = 'blk.%d.' % i
        for name in ('attn_norm', 'attn_norm_2', 'time_mix_ln'):
            yield vec(p + name + '.weight', D, 'one')
            yield vec(p + name + '.bias', D, 'zero')
        yield p + 'time_mix_lerp_fused.weight', (6, D), F32, 'unit'
        for name in ('receptance', 'key', 'value', 'output'):
            yield mat(p + 'time_mix_' + name, D, D)
        for name, rank in (('w', dw), ('a', da), ('v', dv), ('g', dg)):
            if name == 'v' and i == 0:
                continue
            yield mat(p + 'time_mix_%s1' % name, rank, D, low)
            yield mat(p + 'time_mix_%s2' % name, D, rank, low)
            if name != 'g':
                yield vec(p + 'time_mix_%s0.weight' % name, D, 'unit')
        for name in ('k_k', 'k_a', 'r_k'):
            yield vec(p + 'time_mix_%s.weight' % name, D, 'unit')
        yield vec(p + 'channel_mix_lerp_k.weight', D, 'unit')
        yield mat(p + 'channel_mix_key', F, D)
        yield mat(p + 'channel_mix_value', D, F)


class Pool:
    """Drawn bytes of a type and scale, cut anywhere at a block."""
    SIZE = 1 << 22

    def __init__(self, kind, scale):
        draw = random.Random(1)
        n, width = BLOCK[kind]
        data = bytearray()
        if kind == F32:
            low, high = {'one': (1, 1), 'zero': (0, 0), 'unit': (0, 1), 'minus': (-1, -0.1)}[scale]
            self.data = array.array('f', (draw.uniform(low, high) for _ in range(1 << 14))).tobytes()
            return
        half = struct.Struct('<e').pack
        if kind == F16:
            data = b''.join(half(draw.gauss(0, scale)) for _ in range(1 << 18))
        elif kind == Q8_0:
            data = b''.join(half(scale / 74) + draw.randbytes(32) for _ in range(1 << 12))
        elif kind == Q4_K:  # all scales and minima 32 (of groups 4 to 7 the two upper bits are kept elsewhere)
            packed = bytes([2 << 6 | 32] * 8 + [0] * 4)
            data = b''.join(half(scale / 148) + half(scale / 148 * 7.5) + packed + draw.randbytes(128)
                            for _ in range(1 << 10))
        self.data = bytes(data)
        self.data *= max(1, self.SIZE // len(self.data))

    def write(self, f, bytes_, at):
        at %= len(self.data)
        while bytes_ > 0:
            part = self.data[at:at + bytes_]
            f.write(part)
            bytes_ -= len(part)
            at = 0


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in {**SHAPES, **MAMBA2}:
        sys.exit(__doc__)
    matrix = {'f16': F16, 'q8_0': Q8_0, 'q4_k': Q4_K}[sys.argv[3] if len(sys.argv) > 3 else 'f16']
    if sys.argv[1] in MAMBA2:
        kind, epsilon, shape = 'mamba2', 'layer_norm_rms_epsilon', MAMBA2[sys.argv[1]]
        layers, D, I, N, H, _ = shape
        numbers = {'context_length': 1 << 20, 'feed_forward_length': 0, 'attention.head_count': 0, 'ssm.conv_kernel': 4,
                   'ssm.inner_size': I, 'ssm.state_size': N, 'ssm.time_step_rank': H, 'ssm.group_count': 1}
        every = list(mamba2_tensors(shape, matrix))
    else:
        kind, epsilon, shape = 'rwkv7', 'layer_norm_epsilon', SHAPES[sys.argv[1]]
        layers, D, F = shape[:3]
        numbers = {'feed_forward_length': F, 'wkv.head_size': 64}
        every = list(tensors(shape, matrix))
    numbers = {'block_count': layers, 'embedding_length': D, **numbers}

    def text(s):
        return struct.pack('<Q', len(s)) + s.encode()

    head = struct.pack('<4sIQQ', b'GGUF', 3, len(every), len(numbers) + 2)
    head += text('general.architecture') + struct.pack('<I', 8) + text(kind)
    head += text('%s.attention.%s' % (kind, epsilon)) + struct.pack('<If', 6, 1e-5)
    for key, value in numbers.items():
        head += text('%s.%s' % (kind, key)) + struct.pack('<II', 4, value)
    offset, sizes = 0, []
    for name, dims, kind, _ in every:
        n = 1
        for d in dims:
            n *= d
        size = n // BLOCK[kind][0] * BLOCK[kind][1]
        head += text(name) + struct.pack('<I', len(dims)) + b''.join(struct.pack('<Q', d) for d in reversed(dims))
        head += struct.pack('<IQ', kind, offset)
        sizes.append(size)
        offset += (size + 31) // 32 * 32
    pools = {}
    with open(sys.argv[2], 'wb', buffering=0) as f:
        f.write(head + bytes(-len(head) % 32))
        for i, ((_, _, kind, scale), size) in enumerate(zip(every, sizes)):
            pool = pools.setdefault((kind, scale), Pool(kind, scale) if (kind, scale) not in pools else None)
            block = BLOCK[kind][1]
            pool.write(f, size, i * 7919 * block)
            f.write(bytes(-size % 32))


main()
