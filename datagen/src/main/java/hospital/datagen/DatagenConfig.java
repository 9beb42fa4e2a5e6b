package hospital.datagen;

import java.io.File;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;

/** The connector's properties, with the names and meanings of Confluent's Datagen connector. */
final class DatagenConfig extends AbstractConfig {
  static final String TOPIC = "kafka.topic";
  static final String SCHEMA_STRING = "schema.string";
  static final String SCHEMA_FILENAME = "schema.filename";
  static final String SCHEMA_KEYFIELD = "schema.keyfield";
  static final String MAX_INTERVAL = "max.interval";
  static final String ITERATIONS = "iterations";
  static final String RANDOM_SEED = "random.seed";

  static final ConfigDef DEFINITION =
      new ConfigDef()
          .define(
              TOPIC,
              Type.STRING,
              ConfigDef.NO_DEFAULT_VALUE,
              new ConfigDef.NonEmptyString(),
              Importance.HIGH,
              "Topic to write to.")
          .define(
              SCHEMA_STRING,
              Type.STRING,
              "",
              Importance.HIGH,
              "Annotated Avro schema, as JSON. Either this or " + SCHEMA_FILENAME + ".")
          .define(
              SCHEMA_FILENAME,
              Type.STRING,
              "",
              Importance.HIGH,
              "Path, on the worker, of an annotated Avro schema. Either this or "
                  + SCHEMA_STRING
                  + ".")
          .define(
              SCHEMA_KEYFIELD,
              Type.STRING,
              "",
              Importance.HIGH,
              "Field whose value becomes the record's key. Empty: no key.")
          .define(
              MAX_INTERVAL,
              Type.LONG,
              500L,
              Range.atLeast(0),
              Importance.MEDIUM,
              "Longest pause between two records, in ms. Pauses are uniform in [0, max.interval)."
                  + " 0: as fast as possible.")
          .define(
              ITERATIONS,
              Type.LONG,
              -1L,
              Importance.MEDIUM,
              "Records that each task writes before it stops. Less than 1: no end.")
          .define(
              RANDOM_SEED,
              Type.LONG,
              null,
              Importance.LOW,
              "Seed of the random values: the same seed gives the same records.");

  DatagenConfig(Map<String, String> props) {
    super(DEFINITION, props);
  }

  String topic() {
    return getString(TOPIC);
  }

  String keyField() {
    return getString(SCHEMA_KEYFIELD);
  }

  long maxIntervalMs() {
    return getLong(MAX_INTERVAL);
  }

  long iterations() {
    return getLong(ITERATIONS);
  }

  Optional<Long> randomSeed() {
    return Optional.ofNullable(getLong(RANDOM_SEED));
  }

  /**
   * The annotated schema, from the one of the two properties that is set.
   *
   * @throws ConfigException if none or both are set, the file cannot be read, the JSON is not an
   *     Avro schema, or the schema is not a record; it names the property
   */
  Schema schema() {
    String inline = getString(SCHEMA_STRING);
    String file = getString(SCHEMA_FILENAME);
    if (inline.isEmpty() == file.isEmpty()) {
      throw new ConfigException(
          SCHEMA_STRING,
          shortened(inline),
          "set exactly one of " + SCHEMA_STRING + " and " + SCHEMA_FILENAME);
    }
    return file.isEmpty() ? parse(inline) : read(file);
  }

  private static Schema parse(String text) {
    try {
      return record(new Schema.Parser().parse(text), SCHEMA_STRING, text);
    } catch (AvroRuntimeException e) {
      throw new ConfigException(SCHEMA_STRING, shortened(text), "not an Avro schema: " + e.getMessage());
    }
  }

  private static Schema read(String file) {
    try {
      return record(new Schema.Parser().parse(new File(file)), SCHEMA_FILENAME, file);
    } catch (IOException | AvroRuntimeException e) {
      throw new ConfigException(SCHEMA_FILENAME, file, "no Avro schema can be read from this file: " + e.getMessage());
    }
  }

  private static Schema record(Schema schema, String property, String value) {
    if (schema.getType() != Schema.Type.RECORD) {
      throw new ConfigException(
          property, shortened(value), "must be a record, is a " + schema.getType().getName());
    }
    return schema;
  }

  private static String shortened(String text) {
    return text.length() <= 60 ? text : text.substring(0, 60) + "…";
  }
}
