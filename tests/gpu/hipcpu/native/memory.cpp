// Device memory is host memory that was allocated here; a table tells the two apart, as a driver would.

#include <cstdlib>
#include <cstring>
#include <map>

#include "common.h"

using namespace hipcpu;

static const size_t capacity = size_t(4) << 30;
static size_t used = 0;
static std::map<uintptr_t, size_t> allocations;  // address and size of each

static bool on_device(const void *pointer) {
  auto address = reinterpret_cast<uintptr_t>(pointer);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return false;
  auto [start, size] = *--after;
  return address < start + size;
}

// -- allocation ------------------------------------------------------------------------------------------------------

HIPCPU_API int hipMalloc(void **pointer, size_t size) {
  Locked locked(device_lock);
  *pointer = nullptr;
  size = size ? size : 1;
  if (size > capacity - used || posix_memalign(pointer, 512, size)) return out_of_memory;
  memset(*pointer, 0xA5, size);  // memory that nobody has written must not pass for zeros
  allocations[reinterpret_cast<uintptr_t>(*pointer)] = size;
  used += size;
  counters.allocations++;
  return success;
}

HIPCPU_API int hipFree(void *pointer) {
  Locked locked(device_lock);
  if (!pointer) return success;
  auto found = allocations.find(reinterpret_cast<uintptr_t>(pointer));
  if (found == allocations.end()) return invalid_value;
  used -= found->second;
  allocations.erase(found);
  free(pointer);
  return success;
}

HIPCPU_API int hipMallocManaged(void **pointer, size_t size, unsigned) { return hipMalloc(pointer, size); }
HIPCPU_API int hipMemAdvise(const void *, size_t, int, int) { return success; }
HIPCPU_API int hipMemPrefetchAsync(const void *, size_t, int, void *) { return success; }

// Pinned memory is the host's: it is not in the table.
HIPCPU_API int hipHostMalloc(void **pointer, size_t size, unsigned) {
  return posix_memalign(pointer, 512, size ? size : 1) ? out_of_memory : success;
}

HIPCPU_API int hipHostFree(void *pointer) {
  free(pointer);
  return success;
}

HIPCPU_API int hipMemGetInfo(size_t *available, size_t *total) {
  Locked locked(device_lock);
  *available = capacity - used;
  *total = capacity;
  return success;
}

struct PointerAttributes {
  int type;  // 0: host, 1: device
  int device;
  void *device_pointer, *host_pointer;
  int managed;
  unsigned flags;
};

HIPCPU_API int hipPointerGetAttributes(PointerAttributes *attributes, const void *pointer) {
  Locked locked(device_lock);
  *attributes = {};
  attributes->type = on_device(pointer);
  attributes->device_pointer = attributes->host_pointer = const_cast<void *>(pointer);
  return success;
}

// -- copies ----------------------------------------------------------------------------------------------------------

// Counts the copy by where its ends are, and does it.
static bool copy(void *to, const void *from, size_t size) {
  Locked locked(device_lock);
  bool to_device = on_device(to), from_device = on_device(from);
  if (to_device && from_device) counters.device_copies++;
  else if (to_device) counters.uploads++;
  else if (from_device) counters.downloads++;
  memmove(to, from, size);
  return to_device != from_device;
}

// Without "Async", a copy between host and device returns when it is done: the host waits.
HIPCPU_API int hipMemcpy(void *to, const void *from, size_t size, int) {
  bool crosses = copy(to, from, size);
  return crosses ? wait_for_device() : take_pending_error();
}

HIPCPU_API int hipMemcpyAsync(void *to, const void *from, size_t size, int, void *) {
  if (Error error = take_pending_error()) return error;
  copy(to, from, size);
  return success;
}

HIPCPU_API int hipMemcpyPeer(void *to, int, const void *from, int, size_t size) {
  return hipMemcpy(to, from, size, 0);
}

HIPCPU_API int hipMemcpyPeerAsync(void *to, int, const void *from, int, size_t size, void *stream) {
  return hipMemcpyAsync(to, from, size, 0, stream);
}

HIPCPU_API int hipMemsetAsync(void *to, int value, size_t size, void *) {
  Locked locked(device_lock);
  counters.fills++;
  memset(to, value, size);
  return success;
}

HIPCPU_API int hipMemset(void *to, int value, size_t size) { return hipMemsetAsync(to, value, size, nullptr); }
