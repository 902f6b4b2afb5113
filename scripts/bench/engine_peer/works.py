"""The peer's side of every work: PyTorch (pycma and gpytorch where they are what people use), two threads.

A work's constructor draws its inputs from a fixed seed; `data()` gives what Seep's side reads; `run()` is what is timed and
returns numbers that both sides must agree on.
"""

import numpy as np
import torch
import torch.nn.functional as F

import nets


def divergence(z):
    """GGL's KLD of one latent vector."""
    mean, variance = z.mean(), z.var(unbiased=False)
    return -0.5 * (1 + torch.log(variance + 1e-10) - mean ** 2 - variance)


def net_data(prefix, net):
    data = {f"{prefix}.p{i:03}": p for i, p in enumerate(net.parameters())}
    data.update({f"{prefix}.b{i:03}": b for i, b in enumerate(nets.buffers(net))})
    return data


class GGL:
    """One generation of gradient-free GGL: 50 candidates, each through generator, model, gradient and distance."""

    population = 50

    def __init__(self, model="resnet18", pruned=False, vmap=False):
        torch.manual_seed(1)
        self.pruned, self.vmap = pruned, vmap
        if model == "resnet18":
            self.g = nets.calibrated(nets.wgan_generator(), torch.randn(64, 128))
            self.f = nets.resnet18(10, "cifar")
            latent = 128
        else:
            self.g = nets.calibrated(nets.digits_generator(), torch.randn(64, 32))
            self.f = nets.lenet()
            latent = 32
        with torch.no_grad():
            nets.calibrated(self.f, self.g(torch.randn(64, latent)))
        self.g.eval()
        self.z = torch.randn(self.population, latent)
        self.label = torch.tensor([3])
        self.parameters = list(self.f.parameters())
        x = self.g(torch.randn(1, latent)).detach()
        g = torch.autograd.grad(F.cross_entropy(self.f(x), self.label), self.parameters)
        self.target = [self.prune(t, 0.9) if pruned else t for t in g]
        # What GGL's adaptive loss estimates: the share of zeros received.
        self.rate = float(sum((t == 0).sum() for t in self.target) / sum(t.numel() for t in self.target))

    def data(self):
        return {**net_data("g", self.g), **net_data("f", self.f), "z": self.z,
                **{f"t{i:03}": t for i, t in enumerate(self.target)}}

    @staticmethod
    def prune(t, rate):
        """Entries below that percentile of |t| become 0, as numpy.percentile interpolates it."""
        sizes = t.detach().abs()
        limit = float(np.percentile(sizes.numpy(), 100 * rate))
        return t * (sizes >= limit)

    def loss(self, z, create_graph=False):
        x = self.g(z)
        g = torch.autograd.grad(F.cross_entropy(self.f(x), self.label), self.parameters, create_graph=create_graph)
        if self.pruned:
            g = [self.prune(t, self.rate) for t in g]
        return sum(((a - b) ** 2).sum() for a, b in zip(g, self.target)) / len(g) + 0.1 * divergence(z)

    def run(self):
        if not self.vmap:
            return [float(self.loss(self.z[i:i + 1])) for i in range(self.population)]
        from torch.func import functional_call, grad, vmap
        params = dict(self.f.named_parameters())

        def single(p, x):
            return F.cross_entropy(functional_call(self.f, p, (x.unsqueeze(0),)), self.label)

        with torch.no_grad():
            x = self.g(self.z)
        g = vmap(grad(single), in_dims=(None, 0))(params, x)
        rows = [((a - b) ** 2).flatten(1).sum(1) for a, b in zip(g.values(), self.target)]
        values = sum(rows).detach() / len(rows)
        return [float(v) + 0.1 * float(divergence(z)) for v, z in zip(values, self.z)]


class GGLAdamStep(GGL):
    """One step of GGL with Adam: loss and its gradient with respect to one latent vector, by double backward."""

    def run(self):
        z = self.z[:1].clone().requires_grad_()
        loss = self.loss(z, create_graph=True)
        slope, = torch.autograd.grad(loss, z)
        return [float(loss.detach()), float(slope.norm())]


