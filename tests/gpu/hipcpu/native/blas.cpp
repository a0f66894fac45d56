// hipBLAS: the calls that matmul, dot, tensordot, einsum and linalg make. Plain loops; sums in the matrices' own type,
// those of float16 and bfloat16 in float32, as on a device.

#include "common.h"
#include "matrix.h"

// Conversions between 16-bit floats and float32, the same that kernels use.
#include "../include/hipcpu/bits.h"

#include <initializer_list>
#include <vector>

using namespace hipcpu;

namespace {

enum Status : int { done = 0, unsupported = 7 };  // hipblasStatus_t

// -- handles: they hold one setting ----------------------------------------------------------------------------------

struct Handle {
  int pointer_mode;  // whether alpha and beta lie on host or device: here it is the same memory
};

}  // namespace

HIPCPU_API int hipblasCreate(Handle **handle) { *handle = new Handle{}; return done; }
HIPCPU_API int hipblasDestroy(Handle *handle) { delete handle; return done; }
HIPCPU_API int hipblasSetStream(Handle *, void *) { return done; }
HIPCPU_API int hipblasGetStream(Handle *, void **stream) { *stream = nullptr; return done; }
HIPCPU_API int hipblasSetPointerMode(Handle *handle, int mode) { handle->pointer_mode = mode; return done; }
HIPCPU_API int hipblasGetPointerMode(Handle *handle, int *mode) { *mode = handle->pointer_mode; return done; }

// -- C = alpha A B + beta C, A (m, k) and B (k, n) -------------------------------------------------------------------

namespace {

// A beta of 0 means that C is not read: it may hold anything, NaN too.
template <class T>
T scaled(T beta, T value) {
  return beta == T(0) ? T(0) : beta * value;
}

template <class T>
void multiply(int m, int n, int k, T alpha, Matrix<const T> a, Matrix<const T> b, T beta, Matrix<T> c) {
  for (int j = 0; j < n; j++) {
    T *column = &c(0, j);
    for (int i = 0; i < m; i++) column[i] = scaled(beta, column[i]);
    if (a.operation == plain) {  // along columns of A, so that the inner loop reads memory in order
      for (int l = 0; l < k; l++) {
        T factor = alpha * b.at(l, j);
        const T *from = &a(0, l);
        for (int i = 0; i < m; i++) column[i] += factor * from[i];
      }
    } else {
      for (int i = 0; i < m; i++) {
        T sum = 0;
        for (int l = 0; l < k; l++) sum += a.at(i, l) * b.at(l, j);
        column[i] += alpha * sum;
      }
    }
  }
}

// -- the same for a mixture of types, given by number ----------------------------------------------------------------

enum Kind { float32, float64, float16, bfloat16, complex64, complex128, other };

Kind kind(int type) {  // of a hipDataType, or of the hipblasDatatype before it
  switch (type) {
    case 0: case 151: return float32;
    case 1: case 152: return float64;
    case 2: case 150: return float16;
    case 14: case 168: return bfloat16;
    case 4: case 154: return complex64;
    case 5: case 155: return complex128;
    default: return other;
  }
}

size_t size_of(Kind kind) {
  switch (kind) {
    case float16: case bfloat16: return 2;
    case float32: return 4;
    case complex128: return 16;
    default: return 8;
  }
}

float load(const void *array, Kind kind, size_t i) {
  if (kind == float32) return static_cast<const float *>(array)[i];
  uint16_t bits = static_cast<const uint16_t *>(array)[i];
  return kind == float16 ? hipcpu_half_to_float(bits) : hipcpu_bfloat16_to_float(bits);
}

void store(void *array, Kind kind, size_t i, float value) {
  if (kind == float32) {
    static_cast<float *>(array)[i] = value;
  } else {
    uint16_t bits = kind == float16 ? hipcpu_float_to_half(value) : hipcpu_float_to_bfloat16(value);
    static_cast<uint16_t *>(array)[i] = bits;
  }
}

struct Operand {
  const void *data;
  Kind kind;
  int leading, operation;

