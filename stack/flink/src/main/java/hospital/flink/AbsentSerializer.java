package hospital.flink;

import java.util.stream.IntStream;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;

/** Writes a null value for a row whose column {@code __absent} is true. */
final class AbsentSerializer implements SerializationSchema<RowData> {
    private static final long serialVersionUID = 1L;

    private final SerializationSchema<RowData> avro;
    private final RowData.FieldGetter[] getters;
    private final int absent;

    AbsentSerializer(SerializationSchema<RowData> avro, LogicalType row, int[] fields, int absent) {
        this.avro = avro;
        this.absent = absent;
        this.getters = IntStream.of(fields)
                .mapToObj(field -> RowData.createFieldGetter(row.getChildren().get(field), field))
                .toArray(RowData.FieldGetter[]::new);
    }

    @Override
    public void open(InitializationContext context) throws Exception {
        avro.open(context);
    }

    @Override
    public byte[] serialize(RowData row) {
        if (!row.isNullAt(absent) && row.getBoolean(absent)) {
            return null;
        }
        GenericRowData value = new GenericRowData(getters.length);
        for (int i = 0; i < getters.length; i++) {
            value.setField(i, getters[i].getFieldOrNull(row));
        }
        return avro.serialize(value);
    }
}
