// The recipe on the host: loops over blocks around fos_numerics.h, called through ctypes. No arithmetic here.
// With FOS_FAST the fast path of fos_filter.h too, which says how many blocks or tiles it left to the recipe.
#if defined(FOS_FAST)
#include "fos_filter.h"
#else
#include "fos_numerics.h"
#endif

namespace {

using namespace fos;

template <Input kInput>
void read(const void* x, long long at, float (&out)[kRow]) {
  u32 words[kWords<kInput>];
  __builtin_memcpy(words, static_cast<const char*>(x) + at * sizeof(words) / kRow, sizeof(words));
  unpack<kInput>(words, out);
}

// The error of one block from the differences of its rows.
float error_of(const float (&d)[kRows][kRow]) {
  if constexpr (kRows == 1) return block_error<kRow>(d[0]);
  if constexpr (!kRowsApart) return block_error<kRows * kRow>(&d[0][0]);
  float parts[16];
  for (int i = 0; i < kRows; i++) parts[i] = block_error<kRow>(d[i]);
  return join_rows(parts);
}

// Where the results go.
struct Outputs {
  void* codes;
  u8 *bytes, *picked;
};

void write(const Outputs& out, long long block, const Codes& codes, Kept kept) {
  __builtin_memcpy(static_cast<char*>(out.codes) + block * sizeof(codes), &codes, sizeof(codes));
  out.bytes[block] = static_cast<u8>(kept.byte);
  out.picked[block] = kept.four;
}

// One block or tile: its first block of 16 in the outputs, and how far the next row's is from it.
struct Place {
  long long block, stride;
};

template <Input kInput>
void quantize_one(const void* x, Place at, Tensor t, const Outputs& out) {
  float v[kRows][kRow], d6[kRows][kRow] = {}, d4[kRows][kRow] = {};
  Codes six[kRows], four[kRows];
  u32 most = 0u;
  for (int r = 0; r < kRows; r++) {
    read<kInput>(x, (at.block + r * at.stride) * kRow, v[r]);
    most = larger(most, block_amax(v[r]));
  }
  if constexpr (kSearches) {
    Kept found = searched<kInput>(v[0], float_of(most), t, six[0]);
    return write(out, at.block, six[0], found);
  }
  Pair pair = candidates<kInput>(float_of(most), t);
  for (int r = 0; r < kRows; r++) six[r] = quantize_row<kInput>(v[r], pair.six, t, d6[r]);
  float e6 = 0.0f, e4 = 0.0f;
  if constexpr (kChooses) {
    for (int r = 0; r < kRows; r++) four[r] = quantize_row<kInput, kSecond>(v[r], pair.four, t, d4[r]);
    e6 = error_of(d6);
    e4 = error_of(d4);
  }
  Kept kept = keep(pair, e4, e6);
  for (int r = 0; r < kRows; r++) write(out, at.block + r * at.stride, kChooses && kept.second ? four[r] : six[r], kept);
}

// Calls one(place, tensor scales, row) for every block or tile; it returns how many of them it left to the recipe.
template <class One>
long long each(long long rows, long long cols, const float* scales, One one) {
  long long per_row = cols / kRow, own = kAmaxScope == AmaxScope::row ? rows : 1, count = 0;
  for (long long i = 0; i < rows / kRows * per_row; i++) {
    long long line = i / per_row, at = kAmaxScope == AmaxScope::row ? line : 0;
    Tensor t = {scales[at], scales[own + at], scales[2 * own + at]};
    count += one(Place{line * kRows * per_row + i % per_row, per_row}, t, at);
  }
  return count;
}

template <Input kInput>
void quantize(const void* x, long long rows, long long cols, const float* scales, const Outputs& out) {
  each(rows, cols, scales, [&](Place at, Tensor t, long long) {
    quantize_one<kInput>(x, at, t, out);
    return 1;
  });
}

#if defined(FOS_FAST)
// The fast path for one block or tile; false where it is left to the recipe.
template <Input kInput>
bool quantize_fast(const void* x, Place at, Tensor t, const Entry* table, const Outputs& out) {
  u32 w[kRows][kWords<kInput>], most = 0u;
  for (int r = 0; r < kRows; r++) {
    __builtin_memcpy(w[r], static_cast<const char*>(x) + (at.block + r * at.stride) * sizeof(w[r]), sizeof(w[r]));
    most = larger(most, bits_of(amax_of<kInput>(w[r])));
  }
  Scales s = scales_for<kInput>(float_of(most), t, table);
  if (is_blank(float_of(most), s, table)) {
    for (int r = 0; r < kRows; r++) write(out, at.block + r * at.stride, {{0u, 0u}}, kept_blank());
    return true;
  }
  if (!s.regular) return false;
  Side six[kRows], four[kRows], all6 = {}, all4 = {};
  for (int r = 0; r < kRows; r++) {
    round_row<kInput>(w[r], s.six, s.four, six[r], four[r]);
    all6.error = joined(all6.error, six[r].error);
    all4.error = joined(all4.error, four[r].error);
  }
  bool picks = false;
  if constexpr (kChooses) {
    if (!decide(s, all6.error, all4.error, picks)) return false;
  }
  for (int r = 0; r < kRows; r++)
    write(out, at.block + r * at.stride, codes_for<kInput>(w[r], s, t, picks, six[r], four[r]), kept_for(s, picks));
  return true;
}

template <Input kInput>
long long quantize_filtered(const void* x, long long rows, long long cols, const float* scales, const Outputs& out) {
  Entry table[kEntries];
  long long known = -1;
  return each(rows, cols, scales, [&](Place at, Tensor t, long long row) {
    if (row != known) {
      for (u32 byte = 0; byte < kEntries; byte++) table[byte] = entry_of<kInput>(byte, t);
    }
    known = row;
    if (quantize_fast<kInput>(x, at, t, table, out)) return 0;
    quantize_one<kInput>(x, at, t, out);
    return 1;
  });
}
#endif

template <Input kInput>
void amax(const void* x, long long rows, long long cols, float* out) {
  for (long long row = 0; row < rows; row++) {
    u32 most = 0u;
    for (long long i = 0; i < cols; i += kRow) {
      float v[kRow];
      read<kInput>(x, row * cols + i, v);
      most = larger(most, block_amax(v));
    }
    out[row] = float_of(most);
  }
}

template <Input kInput>
void scales_of(const float* amaxes, long long count, float* out) {
  for (long long i = 0; i < count; i++) {
    Tensor t = tensor_scales<kInput>(amaxes[i]);
    out[i] = t.amax;
    out[count + i] = t.encode;
    out[2 * count + i] = t.decode;
  }
}

}  // namespace

