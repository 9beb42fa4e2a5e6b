package hospital.spark;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.api.java.UDF3;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;

/**
 * A raw record's Avro data under its topic's contract, whatever version of the schema its producer
 * wrote it under. The record names that version by its id, in Confluent's wire format.
 *
 * <p>It takes the record's value, partition and offset. It returns null if nobody has registered the
 * id, and no bytes if they cannot be read as the contract says.
 */
public final class Payload implements UDF3<byte[], Integer, Long, byte[]> {
    private static final long serialVersionUID = 1L;
    private static final byte[] UNREADABLE = {};

    private final String topic;
    private final String subject;
    private final Map<String, String> registry;
    private final String contract;
    private final Map<Integer, String> known;
    private final Map<String, String> kafka;
    private final String group;
    private transient Writers writers;

    /**
     * {@code known}: schemas of the subject, by id. The registry is asked for all others, unless
     * it is null; its settings are those of {@link Registry}. {@code group}: the consumer group that gets the positions of the records
     * that have passed, by a client with the properties {@code kafka}; null: none does.
     */
    public Payload(
            String topic,
            String subject,
            String contract,
            Map<Integer, String> known,
            Map<String, String> registry,
            Map<String, String> kafka,
            String group) {
        this.topic = topic;
        this.subject = subject;
        this.contract = contract;
        this.known = Map.copyOf(known);
        this.registry = registry == null ? null : Map.copyOf(registry);
        this.kafka = Map.copyOf(kafka);
        this.group = group;
    }

    /** As a function of Spark, which calls it once for each record, however often its result is used. */
    public UserDefinedFunction function() {
        return functions.udf(this, DataTypes.BinaryType).asNondeterministic();
    }

    @Override
    public byte[] call(byte[] value, Integer partition, Long offset) throws InterruptedException {
        if (group != null) {
            Positions.of(kafka, group).passed(topic, partition, offset);
        }
        if (!Wire.isFramed(value)) {
            return UNREADABLE;
        }
        Optional<Writers.Writer> writer = writers().of(Wire.id(value));
        if (writer.isEmpty()) {
            return null;
        }
        try {
            return writer.get().payload(value);
        } catch (IOException | RuntimeException e) {
            // Avro throws anything on damaged bytes, IndexOutOfBoundsException for one.
            return UNREADABLE;
        }
    }

    private Writers writers() {
        if (writers == null) {
            writers = new Writers(contract, known, registry == null ? null : new Registry(registry, subject));
        }
        return writers;
    }
}
