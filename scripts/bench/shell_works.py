"""What scripts/bench/shell interrupts: one entry for each kind of work that may take long."""
import os, random, struct, zipfile

# Data the works read and write lies in the folder of the session.
LEAK, UNDONE, SHOWN = "leak", "undone", "shown"


class Work:
    """A statement that takes long, and what an interrupt must leave behind."""

    def __init__(self, name, body, setup=(), ends=UNDONE, files=None, graphics="none", moments=(0.05, 0.2, 0.5, 1.0, 2.0)):
        """`setup` is typed at the prompt before; `body` is repeated until the interrupt where it undoes the statement. `ends`: UNDONE,
        LEAK (the statement ends with a result that says `interrupted`), SHOWN (its value is being printed)."""
        self.name, self.body, self.setup, self.ends = name, body, list(setup), ends
        self.files, self.graphics, self.moments = files, graphics, moments


def text_file(path, line, count):
    """`count` times a line of text, in pieces."""
    with open(path, "w") as file:
        for start in range(0, count, 100_000): file.write(line * min(100_000, count - start))


def zeros_npy(path, code, count):
    """An npy file of zeros that takes no room on most disks."""
    header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': ({count},), }}"
    header = header.ljust(128 - 10 - 1) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.truncate(128 + count * int(code[2:]))


def zeros_safetensors(path, code, size, count):
    header = f'{{"w":{{"dtype":"{code}","shape":[{count}],"data_offsets":[0,{count * size}]}}}}'
    header += " " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode())
        file.truncate(8 + len(header) + count * size)


def npz(path, count, compression, pattern=None):
    """An npz as numpy.savez writes it, of zeros, or as numpy.savez_compressed does, of some bytes again and again."""
    zeros_npy(path + ".npy", "<f4", count)
    if pattern:
        with open(path + ".npy", "r+b") as file:
            file.seek(128)
            for _ in range(0, 4 * count, len(pattern)): file.write(pattern)
            file.truncate(128 + 4 * count)
    with zipfile.ZipFile(path, "w", compression, compresslevel=1) as archive: archive.write(path + ".npy", "w.npy")
    os.remove(path + ".npy")


def json_file(path, count):
    with open(path, "w") as file:
        file.write("[0")
        for start in range(1, count, 100_000): file.write("".join(f",{n}.5" for n in range(start, min(count, start + 100_000))))
        file.write("]")


NUMBERS = "let numbers = map(0..5000000, n => n * 0.5);"
TEXT = 'let long = "a few words, and a number 12\\n" * 10000000;'
NET = ["let net = lenet();", 'let digits = dataset("digits");', "let (x, y) = digits.private[0];", "let shared = share(net, x, y, defense: noise(0.1));"]
FLOATS = 200_000_000


def language():
    yield Work("while true {}", "while true {}")
    yield Work("recursion", "fib(70)", ["fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }"])
    yield Work("map over 0..10^9", "map(0..10^9, n => n + 1)")
    yield Work("filter and reduce over 0..10^9", "reduce(filter(0..10^9, n => n % 2 == 0), (a, b) => a + b)")
    yield Work("list(0..300000000)", "list(0..300000000)")
    yield Work("repeat(list, 10^8)", "repeat([1, 2, 3], 10^8)")
    yield Work("sorted(list of 5e6)", "sorted(numbers, by: n => -n)", [NUMBERS])
    yield Work("sorted(list of 5e6), no key", "sorted(mixed)", ["let mixed = map(0..5000000, n => (n * 7919) % 5000011);"])
    yield Work("reversed, +, == of lists", "reversed(numbers) + numbers == numbers + numbers", [NUMBERS])
    yield Work("unique(list of 5e6)", "unique(numbers)", [NUMBERS])
    yield Work("group_by(list of 5e6)", "group_by(numbers, n => n % 10)", [NUMBERS])
    yield Work("zip, enumerate, flat", "flat(map(zip(numbers, numbers), p => [p[0], p[1]]))", [NUMBERS])
    yield Work("chunks, windows", "len(windows(numbers, 3)) + len(chunks(numbers, 2))", [NUMBERS])
    yield Work("index_of, contains, count", "index_of(numbers, -1)", [NUMBERS])
    yield Work("a shared list changed", "var copy = numbers\ncopy[0] = 1.0", [NUMBERS])
    yield Work("sleep", "sleep(100)")


