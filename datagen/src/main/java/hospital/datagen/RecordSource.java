package hospital.datagen;

import io.confluent.avro.random.generator.Generator;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;

/**
 * An endless, resumable sequence of records.
 *
 * <p>The random generator is re-seeded after each record. So (iteration, seed) is enough to resume
 * at any point and generate the same records as an uninterrupted run.
 */
final class RecordSource {
  private final Options options;
  private final Generator generator;
  private final Random random;
  private long iteration;
  private long seed;

  private RecordSource(Schema schema, long iteration, long seed) {
    this.random = new Random(seed);
    this.iteration = iteration;
    this.seed = seed;
    this.options = new Options(schema);
    this.generator =
        new Generator.Builder()
            .schema(options.schema())
            .random(random)
            .generation(iteration)
            .build();
  }

  static RecordSource start(Schema schema, long seed) {
    return new RecordSource(schema, 0, seed);
  }

  static RecordSource resume(Schema schema, long iteration, long seed) {
    return new RecordSource(schema, iteration, seed);
  }

  GenericRecord next() {
    GenericRecord record = generate();
    seed = random.nextLong();
    random.setSeed(seed);
    iteration++;
    return record;
  }

  private GenericRecord generate() {
    try (options) {
      return (GenericRecord) generator.generate();
    }
  }

  /** The number of records generated so far, including those before a resume. */
  long iteration() {
    return iteration;
  }

  /** The seed of the next record. */
  long seed() {
    return seed;
  }
}
