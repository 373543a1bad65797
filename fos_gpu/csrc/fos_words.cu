// The random words of a tensor. All arithmetic is in fos_training.h.
#include "fos_training.h"

using namespace fos;

// out (rows, groups): one thread a word.
extern "C" __global__ void __launch_bounds__(128)
    fos_random_words(int map, long long rows, long long cols, unsigned long long seed, unsigned long long offset,
                     int rounds, int choice, int tile_tokens, int tile_features, long long groups, u32* out) {
  long long i = blockIdx.x * 128ll + threadIdx.x;
  if (i >= rows * groups) return;
  Request q = {static_cast<Map>(map), rows, cols, seed, offset, rounds, choice, tile_tokens, tile_features};
  out[i] = word_of(q, i / groups, i % groups);
}
