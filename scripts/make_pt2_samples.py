"""Writes the .pt2 samples of test/support/pt2 and what PyTorch itself says of them.

Usage: python scripts/make_pt2_samples.py <folder>

Each model is exported twice: as torch.export gives it (operators as the author wrote them, in-place writes kept) and after
run_decompositions() (core ATen operators, writes turned into outputs). All but the smallest are packed afterwards. <folder>/expected.json
(expected-old.json) holds, per file and tensor, the shape that torch.fx.Interpreter sees when it runs the loaded archive, and per operator the
count of torch.utils.flop_counter.FlopCounterMode. Made with torch 2.15.0 (archives) and torch 2.6.0 (the layout before archives, names ending in -old), both from PyPI.
"""

import json
import os
import sys
import zipfile

import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim, export
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

OLD = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2]) < (2, 8)


OLD_FILES = ("mlp-core", "decoder-core", "decoder-given-cache-written", "moe-core")


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.up = nn.Linear(16, 40)
        self.down = nn.Linear(40, 12, bias=False)
        self.register_buffer("scale", torch.full((12,), 0.5))

    def forward(self, x):
        return torch.tanh(self.down(F.gelu(self.up(self.norm(x))))) * self.scale


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding="same", groups=8)
        self.point = nn.Conv2d(8, 16, 1)
        self.group = nn.GroupNorm(4, 16)
        self.up = nn.ConvTranspose2d(16, 4, 2, stride=2)
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.stem(x))), 2)
        x = F.silu(self.group(self.point(x + self.depthwise(x))))
        x = F.interpolate(self.up(x), scale_factor=2, mode="nearest")
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1)), 3, stride=1)
        return F.log_softmax(self.head(F.adaptive_avg_pool2d(x, 1).flatten(1)), dim=-1)


HEADS, KV_HEADS, HEAD_DIM, LENGTH, LAYERS, VOCABULARY = 4, 2, 8, 24, 1, 50
WIDTH = HEADS * HEAD_DIM


