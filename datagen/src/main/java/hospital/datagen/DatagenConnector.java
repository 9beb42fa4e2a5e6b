package hospital.datagen;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.source.SourceConnector;

/** A source connector that generates synthetic records from an annotated Avro schema. */
public final class DatagenConnector extends SourceConnector {
  private Map<String, String> props;

  @Override
  public String version() {
    return "1.0.0";
  }

  @Override
  public ConfigDef config() {
    return DatagenConfig.DEFINITION;
  }

  @Override
  public Class<? extends Task> taskClass() {
    return DatagenTask.class;
  }

  @Override
  public void start(Map<String, String> props) {
    this.props = props;
  }

  @Override
  public List<Map<String, String>> taskConfigs(int maxTasks) {
    return IntStream.range(0, maxTasks)
        .mapToObj(id -> DatagenTask.config(props, id))
        .toList();
  }

  @Override
  public void stop() {}

  /** Also checks the schema, which a ConfigDef cannot do, and reports mistakes on its property. */
  @Override
  public Config validate(Map<String, String> props) {
    Config result = super.validate(props);
    if (result.configValues().stream().allMatch(value -> value.errorMessages().isEmpty())) {
      checkSchema(props, result);
    }
    return result;
  }

  private static void checkSchema(Map<String, String> props, Config result) {
    DatagenConfig config = new DatagenConfig(props);
    String source = config.getString(DatagenConfig.SCHEMA_FILENAME).isEmpty()
        ? DatagenConfig.SCHEMA_STRING
        : DatagenConfig.SCHEMA_FILENAME;
    try {
      Schema schema = config.schema();
      if (!config.keyField().isEmpty() && schema.getField(config.keyField()) == null) {
        addError(result, DatagenConfig.SCHEMA_KEYFIELD,
            "the schema has no field " + config.keyField() + "; it has "
                + schema.getFields().stream().map(Schema.Field::name).toList());
      }
      RecordSource.start(schema, 0L).next();
    } catch (ConfigException e) {
      addError(result, source, e.getMessage());
    } catch (RuntimeException e) {
      // The generator reports a bad annotation only when it generates the first value.
      addError(result, source, "the generator refuses it: " + e.getMessage());
    }
  }

  private static void addError(Config result, String key, String message) {
    for (ConfigValue value : result.configValues()) {
      if (value.name().equals(key)) {
        value.addErrorMessage(message);
      }
    }
  }
}
