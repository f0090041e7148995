/** Python: products, attention, experts, streams and copies of one device. */
export const TORCH_KIT_OPERATORS = String.raw`
def products(kit):
    quick = kit.options.quick
    small = kit.device.kind == "cpu"
    rows = [1, 8, 64, 256] if small and quick else [1, 4, 16, 64, 256, 1024] if small else [1, 16, 256, 4096] if quick else [
        1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192]
    sites = [(1024, 1024), (4096, 1024), (1024, 4096)] if small else [(4096, 4096), (28672, 4096), (4096, 14336)]
    if not quick:
        sites += [(2048, 2048), (8192, 2048)] if small else [
            (1024, 1024), (6144, 4096), (1024, 4096), (8192, 8192), (10240, 8192), (57344, 8192), (8192, 28672), (1280, 8192), (8192, 1024), (16384, 16384)]
    for type in kit.types(["f32", "bf16"] if small else ["bf16", "f16", "f8e4m3", "i8"]):
        for n, k in sites:
            for m in rows:
                if type in ("f8e4m3", "i8") and m < 32:
                    continue
                element = ELEMENT[type]
                need = (m * k + n * k) * element + m * n * 4
                kit.add({"op": "product", "m": m, "n": n, "k": k, "type": type}, product(kit, m, n, k, type, need), need)


def product(kit, m, n, k, type, need):
    made = []

    def make():
        count = kit.copies(n * k * ELEMENT[type])
        a = kit.tensor(m, k, type=type)
        made.extend((a, kit.tensor(n, k, type=type)) for _ in range(count))
        return made

    def work(index):
        a, b = (made or make())[index % len(made)]
        if type == "f8e4m3":
            one = torch.ones((), device=a.device)
            return torch._scaled_mm(a, b.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16)
        if type == "i8":
            return torch._int_mm(a, b.t())
        return torch.matmul(a, b.t())

    return work


def heads_of(kit):
    return [(8, 2, 64)] if kit.device.kind == "cpu" else [(32, 8, 128)] if kit.options.quick else [(32, 8, 128), (64, 8, 128), (16, 16, 128)]


def attend(q, k, v, causal):
    if k.shape[1] != q.shape[1]:
        try:
            return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)
        except TypeError:
            repeat = q.shape[1] // k.shape[1]
            k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


def attention(kit):
    small = kit.device.kind == "cpu"
    types = kit.types(["f32", "bf16"] if small else ["bf16", "f16"])
    for type in types:
        for heads, kv_heads, dim in heads_of(kit):
            for batch, tokens in prefills(kit):
                need = batch * tokens * dim * ELEMENT[type] * (2 * heads + 2 * kv_heads)
                if small:
                    need += batch * heads * tokens * tokens * 4
                query = {"op": "prefill-attention", "batch": batch, "tokens": tokens, "context": 0, "heads": heads, "kvHeads": kv_heads,
                         "headDim": dim, "window": 0, "type": type, "kvType": type}
                kit.add(query, attention_work(kit, batch, tokens, tokens, heads, kv_heads, dim, type, True), need)
            for batch, context in decodes(kit):
                need = 2 * batch * context * kv_heads * dim * ELEMENT[type]
                query = {"op": "decode-attention", "batch": batch, "context": context, "heads": heads, "kvHeads": kv_heads, "headDim": dim,
                         "window": 0, "kvType": type}
                kit.add(query, attention_work(kit, batch, 1, context, heads, kv_heads, dim, type, False), need)


def prefills(kit):
    if kit.device.kind == "cpu":
        return [(1, 128), (1, 512)] + ([] if kit.options.quick else [(4, 128), (1, 1024)])
    return [(1, 512), (1, 4096)] if kit.options.quick else [(b, t) for b in (1, 4, 16) for t in (128, 512, 1024, 2048, 4096, 8192, 16384) if b * t <= 32768]


def decodes(kit):
    if kit.device.kind == "cpu":
        return [(1, 512), (8, 512)] + ([] if kit.options.quick else [(1, 2048), (8, 2048), (32, 512)])
    return [(1, 4096), (64, 1024)] if kit.options.quick else [(b, c) for b in (1, 8, 32, 64, 128, 256) for c in (128, 512, 1024, 4096, 16384, 65536) if b * c <= 1048576]


def attention_work(kit, batch, tokens, context, heads, kv_heads, dim, type, causal):
    made = []

    def make():
        count = kit.copies(2 * batch * context * kv_heads * dim * ELEMENT[type])
        q = kit.tensor(batch, heads, tokens, dim, type=type)
        shape = (batch, kv_heads, context, dim)
        made.extend((q, kit.tensor(*shape, type=type), kit.tensor(*shape, type=type)) for _ in range(count))
        return made

    def work(index):
        q, k, v = (made or make())[index % len(made)]
        return attend(q, k, v, causal)

    return work


def experts(kit):
    small = kit.device.kind == "cpu"
    sizes = [(512, 256, 2, 8)] if small else [(4096, 14336, 2, 8), (2048, 768, 8, 128)]
    rows = [1, 16, 128] if small or kit.options.quick else [1, 4, 16, 64, 256, 1024, 4096]
    for type in kit.types(["f32"] if small else ["bf16"]):
        for width, inner, active, count in sizes:
            for tokens in rows:
                query = {"op": "experts", "tokens": tokens, "width": width, "inner": inner, "active": active, "experts": count,
                         "ranks": {"tensor": 1, "expert": 1}, "type": type, "load": "balanced"}
                need = 3 * count * width * inner * ELEMENT[type]
                kit.add(query, expert_work(kit, tokens, width, inner, active, count, type), need)


def expert_work(kit, tokens, width, inner, active, count, type):
    """Balanced loads: experts that are touched have equal rows, as one batched product; gate and up, their product, down."""
    made = []

    def make():
        touched = min(count, tokens * active)
        rows = -(-tokens * active // touched)
        x = kit.tensor(touched, rows, width, type=type)
        made.append((x, kit.tensor(touched, width, 2 * inner, type=type), kit.tensor(touched, inner, width, type=type)))
        return made

    def work(index):
        x, up, down = (made or make())[0]
        gate, value = torch.bmm(x, up).chunk(2, dim=-1)
        return torch.bmm(F.silu(gate) * value, down)

    return work


def streams(kit):
    sizes = [1 << 20, 1 << 24, 1 << 26] if kit.device.kind == "cpu" else [1 << shift for shift in range(16, 31, 2)]
    for size in sizes:
        source = []

        def work(index, size=size, source=source):
            if not source:
                source.extend((torch.zeros(size // 8, device=kit.device.kind), torch.zeros(size // 8, device=kit.device.kind))
                              for _ in range(kit.copies(size)))
            to, origin = source[index % len(source)]
            return to.copy_(origin)

        kit.add({"op": "stream", "bytes": size // 8 * 8}, work, size)


def transfers(kit):
    if kit.device.kind == "cpu":
        return
    for shift in (12, 16, 20, 24, 28):
        size = 1 << shift
        if kit.over_budget() or size > kit.memory:
            kit.skip("transfers: budget or memory")
            continue
        try:
            host = torch.empty(size, dtype=torch.uint8).pin_memory()
            device = torch.empty(size, dtype=torch.uint8, device=kit.device.kind)
            pairs = (("host", "device", device, host), ("device", "host", host, device))
            for source, target, to, origin in pairs:
                times = kit.measure(lambda index, to=to, origin=origin: to.copy_(origin, non_blocking=True))
                kit.transfers.append({"from": source, "to": target, "bytes": size, **times})
        except Exception as problem:
            kit.skip("transfers: " + str(problem).split("\n")[0][:120])
`;
