package hospital.datagen;

import io.apicurio.registry.utils.converter.avro.AvroData;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.avro.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/** Writes the records of one {@link RecordSource}. It resumes from its source offsets. */
public final class DatagenTask extends SourceTask {
  // Names of the headers and of the source offsets, as in Confluent's connector.
  static final String TASK_ID = "task.id";
  static final String TASK_GENERATION = "task.generation";
  static final String CURRENT_ITERATION = "current.iteration";
  static final String RANDOM_SEED = "random.seed";

  private static final int MAX_BATCH = 2000;
  private static final int SCHEMA_CACHE = 16;
  private static final long MAX_WAIT_MS = 500;

  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AvroData avroData = new AvroData(SCHEMA_CACHE);
  private DatagenConfig config;
  private Map<String, ?> partition;
  private Schema schema;
  private RecordSource records;
  private Pace pace;
  private int id;
  private long generation;

  static Map<String, String> config(Map<String, String> connectorProps, int id) {
    Map<String, String> props = new HashMap<>(connectorProps);
    props.put(TASK_ID, Integer.toString(id));
    return props;
  }

  @Override
  public String version() {
    return new DatagenConnector().version();
  }

  @Override
  public void start(Map<String, String> props) {
    config = new DatagenConfig(props);
    id = Integer.parseInt(props.get(TASK_ID));
    partition = Map.of(TASK_ID, id);
    schema = config.schema();
    pace = new Pace(config.maxIntervalMs(), System.nanoTime());
    Map<String, Object> offset = context.offsetStorageReader().offset(partition);
    if (offset == null) {
      records = RecordSource.start(schema, config.randomSeed().orElseGet(new Random()::nextLong) + id);
    } else {
      generation = (Long) offset.get(TASK_GENERATION) + 1;
      records =
          RecordSource.resume(
              schema, (Long) offset.get(CURRENT_ITERATION), (Long) offset.get(RANDOM_SEED));
    }
  }

  @Override
  public List<SourceRecord> poll() throws InterruptedException {
    long left = config.iterations() < 1 ? MAX_BATCH : config.iterations() - records.iteration();
    if (left <= 0) {
      // Confluent's connector stops in the same way, with the same message.
      throw new ConnectException(
          String.format(
              "Stopping connector: generated the configured %d number of messages",
              config.iterations()));
    }
    int due = pace.take(System.nanoTime(), (int) Math.min(left, MAX_BATCH));
    if (due == 0) {
      long waitNs = Math.min(pace.waitNs(System.nanoTime()), TimeUnit.MILLISECONDS.toNanos(MAX_WAIT_MS));
      stopped.await(waitNs, TimeUnit.NANOSECONDS);
      return null;
    }
    List<SourceRecord> batch = new ArrayList<>(due);
    for (int i = 0; i < due; i++) {
      batch.add(nextRecord());
    }
    return batch;
  }

  @Override
  public void stop() {
    stopped.countDown();
  }

  private SourceRecord nextRecord() {
    long iteration = records.iteration();
    SchemaAndValue value = avroData.toConnectData(schema, records.next());
    SchemaAndValue key = key((Struct) value.value());
    Map<String, Object> offset =
        Map.of(
            TASK_GENERATION, generation,
            CURRENT_ITERATION, records.iteration(),
            RANDOM_SEED, records.seed());
    ConnectHeaders headers = new ConnectHeaders();
    headers.addLong(TASK_GENERATION, generation);
    headers.addLong(TASK_ID, id);
    headers.addLong(CURRENT_ITERATION, iteration);
    return new SourceRecord(
        partition, offset, config.topic(), null,
        key.schema(), key.value(), value.schema(), value.value(), null, headers);
  }

  private SchemaAndValue key(Struct value) {
    if (config.keyField().isEmpty()) {
      return SchemaAndValue.NULL;
    }
    return new SchemaAndValue(
        value.schema().field(config.keyField()).schema(), value.get(config.keyField()));
  }
}
