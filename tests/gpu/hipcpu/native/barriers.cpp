// Threads that wait for each other: each thread of a block gets a stack, and one host thread hops between them.
//
// The threads take turns, in rounds. One that reaches a barrier passes its turn on, each round anew, until all living
// threads have arrived. Nothing runs at the same time, so plain reads and writes are atomic, and results are the same
// in every run.

#include <sys/mman.h>

#include <cstring>
#include <exception>
#include <vector>

#include "common.h"
#include "launch.h"

using namespace hipcpu;

// Puts the registers that a function must preserve on this stack, and takes them from the other one. It ends in a jump,
// not a return: the processor would guess, wrongly, that a return goes back to this caller.
extern "C" void hipcpu_hop(void **from, void *to);
asm(R"(
  .text
  .globl hipcpu_hop
  .hidden hipcpu_hop
  .type hipcpu_hop, @function
hipcpu_hop:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmpq *%rcx
  .size hipcpu_hop, .-hipcpu_hop
)");

namespace {

struct Thread {
  char *stack = nullptr;
  void *top;  // of the stack, while the thread does not run
  bool done;
  Dimensions index;
};

struct Barrier {
  unsigned arrived = 0, living = 0;
  unsigned long generation = 0;

  void release_if_complete() {
    if (!arrived || arrived < living) return;
    arrived = 0;
    generation++;
  }
};

constexpr size_t stack_size = 256 << 10;
constexpr size_t slot_size = 16;  // of what a lane shows its warp: up to 16 bytes

std::vector<Thread> threads;
const unsigned *turns;   // the order of a round
unsigned thread_count;   // and its length
unsigned turn, current;  // where the round is, and the thread that runs
void *scheduler;         // the stack of the one who starts the rounds
unsigned long steps;     // arrivals and exits: a round without any is a deadlock
Barrier block_barrier;
Barrier warp_barriers[most_threads / warp_size];
alignas(16) char slots[most_threads][slot_size];
std::exception_ptr fault;
Entry running_entry;
void **running_arguments;

// Runs the thread whose turn it is, or the next that still lives; at the end of the round, the scheduler.
void run_from_turn(void **from) {
  for (; turn < thread_count && !fault; turn++) {
    Thread &thread = threads[turns[turn]];
    if (thread.done) continue;
    current = turns[turn];
    threadIdx = thread.index;
    return hipcpu_hop(from, thread.top);
  }
  hipcpu_hop(from, scheduler);
}

void pass_on() {
  turn++;
  run_from_turn(&threads[current].top);
}

void wait_at(Barrier &barrier) {
  unsigned long mine = barrier.generation;
  barrier.arrived++;
  steps++;
  barrier.release_if_complete();
  while (barrier.generation == mine) pass_on();
}

// Where a thread's stack begins. It never returns: nobody hops to a thread that is done.
void thread_main() {
  try {
    running_entry(running_arguments);
  } catch (...) {
    fault = std::current_exception();
  }
  threads[current].done = true;
  steps++;
  for (Barrier *barrier : {&block_barrier, &warp_barriers[current / warp_size]}) {
    barrier->living--;
    barrier->release_if_complete();
  }
  pass_on();
  std::terminate();
}

// A stack that looks as if hipcpu_hop had been called on it, to return to the start of thread_main.
void prepare(Thread &thread) {
  if (!thread.stack) {
    int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *memory = mmap(nullptr, stack_size, PROT_READ | PROT_WRITE, kind, -1, 0);
    if (memory == MAP_FAILED) throw Fault{"no memory for the stacks of a block's threads"};
    thread.stack = static_cast<char *>(memory);
  }
  auto **top = reinterpret_cast<void **>(thread.stack + stack_size);
  *--top = nullptr;  // where thread_main would return to; it also aligns the stack
  *--top = reinterpret_cast<void *>(&thread_main);
  for (int saved = 0; saved < 6; saved++) *--top = nullptr;
  thread.top = top;
  thread.done = false;
}

}  // namespace

void hipcpu::run_block_with_barriers(Entry entry, void **arguments, const unsigned *order, unsigned count) {
  running_entry = entry;
  running_arguments = arguments;
  turns = order;
  thread_count = count;
  fault = nullptr;
  block_barrier = {0, count, 0};
  for (Barrier &barrier : warp_barriers) barrier = {};
  if (threads.size() < count) threads.resize(count);
  for (unsigned i = 0; i < count; i++) {
    prepare(threads[i]);
    threads[i].index = blockDim.at(i);
    warp_barriers[i / warp_size].living++;
  }
  while (block_barrier.living) {
    unsigned long before = steps;
    turn = 0;
    run_from_turn(&scheduler);
    if (fault) std::rethrow_exception(fault);
    if (steps == before) throw Fault{"threads wait at different barriers, for ever"};
  }
}

// -- what kernels call (`kernel.h`, `warp.h`) ------------------------------------------------------------------------

HIPCPU_API void hipcpu_fault(const char *what) { throw Fault{what}; }
HIPCPU_API void hipcpu_block_barrier() { wait_at(block_barrier); }
HIPCPU_API void hipcpu_warp_barrier() { wait_at(warp_barriers[current / warp_size]); }
HIPCPU_API unsigned hipcpu_lane() { return current % warp_size; }
HIPCPU_API void *hipcpu_slot(unsigned lane) { return slots[current / warp_size * warp_size + lane]; }

HIPCPU_API int hipcpu_lane_lives(unsigned lane) {
  unsigned thread = current / warp_size * warp_size + lane;
  return thread < thread_count && !threads[thread].done;
}
