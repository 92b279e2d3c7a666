"""Trains the demo model on endless generated text; stops and goes on at any time.

    python train.py --out /root/penstock-training

continues from the last checkpoint in the folder, which is written every three minutes
and on SIGTERM. Where the checkpoint is lost, an exported folder will do: it lacks the
optimiser's memory, which a few hundred steps bring back.

    python train.py --out /root/penstock-training --begin ../../models/penstock-demo --learned 22e6
"""

import argparse
import os
import pathlib
import signal
import time

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from batches import make_batch
from model import Model, Shape, initialise
from optimiser import Optimiser
from shipped import read_model

HERE = pathlib.Path(__file__).resolve().parent
SHIPPED = HERE.parents[1] / "models/penstock-demo"
SEED = 7
WARM_UP = 60  # steps
TOKENS, HEAVIEST = 4096, 1536  # of a batch, and those of them that count
SHORT, LONG = 128, 384  # lengths of rows
LONG_FROM, LONG_OFTEN_FROM = 2.5, 20  # the age from which one batch in four is long; two in three
MATRIX_RATE, OTHER_RATE = 0.02, 3e-3
AVERAGE = 0.995  # of the running average of the weights, which is what is exported


def rate(training, total, cooled):
    """Share of the full learning rate: warm-up, flat, and linear to nothing in the last `cooled`
    share of the tokens."""
    warm = 1 - (training.warmed - training.step - 1) / WARM_UP
    left = max(0.0, 1 - training.tokens / total)
    return min(1.0, warm, left / cooled)


class Training:
    def __init__(self, out, begin=None, learned=0):
        self.file = out / "checkpoint.pt"
        self.model = Model(Shape())
        if begin:
            self.model.load_state_dict(read_model(begin).float().state_dict())
        else:
            initialise(self.model, SEED)
        self.optimiser = Optimiser(self.model)
        self.average = [p.detach().clone() for p in self.model.parameters()]
        self.model.train()
        self.step, self.tokens, self.seconds = int(learned // TOKENS), int(learned), 0.0
        self.warmed = self.step + WARM_UP
        if self.file.exists():
            self._restore(torch.load(self.file, weights_only=True))

    def _restore(self, saved):
        self.model.load_state_dict(saved["model"])
        self.optimiser.restore(saved["optimiser"])
        for mine, theirs in zip(self.average, saved["average"], strict=True):
            mine.copy_(theirs)
        self.step, self.tokens, self.seconds = saved["step"], saved["tokens"], saved["seconds"]
        self.warmed = saved["warmed"]

    def save(self):
        names = [name for name, _ in self.model.named_parameters()]
        saved = {
            "shape": self.model.shape.as_dict(), "model": self.model.state_dict(),
            "average": self.average, "names": names, "optimiser": self.optimiser.state(),
            "step": self.step, "tokens": self.tokens, "seconds": self.seconds,
            "warmed": self.warmed,
        }
        partial = self.file.with_suffix(".partial")
        torch.save(saved, partial)
        os.replace(partial, self.file)

    @torch.no_grad()
    def follow(self):
        """Moves the running average towards the weights, fast at first."""
        keep = min(AVERAGE, (self.step + 1) / (self.step + 10))
        for mine, new in zip(self.average, self.model.parameters(), strict=True):
            mine.lerp_(new, 1 - keep)


def next_batch(tokenizer, training):
    """Short rows cost less, so conversations are sorted by length. The long ones come later."""
    age, seed = training.tokens / 1e6, SEED * 1_000_003 + training.step
    often = training.step % 3 > 0 if age > LONG_OFTEN_FROM else training.step % 4 == 3
    if age > LONG_FROM and often:
        return make_batch(tokenizer, seed, age, TOKENS // LONG, LONG, longer_than=SHORT)
    return make_batch(tokenizer, seed, age, TOKENS // SHORT, SHORT)


def loss_of(model, tokens, targets, weights, mask):
    """The loss, and that of answers alone. Only the heaviest HEAVIEST tokens count: all that the
    assistant says and some of what is read, which spares most of the costly last product."""
    weights, chosen = weights.flatten().topk(HEAVIEST)
    with torch.autocast("cpu", torch.bfloat16):
        states = model.hidden(tokens, mask).flatten(0, 1)
        logits = model.logits(states[chosen])
    each = functional.cross_entropy(logits.float(), targets.flatten()[chosen], reduction="none")
    whole = (weights >= 1.0).float()
    answers = (each * whole).sum() / whole.sum()
    return (each * weights).sum() / weights.sum(), answers.detach()


def run(training, options):
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    compute = torch.compile(loss_of, dynamic=False) if options.compile else loss_of
    began = said = saved = time.time()
    before, seen, losses = training.seconds, 0, []
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    while training.tokens < options.tokens and not stopped:
        batch = next_batch(tokenizer, training)
        loss, answers = compute(
            training.model, batch.tokens, batch.targets, batch.weights, batch.mask)
        loss.backward()
        share = rate(training, options.tokens, options.cooled)
        training.optimiser.step(MATRIX_RATE * share, OTHER_RATE * share)
        training.follow()
        training.step += 1
        training.tokens += batch.tokens.numel()
        training.seconds = before + time.time() - began
        seen += batch.tokens.numel()
        losses.append((loss.item(), answers.item()))
        if time.time() - said > 20:
            mean = [sum(column) / len(losses) for column in zip(*losses, strict=True)]
            print(f"step {training.step} tokens {training.tokens / 1e6:.2f}M loss {mean[0]:.3f} "
                  f"answers {mean[1]:.3f} {seen / (time.time() - said):.0f} tok/s", flush=True)
            said, seen, losses = time.time(), 0, []
        if time.time() - saved > 180:
            training.save()
            saved = time.time()
    training.save()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=pathlib.Path, required=True, help="folder of checkpoints")
    arguments.add_argument("--tokens", type=float, default=60e6, help="to learn in all")
    arguments.add_argument("--cooled", type=float, default=0.25, help="last share, rate going down")
    arguments.add_argument("--begin", type=pathlib.Path, help="an exported folder to begin with")
    arguments.add_argument("--learned", type=float, default=0, help="tokens that it has learned")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--no-compile", dest="compile", action="store_false")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    run(Training(options.out, options.begin, options.learned), options)


if __name__ == "__main__":
    main()
