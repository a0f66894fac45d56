// The device language's mathematics. Most of it is the host library's, whose last bits differ from a device's.
#pragma once

using std::abs, std::fabs, std::fma, std::fmod, std::copysign, std::nextafter, std::ldexp, std::frexp, std::modf;
using std::isnan, std::isinf, std::isfinite, std::signbit, std::logb;
using std::exp, std::exp2, std::expm1, std::log, std::log2, std::log10, std::log1p, std::pow, std::sqrt, std::cbrt;
using std::sin, std::cos, std::tan, std::asin, std::acos, std::atan, std::atan2, std::hypot;
using std::sinh, std::cosh, std::tanh, std::asinh, std::acosh, std::atanh;
using std::floor, std::ceil, std::trunc, std::rint, std::round, std::fmin, std::fmax;
using std::erf, std::erfc, std::lgamma, std::tgamma;

// min and max take two numbers of any types; of floats, the one that is not NaN.
template <class A, class B>
using hipcpu_common =
    std::enable_if_t<std::is_arithmetic<A>::value && std::is_arithmetic<B>::value, std::common_type_t<A, B>>;

template <class A, class B>
inline hipcpu_common<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point<T>::value) return std::fmin(static_cast<T>(a), static_cast<T>(b));
  else return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
}

template <class A, class B>
inline hipcpu_common<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point<T>::value) return std::fmax(static_cast<T>(a), static_cast<T>(b));
  else return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
}

inline float rsqrt(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float rsqrtf(float x) { return rsqrt(x); }
inline double sinpi(double x) {  // sin πx: first brought to between -1/2 and 1/2, where πx loses nothing
  double r = std::remainder(x, 2.0);
  if (std::fabs(r) > 0.5) r = std::copysign(1.0, r) - r;
  return std::sin(3.14159265358979323846 * r);
}
inline float sinpi(float x) { return static_cast<float>(sinpi(static_cast<double>(x))); }
inline float sinpif(float x) { return sinpi(x); }
inline double exp10(double x) { return std::pow(10.0, x); }
inline float exp10f(float x) { return std::pow(10.0f, x); }
inline double normcdf(double x) { return std::erfc(-x * 0.70710678118654752) / 2; }
inline float normcdff(float x) { return std::erfc(-x * 0.70710678f) / 2; }

// The fast and less exact forms are exact here.
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __sinf(float x) { return std::sin(x); }
inline float __cosf(float x) { return std::cos(x); }
inline float __fdividef(float x, float y) { return x / y; }

template <class T>
inline T __ldg(const T *address) { return *address; }

// -- bits ------------------------------------------------------------------------------------------------------------

inline int __popc(unsigned value) { return __builtin_popcount(value); }
inline int __popcll(unsigned long long value) { return __builtin_popcountll(value); }
inline int __clz(int value) { return value ? __builtin_clz(value) : 32; }
inline int __clzll(long long value) { return value ? __builtin_clzll(value) : 64; }
inline int __ffs(int value) { return __builtin_ffs(value); }
inline int __ffsll(long long value) { return __builtin_ffsll(value); }

inline int __float_as_int(float value) { return hipcpu_bits<int>(value); }
inline unsigned __float_as_uint(float value) { return hipcpu_bits<unsigned>(value); }
inline float __int_as_float(int bits) { return hipcpu_bits<float>(bits); }
inline float __uint_as_float(unsigned bits) { return hipcpu_bits<float>(bits); }
inline long long __double_as_longlong(double value) { return hipcpu_bits<long long>(value); }
inline double __longlong_as_double(long long bits) { return hipcpu_bits<double>(bits); }
inline int __double2hiint(double value) { return static_cast<int>(hipcpu_bits<unsigned long long>(value) >> 32); }
inline int __double2loint(double value) { return static_cast<int>(hipcpu_bits<unsigned long long>(value)); }
inline double __hiloint2double(int high, int low) {
  unsigned long long upper = static_cast<unsigned>(high), lower = static_cast<unsigned>(low);
  return hipcpu_bits<double>(upper << 32 | lower);
}
