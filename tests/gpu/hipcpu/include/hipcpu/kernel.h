// The device language as ordinary C++: included before every kernel (`native/compiler.cpp`).
//
// It defines what CuPy's kernels use, and what kernels in CuPy's documentation use. A name that is missing here is an
// error of g++ that names it.
#pragma once

#include <algorithm>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#define __HIPCC__ 1
#define __HIPCC_RTC__ 1
#define __HIP_PLATFORM_AMD__ 1

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static  // blocks run one after the other: one copy is enough
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#undef __noinline__

// -- which thread this is: the runtime sets it before each turn ------------------------------------------------------

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x = 1, y = 1, z = 1; };
struct int2 { int x, y; };
struct int3 { int x, y, z; };
struct int4 { int x, y, z, w; };
struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct float2 { float x, y; };
struct float3 { float x, y, z; };
struct float4 { float x, y, z, w; };
struct double2 { double x, y; };

extern "C" {
extern uint3 threadIdx, blockIdx, blockDim, gridDim;
extern void *hipcpu_dynamic_shared;  // the memory of `extern __shared__` arrays
void hipcpu_block_barrier();
[[noreturn]] void hipcpu_fault(const char *what);
}

static const int warpSize = 64;

inline void __syncthreads() { hipcpu_block_barrier(); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

#undef assert
#define assert(condition) ((condition) ? (void)0 : hipcpu_fault("assertion failed: " #condition))
inline void __trap() { hipcpu_fault("trap"); }

#include "atomics.h"
#include "bits.h"
#include "half.h"
#include "maths.h"
#include "warp.h"

// -- how a launch reaches a kernel: one pointer to each argument -----------------------------------------------------

template <class... Arguments, std::size_t... I>
inline void hipcpu_unpack(void (*kernel)(Arguments...), void **arguments, std::index_sequence<I...>) {
  kernel(*reinterpret_cast<std::remove_cv_t<std::remove_reference_t<Arguments>> *>(arguments[I])...);
}

template <class... Arguments>
inline void hipcpu_call(void (*kernel)(Arguments...), void **arguments) {
  hipcpu_unpack(kernel, arguments, std::index_sequence_for<Arguments...>{});
}
