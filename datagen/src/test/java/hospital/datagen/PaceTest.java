package hospital.datagen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PaceTest {
  private static final long SECOND_NS = 1_000_000_000L;

  @Test
  void withoutAnIntervalEverythingIsDueAtOnce() {
    assertEquals(2000, new Pace(0, 0).take(0, 2000));
  }

  @Test
  void theMeanPauseIsHalfTheInterval() {
    Pace pace = new Pace(10, 0);
    int taken = 0;
    for (long now = 0; now <= 10 * SECOND_NS; now += SECOND_NS / 100) {
      taken += pace.take(now, 2000);
    }
    assertTrue(taken > 1800 && taken < 2200, "10 s at 200 a second, took " + taken);
  }

  @Test
  void aStandstillIsNotMadeUpForByMoreThanASecond() {
    Pace pace = new Pace(10, 0);
    int taken = pace.take(3600 * SECOND_NS, 100_000);
    assertTrue(taken < 300, "an hour later: " + taken);
  }

  @Test
  void theWaitIsUntilTheNextOneIsDue() {
    Pace pace = new Pace(1000, 0);
    long wait = pace.waitNs(0);
    assertEquals(0, pace.take(wait - 1, 1));
    assertEquals(1, pace.take(wait, 1));
  }
}
