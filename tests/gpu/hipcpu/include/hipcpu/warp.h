// Threads of a warp that show each other values. Each writes to its slot, all wait, each reads the slot it wants.
//
// Masks are ignored: all living threads of the warp take part.
#pragma once

extern "C" {
void hipcpu_warp_barrier();
unsigned hipcpu_lane();
void *hipcpu_slot(unsigned lane);  // 16 bytes for each lane of this thread's warp
int hipcpu_lane_lives(unsigned lane);
}

inline void __syncwarp(unsigned long long = ~0ull) { hipcpu_warp_barrier(); }

template <class T>
inline T hipcpu_value_of_lane(T value, int lane) {
  static_assert(sizeof(T) <= 16, "a shuffle of more than 16 bytes");
  T out;
  std::memcpy(hipcpu_slot(hipcpu_lane()), &value, sizeof value);
  hipcpu_warp_barrier();
  std::memcpy(static_cast<void *>(&out), hipcpu_slot(lane), sizeof out);
  hipcpu_warp_barrier();
  return out;
}

// `width` splits the warp into groups. A lane outside of one's group is one's own.
template <class T>
inline T __shfl(T value, int lane, int width = warpSize) {
  int me = hipcpu_lane();
  return hipcpu_value_of_lane(value, (me & ~(width - 1)) + (lane & (width - 1)));
}

template <class T>
inline T __shfl_xor(T value, int mask, int width = warpSize) {
  int me = hipcpu_lane(), other = me ^ mask;
  return hipcpu_value_of_lane(value, other < ((me + width) & ~(width - 1)) ? other : me);
}

template <class T>
inline T __shfl_up(T value, unsigned distance, int width = warpSize) {
  int me = hipcpu_lane(), other = me - static_cast<int>(distance);
  return hipcpu_value_of_lane(value, other >= (me & ~(width - 1)) ? other : me);
}

template <class T>
inline T __shfl_down(T value, unsigned distance, int width = warpSize) {
  int me = hipcpu_lane(), other = me + static_cast<int>(distance);
  return hipcpu_value_of_lane(value, other < (me & ~(width - 1)) + width ? other : me);
}

template <class T>
inline T __shfl_sync(unsigned long long, T value, int lane, int width = warpSize) {
  return __shfl(value, lane, width);
}
template <class T>
inline T __shfl_xor_sync(unsigned long long, T value, int mask, int width = warpSize) {
  return __shfl_xor(value, mask, width);
}
template <class T>
inline T __shfl_up_sync(unsigned long long, T value, unsigned distance, int width = warpSize) {
  return __shfl_up(value, distance, width);
}
template <class T>
inline T __shfl_down_sync(unsigned long long, T value, unsigned distance, int width = warpSize) {
  return __shfl_down(value, distance, width);
}

// One bit for each living lane: whether its predicate is true.
inline unsigned long long __ballot(int predicate) {
  int vote = predicate != 0;
  std::memcpy(hipcpu_slot(hipcpu_lane()), &vote, sizeof vote);
  hipcpu_warp_barrier();
  unsigned long long votes = 0;
  for (unsigned lane = 0; lane < warpSize; lane++) {
    if (!hipcpu_lane_lives(lane)) continue;
    std::memcpy(&vote, hipcpu_slot(lane), sizeof vote);
    votes |= static_cast<unsigned long long>(vote) << lane;
  }
  hipcpu_warp_barrier();
  return votes;
}
inline int __any(int predicate) { return __ballot(predicate) != 0; }
inline int __all(int predicate) { return __ballot(!predicate) == 0; }
inline unsigned long long __ballot_sync(unsigned long long, int predicate) { return __ballot(predicate); }
inline int __any_sync(unsigned long long, int predicate) { return __any(predicate); }
inline int __all_sync(unsigned long long, int predicate) { return __all(predicate); }
