package hospital.datagen;

import java.util.Random;

/** When records are due: pauses uniform over [0, maxIntervalMs), or no pause at all. */
final class Pace {
  private static final long MAX_BACKLOG_NS = 1_000_000_000L;

  private final long maxIntervalNs;
  private final Random random = new Random();
  private long nextNs;

  Pace(long maxIntervalMs, long nowNs) {
    this.maxIntervalNs = maxIntervalMs * 1_000_000;
    this.nextNs = nowNs + pauseNs();
  }

  /** How many of at most {@code limit} records are due at {@code nowNs}; takes them. */
  int take(long nowNs, int limit) {
    if (maxIntervalNs == 0) {
      return limit;
    }
    // After a standstill (a paused connector, a sleeping laptop) go on at the pace, without a flood.
    nextNs = Math.max(nextNs, nowNs - MAX_BACKLOG_NS);
    int due = 0;
    while (due < limit && nextNs <= nowNs) {
      nextNs += pauseNs();
      due++;
    }
    return due;
  }

  long waitNs(long nowNs) {
    return Math.max(0, nextNs - nowNs);
  }

  private long pauseNs() {
    return (long) (maxIntervalNs * random.nextDouble());
  }
}