def strings():
    yield Work('"a" * 10^9', '"a" * 10^9')
    yield Work("+ of strings", "long + long + long", [TEXT])
    yield Work("interpolation", '"{long}, {long}"', [TEXT])
    yield Work("replace", 'replace(long, "a", "bc")', [TEXT])
    yield Work("split", 'split(long, " ")', [TEXT])
    yield Work("split at something rare", 'split(long, "zz")', [TEXT])
    yield Work("join", 'join(parts, ", ")', ['let parts = split("ab " * 10000000, " ");'])
    yield Work("lines, words", "words(long)", [TEXT])
    yield Work("chars", "chars(long)", [TEXT])
    yield Work("upper", "upper(long)", [TEXT])
    yield Work("len, index and slice", "len(long) + len(long[1000..200000000])", [TEXT])
    yield Work("contains, ==, <", 'contains(long, "zz") or long + "" == long + "b"', [TEXT])
    yield Work("trim", "trim(spaces)", ['let spaces = " " * 300000000;'])
    yield Work("str(list of 5e6)", "str(numbers)", [NUMBERS])
    yield Work("repr(text of 300 MB)", "repr(long)", [TEXT])
    yield Work("to_json", "to_json(numbers)", [NUMBERS])
    yield Work("parse_json", "parse_json(text)", [NUMBERS, "let text = to_json(numbers);"])
    yield Work("to_csv", "to_csv(rows)", ["let rows = map(0..1000000, n => {a: n, b: 2.5, c: \"x\"});"])
    yield Work("parse_csv, 8e6 lines", "parse_csv(csv)", ['let csv = "a,b,c\\n" + "1,2.5,x\\n" * 8000000;'])


def tensors():
    yield Work("matmul 6000 x 6000", "a @ a", ["let a = rand(6000, 6000);"])
    yield Work("matmul 4000 x 4000 float64", "a @ a", ['let a = rand(4000, 4000, dtype: "float64");'])
    yield Work("matmul, thin", "sum(a @ b)", ["let a = rand(10000000, 4);", "let b = rand(4, 4);"])
    yield Work("conv2d and its gradient", "grad(w => sum(conv2d(x, w, pad: 1)))(w)", ["let x = rand(64, 64, 64, 64);", "let w = rand(64, 64, 3, 3);"])
    yield Work("conv2d float64", "conv2d(x, w, pad: 1)", ['let x = rand(32, 64, 64, 64, dtype: "float64");', 'let w = rand(64, 64, 3, 3, dtype: "float64");'])
    yield Work("conv2d of one large image", "conv2d(x, w)", ["let x = rand(1, 3, 6000, 6000);", "let w = rand(8, 3, 7, 7);"])
    yield Work("conv_transpose2d", "conv_transpose2d(x, w, stride: 2)", ["let x = rand(16, 64, 64, 64);", "let w = rand(64, 64, 5, 5);"])
    yield Work("max_pool and its gradient", "grad(x => sum(max_pool(x, 2)))(x)", ["let x = rand(64, 64, 128, 128);"])
    yield Work("resize", "resize(x, 1024)", ["let x = rand(16, 3, 2048, 2048);"])
    yield Work("sort(rand(30000000))", "sort(rand(30000000))")
    yield Work("topk", "topk(x, 1000)", ["let x = rand(100000000);"])
    yield Work("rand, randn", "sum(randn(200000000))")
    yield Work("permutation(50000000)", "permutation(50000000)")
    yield Work("tensor(list of 5e6)", "tensor(numbers)", [NUMBERS])
    yield Work("tensor(nested lists)", "tensor(rows)", ["let rows = map(0..1000000, n => [n, n, n]);"])
    yield Work("to_list", "to_list(x)", ["let x = rand(30000000);"])
    yield Work("elementwise, 2e8", "exp(x) + x * 2", [f"let x = rand({FLOATS});"])
    yield Work("to(float64), to(int64)", 'to(to(x, "float64"), "int64")', ["let x = rand(100000000);"])
    yield Work("where, masks", "x[x > 0.5]", ["let x = rand(100000000);"])
    yield Work("sum, mean, argmax, std", "[sum(x), std(x), max(x), norm(x)]", [f"let x = rand({FLOATS});"])
    yield Work("argmax along an axis", "argmax(x, axis: 0)", ["let x = rand(10000, 10000);"])
    yield Work("softmax, cumsum", "cumsum(softmax(x))", ["let x = rand(10000, 10000);"])
    yield Work("permute, concat", "concat([x.T, x.T])", ["let x = rand(10000, 10000);"])
    yield Work("flip, roll, pad", "pad(roll(flip(x, 0), 7), 1)", ["let x = rand(10000, 10000);"])
    yield Work("gather, one_hot", "one_hot(labels, 100)", ["let labels = randint(0, 100, 2000000);"])
    yield Work("gather by indices", "gather(x, places)", ["let x = rand(100000000);", "let places = randint(0, 100000000, 100000000);"])
    yield Work("x[list of places]", "x[places]", ["let x = rand(1000000, 32);", "let places = randint(0, 1000000, 4000000);"])
    yield Work("== of tensors, all", "all(x == x + 0)", ["let x = rand(100000000);"])
    yield Work("zeros, full, eye", "full([200000000], 2.5) * 1")
    yield Work("eigh 2500 x 2500", "eigh(a + a.T)", ["let a = rand(2500, 2500);"])
    yield Work("hessian", "hessian(x => sum(x^3), x)", ["let x = rand(3000);"])
    yield Work("cross_entropy", "grad(z => cross_entropy(z, labels))(z)", ["let z = rand(1000000, 100);", "let labels = randint(0, 100, 1000000);"])


