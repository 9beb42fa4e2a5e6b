package hospital.flink;

import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.List;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.ExceptionUtils;
import org.apache.flink.util.InstantiationUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Yields no row for a record that cannot be read, and counts it in {@code skippedRecords}. */
final class SkippingDeserializer extends AbstractDeserializationSchema<RowData> {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(SkippingDeserializer.class);
    private static final int NOT_FOUND = 404;
    private static final List<Class<? extends Throwable>> UNREACHABLE =
            List.of(SocketException.class, SocketTimeoutException.class, UnknownHostException.class);

    private final DeserializationSchema<RowData> unused;
    private final int[] fields;
    private final int absent;
    private transient InitializationContext context;
    private transient DeserializationSchema<RowData> avro;
    private transient Counter skipped;

    /**
     * {@code fields}: the positions in the row of the values that {@code avro} yields. {@code absent}:
     * the position of the column {@code __absent}, -1 without one.
     */
    SkippingDeserializer(
            DeserializationSchema<RowData> avro, int[] fields, int absent, TypeInformation<RowData> type) {
        super(type);
        this.unused = avro;
        this.fields = fields;
        this.absent = absent;
    }

    @Override
    public void open(InitializationContext context) throws Exception {
        this.context = context;
        skipped = context.getMetricGroup().counter("skippedRecords");
        renew();
    }

    /** Opens a new decoder. The one that failed still holds the rest of the damaged record. */
    private void renew() throws IOException {
        try {
            avro = InstantiationUtil.clone(unused);
            avro.open(context);
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    @Override
    public RowData deserialize(byte[] message) throws IOException {
        if (message == null) {
            return absent < 0 ? null : row(null);
        }
        RowData value;
        try {
            value = avro.deserialize(message);
        } catch (IOException | RuntimeException e) {
            if (isOfRegistry(e)) {
                throw e;
            }
            if (skipped.getCount() == 0) {
                LOG.warn("Skipped a record that cannot be read; further ones are only counted", e);
            }
            skipped.inc();
            renew();
            return null;
        }
        return absent < 0 ? value : row((GenericRowData) value);
    }

    private RowData row(GenericRowData value) {
        GenericRowData row = new GenericRowData(fields.length + 1);
        row.setField(absent, value == null);
        for (int i = 0; value != null && i < fields.length; i++) {
            row.setField(fields[i], value.getField(i));
        }
        return row;
    }

    /** Whether the registry failed, not the record. Then the record can be read later. */
    private static boolean isOfRegistry(Exception failure) {
        return ExceptionUtils.findThrowable(failure, RestClientException.class)
                        .filter(answer -> answer.getStatus() != NOT_FOUND)
                        .isPresent()
                || UNREACHABLE.stream().anyMatch(kind -> ExceptionUtils.findThrowable(failure, kind).isPresent());
    }
}
