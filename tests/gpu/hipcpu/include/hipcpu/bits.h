// The bits of floating-point numbers, and conversions of the 16-bit formats. For kernels and for the runtime's BLAS.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

template <class To, class From>
inline To hipcpu_bits(From value) {
  static_assert(sizeof(To) == sizeof(From), "as many bits on both sides");
  To out;
  std::memcpy(&out, &value, sizeof out);
  return out;
}

// float16: sign, 5 bits of exponent, 10 of fraction. Rounds to nearest, ties to even.
inline uint16_t hipcpu_float_to_half(float value) {
  uint32_t bits = hipcpu_bits<uint32_t>(value), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;   // NaN
  if (size >= 0x47800000) return sign | 0x7c00;  // 65536 and more: infinity
  if (size < 0x38800000) {                       // below 2^-14, float16 counts in steps of 2^-24
    return sign | static_cast<uint32_t>(std::nearbyint(hipcpu_bits<float>(size) * 0x1p24f));
  }
  uint32_t rebased = size - (112u << 23);  // the exponents' offsets are 127 and 15
  return sign | (rebased + 0xfff + (rebased >> 13 & 1)) >> 13;
}

inline float hipcpu_half_to_float(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 0) return std::copysign(fraction * 0x1p-24f, hipcpu_bits<float>(sign));
  if (exponent == 31) return hipcpu_bits<float>(sign | 0x7f800000 | fraction << 13);
  return hipcpu_bits<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

// bfloat16: the upper half of a float32.
inline uint16_t hipcpu_float_to_bfloat16(float value) {
  uint32_t bits = hipcpu_bits<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return bits >> 16 | 64;  // stays NaN
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

inline float hipcpu_bfloat16_to_float(uint16_t bits) { return hipcpu_bits<float>(uint32_t(bits) << 16); }
