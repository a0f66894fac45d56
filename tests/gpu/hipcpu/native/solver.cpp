// rocSOLVER and the solvers of hipBLAS, for float32 and float64: LU with row exchanges, Cholesky, Householder's QR.
//
// CuPy's own code for inv, solve, det, slogdet, cholesky and qr runs above this as it does on a device. The numbers are
// right, but they are not the real library's: its rounding, its choice of pivots among equals and what it leaves in a
// matrix that cannot be factored do not show here.

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "common.h"
#include "matrix.h"

using namespace hipcpu;

namespace {

enum Fill : int { upper = 121, lower = 122 };  // rocblas_fill

// -- LU: A (m, n) = P L U, in place. Pivots count from 1; info is the first zero on U's diagonal, or 0 ---------------

template <class T>
void factor(int m, int n, Matrix<T> a, int *pivots, int *info) {
  *info = 0;
  for (int k = 0; k < std::min(m, n); k++) {
    int pivot = k;
    for (int i = k + 1; i < m; i++) {
      if (std::abs(a(i, k)) > std::abs(a(pivot, k))) pivot = i;
    }
    pivots[k] = pivot + 1;
    if (a(pivot, k) == T(0)) {
      if (!*info) *info = k + 1;
      continue;
    }
    if (pivot != k) {
      for (int j = 0; j < n; j++) std::swap(a(k, j), a(pivot, j));
    }
    for (int i = k + 1; i < m; i++) a(i, k) /= a(k, k);
    for (int j = k + 1; j < n; j++) {
      for (int i = k + 1; i < m; i++) a(i, j) -= a(i, k) * a(k, j);
    }
  }
}

// X of op(A) X = B, in place of B (n, columns), for A as `factor` leaves it.
template <class T>
void solve(int operation, int n, int columns, Matrix<T> lu, const int *pivots, Matrix<T> b) {
  for (int column = 0; column < columns; column++) {
    T *x = &b(0, column);
    if (operation == plain) {  // P L U x = b
      for (int i = 0; i < n; i++) std::swap(x[i], x[pivots[i] - 1]);
      for (int j = 0; j < n; j++) {
        for (int i = j + 1; i < n; i++) x[i] -= lu(i, j) * x[j];
      }
      for (int j = n - 1; j >= 0; j--) {
        x[j] /= lu(j, j);
        for (int i = 0; i < j; i++) x[i] -= lu(i, j) * x[j];
      }
    } else {  // Uᵀ Lᵀ Pᵀ x = b
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) x[i] -= lu(j, i) * x[j];
        x[i] /= lu(i, i);
      }
      for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++) x[i] -= lu(j, i) * x[j];
      }
      for (int i = n - 1; i >= 0; i--) std::swap(x[i], x[pivots[i] - 1]);
    }
  }
}

// -- Cholesky: A = L Lᵀ or Uᵀ U, in place of that half. info is the first minor that is not positive, or 0 -----------

template <class T>
void cholesky(int fill, int n, Matrix<T> a, int *info) {
  auto l = [&](int i, int j) -> T & { return fill == lower ? a(i, j) : a(j, i); };
  *info = 0;
  for (int j = 0; j < n; j++) {
    for (int i = j; i < n; i++) {
      T rest = l(i, j);
      for (int k = 0; k < j; k++) rest -= l(i, k) * l(j, k);
      if (i > j) {
        l(i, j) = rest / l(j, j);
      } else if (rest > T(0)) {
        l(j, j) = std::sqrt(rest);
      } else {
        *info = j + 1;
        return;
      }
    }
  }
}

// -- QR: A (m, n) = Q R. R goes to A's upper triangle; Q is a product of I - tau v vᵀ, v = (1, A's column below) -------

template <class T>
void reflect(int m, int n, Matrix<T> a, int k, T tau, int first_column) {
  for (int j = first_column; j < n; j++) {
    T sum = a(k, j);
    for (int i = k + 1; i < m; i++) sum += a(i, k) * a(i, j);
    sum *= tau;
    a(k, j) -= sum;
    for (int i = k + 1; i < m; i++) a(i, j) -= sum * a(i, k);
  }
}

template <class T>
void orthogonalize(int m, int n, Matrix<T> a, T *taus) {
  for (int k = 0; k < std::min(m, n); k++) {
    T below = 0;
    for (int i = k + 1; i < m; i++) below += a(i, k) * a(i, k);
    taus[k] = 0;
    if (below == T(0)) continue;
    T head = a(k, k), length = -std::copysign(std::sqrt(head * head + below), head);
    taus[k] = (length - head) / length;
    for (int i = k + 1; i < m; i++) a(i, k) /= head - length;
    a(k, k) = length;
    reflect(m, n, a, k, taus[k], k + 1);
  }
}

