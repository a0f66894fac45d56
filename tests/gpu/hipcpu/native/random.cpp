// hipRAND: the right distributions, reproducible from a seed. The bits are neither AMD's nor NVIDIA's.

#include <cmath>

#include "common.h"

using namespace hipcpu;

namespace {

enum Status : int { done = 0, odd_length = 105 };  // hiprandStatus_t

// SplitMix64 (Steele, Lea, Flood 2014).
struct Generator {
  uint64_t state;

  uint64_t bits() {
    uint64_t z = state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  double uniform() { return ((bits() >> 11) + 1) * 0x1p-53; }  // on (0, 1], as hipRAND's

  double normal() {  // Box and Muller's
    double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }
};

template <class T>
int uniform(const char *name, Generator *generator, T *out, size_t count) {
  library_call(name);
  for (size_t i = 0; i < count; i++) out[i] = static_cast<T>(generator->uniform());
  return done;
}

template <class T>
int normal(const char *name, Generator *generator, T *out, size_t count, T mean, T deviation) {
  if (count % 2) return odd_length;  // the real ones make pairs
  library_call(name);
  for (size_t i = 0; i < count; i++) out[i] = mean + deviation * static_cast<T>(generator->normal());
  return done;
}

}  // namespace

HIPCPU_API int hiprandGetVersion(int *version) { *version = 300000; return done; }
HIPCPU_API int hiprandCreateGenerator(Generator **generator, int) { *generator = new Generator{1}; return done; }
HIPCPU_API int hiprandDestroyGenerator(Generator *generator) { delete generator; return done; }
HIPCPU_API int hiprandSetStream(Generator *, void *) { return done; }
HIPCPU_API int hiprandSetGeneratorOffset(Generator *, unsigned long long) { return done; }

HIPCPU_API int hiprandSetPseudoRandomGeneratorSeed(Generator *generator, unsigned long long seed) {
  generator->state = seed;
  return done;
}

HIPCPU_API int hiprandGenerate(Generator *generator, unsigned *out, size_t count) {
  library_call("hiprandGenerate");
  for (size_t i = 0; i < count; i++) out[i] = static_cast<unsigned>(generator->bits());
  return done;
}

HIPCPU_API int hiprandGenerateUniform(Generator *generator, float *out, size_t count) {
  return uniform("hiprandGenerateUniform", generator, out, count);
}

HIPCPU_API int hiprandGenerateUniformDouble(Generator *generator, double *out, size_t count) {
  return uniform("hiprandGenerateUniformDouble", generator, out, count);
}

HIPCPU_API int hiprandGenerateNormal(Generator *generator, float *out, size_t count, float mean, float deviation) {
  return normal("hiprandGenerateNormal", generator, out, count, mean, deviation);
}

HIPCPU_API int hiprandGenerateNormalDouble(Generator *generator, double *out, size_t count, double mean,
                                           double deviation) {
  return normal("hiprandGenerateNormalDouble", generator, out, count, mean, deviation);
}
