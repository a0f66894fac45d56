"""The same questions put to the strict stand-in and to the genuine CuPy, and what tells the answers apart.

    python -m tests.gpu.probes strict strict.json
    python -m tests.gpu.probes real real.json               # on a GPU, or on tests.gpu.hipcpu
    python -m tests.gpu.probes compare strict.json real.json
    python -m tests.gpu.probes compare strict.json          # with the recorded answers of CuPy, `answers.json`

A LEAK is what the stand-in accepts and CuPy refuses: the tests would pass and the program fail. Where the stand-in is
stricter it is so on purpose: host arrays as an index, results that are undefined on a GPU.
"""
