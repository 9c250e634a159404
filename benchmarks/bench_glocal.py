"""Fitting gLocal against the one-hot way of the published code, the optimum both reach, and applying a transform against a plain product.

    python benchmarks/bench_glocal.py [--threads 2] [--case speed]

The one-hot way is written here from its description: each step maps all objects, multiplies one-hot triplets with them, and lets autograd
go back through all of it. CPU seconds are given beside wall seconds, as others may be using the machine.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--onehot-steps", type=int, default=6)
parser.add_argument("--case", choices=("speed", "optimum", "apply", "all"), default="all")
ARGUMENTS = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(ARGUMENTS.threads)

import numpy as np  # noqa: E402 - after the threads are set
import torch  # noqa: E402

from isomorph.alignment import FittedTransform, GLocal, objective, transform_to_file  # noqa: E402
from isomorph.features import Features  # noqa: E402

OBJECTS, WIDTH, TRIALS, IMAGES, BATCH, IMAGE_BATCH = 1854, 768, 1_000_000, 50_000, 256, 1024


class Clock:
    def __enter__(self):
        self.wall, self.cpu = -time.perf_counter(), -time.process_time()
        return self

    def __exit__(self, *_):
        self.wall += time.perf_counter()
        self.cpu += time.process_time()


def world(objects, width, trials, images, seed=0):
    """Features of a few strong directions, and choices of people who weight them differently."""
    rng = np.random.default_rng(seed)
    spread = 1 / np.sqrt(1 + np.arange(width)) * np.sqrt(width) / 3
    x = (rng.normal(size=(objects, width)) * spread).astype(np.float32)
    true = 0.1 * np.exp(0.4 * rng.normal(size=width))
    items = rng.integers(objects, size=(trials * 11 // 10, 3))
    items = items[(items[:, 0] != items[:, 1]) & (items[:, 0] != items[:, 2]) & (items[:, 1] != items[:, 2])][:trials]
    gram = ((x * true) @ (x * true).T).astype(np.float64)
    s = np.stack([gram[items[:, a], items[:, b]] for a, b in ((0, 1), (0, 2), (1, 2))], 1)
    choice = (s + rng.gumbel(size=s.shape)).argmax(1)
    items = np.take_along_axis(items, np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])[choice], axis=1)
    f = rng.standard_normal(size=(images, width), dtype=np.float32) * spread.astype(np.float32)
    return Features(x, tuple(map(str, range(objects)))), items, Features(f, tuple(map(str, range(images))))


class OneHot:
    """Steps of the published kind: one-hot triplets, all objects mapped each time, autograd, Adam."""

    def __init__(self, x, f, spec, *, scale):
        mean, std = float(x.mean()), float(x.std())
        self.x, self.f = torch.tensor((x - mean) / std), torch.tensor((f - mean) / std)
        self.spec = spec
        self.w = (scale * torch.eye(x.shape[1])).requires_grad_()
        self.b = torch.zeros(x.shape[1], requires_grad=True)
        self.adam = torch.optim.Adam([self.w, self.b], lr=spec.learning_rate)

    def step(self, items, rows, *, local=True, rate=None):
        spec = self.spec
        one_hot = torch.nn.functional.one_hot(torch.from_numpy(items), len(self.x)).to(self.x.dtype)
        embedding = self.x @ self.w + self.b
        one, two, three = (one_hot @ embedding).unbind(1)
        s = torch.stack([(one * two).sum(1), (one * three).sum(1), (two * three).sum(1)], 1)
        loss = (1 - spec.alpha) * -torch.log_softmax(s, 1)[:, 0].mean()
        if local:
            f = self.f[torch.from_numpy(rows)]
            off = ~torch.eye(len(f), dtype=torch.bool)
            teacher, student = (torch.nn.functional.normalize(each) for each in (f, f @ self.w + self.b))
            p, q = ((each @ each.T)[off].view(len(f), -1) / spec.tau for each in (teacher, student))
            loss = loss - spec.alpha * (torch.softmax(p, 1) * torch.log_softmax(q, 1)).sum(1).mean()
        loss = loss + spec.strength * ((self.w - self.w.diagonal().mean() * torch.eye(len(self.w))) ** 2).sum()
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([self.w, self.b], spec.clip)
        for group in self.adam.param_groups:
            group["lr"] = spec.learning_rate if rate is None else rate
        self.adam.step()


def best(action, turns=3):
    """The least CPU and wall seconds of several turns."""
    clocks = [Clock() for _ in range(turns)]
    for clock in clocks:
        with clock:
            action()
    return min(each.cpu for each in clocks), min(each.wall for each in clocks)


def floor(images):
    """Seconds of one core for the products of an epoch that no arrangement can leave out, at the rates that they have alone.

    For each group of images: the map, half of each of two Gram matrices, gradient and weight gradient; for each of four steps over the
    trials: the map, half of a Gram matrix, gradient and weight gradient. Timed with one BLAS thread, as side by side it is one a core.
    """
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    w = rng.standard_normal((WIDTH, WIDTH), dtype=np.float32)

    def of(rows, grams):
        x, s = rng.standard_normal((rows, WIDTH), dtype=np.float32), rng.standard_normal((rows, rows), dtype=np.float32)
        other = x.copy()
        with threadpool_limits(1, user_api="blas"):
            seconds = [best(each)[0] for each in (lambda: x @ w, lambda: s @ x, lambda: x.T @ other, lambda: x @ other.T)]
        return sum(seconds[:3]) + grams / 2 * seconds[3]

    groups = images / IMAGE_BATCH
    return 4 * of(OBJECTS, 1), groups * of(IMAGE_BATCH, 2)


def speed():
    x, items, images = world(OBJECTS, WIDTH, TRIALS, IMAGES)
    rng = np.random.default_rng(0)
    print(f"{OBJECTS} objects x {WIDTH}, {TRIALS:,} triplets an epoch, {IMAGES:,} images")
    print(f"{ARGUMENTS.threads} BLAS threads, load {os.getloadavg()[0]:.1f}")
    choices, local = floor(IMAGES)
    print(f"floor of products: choices {choices:.2f}, all images {local:.2f} CPU s")
    for name, options, least in (
        ("1,024 images a step", {}, choices + 4 / (IMAGES / IMAGE_BATCH) * local),
        ("every image in every epoch", {"images_a_step": IMAGES // 4}, choices + local),
    ):
        one = best(lambda options=options: GLocal(epochs=1, **options).fit(x, items, preserve=images), 1)
        two = best(lambda options=options: GLocal(epochs=3, **options).fit(x, items, preserve=images), 1)
        cpu, wall = ((second - first) / 2 for first, second in zip(one, two, strict=True))
        rates = f"{2 * TRIALS / cpu:,.0f} triplets/s on two cores of its own, {TRIALS / wall:,.0f} wall"
        print(f"ours, 4 steps an epoch, {name}: {cpu:.2f} CPU s ({cpu / least:.2f} x the floor), {rates}")
    for local in (True, False):
        slow = OneHot(x.values, images.values, GLocal(learning_rate=1e-3), scale=0.1)
        slow.step(items[:BATCH], np.arange(IMAGE_BATCH), local=local)
        with Clock() as clock:
            for _ in range(ARGUMENTS.onehot_steps):
                slow.step(items[rng.integers(len(items), size=BATCH)], rng.integers(IMAGES, size=IMAGE_BATCH), local=local)
        rate = 2 * ARGUMENTS.onehot_steps * BATCH / clock.cpu
        name = "one-hot, batch 256" + ("" if local else ", no local term")
        print(f"{name}: {rate:,.0f} on two cores of its own; ours, every image, is {2 * TRIALS / cpu / rate:,.0f} times as fast")


def optimum(objects, width, trials, images, onehot, iterations):
    """The objective on everything at our default fit, at the optimum of L-BFGS-B, and where the one-hot way ends."""
    from scipy.optimize import minimize

    x, items, images = world(objects, width, trials, images, seed=1)
    spec = GLocal(images_a_batch=len(images))
    clock = Clock()
    with clock:
        fitted = spec.fit(x, items, preserve=images)
    z, f = ((each - float(fitted.mean)) / float(fitted.std) for each in (x.values.astype(np.float64), images.values.astype(np.float64)))

    def at(flat, z, f):
        w, b = flat[: width * width].reshape(width, width).astype(z.dtype), flat[width * width :].astype(z.dtype)
        found = objective(w, b, z, items, preserve=f, alpha=spec.alpha, tau=spec.tau, strength=spec.strength)
        return found.value, np.concatenate([found.weights.ravel(), found.bias]).astype(np.float64)

    ours = np.concatenate([fitted.weights.ravel(), fitted.bias])
    value, slope = at(ours, z, f)
    print(f"{objects} x {width}, {trials:,} trials, {len(images)} images: ours {value:.6f} ({clock.cpu:.0f} CPU s)")
    single = [each.astype(np.float32) for each in (z, f)]
    start = np.concatenate([0.05 * np.eye(width).ravel(), np.zeros(width)])
    options = {"maxiter": iterations, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-9}
    found = minimize(lambda flat: at(flat, *single), start, jac=True, method="L-BFGS-B", options=options)
    least, end = at(found.x, z, f)
    norms = f"gradient norms {np.linalg.norm(slope):.1e} and {np.linalg.norm(end):.1e}"
    print(f"    L-BFGS-B {least:.6f} after {found.nfev} evaluations; difference {value - least:+.1e}; {norms}")
    if onehot:
        slow, rng, steps = OneHot(x.values, images.values, GLocal(learning_rate=3e-3), scale=0.05), np.random.default_rng(0), onehot
        for step in range(steps):
            rate = 3e-3 * 0.5 * (1 + np.cos(np.pi * step / steps))
            slow.step(items[rng.integers(len(items), size=BATCH)], np.arange(len(images)), rate=rate)
        theirs = np.concatenate([slow.w.detach().numpy().ravel(), slow.b.detach().numpy()])
        reached = at(theirs, z, f)[0]
        print(f"    one-hot {reached:.6f} after {steps:,} steps; ours {value - reached:+.1e}")


def apply(rows, width):
    """In memory, and from file to file, against the same with a plain product."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, width), dtype=np.float32)
    fitted = FittedTransform(weights=rng.normal(size=(width, width)), bias=rng.normal(size=width), mean=np.float64(0.1), std=np.float64(2))
    w, b = fitted.weights.astype(np.float32), fitted.bias.astype(np.float32)
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "x.npy"), Path(folder, "y.npy")
        np.save(source, x)
        mapped = Features(np.load(source, mmap_mode="r"), tuple(map(str, range(rows))))
        plain = best(lambda: x @ w + b, 5)[0], best(lambda: np.save(target, np.load(source) @ w + b), 5)[0]
        ours = best(lambda: fitted.transform(x), 5)[0], best(lambda: transform_to_file(mapped, fitted, target), 5)[0]
    for place, one, two in zip(("in memory", "file to file"), plain, ours, strict=True):
        print(f"apply {place}, {rows:,} x {width} float32: plain {one:.3f} CPU s, ours {two:.3f}, ratio {two / one:.2f}")


if __name__ == "__main__":
    torch.set_num_threads(ARGUMENTS.threads)
    if ARGUMENTS.case in ("speed", "all"):
        speed()
    if ARGUMENTS.case in ("optimum", "all"):
        optimum(400, 128, 20_000, 600, onehot=4000, iterations=400)
        optimum(OBJECTS, WIDTH, 20_000, IMAGE_BATCH, onehot=0, iterations=100)
    if ARGUMENTS.case in ("apply", "all"):
        apply(50_000, WIDTH)
        apply(200_000, 64)
