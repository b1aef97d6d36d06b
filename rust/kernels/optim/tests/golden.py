"""Write golden.txt: three steps of torch.optim's single-tensor rules. Run: python golden.py > golden.txt."""

import torch

CASES = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}),
    "sgd_momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    "sgd_nesterov": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    "adam": (torch.optim.Adam, {"lr": 0.01}),
    "adam_amsgrad": (torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True, "maximize": True}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.01}),
    "rmsprop_centered": (torch.optim.RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}),
    "adadelta": (torch.optim.Adadelta, {"lr": 1.0, "weight_decay": 0.1}),
}

for dtype in (torch.float32, torch.float64):
    for name, (optimizer, options) in CASES.items():
        torch.manual_seed(1)
        p = torch.randn(37, dtype=dtype, requires_grad=True)
        lines = [p.detach().clone()]
        optim = optimizer([p], foreach=False, **options)
        for _ in range(3):
            p.grad = torch.randn(37, dtype=dtype)
            lines.append(p.grad.clone())
            optim.step()
        lines.append(p.detach())
        numbers = "|".join(" ".join(repr(float(v)) for v in line) for line in lines)
        print(f"{name}|{str(dtype).removeprefix('torch.')}|{numbers}")
