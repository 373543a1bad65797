// Training's arithmetic on the host: loops around fos_training.h, called through ctypes. No arithmetic here.
#include "fos_training.h"

using namespace fos;

namespace {

template <Order kOrder, bool kNarrow>
void rotate_all(const float* x, float* y, long long blocks, u32 signs, bool inverse) {
  for (long long b = 0; b < blocks; b++) {
    float v[kRotated];
    for (int i = 0; i < kRotated; i++) v[i] = x[kRotated * b + i];
    rotate<kOrder, kNarrow>(v, signs, inverse);
    for (int i = 0; i < kRotated; i++) y[kRotated * b + i] = v[i];
  }
}

template <bool kNarrow>
void rotate_by(int order, const float* x, float* y, long long blocks, u32 signs, bool inverse) {
  switch (static_cast<Order>(order)) {
    case Order::exact: return rotate_all<Order::exact, kNarrow>(x, y, blocks, signs, inverse);
    case Order::sequential: return rotate_all<Order::sequential, kNarrow>(x, y, blocks, signs, inverse);
    case Order::sum_then_scale: return rotate_all<Order::sum_then_scale, kNarrow>(x, y, blocks, signs, inverse);
    case Order::fwht: return rotate_all<Order::fwht, kNarrow>(x, y, blocks, signs, inverse);
  }
}

}  // namespace

extern "C" void fos_philox(const u32* counters, const u64* keys, int rounds, long long n, u32* out) {
  for (long long i = 0; i < n; i++) {
    Four four = philox4x32({{counters[4 * i], counters[4 * i + 1], counters[4 * i + 2], counters[4 * i + 3]}}, keys[i], rounds);
    for (int k = 0; k < 4; k++) out[4 * i + k] = four.word[k];
  }
}

// Rows `from` to `from` + n of the words of a tensor, out (n, groups).
extern "C" void fos_words(int map, long long rows, long long cols, u64 seed, u64 offset, int rounds, int choice,
                          int tile_tokens, int tile_features, long long from, long long n, long long groups, u32* out) {
  Request q = {static_cast<Map>(map), rows, cols, seed, offset, rounds, choice, tile_tokens, tile_features};
  for (long long i = 0; i < n * groups; i++) out[i] = word_of(q, from + i / groups, i % groups);
}

extern "C" void fos_deal(int feed, const u32* words, long long n, u32* out) {
  Feed f = static_cast<Feed>(feed);
  int served = elements_of(f);
  for (long long i = 0; i < n * served; i++) out[i] = dealt(words[i / served], f, static_cast<int>(i % served));
}

// Every value with each of its `draws` random numbers: out (n, draws).
extern "C" void fos_rounded_by_rule(int rule, int bits, int e4m3, const float* y, long long n, const u32* random,
                                    long long draws, u8* out) {
  Target to = e4m3 != 0 ? kE4M3 : kE2M1;
  for (long long i = 0; i < n; i++)
    for (long long k = 0; k < draws; k++)
      out[i * draws + k] = static_cast<u8>(stochastic_code(y[i], random[k], static_cast<Rule>(rule), bits, to));
}

// which: the rounders of programs, in the order of fos_gpu.build.training.PROGRAMS.
extern "C" void fos_rounded_by_program(int which, const float* y, long long n, const u32* random, u8* out) {
  for (long long i = 0; i < n; i++) {
    u32 code = which == 0   ? te_software(y[i], random[i])
               : which == 1 ? fouroversix_torch(y[i], torch_uniform(random[i]))
               : which == 2 ? quartet2_simulator(y[i], triton_uniform(random[i]))
               : which == 3 ? quartet2_scale(y[i], random[i])
                            : quartet2_simulator_scale(y[i], triton_uniform(random[i]));
    out[i] = static_cast<u8>(code);
  }
}

extern "C" void fos_rotate(int order, int narrow, const float* x, long long blocks, u32 signs, int inverse, float* y) {
  if (narrow != 0) rotate_by<true>(order, x, y, blocks, signs, inverse != 0);
  else rotate_by<false>(order, x, y, blocks, signs, inverse != 0);
}

extern "C" void fos_eden_blocks(const float* y, long long blocks, u32* codes, float* scales) {
  for (long long b = 0; b < blocks; b++) {
    float v[16];
    for (int i = 0; i < 16; i++) v[i] = y[16 * b + i];
    Eden e = eden_block(v);
    codes[2 * b] = e.word[0];
    codes[2 * b + 1] = e.word[1];
    scales[b] = e.scale;
  }
}

extern "C" void fos_eden_groups(const float* y, long long groups, float most, const u32* words, u32* codes,
                                float* scales, u8* bytes) {
  float tensor_scale = group_tensor_scale(most);
  for (long long g = 0; g < groups; g++) {
    EdenGroup found = eden_group([&](int i) { return y[kGroup * g + i]; }, tensor_scale);
    for (int i = 0; i < kGroup / 8; i++) codes[kGroup / 8 * g + i] = found.word[i];
    for (int b = 0; b < kGroupBlocks; b++) {
      long long block = kGroupBlocks * g + b;
      scales[block] = found.scale[b];
      bytes[block] = static_cast<u8>(group_scale_byte(found.scale[b], words[block]));
    }
  }
}

extern "C" float fos_group_tensor_scale(float most) { return group_tensor_scale(most); }

extern "C" void fos_eden_scales(const float* scales, long long blocks, const float* most, const u32* noise, u8* out) {
  float tensor_scale = eden_tensor_scale(*most);
  for (long long b = 0; b < blocks; b++) out[b] = static_cast<u8>(eden_scale_byte(scales[b], tensor_scale, noise[b]));
}
