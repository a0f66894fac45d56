"""Does minigrad compute right on this GPU, and how fast? `python -m minigrad.gpucheck` finds out and says so on a page.

    python -m minigrad.gpucheck                        some minutes; the page for an issue goes to standard output
    python -m minigrad.gpucheck --quick                the same with fewer and shorter measurements
    python -m minigrad.gpucheck --json results.json    with every number
    python -m minigrad.gpucheck --record               print the loss curves of `trainings.RECORDED` anew; needs no GPU

It needs NumPy and CuPy, nothing from a network and no file beside the package. The exit code is 0 if all numbers
agree, 1 if some do not or a part fails, 2 if there is no GPU to compute on. Times and waits are reported, not judged.

Each part is a page with a function `run`, which measures, and one `lines`, which words the result:

1. `comparisons`: operators and layers, their values and gradients of both orders, beside the CPU's.
2. `trainings`: the losses and weights of three small networks beside the CPU's, and beside recorded ones.
3. `waits`: kernels launched and waits of a training step, as predicted, and what shows of them on this GPU.
4. `times`: operators, training steps, the size from which the GPU is faster, TF32, starting up.

The file of `--json` has what each `run` returns under the part's name, with the `seconds` it took; beside the parts
`environment` (versions, the machine, the GPU), `quick`, and `failures`, a sentence for each. Times are in seconds.

A room to look things up in.
"""
