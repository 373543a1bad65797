// The generators of random words: Philox4x32 of any number of rounds, and the finalizer of MurmurHash3.
#if defined(__CUDACC_RTC__) || defined(__CUDACC__)
#define FOS_LOOP _Pragma("unroll 1")
#else
#define FOS_LOOP
#endif

namespace fos {

using u64 = unsigned long long;

struct Four {
  u32 word[4];
};

FOS_HD u32 high_of(u64 v) { return static_cast<u32>(v >> 32); }
FOS_HD u32 low_of(u64 v) { return static_cast<u32>(v); }

FOS_HD Four philox4x32(Four c, u64 key, int rounds) {
  u32 k0 = low_of(key), k1 = high_of(key);
  for (int i = 0; i < rounds; i++) {
    u64 first = u64{0xD2511F53u} * c.word[0], second = u64{0xCD9E8D57u} * c.word[2];
    c = {{high_of(second) ^ c.word[1] ^ k0, low_of(second), high_of(first) ^ c.word[3] ^ k1, low_of(first)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

FOS_HD u32 murmur3_finalizer(u32 v) {
  v = (v ^ (v >> 16)) * 0x85EBCA6Bu;
  v = (v ^ (v >> 13)) * 0xC2B2AE35u;
  return v ^ (v >> 16);
}

}  // namespace fos