  template <class T>
  Matrix<const T> as() const { return {static_cast<const T *>(data), leading, operation}; }
  float at(int i, int j) const {
    return load(data, kind, operation == plain ? i + size_t(j) * leading : j + size_t(i) * leading);
  }
};

template <class T>
void multiply_alike(int m, int n, int k, const void *alpha, Operand a, Operand b, const void *beta, void *c,
                    int leading) {
  multiply<T>(m, n, k, *static_cast<const T *>(alpha), a.as<T>(), b.as<T>(), *static_cast<const T *>(beta),
              {static_cast<T *>(c), leading});
}

int multiply_any(int m, int n, int k, const void *alpha, Operand a, Operand b, const void *beta, void *c, Kind c_kind,
                 int leading) {
  if (a.kind == b.kind && b.kind == c_kind) {
    switch (c_kind) {
      case float32: multiply_alike<float>(m, n, k, alpha, a, b, beta, c, leading); return done;
      case float64: multiply_alike<double>(m, n, k, alpha, a, b, beta, c, leading); return done;
      case complex64: multiply_alike<std::complex<float>>(m, n, k, alpha, a, b, beta, c, leading); return done;
      case complex128: multiply_alike<std::complex<double>>(m, n, k, alpha, a, b, beta, c, leading); return done;
      default: break;
    }
  }
  for (Kind kind : {a.kind, b.kind, c_kind}) {
    if (kind != float32 && kind != float16 && kind != bfloat16) return unsupported;
  }
  std::vector<float> left(size_t(m) * k), right(size_t(k) * n), out(size_t(m) * n);
  for (int l = 0; l < k; l++) {
    for (int i = 0; i < m; i++) left[i + size_t(l) * m] = a.at(i, l);
    for (int j = 0; j < n; j++) right[l + size_t(j) * k] = b.at(l, j);
  }
  float by = *static_cast<const float *>(alpha), keep = *static_cast<const float *>(beta);
  for (int j = 0; j < n && keep; j++) {
    for (int i = 0; i < m; i++) out[i + size_t(j) * m] = load(c, c_kind, i + size_t(j) * leading);
  }
  multiply<float>(m, n, k, by, {left.data(), m}, {right.data(), k}, keep, {out.data(), m});
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < m; i++) store(c, c_kind, i + size_t(j) * leading, out[i + size_t(j) * m]);
  }
  return done;
}

}  // namespace

HIPCPU_API int hipblasGemmEx(Handle *, int transpose_a, int transpose_b, int m, int n, int k, const void *alpha,
                             const void *a, int a_type, int lda, const void *b, int b_type, int ldb, const void *beta,
                             void *c, int c_type, int ldc, int, int) {
  library_call("hipblasGemmEx");
  return multiply_any(m, n, k, alpha, {a, kind(a_type), lda, transpose_a}, {b, kind(b_type), ldb, transpose_b}, beta, c,
                      kind(c_type), ldc);
}

HIPCPU_API int hipblasGemmStridedBatchedEx(Handle *, int transpose_a, int transpose_b, int m, int n, int k,
                                           const void *alpha, const void *a, int a_type, int lda, long long a_stride,
                                           const void *b, int b_type, int ldb, long long b_stride, const void *beta,
                                           void *c, int c_type, int ldc, long long c_stride, int count, int, int) {
  library_call("hipblasGemmStridedBatchedEx");
  Kind a_kind = kind(a_type), b_kind = kind(b_type), c_kind = kind(c_type);
  for (int i = 0; i < count; i++) {
    Operand left = {static_cast<const char *>(a) + i * a_stride * size_of(a_kind), a_kind, lda, transpose_a};
    Operand right = {static_cast<const char *>(b) + i * b_stride * size_of(b_kind), b_kind, ldb, transpose_b};
    void *out = static_cast<char *>(c) + i * c_stride * size_of(c_kind);
    if (int status = multiply_any(m, n, k, alpha, left, right, beta, out, c_kind, ldc)) return status;
  }
  return done;
}

// -- the functions that BLAS has once for each type ------------------------------------------------------------------

namespace {

template <class T>
int multiply_vector(int operation, int m, int n, const T *alpha, const T *a, int lda, const T *x, int x_step,
                    const T *beta, T *y, int y_step) {
  Matrix<const T> matrix = {a, lda, operation};
  int rows = operation == plain ? m : n, columns = operation == plain ? n : m;
  for (int i = 0; i < rows; i++) {
    T sum = 0;
    for (int j = 0; j < columns; j++) sum += matrix.at(i, j) * x[j * x_step];
    y[i * y_step] = *alpha * sum + scaled(*beta, y[i * y_step]);
  }
  return done;
}

template <class T>
int add_outer(int m, int n, const T *alpha, const T *x, int x_step, const T *y, int y_step, T *a, int lda) {
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < m; i++) a[i + size_t(j) * lda] += *alpha * x[i * x_step] * y[j * y_step];
  }
  return done;
}

