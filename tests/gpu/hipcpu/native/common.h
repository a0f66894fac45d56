// What the files of the runtime share: error codes, counters, the pending error and the one lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

// A function that CuPy, a kernel or Python calls by its C name.
#define HIPCPU_API extern "C" __attribute__((visibility("default")))

namespace hipcpu {

// hipError_t, as far as it is used here. The numbers are part of HIP's binary interface.
enum Error : int {
  success = 0,
  invalid_value = 1,
  out_of_memory = 2,
  invalid_configuration = 9,
  invalid_device = 101,
  invalid_image = 200,
  not_found = 500,
  assertion_failed = 710,
  not_supported = 801,
  forbidden_wait = 999,  // HIP's "unknown error": no real runtime gives it for a wait
};

// What a piece of work would cost on a device. Python reads this structure: `running.py` has the same fields.
struct Counters {
  long launches;       // of kernels that CuPy compiled
  long library_calls;  // BLAS, random numbers, solvers, sorts: at least one kernel each on a device
  long uploads;        // copies from host to device
  long downloads;      // copies from device to host
  long device_copies;  // copies within the device
  long fills;          // memset
  long waits;          // times the host would have waited for the device
  long allocations;    // of device memory, after CuPy's own memory pool
  long compilations;   // kernels that went to g++, after both caches
};
extern Counters counters;

// CuPy releases Python's lock around its calls. Two Python threads must not run kernels in each other's midst.
extern std::recursive_mutex device_lock;
using Locked = std::lock_guard<std::recursive_mutex>;

// An error that belongs to work already handed over: the next call that asks gets it, as on a device.
void set_pending_error(Error error, const std::string &explanation);
Error take_pending_error();

// The error of a call that this runtime does not answer; hipGetErrorString says `what`.
Error refuse(const std::string &what);

// The host waits here. An error if Python has forbidden waits (`running.py`).
Error wait_for_device();

// A library call, counted and, while Python records, written down under its name.
void library_call(const char *name);
void record_launch(const std::string &name);

}  // namespace hipcpu
