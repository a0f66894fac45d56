// What BLAS and the solvers share. Matrices are stored by columns, as Fortran does: `leading` is a column's length.
#pragma once

#include <complex>
#include <cstddef>

namespace hipcpu {

enum Operation : int { plain = 111, transposed = 112, conjugated = 113 };  // hipBLAS and rocBLAS agree

template <class T>
T conjugate(T value) { return value; }
template <class T>
std::complex<T> conjugate(std::complex<T> value) { return std::conj(value); }

// A matrix in memory. `at(i, j)` reads it as a call asks for it: as it is, transposed, or conjugated too.
template <class T>
struct Matrix {
  T *data;
  int leading;
  int operation = plain;

  T &operator()(int i, int j) const { return data[i + size_t(j) * leading]; }
  T at(int i, int j) const {
    if (operation == plain) return (*this)(i, j);
    return operation == transposed ? (*this)(j, i) : conjugate((*this)(j, i));
  }
};

}  // namespace hipcpu
