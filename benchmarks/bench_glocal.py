"""Fitting gLocal against the one-hot way of the published code, the optimum both reach, and applying a transform against a plain product.

    python benchmarks/bench_glocal.py [--threads 2]

The one-hot way is written here from its description: each step maps all objects, multiplies one-hot triplets with them, and lets autograd
go back through all of it. CPU seconds over threads are given beside wall seconds, as others may be using the machine.
"""

from __future__ import annotations

import argparse
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--onehot-steps", type=int, default=6)
ARGUMENTS = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(ARGUMENTS.threads)

import numpy as np  # noqa: E402 - after the threads are set
import torch  # noqa: E402

from isomorph.alignment import FittedTransform, GLocal, objective  # noqa: E402
from isomorph.features import Features  # noqa: E402

OBJECTS, WIDTH, TRIALS, IMAGES, BATCH, IMAGE_BATCH = 1854, 768, 1_000_000, 50_000, 256, 1024


class Clock:
    def __enter__(self):
        self.wall, self.cpu = -time.perf_counter(), -time.process_time()
        return self

    def __exit__(self, *_):
        self.wall += time.perf_counter()
        self.cpu += time.process_time()

    @property
    def busy(self):
        """Wall seconds on cores of our own."""
        return self.cpu / ARGUMENTS.threads


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


def speed():
    x, items, images = world(OBJECTS, WIDTH, TRIALS, IMAGES)
    rng = np.random.default_rng(0)
    print(f"{OBJECTS} objects x {WIDTH}, {TRIALS:,} triplets an epoch, {IMAGES:,} images")
    print(f"{ARGUMENTS.threads} threads, load {os.getloadavg()[0]:.1f}")
    first, twice = Clock(), Clock()
    with first:
        GLocal(epochs=1).fit(x, items, preserve=images)
    with twice:
        GLocal(epochs=2).fit(x, items, preserve=images)
    every = GLocal(epochs=1, batch_size=-(-TRIALS // (IMAGES // IMAGE_BATCH)))
    with Clock() as all_images:
        every.fit(x, items, preserve=images)
    alone = twice.busy - first.busy
    print(f"ours, an epoch of 4 steps:            {TRIALS / alone:>10,.0f} triplets/s on cores of its own")
    print(f"                                      {TRIALS / (twice.wall - first.wall):>10,.0f} wall")
    busy = all_images.busy - (first.busy - alone)
    print(f"ours, every image in every epoch:     {TRIALS / busy:>10,.0f} on cores of its own (48 steps)")
    for local in (True, False):
        slow = OneHot(x.values, images.values, GLocal(learning_rate=1e-3), scale=0.1)
        slow.step(items[:BATCH], np.arange(IMAGE_BATCH), local=local)
        with Clock() as clock:
            for _ in range(ARGUMENTS.onehot_steps):
                slow.step(items[rng.integers(len(items), size=BATCH)], rng.integers(IMAGES, size=IMAGE_BATCH), local=local)
        rate = ARGUMENTS.onehot_steps * BATCH / clock.busy
        name = "one-hot, batch 256" + (":" if local else ", no local term:")
        print(f"{name:<37} {rate:>10,.0f} on cores of its own; ours is {TRIALS / alone / rate:,.0f} times as fast")


def optimum():
    x, items, images = world(120, 24, 20_000, 600, seed=1)
    spec = GLocal(learning_rate=3e-3, epochs=60, images_a_batch=600, strength=0.01)
    fitted = spec.fit(x, items, preserve=images)
    slow = OneHot(x.values, images.values, spec, scale=0.1)
    rng, steps = np.random.default_rng(0), 60 * (len(items) // BATCH)
    for step in range(steps):
        rate = spec.learning_rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        slow.step(items[rng.integers(len(items), size=BATCH)], np.arange(600), rate=rate)
    z, f = ((each - float(fitted.mean)) / float(fitted.std) for each in (x.values.astype(np.float64), images.values.astype(np.float64)))
    options = {"preserve": f, "alpha": spec.alpha, "tau": spec.tau, "strength": spec.strength}
    ours = objective(fitted.weights, fitted.bias, z, items, **options).value
    theirs = objective(slow.w.detach().numpy().astype(np.float64), slow.b.detach().numpy().astype(np.float64), z, items, **options).value
    print(f"objective on everything: ours {ours:.6f}, one-hot {theirs:.6f}, difference {ours - theirs:+.1e}")


def apply():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        x = rng.normal(size=(50_000, WIDTH)).astype(dtype)
        fitted = FittedTransform(
            weights=rng.normal(size=(WIDTH, WIDTH)), bias=rng.normal(size=WIDTH), mean=np.float64(0.1), std=np.float64(2)
        )
        w, b = fitted.weights.astype(dtype), fitted.bias.astype(dtype)
        ratios, plain, ours = [], [], []
        for _ in range(5):
            with Clock() as one:
                x @ w + b
            with Clock() as two:
                fitted.transform(x)
            plain.append(one.busy)
            ours.append(two.busy)
            ratios.append(two.busy / one.busy)
        figures = f"plain x @ W + b {min(plain):.2f} s, ours {min(ours):.2f} s, ratio {np.median(ratios):.2f}"
        print(f"apply, 50,000 x {WIDTH} {np.dtype(dtype)}: {figures}")


if __name__ == "__main__":
    torch.set_num_threads(ARGUMENTS.threads)
    speed()
    optimum()
    apply()
