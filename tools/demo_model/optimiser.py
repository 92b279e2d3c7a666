"""Muon for the matrices (momentum made orthogonal, after Jordan et al. 2024) and AdamW for the
rest. Chosen because others report that it needs fewer tokens; not compared with AdamW here."""

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic Newton-Schulz step


@torch.no_grad()
def orthogonal(matrix, steps=5):
    """The nearest matrix with all singular values near 1, in bfloat16."""
    a, b, c = COEFFICIENTS
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Optimiser:
    def __init__(self, model, decay=0.02):
        named = list(model.named_parameters())
        self.matrices = [p for name, p in named if p.dim() == 2 and "embedding" not in name]
        others = [p for name, p in named if p.dim() != 2 or "embedding" in name]
        self.adam = torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        self.momenta = [torch.zeros_like(p) for p in self.matrices]
        self.decay = decay

    @torch.no_grad()
    def step(self, matrix_rate, other_rate, momentum=0.95):
        for matrix, running in zip(self.matrices, self.momenta, strict=True):
            running.lerp_(matrix.grad, 1 - momentum)
            update = orthogonal(matrix.grad.lerp(running, momentum))
            scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            matrix.mul_(1 - matrix_rate * self.decay)
            matrix.add_(update, alpha=-matrix_rate * scale)
            matrix.grad = None
        for group in self.adam.param_groups:
            group["lr"] = other_rate
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)

    def state(self):
        return {"adam": self.adam.state_dict(), "momenta": self.momenta}

    def restore(self, state):
        self.adam.load_state_dict(state["adam"])
        for mine, saved in zip(self.momenta, state["momenta"], strict=True):
            mine.copy_(saved)