class DLGClosure:
    """What L-BFGS calls in Deep Leakage from Gradients: objective and gradient for one image and its label logits."""

    def __init__(self):
        torch.manual_seed(2)
        self.f = nets.lenet()
        self.parameters = list(self.f.parameters())
        x = torch.rand(1, 1, 28, 28)
        self.target = torch.autograd.grad(F.cross_entropy(self.f(x), torch.tensor([4])), self.parameters)
        self.x, self.y = torch.randn(1, 1, 28, 28), torch.randn(1, 10)

    def data(self):
        return {**net_data("f", self.f), "x": self.x, "y": self.y, **{f"t{i:03}": t for i, t in enumerate(self.target)}}

    def run(self):
        x, y = self.x.clone().requires_grad_(), self.y.clone().requires_grad_()
        loss = torch.sum(-F.softmax(y, -1) * F.log_softmax(self.f(x), -1), -1).mean()
        g = torch.autograd.grad(loss, self.parameters, create_graph=True)
        distance = sum(((a - b) ** 2).sum() for a, b in zip(g, self.target))
        slopes = torch.autograd.grad(distance, [x, y])
        return [float(distance.detach()), float(slopes[0].norm()), float(slopes[1].norm())]


class InvertingGradients:
    """One step of Inverting Gradients on ConvNet-64: cosine distance and total variation, signed Adam, box."""

    def __init__(self, batch):
        torch.manual_seed(3)
        self.f = nets.calibrated(nets.convnet64(), torch.rand(64, 3, 32, 32))
        self.parameters = list(self.f.parameters())
        self.labels = torch.arange(batch)
        x = torch.rand(batch, 3, 32, 32)
        self.target = torch.autograd.grad(F.cross_entropy(self.f(x), self.labels), self.parameters)
        self.x = torch.rand(batch, 3, 32, 32)

    def data(self):
        return {**net_data("f", self.f), "x": self.x, **{f"t{i:03}": t for i, t in enumerate(self.target)}}

    def run(self):
        x = self.x.clone().requires_grad_()
        optimizer = torch.optim.Adam([x], lr=0.1)
        g = torch.autograd.grad(F.cross_entropy(self.f(x), self.labels), self.parameters, create_graph=True)
        inner = sum((a * b).sum() for a, b in zip(g, self.target))
        own = sum((a * a).sum() for a in g)
        theirs = sum((b * b).sum() for b in self.target)
        variation = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean() + (x[:, :, 1:] - x[:, :, :-1]).abs().mean()
        loss = 1 - inner / (own.sqrt() * theirs.sqrt()) + 1e-4 * variation
        loss.backward()
        x.grad.sign_()
        optimizer.step()
        with torch.no_grad():
            x.clamp_(0, 1)
        return [float(loss.detach()), float(x.detach().mean())]


class CriticStep:
    """One step of a WGAN-GP critic: scores of 64 real and 64 generated images, gradient penalty, Adam."""

    def __init__(self):
        torch.manual_seed(4)
        self.f = nets.critic()
        self.real, self.fake = torch.rand(64, 3, 32, 32), torch.rand(64, 3, 32, 32)
        self.mix = torch.rand(64, 1, 1, 1)
        self.start = [p.detach().clone() for p in self.f.parameters()]

    def data(self):
        return {**net_data("f", self.f), "real": self.real, "fake": self.fake, "mix": self.mix}

    def run(self):
        with torch.no_grad():
            for p, s in zip(self.f.parameters(), self.start):
                p.copy_(s)
        optimizer = torch.optim.Adam(self.f.parameters(), lr=1e-4, betas=(0.5, 0.999))
        between = (self.mix * self.real + (1 - self.mix) * self.fake).requires_grad_()
        slopes, = torch.autograd.grad(self.f(between).sum(), between, create_graph=True)
        penalty = 10 * ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()
        loss = self.f(self.fake).mean() - self.f(self.real).mean() + penalty
        optimizer.zero_grad()
        loss.backward()
        total = float(sum((p.grad ** 2).sum() for p in self.f.parameters()).sqrt())
        optimizer.step()
        return [float(loss.detach()), total]


class ResNet224:
    """Forward and backward of torchvision's ResNet-18 on 8 images of 224 pixels, batch normalisation in eval mode."""

    def __init__(self):
        torch.manual_seed(5)
        self.f = nets.calibrated(nets.resnet18(1000, "imagenet"), torch.rand(8, 3, 224, 224))
        self.x, self.labels = torch.rand(8, 3, 224, 224), torch.arange(8)
        self.parameters = list(self.f.parameters())

    def data(self):
        return {**net_data("f", self.f), "x": self.x}

    def run(self):
        loss = F.cross_entropy(self.f(self.x), self.labels)
        g = torch.autograd.grad(loss, self.parameters)
        return [float(loss.detach()), float(sum((t ** 2).sum() for t in g).sqrt())]