def files():
    save = [f"let x = rand({FLOATS});"]
    yield Work("save .safetensors, 2e8 floats", 'save({w: x}, "out.safetensors")', save)
    yield Work("save .npy, 2e8 floats", 'save(x, "out.npy")', save)
    yield Work("save .npz, 2e8 floats", 'save({w: x}, "out.npz")', save)
    yield Work("load .safetensors, 2e8 floats", 'load("in.safetensors")', files=lambda d: zeros_safetensors(d + "/in.safetensors", "F32", 4, FLOATS))
    yield Work("load .safetensors, 2e8 halves", 'load("in.safetensors")', files=lambda d: zeros_safetensors(d + "/in.safetensors", "F16", 2, FLOATS))
    yield Work("load .npy, 2e8 floats", 'load("in.npy")', files=lambda d: zeros_npy(d + "/in.npy", "<f4", FLOATS))
    yield Work("load .npy, 1e8 bytes to int64", 'load("in.npy")', files=lambda d: zeros_npy(d + "/in.npy", "|i1", FLOATS // 2))
    yield Work("load .npz, 2e8 floats", 'load("in.npz")', files=lambda d: npz(d + "/in.npz", FLOATS, zipfile.ZIP_STORED))
    # Too far apart for deflate to see that they repeat.
    yield Work("load .npz, compressed, 5e7 floats", 'load("in.npz")', files=lambda d: npz(d + "/in.npz", FLOATS // 4, zipfile.ZIP_DEFLATED, random.Random(1).randbytes(1 << 20)))
    yield Work("save .json, .csv", 'save(numbers, "out.json")', [NUMBERS])
    yield Work("save rows to .csv", 'save(rows, "out.csv")', ["let rows = map(0..1000000, n => {a: n, b: 2.5, c: \"x\"});"])
    yield Work("load .json, 3e7 numbers", 'load("in.json")', files=lambda d: json_file(d + "/in.json", 30_000_000))
    yield Work("load .csv, 8e6 lines", 'load("in.csv")', files=lambda d: text_file(d + "/in.csv", "1,2.5,x\n", 8_000_000))
    yield Work("read_text, 1 GB", 'read_text("in.txt")', files=lambda d: text_file(d + "/in.txt", "a few words, 12\n", 64_000_000))
    yield Work("read_lines, 1 GB", 'read_lines("in.txt")', files=lambda d: text_file(d + "/in.txt", "a few words, 12\n", 64_000_000))
    yield Work("write_text, 600 MB", 'write_text("out.txt", long)', [TEXT.replace("10000000", "20000000")])
    yield Work("save_image 8000 x 8000", 'save_image(x, "out.png", scale: 1)', ["let x = rand(3, 8000, 8000);"])
    yield Work("load_image 8000 x 8000", 'load_image("in.png")', ["let x = rand(3, 8000, 8000);", 'save_image(x, "in.png", scale: 1);'])
    yield Work("load a small size of a large image", 'load_image("in.png", size: 64)', ["let x = rand(3, 8000, 8000);", 'save_image(x, "in.png", scale: 1);'])


def networks():
    cifar = ["let net = resnet18();", "let x = rand(64, 3, 32, 32);", "let y = randint(0, 10, 64);"]
    yield Work("resnet18, one gradient of 64", "net.gradient(x, y)", cifar)
    yield Work("resnet18, making it", "resnet18(width: 128)(rand(1, 3, 32, 32))")
    yield Work("resnet18 behind soteria", "share(net, x, y, defense: soteria(0.5))", ["let net = resnet18();", "let x = rand(1, 3, 32, 32);", "let y = 3;"])
    yield Work("resnet18, prune and clip", "share(net, x, y, defense: clip(1) >> prune(0.9) >> quantize(8))", ["let net = resnet18(width: 128);", "let x = rand(1, 3, 32, 32);", "let y = 3;"])
    yield Work("train", "train(net, digits.public, epochs: 1000)", NET)
    yield Work("train resnet18", "train(net, (x, y), epochs: 100)", cifar)
    yield Work("accuracy", "accuracy(net, digits.public)", NET)
    yield Work("federate", "federate(net, digits.public, rounds: 10000)", NET)
    yield Work("local_update", "local_update(net, x, y, steps: 100000)", NET)
    yield Work("ssim of large images", "ssim(x, x + 0.1)", ["let x = rand(3, 3000, 3000);"])
    yield Work("pair of 400 images", "pair(x, flip(x, 0))", ["let x = rand(400, 3, 64, 64);"])
    yield Work("identify among 4000", "identify(x[0], x, 3)", ["let x = rand(4000, 3, 64, 64);"])
    yield Work("median_filter", "median_filter(x)", ["let x = rand(3, 3000, 3000);"])
    yield Work("minimize", "minimize(p => sum((p - 1)^2), x, steps: 10^9, by: adam(lr: 1e-9))", ["let x = rand(1000000);"])


def attacks():
    for name, code in (
        ("dlg", "dlg(steps: 10^6, restarts: 10^6)"), ("idlg", "idlg(steps: 10^6, restarts: 10^6)"),
        ("inverting_gradients", "inverting_gradients(steps: 10^6)"), ("grad_inversion", "grad_inversion(steps: 10^6)"),
        ("untrained_prior", "untrained_prior(steps: 10^6)"),
        ("ggl, cma_es", 'ggl(prior: prior("digits"), search: cma_es(budget: 10^7))'),
        ("ggl, turbo", 'ggl(prior: prior("digits"), search: turbo(budget: 10^5))'),
        ("ggl, adam", 'ggl(prior: prior("digits"), search: adam(steps: 10^6))'),
        ("ggl, random_search", 'ggl(prior: prior("digits"), search: random_search(budget: 10^7))'),
        ("lti", "lti(digits.public)"),
    ):
        yield Work(name, f"{code}.run(shared, net)", NET, ends=LEAK)
    yield Work("inverting_gradients, resnet18", "inverting_gradients(steps: 10^6).run(shared, net)", [
        "let net = resnet18();", "let (x, y) = (rand(4, 3, 32, 32), randint(0, 10, 4));", "let shared = share(net, x, y);"], ends=LEAK)
    yield Work(
        "audit", 'audit(model: seed => lenet(), data: digits.private, defenses: [none, noise(0.1)], attacks: [dlg(), ggl(prior: prior("digits"))], images: 50)',
        NET, ends=LEAK, moments=(0.2, 0.7, 1.5, 3.0))
    yield Work(
        "audit with a file", 'audit(model: seed => lenet(), data: digits.private, attacks: [inverting_gradients()], images: 50, path: "cells.db")',
        NET, ends=LEAK, moments=(0.2, 0.7, 1.5, 3.0))


def display():
    yield Work("print(list of 5e6)", "print(numbers)", [NUMBERS])
    yield Work("print(text of 300 MB)", "print(long)", [TEXT])
    yield Work("print(tensor)", "print(x)", [f"let x = rand({FLOATS});"])
    yield Work("showing a text of 300 MB", "long", [TEXT], ends=SHOWN, moments=(0.05, 0.5, 2.0))
    yield Work("showing a list of long texts", "[long, long, long]", [TEXT], ends=SHOWN, moments=(0.02, 0.1))
    yield Work("print(table of 1e6 rows)", "print(table(rows))", ["let rows = map(0..1000000, n => {a: n, b: 2.5, c: \"x\"});"])
    yield Work("showing 1e6 rows", "rows", ["let rows = map(0..1000000, n => {a: n, b: 2.5, c: \"x\"});"], ends=SHOWN, moments=(0.02, 0.1, 0.5))
    for graphics in ("none", "blocks", "kitty", "sixel"):
        yield Work(f"show 4000 x 4000, {graphics}", "show(x)", ["let x = rand(3, 4000, 4000);"], graphics=graphics)
    yield Work("plot of 5e6 points", "print(plot(x))", ["let x = rand(5000000);"])
    yield Work("scatter of 5e6 points", "print(scatter(x))", ["let x = rand(5000000);"])
    yield Work("hist of 1e8", "print(hist(x))", ["let x = rand(100000000);"])
    yield Work("heatmap 5000 x 5000", "print(heatmap(x))", ["let x = rand(5000, 5000);"])
    yield Work("save a plot of 1e6 points, .svg", 'save(plot(x), "out.svg")', ["let x = rand(1000000);"])
    yield Work("save a plot of 1e6 points, .png", 'save(plot(x), "out.png")', ["let x = rand(1000000);"])


WORKS = [work for part in (language, strings, tensors, files, networks, attacks, display) for work in part()]