def rotated(x, positions):
    angle = positions[:, None] * torch.pow(100.0, -torch.arange(0, HEAD_DIM, 2, device=x.device) / HEAD_DIM)
    cos, sin = torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Layer(nn.Module):
    def __init__(self, caches):
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(WIDTH, eps=1e-6), nn.RMSNorm(WIDTH, eps=1e-6)
        self.q = nn.Linear(WIDTH, WIDTH, bias=False)
        self.k = nn.Linear(WIDTH, KV_HEADS * HEAD_DIM, bias=False)
        self.v = nn.Linear(WIDTH, KV_HEADS * HEAD_DIM, bias=False)
        self.o = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate, self.up = nn.Linear(WIDTH, 2 * WIDTH, bias=False), nn.Linear(WIDTH, 2 * WIDTH, bias=False)
        self.down = nn.Linear(2 * WIDTH, WIDTH, bias=False)
        if caches:
            self.register_buffer("k_cache", torch.zeros(4, KV_HEADS, LENGTH, HEAD_DIM))
            self.register_buffer("v_cache", torch.zeros(4, KV_HEADS, LENGTH, HEAD_DIM))

    def forward(self, x, positions, mask, caches=None):
        batch, tokens, _ = x.shape
        y = self.norm1(x)
        q, k, v = (
            t.view(batch, tokens, -1, HEAD_DIM).transpose(1, 2) for t in (self.q(y), self.k(y), self.v(y))
        )
        q, k = rotated(q, positions), rotated(k, positions)
        if caches is None:
            self.k_cache[:batch].index_copy_(2, positions, k)
            self.v_cache[:batch].index_copy_(2, positions, v)
            k, v = self.k_cache[:batch], self.v_cache[:batch]
        else:
            caches[0].index_copy_(2, positions, k)
            caches[1].index_copy_(2, positions, v)
            k, v = caches
        k, v = (t.repeat_interleave(HEADS // KV_HEADS, dim=1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.o(y.transpose(1, 2).reshape(batch, tokens, -1))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Decoder(nn.Module):
    def __init__(self, caches=True):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(Layer(caches) for _ in range(LAYERS))
        self.norm = nn.RMSNorm(WIDTH, eps=1e-6)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, ids, positions, past=None):
        x = self.embedding(ids)
        mask = torch.arange(LENGTH)[None, :] <= positions[:, None]
        for at, layer in enumerate(self.layers):
            x = layer(x, positions, mask, None if past is None else past[at])
        return torch.argmax(self.head(self.norm(x[:, -1:])), -1)


class Moe(nn.Module):
    """Top 2 of 4 experts: all experts as one batched product, and one expert on the tokens that chose it."""

    def __init__(self, experts=4, width=16, inner=24):
        super().__init__()
        self.router = nn.Linear(width, experts, bias=False)
        self.w1 = nn.Parameter(torch.randn(experts, width, 2 * inner))
        self.w2 = nn.Parameter(torch.randn(experts, inner, width))
        self.shared = nn.Linear(width, width)

    def forward(self, x):
        scores = self.router(x).softmax(-1)
        top, chosen = torch.topk(scores, 2, dim=-1)
        top = top / top.sum(-1, keepdim=True)
        weights = torch.zeros_like(scores).scatter(1, chosen, top)
        hidden = torch.bmm(x.unsqueeze(0).expand(self.w1.shape[0], -1, -1), self.w1)
        gate, up = hidden.chunk(2, dim=-1)
        mixed = torch.einsum("etd,te->td", torch.bmm(F.silu(gate) * up, self.w2), weights)
        rows = torch.nonzero(chosen[:, 0] == 1).squeeze(-1)
        return mixed.index_add(0, rows, self.shared(x[rows]))


class Windows(nn.Module):
    """Older ways of writing: 1-d convolution, LSTM-free recurrence by unbind, slices, splits, masks, a loop that is unrolled."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(6, 12, 3, padding=2, dilation=2)
        self.mix = nn.Linear(12, 12)
        self.table = nn.Parameter(torch.randn(9, 12))

    def forward(self, x, lengths):
        y = self.conv(x).transpose(1, 2)
        first, second = y.split([5, 7], dim=-1)
        y = torch.cat([first.cumsum(1), second.clamp(min=0)], -1)
        y = torch.stack([self.mix(step) for step in y[:, :3].unbind(1)], 1) + self.table[:3]
        mask = torch.arange(3)[None] < lengths[:, None]
        y = y.masked_fill(~mask[..., None], float("-inf"))
        values, at = y.max(dim=1)
        return torch.where(torch.isfinite(values), values, 0.0), at, y.var(-1), y.flip(1)[:, ::2], x[:, [0, 2]].roll(1, -1)


@torch.library.custom_op("samples::scaled", mutates_args=())
def scaled(x: torch.Tensor, factor: float) -> torch.Tensor:
    return x * factor


@scaled.register_fake
def _(x, factor):
    return torch.empty_like(x)


class Choice(nn.Module):
    """A branch that depends on data, an operator of the author's own, and tied weights."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)
        self.second.weight = self.first.weight

    def forward(self, x):
        def more(y):
            return torch.mm(y, y.t()).sum(-1)

        def less(y):
            return y.sum(-1)

        x = scaled(self.second(torch.relu(self.first(x))), 0.5)
        return torch.cond(x.sum() > 0, more, less, (x,))


class Operators(nn.Module):
    """Calls that the other samples do not have, each once."""

    def forward(self, x, image, whole):
        many = [
            x.swapaxes(0, 2), x.swapdims(1, 2), x.movedim(0, 2), x.view(torch.int32), x.unflatten(2, (3, 4)), x.unfold(2, 4, 3), x.tile(2, 1),
            x.repeat(1, 2, 1, 1), x.diagonal(0, 1, 2), x.narrow(1, 1, 3), x.select_scatter(x[:, 0], 1, 2), x.std(1), torch.var_mean(x, 2),
            x.amax((1, 2), keepdim=True), x.argmin(1), x.sort(1), x.argsort(2), x.median(1), x.kthvalue(2, 1), x.logsumexp(1), x.norm(dim=2),
            x.prod(1), x.any(), x.all(1), x.cumprod(1), x.diff(dim=2), x.aminmax(dim=1), x.tril(), x.roll(2, 1), x.abs(), x.clamp(max=x.mean()),
            torch.outer(x[0, 0], x[0, 1]), torch.mv(x[0], x[0, 0]), torch.dot(x[0, 0], x[0, 1]), torch.baddbmm(x, x[:, :, :5], x[:, :5]),
            torch.addmv(x[0, :, 0], x[0], x[0, 0]), torch.max(x, x[:1]), torch.lerp(x, x + 1, 0.5), torch.addcmul(x, x, x), torch.atan2(x, x),
            torch.take_along_dim(x, x.argsort(1), 1), torch.hstack((x, x)), torch.gather(x, 1, x[:, :2].long() * 0), F.one_hot(whole, 7),
            F.max_pool2d(image, 3, 2, ceil_mode=True), F.avg_pool2d(image, 3, 2, 1, ceil_mode=True), F.adaptive_avg_pool2d(image, (3, 2)),
            F.conv_transpose2d(image, image[:1].transpose(0, 1)[:, :, :3, :3] * 1.0, stride=2, output_padding=1), F.pixel_shuffle(image, 1),
            F.interpolate(image, size=(5, 7), mode="bilinear"), F.interpolate(image, scale_factor=1.5), F.unfold(image, 3), F.glu(x), F.elu(x),
            F.instance_norm(image), F.pad(image, (1, 2, 0, 1), mode="reflect"), F.normalize(x, dim=1), F.softplus(x), F.embedding(whole, x[0]),
            whole / 2, whole // 2, whole**2, whole.float().int(), whole.bitwise_and(3), whole.sum(), torch.arange(0, 9, 2), torch.linspace(0, 1, 5),
            torch.eye(3, 4), torch.full((2, 3), 1.5), whole.new_zeros(4), torch.zeros(x.shape[0], 2), torch.where(whole > 1, whole, 0), x.mT @ x,
            F.scaled_dot_product_attention(x, x, x, is_causal=True), x.chunk(5, 2), x.split(5, 2), x.unbind(1)[0],
        ]
        return [leaf for leaf in torch.utils._pytree.tree_leaves(many) if isinstance(leaf, torch.Tensor)]


def samples():
    batch, tokens = Dim("batch", min=1, max=4), Dim("tokens", min=2, max=LENGTH)
    ids, positions = torch.randint(0, VOCABULARY, (3, 5)), torch.arange(4, 9)
    shapes = ({0: batch, 1: tokens}, {0: tokens})
    cache = lambda: torch.zeros(3, KV_HEADS, LENGTH, HEAD_DIM)
    past = [(cache(), cache()) for _ in range(LAYERS)]
    rows = Dim("rows", min=2, max=4096)
    return {
        "mlp": (Mlp(), (torch.randn(3, 16),), ({0: rows},)),
        "cnn": (Cnn().eval(), (torch.randn(2, 3, 32, 32),), ({0: rows},)),
        "decoder": (Decoder(), (ids, positions), shapes),
        "decoder-given-cache": (
            Decoder(False),
            (ids, positions, past),
            (*shapes, [({0: batch}, {0: batch}) for _ in range(LAYERS)]),
        ),
        "moe": (Moe(), (torch.randn(7, 16),), ({0: rows},)),
        "choice": (Choice(), (torch.randn(3, 8),), ({0: rows},)),
        "operators": (
            Operators(),
            (torch.randn(3, 12, 12), torch.randn(3, 4, 12, 11), torch.tensor([0, 2, 5])),
            None,
        ),
        "windows": (Windows(), (torch.randn(2, 6, 11), torch.tensor([1, 3])), ({0: rows}, {0: rows})),
    }


class Watch(torch.fx.Interpreter):
    """Runs a graph and keeps what each node gave and what its operations were."""

    def __init__(self, module):
        super().__init__(module)
        self.tensors, self.flops = {}, {}

    def run_node(self, node):
        counter = FlopCounterMode(display=False)
        # The operator as products of matrices: the counter has no row for the CPU's fused kernel in every version.
        with counter, sdpa_kernel(SDPBackend.MATH):
            result = super().run_node(node)
        if node.op == "call_function" and counter.get_total_flops() > 0:
            self.flops[node.name] = counter.get_total_flops()
        self.keep(node, result)
        return result

    def keep(self, node, result):
        if isinstance(result, torch.Tensor):
            self.tensors[node.name] = [list(result.shape), str(result.dtype).removeprefix("torch.")]


def without_traces(program):
    """Stack traces name folders of the machine that exported."""
    for node in program.graph.nodes:
        for key in ("stack_trace", "torch_fn", "source_fn_stack", "from_node"):
            node.meta.pop(key, None)
    return program


def packed(path):
    """Packs the JSON of an archive, which PyTorch stores as it is, so that the samples stay small. Weights stay where and as they are."""
    with zipfile.ZipFile(path) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for entry, data in entries:
            entry = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED if entry.filename.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(entry, data)


def plain(args):
    return [leaf for leaf in torch.utils._pytree.tree_leaves(args) if isinstance(leaf, torch.Tensor)]


def describe(path, program, args, module):
    graph = program.graph_module
    state = {**program.state_dict, **program.constants}
    given = iter(plain(args))
    inputs = []
    for spec in program.graph_signature.input_specs:
        if spec.kind.name == "USER_INPUT":
            inputs.append(next(given).clone() if isinstance(spec.arg, torch.export.graph_signature.TensorArgument) else None)
        else:
            inputs.append(state[spec.target].clone())
    watch = Watch(graph)
    with torch.no_grad():
        watch.run(*inputs)
    sizes = {}
    for node in graph.graph.nodes:
        if isinstance(node.meta.get("val"), torch.Tensor) and node.name in watch.tensors:
            for size, value in zip(node.meta["val"].shape, watch.tensors[node.name][0]):
                if not isinstance(size, int) and str(size).isidentifier():
                    sizes[str(size)] = value
    labels = {spec.arg.name: spec.target for spec in program.graph_signature.input_specs if spec.target is not None}
    return {
        "bytes": os.path.getsize(path),
        "parameters": sum(value.numel() for value in {id(value): value for value in module.parameters()}.values()),
        "sizes": sizes,
        "tensors": {labels.get(name, name): shape for name, shape in watch.tensors.items()},
        "flops": watch.flops,
    }


def main(folder):
    print("torch", torch.__version__)
    torch.manual_seed(1)
    facts = {"torch": torch.__version__, "files": {}}
    for name, (module, args, shapes) in samples().items():
        for form in ("written", "core"):
            if OLD and f"{name}-{form}" not in OLD_FILES:
                continue
            program = export(module.requires_grad_(False), args, dynamic_shapes=shapes, strict=False)
            if form == "core":
                program = program.run_decompositions()
            file = f"{name}-{form}{'-old' if OLD else ''}.pt2"
            path = os.path.join(folder, file)
            torch.export.save(without_traces(program), path)
            if name != "mlp":
                packed(path)
            facts["files"][file] = describe(path, torch.export.load(path), args, module)
            print(file, facts["files"][file]["bytes"], "bytes,", len(facts["files"][file]["tensors"]), "tensors")
    with open(os.path.join(folder, f"expected{'-old' if OLD else ''}.json"), "w") as out:
        json.dump(facts, out, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
