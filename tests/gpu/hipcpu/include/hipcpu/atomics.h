// Atomic operations. One host thread runs every device thread, so a plain read and write is atomic already.
#pragma once

// Not one template: CuPy adds overloads of its own for float16 and long long, which must stay the better match.
#define HIPCPU_ATOMIC_ADD(T)                     \
  inline T atomicAdd(T *address, T value) {      \
    T old = *address;                            \
    *address = old + value;                      \
    return old;                                  \
  }
HIPCPU_ATOMIC_ADD(int)
HIPCPU_ATOMIC_ADD(unsigned)
HIPCPU_ATOMIC_ADD(unsigned long)
HIPCPU_ATOMIC_ADD(unsigned long long)
HIPCPU_ATOMIC_ADD(float)
HIPCPU_ATOMIC_ADD(double)

#define HIPCPU_ATOMIC(NAME, RESULT)              \
  template <class T>                             \
  inline T NAME(T *address, T value) {           \
    T old = *address;                            \
    *address = RESULT;                           \
    return old;                                  \
  }
HIPCPU_ATOMIC(atomicSub, old - value)
HIPCPU_ATOMIC(atomicExch, value)
HIPCPU_ATOMIC(atomicOr, old | value)
HIPCPU_ATOMIC(atomicAnd, old &value)
HIPCPU_ATOMIC(atomicXor, old ^ value)
HIPCPU_ATOMIC(atomicMax, value > old || value != value ? value : old)
HIPCPU_ATOMIC(atomicMin, value < old || value != value ? value : old)

template <class T>
inline T atomicCAS(T *address, T expected, T value) {
  T old = *address;
  if (old == expected) *address = value;
  return old;
}
