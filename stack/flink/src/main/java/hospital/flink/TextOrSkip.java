package hospital.flink;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.metrics.Counter;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.types.DataType;

/**
 * The format of a table's key that is a plain string. It skips and counts a record without a key, as
 * ksqlDB does. Flink's {@code raw} would yield a row with the key ''.
 */
public final class TextOrSkip implements DeserializationFormatFactory {
    @Override
    public String factoryIdentifier() {
        return "text-or-skip";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of();
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    @Override
    public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        return new DecodingFormat<>() {
            @Override
            public DeserializationSchema<RowData> createRuntimeDecoder(
                    DynamicTableSource.Context runtime, DataType row) {
                return new Deserializer(runtime.createTypeInformation(row));
            }

            @Override
            public ChangelogMode getChangelogMode() {
                return ChangelogMode.insertOnly();
            }
        };
    }

    private static final class Deserializer extends AbstractDeserializationSchema<RowData> {
        private static final long serialVersionUID = 1L;

        private transient Counter skipped;

        Deserializer(TypeInformation<RowData> type) {
            super(type);
        }

        @Override
        public void open(InitializationContext context) {
            skipped = context.getMetricGroup().counter("skippedKeys");
        }

        @Override
        public RowData deserialize(byte[] message) {
            if (message == null) {
                skipped.inc();
                return null;
            }
            return GenericRowData.of(StringData.fromString(new String(message, StandardCharsets.UTF_8)));
        }
    }
}
