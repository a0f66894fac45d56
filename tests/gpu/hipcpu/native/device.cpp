// The device, its errors, streams and events; and what Python asks: counters, records, the hook for waits.
//
// There is one device and it does its work at once, inside the call that asks for it. So streams and events have
// nothing to order; what remains of them is that a wait is a wait and is counted.

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common.h"

namespace hipcpu {

Counters counters;
std::recursive_mutex device_lock;

static Error pending_error = success;
static std::string explanation = "no error";  // of the last error that was made here
static bool recording = false;
static std::string record;                  // names of kernels and library calls, one a line
static int (*wait_hook)() = nullptr;        // true forbids the wait

void set_pending_error(Error error, const std::string &why) {
  Locked locked(device_lock);
  pending_error = error;
  explanation = why;
}

Error take_pending_error() {
  Locked locked(device_lock);
  Error error = pending_error;
  pending_error = success;
  return error;
}

Error refuse(const std::string &what) {
  Locked locked(device_lock);
  explanation = "the CPU stand-in has no " + what;
  return not_supported;
}

// The lock is not held: the hook takes Python's, and a thread that holds Python's may be waiting for ours.
Error wait_for_device() {
  {
    Locked locked(device_lock);
    counters.waits++;
  }
  if (wait_hook && wait_hook()) {
    Locked locked(device_lock);
    explanation = "the host would wait for the device here, which no_waits() forbids";
    return forbidden_wait;
  }
  return take_pending_error();
}

void record_launch(const std::string &name) {
  if (recording) record.append(name).append("\n");
}

void library_call(const char *name) {
  Locked locked(device_lock);
  counters.library_calls++;
  record_launch(name);
}

}  // namespace hipcpu

using namespace hipcpu;

// -- for Python ------------------------------------------------------------------------------------------------------

HIPCPU_API Counters *hipcpu_counters() { return &counters; }

HIPCPU_API void hipcpu_set_wait_hook(int (*hook)()) { wait_hook = hook; }

HIPCPU_API void hipcpu_library_call(const char *name) { library_call(name); }

// Starts or stops the record of names. It is emptied when it starts.
HIPCPU_API void hipcpu_record(int on) {
  Locked locked(device_lock);
  recording = on;
  if (on) record.clear();
}

HIPCPU_API const char *hipcpu_recorded() { return record.c_str(); }

// For the functions that no file here defines: `building.py` makes one stub for each, which calls this. Most return a
// number of their library's own, so the name goes to where it is read.
HIPCPU_API void hipcpu_refuse(const char *name) {
  refuse(name);
  fprintf(stderr, "hipcpu: %s\n", explanation.c_str());
}

// -- the device ------------------------------------------------------------------------------------------------------

HIPCPU_API int hipGetDeviceCount(int *count) { *count = 1; return success; }
HIPCPU_API int hipGetDevice(int *device) { *device = 0; return success; }
HIPCPU_API int hipSetDevice(int device) { return device == 0 ? success : invalid_device; }
HIPCPU_API int hipDriverGetVersion(int *version) { *version = 70000000; return success; }
HIPCPU_API int hipRuntimeGetVersion(int *version) { *version = 70000000; return success; }
HIPCPU_API int hipDeviceGetLimit(size_t *value, int) { *value = 0; return success; }
HIPCPU_API int hipDeviceGetByPCIBusId(int *device, const char *) { *device = 0; return success; }
HIPCPU_API int hipDeviceGetPCIBusId(char *text, int size, int) { snprintf(text, size, "0000:00:00.0"); return success; }

HIPCPU_API int hipDeviceCanAccessPeer(int *can, int, int) { *can = 0; return success; }
HIPCPU_API int hipDeviceEnablePeerAccess(int, unsigned) { return refuse("second device"); }
HIPCPU_API int hipDeviceDisablePeerAccess(int) { return refuse("second device"); }

// CuPy reads the version numbers of the device here, to name its cache files. Any constant will do.
HIPCPU_API int hipDeviceGetAttribute(int *value, int, int) { *value = 1; return success; }

// The first fields of hipDeviceProp_t; the others of its 1472 bytes are left zero.
struct DeviceProperties {
  char name[256];
  char uuid[16];
  char luid[8];
  unsigned luid_node_mask;
  size_t total_memory;
  size_t shared_memory_per_block;
  int registers_per_block;
  int warp_size;
  size_t memory_pitch;
  int threads_per_block;
  int block_size[3];
  int grid_size[3];
  int clock_rate;
  size_t constant_memory;
  int major, minor;
  size_t texture_alignment, texture_pitch_alignment;
  int device_overlap;
  int multiprocessors;
};

HIPCPU_API int hipMemGetInfo(size_t *available, size_t *total);