// The first n columns of Q, in place of what `orthogonalize` leaves of k reflections.
template <class T>
void make_orthogonal(int m, int n, int k, Matrix<T> a, const T *taus) {
  for (int j = k; j < n; j++) {
    for (int i = 0; i < m; i++) a(i, j) = i == j;
  }
  for (int j = k - 1; j >= 0; j--) {
    reflect(m, n, a, j, taus[j], j + 1);
    for (int i = j + 1; i < m; i++) a(i, j) *= -taus[j];
    a(j, j) = 1 - taus[j];
    for (int i = 0; i < j; i++) a(i, j) = 0;
  }
}

}  // namespace

HIPCPU_API int rocblas_create_handle(void **handle) { *handle = new int(0); return 0; }
HIPCPU_API int rocblas_destroy_handle(int *handle) { delete handle; return 0; }
HIPCPU_API int rocblas_set_stream(void *, void *) { return 0; }
HIPCPU_API int rocblas_get_stream(void *, void **stream) { *stream = nullptr; return 0; }

#define FOR_TYPE(SMALL, LARGE, T)                                                                                      \
  HIPCPU_API int rocsolver_##SMALL##getrf(void *, int m, int n, T *a, int lda, int *pivots, int *info) {               \
    library_call("rocsolver_" #SMALL "getrf");                                                                         \
    factor<T>(m, n, {a, lda}, pivots, info);                                                                           \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int rocsolver_##SMALL##getrs(void *, int operation, int n, int columns, T *a, int lda, const int *pivots, \
                                          T *b, int ldb) {                                                             \
    library_call("rocsolver_" #SMALL "getrs");                                                                         \
    solve<T>(operation, n, columns, {a, lda}, pivots, {b, ldb});                                                       \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int rocsolver_##SMALL##potrf(void *, int fill, int n, T *a, int lda, int *info) {                         \
    library_call("rocsolver_" #SMALL "potrf");                                                                         \
    cholesky<T>(fill, n, {a, lda}, info);                                                                              \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int rocsolver_##SMALL##potrf_batched(void *, int fill, int n, T *const *a, int lda, int *info,            \
                                                  int count) {                                                         \
    library_call("rocsolver_" #SMALL "potrf_batched");                                                                 \
    for (int i = 0; i < count; i++) cholesky<T>(fill, n, {a[i], lda}, info + i);                                       \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int rocsolver_##SMALL##geqrf(void *, int m, int n, T *a, int lda, T *taus) {                              \
    library_call("rocsolver_" #SMALL "geqrf");                                                                         \
    orthogonalize<T>(m, n, {a, lda}, taus);                                                                            \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int rocsolver_##SMALL##geqrf_batched(void *, int m, int n, T *const *a, int lda, T *taus, long stride,    \
                                                  int count) {                                                         \
    library_call("rocsolver_" #SMALL "geqrf_batched");                                                                 \
    for (int i = 0; i < count; i++) orthogonalize<T>(m, n, {a[i], lda}, taus + i * stride);                            \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int rocsolver_##SMALL##orgqr(void *, int m, int n, int k, T *a, int lda, T *taus) {                       \
    library_call("rocsolver_" #SMALL "orgqr");                                                                         \
    make_orthogonal<T>(m, n, k, {a, lda}, taus);                                                                       \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int hipblas##LARGE##getrfBatched(void *, int n, T *const *a, int lda, int *pivots, int *info,             \
                                              int count) {                                                             \
    library_call("hipblas" #LARGE "getrfBatched");                                                                     \
    for (int i = 0; i < count; i++) factor<T>(n, n, {a[i], lda}, pivots + i * n, info + i);                            \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int hipblas##LARGE##getrsBatched(void *, int operation, int n, int columns, T *const *a, int lda,         \
                                              const int *pivots, T *const *b, int ldb, int *info, int count) {         \
    library_call("hipblas" #LARGE "getrsBatched");                                                                     \
    for (int i = 0; i < count; i++) solve<T>(operation, n, columns, {a[i], lda}, pivots + i * n, {b[i], ldb});         \
    *info = 0;                                                                                                         \
    return 0;                                                                                                          \
  }                                                                                                                    \
  HIPCPU_API int hipblas##LARGE##getriBatched(void *, int n, T *const *a, int lda, int *pivots, T *const *inverse,     \
                                              int ldc, int *info, int count) {                                         \
    library_call("hipblas" #LARGE "getriBatched");                                                                     \
    for (int i = 0; i < count; i++) {                                                                                  \
      Matrix<T> out = {inverse[i], ldc};                                                                               \
      for (int column = 0; column < n; column++) {                                                                     \
        for (int row = 0; row < n; row++) out(row, column) = row == column;                                            \
      }                                                                                                                \
      solve<T>(plain, n, n, {a[i], lda}, pivots + i * n, out);                                                         \
      info[i] = 0;                                                                                                     \
    }                                                                                                                  \
    return 0;                                                                                                          \
  }

FOR_TYPE(s, S, float)
FOR_TYPE(d, D, double)
