package hospital.datagen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.confluent.avro.random.generator.Generator;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With the repository's schemas: a resumed or optimised run generates the same records. */
class RecordSourceTest {
  private static final int RECORDS = 300;

  @ParameterizedTest
  @ValueSource(strings = {"patients", "patient_admissions", "patient_diagnoses", "patient_labs"})
  void resumesAnywhereWithTheSameRecords(String topic) throws IOException {
    Schema schema = schema(topic);
    List<GenericRecord> undisturbed = take(RecordSource.start(schema, 42), RECORDS);
    List<GenericRecord> resumed = new ArrayList<>();
    RecordSource source = RecordSource.start(schema, 42);
    for (int i = 0; i < RECORDS; i++) {
      if (i % 37 == 0) {
        source = RecordSource.resume(schema, source.iteration(), source.seed());
      }
      resumed.add(source.next());
    }
    assertEquals(texts(undisturbed), texts(resumed));
  }

  @ParameterizedTest
  @ValueSource(strings = {"patients", "patient_admissions", "patient_diagnoses", "patient_labs"})
  void optionsInFilesDrawTheSameRecordsAsOptionsInTheSchema(String topic) throws IOException {
    Schema schema = schema(topic);
    Random random = new Random(42);
    Generator inline = new Generator.Builder().schema(schema).random(random).build();
    List<String> wanted = new ArrayList<>();
    for (int i = 0; i < RECORDS; i++) {
      wanted.add(inline.generate().toString());
      random.setSeed(random.nextLong());
    }
    assertEquals(wanted, texts(take(RecordSource.start(schema, 42), RECORDS)));
  }

  @Test
  void anotherSeedDrawsOtherRecords() throws IOException {
    Schema schema = schema("patient_labs");
    assertNotEquals(
        texts(take(RecordSource.start(schema, 1), 50)),
        texts(take(RecordSource.start(schema, 2), 50)));
  }

  private static Schema schema(String topic) throws IOException {
    return new Schema.Parser().parse(new File("../schemas/" + topic + ".avsc"));
  }

  private static List<GenericRecord> take(RecordSource source, int count) {
    List<GenericRecord> records = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      records.add(source.next());
    }
    return records;
  }

  private static List<String> texts(List<GenericRecord> records) {
    return records.stream().map(Object::toString).toList();
  }
}
