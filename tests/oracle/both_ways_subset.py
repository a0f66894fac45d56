"""A training script inside the subset that both packages have: only its import lines differ."""

import minigrad as torch
import minigrad.nn.functional as F
from minigrad import nn, optim

torch.set_default_dtype(torch.float64)
x = torch.linspace(-1, 1, 12).reshape(4, 3)
target = torch.tensor([0, 1, 1, 0])
model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
with torch.no_grad():
    for i, p in enumerate(model.parameters()):
        p.copy_(torch.sin(torch.arange(p.numel()) * (i + 1.0)).reshape(p.shape))
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(5):
    optimizer.zero_grad()
    logits = model(x)
    loss = F.cross_entropy(logits, target) + 0.01 * sum((p**2).sum() for p in model.parameters())
    loss.backward()
    optimizer.step()
    values, order = torch.sort(torch.softmax(logits, dim=1).detach().flatten(), descending=True)
    print(step, round(loss.item(), 10), round(values[0].item(), 10), order[0].item())
print(x.mean(dim=0, keepdim=True).shape[1], x.T.shape[0], torch.cat([x, x], dim=1).shape[1], x.argmax().item())
