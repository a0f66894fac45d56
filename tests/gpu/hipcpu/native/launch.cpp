// Loading compiled kernels and launching them: a grid is a loop over blocks, a block a loop over threads.
//
// A device promises no order among blocks, nor among threads between two barriers. So the order here can be shuffled:
// results that change under it are wrong on a device.

#include <cxxabi.h>
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <unordered_map>
#include <vector>

#include "common.h"
#include "compiler.h"
#include "launch.h"

using namespace hipcpu;

__attribute__((visibility("default"))) Dimensions threadIdx, blockIdx, blockDim, gridDim;
HIPCPU_API void *hipcpu_dynamic_shared;
void *hipcpu_dynamic_shared;

// -- modules ---------------------------------------------------------------------------------------------------------

struct Module {
  void *library;
  bool has_barriers;
};

struct Function {
  Entry entry;
  bool has_barriers;
  std::string name;
};

// dlopen wants a file, so the library becomes one for a moment.
HIPCPU_API int hipModuleLoadData(void **module, const void *data) {
  Image image;
  if (!read_image(data, &image)) {
    set_pending_error(success, "not a kernel that this build of the CPU stand-in has compiled");
    return invalid_image;
  }
  save_source(image);
  std::string file = write_library(image);
  void *library = file.empty() ? nullptr : dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) set_pending_error(success, file.empty() ? "no room for files in the cache" : dlerror());
  unlink(file.c_str());
  if (!library) return invalid_image;
  *module = new Module{library, dlsym(library, "hipcpu_has_barriers") != nullptr};
  return success;
}

// The library stays loaded: functions of it may still be known to CuPy.
HIPCPU_API int hipModuleUnload(void *module) {
  delete static_cast<Module *>(module);
  return success;
}

HIPCPU_API int hipModuleGetFunction(void **function, void *module, const char *name) {
  auto *from = static_cast<Module *>(module);
  void *entry = dlsym(from->library, (std::string("hipcpu_entry_") + name).c_str());
  if (!entry) return not_found;
  *function = new Function{reinterpret_cast<Entry>(entry), from->has_barriers, name};
  return success;
}

HIPCPU_API int hipModuleGetGlobal(void **pointer, size_t *size, void *module, const char *name) {
  *pointer = dlsym(static_cast<Module *>(module)->library, name);
  *size = 0;
  return *pointer ? success : not_found;
}

HIPCPU_API int hipFuncGetAttribute(int *value, int, void *) {
  *value = most_threads;
  return success;
}

// -- order -----------------------------------------------------------------------------------------------------------

static bool shuffled = false;
static std::mt19937_64 shuffler;

HIPCPU_API void hipcpu_shuffle(int on, unsigned long long seed) {
  Locked locked(device_lock);
  shuffled = on;
  shuffler.seed(seed);
}

// The order of `count` blocks or threads: 0, 1, 2 ... unless shuffled, and then a new one each time.
class Turns {
 public:
  const unsigned *of(size_t count) {
    if (shuffled || !in_order || order.size() < count) {
      order.resize(count);
      std::iota(order.begin(), order.end(), 0u);
      if (shuffled) std::shuffle(order.begin(), order.end(), shuffler);
      in_order = !shuffled;
    }
    return order.data();
  }

 private:
  std::vector<unsigned> order;
  bool in_order = false;
};

// -- launching -------------------------------------------------------------------------------------------------------

HIPCPU_API int hipModuleLaunchKernel(void *handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                                     unsigned block_y, unsigned block_z, unsigned shared_bytes, void *,
                                     void **arguments, void **) {
  Locked locked(device_lock);
  if (Error error = take_pending_error()) return error;
  auto *function = static_cast<Function *>(handle);
  gridDim = {grid_x, grid_y, grid_z};
  blockDim = {block_x, block_y, block_z};
  size_t blocks = gridDim.count(), threads = blockDim.count();
  if (!blocks || !threads || threads > most_threads || shared_bytes > 64 << 10) return invalid_configuration;
  counters.launches++;
  record_launch(function->name);

  alignas(64) static char shared[64 << 10];
  hipcpu_dynamic_shared = shared;
  static Turns turns_of_blocks, turns_of_threads;
  const unsigned *block_turns = turns_of_blocks.of(blocks);
  try {
    for (size_t block = 0; block < blocks; block++) {
      blockIdx = gridDim.at(block_turns[block]);
      const unsigned *turns = turns_of_threads.of(threads);
      if (function->has_barriers) {
        run_block_with_barriers(function->entry, arguments, turns, threads);
        continue;
      }
      for (size_t thread = 0; thread < threads; thread++) {
        threadIdx = blockDim.at(turns[thread]);
        function->entry(arguments);
      }
    }
  } catch (const Fault &fault) {
    set_pending_error(assertion_failed, function->name + ": " + fault.what);
  }
  return success;
}

HIPCPU_API int hipOccupancyMaxPotentialBlockSize(int *grid, int *block, const void *, size_t, int) {
  *grid = 1;
  *block = 256;
  return success;
}

// -- kernels inside the wheel: Thrust's, CUB's, the random distributions' --------------------------------------------
//
// They exist only as GPU code. Their names are kept, so that the error can say which was wanted.

static std::unordered_map<const void *, const char *> &precompiled() {
  static std::unordered_map<const void *, const char *> names;
  return names;
}

HIPCPU_API void **__hipRegisterFatBinary(const void *) {
  static void *handle;
  return &handle;
}

HIPCPU_API void __hipUnregisterFatBinary(void **) {}

HIPCPU_API void __hipRegisterFunction(void **, const void *host_function, char *, const char *name, unsigned, void *,
                                      void *, void *, void *, int *) {
  precompiled()[host_function] = name;
}

HIPCPU_API int hipLaunchKernel(const void *host_function, Dimensions, Dimensions, void **, size_t, void *) {
  auto found = precompiled().find(host_function);
  std::string name = "unknown kernel";
  if (found != precompiled().end()) {
    int status;
    char *readable = abi::__cxa_demangle(found->second, nullptr, nullptr, &status);
    name = readable ? readable : found->second;
    free(readable);
  }
  std::string what = "GPU to run a kernel that the wheel holds compiled: " + name.substr(0, 120);
  set_pending_error(refuse(what), "the CPU stand-in has no " + what);
  return not_supported;
}

static struct {
  Dimensions grid, block;
  size_t shared_bytes;
  void *stream;
} pushed;

HIPCPU_API int __hipPushCallConfiguration(Dimensions grid, Dimensions block, size_t shared_bytes, void *stream) {
  pushed = {grid, block, shared_bytes, stream};
  return success;
}

HIPCPU_API int __hipPopCallConfiguration(Dimensions *grid, Dimensions *block, size_t *shared_bytes, void **stream) {
  *grid = pushed.grid;
  *block = pushed.block;
  *shared_bytes = pushed.shared_bytes;
  *stream = pushed.stream;
  return success;
}
