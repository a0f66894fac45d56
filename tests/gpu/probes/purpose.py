"""Where the stand-in is stricter than CuPy, and why: all such questions, and no others."""

from tests.gpu.probes.questions import lines

PURPOSE = {
    "a host array would be copied to the device at each use": """
        np.add.at(z, i, n)
        np.add.at(z, np.array([0]), 1.0)
        np.isclose(a, n)
        np.allclose(a, n)
        np.einsum('ij,ij->ij', a, n)
        np.roll(a, np.negative((1, 1)), (0, 1))
        np.take(a, np.array([0]), 0)
        np.cross(v, [1, 2, 3])
        a[np.array([0, 1])]
        a[np.array([0, 1]), i]
        a[n > 1]
        a[np.array(0)]
        a[:] = np.array(2.0)
        a[np.array([0])] = 7
    """,
    "it would be computed on the host, without a word": """
        cp.sum(n)
    """,
    "a number that the host needs would have to be waited for": """
        np.tile(a, (i[1], 1))
        np.argsort(a, i[0])
        np.concatenate([a, b], i[0])
        np.delete(a, i)
        a[slice(i[0], 2)]
    """,
    "the result is undefined on a GPU": """
        np.add.at(z, up([5], 'i8'), 1.0)
        a[j[:, :1]]
        a[up([5], 'i8')]
        a[up([5], 'i8')] = 7
        a[r] = b
        j[0] = v / 0
        np.broadcast_to(v, (2, 3))[0] = 7
        (a / 0).astype('i4')
        (-a).astype('u1')
    """,
    "CuPy gives something else than NumPy": """
        np.zeros_like(a, np.float32, shape=())
        np.ones_like(a, shape=())
        np.full_like(a, 2, shape=())
        a[1.0]
        a[0] = None
        j ** -1
    """,
    "NumPy refuses it, so no code that serves both can contain it": """
        a.argmax((0, 1))
        a.argmin((0, 1))
        np.argmax(a, axis=())
        np.argmin(a, axis=())
        np.sum(a, axis=[0, 1])
    """,
    "the stand-in has none": """
        a.data.ptr > 0
        a.flat
        a.dump
        a.tofile
        cp.from_dlpack(a)
        np.kron(v, 2.0)
    """,
}
WHY = {question: why for why, questions in PURPOSE.items() for question in lines(questions)}
