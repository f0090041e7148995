/** Python: collectives over the devices of this machine, and the program. */
export const TORCH_KIT_COLLECTIVES = String.raw`
GROUP_SECONDS = 90


def collective_process(rank, ranks, kind, port, quick, path):
    """One of the processes of a group; the first writes what it measured. Bytes count as nccl-tests does."""
    import torch.distributed as dist
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE=str(ranks))
    if kind == "cpu":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    backend = {"cuda": "nccl", "xpu": "xccl", "cpu": "gloo"}[kind]
    if kind != "cpu":
        getattr(torch, kind).set_device(rank)
    else:
        torch.set_num_threads(1)
    limit = datetime.timedelta(seconds=GROUP_SECONDS)
    dist.init_process_group(backend, rank=rank, world_size=ranks, timeout=limit)
    where = kind if kind == "cpu" else kind + ":" + str(rank)
    rows, skipped = [], {}
    shifts = (12, 20, 24) if quick or kind == "cpu" else range(10, 29, 2)
    for name in ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "broadcast"):
        for shift in shifts:
            elements = (1 << shift) // 2 // ranks * ranks
            query = {"op": "collective", "kind": name, "bytes": elements * 2, "ranks": ranks, "ranksPerNode": ranks}
            try:
                rows.append({"query": query, **collective_times(dist, name, elements, ranks, where, kind)})
            except Exception as problem:
                why = name + " (" + backend + "): " + type(problem).__name__
                skipped[why] = skipped.get(why, 0) + 1
                break
        # After each kind, so that a group that hangs later loses nothing measured before.
        if rank == 0:
            with open(path + ".part", "w") as file:
                json.dump({"rows": rows, "skipped": skipped}, file)
            os.replace(path + ".part", path)
    # Taking a group down hangs with some backends, and so do threads that are left of it: rank 0, which holds the store, ends last.
    time.sleep(1 if rank == 0 else 0)
    os._exit(0)


def collective_times(dist, name, elements, ranks, where, kind):
    dtype = torch.float32 if kind == "cpu" else torch.bfloat16
    count = elements * 2 // (4 if kind == "cpu" else 2) // ranks * ranks
    whole = torch.ones(max(count, ranks), dtype=dtype, device=where)
    part = torch.ones(max(count // ranks, 1), dtype=dtype, device=where)
    other = torch.empty_like(whole)
    run = {
        "all-reduce": lambda: dist.all_reduce(whole),
        "all-gather": lambda: dist.all_gather_into_tensor(whole, part),
        "reduce-scatter": lambda: dist.reduce_scatter_tensor(part, whole),
        "all-to-all": lambda: dist.all_to_all_single(other, whole),
        "broadcast": lambda: dist.broadcast(whole, 0),
    }[name]
    sync = (lambda: None) if kind == "cpu" else getattr(torch, kind).synchronize
    for _ in range(3):
        run()
    times = []
    samples, repeats = (5, 2) if kind == "cpu" else (9, 5)
    for _ in range(samples):
        sync()
        dist.barrier()
        sync()
        begin = time.perf_counter()
        for _ in range(repeats):
            run()
        sync()
        times.append((time.perf_counter() - begin) / repeats * 1e9)
    times.sort()
    middle = statistics.median(times)
    return {"ns": middle, "spread": (times[-1] - times[0]) / middle / 2, "runs": len(times)}


def finish(group):
    """Waits for a group, and ends it where it hangs: a network that does not answer must not cost the rest."""
    end = time.perf_counter() + GROUP_SECONDS
    while not group.join(timeout=1):
        if time.perf_counter() > end:
            for process in group.processes:
                process.kill()
            raise TimeoutError("no end after " + str(GROUP_SECONDS) + " s")


def collectives(kit):
    import tempfile
    import torch.multiprocessing as processes
    most = kit.options.ranks or kit.device.count
    if kit.device.kind != "cpu" and most > kit.device.count:
        sys.exit("--ranks " + str(most) + " of " + str(kit.device.count) + " devices")
    ranks = 2
    while ranks <= most:
        if kit.over_budget():
            return kit.skip("budget of seconds used up")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rows.json")
            try:
                arguments_of = (ranks, kit.device.kind, port, kit.options.quick, path)
                group = processes.spawn(collective_process, args=arguments_of, nprocs=ranks, join=False)
                finish(group)
            except Exception as problem:
                kit.skip("collectives of " + str(ranks) + " ranks: " + str(problem).split("\n")[0][:120])
            if os.path.exists(path):
                with open(path) as file:
                    found = json.load(file)
                kit.rows.extend(found["rows"])
                for why, count in found["skipped"].items():
                    kit.skipped[why] = kit.skipped.get(why, 0) + count
        ranks *= 2


def main():
    kit = Kit(arguments())
    with torch.inference_mode():
        for part in (streams, products, attention, experts, transfers):
            part(kit)
            print(part.__name__ + ": " + str(len(kit.rows)) + " operators measured", file=sys.stderr, flush=True)
    collectives(kit)
    result = {"form": FORM, "version": VERSION, "device": kit.device.describe(), "catalogueId": kit.options.name, "quick": kit.options.quick,
              "seconds": round(time.perf_counter() - kit.started, 1), "rows": kit.rows, "transfers": kit.transfers, "skipped": kit.skipped}
    with open(kit.options.out, "w") as file:
        json.dump(result, file)
    print(kit.options.out + ": " + str(len(kit.rows)) + " operators, " + str(sum(kit.skipped.values())) + " skipped", file=sys.stderr)


if __name__ == "__main__":
    main()
`;
