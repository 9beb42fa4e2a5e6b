package hospital.flink;

import java.util.Set;
import java.util.stream.IntStream;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.formats.avro.registry.confluent.RegistryAvroFormatFactory;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.Projection;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.format.EncodingFormat;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.SerializationFormatFactory;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * The format {@code avro-confluent}, but it skips and counts a record that it cannot read, as ksqlDB
 * does. Flink's own format fails the job at each restart.
 *
 * <p>A table's column {@code __absent} is true if the record's value is null. In a table without this
 * column, a record whose value is null yields no row.
 */
public final class AvroOrSkip implements DeserializationFormatFactory, SerializationFormatFactory {
    private static final String ABSENT = "__absent";

    private final RegistryAvroFormatFactory avro = new RegistryAvroFormatFactory();

    @Override
    public String factoryIdentifier() {
        return "avro-confluent-or-skip";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return avro.requiredOptions();
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return avro.optionalOptions();
    }

    @Override
    public DecodingFormat<DeserializationSchema<RowData>> createDecodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        DecodingFormat<DeserializationSchema<RowData>> format = avro.createDecodingFormat(context, new References(options));
        return new DecodingFormat<>() {
            @Override
            public DeserializationSchema<RowData> createRuntimeDecoder(
                    DynamicTableSource.Context runtime, DataType row) {
                int[] fields = avroFields(row);
                DataType contract = Projection.of(fields).project(row);
                return new SkippingDeserializer(
                        format.createRuntimeDecoder(runtime, contract),
                        fields,
                        absent(row),
                        runtime.createTypeInformation(row));
            }

            @Override
            public ChangelogMode getChangelogMode() {
                return format.getChangelogMode();
            }
        };
    }

    @Override
    public EncodingFormat<SerializationSchema<RowData>> createEncodingFormat(
            DynamicTableFactory.Context context, ReadableConfig options) {
        EncodingFormat<SerializationSchema<RowData>> format = avro.createEncodingFormat(context, new References(options));
        return new EncodingFormat<>() {
            @Override
            public SerializationSchema<RowData> createRuntimeEncoder(DynamicTableSink.Context runtime, DataType row) {
                int[] fields = avroFields(row);
                DataType contract = Projection.of(fields).project(row);
                SerializationSchema<RowData> avro = format.createRuntimeEncoder(runtime, contract);
                int absent = absent(row);
                return absent < 0 ? avro : new AbsentSerializer(avro, row.getLogicalType(), fields, absent);
            }

            @Override
            public ChangelogMode getChangelogMode() {
                return format.getChangelogMode();
            }
        };
    }

    /** The positions of the row's fields that are in the Avro record. */
    private static int[] avroFields(DataType row) {
        int absent = absent(row);
        return IntStream.range(0, DataType.getFieldCount(row)).filter(i -> i != absent).toArray();
    }

    private static int absent(DataType row) {
        int position = DataType.getFieldNames(row).indexOf(ABSENT);
        return position >= 0
                        && DataType.getFieldDataTypes(row).get(position).getLogicalType().is(LogicalTypeRoot.BOOLEAN)
                ? position
                : -1;
    }
}