class CMA:
    """20 generations of CMA-ES in 128 dimensions with 50 points, evaluations excluded (pycma)."""

    generations = 20

    def data(self):
        return {}

    def run(self):
        import time

        import cma

        points = cma.CMAEvolutionStrategy(
            128 * [0.0], 1.0, {"popsize": 50, "seed": 7, "verbose": -9, "tolfun": 0, "tolx": 0})
        spent = 0.0
        for _ in range(self.generations):
            start = time.perf_counter()
            asked = points.ask()
            spent += time.perf_counter() - start
            values = [float(((x - 1) ** 2).sum()) for x in asked]
            start = time.perf_counter()
            points.tell(asked, values)
            spent += time.perf_counter() - start
        self.milliseconds = 1000 * spent / self.generations
        return []


class TurboRound:
    """One round of TuRBO-1 at 500 points in 32 dimensions with gpytorch: 50 Adam steps on the exact marginal likelihood, then 10 joint
    posterior samples (noise included) at 3200 candidates in the trust region."""

    def __init__(self):
        torch.manual_seed(8)
        self.x = torch.rand(500, 32, dtype=torch.float64)
        f = ((self.x - 0.4) ** 2).sum(1) + 0.3 * torch.sin(5 * self.x).sum(1)
        self.y = (f - f.median()) / f.std()
        self.at = torch.rand(5, 32, dtype=torch.float64)

    def data(self):
        return {"x": self.x, "y": self.y, "at": self.at}

    def fit(self):
        import gpytorch
        from gpytorch.constraints import Interval

        class GP(gpytorch.models.ExactGP):
            def __init__(self, x, y, likelihood):
                super().__init__(x, y, likelihood)
                self.mean_module = gpytorch.means.ConstantMean()
                self.covar_module = gpytorch.kernels.ScaleKernel(
                    gpytorch.kernels.MaternKernel(nu=2.5, ard_num_dims=32, lengthscale_constraint=Interval(0.005, 2.0)),
                    outputscale_constraint=Interval(0.05, 20.0))

            def forward(self, x):
                return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

        likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=Interval(5e-4, 0.2)).double()
        model = GP(self.x, self.y, likelihood).double()
        model.train()
        likelihood.train()
        mll = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
        model.initialize(**{"covar_module.outputscale": 1.0, "covar_module.base_kernel.lengthscale": 0.5, "likelihood.noise": 0.005})
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        for _ in range(50):
            optimizer.zero_grad()
            loss = -mll(model(self.x), self.y)
            loss.backward()
            optimizer.step()
        return model, likelihood, mll

    def run(self):
        import time

        import gpytorch

        start = time.perf_counter()
        with gpytorch.settings.max_cholesky_size(4000):
            model, likelihood, mll = self.fit()
            w = model.covar_module.base_kernel.lengthscale.detach().squeeze()
            w = w / w.mean()
            w = w / torch.exp(torch.log(w).mean())
            centre = self.x[self.y.argmin()]
            low, high = (centre - 0.4 * w).clamp(0, 1), (centre + 0.4 * w).clamp(0, 1)
            spread = low + (high - low) * torch.quasirandom.SobolEngine(32, scramble=True, seed=1).draw(3200).double()
            candidates = torch.where(torch.rand(3200, 32) < 20 / 32, spread, centre)
            model.eval()
            likelihood.eval()
            with torch.no_grad():
                samples = likelihood(model(candidates)).sample(torch.Size([10]))
            chosen = []
            for row in samples:
                row[chosen] = torch.inf
                chosen.append(int(row.argmin()))
        self.milliseconds = 1000 * (time.perf_counter() - start)
        with torch.no_grad():
            mean = model(self.at).mean
            model.train()
            likelihood.train()
            return [float(mll(model(self.x), self.y)) * 500] + [float(m) for m in mean]


WORKS = {
    "ggl_resnet18": lambda: GGL(),
    "ggl_resnet18_vmap": lambda: GGL(vmap=True),
    "ggl_resnet18_pruned": lambda: GGL(pruned=True),
    "ggl_adam_step": lambda: GGLAdamStep(),
    "ggl_lenet": lambda: GGL(model="lenet"),
    "ggl_lenet_vmap": lambda: GGL(model="lenet", vmap=True),
    "dlg_closure": lambda: DLGClosure(),
    "ig_step_b1": lambda: InvertingGradients(1),
    "ig_step_b8": lambda: InvertingGradients(8),
    "wgan_gp_critic": lambda: CriticStep(),
    "resnet18_224": lambda: ResNet224(),
    "cma_es": lambda: CMA(),
    "turbo_round": lambda: TurboRound(),
}
