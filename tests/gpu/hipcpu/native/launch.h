// What launching a kernel needs to know of kernels.
#pragma once

#include <cstddef>

namespace hipcpu {

using Entry = void (*)(void **arguments);  // runs one thread of a kernel

struct Dimensions {
  unsigned x, y, z;
  size_t count() const { return size_t(x) * y * z; }
  Dimensions at(size_t index) const {
    return {unsigned(index % x), unsigned(index / x % y), unsigned(index / x / y)};
  }
};

constexpr unsigned warp_size = 64;
constexpr unsigned most_threads = 1024;

// What is thrown through a kernel to stop the launch: its assertion failed, or its threads wait for ever.
struct Fault {
  const char *what;
};

// Runs the threads of one block so that they can wait for each other. `turns` is the order in which they run.
void run_block_with_barriers(Entry entry, void **arguments, const unsigned *turns, unsigned threads);

}  // namespace hipcpu

// What a kernel reads to know which thread it is. The names are the device language's.
extern "C" hipcpu::Dimensions threadIdx, blockIdx, blockDim, gridDim;
