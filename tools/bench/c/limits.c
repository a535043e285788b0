/* What this machine can do at most: peak f32 fused multiply-add rate and memory bandwidth.
 *
 *   cc -O3 -march=native -ffp-contract=fast -pthread limits.c -o limits && THREADS=1 ./limits
 *
 * Each thread works on its own slice; a run lasts from one barrier to the next. Prints one JSON line a limit, all rates.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

enum { RUNS = 15, MAX_THREADS = 256, WIDTH = 8, CHAINS = 12 };
static const size_t FLOATS = (size_t)1 << 26; /* 256 MiB an array: far beyond the last-level cache */
static const long FMA_STEPS = 20000000;

typedef float vec __attribute__((vector_size(WIDTH * sizeof(float))));
typedef void kernel(size_t from, size_t to);

static int threads = 1;
static float *target, *left, *right;
static volatile float sink; /* keeps results alive */
static pthread_barrier_t barrier;
static kernel *current;
static double seconds[RUNS];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static vec splat(float x) {
  vec v;
  for (int i = 0; i < WIDTH; i++) v[i] = x;
  return v;
}

/* Twelve independent chains cover latency 4 on two units. x <- 0.999 x + 0.001 converges, so nothing overflows. */
static void fma_chains(size_t from, size_t to) {
  (void)from, (void)to;
  const vec scale = splat(0.999f), shift = splat(1e-3f);
  vec x0 = splat(1), x1 = splat(2), x2 = splat(3), x3 = splat(4), x4 = splat(5), x5 = splat(6);
  vec x6 = splat(7), x7 = splat(8), x8 = splat(9), x9 = splat(10), x10 = splat(11), x11 = splat(12);
  for (long i = 0; i < FMA_STEPS; i++) {
    x0 = x0 * scale + shift, x1 = x1 * scale + shift, x2 = x2 * scale + shift, x3 = x3 * scale + shift;
    x4 = x4 * scale + shift, x5 = x5 * scale + shift, x6 = x6 * scale + shift, x7 = x7 * scale + shift;
    x8 = x8 * scale + shift, x9 = x9 * scale + shift, x10 = x10 * scale + shift, x11 = x11 * scale + shift;
  }
  vec sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11;
  sink = sum[0] + sum[WIDTH - 1];
}

static void triad(size_t from, size_t to) {
  float *restrict a = target;
  const float *restrict b = left, *restrict c = right;
  for (size_t i = from; i < to; i++) a[i] = b[i] + 3.0f * c[i];
}

#ifdef __AVX__
/* Streaming stores do not read the target first. */
static void triad_streaming(size_t from, size_t to) {
  const __m256 three = _mm256_set1_ps(3);
  for (size_t i = from; i < to; i += 8) {
    __m256 sum = _mm256_add_ps(_mm256_load_ps(left + i), _mm256_mul_ps(three, _mm256_load_ps(right + i)));
    _mm256_stream_ps(target + i, sum);
  }
  _mm_sfence();
}
#endif

static void copy(size_t from, size_t to) { memcpy(target + from, left + from, (to - from) * sizeof(float)); }

static void read_sum(size_t from, size_t to) {
  vec sum[8];
  for (int j = 0; j < 8; j++) sum[j] = splat(0);
  for (size_t i = from; i < to; i += 8 * WIDTH)
    for (int j = 0; j < 8; j++) sum[j] += *(const vec *)(left + i + (size_t)j * WIDTH);
  for (int j = 1; j < 8; j++) sum[0] += sum[j];
  sink = sum[0][0];
}

/* First touched by the thread that uses it, so that pages lie on its node. */
static void touch(size_t from, size_t to) {
  for (size_t i = from; i < to; i++) target[i] = 1, left[i] = 2, right[i] = 3;
}

static void *work(void *argument) {
  const size_t me = (size_t)(intptr_t)argument, share = FLOATS / (size_t)threads / 64 * 64;
  const size_t from = me * share, to = me + 1 == (size_t)threads ? FLOATS : from + share;
  for (int run = -1; run < RUNS; run++) { /* run -1 warms up */
    pthread_barrier_wait(&barrier);
    const double start = now();
    current(from, to);
    pthread_barrier_wait(&barrier);
    if (me == 0 && run >= 0) seconds[run] = now() - start;
  }
  return NULL;
}

static void run(kernel *k) {
  pthread_t others[MAX_THREADS];
  current = k;
  for (int t = 1; t < threads; t++) pthread_create(&others[t], NULL, work, (void *)(intptr_t)t);
  work((void *)0);
  for (int t = 1; t < threads; t++) pthread_join(others[t], NULL);
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(const char *name, kernel *k, double giga) {
  run(k);
  qsort(seconds, RUNS, sizeof *seconds, ascending);
  const double median = giga / seconds[RUNS / 2];
  printf("{\"case\":\"limits\",\"peer\":\"limits\",\"threads\":%d,\"metric\":\"%s\",\"value\":%.2f,\"unit\":\"%s\","
         "\"runs\":%d,\"min\":%.2f,\"median\":%.2f,\"max\":%.2f}\n",
         threads, name, median, k == fma_chains ? "GFLOP/s" : "GB/s", RUNS, giga / seconds[RUNS - 1], median,
         giga / seconds[0]);
  fflush(stdout);
}

int main(void) {
  const char *wish = getenv("THREADS");
  threads = wish ? atoi(wish) : 1;
  if (threads < 1 || threads > MAX_THREADS) return fprintf(stderr, "THREADS must be 1 to %d\n", MAX_THREADS), 2;
  const size_t bytes = FLOATS * sizeof(float);
  if (posix_memalign((void **)&target, 4096, bytes) || posix_memalign((void **)&left, 4096, bytes) ||
      posix_memalign((void **)&right, 4096, bytes))
    return fprintf(stderr, "no memory for three arrays of %zu bytes\n", bytes), 1;
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  run(touch);
  measure("peak-f32-fma", fma_chains, 1e-9 * (double)FMA_STEPS * CHAINS * WIDTH * 2 * threads);
  measure("stream-triad", triad, 3e-9 * (double)bytes);
#ifdef __AVX__
  measure("stream-triad-nt", triad_streaming, 3e-9 * (double)bytes);
#endif
  measure("memcpy", copy, 2e-9 * (double)bytes);
  measure("read-sum", read_sum, 1e-9 * (double)bytes);
  return 0;
}
