package hospital.datagen;

import java.util.Random;

/** Decides when records are due: pauses are uniform in [0, maxIntervalMs), or there are none. */
final class Pace {
  private static final long MAX_BACKLOG_NS = 1_000_000_000L;

  private final long maxIntervalNs;
  private final Random random = new Random();
  private long nextNs;

  Pace(long maxIntervalMs, long nowNs) {
    this.maxIntervalNs = maxIntervalMs * 1_000_000;
    this.nextNs = nowNs + pauseNs();
  }

  /** Takes the records that are due at {@code nowNs}, {@code limit} at most; returns how many. */
  int take(long nowNs, int limit) {
    if (maxIntervalNs == 0) {
      return limit;
    }
    // After a standstill (a paused connector, a sleeping laptop), do not catch up: keep the pace.
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