template <class T>
int inner_product(int n, const T *x, int x_step, const T *y, int y_step, T *result) {
  T sum = 0;
  for (int i = 0; i < n; i++) sum += x[i * x_step] * y[i * y_step];
  *result = sum;
  return done;
}

template <class T>
int add_matrices(int m, int n, const T *alpha, Matrix<const T> a, const T *beta, Matrix<const T> b, Matrix<T> c) {
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < m; i++) {
      c(i, j) = (*alpha == T(0) ? T(0) : *alpha * a.at(i, j)) + (*beta == T(0) ? T(0) : *beta * b.at(i, j));
    }
  }
  return done;
}

}  // namespace

#define FOR_TYPE(LETTER, T)                                                                                            \
  HIPCPU_API int hipblas##LETTER##gemm(Handle *, int ta, int tb, int m, int n, int k, const T *alpha, const T *a,      \
                                       int lda, const T *b, int ldb, const T *beta, T *c, int ldc) {                   \
    library_call("hipblas" #LETTER "gemm");                                                                            \
    multiply<T>(m, n, k, *alpha, {a, lda, ta}, {b, ldb, tb}, *beta, {c, ldc});                                         \
    return done;                                                                                                       \
  }                                                                                                                    \
  HIPCPU_API int hipblas##LETTER##gemmBatched(Handle *, int ta, int tb, int m, int n, int k, const T *alpha,           \
                                              const T *const *a, int lda, const T *const *b, int ldb, const T *beta,   \
                                              T *const *c, int ldc, int count) {                                       \
    library_call("hipblas" #LETTER "gemmBatched");                                                                     \
    for (int i = 0; i < count; i++) {                                                                                  \
      multiply<T>(m, n, k, *alpha, {a[i], lda, ta}, {b[i], ldb, tb}, *beta, {c[i], ldc});                              \
    }                                                                                                                  \
    return done;                                                                                                       \
  }                                                                                                                    \
  HIPCPU_API int hipblas##LETTER##gemmStridedBatched(Handle *, int ta, int tb, int m, int n, int k, const T *alpha,    \
                                                     const T *a, int lda, long long a_stride, const T *b, int ldb,     \
                                                     long long b_stride, const T *beta, T *c, int ldc,                 \
                                                     long long c_stride, int count) {                                  \
    library_call("hipblas" #LETTER "gemmStridedBatched");                                                              \
    for (int i = 0; i < count; i++) {                                                                                  \
      multiply<T>(m, n, k, *alpha, {a + i * a_stride, lda, ta}, {b + i * b_stride, ldb, tb}, *beta,                    \
                  {c + i * c_stride, ldc});                                                                            \
    }                                                                                                                  \
    return done;                                                                                                       \
  }                                                                                                                    \
  HIPCPU_API int hipblas##LETTER##gemv(Handle *, int operation, int m, int n, const T *alpha, const T *a, int lda,     \
                                       const T *x, int x_step, const T *beta, T *y, int y_step) {                      \
    library_call("hipblas" #LETTER "gemv");                                                                            \
    return multiply_vector<T>(operation, m, n, alpha, a, lda, x, x_step, beta, y, y_step);                             \
  }                                                                                                                    \
  HIPCPU_API int hipblas##LETTER##geam(Handle *, int ta, int tb, int m, int n, const T *alpha, const T *a, int lda,    \
                                       const T *beta, const T *b, int ldb, T *c, int ldc) {                            \
    library_call("hipblas" #LETTER "geam");                                                                            \
    return add_matrices<T>(m, n, alpha, {a, lda, ta}, beta, {b, ldb, tb}, {c, ldc});                                   \
  }

#define FOR_REAL_TYPE(LETTER, T)                                                                                       \
  HIPCPU_API int hipblas##LETTER##ger(Handle *, int m, int n, const T *alpha, const T *x, int x_step, const T *y,      \
                                      int y_step, T *a, int lda) {                                                     \
    library_call("hipblas" #LETTER "ger");                                                                             \
    return add_outer<T>(m, n, alpha, x, x_step, y, y_step, a, lda);                                                    \
  }                                                                                                                    \
  HIPCPU_API int hipblas##LETTER##dot(Handle *, int n, const T *x, int x_step, const T *y, int y_step, T *result) {    \
    library_call("hipblas" #LETTER "dot");                                                                             \
    return inner_product<T>(n, x, x_step, y, y_step, result);                                                          \
  }

FOR_TYPE(S, float)
FOR_TYPE(D, double)
FOR_TYPE(C, std::complex<float>)
FOR_TYPE(Z, std::complex<double>)
FOR_REAL_TYPE(S, float)
FOR_REAL_TYPE(D, double)
