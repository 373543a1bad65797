// CUDA C++ kernels run by g++: the threads of a thread block take turns on one core, and change at every barrier.
//
// Each thread that is alive runs in turn up to where it waits for others. It is exact where the threads of a warp meet
// the same shuffles, votes and barriers in the same order; at __syncthreads all of the thread block wait, returned ones
// apart.
#ifndef CUDA_ON_HOST_H
#define CUDA_ON_HOST_H

#include <ucontext.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(n)
#define __shared__ static

struct uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

struct Index3 {
  unsigned x, y, z;
};
static Index3 threadIdx, blockIdx;

namespace host_cuda {

constexpr int kMost = 1024, kStack = 1 << 16;

static ucontext_t contexts[kMost], scheduler;
static char stacks[kMost][kStack];
static bool alive[kMost], slept;
static int first;  // the context of the thread block's thread 0
static unsigned slots[kMost];
static void (*body)();
static void** given;

struct Block {
  int running, arrived, barriers;
};
static Block blocks[kMost], *own = blocks;

static void enter() {
  body();
  alive[first + threadIdx.x] = false;
  own->running--;
}

static void wait() { swapcontext(&contexts[first + threadIdx.x], &scheduler); }

static void barrier() {
  Block* mine = own;
  int passed = mine->barriers;
  mine->arrived++;
  while (mine->barriers == passed) wait();
}

static void choose_block(int slot, long long group, int count) {
  own = blocks + slot;
  first = slot * count;
  blockIdx.x = static_cast<unsigned>(group);
}

static void set_up(int count) {
  *own = {count, 0, 0};
  for (int i = first; i < first + count; i++) {
    getcontext(&contexts[i]);
    contexts[i].uc_stack.ss_sp = stacks[i];
    contexts[i].uc_stack.ss_size = kStack;
    contexts[i].uc_link = &scheduler;
    makecontext(&contexts[i], enter, 0);
    alive[i] = true;
  }
}

// Runs the chosen thread block to its end, or up to where one of its threads sleeps; returns whether any is left.
static bool run_block(int count) {
  bool any = true;
  for (slept = false; any && !slept;) {
    any = false;
    for (int i = 0; i < count; i++) {
      if (!alive[first + i]) continue;
      threadIdx.x = i;
      swapcontext(&scheduler, &contexts[first + i]);
      any = any || alive[first + i];
    }
    if (own->arrived == own->running) {  // between two rounds, so that all leave it in the same one
      own->arrived = 0;
      own->barriers++;
    }
  }
  return any;
}

// Calls kernel f with its arguments as cuLaunchKernel takes them: a pointer to each.
template <int... I>
struct Sequence {};

template <class... A, int... I>
void call(void (*f)(A...), Sequence<I...>) {
  f(*static_cast<A*>(given[I])...);
}

template <class... A>
void call(void (*f)(A...)) {
  call(f, Sequence<__integer_pack(sizeof...(A))...>{});
}

static void launch(void (*kernel)(), long long groups, int count, void** arguments) {
  body = kernel;
  given = arguments;
  for (long long g = 0; g < groups; g++) {
    choose_block(0, g, count);
    set_up(count);
    while (run_block(count)) {}
  }
}

// A cooperative launch: every thread block is there from the start, and they take turns where one sleeps. Shared memory
// is one for all, so none may keep a value in it while it sleeps.
[[maybe_unused]] static void launch_together(void (*kernel)(), long long groups, int count, void** arguments) {
  if (groups * count > kMost) __builtin_trap();
  body = kernel;
  given = arguments;
  for (int g = 0; g < groups; g++) {
    choose_block(g, g, count);
    set_up(count);
  }
  for (bool any = true; any;) {
    any = false;
    for (int g = 0; g < groups; g++) {
      choose_block(g, g, count);
      any = run_block(count) || any;
    }
  }
}

}  // namespace host_cuda

static inline void __syncthreads() { host_cuda::barrier(); }
static inline void __syncwarp() { host_cuda::wait(); }

static inline unsigned __shfl_xor_sync(unsigned, unsigned value, int step) {
  unsigned own = threadIdx.x;
  host_cuda::slots[own] = value;
  host_cuda::wait();
  unsigned got = host_cuda::slots[own ^ static_cast<unsigned>(step)];
  host_cuda::wait();
  return got;
}

static inline float __shfl_xor_sync(unsigned lanes, float value, int step) {
  unsigned bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  bits = __shfl_xor_sync(lanes, bits, step);
  __builtin_memcpy(&value, &bits, sizeof(bits));
  return value;
}

// All 32 threads of the warp are there.
static inline bool __any_sync(unsigned, bool value) {
  host_cuda::slots[threadIdx.x] = value;
  host_cuda::wait();
  bool any = false;
  for (unsigned i = 0; i < 32; i++) any = any || host_cuda::slots[threadIdx.x / 32 * 32 + i] != 0;
  host_cuda::wait();
  return any;
}

static inline void atomicMax(unsigned* at, unsigned value) { *at = *at < value ? value : *at; }

static inline unsigned atomicAdd(unsigned* at, unsigned value) {
  unsigned old = *at;
  *at += value;
  return old;
}
static inline unsigned atomicExch(unsigned* at, unsigned value) {
  unsigned old = *at;
  *at = value;
  return old;
}
static inline void __threadfence() {}

static inline void __nanosleep(unsigned) {
  host_cuda::slept = true;
  host_cuda::wait();
}

#endif
