// CuPy's headers include this one by name; what it would define is in `hipcpu/kernel.h`.
#pragma once