HIPCPU_API int hipGetDevicePropertiesR0600(void *out, int) {
  memset(out, 0, 1472);
  auto *properties = static_cast<DeviceProperties *>(out);
  size_t available;
  hipMemGetInfo(&available, &properties->total_memory);
  strcpy(properties->name, "hipcpu: the host CPU behind HIP's interface");
  properties->shared_memory_per_block = 64 << 10;
  properties->registers_per_block = 64 << 10;
  properties->warp_size = 64;
  properties->memory_pitch = 1 << 30;
  properties->threads_per_block = 1024;
  for (int axis = 0; axis < 3; axis++) {
    properties->block_size[axis] = 1024;
    properties->grid_size[axis] = 0x7fffffff;
  }
  properties->clock_rate = 1000000;
  properties->constant_memory = 64 << 10;
  properties->major = 9;
  properties->texture_alignment = properties->texture_pitch_alignment = 256;
  properties->multiprocessors = 1;
  return success;
}

// -- errors ----------------------------------------------------------------------------------------------------------

HIPCPU_API int hipGetLastError() { return take_pending_error(); }
HIPCPU_API int hipPeekAtLastError() { return pending_error; }

HIPCPU_API const char *hipGetErrorName(int error) {
  switch (error) {
    case success: return "hipSuccess";
    case invalid_value: return "hipErrorInvalidValue";
    case out_of_memory: return "hipErrorOutOfMemory";
    case invalid_configuration: return "hipErrorInvalidConfiguration";
    case invalid_device: return "hipErrorInvalidDevice";
    case invalid_image: return "hipErrorInvalidImage";
    case not_found: return "hipErrorNotFound";
    case assertion_failed: return "hipErrorAssert";
    case not_supported: return "hipErrorNotSupported";
    default: return "hipErrorUnknown";
  }
}

HIPCPU_API const char *hipGetErrorString(int error) {
  bool own = error == not_supported || error == assertion_failed || error == forbidden_wait || error == invalid_image;
  return own ? explanation.c_str() : hipGetErrorName(error);
}

// -- streams ---------------------------------------------------------------------------------------------------------

HIPCPU_API int hipDeviceSynchronize() { return wait_for_device(); }
HIPCPU_API int hipStreamSynchronize(void *) { return wait_for_device(); }

HIPCPU_API int hipStreamCreate(void **stream) { *stream = malloc(1); return success; }
HIPCPU_API int hipStreamCreateWithFlags(void **stream, unsigned) { return hipStreamCreate(stream); }
HIPCPU_API int hipStreamCreateWithPriority(void **stream, unsigned, int) { return hipStreamCreate(stream); }
HIPCPU_API int hipStreamDestroy(void *stream) { free(stream); return success; }
HIPCPU_API int hipStreamQuery(void *) { return success; }
HIPCPU_API int hipStreamWaitEvent(void *, void *, unsigned) { return success; }
HIPCPU_API int hipStreamGetFlags(void *, unsigned *flags) { *flags = 0; return success; }
HIPCPU_API int hipStreamGetPriority(void *, int *priority) { *priority = 0; return success; }
HIPCPU_API int hipGetStreamDeviceId(void *) { return 0; }

// Nothing is ever captured: hipStreamBeginCapture is refused.
HIPCPU_API int hipStreamIsCapturing(void *, int *status) { *status = 0; return success; }
HIPCPU_API int hipStreamGetCaptureInfo(void *, int *status, unsigned long long *) { *status = 0; return success; }
HIPCPU_API int hipStreamGetCaptureInfo_v2(void *, int *status, unsigned long long *, void *, void *, void *) {
  *status = 0;
  return success;
}

HIPCPU_API int hipStreamAddCallback(void *stream, void (*callback)(void *, int, void *), void *argument, unsigned) {
  callback(stream, success, argument);
  return success;
}

HIPCPU_API int hipLaunchHostFunc(void *, void (*function)(void *), void *argument) {
  function(argument);
  return success;
}

// -- events: the time at which they were recorded --------------------------------------------------------------------

HIPCPU_API int hipEventCreate(void **event) { *event = calloc(1, sizeof(double)); return success; }
HIPCPU_API int hipEventCreateWithFlags(void **event, unsigned) { return hipEventCreate(event); }
HIPCPU_API int hipEventDestroy(void *event) { free(event); return success; }
HIPCPU_API int hipEventQuery(void *) { return success; }
HIPCPU_API int hipEventSynchronize(void *) { return wait_for_device(); }

HIPCPU_API int hipEventRecord(void *event, void *) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  *static_cast<double *>(event) = now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
  return success;
}

HIPCPU_API int hipEventElapsedTime(float *milliseconds, void *start, void *end) {
  *milliseconds = static_cast<float>(*static_cast<double *>(end) - *static_cast<double *>(start));
  return success;
}

// -- profiling marks: accepted and forgotten -------------------------------------------------------------------------

HIPCPU_API int roctracer_start() { return success; }
HIPCPU_API int roctracer_stop() { return success; }
HIPCPU_API void roctxMarkA(const char *) {}
HIPCPU_API int roctxRangePushA(const char *) { return 0; }
HIPCPU_API int roctxRangePop() { return 0; }
