// float16 and bfloat16 as kernels see them: 16 bits in memory, float32 in arithmetic.
#pragma once

struct __half_raw { unsigned short x; };

struct half {
  unsigned short x;

  half() = default;
  half(float value) : x(hipcpu_float_to_half(value)) {}
  half(const __half_raw &raw) : x(raw.x) {}
  explicit half(double value) : x(hipcpu_float_to_half(static_cast<float>(value))) {}
  template <class T, class = std::enable_if_t<std::is_integral<T>::value>>
  explicit half(T value) : x(hipcpu_float_to_half(static_cast<float>(value))) {}

  operator float() const { return hipcpu_half_to_float(x); }
  operator __half_raw() const { return {x}; }
};
typedef half __half;

inline float __half2float(half value) { return value; }
inline half __float2half(float value) { return half(value); }
inline unsigned short __half_as_ushort(half value) { return value.x; }
inline half __ushort_as_half(unsigned short bits) { return half(__half_raw{bits}); }
inline int __hisnan(half value) { return (value.x & 0x7fff) > 0x7c00; }
inline int __hisinf(half value) { return (value.x & 0x7fff) == 0x7c00; }

struct __hip_bfloat16 {
  unsigned short x;

  __hip_bfloat16() = default;
  __hip_bfloat16(float value) : x(hipcpu_float_to_bfloat16(value)) {}
  operator float() const { return hipcpu_bfloat16_to_float(x); }
};

inline unsigned short __bfloat16_as_ushort(__hip_bfloat16 value) { return value.x; }
inline __hip_bfloat16 __ushort_as_bfloat16(unsigned short bits) {
  __hip_bfloat16 out;
  out.x = bits;
  return out;
}