#define FOS_ENTRIES(kind)                                                                                       \
  extern "C" void fos_quantize_##kind(const void* x, long long rows, long long cols, const float* scales,       \
                                      void* codes, fos::u8* bytes, fos::u8* picked) {                           \
    quantize<fos::Input::kind>(x, rows, cols, scales, {codes, bytes, picked});                                  \
  }                                                                                                             \
  extern "C" void fos_amax_##kind(const void* x, long long rows, long long cols, float* out) {                  \
    amax<fos::Input::kind>(x, rows, cols, out);                                                                 \
  }                                                                                                             \
  extern "C" void fos_tensor_scales_##kind(const float* amaxes, long long count, float* out) {                  \
    scales_of<fos::Input::kind>(amaxes, count, out);                                                            \
  }

FOS_ENTRIES(float32)
FOS_ENTRIES(bfloat16)
FOS_ENTRIES(float16)

#if defined(FOS_FAST)
#define FOS_FAST_ENTRY(kind)                                                                                    \
  extern "C" long long fos_quantize_fast_##kind(const void* x, long long rows, long long cols,                  \
                                                const float* scales, void* codes, fos::u8* bytes,               \
                                                fos::u8* picked) {                                              \
    return quantize_filtered<fos::Input::kind>(x, rows, cols, scales, {codes, bytes, picked});                  \
  }

FOS_FAST_ENTRY(float32)
FOS_FAST_ENTRY(bfloat16)
FOS_FAST_ENTRY(float16)

// The parts that tests look at one by one.
extern "C" void fos_over_maximum(const float* b, long long count, float* out) {
  for (long long i = 0; i < count; i++) out[i] = fos::over_maximum(b[i]);
}

// Rounded to E2M1 by step 1 of fos_filter.h, under block scale byte `byte` and that of map-to-6, `six`.
extern "C" void fos_rounded(const float* x, long long count, const float* scales, int byte, int six, float* out) {
  fos::Tensor t = {scales[0], scales[1], scales[2]};
  fos::Entry e = fos::entry_of<fos::Input::float32>(byte, t), s = fos::entry_of<fos::Input::float32>(six, t);
  for (long long i = 0; i < count; i++) {
    float guide = fos::guide_of<fos::Input::float32>(x[i], s.least);
    out[i] = fos::rounded(fos::size_of(x[i]) * e.factor, guide, e.magic) / fos::kUnit;
  }
}

// Of blocks of 16 in a row: delta and limit of the cheap choice, the recipe's two errors; NaN where not regular.
extern "C" void fos_judged(const float* x, long long blocks, const float* scales, float* out) {
  using namespace fos;
  constexpr Input kind = Input::float32;
  Tensor t = {scales[0], scales[1], scales[2]};
  Entry table[kEntries];
  for (u32 byte = 0; byte < kEntries; byte++) table[byte] = entry_of<kind>(byte, t);
  for (long long i = 0; i < blocks; i++) {
    u32 w[kRow];
    float v[kRow], d6[kRow] = {}, d4[kRow] = {}, *found = out + 4 * i;
    __builtin_memcpy(w, x + i * kRow, sizeof(w));
    unpack<kind>(w, v);
    fos::Scales s = scales_for<kind>(amax_of<kind>(w), t, table);
    Side six, four;
    round_row<kind>(w, s.six, s.four, six, four);
    Judged judged = judge(s, six.error, four.error);
    Pair pair = candidates<kind>(float_of(block_amax(v)), t);
    quantize_row<kind>(v, pair.six, t, d6);
    quantize_row<kind>(v, pair.four, t, d4);
    found[0] = s.regular ? judged.delta : float_of(kNan);
    found[1] = judged.limit;
    found[2] = block_error<kRow>(d6);
    found[3] = block_error<kRow>(d4);
  }
}
#endif
