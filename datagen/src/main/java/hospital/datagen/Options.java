package hospital.datagen;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.confluent.avro.random.generator.Generator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;

/**
 * Moves a schema's lists of options into files, which the generator reads once.
 *
 * <p>The generator reads a field's annotations for every record, and Avro parses them from JSON
 * each time: with the 130 options of a laboratory test inline, that takes 90 % of the time. A
 * reference to a file is small. The options in the file are the same, in the same order.
 */
final class Options implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FEW = 4;
  // Types whose plain JSON equals Avro's JSON encoding.
  private static final Set<Schema.Type> PLAIN =
      EnumSet.of(
          Schema.Type.STRING,
          Schema.Type.INT,
          Schema.Type.LONG,
          Schema.Type.DOUBLE,
          Schema.Type.BOOLEAN);

  private final List<Path> files = new ArrayList<>();
  private final Schema schema;

  /**
   * Writes the options of the top-level fields to files. Every record has these fields, so the
   * generator has read all files after the first record.
   *
   * @throws UncheckedIOException if the temporary folder cannot be written
   */
  Options(Schema annotated) {
    try {
      JsonNode tree = JSON.readTree(annotated.toString());
      for (JsonNode field : tree.get("fields")) {
        if (isPlain(annotated.getField(field.get("name").asText()).schema())) {
          move(field.get("type"));
        }
      }
      schema = new Schema.Parser().parse(tree.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The schema with references to the files. */
  Schema schema() {
    return schema;
  }

  @Override
  public void close() {
    for (Path file : files) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    files.clear();
  }

  private static boolean isPlain(Schema type) {
    return PLAIN.contains(type.getType())
        || type.getType() == Schema.Type.RECORD
            && type.getFields().stream().allMatch(f -> PLAIN.contains(f.schema().getType()));
  }

  private void move(JsonNode type) throws IOException {
    JsonNode options = type.path(Generator.ARG_PROPERTIES_PROP).path(Generator.OPTIONS_PROP);
    if (!options.isArray() || options.size() <= FEW) {
      return;
    }
    Path file = Files.createTempFile("datagen-options-", ".json");
    files.add(file);
    file.toFile().deleteOnExit();
    Files.writeString(file, lines(options));
    ((ObjectNode) type.get(Generator.ARG_PROPERTIES_PROP))
        .set(
            Generator.OPTIONS_PROP,
            JSON.valueToTree(
                Map.of(
                    Generator.OPTIONS_PROP_FILE, file.toString(),
                    Generator.OPTIONS_PROP_ENCODING, "json")));
  }

  private static String lines(JsonNode options) throws JsonProcessingException {
    StringBuilder lines = new StringBuilder();
    for (JsonNode option : options) {
      lines.append(JSON.writeValueAsString(option)).append('\n');
    }
    return lines.toString();
  }
}
