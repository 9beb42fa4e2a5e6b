package hospital.spark;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** The schemas that a topic's producers write under, by id. Not for several threads. */
final class Writers {
    private static final System.Logger LOG = System.getLogger(Writers.class.getName());

    /**
     * For so long is the registry not asked again for an id that is not registered. A record whose schema
     * is registered within that time after garbage with its id is rejected.
     */
    private static final long UNKNOWN_FOR_NS = 200_000_000L;

    private static final int MOST_UNKNOWN = 10_000;

    private final Schema contract;
    private final Registry registry;
    private final Map<Integer, Writer> known = new HashMap<>();
    private final Map<Integer, Long> unknownSince = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Long> eldest) {
            return size() > MOST_UNKNOWN;
        }
    };

    Writers(String contract, Map<Integer, String> known, Registry registry) {
        this.contract = parsed(contract);
        this.registry = registry;
        known.forEach(this::add);
    }

    Optional<Writer> of(int id) throws InterruptedException {
        Writer writer = known.get(id);
        if (writer == null && registry != null && !isUnknown(id)) {
            registry.versions().forEach(this::add);
            writer = known.get(id);
            if (writer == null) {
                unknownSince.put(id, System.nanoTime());
            }
        }
        return Optional.ofNullable(writer);
    }

    private boolean isUnknown(int id) {
        Long since = unknownSince.get(id);
        if (since != null && System.nanoTime() - since > UNKNOWN_FOR_NS) {
            unknownSince.remove(id);
            return false;
        }
        return since != null;
    }

    private void add(int id, String schema) {
        known.computeIfAbsent(id, number -> writer(number, schema));
    }

    private Writer writer(int id, String schema) {
        try {
            return new Writer(parsed(schema), contract);
        } catch (RuntimeException e) {
            // It has references to other subjects, perhaps. Only its own records cannot be read.
            LOG.log(System.Logger.Level.WARNING, "the schema with the id " + id + " cannot be read", e);
            return null;
        }
    }

    private static Schema parsed(String schema) {
        return new Schema.Parser().parse(schema);
    }

    /** One version of the schema. */
    static final class Writer {
        private final boolean isContract;
        private final GenericDatumReader<Object> reader;
        private final GenericDatumWriter<Object> writer;
        private BinaryDecoder decoder;

        Writer(Schema schema, Schema contract) {
            isContract = schema.equals(contract);
            reader = new GenericDatumReader<>(schema, contract);
            writer = new GenericDatumWriter<>(contract);
        }

        /** The Avro data of a value, under the contract. */
        byte[] payload(byte[] value) throws IOException {
            if (isContract) {
                return Arrays.copyOfRange(value, Wire.HEADER_BYTES, value.length);
            }
            int length = value.length - Wire.HEADER_BYTES;
            decoder = DecoderFactory.get().binaryDecoder(value, Wire.HEADER_BYTES, length, decoder);
            var bytes = new ByteArrayOutputStream(length);
            var encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
            writer.write(reader.read(null, decoder), encoder);
            return bytes.toByteArray();
        }
    }
}
